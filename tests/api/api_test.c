/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api_test.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define ZEROES 65536

/* ---- the daemon */

void
api_daemon (Api *api, const char *verb)
{
    const char *argv[] = { SOURCE_ROOT "/tools/private-skepd", verb, api->dir, NULL };
    g_autoptr (GError) error = NULL;
    int status;

    g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL,
                  &status, &error);
    g_assert_no_error (error);
    g_spawn_check_wait_status (status, &error);
    g_assert_no_error (error);
}

/* docs/architecture.md decision 5; a sanitizer takes several times as long for the same. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HELD_MS "2000"
#else
#define HELD_MS "200"
#endif

/* In a mount namespace of our own the daemon's files lie in memory: a disk that other tests keep busy is waited for
 * by nobody, least by the main loop, for which that counts (driver/held.h). */
static gboolean
own_mounts (void)
{
    static int own = -1;

    if (own < 0)
        own = unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return own;
}

static char log_path[256];

/* A test that fails ends at once: what the daemon said last is mostly why. */
static void
tell_log (int number)
{
    char text[1500];
    int fd = open (log_path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    signal (number, SIG_DFL);
    if (lseek (fd, -(off_t) sizeof text, SEEK_END) < 0)
        lseek (fd, 0, SEEK_SET);
    n = read (fd, text, sizeof text);
    if (n > 0 && (write (STDERR_FILENO, "skepd.log:\n", 11) < 0 || write (STDERR_FILENO, text, (size_t) n) < 0))
        _exit (1);
    raise (number);
}

void
api_set_up (Api *api, gconstpointer data)
{
    (void) data;
    api->dir = g_dir_make_tmp ("skep-api-XXXXXX", NULL);
    g_assert_nonnull (api->dir);
    if (own_mounts ())
        g_assert_no_errno (mount ("tmpfs", api->dir, "tmpfs", 0, "mode=0755"));
    g_snprintf (log_path, sizeof log_path, "%s/skepd.log", api->dir);
    signal (SIGABRT, tell_log);
    signal (SIGTRAP, tell_log);         /* g_error() */
    /* the daemon's own time (driver/held.h): other tests that run beside this one do not count */
    g_setenv ("SKEP_DISPATCH_ABORT_MS", g_getenv ("SKEPD_WRAPPER") ? "20000" : HELD_MS, FALSE);
    g_setenv ("SKEPD_START_TIMEOUT", "120", FALSE);
    api_daemon (api, "start");
}

/* What sanitizers and valgrind have to say of a daemon that ended comes into its log. */
static void
check_log (const Api *api)
{
    static const char *const bad[]
        = { "Sanitizer", "runtime error: ", "-CRITICAL **", "-WARNING **" };
    g_autofree char *path = g_strconcat (api->dir, "/skepd.log", NULL);
    g_autofree char *log = NULL;

    g_assert_true (g_file_get_contents (path, &log, NULL, NULL));
    /* whatever valgrind says; it is told to say nothing else (tests/meson.build) */
    if (g_regex_match_simple ("^==\\d+==", log, G_REGEX_MULTILINE, 0))
        g_error ("valgrind in skepd.log:\n%s", log);
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        const char *found = strstr (log, bad[i]);

        if (found)
            g_error ("skepd.log has '%.6000s'", found);
    }
}

void
api_tear_down (Api *api, gconstpointer data)
{
    const char *argv[] = { "rm", "-rf", "--one-file-system", api->dir, NULL };

    (void) data;
    api_daemon (api, "stop");
    check_log (api);
    if (own_mounts ())
        g_assert_no_errno (umount2 (api->dir, MNT_DETACH));
    g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                  NULL);
    g_free (api->dir);
}

RpcConnection *
api_connect (Api *api, gboolean readonly, gboolean open)
{
    g_autofree char *path = g_strconcat (api->dir, readonly ? "/skep-sock-ro" : "/skep-sock", NULL);
    g_autoptr (GError) error = NULL;
    RpcConnection *conn = rpc_connect_unix (path, &error);
    char *uri = (char *) "lxc:///system";
    connect_open_args in = { .name = &uri };
    auth_list_ret auth = { 0 };

    g_assert_no_error (error);
    api_call_works (conn, "auth_list", NULL, &auth);
    g_assert_cmpuint (auth.types.types_len, ==, 1);
    g_assert_cmpint (auth.types.types_val[0], ==, WIRE_AUTH_NONE);
    xdr_free ((xdrproc_t) xdr_auth_list_ret, (char *) &auth);
    if (open)
        api_call_works (conn, "connect_open", &in, NULL);
    return conn;
}

/* ---- rows */

#define XDR_ARGS(name)    (xdrproc_t) xdr_##name##_args
#define XDR_RET(name)     (xdrproc_t) xdr_##name##_ret
#define XDR_VOID(name)    NULL
#define AT_FLAGS(type)    offsetof (type, flags)
#define AT_NO_FLAGS(type) -1
#define RO_ALLOW          TRUE
#define RO_DENY           FALSE
#define ORIGIN(name)      (SECTION == RPC_PROGRAM_REMOTE ? ORIGIN_##name : ORIGIN_NONE)

/* A row whose object is @on; its arguments and answer may be missing. */
#define CONNECT_ROW(on, number, name, public_name, in, out, kind, mask, ro, ro_flags, origin)      \
    { PROC_CALL,                                                                                   \
      on,                                                                                          \
      SECTION,                                                                                     \
      number,                                                                                      \
      #name,                                                                                       \
      #public_name,                                                                                \
      ORIGIN (origin),                                                                             \
      RO_##ro,                                                                                     \
      ro_flags,                                                                                    \
      mask,                                                                                        \
      AT_##kind (API_IN_##in (name)),                                                              \
      sizeof (API_IN_##in (name)),                                                                 \
      XDR_##in (name),                                                                             \
      XDR_##out (name) },
#define GREET_CALL(number, name, public_name, in, out, kind, mask, ro, ro_flags, origin, perm)     \
    CONNECT_ROW (ON_NOTHING, number, name, public_name, in, out, kind, mask, ro, ro_flags, origin)
#define HOST_CALL(number, name, public_name, in, out, kind, mask, ro, ro_flags, origin, perm)      \
    CONNECT_ROW (ON_CONNECT, number, name, public_name, in, out, kind, mask, ro, ro_flags, origin)
#define DOMAIN_CALL(number, name, public_name, out, kind, mask, ro, ro_flags, perm, job, state)    \
    { PROC_CALL,                                                                                   \
      ON_DOMAIN,                                                                                   \
      SECTION,                                                                                     \
      number,                                                                                      \
      #name,                                                                                       \
      #public_name,                                                                                \
      ORIGIN (DOMAIN),                                                                             \
      RO_##ro,                                                                                     \
      ro_flags,                                                                                    \
      mask,                                                                                        \
      AT_##kind (name##_args),                                                                     \
      sizeof (name##_args),                                                                        \
      XDR_ARGS (name),                                                                             \
      XDR_##out (name) },
#define KNOWN(number, name, public_name, ro, origin, perm)                                         \
    { PROC_KNOWN, ON_CONNECT, SECTION, number, #name, #public_name, ORIGIN (origin),               \
      RO_##ro,    0,          0,       -1,     0,     NULL,         NULL },
#define EVENT(number, name)                                                                        \
    { PROC_EVENT, ON_NOTHING, SECTION, number, #name, NULL, ORIGIN_NONE,                           \
      FALSE,      0,          0,       -1,     0,     NULL, NULL },

static const Row rows[] = {
#include "driver/procedures.def"
    { 0 },
};

const Row *
rows_all (void)
{
    return rows;
}

const Row *
row_find (const char *name)
{
    for (const Row *row = rows; row->name; row++)
        if (strcmp (row->name, name) == 0)
            return row;
    g_error ("no procedure %s", name);
}

/* ---- calls */

static bool_t
xdr_nothing (XDR *xdrs, ...)
{
    (void) xdrs;
    return TRUE;
}

gboolean
api_call (RpcConnection *conn, const char *name, const void *in, void *out, GError **error)
{
    const Row *row = row_find (name);
    g_autofree char *ignored = g_malloc0 (4096);
    gboolean ok;

    ok = rpc_connection_call (
        conn, row->program, row->number, row->in ? row->in : (xdrproc_t) xdr_nothing, in,
        row->out ? row->out : (xdrproc_t) xdr_nothing, out ? out : ignored, NULL, 0, NULL, error);
    if (!out && row->out)
        xdr_free (row->out, ignored);
    return ok;
}

gboolean
api_call_zero (RpcConnection *conn, const Row *row, guint flags, GError **error)
{
    static char zeroes[ZEROES];
    g_autofree char *in = g_malloc0 (MAX (row->in_size, 1));
    g_autofree char *out = g_malloc0 (4096);
    gboolean ok;

    if (row->in) {
        XDR xdrs;

        xdrmem_create (&xdrs, zeroes, sizeof zeroes, XDR_DECODE);
        g_assert_true (row->in (&xdrs, in, 0));
        if (row->flags_at >= 0)
            memcpy (in + row->flags_at, &flags, sizeof flags);
    }
    ok = rpc_connection_call (
        conn, row->program, row->number, row->in ? row->in : (xdrproc_t) xdr_nothing, in,
        row->out ? row->out : (xdrproc_t) xdr_nothing, out, NULL, 0, NULL, error);
    if (row->in)
        xdr_free (row->in, in);
    if (row->out)
        xdr_free (row->out, out);
    return ok;
}

gboolean
api_call_bare (RpcConnection *conn, guint32 program, int number, GError **error)
{
    return rpc_connection_call (conn, program, number, (xdrproc_t) xdr_nothing, NULL,
                                (xdrproc_t) xdr_nothing, NULL, NULL, 0, NULL, error);
}

void
api_expect (const GError *error, ErrorCode code, ErrorOrigin origin, const char *text)
{
    g_assert_error (error, SKEP_ERROR, (int) code);
    g_assert_cmpint (error_origin (error), ==, origin);
    if (text)
        g_assert_cmpstr (error->message, ==, text);
}

void
api_call_fails (RpcConnection *conn, const char *name, const void *in, ErrorCode code,
                const char *text)
{
    g_autoptr (GError) error = NULL;

    g_assert_false (api_call (conn, name, in, NULL, &error));
    g_assert_error (error, SKEP_ERROR, (int) code);
    if (text)
        g_assert_cmpstr (error->message, ==, text);
}

/* ---- domains */

wire_domain
api_define (RpcConnection *conn, Api *api, const char *name)
{
    /* the same name has the same uuid */
    g_autofree char *digits = g_compute_checksum_for_string (G_CHECKSUM_MD5, name, -1);
    g_autofree char *xml = g_strdup_printf (
        "<domain type='lxc'><name>%s</name><uuid>%s</uuid><memory unit='KiB'>102400</memory>"
        "<os><type>exe</type><init>/bin/sh</init></os>"
        "<devices><filesystem type='mount'><source dir='%s/root'/><target dir='/'/></filesystem>"
        "<console type='pty'/></devices></domain>",
        name, digits, api->dir);
    domain_define_xml_args in = { .xml = xml };
    domain_define_xml_ret out = { 0 };

    api_call_works (conn, "domain_define_xml", &in, &out);
    g_assert_cmpstr (out.dom.name, ==, name);
    g_assert_cmpint (out.dom.id, ==, -1);
    return out.dom;
}

void
api_undefine (RpcConnection *conn, const wire_domain *domain)
{
    domain_undefine_args in = { .dom = *domain };

    api_call_works (conn, "domain_undefine", &in, NULL);
}

void
api_domain_clear (wire_domain *domain)
{
    xdr_free ((xdrproc_t) xdr_wire_domain, (char *) domain);
}
