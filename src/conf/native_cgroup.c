/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lxc.cgroup.* and lxc.cgroup2.*: limits and device rules. Both versions of a limit mean one thing; the
 * later line counts. */
#include <string.h>

#include "conf/cpulist.h"
#include "conf/native_private.h"

#define UNLIMITED_KIB MEMORY_UNLIMITED

/* ---- memory */

static guint64
kib (guint64 bytes)
{
    return bytes == SKEP_UNLIMITED || bytes / 1024 >= UNLIMITED_KIB ? UNLIMITED_KIB
                                                                    : bytes / 1024 + (bytes % 1024 != 0);
}

static void
take_memory (Native *n, const NativeLine *line)
{
    guint64 bytes = SKEP_UNLIMITED;

    if (*line->value && !native_size (n, line, line->value, &bytes))
        return;
    n->memory = bytes == SKEP_UNLIMITED ? 0 : bytes;
    n->unlimited = *line->value && bytes == SKEP_UNLIMITED;
}

static void
take_memory_limit (Native *n, const NativeLine *line, guint64 *member, gboolean *set)
{
    guint64 bytes = SKEP_UNLIMITED;

    if (*line->value && !native_size (n, line, line->value, &bytes))
        return;
    *set = bytes != SKEP_UNLIMITED;
    *member = *set ? kib (bytes) : 0;
}

static void
take_memory_soft (Native *n, const NativeLine *line)
{
    DomainMemtune *tune = &n->def->memtune;

    take_memory_limit (n, line, &tune->soft_limit, &tune->soft_limit_set);
}

static void
take_memory_and_swap (Native *n, const NativeLine *line)
{
    DomainMemtune *tune = &n->def->memtune;

    n->swap_max_set = FALSE;
    take_memory_limit (n, line, &tune->swap_hard_limit, &tune->swap_hard_limit_set);
}

static void
take_swap (Native *n, const NativeLine *line)
{
    guint64 bytes = SKEP_UNLIMITED;

    if (!*line->value || native_size (n, line, line->value, &bytes))
        n->swap_max = bytes;
    n->swap_max_set = bytes != SKEP_UNLIMITED;
    n->def->memtune.swap_hard_limit_set = FALSE;
}

/* ---- cpu */

static void
take_shares (Native *n, const NativeLine *line)
{
    guint64 shares = 0;

    if (*line->value && !native_number (n, line, line->value, 262144, &shares))
        return;
    n->def->cputune.shares = shares;
    n->def->cputune.shares_set = shares != 0;
}

/* The kernel's own conversion of weights 1..10000, turned round. */
static void
take_weight (Native *n, const NativeLine *line)
{
    guint64 weight = 0;

    if (*line->value && !native_number (n, line, line->value, 10000, &weight))
        return;
    n->def->cputune.shares = weight ? 2 + ((weight - 1) * 262142 + 9998) / 9999 : 0;
    n->def->cputune.shares_set = weight != 0;
}

static void
take_period (Native *n, const NativeLine *line)
{
    guint64 period = 0;

    if (!*line->value || native_number (n, line, line->value, 1000000, &period))
        n->def->cputune.period = period;
}

static void
set_quota (Native *n, const NativeLine *line, const char *text)
{
    guint64 quota = 0;

    if (*text == '-')
        n->def->cputune.quota = -1;
    else if (!*text || native_number (n, line, text, G_MAXINT64, &quota))
        n->def->cputune.quota = (gint64) quota;
}

static void
take_quota (Native *n, const NativeLine *line)
{
    set_quota (n, line, line->value);
}

/* "50000 100000", "max" */
static void
take_cpu_max (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", 2);
    guint64 period = 0;

    /* no limit is what there is without a line */
    set_quota (n, line, words[0] && !g_str_equal (words[0], "max") ? words[0] : "");
    if (words[0] && words[1] && native_number (n, line, g_strstrip (words[1]), 1000000, &period))
        n->def->cputune.period = period;
}

/* A list as it is kept, "0-2,5"; NULL when it is empty or fails. */
static char *
list_value (Native *n, const NativeLine *line)
{
    g_autoptr (GError) why = NULL;
    char *list = *line->value ? cpulist_canonical (line->value, &why) : NULL;

    if (why)
        native_fail (n, line, (ErrorCode) why->code, "%s", why->message);
    return list;
}

static void
take_cpus (Native *n, const NativeLine *line)
{
    g_free (n->def->cpuset);
    n->def->cpuset = list_value (n, line);
}

static void
take_mems (Native *n, const NativeLine *line)
{
    DomainNumatune *numa = &n->def->numatune;

    g_free (numa->nodeset);
    numa->nodeset = list_value (n, line);
    numa->set = numa->nodeset != NULL;
    numa->mode = NUMA_STRICT;
    numa->placement = numa->set ? PLACEMENT_STATIC : PLACEMENT_NONE;
}

/* ---- block devices */

#define BLKIO_WEIGHT_MAX 1000

static BlkioDevice *
blkio_device (Native *n, const char *numbers)
{
    g_autofree char *path = g_strconcat ("/dev/block/", numbers, NULL);
    GPtrArray *devices = n->def->blkiotune.devices;
    BlkioDevice *device;

    for (guint i = 0; i < devices->len; i++) {
        device = devices->pdata[i];
        if (g_str_equal (device->path, path))
            return device;
    }
    device = g_new0 (BlkioDevice, 1);
    device->path = g_steal_pointer (&path);
    g_ptr_array_add (devices, device);
    return device;
}

static gboolean
is_numbers (const char *text)
{
    gsize major = strspn (text, "0123456789");

    return major > 0 && text[major] == ':' && text[major + 1]
        && strspn (text + major + 1, "0123456789") == strlen (text + major + 1);
}

/* "8:0 VALUE"; NULL when it is something else. */
static BlkioDevice *
device_value (Native *n, const NativeLine *line, guint64 max, guint64 *ret)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", 2);

    if (!words[0] || !words[1] || !is_numbers (words[0])) {
        native_fail (n, line, ERR_INTERNAL, "'%s' is not MAJOR:MINOR VALUE", line->value);
        return NULL;
    }
    return native_number (n, line, g_strstrip (words[1]), max, ret) ? blkio_device (n, words[0]) : NULL;
}

/* Version 2 has weights up to 10,000. */
static guint
weight_within (Native *n, const NativeLine *line, guint64 weight)
{
    if (weight <= BLKIO_WEIGHT_MAX)
        return (guint) weight;
    native_note (n, line, "weights go up to 1000: that is taken");
    return BLKIO_WEIGHT_MAX;
}

static void
take_blkio_weight (Native *n, const NativeLine *line)
{
    const char *text = g_str_has_prefix (line->value, "default ") ? line->value + 8 : line->value;
    guint64 weight = 0;

    if (strchr (text, ':')) {
        BlkioDevice *device = device_value (n, line, 10000, &weight);

        if (device)
            device->weight = weight_within (n, line, weight);
        return;
    }
    if (!*text || native_number (n, line, text, 10000, &weight))
        n->def->blkiotune.weight = weight_within (n, line, weight);
}

static void
take_device_weight (Native *n, const NativeLine *line)
{
    guint64 weight;
    BlkioDevice *device = *line->value ? device_value (n, line, BLKIO_WEIGHT_MAX, &weight) : NULL;

    if (device)
        device->weight = (guint) weight;
}

static void
take_throttle (Native *n, const NativeLine *line)
{
    guint64 value, max = g_str_has_suffix (line->rest, "_bps_device") ? G_MAXUINT64 : G_MAXUINT32;
    BlkioDevice *device = *line->value ? device_value (n, line, max, &value) : NULL;

    if (!device)
        return;
    if (g_str_has_suffix (line->rest, "read_bps_device"))
        device->read_bytes_sec = value;
    else if (g_str_has_suffix (line->rest, "write_bps_device"))
        device->write_bytes_sec = value;
    else if (g_str_has_suffix (line->rest, "read_iops_device"))
        device->read_iops_sec = (guint) value;
    else
        device->write_iops_sec = (guint) value;
}

static void
set_io_max (Native *n, const NativeLine *line, BlkioDevice *device, const char *word)
{
    const char *text = strchr (word, '=') ? strchr (word, '=') + 1 : "";
    gboolean bytes = g_str_has_prefix (word, "rbps=") || g_str_has_prefix (word, "wbps=");
    guint64 value = 0;

    if (!g_str_equal (text, "max") && !native_number (n, line, text, bytes ? G_MAXUINT64 : G_MAXUINT32, &value))
        return;
    if (g_str_has_prefix (word, "rbps="))
        device->read_bytes_sec = value;
    else if (g_str_has_prefix (word, "wbps="))
        device->write_bytes_sec = value;
    else if (g_str_has_prefix (word, "riops="))
        device->read_iops_sec = (guint) value;
    else if (g_str_has_prefix (word, "wiops="))
        device->write_iops_sec = (guint) value;
    else
        native_fail (n, line, ERR_INTERNAL, "unknown limit '%s'", word);
}

/* "8:0 rbps=1048576 wiops=max" */
static void
take_io_max (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);
    BlkioDevice *device;

    if (!*line->value)
        return;
    if (!is_numbers (words[0])) {
        native_fail (n, line, ERR_INTERNAL, "'%s' is not MAJOR:MINOR LIMITS", line->value);
        return;
    }
    device = blkio_device (n, words[0]);
    for (char **word = words + 1; *word; word++)
        if (**word)
            set_io_max (n, line, device, *word);
}

/* ---- tasks and devices */

static void
take_pids (Native *n, const NativeLine *line)
{
    guint64 max = 0;

    if (!*line->value || g_str_equal (line->value, "max")
        || native_number (n, line, line->value, 4194304, &max))
        n->skep->tasks_max = max;
}

/* Every container of Skep has these. */
static const char *const base_devices[] = { "c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:1",
                                            "c 5:2", "c 10:229", "c 136:*", NULL };

/* One rule for a number, of all that is allowed of it: what is denied later is taken from one place. */
static void
add_rule (Native *n, const char *type, const char *major, const char *minor, const char *access)
{
    SkepDevice *device;

    for (guint i = 0; i < n->skep->devices->len; i++) {
        device = n->skep->devices->pdata[i];
        if (g_str_equal (device->type, type) && g_str_equal (device->major, major)
            && g_str_equal (device->minor, minor)) {
            for (const char *letter = access; *letter; letter++)
                if (!strchr (device->access, *letter)) {
                    g_autofree char *less = device->access;

                    device->access = g_strdup_printf ("%s%c", less, *letter);
                }
            return;
        }
    }
    device = g_new0 (SkepDevice, 1);
    device->type = g_strdup (type);
    device->major = g_strdup (major);
    device->minor = g_strdup (minor);
    device->access = g_strdup (access);
    g_ptr_array_add (n->skep->devices, device);
}

static gboolean
is_number_or_star (const char *text)
{
    return text && (g_str_equal (text, "*") || g_ascii_string_to_unsigned (text, 10, 0, 0xfffff, NULL, NULL));
}

/* "010" is "10". */
static char *
plain_number (const char *text)
{
    return *text == '*' ? g_strdup (text)
                        : g_strdup_printf ("%" G_GUINT64_FORMAT, g_ascii_strtoull (text, NULL, 10));
}

/* "c 10:200 rwm" */
typedef struct {
    char *type, *access;
    char *major, *minor;        /* a number or "*" */
} DeviceWords;

static void
device_words_clear (DeviceWords *device)
{
    g_free (device->type);
    g_free (device->access);
    g_free (device->major);
    g_free (device->minor);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeviceWords, device_words_clear)

static gboolean
parse_device (Native *n, const NativeLine *line, DeviceWords *ret)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);
    guint count = g_strv_length (words);
    g_auto (GStrv) numbers = g_strsplit (count > 1 ? words[1] : "", ":", 2);

    if (count != 3 || (!g_str_equal (words[0], "b") && !g_str_equal (words[0], "c"))
        || !is_number_or_star (numbers[0]) || !is_number_or_star (numbers[1]) || !*words[2]
        || strspn (words[2], "rwm") != strlen (words[2]) || strlen (words[2]) > 3) {
        native_fail (n, line, ERR_INTERNAL, "'%s' is not TYPE MAJOR:MINOR ACCESS", line->value);
        return FALSE;
    }
    *ret = (DeviceWords) { g_strdup (words[0]), g_strdup (words[2]), plain_number (numbers[0]),
                            plain_number (numbers[1]) };
    return TRUE;
}

static void
take_devices_allow (Native *n, const NativeLine *line)
{
    g_auto (DeviceWords) device = { NULL };
    g_autofree char *what = NULL;

    if (!*line->value) {
        g_ptr_array_set_size (n->skep->devices, 0);
        return;
    }
    if (*line->value == 'a') {
        add_rule (n, "b", "*", "*", "rwm");
        add_rule (n, "c", "*", "*", "rwm");
        return;
    }
    if (!parse_device (n, line, &device))
        return;
    what = g_strconcat (device.type, " ", device.major, ":", device.minor, NULL);
    if (!g_strv_contains (base_devices, what))
        add_rule (n, device.type, device.major, device.minor, device.access);
}

static gboolean
number_covers (const char *wide, const char *narrow)
{
    return g_str_equal (wide, "*") || g_str_equal (wide, narrow);
}

static gboolean
numbers_meet (const char *a, const char *b)
{
    return number_covers (a, b) || number_covers (b, a);
}

static void
note_base_devices (Native *n, const NativeLine *line, const DeviceWords *denied)
{
    for (const char *const *base = base_devices; *base; base++) {
        g_auto (GStrv) words = g_strsplit_set (*base, " :", 3);

        if (g_str_equal (words[0], denied->type) && numbers_meet (words[1], denied->major)
            && numbers_meet (words[2], denied->minor))
            native_note (n, line, "still allowed: every container of Skep has '%s'", *base);
    }
}

/* What was allowed before and is denied whole goes, as far as its access is denied; what is wider
 * cannot have a hole. */
static void
deny_device (Native *n, const NativeLine *line, const DeviceWords *denied)
{
    guint notes = n->notes->len;
    gboolean taken = FALSE;

    for (guint i = n->skep->devices->len; i > 0; i--) {
        SkepDevice *device = n->skep->devices->pdata[i - 1];
        g_autofree char *left = NULL;
        guint length = 0;

        if (!g_str_equal (device->type, denied->type) || !numbers_meet (device->major, denied->major)
            || !numbers_meet (device->minor, denied->minor) || !strpbrk (device->access, denied->access))
            continue;
        if (!number_covers (denied->major, device->major) || !number_covers (denied->minor, device->minor)) {
            native_note (n, line, "still allowed by '%s %s:%s %s'", device->type, device->major, device->minor,
                         device->access);
            continue;
        }
        taken = TRUE;
        left = g_strdup (device->access);
        for (const char *at = device->access; *at; at++)
            if (!strchr (denied->access, *at))
                left[length++] = *at;
        left[length] = '\0';
        if (length == 0)
            g_ptr_array_remove_index (n->skep->devices, i - 1);
        else
            native_replace (&device->access, left);
    }
    note_base_devices (n, line, denied);
    if (!taken && n->notes->len == notes)
        native_note (n, line, "everything that is not allowed is denied");
}

static void
take_devices_deny (Native *n, const NativeLine *line)
{
    g_auto (DeviceWords) device = { NULL };

    if (!*line->value)
        return;
    if (*line->value == 'a')
        g_ptr_array_set_size (n->skep->devices, 0);     /* where a container of Skep begins */
    else if (parse_device (n, line, &device))
        deny_device (n, line, &device);
}

/* ---- keys */

typedef struct {
    const char *name;
    void (*take) (Native *n, const NativeLine *line);
} CgroupRow;

static const CgroupRow v1_rows[] = {
    { "memory.limit_in_bytes", take_memory },
    { "memory.soft_limit_in_bytes", take_memory_soft },
    { "memory.memsw.limit_in_bytes", take_memory_and_swap },
    { "cpu.shares", take_shares },
    { "cpu.cfs_period_us", take_period },
    { "cpu.cfs_quota_us", take_quota },
    { "cpuset.cpus", take_cpus },
    { "cpuset.mems", take_mems },
    { "blkio.weight", take_blkio_weight },
    { "blkio.bfq.weight", take_blkio_weight },
    { "blkio.device_weight", take_device_weight },
    { "blkio.weight_device", take_device_weight },
    { "blkio.throttle.read_bps_device", take_throttle },
    { "blkio.throttle.write_bps_device", take_throttle },
    { "blkio.throttle.read_iops_device", take_throttle },
    { "blkio.throttle.write_iops_device", take_throttle },
    { "pids.max", take_pids },
    { "devices.allow", take_devices_allow },
    { "devices.deny", take_devices_deny },
};

static const CgroupRow v2_rows[] = {
    { "memory.max", take_memory },
    { "memory.high", take_memory_soft },
    { "memory.swap.max", take_swap },
    { "cpu.weight", take_weight },
    { "cpu.max", take_cpu_max },
    { "cpuset.cpus", take_cpus },
    { "cpuset.mems", take_mems },
    { "io.weight", take_blkio_weight },
    { "io.bfq.weight", take_blkio_weight },
    { "io.max", take_io_max },
    { "pids.max", take_pids },
    { "devices.allow", take_devices_allow },
    { "devices.deny", take_devices_deny },
};

static void
take (Native *n, const NativeLine *line, const CgroupRow *rows, guint count)
{
    for (guint i = 0; i < count; i++)
        if (g_str_equal (rows[i].name, line->rest)) {
            rows[i].take (n, line);
            return;
        }
    if (*line->value)
        native_note (n, line, "no word for this file of a control group");
}

void
native_take_cgroup (Native *n, const NativeLine *line)
{
    take (n, line, v1_rows, G_N_ELEMENTS (v1_rows));
}

void
native_take_cgroup2 (Native *n, const NativeLine *line)
{
    take (n, line, v2_rows, G_N_ELEMENTS (v2_rows));
}

/* Without a limit a container may have what the host has. */
void
native_finish_cgroup (Native *n)
{
    DomainMemtune *tune = &n->def->memtune;
    guint64 none = n->unlimited ? UNLIMITED_KIB : 65536;
    guint64 host = n->host && n->host->memory ? n->host->memory : none;

    n->def->memory = n->memory ? kib (n->memory) : host;
    if (n->memory) {
        tune->hard_limit = kib (n->memory);
        tune->hard_limit_set = TRUE;
    }
    if (n->swap_max_set) {
        tune->swap_hard_limit = n->def->memory + kib (n->swap_max);
        tune->swap_hard_limit_set = TRUE;
    }
}
