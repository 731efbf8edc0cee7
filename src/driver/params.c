/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/params.h"

#include <string.h>

#include "driver/instance.h"
#include "driver/store.h"

/* ---- domains */

void
wire_domain_fill (wire_domain *wire, const Domain *domain)
{
    wire->name = g_strdup (domain->def->name);
    memcpy (wire->uuid, domain->def->uuid, 16);
    wire->id = domain_active (domain) ? domain->def->id : -1;
}

gboolean
affect_resolve (const Domain *domain, guint flags, Affect *ret, GError **error)
{
    guint affect = flags & (AFFECT_LIVE | AFFECT_CONFIG);

    if (!affect)
        affect = domain_active (domain) ? AFFECT_LIVE : AFFECT_CONFIG;
    if ((affect & AFFECT_LIVE) && !domain_active (domain))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID,
                               "domain is not running");
    if ((affect & AFFECT_CONFIG) && !domain->persistent)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID,
                               "transient domains do not have any persistent config");
    *ret = (Affect) affect;
    return TRUE;
}

gboolean
affect_def (Domain *domain, guint flags, DomainDef **ret, gboolean *ret_live, GError **error)
{
    Affect affect;

    if ((flags & AFFECT_LIVE) && (flags & AFFECT_CONFIG))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                               "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually "
                               "exclusive");
    if (!affect_resolve (domain, flags, &affect, error))
        return FALSE;
    *ret_live = affect == AFFECT_LIVE;
    *ret = *ret_live ? domain->def : domain_config_def (domain);
    return TRUE;
}

Cgroup *
domain_cgroup (const Domain *domain, GError **error)
{
    if (domain_active (domain) && domain->instance && domain->instance->cgroup)
        return domain->instance->cgroup;
    error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    return NULL;
}

void
domain_answer (Domain *domain, const GError *error, gpointer data)
{
    Call *call = data;

    (void) domain;
    if (error)
        call_failed (call, g_error_copy (error));
    else
        call_done (call);
}

/* ---- typed parameters */

#define FIELD_SIZE 80           /* VIR_TYPED_PARAM_FIELD_LENGTH: of a name, and its end */

static const char *const type_names[]
    = { "", "int", "uint", "llong", "ullong", "double", "boolean", "string" };

static const char *
type_name (int type)
{
    return type > 0 && type < (int) G_N_ELEMENTS (type_names) ? type_names[type] : "unknown";
}

static gboolean
param_check (const wire_typed_param *param, const ParamSpec *specs, guint n_specs, GError **error)
{
    for (guint i = 0; i < n_specs; i++) {
        if (strcmp (param->field, specs[i].name) != 0)
            continue;
        if (param->value.type == (int) specs[i].type)
            return TRUE;
        return error_set_from (error, ORIGIN_NONE, ERR_INVALID_ARG,
                               "invalid type '%s' for parameter '%s', expected '%s'",
                               type_name (param->value.type), param->field,
                               type_name ((int) specs[i].type));
    }
    if (strlen (param->field) >= FIELD_SIZE)
        return error_set_from (error, ORIGIN_NONE, ERR_INTERNAL, "the name of parameter %s is too long", param->field);
    return error_set_from (error, ORIGIN_NONE, ERR_ARGUMENT_UNSUPPORTED,
                           "parameter '%s' not supported", param->field);
}

gboolean
params_check_some (const wire_typed_param *params, guint n, const ParamSpec *specs, guint n_specs, GError **error)
{
    if (n == 0)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "no parameter is given");
    return params_check (params, n, specs, n_specs, error);
}

gboolean
params_check (const wire_typed_param *params, guint n, const ParamSpec *specs, guint n_specs,
              GError **error)
{
    for (guint i = 0; i < n; i++) {
        if (!param_check (&params[i], specs, n_specs, error))
            return FALSE;
        if (params_find (params, i, params[i].field))
            return error_set_from (error, ORIGIN_NONE, ERR_INVALID_ARG,
                                   "parameter '%s' occurs multiple times", params[i].field);
    }
    return TRUE;
}

const wire_typed_param *
params_find (const wire_typed_param *params, guint n, const char *name)
{
    for (guint i = 0; i < n; i++)
        if (strcmp (params[i].field, name) == 0)
            return &params[i];
    return NULL;
}

static void
param_clear (gpointer data)
{
    xdr_free ((xdrproc_t) xdr_wire_typed_param, data);
}

GArray *
params_new (void)
{
    GArray *params = g_array_new (FALSE, TRUE, sizeof (wire_typed_param));

    g_array_set_clear_func (params, param_clear);
    return params;
}

static wire_typed_param *
param_add (GArray *params, const char *name, ParamType type)
{
    wire_typed_param *param;

    g_array_set_size (params, params->len + 1);
    param = &g_array_index (params, wire_typed_param, params->len - 1);
    param->field = g_strdup (name);
    param->value.type = (int) type;
    return param;
}

void
params_add_int (GArray *params, const char *name, int value)
{
    param_add (params, name, PARAM_INT)->value.wire_typed_param_value_u.i = value;
}

void
params_add_boolean (GArray *params, const char *name, gboolean value)
{
    param_add (params, name, PARAM_BOOLEAN)->value.wire_typed_param_value_u.b = value;
}

void
params_add_uint (GArray *params, const char *name, guint value)
{
    param_add (params, name, PARAM_UINT)->value.wire_typed_param_value_u.ui = value;
}

void
params_add_llong (GArray *params, const char *name, gint64 value)
{
    param_add (params, name, PARAM_LLONG)->value.wire_typed_param_value_u.l = value;
}

void
params_add_ullong (GArray *params, const char *name, guint64 value)
{
    param_add (params, name, PARAM_ULLONG)->value.wire_typed_param_value_u.ul = value;
}

void
params_add_string (GArray *params, const char *name, const char *value)
{
    param_add (params, name, PARAM_STRING)->value.wire_typed_param_value_u.s = g_strdup (value);
}

wire_typed_param *
params_take (GArray *params, u_int *ret_n)
{
    g_autoptr (GArray) list = params;

    *ret_n = list->len;
    return list->len ? (wire_typed_param *) (void *) g_array_steal (list, NULL) : NULL;
}

gboolean
params_reply (GArray *params, int asked, guint max, wire_typed_param **ret_params, u_int *ret_n,
              int *ret_nparams, GError **error)
{
    g_autoptr (GArray) list = params;

    if (asked < 0 || (guint) asked > max)
        return error_set_from (error, ORIGIN_RPC, ERR_INTERNAL, "nparams is %d, not 0 to %u", asked,
                               max);
    if (ret_nparams)
        *ret_nparams = asked == 0 ? (int) list->len : 0;
    if ((guint) asked < list->len)
        g_array_set_size (list, (guint) asked);
    *ret_params = params_take (g_steal_pointer (&list), ret_n);
    return TRUE;
}

gboolean
params_reply_flags (GArray *params, guint flags, int asked, guint max, wire_typed_param **ret_params,
                    u_int *ret_n, int *ret_nparams, GError **error)
{
    for (guint i = params->len; i > 0 && !(flags & PARAMS_STRING_OKAY); i--)
        if (g_array_index (params, wire_typed_param, i - 1).value.type == PARAM_STRING)
            g_array_remove_index (params, i - 1);
    return params_reply (params, asked, max, ret_params, ret_n, ret_nparams, error);
}

gboolean
room_check (int asked, int max, GError **error)
{
    if (asked >= 0 && asked <= max)
        return TRUE;
    return error_set_from (error, ORIGIN_RPC, ERR_RPC, "the maximum %d is not 0 to %d", asked, max);
}
