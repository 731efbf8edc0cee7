/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/label_drivers.h"

#include "util/error.h"

/* In the order of probing. */
static const LabelDriver *const drivers[] = {
#ifdef WITH_SELINUX
    &label_driver_selinux,
#endif
#ifdef WITH_APPARMOR
    &label_driver_apparmor,
#endif
    &label_driver_none,
};

void
label_drivers_configure (const char *config_dir)
{
#ifdef WITH_APPARMOR
    label_apparmor_configure (config_dir);
#else
    (void) config_dir;
#endif
}

const LabelDriver *
label_driver_open (const char *wanted, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS (drivers); i++) {
        if (wanted && !g_str_equal (wanted, drivers[i]->model))
            continue;
        if (drivers[i]->usable ())
            return drivers[i];
    }
    error_set (error, ERR_CONFIG_UNSUPPORTED, "Security driver %s not enabled", wanted ? wanted : "none");
    return NULL;
}
