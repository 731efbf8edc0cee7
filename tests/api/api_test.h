/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A private skepd for each test, and a client that can say anything. */
#pragma once

#include <glib.h>

#include "driver/api.h"
#include "rpc/client.h"
#include "rpc/remote.h"
#include "util/error.h"

typedef struct {
    char *dir;                  /* everything of the daemon is below it */
} Api;

void api_set_up (Api *api, gconstpointer data);
void api_tear_down (Api *api, gconstpointer data);

/* tools/private-skepd VERB DIR */
void api_daemon (Api *api, const char *verb);

/* Connected and, with @open, past CONNECT_OPEN. */
RpcConnection *api_connect (Api *api, gboolean readonly, gboolean open);

/* The test's own reading of procedures.def. */
typedef struct {
    ProcKind kind;
    ProcObject object;
    guint32 program;
    int number;
    const char *name, *public_name;
    ErrorOrigin origin;
    gboolean readonly;
    guint readonly_flags, flags_ok;
    gssize flags_at;
    gsize in_size;
    xdrproc_t in, out;
} Row;

const Row *rows_all (void);     /* ends with one that has no name */
const Row *row_find (const char *name);

/* A call of a procedure by name; @in and @out as the row has them, or NULL. */
gboolean api_call (RpcConnection *conn, const char *name, const void *in, void *out, GError **error);
/* The same with arguments that are all zero: empty strings, no optional value, no flag but @flags. */
gboolean api_call_zero (RpcConnection *conn, const Row *row, guint flags, GError **error);

/* A packet without any payload. */
gboolean api_call_bare (RpcConnection *conn, guint32 program, int number, GError **error);

void api_expect (const GError *error, ErrorCode code, ErrorOrigin origin, const char *text);
/* Fails, with this code and text (NULL: any). */
void api_call_fails (RpcConnection *conn, const char *name, const void *in, ErrorCode code,
                     const char *text);
#define api_call_works(conn, name, in, out)                                                        \
    G_STMT_START {                                                                                 \
        g_autoptr (GError) works_error = NULL;                                                     \
        gboolean works = api_call (conn, name, in, out, &works_error);                             \
        g_assert_no_error (works_error);                                                           \
        g_assert_true (works);                                                                     \
    } G_STMT_END

/* Defines a domain that would run /bin/sh in an empty root; the handle is to be cleared, g_auto (wire_domain). */
wire_domain api_define (RpcConnection *conn, Api *api, const char *name);
void api_domain_clear (wire_domain *domain);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (wire_domain, api_domain_clear)
void api_undefine (RpcConnection *conn, const wire_domain *domain);

/* ms that something may take which must come: only a failure takes them */
#define API_PATIENCE_MS (300 * 1000)

#define API_TEST(path, function) g_test_add (path, Api, NULL, api_set_up, function, api_tear_down)
