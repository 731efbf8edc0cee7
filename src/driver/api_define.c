/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Define, undefine, autostart. Disk first: what cannot be saved changes nothing. */
#include <string.h>

#include "conf/domain_passive.h"
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/lifecycle.h"
#include "driver/params.h"
#include "driver/store.h"
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

/* Takes @given. */
static ApiResult
define (DomainDef *given, wire_domain *handle, GError **error)
{
    DomainList *list = daemon_state.domains;
    g_autoptr (DomainDef) def = given;
    LifeEvent event = LIFE_DEFINED;
    Domain *domain;

    if (!domain_list_check (list, def, error) || !store_save_config (def, error))
        return API_FAILED;
    log_passive (def);
    domain = domain_list_find_name (list, def->name);
    if (!domain) {
        domain = domain_list_add (list, g_steal_pointer (&def), TRUE);
    } else {
        if (domain->persistent)
            event = LIFE_REDEFINED;
        domain->persistent = TRUE;
        domain_list_set_config (list, domain, g_steal_pointer (&def));
    }
    lifecycle_apply (domain, event);
    wire_domain_fill (handle, domain);
    return API_DONE;
}

static ApiResult
define_text (const char *xml, wire_domain *handle, GError **error)
{
    DomainDef *def = domain_def_parse (xml, strlen (xml), &daemon_state.defaults, 0, error);

    return def ? define (def, handle, error) : API_FAILED;
}

static void
define_validated (Call *call, DomainDef *def, guint flags, wire_domain *handle)
{
    GError *error = NULL;

    (void) flags;
    if (define (def, handle, &error) == API_DONE)
        call_done (call);
    else
        call_failed (call, error);
}

ApiResult
api_domain_define_xml (Call *call, const domain_define_xml_args *in, domain_define_xml_ret *out,
                       GError **error)
{
    (void) call;
    return define_text (in->xml, &out->dom, error);
}

ApiResult
api_domain_define_xml_flags (Call *call, const domain_define_xml_flags_args *in,
                             domain_define_xml_flags_ret *out, GError **error)
{
    if (!(in->flags & DEFINE_VALIDATE))
        return define_text (in->xml, &out->dom, error);
    validate_definition (call, in->xml, in->flags, &out->dom, define_validated);
    return API_LATER;
}

static ApiResult
undefine (Domain *domain, GError **error)
{
    if (!domain->persistent) {
        error_set (error, ERR_OPERATION_INVALID, "Cannot undefine transient domain");
        return API_FAILED;
    }
    if (!store_remove_config (domain->def->name, error))
        return API_FAILED;
    domain->persistent = FALSE;
    domain->autostart = FALSE;
    if (domain->next) {
        domain_def_free (domain->next);
        domain->next = NULL;
    }
    lifecycle_apply (domain, LIFE_UNDEFINED);
    if (!domain->instance)
        domain_list_remove (daemon_state.domains, domain);
    return API_DONE;
}

ApiResult
api_domain_undefine (Call *call, const domain_undefine_args *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    return undefine (call->domain, error);
}

ApiResult
api_domain_undefine_flags (Call *call, const domain_undefine_flags_args *in, none *out, GError **error)
{
    (void) in;
    (void) out;
    return undefine (call->domain, error);
}

ApiResult
api_domain_set_autostart (Call *call, const domain_set_autostart_args *in, none *out, GError **error)
{
    Domain *domain = call->domain;
    gboolean wanted = in->autostart != 0;

    (void) out;
    if (!domain->persistent) {
        error_set (error, ERR_OPERATION_INVALID, "Cannot set autostart for transient domain");
        return API_FAILED;
    }
    if (wanted == domain->autostart)
        return API_DONE;
    if (!store_set_autostart (domain->def->name, wanted, error))
        return API_FAILED;
    domain->autostart = wanted;
    return API_DONE;
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
