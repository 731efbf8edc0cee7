/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/topology.h"
#include "util/error.h"
#include "util/file.h"

#define READ_MAX (1024 * 1024)      /* /proc/cpuinfo of a large host */
#define LIST_MAX 8192               /* CPUs or nodes in a list */

const char *node_root = "";

/* Below node_root. */
G_GNUC_PRINTF (1, 0)
static char *
full_path (const char *format, va_list args)
{
    g_autofree char *path = g_strdup_vprintf (format, args);

    return g_strconcat (node_root, path, NULL);
}

char *
node_read (const char *format, ...)
{
    g_autofree char *path = NULL;
    char *text;
    va_list args;

    va_start (args, format);
    path = full_path (format, args);
    va_end (args);
    text = file_read (path, READ_MAX, NULL, NULL);
    return text ? g_strchomp (text) : NULL;
}

gboolean
node_exists (const char *format, ...)
{
    g_autofree char *path = NULL;
    va_list args;

    va_start (args, format);
    path = full_path (format, args);
    va_end (args);
    return access (path, F_OK) == 0;
}

static int
by_text (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
node_list (guint max, const char *format, ...)
{
    GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
    g_autofree char *path = NULL;
    g_autoptr (GDir) dir = NULL;
    const char *name;
    va_list args;

    va_start (args, format);
    path = full_path (format, args);
    va_end (args);
    dir = g_dir_open (path, 0, NULL);
    while (dir && names->len < max && (name = g_dir_read_name (dir)))
        g_ptr_array_add (names, g_strdup (name));
    g_ptr_array_sort (names, by_text);
    return names;
}

char *
node_markup (const char *text)
{
    g_autofree char *valid = g_utf8_make_valid (text, -1);

    for (char *p = valid; *p; p++)
        if (g_ascii_iscntrl (*p))
            *p = '?';
    return g_markup_escape_text (valid, -1);
}

GArray *
node_parse_list (const char *text)
{
    GArray *list = g_array_new (FALSE, FALSE, sizeof (guint));

    while (g_ascii_isdigit (*text) && list->len < LIST_MAX) {
        char *end;
        guint64 first = g_ascii_strtoull (text, &end, 10), last = first;

        if (*end == '-')
            last = g_ascii_strtoull (end + 1, &end, 10);
        for (guint64 i = first; i <= last && list->len < LIST_MAX; i++) {
            guint number = (guint) i;

            g_array_append_val (list, number);
        }
        if (*end != ',')
            break;
        text = end + 1;
    }
    return list;
}

/* ---- CPUs */

static guint
clock_mhz (void)
{
    g_autofree char *cpuinfo = node_read ("/proc/cpuinfo");
    const char *line = cpuinfo ? strstr (cpuinfo, "cpu MHz") : NULL;
    const char *colon = line ? strchr (line, ':') : NULL;

    return colon ? (guint) g_ascii_strtoull (colon + 2, NULL, 10) : 0;
}

/* How many different values of the key the CPUs of a cell have; @socket -1 counts sockets. */
static guint
count_distinct (const TopologyCell *cell, gint socket, guint *ret_threads)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
    guint threads = 1;

    for (guint i = 0; i < cell->cpus->len; i++) {
        const TopologyCpu *cpu = cell->cpus->pdata[i];
        guint key = socket < 0 ? cpu->socket_id : cpu->die_id << 16 | cpu->core_id;
        guint count;

        if (socket >= 0 && cpu->socket_id != (guint) socket)
            continue;
        count = GPOINTER_TO_UINT (g_hash_table_lookup (seen, GUINT_TO_POINTER (key))) + 1;
        g_hash_table_insert (seen, GUINT_TO_POINTER (key), GUINT_TO_POINTER (count));
        threads = MAX (threads, count);
    }
    if (ret_threads)
        *ret_threads = threads;
    return g_hash_table_size (seen);
}

static void
fill_shape (NodeInfo *info, const Topology *topology)
{
    info->nodes = (int) MAX (topology->cells->len, 1);
    info->sockets = info->cores = info->threads = 1;
    for (guint i = 0; i < topology->cells->len; i++) {
        const TopologyCell *cell = topology->cells->pdata[i];

        info->cpus += (int) cell->cpus->len;
        info->memory += cell->memory;
        info->sockets = MAX (info->sockets, (int) count_distinct (cell, -1, NULL));
        for (guint k = 0; k < cell->cpus->len; k++) {
            const TopologyCpu *cpu = cell->cpus->pdata[k];
            guint threads, cores = count_distinct (cell, (gint) cpu->socket_id, &threads);

            info->cores = MAX (info->cores, (int) cores);
            info->threads = MAX (info->threads, (int) threads);
        }
    }
    /* a shape that cannot hold all CPUs misleads; libvirt says one flat socket then */
    if (info->nodes * info->sockets * info->cores * info->threads < info->cpus) {
        info->nodes = info->sockets = info->threads = 1;
        info->cores = info->cpus;
    }
}

gboolean
node_info (NodeInfo *info, GError **error)
{
    g_autoptr (Topology) topology = topology_read ();

    memset (info, 0, sizeof *info);
    g_strlcpy (info->model, node_arch (), sizeof info->model);
    info->mhz = (int) clock_mhz ();
    fill_shape (info, topology);
    if (info->cpus == 0)
        return error_set (error, ERR_INTERNAL, "no CPUs found");
    return TRUE;
}

gboolean
node_cpu_map (GByteArray **map, guint *online, guint *total, GError **error)
{
    g_autofree char *present_text = node_read ("/sys/devices/system/cpu/present");
    g_autofree char *online_text = node_read ("/sys/devices/system/cpu/online");
    g_autoptr (GArray) present = node_parse_list (present_text ? present_text : "");
    g_autoptr (GArray) up = node_parse_list (online_text ? online_text : "");
    GByteArray *bits;

    if (present->len == 0 || up->len == 0)
        return error_set (error, ERR_INTERNAL, "unable to read the CPU map of the host");
    *total = g_array_index (present, guint, present->len - 1) + 1;
    *online = up->len;
    if (!map)
        return TRUE;
    bits = g_byte_array_sized_new ((*total + 7) / 8);
    g_byte_array_set_size (bits, (*total + 7) / 8);
    memset (bits->data, 0, bits->len);
    for (guint i = 0; i < up->len; i++) {
        guint cpu = g_array_index (up, guint, i);

        if (cpu < *total)
            bits->data[cpu / 8] |= (guint8) (1u << (cpu % 8));
    }
    *map = bits;
    return TRUE;
}

static void
add_stat (GArray *stats, const char *name, guint64 value)
{
    NodeStat stat = { .value = value };

    g_strlcpy (stat.name, name, sizeof stat.name);
    g_array_append_val (stats, stat);
}

GArray *
node_cpu_stats (int cpu, GError **error)
{
    g_autofree char *text = node_read ("/proc/stat");
    g_autofree char *key = cpu < 0 ? g_strdup ("cpu ") : g_strdup_printf ("cpu%d ", cpu);
    guint64 user, nice, kernel, idle, iowait, irq, softirq, tick;
    const char *line = text;
    GArray *stats;

    while (line && !g_str_has_prefix (line, key)) {
        line = strchr (line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (cpu < -1 || !line
        || sscanf (line + strlen (key), "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                   " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                   &user, &nice, &kernel, &idle, &iowait, &irq, &softirq) != 7) {
        error_set (error, ERR_INVALID_ARG, "Invalid cpuNum in virHostCPUGetStatsLinux");
        return NULL;
    }
    tick = G_GUINT64_CONSTANT (1000000000) / (guint64) sysconf (_SC_CLK_TCK);
    stats = g_array_new (FALSE, FALSE, sizeof (NodeStat));
    add_stat (stats, "kernel", (kernel + irq + softirq) * tick);
    add_stat (stats, "user", (user + nice) * tick);
    add_stat (stats, "idle", idle * tick);
    add_stat (stats, "iowait", iowait * tick);
    return stats;
}

/* ---- memory */

static gboolean
meminfo_get (const char *text, const char *key, guint64 *ret_kib)
{
    gsize length = strlen (key);

    for (const char *line = text; line; line = strchr (line, '\n') ? strchr (line, '\n') + 1 : NULL) {
        if (strncmp (line, "Node ", 5) == 0) {      /* of one cell: "Node 0 MemFree: ..." */
            line = strchr (line + 5, ' ');
            if (!line)
                return FALSE;
            line++;
        }
        if (strncmp (line, key, length) == 0 && line[length] == ':') {
            *ret_kib = g_ascii_strtoull (line + length + 1 + strspn (line + length + 1, " "), NULL, 10);
            return TRUE;
        }
    }
    return FALSE;
}

static GArray *
online_nodes (void)
{
    g_autofree char *text = node_read ("/sys/devices/system/node/online");
    GArray *nodes = node_parse_list (text ? text : "");

    if (nodes->len == 0) {
        guint none = 0;

        g_array_append_val (nodes, none);
    }
    return nodes;
}

static char *
cell_meminfo (guint cell)
{
    char *text = node_read ("/sys/devices/system/node/node%u/meminfo", cell);

    /* a kernel without NUMA has the one cell 0 */
    return !text && cell == 0 ? node_read ("/proc/meminfo") : text;
}

static guint
last_cell (void)
{
    g_autoptr (GArray) nodes = online_nodes ();

    return g_array_index (nodes, guint, nodes->len - 1);
}

GArray *
node_memory_stats (int cell, GError **error)
{
    static const struct { const char *name, *key; gboolean host_only; } rows[] = {
        { "total", "MemTotal", FALSE }, { "free", "MemFree", FALSE },
        { "buffers", "Buffers", TRUE }, { "cached", "Cached", TRUE },
    };
    g_autofree char *text = NULL;
    GArray *stats;

    if (cell < -1 || (cell >= 0 && (guint) cell > last_cell ())) {
        error_set (error, ERR_INVALID_ARG, "cellNum in virHostMemGetStats must be less than or equal to %u",
                   last_cell ());
        return NULL;
    }
    text = cell < 0 ? node_read ("/proc/meminfo") : cell_meminfo ((guint) cell);
    if (!text) {
        error_set (error, ERR_INTERNAL, "no memory information of cell %d", cell);
        return NULL;
    }
    stats = g_array_new (FALSE, FALSE, sizeof (NodeStat));
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        guint64 value;

        if ((cell < 0 || !rows[i].host_only) && meminfo_get (text, rows[i].key, &value))
            add_stat (stats, rows[i].name, value);
    }
    return stats;
}

static guint64
cell_free_kib (guint cell)
{
    g_autofree char *text = cell_meminfo (cell);
    guint64 value = 0;

    if (text)
        meminfo_get (text, "MemFree", &value);
    return value;
}

gboolean
node_free_memory (guint64 *bytes, GError **error)
{
    g_autoptr (GArray) nodes = online_nodes ();
    guint64 kib = 0;

    for (guint i = 0; i < nodes->len; i++)
        kib += cell_free_kib (g_array_index (nodes, guint, i));
    if (kib == 0)
        return error_set (error, ERR_INTERNAL, "Cannot determine free memory");
    *bytes = kib * 1024;
    return TRUE;
}

gboolean
node_check_cell (int start, GError **error)
{
    if (start >= 0 && (guint) start <= last_cell ())
        return TRUE;
    return error_set (error, ERR_INTERNAL, "start cell %d out of range (0-%u)", start, last_cell ());
}

GArray *
node_cells_free (int start, int max, GError **error)
{
    GArray *cells;

    if (!node_check_cell (start, error))
        return NULL;
    cells = g_array_new (FALSE, FALSE, sizeof (guint64));
    for (guint cell = (guint) start; cell <= last_cell () && (int) cells->len < max; cell++) {
        guint64 bytes = cell_free_kib (cell) * 1024;

        g_array_append_val (cells, bytes);
    }
    return cells;
}

/* Of the whole host: cell -1. */
static gboolean
cell_free_pages (int cell, guint size, guint64 *ret, GError **error)
{
    guint base = (guint) sysconf (_SC_PAGESIZE) / 1024;
    g_autofree char *text = NULL;

    if (size == base && cell < 0) {
        if (!node_free_memory (ret, error))
            return FALSE;
        *ret /= 1024 * base;
        return TRUE;
    }
    if (size == base) {
        *ret = cell_free_kib ((guint) cell) / base;
        return TRUE;
    }
    text = cell < 0 ? node_read ("/sys/kernel/mm/hugepages/hugepages-%ukB/free_hugepages", size)
                    : node_read ("/sys/devices/system/node/node%d/hugepages/hugepages-%ukB/free_hugepages", cell, size);
    if (!text)
        return error_set (error, ERR_OPERATION_FAILED, "page size %u is not available on node %d", size, cell);
    *ret = g_ascii_strtoull (text, NULL, 10);
    return TRUE;
}

GArray *
node_free_pages (const guint *sizes, guint n_sizes, int start, guint cells, GError **error)
{
    g_autoptr (GArray) counts = NULL;
    gint64 last = MIN ((gint64) last_cell (), (gint64) start + MAX (cells, 1) - 1);

    if (start != -1 && !node_check_cell (start, error))
        return NULL;
    counts = g_array_new (FALSE, FALSE, sizeof (guint64));
    for (int cell = start; cell <= last; cell++)
        for (guint i = 0; i < n_sizes; i++) {
            guint64 count;

            if (!cell_free_pages (cell, sizes[i], &count, error))
                return NULL;
            g_array_append_val (counts, count);
        }
    return g_steal_pointer (&counts);
}

/* ---- firmware */

typedef struct { const char *entry, *file; } SysinfoRow;

static void
add_sysinfo (GString *xml, const char *element, const SysinfoRow *rows, guint n)
{
    gsize before = xml->len;

    for (guint i = 0; i < n; i++) {
        g_autofree char *value = node_read ("/sys/class/dmi/id/%s", rows[i].file);
        g_autofree char *escaped = NULL;

        if (!value || !*g_strstrip (value) || !g_utf8_validate (value, -1, NULL))
            continue;
        escaped = node_markup (value);
        if (xml->len == before)
            g_string_append_printf (xml, "  <%s>\n", element);
        g_string_append_printf (xml, "    <entry name='%s'>%s</entry>\n", rows[i].entry, escaped);
    }
    if (xml->len > before)
        g_string_append_printf (xml, "  </%s>\n", element);
}

char *
node_sysinfo_xml (GError **error)
{
    static const SysinfoRow bios[] = {
        { "vendor", "bios_vendor" }, { "version", "bios_version" }, { "date", "bios_date" },
        { "release", "bios_release" },
    };
    static const SysinfoRow system[] = {
        { "manufacturer", "sys_vendor" }, { "product", "product_name" }, { "version", "product_version" },
        { "serial", "product_serial" }, { "uuid", "product_uuid" }, { "sku", "product_sku" },
        { "family", "product_family" },
    };
    static const SysinfoRow board[] = {
        { "manufacturer", "board_vendor" }, { "product", "board_name" }, { "version", "board_version" },
        { "serial", "board_serial" }, { "asset", "board_asset_tag" },
    };
    static const SysinfoRow chassis[] = {
        { "manufacturer", "chassis_vendor" }, { "version", "chassis_version" },
        { "serial", "chassis_serial" }, { "asset", "chassis_asset_tag" },
    };
    GString *xml = g_string_new ("<sysinfo type='smbios'>\n");
    gsize empty = xml->len;

    add_sysinfo (xml, "bios", bios, G_N_ELEMENTS (bios));
    add_sysinfo (xml, "system", system, G_N_ELEMENTS (system));
    add_sysinfo (xml, "baseBoard", board, G_N_ELEMENTS (board));
    add_sysinfo (xml, "chassis", chassis, G_N_ELEMENTS (chassis));
    if (xml->len == empty) {
        g_string_free (xml, TRUE);
        error_set (error, ERR_CONFIG_UNSUPPORTED, "Host SMBIOS information is not available");
        return NULL;
    }
    g_string_append (xml, "</sysinfo>\n");
    return g_string_free (xml, FALSE);
}

/* ---- processes */

#define PROCESS_FLAG_EXITING 0x4         /* PF_EXITING of the kernel's sched.h */

/* A number of /proc/PID/stat after the second field; 0 when the process is gone. */
static guint64
process_stat (int pid, guint wanted)
{
    g_autofree char *text = node_read ("/proc/%d/stat", pid);
    /* the second field is the program's name, which may hold blanks and ')' */
    const char *at = text ? strrchr (text, ')') : NULL;

    for (guint field = 2; at && field < wanted; field++) {
        at = strchr (at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at ? g_ascii_strtoull (at, NULL, 10) : 0;
}

guint64
node_process_start (int pid)
{
    return process_stat (pid, 22);
}

gboolean
node_process_ending (int pid)
{
    guint64 flags = process_stat (pid, 9);

    return flags == 0 || flags & PROCESS_FLAG_EXITING;
}
