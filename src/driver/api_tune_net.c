/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bandwidth of an interface: as a change of that device (device_update.h). */
#include <string.h>

#include "driver/api.h"
#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/device_update.h"
#include "driver/domain_usage.h"
#include "driver/events.h"
#include "driver/params.h"

static const ParamSpec specs[] = {
    { "inbound.average", PARAM_UINT },  { "inbound.peak", PARAM_UINT },  { "inbound.burst", PARAM_UINT },
    { "inbound.floor", PARAM_UINT },    { "outbound.average", PARAM_UINT },
    { "outbound.peak", PARAM_UINT },    { "outbound.burst", PARAM_UINT },
};

/* An average of 0 takes the limit away, as does a direction of which nothing but that is given. */
static gboolean
edit_rate (NetRate *rate, const char *direction, const domain_set_interface_parameters_args *in, GError **error)
{
    const struct {
        const char *word;
        guint64 *value;
    } values[] = { { "average", &rate->average }, { "peak", &rate->peak }, { "burst", &rate->burst },
                   { "floor", &rate->floor } };

    for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
        g_autofree char *name = g_strdup_printf ("%s.%s", direction, values[i].word);
        const wire_typed_param *param = params_find (in->params.params_val, in->params.params_len, name);

        if (param)
            *values[i].value = param->value.wire_typed_param_value_u.ui;
    }
    if (rate->floor)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "floor attribute is not supported for this config");
    if (!rate->average && (rate->peak || rate->burst)) {
        g_autofree char *name = g_strconcat (direction, ".average", NULL);

        /* libvirt's rule; with average given as 0 all of it goes */
        if (!params_find (in->params.params_val, in->params.params_len, name))
            return error_set (error, ERR_INVALID_ARG, "%s average is mandatory", direction);
        *rate = (NetRate) { 0 };
    }
    return TRUE;
}

/* The interface of @def that is meant, with its new rates. */
static gboolean
edited (const DomainDef *def, const domain_set_interface_parameters_args *in, DomainDevice *ret, GError **error)
{
    const NetDef *net = domain_net_find (def, in->device);
    NetDef *copy;

    if (!net)
        return error_set (error, ERR_INVALID_ARG, "Can't find device %s", in->device);
    copy = domain_device_copy (DEVICE_INTERFACE, net);
    *ret = (DomainDevice) { .kind = DEVICE_INTERFACE, .name = "interface", .item = copy };
    return edit_rate (&copy->inbound, "inbound", in, error) && edit_rate (&copy->outbound, "outbound", in, error);
}

typedef struct {
    Call *call;
    const domain_set_interface_parameters_args *in;
} NetTune;

static void
tuned (Domain *domain, const GError *error, gpointer data)
{
    g_autofree NetTune *tune = data;
    GArray *params;

    if (!error) {
        params = params_new ();
        params_add_string (params, "iftune.device", tune->in->device);
        for (guint i = 0; i < tune->in->params.params_len; i++) {
            const wire_typed_param *param = &tune->in->params.params_val[i];
            g_autofree char *name = g_strconcat ("iftune.", param->field, NULL);

            params_add_uint (params, name, param->value.wire_typed_param_value_u.ui);
        }
        event_tunable (domain, params);
    }
    domain_answer (domain, error, tune->call);
}

ApiResult
api_domain_set_interface_parameters (Call *call, const domain_set_interface_parameters_args *in, none *out,
                                     GError **error)
{
    g_auto (DomainDevice) live = { .kind = DEVICE_OTHER }, saved = { .kind = DEVICE_OTHER };
    g_autoptr (DomainDef) config = NULL;
    Domain *domain = call->domain;
    NetTune *tune;
    Affect affect;
    int index;

    (void) out;
    if (!params_check_some (in->params.params_val, in->params.params_len, specs, G_N_ELEMENTS (specs), error)
        || !affect_resolve (domain, in->flags, &affect, error))
        return API_FAILED;
    if ((affect & AFFECT_CONFIG)
        && (!edited (domain_config_def (domain), in, &saved, error)
            || !(config = device_updated (domain_config_def (domain), &saved, error))))
        return API_FAILED;
    if (!(affect & AFFECT_LIVE))
        return config_save_call (call, g_steal_pointer (&config));
    if (!edited (domain->def, in, &live, error))
        return API_FAILED;
    index = device_update_check (domain->def, &live, error);
    if (index < 0)
        return API_FAILED;
    tune = g_new0 (NetTune, 1);
    *tune = (NetTune) { call, in };
    device_update (domain, call->job, &live, (guint) index, g_steal_pointer (&config), tuned, tune);
    return API_LATER;
}
