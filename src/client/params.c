/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of named, typed values. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

void
skep_params_clear (SkepParams *params)
{
    for (size_t i = 0; i < params->n; i++) {
        free (params->item[i].name);
        if (params->item[i].type == SKEP_STRING)
            free (params->item[i].value.s);
    }
    free (params->item);
    memset (params, 0, sizeof *params);
}

void
skep_params_array_free (SkepParams *array, size_t n)
{
    for (size_t i = 0; i < n; i++)
        skep_params_clear (&array[i]);
    free (array);
}

const SkepParam *
skep_params_find (const SkepParams *params, const char *name)
{
    for (size_t i = 0; i < params->n; i++)
        if (strcmp (params->item[i].name, name) == 0)
            return &params->item[i];
    return NULL;
}

static SkepParam *
append (SkepParams *params, const char *name, SkepType type)
{
    SkepParam *param;

    params->item = g_realloc_n (params->item, params->n + 1, sizeof *params->item);
    param = &params->item[params->n++];
    *param = (SkepParam){ .name = g_strdup (name), .type = type };
    return param;
}

void
skep_params_add_number (SkepParams *params, const char *name, SkepType type, int64_t value)
{
    SkepParam *param = append (params, name, type);

    switch (type) {
    case SKEP_INT:
    case SKEP_BOOLEAN:
        param->value.i = (int) value;
        break;
    case SKEP_UINT:
        param->value.u = (unsigned) value;
        break;
    case SKEP_DOUBLE:
        param->value.d = (double) value;
        break;
    default:
        param->value.l = value;
    }
}

void
skep_params_add_string (SkepParams *params, const char *name, const char *value)
{
    append (params, name, SKEP_STRING)->value.s = g_strdup (value);
}

char *
skep_param_text (const SkepParam *param)
{
    switch (param->type) {
    case SKEP_INT:
        return g_strdup_printf ("%d", param->value.i);
    case SKEP_UINT:
        return g_strdup_printf ("%u", param->value.u);
    case SKEP_LLONG:
        return g_strdup_printf ("%" G_GINT64_FORMAT, param->value.l);
    case SKEP_ULLONG:
        return g_strdup_printf ("%" G_GUINT64_FORMAT, param->value.ul);
    case SKEP_DOUBLE:
        return g_strdup_printf ("%f", param->value.d);
    case SKEP_BOOLEAN:
        return g_strdup (param->value.i ? "yes" : "no");
    case SKEP_STRING:
        return g_strdup (param->value.s ? param->value.s : "");
    }
    return g_strdup ("");
}

wire_typed_param *
client_params_to_wire (const SkepParams *params)
{
    wire_typed_param *wire = g_new0 (wire_typed_param, params->n ? params->n : 1);

    for (size_t i = 0; i < params->n; i++) {
        const SkepParam *param = &params->item[i];
        wire_typed_param_value *value = &wire[i].value;

        wire[i].field = param->name;
        value->type = (int) param->type;
        switch (param->type) {
        case SKEP_INT:
        case SKEP_BOOLEAN:
            value->wire_typed_param_value_u.i = param->value.i;
            break;
        case SKEP_UINT:
            value->wire_typed_param_value_u.ui = param->value.u;
            break;
        case SKEP_LLONG:
        case SKEP_ULLONG:
            value->wire_typed_param_value_u.l = param->value.l;
            break;
        case SKEP_DOUBLE:
            value->wire_typed_param_value_u.d = param->value.d;
            break;
        case SKEP_STRING:
            value->wire_typed_param_value_u.s = param->value.s;
            break;
        }
    }
    return wire;
}

void
client_params_from_wire (const wire_typed_param *item, unsigned n, SkepParams *ret_params)
{
    for (unsigned i = 0; i < n; i++) {
        const wire_typed_param_value *value = &item[i].value;
        SkepParam *param;

        if (value->type == SKEP_STRING) {
            skep_params_add_string (ret_params, item[i].field, value->wire_typed_param_value_u.s);
            continue;
        }
        param = append (ret_params, item[i].field, (SkepType) value->type);
        switch (param->type) {
        case SKEP_INT:
        case SKEP_BOOLEAN:
            param->value.i = value->wire_typed_param_value_u.i;
            break;
        case SKEP_UINT:
            param->value.u = value->wire_typed_param_value_u.ui;
            break;
        case SKEP_DOUBLE:
            param->value.d = value->wire_typed_param_value_u.d;
            break;
        default:
            param->value.l = value->wire_typed_param_value_u.l;
        }
    }
}
