/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Create, destroy, shutdown, reboot, suspend, resume. */
#include <string.h>
#include <unistd.h>

#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/params.h"
#include "driver/start.h"
#include "driver/store_change.h"
#include "driver/validate.h"

#define CREATE_AUTODESTROY 2u       /* virDomainCreateFlags */
#define CREATE_VALIDATE 16u

/* ---- start of a defined domain */

static void
close_fds (GArray *fds)
{
    for (guint i = 0; i < fds->len; i++)
        close (g_array_index (fds, int, i));
    g_array_unref (fds);
}

/* @handle is where the reply has the domain with its new id; NULL: the reply has none. */
typedef struct {
    Call *call;
    wire_domain *handle;
} Create;

static void
created (Domain *domain, const GError *error, gpointer data)
{
    g_autofree Create *create = data;

    if (!error && create->handle)
        wire_domain_fill (create->handle, domain);
    domain_answer (domain, error, create->call);
}

static ApiResult
start_domain (Call *call, Domain *domain, DomainDef *def, guint flags, wire_domain *handle,
              GError **error)
{
    GArray *fds = rpc_call_take_fds (call->rpc);
    Create *create;
    StartOptions options = {
        .def = def, .autodestroy = (flags & CREATE_AUTODESTROY) != 0, .client_id = call->client->id,
        .fds = (const int *) (void *) fds->data, .n_fds = fds->len,
    };

    /* the client whose end it should follow has ended while this waited for its turn */
    if (options.autodestroy && !call->client->rpc) {
        close_fds (fds);
        if (def)
            domain_def_free (def);
        error_set (error, ERR_OPERATION_ABORTED, "the client has gone");
        return API_FAILED;
    }
    create = g_new0 (Create, 1);
    create->call = call;
    create->handle = handle;
    domain_start (domain, &options, created, create);
    close_fds (fds);
    return API_LATER;
}

ApiResult
api_domain_create (Call *call, const domain_create_args *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    return start_domain (call, call->domain, NULL, 0, NULL, error);
}

ApiResult
api_domain_create_with_flags (Call *call, const domain_create_with_flags_args *in,
                              domain_create_with_flags_ret *out, GError **error)
{
    return start_domain (call, call->domain, NULL, in->flags, &out->dom, error);
}

ApiResult
api_domain_create_with_files (Call *call, const domain_create_with_files_args *in,
                              domain_create_with_files_ret *out, GError **error)
{
    return start_domain (call, call->domain, NULL, in->flags, &out->dom, error);
}

/* ---- start of a definition that comes along */

typedef struct {
    Call *call;
    DomainDef *def;             /* NULL: the domain is new and has it */
    guint flags;
    wire_domain *handle;
} CreateXml;

/* What may have changed while the call waited for its turn. */
static gboolean
create_xml_check (const CreateXml *create, GError **error)
{
    const Domain *domain = create->call->domain;

    if (domain->removing)
        return error_set (error, ERR_NO_DOMAIN, "domain '%s' is gone", domain->def->name);
    if (domain->instance)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain '%s' is already active",
                               domain->def->name);
    /* it was renamed, and the definition that came along has another name */
    return !create->def || domain_list_check (daemon_state.domains, create->def, error);
}

static void
create_xml_run (Job *job, gpointer data)
{
    g_autofree CreateXml *create = data;
    Call *call = create->call;
    Domain *domain = call->domain;
    GError *error = NULL;

    call->job = job;
    if (create_xml_check (create, &error)) {
        if (start_domain (call, domain, g_steal_pointer (&create->def), create->flags, create->handle,
                          &error) == API_LATER)
            return;
        if (!domain->persistent)
            domain_list_remove (daemon_state.domains, domain);
    }
    domain_def_free (create->def);
    call_failed (call, error);
}

static void
create_xml_timeout (gpointer data)
{
    g_autofree CreateXml *create = data;

    domain_def_free (create->def);
    call_timed_out (create->call);
}

/* A define of the same name or uuid that is at the disk comes first. */
static void
create_def (gpointer data)
{
    CreateXml *create = data;
    Call *call = create->call;
    DomainList *list = daemon_state.domains;
    Domain *domain = domain_list_find_name (list, create->def->name);
    GError *error = NULL;

    if (!daemon_state.rpc)
        error_set (&error, ERR_OPERATION_ABORTED, "the daemon ends");
    else if (domain_list_check (list, create->def, &error) && domain && domain_active (domain))
        error_set_from (&error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain '%s' is already active",
                        create->def->name);
    if (error) {
        domain_def_free (create->def);
        g_free (create);
        call_failed (call, error);
        return;
    }
    if (!domain)
        domain = domain_list_add (list, g_steal_pointer (&create->def), FALSE);
    call->domain = domain_ref (domain);
    job_begin (&domain->jobs, JOB_START, call->proc->name, JOB_WAIT_MS, create_xml_run, create_xml_timeout,
               create);
}

/* Takes @def. */
static void
create_parsed (Call *call, DomainDef *def, guint flags, wire_domain *handle)
{
    CreateXml *create = g_new0 (CreateXml, 1);

    *create = (CreateXml) { call, def, flags, handle };
    store_turn (def->uuid, def->name, create_def, create);
}

static ApiResult
create_xml (Call *call, const char *xml, guint flags, wire_domain *handle, GError **error)
{
    DomainDef *def;

    if (flags & CREATE_VALIDATE) {
        validate_definition (call, xml, flags, handle, create_parsed);
        return API_LATER;
    }
    def = domain_def_parse (xml, strlen (xml), &daemon_state.defaults, 0, error);
    if (!def)
        return API_FAILED;
    create_parsed (call, def, flags, handle);
    return API_LATER;
}

ApiResult
api_domain_create_xml (Call *call, const domain_create_xml_args *in, domain_create_xml_ret *out,
                       GError **error)
{
    return create_xml (call, in->xml_desc, in->flags, &out->dom, error);
}

ApiResult
api_domain_create_xml_with_files (Call *call, const domain_create_xml_with_files_args *in,
                                  domain_create_xml_with_files_ret *out, GError **error)
{
    return create_xml (call, in->xml_desc, in->flags, &out->dom, error);
}

/* ---- end, pause: what is answered when it is over; the rows have all the rest */

#define ANSWERED_LATER(name, begin)                                                                \
    ApiResult api_##name (Call *call, const name##_args *in, none *out, GError **error)            \
    {                                                                                              \
        (void) in;                                                                                 \
        (void) out;                                                                                \
        (void) error;                                                                              \
        begin;                                                                                     \
        return API_LATER;                                                                          \
    }

ANSWERED_LATER (domain_destroy, domain_destroy (call->domain, domain_answer, call))
ANSWERED_LATER (domain_destroy_flags, domain_destroy (call->domain, domain_answer, call))
ANSWERED_LATER (domain_shutdown, domain_halt (call->domain, FALSE, 0, domain_answer, call))
ANSWERED_LATER (domain_shutdown_flags, domain_halt (call->domain, FALSE, in->flags, domain_answer, call))
ANSWERED_LATER (domain_reboot, domain_halt (call->domain, TRUE, in->flags, domain_answer, call))
ANSWERED_LATER (domain_reset, domain_reset (call->domain, domain_answer, call))
ANSWERED_LATER (domain_suspend, domain_suspend (call->domain, domain_answer, call))
ANSWERED_LATER (domain_resume, domain_resume (call->domain, domain_answer, call))
