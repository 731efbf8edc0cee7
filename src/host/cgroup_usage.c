/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container uses beyond one number: memory by kind, traffic by block device, the CPUs and NUMA
 * nodes that it really has. */
#include "host/cgroup_private.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>


/* ---- memory */

typedef struct {
    const char *key;            /* v1's keys with total_ count nested groups as well */
    gsize offset;
} MemoryKey;

#define MEMORY_KEY(key, member) { key, G_STRUCT_OFFSET (CgroupMemoryStat, member) }

static const MemoryKey v1_keys[] = {
    MEMORY_KEY ("total_cache", cache),
    MEMORY_KEY ("total_rss", anonymous),
    MEMORY_KEY ("total_swap", swap),
    MEMORY_KEY ("total_inactive_file", inactive_file),
    MEMORY_KEY ("total_pgfault", faults),
    MEMORY_KEY ("total_pgmajfault", major_faults),
    MEMORY_KEY ("hierarchical_memory_limit", limit),
};
static const MemoryKey v2_keys[] = {
    MEMORY_KEY ("file", cache),
    MEMORY_KEY ("anon", anonymous),
    MEMORY_KEY ("inactive_file", inactive_file),
    MEMORY_KEY ("pgfault", faults),
    MEMORY_KEY ("pgmajfault", major_faults),
};

static void
read_keys (const char *text, const MemoryKey *keys, guint n, CgroupMemoryStat *stat)
{
    for (guint i = 0; i < n; i++) {
        guint64 value = 0;

        if (cgroup_text_key (text, keys[i].key, &value))
            G_STRUCT_MEMBER (guint64, stat, keys[i].offset) = value;
    }
}

gboolean
cgroup_memory_stat (const Cgroup *c, CgroupMemoryStat *stat, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_MEMORY, error);
    char text[CGROUP_TEXT_MAX];

    memset (stat, 0, sizeof *stat);
    if (!h || !cgroup_read_kept (h, c, "memory.stat", text, error))
        return FALSE;
    if (h->v2)
        read_keys (text, v2_keys, G_N_ELEMENTS (v2_keys), stat);
    else
        read_keys (text, v1_keys, G_N_ELEMENTS (v1_keys), stat);
    if (h->v2 && cgroup_read_kept_try (h, c, "memory.max", text, sizeof text) >= 0)
        stat->limit = g_str_has_prefix (text, "max") ? CGROUP_UNLIMITED : g_ascii_strtoull (text, NULL, 10);
    if (!h->v2 && stat->limit >= CGROUP_V1_UNLIMITED)
        stat->limit = CGROUP_UNLIMITED;
    if (h->v2 && cgroup_read_kept_try (h, c, "memory.swap.current", text, sizeof text) >= 0)
        stat->swap = g_ascii_strtoull (text, NULL, 10);
    if (cgroup_read_kept_try (h, c, h->v2 ? "memory.events" : "memory.oom_control", text, sizeof text) >= 0)
        cgroup_text_key (text, "oom_kill", &stat->oom_kills);
    return TRUE;
}

/* ---- block devices */

static CgroupBlkioDevice *
device_of (GArray *devices, dev_t number)
{
    CgroupBlkioDevice device = { .device = number };

    for (guint i = 0; i < devices->len; i++) {
        CgroupBlkioDevice *known = &g_array_index (devices, CgroupBlkioDevice, i);

        if (known->device == number)
            return known;
    }
    g_array_append_val (devices, device);
    return &g_array_index (devices, CgroupBlkioDevice, devices->len - 1);
}

/* The "8:0" that a line begins with; *rest is what follows the blank. */
static gboolean
line_device (const char *line, dev_t *ret, const char **rest)
{
    char *end;
    guint64 major = g_ascii_strtoull (line, &end, 10), minor;

    if (end == line || *end != ':')
        return FALSE;
    minor = g_ascii_strtoull (end + 1, &end, 10);
    if (*end != ' ')
        return FALSE;
    *ret = makedev ((guint) major, (guint) minor);
    *rest = end + 1;
    return TRUE;
}

/* v1: "8:0 Read 4096", a line each for Read, Write and others. */
static gboolean
read_v1_blkio (CgroupHierarchy *h, const Cgroup *c, const char *file, gboolean bytes, GArray *devices,
               GError **error)
{
    g_autofree char *text = cgroup_read_kept_long (h, c, file, error);

    for (const char *line = text; line && *line; line = strchr (line, '\n'), line = line ? line + 1 : NULL) {
        CgroupBlkioUsage *usage;
        const char *rest;
        dev_t number;

        if (!line_device (line, &number, &rest))
            continue;
        usage = &device_of (devices, number)->usage;
        if (g_str_has_prefix (rest, "Read "))
            *(bytes ? &usage->rd_bytes : &usage->rd_req) = g_ascii_strtoull (rest + 5, NULL, 10);
        else if (g_str_has_prefix (rest, "Write "))
            *(bytes ? &usage->wr_bytes : &usage->wr_req) = g_ascii_strtoull (rest + 6, NULL, 10);
    }
    return text != NULL;
}

/* The number behind "NAME=" among the words of one line. */
static guint64
word_value (const char *line, const char *name)
{
    const char *end = line + strcspn (line, "\n"), *at = g_strstr_len (line, end - line, name);

    return at ? g_ascii_strtoull (at + strlen (name), NULL, 10) : 0;
}

/* v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." */
static gboolean
read_v2_blkio (CgroupHierarchy *h, const Cgroup *c, GArray *devices, GError **error)
{
    g_autofree char *text = cgroup_read_kept_long (h, c, "io.stat", error);

    for (const char *line = text; line && *line; line = strchr (line, '\n'), line = line ? line + 1 : NULL) {
        const char *rest;
        dev_t number;

        if (line_device (line, &number, &rest))
            device_of (devices, number)->usage = (CgroupBlkioUsage){
                .rd_bytes = word_value (rest, "rbytes="),
                .wr_bytes = word_value (rest, "wbytes="),
                .rd_req = word_value (rest, "rios="),
                .wr_req = word_value (rest, "wios="),
            };
    }
    return text != NULL;
}

GArray *
cgroup_blkio_devices (const Cgroup *c, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_BLKIO, error);
    g_autoptr (GArray) devices = g_array_new (FALSE, FALSE, sizeof (CgroupBlkioDevice));

    if (!h)
        return NULL;
    if (h->v2 ? !read_v2_blkio (h, c, devices, error)
              : !read_v1_blkio (h, c, "blkio.throttle.io_service_bytes", TRUE, devices, error)
                    || !read_v1_blkio (h, c, "blkio.throttle.io_serviced", FALSE, devices, error))
        return NULL;
    return g_steal_pointer (&devices);
}

void
cgroup_blkio_sum (const GArray *devices, CgroupBlkioUsage *usage)
{
    memset (usage, 0, sizeof *usage);
    for (guint i = 0; i < devices->len; i++) {
        const CgroupBlkioUsage *one = &g_array_index (devices, CgroupBlkioDevice, i).usage;

        usage->rd_req += one->rd_req;
        usage->rd_bytes += one->rd_bytes;
        usage->wr_req += one->wr_req;
        usage->wr_bytes += one->wr_bytes;
    }
}

gboolean
cgroup_blkio_usage (const Cgroup *c, CgroupBlkioUsage *usage, GError **error)
{
    g_autoptr (GArray) devices = cgroup_blkio_devices (c, error);

    if (devices)
        cgroup_blkio_sum (devices, usage);
    return devices != NULL;
}

gboolean
cgroup_get_blkio_weight (const Cgroup *c, guint *weight, GError **error)
{
    static const char *const files[][2] = { { "blkio.bfq.weight", "io.weight" },
                                            { "blkio.weight", "io.bfq.weight" } };
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_BLKIO, error);
    char text[CGROUP_TEXT_MAX];

    if (!h)
        return FALSE;
    *weight = 0;
    for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
        int r = cgroup_read_try (h, c->base, "", files[i][h->v2], text);

        if (r == -ENOENT)
            continue;
        if (r < 0)
            return cgroup_error (error, h, c->base, "", files[i][h->v2], -r, FALSE);
        *weight = (guint) g_ascii_strtoull (g_str_has_prefix (text, "default ") ? text + 8 : text, NULL, 10);
        return TRUE;
    }
    return TRUE;
}

/* ---- CPUs and NUMA nodes */

static char *
read_list (const Cgroup *c, const char *v1_file, const char *v2_file, GError **error)
{
    CgroupHierarchy *h = cgroup_serving (c, CGROUP_CPUSET, error);
    char text[CGROUP_TEXT_MAX];

    if (!h || !cgroup_read_kept (h, c, h->v2 ? v2_file : v1_file, text, error))
        return NULL;
    return g_strdup (g_strstrip (text));
}

char *
cgroup_effective_cpus (const Cgroup *c, GError **error)
{
    return read_list (c, "cpuset.effective_cpus", "cpuset.cpus.effective", error);
}

char *
cgroup_effective_mems (const Cgroup *c, GError **error)
{
    return read_list (c, "cpuset.effective_mems", "cpuset.mems.effective", error);
}
