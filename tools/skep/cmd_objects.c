/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about what the host or other daemons have: lists, node devices, host interfaces, memory. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

/* ---- Lists: a row each ---- */

typedef struct {
    const char *verb;
    SkepKind kind;
    const char *titles[8], *keys[8];
    const char *cells; /* of a row: n name, d detail, s state, a autostart, p persistent, sizes: C
                          capacity, A allocation, F free */
} ListRow;

/* The last is pool-list --details. */
static const ListRow list_rows[] = {
    { "net-list", SKEP_NETWORKS, { "Name", "State", "Autostart", "Persistent", NULL },
      { "name", "state", "autostart", "persistent", NULL }, "nsap" },
    { "pool-list", SKEP_POOLS, { "Name", "State", "Autostart", NULL },
      { "name", "state", "autostart", NULL }, "nsa" },
    { "nwfilter-list", SKEP_NWFILTERS, { "UUID", "Name", NULL }, { "uuid", "name", NULL }, "dn" },
    { "nwfilter-binding-list", SKEP_NWFILTER_BINDINGS, { "Port Dev", "Filter", NULL },
      { "port", "filter", NULL }, "nd" },
    { "secret-list", SKEP_SECRETS, { "UUID", "Usage", NULL }, { "uuid", "usage", NULL }, "dn" },
    { NULL, SKEP_POOLS,
      { "Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available", NULL },
      { "name", "state", "autostart", "persistent", "capacity", "allocation", "available", NULL },
      "nsapCAF" },
};
#define DETAILS_ROW (&list_rows[G_N_ELEMENTS (list_rows) - 1])

static void
list_cells (Shell *shell, const ListRow *row, const SkepObject *object, Table *table)
{
    SkepObjectState state = { 0 };

    /* It may be gone by now: then it is inactive. */
    if (strchr (row->cells, 's'))
        skep_object_state (shell->conn, row->kind, object, &state, NULL);
    for (const char *cell = row->cells; *cell; cell++)
        switch (*cell) {
        case 'n':
            table_string (table, object->name);
            break;
        case 'd':
            table_string (table, object->detail);
            break;
        case 's':
            table_string (table, state.active ? "active" : "inactive");
            break;
        case 'C':
            table_number (table, (gint64) state.capacity, NULL);
            break;
        case 'A':
            table_number (table, (gint64) state.allocation, NULL);
            break;
        case 'F':
            table_number (table, (gint64) state.available, NULL);
            break;
        default:
            table_bool (table, *cell == 'a' ? state.autostart : state.persistent,
                        (*cell == 'a' ? state.autostart : state.persistent) ? "yes" : "no");
        }
}

/* ---- Filters: bits of the list calls ---- */

static const BitRow object_filters[] = {
    { "persistent", 1 << 2 }, { "transient", 1 << 3 },    { "autostart", 1 << 4 },
    { "no-autostart", 1 << 5 }, { NULL, 0 },
};
static const BitRow secret_filters[] = {
    { "ephemeral", 1 << 0 }, { "no-ephemeral", 1 << 1 }, { "private", 1 << 2 },
    { "no-private", 1 << 3 }, { NULL, 0 },
};
/* In the order of their bits, from the seventh on. */
static const char *const pool_types[]
    = { "dir",   "fs",  "netfs",    "logical", "disk", "iscsi",    "scsi",
        "mpath", "rbd", "sheepdog", "gluster", "zfs",  "vstorage", "iscsi-direct" };

/* Active ones are the second bit, the others the first. */
static unsigned
activity (const Args *args)
{
    if (args_flag (args, "all"))
        return 0;
    return args_flag (args, "inactive") ? 1 : 2;
}

static gboolean
pool_type_bits (Shell *shell, const char *text, unsigned *bits)
{
    g_auto (GStrv) word = g_strsplit (text ? text : "", ",", -1);

    for (char **at = word; text && *at; at++) {
        unsigned i = 0;

        while (i < G_N_ELEMENTS (pool_types) && strcmp (pool_types[i], *at) != 0)
            i++;
        if (i == G_N_ELEMENTS (pool_types))
            return shell_fail (shell, "invalid pool type '%s'", *at) == 0;
        *bits |= 1U << (6 + i);
    }
    return TRUE;
}

static gboolean
list_flags (Shell *shell, const Args *args, SkepKind kind, unsigned *ret_flags)
{
    *ret_flags = 0;
    if (kind == SKEP_SECRETS)
        *ret_flags = bits_given (args, secret_filters);
    else if (kind == SKEP_NETWORKS || kind == SKEP_POOLS)
        *ret_flags = activity (args) | bits_given (args, object_filters);
    return kind != SKEP_POOLS || pool_type_bits (shell, args_string (args, "type"), ret_flags);
}

static int
run_list_objects (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    const ListRow *row = list_rows;
    g_autoptr (Table) table = NULL;
    SkepObject *objects = NULL;
    unsigned flags;
    int n;

    while (strcmp (row->verb, args_verb (args)->name) != 0)
        row++;
    if (!list_flags (shell, args, row->kind, &flags))
        return 1;
    if (row->kind == SKEP_POOLS && args_flag (args, "details"))
        row = DETAILS_ROW;
    table = table_new (row->titles, row->keys);
    n = skep_objects (shell->conn, row->kind, flags, &objects, &error);
    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    if (verb_option (args_verb (args), "name")
        && (args_flag (args, "name") || args_flag (args, "uuid"))) {
        for (int i = 0; i < n; i++)
            fprintf (shell->out, "%s\n",
                     args_flag (args, "uuid") ? objects[i].detail : objects[i].name);
    } else {
        for (int i = 0; i < n; i++)
            list_cells (shell, row, &objects[i], table);
        table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour,
                     shell->out);
    }
    skep_objects_free (objects, n);
    return 0;
}

/* ---- Interfaces of the host ---- */

static int
run_iface_list (Shell *shell, const Args *args)
{
    static const char *const titles[] = { "Name", "State", "MAC Address", NULL };
    static const char *const keys[] = { "name", "state", "mac", NULL };
    autoerror error = { 0 };
    g_autoptr (Table) table = table_new (titles, keys);
    SkepObject *objects = NULL;
    int n = skep_objects (shell->conn, SKEP_INTERFACES,
                          args_flag (args, "all")        ? 3
                          : args_flag (args, "inactive") ? 1
                                                         : 2,
                          &objects, &error);

    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    for (int i = 0; i < n; i++) {
        int active = skep_interface_is_active (shell->conn, &objects[i], NULL);

        table_string (table, objects[i].name);
        table_string (table, active > 0 ? "active" : active == 0 ? "inactive" : "-");
        table_string (table, objects[i].detail);
    }
    table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
    skep_objects_free (objects, n);
    return 0;
}

/* iface-name, iface-mac and iface-dumpxml look one up first. */
static int
run_iface (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    const char *verb = args_verb (args)->name;
    g_autofree char *xml = NULL;
    g_autofree SkepObject *found = g_new0 (SkepObject, 1);
    const char *text;
    int code;

    if (!skep_interface_find (shell->conn, args_string (args, "interface"), found, &error))
        return shell_fail_with (shell, &error, "failed to get interface '%s'",
                                args_string (args, "interface"));
    text = strcmp (verb, "iface-name") == 0 ? found->name : found->detail;
    if (strcmp (verb, "iface-dumpxml") == 0)
        text = xml = skep_interface_xml (shell->conn, found, args_flag (args, "inactive"), &error);
    if (text && text == xml && args_given (args, "xpath"))
        code = print_xpath (shell, xml, args_string (args, "xpath"), args_flag (args, "wrap"));
    else
        code = text ? print_string (shell, args, verb + strlen ("iface-"), text)
                    : shell_fail_with (shell, &error, NULL);
    free (found->name);
    free (found->detail);
    return code;
}

/* ---- Node devices ---- */

#define NODE_DEVICES_INACTIVE (1U << 30)
#define NODE_DEVICES_ACTIVE   (1U << 31)

/* As the bits of the list call have them, from the first on. */
static const char *const device_caps[]
    = { "system",   "pci",        "usb_device", "usb",     "net",     "scsi_host",
        "scsi_target", "scsi",    "storage",    "fc_host", "vports",  "scsi_generic",
        "drm",      "mdev_types", "mdev",       "ccw",     "css",     "vdpa",
        "ap_card",  "ap_queue",   "ap_matrix" };

static gboolean
cap_bits (Shell *shell, const char *text, unsigned *ret_bits)
{
    g_auto (GStrv) word = g_strsplit (text ? text : "", ",", -1);

    *ret_bits = 0;
    for (char **at = word; text && *at; at++) {
        unsigned i = 0;

        while (i < G_N_ELEMENTS (device_caps) && strcmp (device_caps[i], *at) != 0)
            i++;
        if (i == G_N_ELEMENTS (device_caps))
            return shell_fail (shell, "invalid capability type '%s'", *at) == 0;
        *ret_bits |= 1U << i;
    }
    return TRUE;
}

typedef struct {
    Shell *shell;
    const SkepObject *objects;
    char *const *parents;
    int n;
    GString *indent;
} Tree;

/* One device and those below it, drawn as virsh draws them. @last: the last of its siblings. */
static void
print_branch (Tree *tree, int at, gboolean root, gboolean last)
{
    int last_child = -1;
    gsize outer = tree->indent->len, inner;

    if (outer > 512) /* parents in a circle */
        return;
    fprintf (tree->shell->out, "%s%s%s\n", tree->indent->str, root ? "" : "+- ",
             tree->objects[at].name);
    if (!root)
        g_string_append (tree->indent, last ? "  " : "| ");
    for (int i = 0; i < tree->n; i++)
        if (g_strcmp0 (tree->parents[i], tree->objects[at].name) == 0)
            last_child = i;
    if (last_child >= 0)
        fprintf (tree->shell->out, "%s  |\n", tree->indent->str);
    inner = tree->indent->len;
    g_string_append (tree->indent, "  ");
    for (int i = 0; i <= last_child; i++)
        if (g_strcmp0 (tree->parents[i], tree->objects[at].name) == 0)
            print_branch (tree, i, FALSE, i == last_child);
    g_string_truncate (tree->indent, inner);
    if (last_child < 0 && last)
        fprintf (tree->shell->out, "%s\n", tree->indent->str);
    g_string_truncate (tree->indent, outer);
}

static void
print_tree (Shell *shell, const SkepObject *objects, int n)
{
    g_autoptr (GPtrArray) parents = g_ptr_array_new_with_free_func (g_free);
    Tree tree = { .shell = shell, .objects = objects, .n = n, .indent = g_string_new (NULL) };

    for (int i = 0; i < n; i++)
        g_ptr_array_add (parents, skep_node_device_parent (shell->conn, objects[i].name, NULL));
    tree.parents = (char *const *) parents->pdata;
    for (int i = 0; i < n; i++)
        if (!parents->pdata[i])
            print_branch (&tree, i, TRUE, FALSE);
    g_string_free (tree.indent, TRUE);
}

static int
compare_objects (const void *a, const void *b)
{
    return strcmp (((const SkepObject *) a)->name, ((const SkepObject *) b)->name);
}

static int
run_nodedev_list (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    SkepObject *objects = NULL;
    Json json;
    unsigned bits;
    int n;
    gboolean others = args_flag (args, "inactive") || args_flag (args, "all");

    if (!cap_bits (shell, args_string (args, "cap"), &bits))
        return 1;
    bits |= others ? NODE_DEVICES_INACTIVE : 0;
    bits |= args_flag (args, "inactive") ? 0 : NODE_DEVICES_ACTIVE;
    n = skep_objects (shell->conn, SKEP_NODE_DEVICES, bits, &objects, &error);
    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    qsort (objects, (size_t) n, sizeof *objects, compare_objects);
    if (shell_wants_json (shell, args)) {
        json_init (&json);
        json_open (&json, '[');
        for (int i = 0; i < n; i++)
            json_string (&json, objects[i].name);
        json_close (&json, ']');
        json_finish (&json, shell->out);
    } else if (args_flag (args, "tree")) {
        print_tree (shell, objects, n);
    } else {
        for (int i = 0; i < n; i++)
            fprintf (shell->out, "%s\n", objects[i].name);
    }
    skep_objects_free (objects, n);
    return 0;
}

/* A name, or "WWNN,WWPN". FALSE with an error printed. */
static gboolean
find_node_device (Shell *shell, const Args *args, SkepObject *ret_device)
{
    autoerror error = { 0 };
    const char *text = args_string (args, "device");

    return skep_object_find (shell->conn, SKEP_NODE_DEVICES, text, ret_device, &error)
        || shell_fail_with (shell, &error, "Could not find matching device '%s'", text) == 0;
}

static int
run_nodedev_dumpxml (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autofree char *xml = NULL;
    SkepObject device = { 0 };

    if (!find_node_device (shell, args, &device))
        return 1;
    xml = skep_node_device_xml (shell->conn, device.name, &error);
    skep_object_clear (&device);
    if (!xml)
        return shell_fail_with (shell, &error, NULL);
    if (args_given (args, "xpath"))
        return print_xpath (shell, xml, args_string (args, "xpath"), args_flag (args, "wrap"));
    return print_string (shell, args, "xml", g_strchomp (xml));
}

static int
run_nodedev_info (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autoptr (Record) record = record_new ();
    g_autofree char *parent = NULL;
    SkepObject device = { 0 };
    SkepObjectState state = { 0 };
    int code = 0;

    if (!find_node_device (shell, args, &device))
        return 1;
    parent = skep_node_device_parent (shell->conn, device.name, NULL);
    if (skep_object_state (shell->conn, SKEP_NODE_DEVICES, &device, &state, &error)) {
        record_string (record, "name", "Name", device.name);
        record_string_raw (record, "parent", "Parent", parent ? parent : "", parent);
        record_bool (record, "active", "Active", state.active, state.active ? "yes" : "no");
        record_bool (record, "persistent", "Persistent", state.persistent, state.persistent ? "yes" : "no");
        record_bool (record, "autostart", "Autostart", state.autostart, state.autostart ? "yes" : "no");
        record_print_titled (record, 15, shell_wants_json (shell, args), shell->out);
    } else {
        code = shell_fail_with (shell, &error, NULL);
    }
    skep_object_clear (&device);
    return code;
}

/* ---- The host's memory ---- */

static const struct {
    const char *option, *field;
} merge_rows[] = {
    { "shm-pages-to-scan", "shm_pages_to_scan" },
    { "shm-sleep-millisecs", "shm_sleep_millisecs" },
    { "shm-merge-across-nodes", "shm_merge_across_nodes" },
};

static int
run_node_memory_tune (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autoparams params = { 0 }, shown = { 0 };
    g_autoptr (Record) record = record_new ();

    for (unsigned i = 0; i < G_N_ELEMENTS (merge_rows); i++)
        if (args_given (args, merge_rows[i].option))
            skep_params_add_number (&params, merge_rows[i].field, SKEP_UINT,
                                    args_number (args, merge_rows[i].option, 0));
    if (params.n) {
        if (!skep_node_set_memory_params (shell->conn, &params, &error))
            return shell_fail_with (shell, &error, "Unable to change memory parameters");
        return 0;
    }
    if (!skep_node_memory_params (shell->conn, &shown, &error))
        return shell_fail_with (shell, &error, "Unable to get memory parameters");
    record_params (record, &shown);
    if (shell_wants_json (shell, args)) {
        record_print (record, 0, " ", TRUE, shell->out);
        return 0;
    }
    if (shown.n)
        fputs ("Shared memory:\n", shell->out);
    for (size_t i = 0; i < shown.n; i++) {
        g_autofree char *text = skep_param_text (&shown.item[i]);

        fprintf (shell->out, "\t%-15s %s\n", shown.item[i].name, text);
    }
    return 0;
}

static int
run_allocpages (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    guint64 size = args_size (args, "pagesize", 0);
    gint64 count = args_number (args, "pagecount", 0);
    gboolean all = args_flag (args, "all"), one = args_given (args, "cellno");
    SkepNodeInfo info = { 0 };
    int first = (int) args_number (args, "cellno", -1);

    if (all && one)
        return shell_fail (shell, "--all and --cellno exclude each other");
    if (count < 0 || !size || size > G_MAXUINT)
        return shell_fail (shell, "sizes and counts of pages must be positive");
    if (all && !skep_node_info (shell->conn, &info, &error))
        return shell_fail_with (shell, &error, NULL);
    if (skep_node_alloc_pages (shell->conn, (unsigned) size, (guint64) count, all ? 0 : first,
                               all ? (unsigned) info.nodes : 1, args_flag (args, "add"), &error)
        < 0)
        return shell_fail_with (shell, &error, NULL);
    return 0;
}

/* ---- Rows ---- */

#define OPTION_XPATH                                                                               \
    { "xpath", OPT_STRING, 0, "only the parts that this XPath expression finds", COMPLETE_NONE,    \
      NULL },                                                                                      \
    FLAG ("wrap", "put them within one <nodes> element")
#define OPTIONS_OF_OBJECTS                                                                         \
    FLAG ("inactive", "those that are not active"), FLAG ("all", "active or not"),                 \
        FLAG ("persistent", "those with a saved definition"),                                      \
        FLAG ("transient", "those without one"),                                                   \
        FLAG ("autostart", "those that are started at boot"),                                      \
        FLAG ("no-autostart", "those that are not"), FLAG ("uuid", "print UUIDs only"),            \
        FLAG ("name", "print names only")

static const Option net_options[] = { OPTIONS_OF_OBJECTS,
                                      FLAG ("table", "print a table (the default)"), OPTIONS_END };
static const Option pool_options[] = {
    OPTIONS_OF_OBJECTS,
    { "type", OPT_STRING, 0, "of these types, with commas", COMPLETE_WORDS,
      "dir|fs|netfs|logical|disk|iscsi|scsi|mpath|rbd|sheepdog|gluster|zfs|vstorage|iscsi-direct" },
    FLAG ("details", "with sizes, in bytes"),
    OPTIONS_END,
};
static const Option secret_options[] = {
    FLAG ("ephemeral", "those that are not kept on disk"),
    FLAG ("no-ephemeral", "those that are"),
    FLAG ("private", "those whose value nobody may read"),
    FLAG ("no-private", "those whose value may be read"),
    OPTIONS_END,
};
static const Option activity_options[] = { FLAG ("inactive", "those that are not active"),
                                           FLAG ("all", "active or not"), OPTIONS_END };
static const Option interface_options[] = {
    { "interface", OPT_STRING, OPT_REQUIRED, "name or MAC address of the interface", COMPLETE_INTERFACE,
      NULL },
    OPTIONS_END,
};
static const Option interface_xml_options[] = {
    { "interface", OPT_STRING, OPT_REQUIRED, "name or MAC address of the interface", COMPLETE_INTERFACE,
      NULL },
    FLAG ("inactive", "as it is configured"),
    OPTION_XPATH,
    OPTIONS_END,
};
static const Option nodedev_list_options[] = {
    FLAG ("tree", "show which device is part of which"),
    FLAG ("inactive", "those that are defined and not there"),
    FLAG ("all", "active or not"),
    { "cap", OPT_STRING, 0, "capabilities, with commas", COMPLETE_WORDS,
      "system|pci|usb_device|usb|net|scsi_host|scsi_target|scsi|storage|scsi_generic" },
    OPTIONS_END,
};
#define OPTION_DEVICE                                                                              \
    { "device", OPT_STRING, OPT_REQUIRED, "name of the device, or WWNN,WWPN of a host adapter",     \
      COMPLETE_DEVICE, NULL }
static const Option nodedev_options[] = { OPTION_DEVICE, OPTION_XPATH, OPTIONS_END };
static const Option nodedev_info_options[] = { OPTION_DEVICE, OPTIONS_END };
static const Option memory_tune_options[] = {
    NUMBER ("shm-pages-to-scan", "pages that the kernel looks at before it sleeps"),
    NUMBER ("shm-sleep-millisecs", "how long it sleeps"),
    NUMBER ("shm-merge-across-nodes", "1: pages of different NUMA nodes are merged, too"),
    OPTIONS_END,
};
static const Option allocpages_options[] = {
    { "pagesize", OPT_SIZE, OPT_REQUIRED, "size of the pages (KiB)", COMPLETE_NONE, NULL },
    { "pagecount", OPT_NUMBER, OPT_REQUIRED, "how many", COMPLETE_NONE, NULL },
    { "cellno", OPT_NUMBER, 0, "of this NUMA cell", COMPLETE_NONE, NULL },
    FLAG ("add", "so many more"),
    FLAG ("all", "of every cell"),
    OPTIONS_END,
};
const Verb verbs_objects[] = {
    { "net-list", GROUP_HOST, VERB_JSON, "list virtual networks", NULL, net_options,
      run_list_objects },
    { "pool-list", GROUP_HOST, VERB_JSON, "list storage pools", NULL, pool_options,
      run_list_objects },
    { "nwfilter-list", GROUP_HOST, VERB_JSON, "list network filters", NULL, NULL,
      run_list_objects },
    { "nwfilter-binding-list", GROUP_HOST, VERB_JSON, "list which ports have network filters",
      NULL, NULL, run_list_objects },
    { "secret-list", GROUP_HOST, VERB_JSON, "list secrets", NULL, secret_options, run_list_objects },
    { "iface-list", GROUP_HOST, VERB_JSON, "list network interfaces of the host", NULL,
      activity_options, run_iface_list },
    { "iface-name", GROUP_HOST, VERB_JSON, "print the name of an interface of the host", NULL,
      interface_options, run_iface },
    { "iface-mac", GROUP_HOST, VERB_JSON, "print the MAC address of an interface of the host", NULL,
      interface_options, run_iface },
    { "iface-dumpxml", GROUP_HOST, 0, "print an interface of the host as XML", NULL,
      interface_xml_options, run_iface },
    { "nodedev-list", GROUP_HOST, VERB_JSON, "list devices of the host", NULL,
      nodedev_list_options, run_nodedev_list },
    { "nodedev-dumpxml", GROUP_HOST, 0, "print a device of the host as XML", NULL, nodedev_options,
      run_nodedev_dumpxml },
    { "nodedev-info", GROUP_HOST, VERB_JSON, "show the main facts of a device of the host", NULL,
      nodedev_info_options, run_nodedev_info },
    { "node-memory-tune", GROUP_HOST, VERB_JSON, "show or set how the kernel merges equal pages",
      NULL, memory_tune_options, run_node_memory_tune },
    { "allocpages", GROUP_HOST, 0, "change the number of huge pages", NULL, allocpages_options,
      run_allocpages },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
