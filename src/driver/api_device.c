/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attach, detach and update of devices, in the running container and in the saved definition. */
#include "driver/api.h"
#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/device_match.h"
#include "driver/device_update.h"
#include "driver/errand.h"
#include "driver/params.h"
#include "util/log.h"

/* A container that is ending, or is kept after its end, has nothing that could be changed. */
static gboolean
resolve (const Domain *domain, guint flags, Affect *ret, GError **error)
{
    ErrandTarget target;

    if (!affect_resolve (domain, flags, ret, error))
        return FALSE;
    if (!(*ret & AFFECT_LIVE))
        return TRUE;
    if (!errand_target (domain, &target, error))
        return FALSE;
    errand_target_clear (&target);
    return TRUE;
}

/* As of a definition. */
static void
log_ignored (const Domain *domain, GPtrArray *ignored)
{
    g_autofree char *list = NULL;

    if (ignored->len == 0)
        return;
    g_ptr_array_add (ignored, NULL);
    list = g_strjoinv (", ", (char **) ignored->pdata);
    log_info ("domain '%s': without effect in a container: %s", domain->def->name, list);
}

static gboolean
parse (Domain *domain, const char *xml, guint flags, DomainDevice *ret, GError **error)
{
    g_autoptr (GPtrArray) ignored = g_ptr_array_new_with_free_func (g_free);

    if (!domain_device_parse (xml, domain_config_def (domain), &daemon_state.defaults, flags, ignored, ret,
                              error))
        return FALSE;
    log_ignored (domain, ignored);
    return TRUE;
}

/* ---- attach */

static ApiResult
attach (Call *call, const char *xml, guint flags, GError **error)
{
    g_auto (DomainDevice) device = { .kind = DEVICE_OTHER };
    g_autoptr (DomainDef) config = NULL;
    Domain *domain = call->domain;
    Affect affect;

    if (!resolve (domain, flags, &affect, error) || !parse (domain, xml, 0, &device, error))
        return API_FAILED;
    if (affect & AFFECT_CONFIG) {
        if (!device_match_new (domain_config_def (domain), &device, MATCH_CONFIG, error))
            return API_FAILED;
        config = domain_device_added (domain_config_def (domain), &device, &daemon_state.defaults, error);
        if (!config)
            return API_FAILED;
    }
    if (!(affect & AFFECT_LIVE))
        return config_save_call (call, g_steal_pointer (&config));
    if (!device_match_new (domain->def, &device, MATCH_LIVE, error))
        return API_FAILED;
    device_attach (domain, call->job, &device, g_steal_pointer (&config), domain_answer, call);
    return API_LATER;
}

ApiResult
api_domain_attach_device (Call *call, const domain_attach_device_args *in, none *out, GError **error)
{
    (void) out;
    return attach (call, in->xml, AFFECT_LIVE, error);
}

ApiResult
api_domain_attach_device_flags (Call *call, const domain_attach_device_flags_args *in, none *out,
                                GError **error)
{
    (void) out;
    return attach (call, in->xml, in->flags, error);
}

/* ---- detach */

static DomainDef *
without (const DomainDef *def, DeviceKind kind, guint index)
{
    DomainDef *rest = domain_def_copy (def);

    g_ptr_array_remove_index (domain_device_list (rest, kind), index);
    return rest;
}

static ApiResult
detach (Call *call, const char *xml, guint flags, GError **error)
{
    g_auto (DomainDevice) device = { .kind = DEVICE_OTHER };
    Domain *domain = call->domain;
    DomainDef *config = NULL;
    int index = -1, live = -1;
    Affect affect;

    if (!resolve (domain, flags, &affect, error) || !parse (domain, xml, DOMAIN_PARSE_MEANT, &device, error))
        return API_FAILED;
    if (affect & AFFECT_CONFIG) {
        index = device_match_old (domain_config_def (domain), &device, MATCH_CONFIG, error);
        if (index < 0)
            return API_FAILED;
    }
    if (affect & AFFECT_LIVE) {
        live = device_match_old (domain->def, &device, MATCH_LIVE, error);
        if (live < 0)
            return API_FAILED;
    }
    if (index >= 0)
        config = without (domain_config_def (domain), device.kind, (guint) index);
    if (live < 0)
        return config_save_call (call, config);
    device_detach (domain, call->job, device.kind, (guint) live, config, domain_answer, call);
    return API_LATER;
}

ApiResult
api_domain_detach_device (Call *call, const domain_detach_device_args *in, none *out, GError **error)
{
    (void) out;
    return detach (call, in->xml, AFFECT_LIVE, error);
}

ApiResult
api_domain_detach_device_flags (Call *call, const domain_detach_device_flags_args *in, none *out,
                                GError **error)
{
    (void) out;
    return detach (call, in->xml, in->flags, error);
}

/* A definition that is not live has the user's own aliases only. */
static gboolean
find_alias (const DomainDef *def, const char *alias, DomainDevice *ret, GError **error)
{
    DeviceKind kind;
    guint index;

    if (!domain_device_find_alias (def, alias, &kind, &index))
        return error_set (error, ERR_DEVICE_MISSING, "no device found with alias %s", alias);
    *ret = (DomainDevice) { .kind = kind, .name = kind == DEVICE_CONSOLE ? "console" : "device",
                            .item = domain_device_list (def, kind)->pdata[index] };
    return TRUE;
}

ApiResult
api_domain_detach_device_alias (Call *call, const domain_detach_device_alias_args *in, none *out,
                                GError **error)
{
    Domain *domain = call->domain;
    DomainDevice saved = { .kind = DEVICE_OTHER }, device = { .kind = DEVICE_OTHER };
    DomainDef *config = NULL;
    int index = -1, live = -1;
    Affect affect;

    (void) out;
    if (!resolve (domain, in->flags, &affect, error))
        return API_FAILED;
    if (affect & AFFECT_CONFIG) {
        if (!find_alias (domain_config_def (domain), in->alias, &saved, error))
            return API_FAILED;
        index = device_match_old (domain_config_def (domain), &saved, MATCH_CONFIG, error);
        if (index < 0)
            return API_FAILED;
    }
    if (affect & AFFECT_LIVE) {
        domain_alias_fill (domain->def);
        if (!find_alias (domain->def, in->alias, &device, error))
            return API_FAILED;
        live = device_match_old (domain->def, &device, MATCH_LIVE, error);
        if (live < 0)
            return API_FAILED;
    }
    if (index >= 0)
        config = without (domain_config_def (domain), saved.kind, (guint) index);
    if (live < 0)
        return config_save_call (call, config);
    device_detach (domain, call->job, device.kind, (guint) live, config, domain_answer, call);
    return API_LATER;
}

/* ---- update */

ApiResult
api_domain_update_device_flags (Call *call, const domain_update_device_flags_args *in, none *out,
                                GError **error)
{
    g_auto (DomainDevice) device = { .kind = DEVICE_OTHER };
    g_autoptr (DomainDef) config = NULL;
    Domain *domain = call->domain;
    Affect affect;
    int live;

    (void) out;
    if (!resolve (domain, in->flags, &affect, error) || !parse (domain, in->xml, 0, &device, error))
        return API_FAILED;
    if (affect & AFFECT_CONFIG) {
        config = device_updated (domain_config_def (domain), &device, error);
        if (!config)
            return API_FAILED;
    }
    if (!(affect & AFFECT_LIVE))
        return config_save_call (call, g_steal_pointer (&config));
    live = device_update_check (domain->def, &device, error);
    if (live < 0)
        return API_FAILED;
    device_update (domain, call->job, &device, (guint) live, g_steal_pointer (&config), domain_answer, call);
    return API_LATER;
}
