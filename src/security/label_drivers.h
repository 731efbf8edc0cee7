/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers of label.c's table. */
#pragma once

#include "security/label.h"

extern const LabelDriver label_driver_selinux;      /* built with libselinux only */
extern const LabelDriver label_driver_apparmor;     /* built with libapparmor only */
extern const LabelDriver label_driver_none;

/* Where the administrator's template may lie: below @config_dir (/etc/skep). */
void label_apparmor_configure (const char *config_dir);
