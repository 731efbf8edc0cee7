/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Label drivers: one table per model, the first that works is the host's. What may be NULL says so. */
#pragma once

#include <glib.h>
#include "conf/domain.h"

typedef struct {
    const char *model;              /* selinux, apparmor, none */
    const char *doi;
    gboolean by_file;               /* the policy chooses a program's domain by its file: not for copies in
                                     * memory, whose mount is in no namespace and so as good as nosuid */
    gboolean (*usable) (void);
    const char *(*base_label) (void);       /* or NULL: none has one */
    /* Fills label and imagelabel of a dynamic seclabel, checks a static one. */
    gboolean (*generate) (DomainDef *def, SeclabelDef *label, GError **error);
    /* Or NULL: what must be known to the kernel before the label is used, and taken back afterwards.
     * Both may block, and run on a pool thread with a copy that has type and label only. @load gets
     * static labels too (to look whether they exist), @unload only dynamic ones; one that is not
     * there is fine. */
    gboolean (*load) (const SeclabelDef *label, GError **error);
    gboolean (*unload) (const SeclabelDef *label, GError **error);
    void (*reserve) (const SeclabelDef *label);                 /* or NULL */
    void (*release) (const SeclabelDef *label);                 /* or NULL */
    gboolean (*process_label) (int pid, char **ret_label, gboolean *ret_enforcing, GError **error);
    const char *(*mount_options) (const SeclabelDef *label);    /* or NULL: for tmpfs and devpts, or NULL */
} LabelDriver;

/* Before the first open: @config_dir (/etc/skep) may have files of the administrator for a driver. */
void label_drivers_configure (const char *config_dir);
/* @wanted NULL probes selinux, apparmor, none; ERR_CONFIG_UNSUPPORTED when the named one cannot work. */
const LabelDriver *label_driver_open (const char *wanted, GError **error);
