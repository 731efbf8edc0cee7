/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Define, undefine, autostart. Disk first, by a task: what cannot be saved changes nothing. */
#include <string.h>

#include "conf/domain_passive.h"
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/lifecycle.h"
#include "driver/params.h"
#include "driver/store_change.h"
#include "driver/validate.h"
#include "util/log.h"

#define DEFINE_VALIDATE 1u          /* virDomainDefineFlags */

/* What is kept and printed back, but does nothing: said once, to whoever wonders. */
static void
log_passive (const DomainDef *def)
{
    g_autoptr (GPtrArray) notes = domain_def_without_effect (def);
    g_autoptr (GString) list = g_string_new (NULL);

    for (guint i = 0; i < notes->len; i++)
        g_string_append_printf (list, "%s%s", i ? ", " : "", ((const NativeNote *) notes->pdata[i])->key);
    if (list->len > 0)
        log_info ("domain '%s': without effect in a container: %s", def->name, list->str);
}

typedef struct {
    Call *call;
    Client *client;             /* held, which keeps it: its next calls may be about this domain */
    DomainDef *def;
    wire_domain *handle;        /* in the call */
} Define;

static gboolean
define_begin (StoreWork *work, gpointer data, GError **error)
{
    const Define *define = data;

    work->save = define->def;
    return domain_list_check (daemon_state.domains, define->def, error);
}

/* Takes @def. */
static Domain *
define_take (DomainDef *def)
{
    DomainList *list = daemon_state.domains;
    Domain *domain = domain_list_find_name (list, def->name);
    LifeEvent event = LIFE_DEFINED;

    log_passive (def);
    if (!domain) {
        domain = domain_list_add (list, def, TRUE);
    } else {
        if (domain->persistent)
            event = LIFE_REDEFINED;
        domain->persistent = TRUE;
        domain_list_set_config (list, domain, def);
    }
    lifecycle_apply (domain, event);
    return domain;
}

static void
define_done (const GError *error, gpointer data)
{
    g_autofree Define *define = data;

    if (error) {
        domain_def_free (define->def);
        call_failed (define->call, g_error_copy (error));
    } else {
        wire_domain_fill (define->handle, define_take (define->def));
        call_done (define->call);
    }
    client_release (define->client);
}

/* Takes @def. */
static void
define (Call *call, DomainDef *def, wire_domain *handle)
{
    Define *define = g_new0 (Define, 1);

    *define = (Define) { call, call->client, def, handle };
    client_hold_but (call->client, call->proc);
    store_change (def->uuid, def->name, NULL, define_begin, define_done, define);
}

static ApiResult
define_text (Call *call, const char *xml, wire_domain *handle, GError **error)
{
    DomainDef *def = domain_def_parse (xml, strlen (xml), &daemon_state.defaults, 0, error);

    if (!def)
        return API_FAILED;
    define (call, def, handle);
    return API_LATER;
}

static void
define_validated (Call *call, DomainDef *def, guint flags, wire_domain *handle)
{
    (void) flags;
    define (call, def, handle);
}

ApiResult
api_domain_define_xml (Call *call, const domain_define_xml_args *in, domain_define_xml_ret *out,
                       GError **error)
{
    return define_text (call, in->xml, &out->dom, error);
}

ApiResult
api_domain_define_xml_flags (Call *call, const domain_define_xml_flags_args *in,
                             domain_define_xml_flags_ret *out, GError **error)
{
    if (!(in->flags & DEFINE_VALIDATE))
        return define_text (call, in->xml, &out->dom, error);
    validate_definition (call, in->xml, in->flags, &out->dom, define_validated);
    return API_LATER;
}

/* ---- undefine */

static gboolean
undefine_begin (StoreWork *work, gpointer data, GError **error)
{
    const Call *call = data;

    (void) error;
    work->remove = g_strdup (call->domain->def->name);
    return TRUE;
}

/* The container may have gone meanwhile. */
static void
undefine_done (const GError *error, gpointer data)
{
    Call *call = data;
    Domain *domain = call->domain;

    if (!error) {
        domain->persistent = FALSE;
        domain->autostart = FALSE;
        g_clear_pointer (&domain->next, domain_def_free);
        lifecycle_apply (domain, LIFE_UNDEFINED);
        if (!domain->instance)
            domain_list_remove (daemon_state.domains, domain);
    }
    domain_answer (domain, error, call);
}

static ApiResult
undefine (Call *call, GError **error)
{
    const Domain *domain = call->domain;

    if (!domain->persistent) {
        error_set (error, ERR_OPERATION_INVALID, "Cannot undefine transient domain");
        return API_FAILED;
    }
    job_yield (call->job);
    store_change (domain->def->uuid, domain->def->name, NULL, undefine_begin, undefine_done, call);
    return API_LATER;
}

ApiResult
api_domain_undefine (Call *call, const domain_undefine_args *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    return undefine (call, error);
}

ApiResult
api_domain_undefine_flags (Call *call, const domain_undefine_flags_args *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    return undefine (call, error);
}

/* ---- autostart */

static gboolean
autostart_begin (StoreWork *work, gpointer data, GError **error)
{
    const Call *call = data;
    const domain_set_autostart_args *in = call->in;

    (void) error;
    work->autostart = g_strdup (call->domain->def->name);
    work->autostart_on = in->autostart != 0;
    return TRUE;
}

static void
autostart_done (const GError *error, gpointer data)
{
    Call *call = data;
    const domain_set_autostart_args *in = call->in;

    if (!error)
        call->domain->autostart = in->autostart != 0;
    domain_answer (call->domain, error, call);
}

ApiResult
api_domain_set_autostart (Call *call, const domain_set_autostart_args *in, none *out, GError **error)
{
    const Domain *domain = call->domain;

    (void) out;
    if (!domain->persistent) {
        error_set (error, ERR_OPERATION_INVALID, "Cannot set autostart for transient domain");
        return API_FAILED;
    }
    if ((in->autostart != 0) == domain->autostart)
        return API_DONE;
    job_yield (call->job);
    store_change (domain->def->uuid, domain->def->name, NULL, autostart_begin, autostart_done, call);
    return API_LATER;
}

ApiResult
api_domain_get_autostart (Call *call, const domain_get_autostart_args *in,
                          domain_get_autostart_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->autostart = call->domain->autostart;
    return API_DONE;
}
