/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver of hosts without a security module: every domain runs unlabelled. */
#include "security/label_drivers.h"

#include "util/error.h"

static gboolean
none_usable (void)
{
    return TRUE;
}

static gboolean
none_generate (DomainDef *def, SeclabelDef *label, GError **error)
{
    (void) def;
    if (label->type == SECLABEL_NONE || !label->model || g_str_equal (label->model, "none"))
        return TRUE;
    return error_set (error, ERR_CONFIG_UNSUPPORTED, "Security driver model '%s' is not available", label->model);
}

static gboolean
none_process_label (int pid, char **ret_label, gboolean *ret_enforcing, GError **error)
{
    (void) pid;
    (void) error;
    *ret_label = g_strdup ("");
    *ret_enforcing = FALSE;
    return TRUE;
}

const LabelDriver label_driver_none = {
    .model = "none",
    .doi = "0",
    .usable = none_usable,
    .generate = none_generate,
    .process_label = none_process_label,
};
