/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver of hosts without a security module: every domain runs unlabelled. */
#include "security/label_drivers.h"

#include "util/error.h"

static gboolean
none_usable (void)
{
    return TRUE;
}

static const char *
none_base_label (void)
{
    return NULL;
}

static gboolean
none_generate (DomainDef *def, SeclabelDef *label, GError **error)
{
    (void) def;
    if (label->type == SECLABEL_NONE || !label->model || g_str_equal (label->model, "none"))
        return TRUE;
    return error_set (error, ERR_CONFIG_UNSUPPORTED, "Security driver model '%s' is not available", label->model);
}

static void
none_reserve (const SeclabelDef *label)
{
    (void) label;
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

static const char *
none_mount_options (const SeclabelDef *label)
{
    (void) label;
    return NULL;
}

const LabelDriver label_driver_none = {
    .model = "none",
    .doi = "0",
    .usable = none_usable,
    .base_label = none_base_label,
    .generate = none_generate,
    .reserve = none_reserve,
    .release = none_reserve,
    .process_label = none_process_label,
    .mount_options = none_mount_options,
};
