/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs that show devices and figures: domstats and the lists of disks and interfaces. */
#include "cmd.h"
#include "domxml.h"

#include <string.h>

/* ---- domstats ---- */

static const BitRow stats_groups[] = {
    { "state", SKEP_STATS_STATE },         { "cpu-total", SKEP_STATS_CPU },
    { "balloon", SKEP_STATS_BALLOON },     { "vcpu", SKEP_STATS_VCPU },
    { "interface", SKEP_STATS_INTERFACE }, { "block", SKEP_STATS_BLOCK },
    { "perf", SKEP_STATS_PERF },           { "iothread", SKEP_STATS_IOTHREAD },
    { "memory", SKEP_STATS_MEMORY },       { "dirtyrate", SKEP_STATS_DIRTYRATE },
    { "vm", SKEP_STATS_VM },               { NULL, 0 },
};

static const BitRow stats_flags[] = {
    { "list-active", SKEP_LIST_ACTIVE },
    { "list-inactive", SKEP_LIST_INACTIVE },
    { "list-persistent", SKEP_LIST_PERSISTENT },
    { "list-transient", SKEP_LIST_TRANSIENT },
    { "list-running", SKEP_LIST_RUNNING },
    { "list-paused", SKEP_LIST_PAUSED },
    { "list-shutoff", SKEP_LIST_SHUTOFF },
    { "list-other", SKEP_LIST_OTHER },
    { "enforce", SKEP_STATS_ENFORCE },
    { "backing", SKEP_STATS_BACKING },
    { "nowait", SKEP_STATS_NOWAIT },
    { NULL, 0 },
};

static void
print_stats (Shell *shell, const Args *args, const SkepStats *stats, int n)
{
    Json json;

    for (int i = 0; i < n && !shell_wants_json (shell, args); i++) {
        fprintf (shell->out, "Domain: '%s'\n", stats[i].domain->name);
        for (size_t p = 0; p < stats[i].values.n; p++) {
            g_autofree char *text = skep_param_text (&stats[i].values.item[p]);

            fprintf (shell->out, "  %s=%s\n", stats[i].values.item[p].name, text);
        }
        fputc ('\n', shell->out);
    }
    if (!shell_wants_json (shell, args))
        return;
    json_init (&json);
    json_open (&json, '{');
    for (int i = 0; i < n; i++) {
        json_key (&json, stats[i].domain->name);
        json_open (&json, '{');
        for (size_t p = 0; p < stats[i].values.n; p++) {
            json_key (&json, stats[i].values.item[p].name);
            json_param (&json, &stats[i].values.item[p]);
        }
        json_close (&json, '}');
    }
    json_close (&json, '}');
    json_finish (&json, shell->out);
}

static int
run_domstats (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autoptr (GPtrArray) domains = g_ptr_array_new_with_free_func (
        (GDestroyNotify) skep_domain_free);
    SkepStats *stats = NULL;
    int n;

    for (const char *const *name = args_list (args, "domain"); name && *name; name++) {
        SkepDomain *domain = skep_domain_find (shell->conn, *name, &error);

        if (!domain)
            return shell_fail_with (shell, &error, "failed to get domain '%s'", *name);
        g_ptr_array_add (domains, domain);
    }
    n = skep_stats (shell->conn, (SkepDomain *const *) domains->pdata, domains->len,
                    bits_given (args, stats_groups), bits_given (args, stats_flags), &stats, &error);
    if (n < 0)
        return shell_fail_with (shell, &error, NULL);
    print_stats (shell, args, stats, n);
    skep_stats_free (stats, n);
    return 0;
}

/* ---- Lists of devices, from the XML ---- */

static unsigned
xml_flags (const Args *args)
{
    return args_flag (args, "inactive") ? SKEP_XML_INACTIVE : 0;
}

/* A cell: what the first of @paths that says something says; "-" for nothing. */
static void
cell (Table *table, const DomainXml *xml, xmlNodePtr node, const char *const *paths)
{
    for (; *paths; paths++) {
        g_autofree char *value = domain_xml_value (xml, node, *paths);

        if (value) {
            table_string (table, value);
            return;
        }
    }
    table_none (table, "-");
}

typedef const char *const *Paths;
#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int
list_devices (Shell *shell, const Args *args, const char *xpath, const char *const *titles,
              const char *const *keys, const Paths *columns)
{
    autodomain domain = shell_domain (shell, args);
    g_auto (DomainXml) xml = { 0 };
    g_autoptr (GPtrArray) nodes = NULL;
    g_autoptr (Table) table = table_new (titles, keys);

    if (!domain || !domain_xml_read (shell, domain, xml_flags (args), &xml))
        return 1;
    nodes = domain_xml_find (&xml, xpath);
    for (guint i = 0; i < nodes->len; i++)
        for (const Paths *column = columns; *column; column++)
            cell (table, &xml, nodes->pdata[i], *column);
    table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
    return 0;
}

#define DISK_SOURCE                                                                                \
    PATHS ("source/@file", "source/@dev", "source/@dir", "source/@volume", "source/@name")

static int
run_domblklist (Shell *shell, const Args *args)
{
    static const char *const titles[] = { "Target", "Source", NULL };
    static const char *const keys[] = { "target", "source", NULL };
    static const char *const all_titles[] = { "Type", "Device", "Target", "Source", NULL };
    static const char *const all_keys[] = { "type", "device", "target", "source", NULL };
    const Paths columns[] = { PATHS ("@type"), PATHS ("@device"), PATHS ("target/@dev"),
                              DISK_SOURCE, NULL };
    gboolean details = args_flag (args, "details");

    return list_devices (shell, args, "/domain/devices/disk", details ? all_titles : titles,
                         details ? all_keys : keys, details ? columns : columns + 2);
}

static int
run_domiflist (Shell *shell, const Args *args)
{
    static const char *const titles[] = { "Interface", "Type", "Source", "Model", "MAC", NULL };
    static const char *const keys[] = { "interface", "type", "source", "model", "mac", NULL };
    const Paths columns[] = { PATHS ("target/@dev"),
                              PATHS ("@type"),
                              PATHS ("source/@bridge", "source/@dev", "source/@network",
                                     "source/@name"),
                              PATHS ("model/@type"),
                              PATHS ("mac/@address"),
                              NULL };

    return list_devices (shell, args, "/domain/devices/interface", titles, keys, columns);
}

static int
run_ttyconsole (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);
    g_auto (DomainXml) xml = { 0 };
    g_autoptr (GPtrArray) nodes = NULL;
    g_autofree char *tty = NULL;

    if (!domain || !domain_xml_read (shell, domain, 0, &xml))
        return 1;
    nodes = domain_xml_find (&xml, "/domain/devices/console[1]");
    if (nodes->len)
        tty = domain_xml_value (&xml, nodes->pdata[0], "string(@tty)");
    if (!tty)
        return shell_fail (shell, "the console of domain '%s' has no terminal on the host: "
                           "'console' reaches it", domain->name);
    return print_string (shell, args, "tty", tty);
}

/* ---- domblkinfo ---- */

/* "1.500 GiB", as virsh's --human. */
static char *
human (uint64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double) bytes;
    unsigned unit = 0;

    while (value >= 1024 && unit + 1 < G_N_ELEMENTS (units)) {
        value /= 1024;
        unit++;
    }
    return g_strdup_printf ("%.3f %s", value, units[unit]);
}

static char *
size_text (uint64_t bytes, gboolean as_human)
{
    return as_human ? human (bytes) : g_strdup_printf ("%" G_GUINT64_FORMAT, bytes);
}

static int
all_block_info (Shell *shell, const Args *args, SkepDomain *domain)
{
    static const char *const titles[] = { "Target", "Capacity", "Allocation", "Physical", NULL };
    static const char *const keys[] = { "target", "capacity", "allocation", "physical", NULL };
    g_autoptr (Table) table = table_new (titles, keys);
    g_auto (DomainXml) xml = { 0 };
    g_autoptr (GPtrArray) nodes = NULL;

    if (!domain_xml_read (shell, domain, 0, &xml))
        return 1;
    nodes = domain_xml_find (&xml, "/domain/devices/disk");
    for (guint i = 0; i < nodes->len; i++) {
        autoerror error = { 0 };
        g_autofree char *target = domain_xml_value (&xml, nodes->pdata[i], "target/@dev");
        SkepBlockInfo info;
        const uint64_t *value = &info.capacity;

        if (!target)
            continue;
        if (!skep_domain_block_info (domain, target, &info, &error))
            return shell_fail_with (shell, &error, "cannot read the size of '%s'", target);
        table_string (table, target);
        for (unsigned v = 0; v < 3; v++) {
            g_autofree char *text = size_text (value[v], args_flag (args, "human"));

            table_number (table, (gint64) value[v], text);
        }
    }
    table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
    return 0;
}

static int
run_domblkinfo (Shell *shell, const Args *args)
{
    static const char *const names[] = { "Capacity:", "Allocation:", "Physical:" };
    static const char *const keys[] = { "capacity", "allocation", "physical" };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    const char *device = args_string (args, "device");
    g_autoptr (Record) record = record_new ();
    SkepBlockInfo info;

    if (!domain)
        return 1;
    if (args_flag (args, "all"))
        return all_block_info (shell, args, domain);
    if (!device)
        return shell_fail (shell, "either --device or --all is needed");
    if (!skep_domain_block_info (domain, device, &info, &error))
        return shell_fail_with (shell, &error, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS (names); i++) {
        uint64_t value = (&info.capacity)[i];
        g_autofree char *text = size_text (value, args_flag (args, "human"));

        record_number (record, keys[i], names[i], (gint64) value, "%s", text);
    }
    record_print (record, 15, " ", shell_wants_json (shell, args), shell->out);
    return 0;
}

/* ---- Interfaces ---- */

static int
run_domif_getlink (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);
    const char *name = args_string (args, "interface");
    g_auto (DomainXml) xml = { 0 };
    g_autofree char *state = NULL;
    g_autoptr (Record) record = record_new ();
    xmlNodePtr node;

    if (!domain
        || !domain_xml_read (shell, domain, args_flag (args, "config") ? SKEP_XML_INACTIVE : 0, &xml)
        || !(node = domain_xml_interface (shell, &xml, name)))
        return 1;
    state = domain_xml_value (&xml, node, "link/@state");
    if (shell_wants_json (shell, args))
        record_string (record, "interface", NULL, name);
    record_string (record, shell_wants_json (shell, args) ? "state" : name, NULL,
                   state ? state : "up");
    record_print (record, 0, " ", shell_wants_json (shell, args), shell->out);
    return 0;
}

static int
run_domif_setlink (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    const char *state = args_string (args, "state");
    gboolean config = args_flag (args, "config");
    g_auto (DomainXml) xml = { 0 };
    g_autofree char *text = NULL;
    xmlNodePtr node, link = NULL;

    if (strcmp (state, "up") != 0 && strcmp (state, "down") != 0)
        return shell_fail (shell, "invalid link state '%s': up or down", state);
    if (!domain || !domain_xml_read (shell, domain, config ? SKEP_XML_INACTIVE : 0, &xml)
        || !(node = domain_xml_interface (shell, &xml, args_string (args, "interface"))))
        return 1;
    for (xmlNodePtr child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && strcmp ((const char *) child->name, "link") == 0)
            link = child;
    if (!link)
        link = xmlNewChild (node, NULL, BAD_CAST "link", NULL);
    xmlSetProp (link, BAD_CAST "state", BAD_CAST state);
    text = domain_xml_text (node);
    if (args_flag (args, "print-xml"))
        return print_string (shell, args, "xml", text);
    if (!skep_domain_update_device (domain, text,
                                    config ? SKEP_AFFECT_CONFIG : SKEP_AFFECT_CURRENT, &error))
        return shell_fail_with (shell, &error, "Failed to update interface link state");
    shell_say (shell, "Device updated successfully");
    return 0;
}

static void
print_addresses (Shell *shell, const Args *args, const SkepInterface *interfaces, int n,
                 gboolean full)
{
    static const char *const titles[] = { "Name", "MAC address", "Protocol", "Address", NULL };
    static const char *const keys[] = { "name", "mac", "protocol", "address", NULL };
    g_autoptr (Table) table = table_new (titles, keys);
    const char *only = args_string (args, "interface");

    full |= shell_wants_json (shell, args);
    for (int i = 0; i < n; i++) {
        if (only && strcmp (only, interfaces[i].name) != 0)
            continue;
        for (unsigned a = 0; a < interfaces[i].n_addresses; a++) {
            const SkepAddress *address = &interfaces[i].addresses[a];
            g_autofree char *text = g_strdup_printf ("%s/%u", address->text, address->prefix);

            table_string (table, a && !full ? "-" : interfaces[i].name);
            table_string (table, (a && !full) || !interfaces[i].mac ? "-" : interfaces[i].mac);
            table_string (table, address->type ? "ipv6" : "ipv4");
            table_string (table, text);
        }
        if (!interfaces[i].n_addresses) {
            table_string (table, interfaces[i].name);
            table_string (table, interfaces[i].mac ? interfaces[i].mac : "-");
            table_none (table, "N/A");
            table_none (table, "N/A");
        }
    }
    table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
}

static int
run_domifaddr (Shell *shell, const Args *args)
{
    static const char *const sources[] = { "lease", "agent", "arp" };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    const char *source = args_string (args, "source");
    SkepInterface *interfaces = NULL;
    unsigned which = 0;
    int n;

    if (!domain)
        return 1;
    while (source && which < G_N_ELEMENTS (sources) && strcmp (source, sources[which]) != 0)
        which++;
    if (which == G_N_ELEMENTS (sources))
        return shell_fail (shell, "unknown data source '%s': lease, agent or arp", source);
    n = skep_domain_interfaces (domain, which, &interfaces, &error);
    if (n < 0)
        return shell_fail_with (shell, &error, "Failed to query for interfaces addresses");
    print_addresses (shell, args, interfaces, n, args_flag (args, "full"));
    skep_interfaces_free (interfaces, n);
    return 0;
}

/* ---- Rows ---- */

static const Option domstats_options[] = {
    FLAG ("state", "report domain state"),
    FLAG ("cpu-total", "report CPU time"),
    FLAG ("balloon", "report memory under the names of balloon"),
    FLAG ("vcpu", "report virtual CPUs"),
    FLAG ("interface", "report network interfaces"),
    FLAG ("block", "report disks"),
    FLAG ("perf", "report perf events (containers have none)"),
    FLAG ("iothread", "report I/O threads (containers have none)"),
    FLAG ("memory", "report the container's memory"),
    FLAG ("dirtyrate", "report the dirty rate (containers have none)"),
    FLAG ("vm", "of virtual machines: containers have no such figures"),
    FLAG ("list-active", "of running domains only"),
    FLAG ("list-inactive", "of domains that do not run"),
    FLAG ("list-persistent", "of domains with a saved definition"),
    FLAG ("list-transient", "of domains without one"),
    FLAG ("list-running", "of domains in state running"),
    FLAG ("list-paused", "of domains in state paused"),
    FLAG ("list-shutoff", "of domains in state shut off"),
    FLAG ("list-other", "of domains in any other state"),
    FLAG ("raw", "taken for virsh's sake: the figures are raw always"),
    FLAG ("enforce", "fail when a group is asked for that is not there"),
    FLAG ("backing", "with what lies below disks"),
    FLAG ("nowait", "leave out what would have to be waited for"),
    { "domain", OPT_LIST, 0, "domains (all of them)", COMPLETE_DOMAIN, NULL },
    OPTIONS_END,
};
static const Option inactive_options[] = {
    OPTION_DOMAIN, FLAG ("inactive", "of the saved definition, not of what runs"), OPTIONS_END
};
static const Option domblklist_options[] = {
    OPTION_DOMAIN, FLAG ("inactive", "of the saved definition, not of what runs"),
    FLAG ("details", "with type and kind of device"), OPTIONS_END
};
static const Option domblkinfo_options[] = {
    OPTION_DOMAIN,
    { "device", OPT_STRING, 0, "target of the disk", COMPLETE_TARGET, NULL },
    FLAG ("human", "print sizes in larger units"),
    FLAG ("all", "of all disks, as a table"),
    OPTIONS_END,
};
static const Option domain_options[] = { OPTION_DOMAIN, OPTIONS_END };
#define OPTION_INTERFACE                                                                           \
    {                                                                                              \
        "interface", OPT_STRING, OPT_REQUIRED, "name on the host, or MAC address", COMPLETE_LINK,  \
            NULL                                                                                   \
    }
static const Option getlink_options[] = { OPTION_DOMAIN, OPTION_INTERFACE,
                                          FLAG ("config", "of the saved definition"), OPTIONS_END };
static const Option setlink_options[] = {
    OPTION_DOMAIN,
    OPTION_INTERFACE,
    { "state", OPT_STRING, OPT_REQUIRED, "up or down", COMPLETE_WORDS, "up|down" },
    FLAG ("config", "change the saved definition"),
    FLAG ("print-xml", "print the changed device instead"),
    OPTIONS_END,
};
static const Option domifaddr_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "interface", OPT_STRING, 0, "of this interface only", COMPLETE_NONE, NULL },
    FLAG ("full", "repeat name and MAC address for every address"),
    { "source", OPT_STRING, OPT_NAMED, "where to look: the container itself is 'agent'",
      COMPLETE_WORDS, "lease|agent|arp" },
    OPTIONS_END,
};

const Verb verbs_stats[] = {
    { "domstats", GROUP_MONITOR, VERB_JSON, "show figures of many domains at once",
      "All groups of figures, unless some are named.", domstats_options, run_domstats },
    { "domblklist", GROUP_MONITOR, VERB_JSON, "list the disks of a domain", NULL,
      domblklist_options, run_domblklist },
    { "domblkinfo", GROUP_MONITOR, VERB_JSON, "show the sizes of a disk", NULL, domblkinfo_options,
      run_domblkinfo },
    { "domiflist", GROUP_MONITOR, VERB_JSON, "list the network interfaces of a domain", NULL,
      inactive_options, run_domiflist },
    { "domifaddr", GROUP_MONITOR, VERB_JSON, "show the addresses of a running domain", NULL,
      domifaddr_options, run_domifaddr },
    { "domif-getlink", GROUP_MONITOR, VERB_JSON, "show whether an interface's link is up", NULL,
      getlink_options, run_domif_getlink },
    { "domif-setlink", GROUP_DOMAIN, 0, "set an interface's link up or down", NULL,
      setlink_options, run_domif_setlink },
    { "ttyconsole", GROUP_DOMAIN, VERB_JSON, "print the terminal of a domain's console", NULL,
      domain_options, run_ttyconsole },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
