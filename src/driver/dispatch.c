/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "driver/daemon.h"
#include "driver/events.h"
#include "driver/object_events.h"
#include "driver/held.h"
#include "driver/job_past.h"
#include "driver/start.h"
#include "driver/store_change.h"
#include "rpc/error_wire.h"
#include "util/log.h"

#define JOB_LONG_US G_USEC_PER_SEC

/* ---- clients */

static void
client_unref (Client *client)
{
    if (--client->ref_count > 0)
        return;
    g_free (client->uri);
    g_free (client);
}

void
dispatch_client_new (RpcClient *rpc, gpointer daemon)
{
    Client *client = g_new0 (Client, 1);

    (void) daemon;
    client->ref_count = 1;
    client->rpc = rpc;
    client->id = rpc_client_id (rpc);
    /* root need not ask how to authenticate first */
    client->authenticated = rpc_client_peer (rpc) && rpc_client_peer (rpc)->uid == 0;
    rpc_client_set_data (rpc, client, NULL);
}

/* Nobody hears the answers, which free the calls. */
static void
waiting_clear (Client *client)
{
    g_autoptr (GError) gone = NULL;
    RpcCall *rpc;

    error_set (&gone, ERR_OPERATION_ABORTED, "the client has gone");
    while ((rpc = g_queue_pop_head (&client->waiting)))
        rpc_call_error (rpc, gone);
}

void
dispatch_client_gone (RpcClient *rpc, gpointer daemon)
{
    Client *client = rpc_client_data (rpc);

    rpc_client_set_data (rpc, NULL, NULL);
    client->rpc = NULL;
    waiting_clear (client);
    events_client_gone (client);
    object_events_client_gone (client);
    domains_client_gone (((Daemon *) daemon)->domains, client->id);
    client_unref (client);
}

/* ---- how long the main loop was held */

static guint depth; /* a handler may run inside another one's call_done() */

static void
slice_begin (Held *held)
{
    if (depth++ == 0)
        held_begin (held);
}

static void
slice_end (const Held *held, const char *name)
{
    if (--depth == 0)
        held_end (held, name);
}

/* ---- a call */

static Call *
call_new (const Proc *proc, RpcCall *rpc, Client *client)
{
    Call *call = g_new0 (Call, 1);

    call->proc = proc;
    call->rpc = rpc;
    call->client = client;
    client->ref_count++;
    call->in = g_malloc0 (MAX (proc->in_size, 1));
    call->out = g_malloc0 (MAX (proc->out_size, 1));
    return call;
}

/* Of changes those that took a while: others are no news, and would hide the start. */
static void
keep_past (const Call *call)
{
    JobKind kind = job_kind (call->job);
    gint64 since = job_since (call->job);

    if (call->domain->removing)
        return;
    if (kind == JOB_START || (kind == JOB_MODIFY && g_get_monotonic_time () - since >= JOB_LONG_US))
        job_past_keep (call->domain, kind == JOB_START ? OPERATION_START : OPERATION_UNKNOWN, since, call->failure,
                       call->cancelled);
}

/* After the answer: the next job of the domain may run from here. */
static void
call_free (Call *call)
{
    Job *job;
    Domain *domain;

    if (call->job && call->domain)
        keep_past (call);
    job = g_steal_pointer (&call->job);
    domain = g_steal_pointer (&call->domain);
    if (call->proc->decode)
        xdr_free (call->proc->decode, call->in);
    if (call->proc->encode)
        xdr_free (call->proc->encode, call->out);
    g_free (call->in);
    g_free (call->out);
    g_free (call->failure);
    if (call->reply_fds) {
        for (guint i = 0; i < call->reply_fds->len; i++)
            close (g_array_index (call->reply_fds, int, i));
        g_array_unref (call->reply_fds);
    }
    client_unref (call->client);
    g_free (call);
    if (job)
        job_end (job);
    if (domain)
        domain_unref (domain);
}

void
call_done (Call *call)
{
    if (call->reply_fds && call->reply_fds->len > 0)
        rpc_call_reply_fds (call->rpc, call->proc->encode, call->out,
                            (const int *) (const void *) call->reply_fds->data,
                            call->reply_fds->len);
    else
        rpc_call_reply (call->rpc, call->proc->encode, call->out);
    call_free (call);
}

/* For others than the client, whose own text stands behind the first line: it may hold what nobody else should
 * read. */
static char *
error_text (const GError *error)
{
    char *text = error_wire_message (error);

    if (error->code == ERR_XML_DETAIL)
        text[strcspn (text, "\n")] = '\0';
    return text;
}

/* What a client got wrong is its own affair; what failed here is the administrator's. */
static void
error_log (const char *name, guint64 client, const GError *error)
{
    g_autofree char *text = error_text (error);
    const char *place = error_place (error);

    switch (error->code) {
    case ERR_INTERNAL:
    case ERR_NO_MEMORY:
    case ERR_SYSTEM:
    case ERR_OPERATION_FAILED:
    case ERR_OPERATION_TIMEOUT:
        log_error ("%s of client %" G_GUINT64_FORMAT ": %s%s", name, client, text, place);
        break;
    case ERR_NO_SUPPORT:
    case ERR_NO_DOMAIN_METADATA:
        log_debug ("%s of client %" G_GUINT64_FORMAT ": %s%s", name, client, text, place);
        break;
    default:
        log_info ("%s of client %" G_GUINT64_FORMAT ": %s%s", name, client, text, place);
    }
}

void
call_failed (Call *call, GError *error)
{
    error_log (call->proc->name, call->client->id, error);
    rpc_call_error (call->rpc, error);
    call->failure = error_text (error);
    call->cancelled = error->code == ERR_OPERATION_ABORTED;
    g_error_free (error);
    call_free (call);
}

void
call_timed_out (Call *call)
{
    GError *error = NULL;

    error_set (&error, ERR_OPERATION_TIMEOUT, "another job of domain '%s' did not end",
               call->domain->def->name);
    call_failed (call, error);
}

/* ---- the guards, in the order that clients can observe */

static gboolean
check_open (const Call *call, GError **error)
{
    const Proc *proc = call->proc;

    if (!call->client->authenticated && proc->object != ON_NOTHING)
        return error_set_from (error, ORIGIN_RPC, ERR_RPC, "authentication required");
    if (!call->client->open && proc->object != ON_NOTHING)
        return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "connection not open");
    return TRUE;
}

static gboolean
check_readonly (const Call *call, GError **error)
{
    if (call->proc->readonly || !rpc_client_readonly (call->client->rpc))
        return TRUE;
    return error_set_from (error, call->proc->origin, ERR_OPERATION_DENIED,
                           "read only access prevents %s", call->proc->public_name);
}

static gboolean
check_flags (const Call *call, GError **error)
{
    const Proc *proc = call->proc;
    guint flags;

    if (proc->flags_at < 0)
        return TRUE;
    memcpy (&flags, (const char *) call->in + proc->flags_at, sizeof flags);
    if ((flags & proc->readonly_flags) && rpc_client_readonly (call->client->rpc))
        return error_set_from (error, proc->origin, ERR_OPERATION_DENIED,
                               "read only access prevents %s with flags 0x%x", proc->public_name,
                               flags & proc->readonly_flags);
    /* in libvirt the drivers look at flags: of domains and hosts it is the LXC driver */
    if (flags & ~proc->flags_ok)
        return error_set_from (error, proc->origin == ORIGIN_DOMAIN ? ORIGIN_LXC : proc->origin, ERR_INVALID_ARG,
                               "unsupported flags (0x%x) in function %s", flags & ~proc->flags_ok, proc->public_name);
    return TRUE;
}

/* By uuid alone: clients hold names and ids that may be out of date. */
static gboolean
look_up (Call *call, DomainList *domains, GError **error)
{
    const wire_domain *wire = call->in;
    Domain *domain;

    if (call->proc->object != ON_DOMAIN)
        return TRUE;
    domain = domain_list_find_uuid (domains, (const guint8 *) wire->uuid);
    if (!domain) {
        char text[37];

        domain_uuid_format ((const guint8 *) wire->uuid, text);
        return error_set (error, ERR_NO_DOMAIN, "no domain with matching uuid '%s' (%s)", text,
                          wire->name);
    }
    call->domain = domain_ref (domain);
    return TRUE;
}

static gboolean
check_state (const Call *call, GError **error)
{
    const Proc *proc = call->proc;

    if (proc->object != ON_DOMAIN)
        return TRUE;
    if (call->domain->removing) /* went away while this call waited for its turn */
        return error_set (error, ERR_NO_DOMAIN, "domain '%s' is gone", call->domain->def->name);
    if (proc->state == ACTIVE && !domain_active (call->domain))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID,
                               "domain is not running");
    if (proc->state == INACTIVE && domain_active (call->domain))
        return error_set (error, ERR_OPERATION_INVALID, "Domain is already running");
    return TRUE;
}

static void
execute (Call *call)
{
    const Proc *proc = call->proc;
    GError *error = NULL;
    ApiResult result = API_FAILED;

    if (check_state (call, &error))
        result = proc->run (call, call->in, call->out, &error);
    if (result == API_DONE)
        call_done (call);
    else if (result == API_FAILED) {
        if (!error)
            error_set (&error, ERR_INTERNAL, "%s failed without saying why", proc->name);
        call_failed (call, error);
    }
}

static void
call_turn (gpointer data)
{
    Call *call = data;
    const char *name = call->proc->name;
    Held held;

    slice_begin (&held);
    if (daemon_state.rpc) {
        execute (call);
    } else {
        GError *error = NULL;

        error_set (&error, ERR_OPERATION_ABORTED, "the daemon ends");
        call_failed (call, error);
    }
    slice_end (&held, name);
}

static void call_ask_job (Call *call);

/* The disk has answered. A destroy that came meanwhile is not over: what is asked of the domain now waits for that. */
static void
waited_turn (gpointer data)
{
    Call *call = data;

    if (!daemon_state.rpc || job_insist (call->job)) {
        call_turn (call);
        return;
    }
    job_end (g_steal_pointer (&call->job));
    call_ask_job (call);
}

/* A define takes no job, and what it defines is there when it is on disk: a call that came after it, or was to wait for
 * another job when it came, finds that. A destroy has no use for it, and comes past what waits so. */
static void
job_turn (Job *job, gpointer data)
{
    Call *call = data;
    const Domain *domain = call->domain;

    call->job = job;
    if (call->proc->job == JOB_DESTROY || !store_change_pending (domain->def->uuid, domain->def->name)) {
        call_turn (call);
        return;
    }
    job_yield (job);
    store_turn (domain->def->uuid, domain->def->name, waited_turn, call);
}

static void
job_timeout (gpointer data)
{
    call_timed_out (data);
}

static void
call_ask_job (Call *call)
{
    job_begin (&call->domain->jobs, call->proc->job, call->proc->name, JOB_WAIT_MS, job_turn, job_timeout, call);
}

static void
dispatch (const Proc *proc, RpcCall *rpc, Client *client, Daemon *daemon)
{
    Call *call = call_new (proc, rpc, client);
    GError *error = NULL;
    gboolean ok;

    ok = check_open (call, &error) && check_readonly (call, &error);
    if (ok && proc->kind == PROC_KNOWN)
        ok = error_set_from (&error, proc->origin, ERR_NO_SUPPORT, "%s", proc->public_name);
    ok = ok && (!proc->decode || rpc_call_args (rpc, proc->decode, call->in, &error))
         && check_flags (call, &error) && look_up (call, daemon->domains, &error);
    if (!ok)
        call_failed (call, error);
    else if (proc->job == JOB_NONE)
        execute (call);
    else /* owns the call from here on */
        call_ask_job (call);
}

static void
serve (RpcCall *rpc, Client *client, Daemon *daemon)
{
    const Proc *proc = proc_find (rpc_call_program (rpc), rpc_call_procedure (rpc));
    Held held;

    slice_begin (&held);
    if (proc && proc->kind != PROC_EVENT) {
        dispatch (proc, rpc, client, daemon);
    } else {
        g_autoptr (GError) error = NULL;

        error_set_from (&error, ORIGIN_RPC, ERR_RPC, "unknown procedure: %d",
                        rpc_call_procedure (rpc));
        error_log ("call", client->id, error);
        rpc_call_error (rpc, error);
    }
    slice_end (&held, proc ? proc->name : "an unknown procedure");
}

void
dispatch_call (RpcCall *rpc, gpointer daemon)
{
    Client *client = rpc_client_data (rpc_call_client (rpc));
    gboolean passes = client->passes && g_queue_is_empty (&client->waiting)
                      && proc_find (rpc_call_program (rpc), rpc_call_procedure (rpc)) == client->passes;

    if (client->held && !passes)
        g_queue_push_tail (&client->waiting, rpc);
    else
        serve (rpc, client, daemon);
}

void
client_hold_but (Client *client, const Proc *proc)
{
    client->passes = client->held == 0 || client->passes == proc ? proc : NULL;
    client->ref_count++;
    client->held++;
}

void
client_hold (Client *client)
{
    client_hold_but (client, NULL);
}

void
client_release (Client *client)
{
    RpcCall *rpc;

    client->held--;
    while (!client->held && (rpc = g_queue_pop_head (&client->waiting)))
        serve (rpc, client, &daemon_state);
    client_unref (client);
}
