/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Weights and rates of block devices, as the kernel has them. */
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "host/cgroup_private.h"

/* What follows "MAJOR:MINOR " in the device's line, NULL: it has none. */
static char *
device_line (const CgroupHierarchy *h, const Cgroup *c, const char *file, dev_t device)
{
    g_autofree char *text = cgroup_read_long (h, c->base, file, NULL);
    g_autofree char *prefix = g_strdup_printf ("%u:%u ", major (device), minor (device));
    g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);

    for (guint i = 0; lines[i]; i++)
        if (g_str_has_prefix (lines[i], prefix))
            return g_strdup (lines[i] + strlen (prefix));
    return NULL;
}

/* 0: none, also "max". */
static guint64
number_at (const char *text)
{
    return text ? strtoull (text, NULL, 10) : 0;
}

static guint64
line_number (const CgroupHierarchy *h, const Cgroup *c, const char *file, dev_t device)
{
    g_autofree char *line = device_line (h, c, file, device);

    return number_at (line);
}

static void
read_v1 (const CgroupHierarchy *h, const Cgroup *c, CgroupBlkio *ret)
{
    const struct {
        const char *file;
        guint64 *value;
    } throttles[] = {
        { "blkio.throttle.read_bps_device", &ret->rbps },
        { "blkio.throttle.write_bps_device", &ret->wbps },
        { "blkio.throttle.read_iops_device", &ret->riops },
        { "blkio.throttle.write_iops_device", &ret->wiops },
    };

    for (guint i = 0; i < G_N_ELEMENTS (throttles); i++)
        *throttles[i].value = line_number (h, c, throttles[i].file, ret->device);
    ret->weight = (guint) line_number (h, c, "blkio.bfq.weight_device", ret->device);
    if (!ret->weight)
        ret->weight = (guint) line_number (h, c, "blkio.weight_device", ret->device);
}

/* "rbps=1048576 wbps=max riops=max wiops=max" */
static void
read_v2 (const CgroupHierarchy *h, const Cgroup *c, CgroupBlkio *ret)
{
    const struct {
        const char *key;
        guint64 *value;
    } throttles[] = {
        { "rbps=", &ret->rbps }, { "wbps=", &ret->wbps }, { "riops=", &ret->riops }, { "wiops=", &ret->wiops },
    };
    g_autofree char *line = device_line (h, c, "io.max", ret->device);
    g_auto (GStrv) words = g_strsplit (line ? line : "", " ", -1);

    for (guint i = 0; words[i]; i++)
        for (guint k = 0; k < G_N_ELEMENTS (throttles); k++)
            if (g_str_has_prefix (words[i], throttles[k].key))
                *throttles[k].value = number_at (words[i] + strlen (throttles[k].key));
    ret->weight = (guint) line_number (h, c, "io.weight", ret->device);
    if (!ret->weight)
        ret->weight = (guint) line_number (h, c, "io.bfq.weight", ret->device);
}

gboolean
cgroup_get_blkio_device (const Cgroup *c, dev_t device, CgroupBlkio *ret, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_BLKIO, error);

    if (!h)
        return FALSE;
    *ret = (CgroupBlkio) { .device = device };
    if (h->v2)
        read_v2 (h, c, ret);
    else
        read_v1 (h, c, ret);
    return TRUE;
}
