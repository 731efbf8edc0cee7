/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "security/capset.h"

#include <linux/capability.h>

#include "util/file.h"

#define BIT(n) (G_GUINT64_CONSTANT (1) << (n))

/* What each policy begins with. */
static const guint64 policy_keeps[CAPS_POLICY_LAST] = {
    [CAPS_DEFAULT] = ~(BIT (CAP_SYS_MODULE) | BIT (CAP_SYS_TIME) | BIT (CAP_MKNOD)
                       | BIT (CAP_AUDIT_CONTROL) | BIT (CAP_MAC_ADMIN) | BIT (CAP_AUDIT_READ)),
    [CAPS_ALLOW] = ~G_GUINT64_CONSTANT (0),
    [CAPS_DENY] = 0,
};

void
capset_from_features (const DomainFeatures *features, guint last_cap, CapSet *ret)
{
    guint policy = features->caps_policy < CAPS_POLICY_LAST ? features->caps_policy : CAPS_DEFAULT;
    guint64 keep = policy_keeps[policy];

    for (guint i = 0; i < CAPABILITY_LAST; i++) {
        if (features->caps[i] == ON_OFF_ON)
            keep |= BIT (i);
        else if (features->caps[i] == ON_OFF_OFF)
            keep &= ~BIT (i);
    }
    if (last_cap < 63)
        keep &= BIT (last_cap + 1) - 1;
    *ret = (CapSet) { .effective = keep, .permitted = keep, .bounding = keep };
}

guint
capset_kernel_last (void)
{
    g_autofree char *text = file_read ("/proc/sys/kernel/cap_last_cap", 64, NULL, NULL);
    guint64 last = text ? g_ascii_strtoull (text, NULL, 10) : 0;

    return last > 0 && last < 64 ? (guint) last : CAP_LAST_CAP;
}
