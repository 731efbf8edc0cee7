/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From packets to handlers. Each remote procedure is one row of procedures.def; everything all of them
 * share is done once, in dispatch(), in this order, which clients can observe: authenticated, open,
 * read-only, decode, flags, look-up, access, job, state, handler.
 */
#pragma once

#include <glib.h>

#include "driver/domains.h"
#include "driver/jobs.h"
#include "rpc/remote.h"         /* generated from remote.x */
#include "rpc/server.h"
#include "util/error.h"

typedef enum { ON_NOTHING, ON_CONNECT, ON_DOMAIN } ProcObject;
typedef enum { ANY_STATE, ACTIVE, INACTIVE, PERSISTENT } ProcState;
typedef enum {
    API_FAILED,                 /* error is set; dispatch answers and ends the job */
    API_DONE,                   /* out is filled */
    API_LATER,                  /* the handler owns @call and will call call_done() or call_failed() */
} ApiResult;

typedef struct Proc Proc;

/* A client as the driver sees it. */
typedef struct {
    RpcClient *rpc;             /* NULL once gone */
    gboolean authenticated, open;
    char *uri;
    GSList *callbacks;          /* event registrations: events.c */
    GSList *streams;
} Client;

typedef struct {
    const Proc *proc;
    RpcCall *rpc;
    Client *client;             /* stays valid until the call is answered */
    Domain *domain;             /* referenced; ON_DOMAIN rows only */
    Job *job;
    void *in, *out;
    GArray *reply_fds;          /* of int, closed after the reply; NULL none */
} Call;

/* For API_LATER. Both free @call. call_failed() takes the error. */
void call_done (Call *call);
void call_failed (Call *call, GError *error);

void dispatch_call (RpcCall *rpc, gpointer daemon);
void dispatch_client_new (RpcClient *rpc, gpointer daemon);
void dispatch_client_gone (RpcClient *rpc, gpointer daemon);

/* The row of a number in a program, for tests and for generated docs. */
struct Proc {
    guint32 program;
    int number;
    const char *name;           /* DOMAIN_SUSPEND */
    const char *public_name;    /* virDomainSuspend */
    ApiResult (*run) (Call *call, const void *in, void *out, GError **error);  /* NULL: known, not supported */
    xdrproc_t decode, encode;
    gsize in_size, out_size;
    gssize flags_at;            /* offset of flags in the arguments, -1 none */
    guint flags_ok;
    ProcObject object;
    gboolean readonly;          /* allowed on a read-only connection */
    guint readonly_flags;       /* flags that a read-only connection may not use */
    const char *permission;     /* "domain:write", from procedures.tsv */
    JobKind job;
    ProcState state;
    ErrorOrigin unsupported_origin;
};
const Proc *proc_find (guint32 program, int number);
const Proc *proc_table (guint *ret_n);
