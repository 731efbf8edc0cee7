/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs that attach, detach and change devices, by XML, by alias, and by their main particulars. */
#include "cmd.h"
#include "domxml.h"

#include <string.h>
#include <sys/stat.h>

#define MODIFY_FORCE 4 /* of update-device: also what cannot be undone */

/* --config, --live, --current, and --persistent: the saved definition, and what runs when it runs. -1
 * with an error printed. */
static int
device_flags (Shell *shell, const Args *args, SkepDomain *domain)
{
    int flags = affect_flags (shell, args);

    if (flags < 0 || !args_flag (args, "persistent"))
        return flags;
    if (args_flag (args, "current")) {
        shell_fail (shell, "--current contradicts --persistent");
        return -1;
    }
    return flags | SKEP_AFFECT_CONFIG | (domain->id >= 0 ? SKEP_AFFECT_LIVE : 0);
}

typedef bool (*DeviceCall) (SkepDomain *domain, const char *what, unsigned flags, SkepError *error);

/* Does it, and says so: "Device attached successfully". @from: a file, for the error; NULL none. */
static int
do_with_device (Shell *shell, SkepDomain *domain, DeviceCall call, const char *what, int flags,
                const char *thing, const char *verb, const char *done, const char *from)
{
    autoerror error = { 0 };

    if (flags < 0)
        return 1;
    if (!call (domain, what, (unsigned) flags, &error))
        return shell_fail_with (shell, &error, "Failed to %s %s%s%s", verb, thing, from ? " from " : "",
                                from ? from : "");
    shell_say (shell, "%c%s %s successfully", g_ascii_toupper (*thing), thing + 1, done);
    return 0;
}

/* ---- By XML and by alias ---- */

static const struct {
    const char *verb;
    DeviceCall call;
    const char *word, *done;
} xml_rows[] = {
    { "attach-device", skep_domain_attach_device, "attach", "attached" },
    { "detach-device", skep_domain_detach_device, "detach", "detached" },
    { "update-device", skep_domain_update_device, "update", "updated" },
};

static int
run_xml_device (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);
    g_autofree char *xml = NULL;
    unsigned i = 0;
    int flags;

    while (strcmp (xml_rows[i].verb, args_verb (args)->name) != 0)
        i++;
    if (!domain || !(xml = read_text (shell, args_string (args, "file"))))
        return 1;
    flags = device_flags (shell, args, domain);
    if (flags >= 0 && xml_rows[i].call == skep_domain_update_device && args_flag (args, "force"))
        flags |= MODIFY_FORCE;
    return do_with_device (shell, domain, xml_rows[i].call, xml, flags, "device", xml_rows[i].word,
                           xml_rows[i].done, args_string (args, "file"));
}

static int
run_detach_alias (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    int flags = domain ? affect_flags (shell, args) : -1;
    const char *alias = args_string (args, "alias");

    if (flags < 0)
        return 1;
    if (!skep_domain_detach_alias (domain, alias, (unsigned) flags, &error))
        return shell_fail_with (shell, &error, "Failed to detach device with alias %s", alias);
    shell_say (shell, "Device detach request sent successfully");
    return 0;
}

/* ---- Disks and interfaces by their particulars: XML made here ---- */

/* " name='value'", escaped; nothing for NULL. */
static void
attribute (GString *xml, const char *name, const char *value)
{
    g_autofree char *escaped = value ? g_markup_escape_text (value, -1) : NULL;

    if (value)
        g_string_append_printf (xml, " %s='%s'", name, escaped);
}

static void
text_element (GString *xml, const char *name, const char *text)
{
    g_autofree char *escaped = text ? g_markup_escape_text (text, -1) : NULL;

    if (text)
        g_string_append_printf (xml, "  <%s>%s</%s>\n", name, escaped, name);
}

static void
alias_element (GString *xml, const char *alias)
{
    if (!alias)
        return;
    g_string_append (xml, "  <alias");
    attribute (xml, "name", alias);
    g_string_append (xml, "/>\n");
}

/* Options of virsh that mean nothing to a container. FALSE with an error printed. */
static gboolean
refuse_foreign (Shell *shell, const Args *args, const char *const *options)
{
    for (; *options; options++)
        if (args_given (args, *options))
            return shell_fail (shell, "--%s is for virtual machines", *options) == 0;
    return TRUE;
}

/* A file, when the source is one; else a block device, as virsh has it. */
static gboolean
disk_is_file (Shell *shell, const Args *args, gboolean *ret_file)
{
    const char *type = args_string (args, "sourcetype");
    struct stat st;

    if (type && strcmp (type, "file") != 0 && strcmp (type, "block") != 0)
        return shell_fail (shell, "unknown source type '%s': file or block", type) == 0;
    *ret_file = type ? strcmp (type, "file") == 0
                     : stat (args_string (args, "source"), &st) == 0 && S_ISREG (st.st_mode);
    return TRUE;
}

static char *
disk_xml (Shell *shell, const Args *args)
{
    GString *xml = g_string_new ("<disk");
    const char *mode = args_string (args, "mode");
    gboolean is_file;

    if (!disk_is_file (shell, args, &is_file))
        return g_string_free (xml, TRUE);
    attribute (xml, "type", is_file ? "file" : "block");
    attribute (xml, "device", args_string (args, "type"));
    if (args_flag (args, "rawio"))
        attribute (xml, "rawio", "yes");
    g_string_append (xml, ">\n");
    if (args_given (args, "driver") || args_given (args, "subdriver") || args_given (args, "cache")
        || args_given (args, "io")) {
        g_string_append (xml, "  <driver");
        attribute (xml, "name", args_string (args, "driver"));
        attribute (xml, "type", args_string (args, "subdriver"));
        attribute (xml, "cache", args_string (args, "cache"));
        attribute (xml, "io", args_string (args, "io"));
        g_string_append (xml, "/>\n");
    }
    g_string_append (xml, "  <source");
    attribute (xml, is_file ? "file" : "dev", args_string (args, "source"));
    g_string_append (xml, "/>\n  <target");
    attribute (xml, "dev", args_string (args, "target"));
    attribute (xml, "bus", args_string (args, "targetbus"));
    g_string_append (xml, "/>\n");
    text_element (xml, "serial", args_string (args, "serial"));
    text_element (xml, "wwn", args_string (args, "wwn"));
    alias_element (xml, args_string (args, "alias"));
    if (mode)
        g_string_append_printf (xml, "  <%s/>\n", mode);
    g_string_append (xml, "</disk>\n");
    return g_string_free (xml, FALSE);
}

static int
run_attach_disk (Shell *shell, const Args *args)
{
    static const char *const foreign[]
        = { "address", "multifunction", "iothread", "source-protocol", "source-host-name",
            "source-host-transport", "source-host-socket", NULL };
    autodomain domain = shell_domain (shell, args);
    const char *mode = args_string (args, "mode");
    g_autofree char *xml = NULL;

    if (!domain)
        return 1;
    if (!refuse_foreign (shell, args, foreign))
        return 1;
    if (mode && strcmp (mode, "readonly") != 0 && strcmp (mode, "shareable") != 0)
        return shell_fail (shell, "no support for %s in command 'attach-disk'", mode);
    if (!(xml = disk_xml (shell, args)))
        return 1;
    if (args_flag (args, "print-xml"))
        return print_string (shell, args, "xml", g_strchomp (xml));
    return do_with_device (shell, domain, skep_domain_attach_device, xml,
                           device_flags (shell, args, domain), "disk", "attach", "attached", NULL);
}

/* "1000,2000,512" as attributes of an <inbound> or <outbound>. */
static void
bandwidth_element (GString *xml, const char *name, const char *text)
{
    static const char *const parts[] = { "average", "peak", "burst", "floor", NULL };
    g_auto (GStrv) part = g_strsplit (text ? text : "", ",", 4);

    if (!text)
        return;
    g_string_append_printf (xml, "    <%s", name);
    for (unsigned i = 0; part[i]; i++)
        if (*part[i])
            attribute (xml, parts[i], part[i]);
    g_string_append (xml, "/>\n");
}

static const struct {
    const char *type, *source;
} interface_types[] = {
    { "bridge", "bridge" },
    { "network", "network" },
    { "direct", "dev" },
    { "ethernet", NULL },
};

static char *
interface_xml (const Args *args, unsigned type)
{
    GString *xml = g_string_new ("<interface");
    const char *source = args_string (args, "source");

    attribute (xml, "type", interface_types[type].type);
    g_string_append (xml, ">\n");
    if (interface_types[type].source) {
        g_string_append (xml, "  <source");
        attribute (xml, interface_types[type].source, source);
        attribute (xml, "mode", args_string (args, "source-mode"));
        g_string_append (xml, "/>\n");
    }
    for (unsigned i = 0; i < 4; i++) {
        static const char *const rows[][3] = { { "target", "target", "dev" },
                                               { "mac", "mac", "address" },
                                               { "script", "script", "path" },
                                               { "model", "model", "type" } };

        if (!args_given (args, rows[i][0]))
            continue;
        g_string_append_printf (xml, "  <%s", rows[i][1]);
        attribute (xml, rows[i][2], args_string (args, rows[i][0]));
        g_string_append (xml, "/>\n");
    }
    alias_element (xml, args_string (args, "alias"));
    if (args_given (args, "inbound") || args_given (args, "outbound")) {
        g_string_append (xml, "  <bandwidth>\n");
        bandwidth_element (xml, "inbound", args_string (args, "inbound"));
        bandwidth_element (xml, "outbound", args_string (args, "outbound"));
        g_string_append (xml, "  </bandwidth>\n");
    }
    g_string_append (xml, "</interface>\n");
    return g_string_free (xml, FALSE);
}

static int
run_attach_interface (Shell *shell, const Args *args)
{
    autodomain domain = shell_domain (shell, args);
    static const char *const foreign[] = { "managed", NULL };
    const char *type = args_string (args, "type");
    g_autofree char *xml = NULL;
    unsigned i = 0;

    if (!domain || !refuse_foreign (shell, args, foreign))
        return 1;
    while (i < G_N_ELEMENTS (interface_types) && strcmp (interface_types[i].type, type) != 0)
        i++;
    if (i == G_N_ELEMENTS (interface_types))
        return shell_fail (shell, "no support for %s in command 'attach-interface'", type);
    xml = interface_xml (args, i);
    if (args_flag (args, "print-xml"))
        return print_string (shell, args, "xml", g_strchomp (xml));
    return do_with_device (shell, domain, skep_domain_attach_device, xml,
                           device_flags (shell, args, domain), "interface", "attach", "attached",
                           NULL);
}

/* ---- Taking them off: found in the XML ---- */

/* --config alone looks into the saved definition. */
static unsigned
where_to_look (const Args *args)
{
    return args_flag (args, "config") && !args_flag (args, "live") ? SKEP_XML_INACTIVE : 0;
}

typedef xmlNodePtr (*DeviceFinder) (Shell *shell, const Args *args, const DomainXml *xml);

static int
detach_found (Shell *shell, const Args *args, DeviceFinder find, const char *thing)
{
    autodomain domain = shell_domain (shell, args);
    g_auto (DomainXml) xml = { 0 };
    g_autofree char *text = NULL;
    xmlNodePtr node;

    if (!domain || !domain_xml_read (shell, domain, where_to_look (args), &xml)
        || !(node = find (shell, args, &xml)))
        return 1;
    text = domain_xml_text (node);
    if (args_flag (args, "print-xml"))
        return print_string (shell, args, "xml", text);
    return do_with_device (shell, domain, skep_domain_detach_device, text,
                           device_flags (shell, args, domain), thing, "detach", "detached", NULL);
}

static xmlNodePtr
find_disk (Shell *shell, const Args *args, const DomainXml *xml)
{
    xmlNodePtr node = domain_xml_disk (shell, xml, args_string (args, "target"));

    if (!node)
        shell_fail (shell, "Failed to get disk information");
    return node;
}

static int
run_detach_disk (Shell *shell, const Args *args)
{
    return detach_found (shell, args, find_disk, "disk");
}

/* The one interface of the type, or the one with the MAC address. */
static xmlNodePtr
find_interface (Shell *shell, const Args *args, const DomainXml *xml)
{
    const char *type = args_string (args, "type"), *mac = args_string (args, "mac");
    g_autofree char *xpath = g_strdup_printf ("/domain/devices/interface[@type='%s']", type);
    g_autoptr (GPtrArray) nodes = NULL;

    if (strchr (type, '\''))
        return shell_fail (shell, "no interface of type '%s'", type), NULL;
    if (mac)
        return domain_xml_interface (shell, xml, mac);
    nodes = domain_xml_find (xml, xpath);
    if (nodes->len == 1)
        return nodes->pdata[0];
    if (nodes->len)
        shell_fail (shell, "domain has %u interfaces of type %s: choose one with --mac", nodes->len,
                    type);
    else
        shell_fail (shell, "No interface found whose type is %s", type);
    shell_fail (shell, "Failed to detach interface");
    return NULL;
}

static int
run_detach_interface (Shell *shell, const Args *args)
{
    return detach_found (shell, args, find_interface, "interface");
}

/* ---- Rows ---- */

#define OPTION_PERSISTENT                                                                          \
    FLAG ("persistent", "change the saved definition, and what runs when it runs")
#define OPTION_FILE                                                                                \
    {                                                                                              \
        "file", OPT_STRING, OPT_REQUIRED, "file with the device's XML, - for standard input",      \
            COMPLETE_FILE, NULL                                                                    \
    }
#define FOREIGN      "for virtual machines; refused"
#define OPTION_PRINT FLAG ("print-xml", "print the device's XML instead")

static const Option xml_options[] = { OPTION_DOMAIN, OPTION_FILE, OPTION_PERSISTENT,
                                      OPTIONS_AFFECT, OPTIONS_END };
static const Option update_options[] = {
    OPTION_DOMAIN,     OPTION_FILE,
    OPTION_PERSISTENT, OPTIONS_AFFECT,
    FLAG ("force", "also what cannot be undone"), OPTIONS_END,
};
static const Option alias_options[] = {
    OPTION_DOMAIN,
    { "alias", OPT_STRING, OPT_REQUIRED, "alias of the device", COMPLETE_ALIAS, NULL },
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option attach_disk_options[] = {
    OPTION_DOMAIN,
    { "source", OPT_STRING, OPT_REQUIRED, "file or device on the host", COMPLETE_FILE, NULL },
    { "target", OPT_STRING, OPT_REQUIRED, "name of the device inside", COMPLETE_NONE, NULL },
    VALUE ("targetbus", "bus of the target"),
    VALUE ("driver", "driver of the disk"),
    VALUE ("subdriver", "format of the file"),
    VALUE ("cache", "cache mode of the disk"),
    VALUE ("type", "kind of device"),
    VALUE ("alias", "an alias, which begins with ua-"),
    { "mode", OPT_STRING, OPT_NAMED, "how it may be used", COMPLETE_WORDS, "readonly|shareable" },
    { "sourcetype", OPT_STRING, OPT_NAMED, "what the source is", COMPLETE_WORDS, "file|block" },
    VALUE ("io", "how it is read and written"),
    VALUE ("serial", "serial number of the disk"),
    VALUE ("wwn", "world wide name of the disk"),
    FLAG ("rawio", "let the guest send raw SCSI commands"),
    VALUE ("address", FOREIGN),
    FLAG ("multifunction", FOREIGN),
    VALUE ("iothread", FOREIGN),
    VALUE ("source-protocol", FOREIGN),
    VALUE ("source-host-name", FOREIGN),
    VALUE ("source-host-transport", FOREIGN),
    VALUE ("source-host-socket", FOREIGN),
    OPTION_PRINT,
    OPTION_PERSISTENT,
    OPTIONS_AFFECT,
    OPTIONS_END,
};
static const Option detach_disk_options[] = {
    OPTION_DOMAIN,
    { "target", OPT_STRING, OPT_REQUIRED, "name of the device inside, or its source",
      COMPLETE_TARGET, NULL },
    OPTION_PERSISTENT,
    OPTIONS_AFFECT,
    OPTION_PRINT,
    OPTIONS_END,
};
static const Option attach_interface_options[] = {
    OPTION_DOMAIN,
    { "type", OPT_STRING, OPT_REQUIRED, "type of the interface", COMPLETE_WORDS,
      "bridge|network|direct|ethernet" },
    { "source", OPT_STRING, OPT_REQUIRED, "bridge, network or device on the host", COMPLETE_NONE,
      NULL },
    VALUE ("target", "name of its end on the host"),
    VALUE ("mac", "MAC address"),
    VALUE ("script", "program that sets it up"),
    VALUE ("model", "model, which containers need not have"),
    FLAG ("managed", FOREIGN),
    VALUE ("alias", "an alias, which begins with ua-"),
    VALUE ("inbound", "what it may receive, in KiB: AVERAGE[,PEAK[,BURST[,FLOOR]]]"),
    VALUE ("outbound", "what it may send, likewise"),
    VALUE ("source-mode", "mode of a direct interface"),
    OPTION_PERSISTENT,
    OPTIONS_AFFECT,
    OPTION_PRINT,
    OPTIONS_END,
};
static const Option detach_interface_options[] = {
    OPTION_DOMAIN,
    { "type", OPT_STRING, OPT_REQUIRED, "type of the interface", COMPLETE_WORDS,
      "bridge|network|direct|ethernet" },
    VALUE ("mac", "MAC address, where there are several of the type"),
    OPTION_PERSISTENT,
    OPTIONS_AFFECT,
    OPTION_PRINT,
    OPTIONS_END,
};

const Verb verbs_device[] = {
    { "attach-device", GROUP_DOMAIN, 0, "attach a device from an XML file", NULL, xml_options,
      run_xml_device },
    { "detach-device", GROUP_DOMAIN, 0, "detach a device that an XML file describes", NULL,
      xml_options, run_xml_device },
    { "update-device", GROUP_DOMAIN, 0, "change a device from an XML file", NULL, update_options,
      run_xml_device },
    { "detach-device-alias", GROUP_DOMAIN, 0, "detach a device by its alias", NULL, alias_options,
      run_detach_alias },
    { "attach-disk", GROUP_DOMAIN, 0, "attach a disk", NULL, attach_disk_options,
      run_attach_disk },
    { "detach-disk", GROUP_DOMAIN, 0, "detach a disk", NULL, detach_disk_options,
      run_detach_disk },
    { "attach-interface", GROUP_DOMAIN, 0, "attach a network interface", NULL,
      attach_interface_options, run_attach_interface },
    { "detach-interface", GROUP_DOMAIN, 0, "detach a network interface", NULL,
      detach_interface_options, run_detach_interface },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
