/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about the host and the daemon. */
#include "cmd.h"

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

/* ---- One string: a row each ---- */

typedef struct {
    const char *verb;
    char *(*get) (SkepConnection *conn, SkepError *error);
} StringRow;

static const StringRow string_rows[] = {
    { "uri", skep_connection_uri },
    { "hostname", skep_connection_hostname },
    { "sysinfo", skep_connection_sysinfo },
    { "capabilities", skep_connection_capabilities },
};

static int
run_string (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    const StringRow *row = string_rows;
    g_autofree char *text = NULL;

    while (strcmp (row->verb, args_verb (args)->name) != 0)
        row++;
    text = row->get (shell->conn, &error);
    if (!text)
        return shell_fail_with (shell, &error, strcmp (row->verb, "sysinfo") == 0 ? "failed to get sysinfo" : NULL);
    return print_string (shell, args, row->verb, g_strchomp (text));
}

/* ---- domcapabilities ---- */

static int
run_domcapabilities (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autofree char *text = skep_connection_domain_capabilities (
        shell->conn, args_string (args, "emulatorbin"), args_string (args, "arch"),
        args_string (args, "machine"), args_string (args, "virttype"), &error);

    if (!text)
        return shell_fail_with (shell, &error, NULL);
    return print_string (shell, args, "domcapabilities", g_strchomp (text));
}

/* ---- version ---- */

static char *
version_text (uint64_t version)
{
    return g_strdup_printf ("%u.%u.%u", (unsigned) (version / 1000000),
                            (unsigned) (version / 1000 % 1000), (unsigned) (version % 1000));
}

static int
run_version (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autofree char *type = NULL, *hypervisor = NULL, *running = NULL, *daemon = NULL;
    g_autoptr (Record) record = record_new ();
    uint64_t version, lib;

    type = skep_connection_type (shell->conn, &error);
    if (!type || !skep_connection_version (shell->conn, &version, &error))
        return shell_fail_with (shell, &error, NULL);
    hypervisor = version_text (version);
    record_string (record, "library", "Using library", "libskep " SKEP_VERSION);
    running = g_strdup_printf ("%s %s", type, hypervisor);
    record_string (record, "api", "Using API", type);
    record_string_raw (record, "hypervisor", "Running hypervisor", running, hypervisor);
    if (args_flag (args, "daemon")) {
        if (!skep_connection_lib_version (shell->conn, &lib, &error))
            return shell_fail_with (shell, &error, NULL);
        daemon = version_text (lib);
        record_string (record, "daemon", "Running against daemon", daemon);
    }
    record_print (record, 0, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

/* ---- node* ---- */

static int
run_nodeinfo (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    SkepNodeInfo info;
    g_autoptr (Record) record = record_new ();

    if (!skep_node_info (shell->conn, &info, &error))
        return shell_fail_with (shell, &error, "cannot get facts of the host");
    record_string (record, "model", "CPU model", info.model);
    record_number (record, "cpus", "CPU(s)", info.cpus, "%d", info.cpus);
    record_number (record, "mhz", "CPU frequency", info.mhz, "%d MHz", info.mhz);
    record_number (record, "sockets", "CPU socket(s)", info.sockets, "%d", info.sockets);
    record_number (record, "cores", "Core(s) per socket", info.cores, "%d", info.cores);
    record_number (record, "threads", "Thread(s) per core", info.threads, "%d", info.threads);
    record_number (record, "nodes", "NUMA cell(s)", info.nodes, "%d", info.nodes);
    record_number (record, "memory", "Memory size", (gint64) info.memory,
                   "%" G_GUINT64_FORMAT " KiB", info.memory);
    record_print_titled (record, 20, shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_nodememstats (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autoparams stats = { 0 };
    g_autoptr (Record) record = record_new ();

    if (!skep_node_memory_stats (shell->conn, (int) args_number (args, "cell", -1), &stats, &error))
        return shell_fail_with (shell, &error, "cannot get the memory statistics of the host");
    for (size_t i = 0; i < stats.n; i++)
        record_number (record, stats.item[i].name, NULL, stats.item[i].value.l,
                       ": %20" G_GUINT64_FORMAT " KiB", stats.item[i].value.ul);
    record_print (record, 7, "", shell_wants_json (shell, args), shell->out);
    return 0;
}

/* Busy and idle time of a CPU in percent, over one second. */
static int
print_cpu_percent (Shell *shell, const Args *args, int cpu)
{
    static const char *const parts[] = { "user", "system", "idle", "iowait" };
    static const char *const fields[] = { "user", "kernel", "idle", "iowait" };
    autoerror error = { 0 };
    autoparams before = { 0 }, after = { 0 };
    g_autoptr (Record) record = record_new ();
    double delta[4] = { 0 }, total = 0;

    if (!skep_node_cpu_stats (shell->conn, cpu, &before, &error))
        return shell_fail_with (shell, &error, "cannot get the CPU statistics of the host");
    g_usleep (G_USEC_PER_SEC);
    if (!skep_node_cpu_stats (shell->conn, cpu, &after, &error))
        return shell_fail_with (shell, &error, "cannot get the CPU statistics of the host");
    for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++) {
        const SkepParam *a = skep_params_find (&before, fields[i]),
                        *b = skep_params_find (&after, fields[i]);

        delta[i] = a && b ? (double) (b->value.ul - a->value.ul) : 0;
        total += delta[i];
    }
    total = total > 0 ? total : 1;
    record_number (record, "usage",
                   "usage:", (gint64) ((total - delta[2] - delta[3]) * 100 / total + 0.5),
                   "%14.1f%%", (total - delta[2] - delta[3]) * 100 / total);
    for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++) {
        g_autofree char *title = g_strdup_printf ("%s:", parts[i]);

        record_number (record, parts[i], title, (gint64) (delta[i] * 100 / total + 0.5), "%14.1f%%",
                       delta[i] * 100 / total);
    }
    record_print (record, 15, "", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_nodecpustats (Shell *shell, const Args *args)
{
    static const struct {
        const char *field, *title;
    } names[] = {
        { "user", "user" }, { "kernel", "system" }, { "idle", "idle" }, { "iowait", "iowait" }
    };
    autoerror error = { 0 };
    autoparams stats = { 0 };
    g_autoptr (Record) record = record_new ();
    int cpu = (int) args_number (args, "cpu", -1);

    if (args_flag (args, "percent"))
        return print_cpu_percent (shell, args, cpu);
    if (!skep_node_cpu_stats (shell->conn, cpu, &stats, &error))
        return shell_fail_with (shell, &error, "cannot get the CPU statistics of the host");
    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        const SkepParam *param = skep_params_find (&stats, names[i].field);
        g_autofree char *title = g_strdup_printf ("%s:", names[i].title);

        if (param)
            record_number (record, names[i].title, title, param->value.l, "%20" G_GUINT64_FORMAT,
                           param->value.ul);
    }
    record_print (record, 15, "", shell_wants_json (shell, args), shell->out);
    return 0;
}

/* "0-3,6" of the set bits among the first @n. */
static char *
ranges_of_map (const uint8_t *map, size_t size, int n)
{
    GString *text = g_string_new (NULL);

    for (int i = 0; i < n; i++) {
        int last = i;

#define ONLINE(cpu) ((size_t) (cpu) / 8 < size && map[(cpu) / 8] & 1 << (cpu) % 8)
        if (!ONLINE (i))
            continue;
        while (last + 1 < n && ONLINE (last + 1))
            last++;
        g_string_append_printf (text, last > i ? "%s%d-%d" : "%s%d", text->len ? "," : "", i, last);
        i = last;
    }
    return g_string_free (text, FALSE);
}

static int
run_nodecpumap (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autofree uint8_t *map = NULL;
    g_autofree char *pretty = NULL, *plain = NULL;
    g_autoptr (Record) record = record_new ();
    size_t size = 0;
    unsigned online = 0;
    int n = skep_node_cpu_map (shell->conn, &map, &size, &online, &error);

    if (n < 0)
        return shell_fail_with (shell, &error, "cannot get the CPUs of the host");
    pretty = ranges_of_map (map, size, n);
    plain = g_strnfill ((gsize) n, '-');
    for (int i = 0; i < n; i++)
        if (ONLINE (i))
            plain[i] = 'y';
    record_number (record, "present", "CPUs present", n, "%d", n);
    record_number (record, "online", "CPUs online", online, "%u", online);
    record_string_raw (record, "map", "CPU map", args_flag (args, "pretty") ? pretty : plain,
                       pretty);
    record_print_titled (record, 15, shell_wants_json (shell, args), shell->out);
    return 0;
}

/* ---- Memory of the cells ---- */

/* Ids of the NUMA cells out of the capabilities; and the page sizes of one of them. */
static GArray *
numbers_of_capabilities (SkepConnection *conn, const char *xpath, SkepError *error)
{
    g_autofree char *xml = skep_connection_capabilities (conn, error);
    GArray *numbers = g_array_new (FALSE, FALSE, sizeof (unsigned));
    xmlDocPtr doc = xml ? xmlReadMemory (xml, (int) strlen (xml), "capabilities", NULL,
                                         XML_PARSE_NONET)
                        : NULL;
    xmlXPathContextPtr context = doc ? xmlXPathNewContext (doc) : NULL;
    xmlXPathObjectPtr found = context ? xmlXPathEvalExpression (BAD_CAST xpath, context) : NULL;

    for (int i = 0; found && found->nodesetval && i < found->nodesetval->nodeNr; i++) {
        xmlChar *text = xmlNodeGetContent (found->nodesetval->nodeTab[i]);
        unsigned number = (unsigned) strtoul ((const char *) text, NULL, 10);

        g_array_append_val (numbers, number);
        xmlFree (text);
    }
    xmlXPathFreeObject (found);
    xmlXPathFreeContext (context);
    xmlFreeDoc (doc);
    if (!xml)
        g_clear_pointer (&numbers, g_array_unref);
    return numbers;
}

/* Memory in KiB: free of each cell, and of all. */
static void
json_cells (Shell *shell, const GArray *cells, const GArray *free_kib, guint64 total)
{
    Json json;

    json_init (&json);
    json_open (&json, '{');
    json_key (&json, "cells");
    json_open (&json, '[');
    for (unsigned i = 0; i < cells->len; i++) {
        json_open (&json, '{');
        json_key (&json, "cell");
        json_uint (&json, g_array_index (cells, unsigned, i));
        json_key (&json, "free");
        json_uint (&json, g_array_index (free_kib, guint64, i));
        json_close (&json, '}');
    }
    json_close (&json, ']');
    json_key (&json, "total");
    json_uint (&json, total);
    json_close (&json, '}');
    json_finish (&json, shell->out);
}

static int
print_cells (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autoptr (GArray) cells = numbers_of_capabilities (
        shell->conn, "/capabilities/host/topology/cells/cell/@id", &error);
    g_autoptr (GArray) free_kib = g_array_new (FALSE, FALSE, sizeof (guint64));
    guint64 total = 0;

    if (!cells)
        return shell_fail_with (shell, &error, "cannot get the cells of the host");
    for (unsigned i = 0; i < cells->len; i++) {
        unsigned id = g_array_index (cells, unsigned, i);
        g_autofree uint64_t *bytes = NULL;
        guint64 kib;

        if (skep_node_cells_free_memory (shell->conn, (int) id, 1, &bytes, &error) != 1)
            return shell_fail_with (shell, &error, "cannot get the free memory of cell %u", id);
        kib = bytes[0] / 1024;
        total += kib;
        g_array_append_val (free_kib, kib);
    }
    if (shell_wants_json (shell, args)) {
        json_cells (shell, cells, free_kib, total);
        return 0;
    }
    for (unsigned i = 0; i < cells->len; i++)
        fprintf (shell->out, "%5u: %10" G_GUINT64_FORMAT " KiB\n", g_array_index (cells, unsigned, i),
                 g_array_index (free_kib, guint64, i));
    fprintf (shell->out, "--------------------\nTotal: %10" G_GUINT64_FORMAT " KiB\n", total);
    return 0;
}

static int
run_freecell (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autofree uint64_t *bytes = NULL;
    g_autoptr (Record) record = record_new ();
    uint64_t all = 0;
    gint64 cell = args_number (args, "cellno", -1);
    g_autofree char *title = cell >= 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, cell)
                                       : g_strdup ("Total");

    if (args_flag (args, "all") && cell >= 0)
        return shell_fail (shell, "--all excludes --cellno");
    if (args_flag (args, "all"))
        return print_cells (shell, args);
    if (cell >= 0 ? skep_node_cells_free_memory (shell->conn, (int) cell, 1, &bytes, &error) != 1
                  : !skep_node_free_memory (shell->conn, &all, &error))
        return shell_fail_with (shell, &error, "cannot get the free memory of the host");
    all = (bytes ? bytes[0] : all) / 1024;
    if (cell >= 0)
        record_silent_number (record, "cell", cell);
    record_number (record, cell >= 0 ? "free" : "total", title, (gint64) all,
                   "%" G_GUINT64_FORMAT " KiB", all);
    record_print (record, 0, ": ", shell_wants_json (shell, args), shell->out);
    return 0;
}

/* Into @table, which is for JSON, and as lines for people. */
static int
print_pages (Shell *shell, Table *table, gboolean as_json, int cell, const GArray *sizes)
{
    autoerror error = { 0 };
    g_autofree uint64_t *counts = NULL;

    if (skep_node_free_pages (shell->conn, (const unsigned *) (const void *) sizes->data, sizes->len, cell, 1,
                              &counts, &error)
        != (int) sizes->len)
        return shell_fail_with (shell, &error, "cannot get the free pages of cell %d", cell);
    if (!as_json)
        fprintf (shell->out, "Node %d:\n", cell);
    for (unsigned i = 0; i < sizes->len; i++) {
        unsigned size = g_array_index (sizes, unsigned, i);

        table_number (table, cell, NULL);
        table_number (table, size, NULL);
        table_number (table, (gint64) counts[i], NULL);
        if (!as_json)
            fprintf (shell->out, "%uKiB: %" G_GUINT64_FORMAT "\n", size, counts[i]);
    }
    return 0;
}

static int
run_freepages (Shell *shell, const Args *args)
{
    static const char *const keys[] = { "cell", "page_size", "free", NULL };
    autoerror error = { 0 };
    g_autoptr (Table) table = table_new (keys, keys);
    gboolean as_json = shell_wants_json (shell, args);
    g_autoptr (GArray) cells = NULL, sizes = NULL;
    gint64 cell = args_number (args, "cellno", -1);
    unsigned size = (unsigned) args_size (args, "pagesize", 0);
    int code = 0;

    if (args_flag (args, "all") == (cell >= 0))
        return shell_fail (shell, "missing cellno argument");
    cells = numbers_of_capabilities (shell->conn, "/capabilities/host/topology/cells/cell/@id",
                                     &error);
    sizes = numbers_of_capabilities (
        shell->conn, "/capabilities/host/topology/cells/cell[1]/pages/@size", &error);
    if (!cells || !sizes)
        return shell_fail_with (shell, &error, "cannot get the cells of the host");
    if (size) {
        g_array_set_size (sizes, 0);
        g_array_append_val (sizes, size);
    }
    if (cell >= 0)
        code = print_pages (shell, table, as_json, (int) cell, sizes);
    for (unsigned i = 0; cell < 0 && i < cells->len && code == 0; i++)
        code = print_pages (shell, table, as_json, (int) g_array_index (cells, unsigned, i), sizes);
    if (as_json && code == 0)
        table_print (table, TRUE, FALSE, FALSE, shell->out);
    return code;
}

static int
run_maxvcpus (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    int n = skep_connection_max_vcpus (shell->conn, args_string (args, "type"), &error);

    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    return print_number (shell, args, "maxvcpus", n);
}

/* ---- Rows ---- */

#define PLACED_NUMBER(name, help)                                                                  \
    {                                                                                              \
        name, OPT_NUMBER, 0, help, COMPLETE_NONE, NULL                                             \
    }

static const Option version_options[] = { FLAG ("daemon", "the daemon's version as well"),
                                          OPTIONS_END };
static const Option memstats_options[] = { PLACED_NUMBER ("cell", "of this NUMA cell only"), OPTIONS_END };
static const Option cpustats_options[] = {
    PLACED_NUMBER ("cpu", "of this CPU only"),
    FLAG ("percent", "in percent, over one second"),
    OPTIONS_END,
};
static const Option cpumap_options[] = { FLAG ("pretty", "as ranges"), OPTIONS_END };
static const Option freecell_options[] = {
    PLACED_NUMBER ("cellno", "of this NUMA cell"),
    FLAG ("all", "of all NUMA cells"),
    OPTIONS_END,
};
static const Option freepages_options[] = {
    PLACED_NUMBER ("cellno", "of this NUMA cell"),
    { "pagesize", OPT_SIZE, 0, "pages of this size only", COMPLETE_NONE, NULL },
    FLAG ("all", "of all NUMA cells"),
    OPTIONS_END,
};
static const Option maxvcpus_options[] = {
    { "type", OPT_STRING, 0, "type of domain (lxc)", COMPLETE_NONE, NULL },
    OPTIONS_END,
};

static const Option domcapabilities_options[] = {
    { "virttype", OPT_STRING, 0, "type of domain (lxc)", COMPLETE_NONE, NULL },
    { "emulatorbin", OPT_STRING, 0, "path of the controller", COMPLETE_FILE, NULL },
    { "arch", OPT_STRING, 0, "architecture (the host's)", COMPLETE_NONE, NULL },
    { "machine", OPT_STRING, 0, "machine type (there are none)", COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_host[] = {
    { "version", GROUP_HOST, VERB_JSON, "show versions", NULL, version_options, run_version },
    { "uri", GROUP_HOST, VERB_JSON, "print the URI of the connection", NULL, NULL, run_string },
    { "hostname", GROUP_HOST, VERB_JSON, "print the name of the host", NULL, NULL, run_string },
    { "nodeinfo", GROUP_HOST, VERB_JSON, "show the host's CPUs and memory", NULL, NULL,
      run_nodeinfo },
    { "nodememstats", GROUP_HOST, VERB_JSON, "show the host's memory statistics", NULL,
      memstats_options, run_nodememstats },
    { "nodecpustats", GROUP_HOST, VERB_JSON, "show the host's CPU times",
      "In nanoseconds, unless --percent.", cpustats_options, run_nodecpustats },
    { "nodecpumap", GROUP_HOST, VERB_JSON, "show which CPUs are online", NULL, cpumap_options,
      run_nodecpumap },
    { "freecell", GROUP_HOST, VERB_JSON, "show the host's free memory", NULL, freecell_options,
      run_freecell },
    { "freepages", GROUP_HOST, VERB_JSON, "show the host's free pages", NULL, freepages_options,
      run_freepages },
    { "maxvcpus", GROUP_HOST, VERB_JSON, "print how many CPUs a domain can have", NULL, maxvcpus_options,
      run_maxvcpus },
    { "sysinfo", GROUP_HOST, 0, "print the host's SMBIOS facts as XML", NULL, NULL, run_string },
    { "capabilities", GROUP_HOST, 0, "print what host and daemon can do, as XML", NULL, NULL,
      run_string },
    { "domcapabilities", GROUP_HOST, 0, "print what a domain can have here, as XML",
      "Devices and their kinds, namespaces, id maps, capabilities and label models of this host.",
      domcapabilities_options, run_domcapabilities },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
