/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Label drivers: one table per model, the first that works is the host's. */
#pragma once

#include <glib.h>
#include "conf/domain.h"

typedef struct {
    const char *model;              /* selinux, none */
    const char *doi;
    gboolean (*usable) (void);
    const char *(*base_label) (void);
    /* Fills label and imagelabel of a dynamic seclabel, checks a static one. */
    gboolean (*generate) (DomainDef *def, SeclabelDef *label, GError **error);
    void (*reserve) (const SeclabelDef *label);
    void (*release) (const SeclabelDef *label);
    gboolean (*process_label) (int pid, char **ret_label, gboolean *ret_enforcing, GError **error);
    const char *(*mount_options) (const SeclabelDef *label);    /* for tmpfs and devpts, or NULL */
} LabelDriver;

/* @wanted NULL probes selinux, none; ERR_CONFIG_UNSUPPORTED when the named one cannot work. */
const LabelDriver *label_driver_open (const char *wanted, GError **error);
