/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/interface.h"

#include <stdio.h>
#include <string.h>

#include "host/node.h"

#define INTERFACES_MAX 16384
#define PORTS_MAX 1024

static void
interface_free (gpointer data)
{
    HostInterface *interface = data;

    g_free (interface->name);
    g_free (interface->mac);
    g_free (interface);
}

static gboolean
has (const char *name, const char *file)
{
    return node_exists ("/sys/class/net/%s/%s", name, file);
}

static char *
net_read (const char *name, const char *file)
{
    return node_read ("/sys/class/net/%s/%s", name, file);
}

GPtrArray *
interfaces_read (void)
{
    GPtrArray *interfaces = g_ptr_array_new_with_free_func (interface_free);
    g_autoptr (GPtrArray) names = node_list (INTERFACES_MAX, "/sys/class/net");

    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        g_autofree char *state = net_read (name, "operstate"), *mac = net_read (name, "address");
        HostInterface *interface;

        if (!state)
            continue;               /* bonding_masters is a file */
        interface = g_new0 (HostInterface, 1);
        interface->name = g_strdup (name);
        interface->mac = g_strdup (mac ? mac : "");
        interface->up = strcmp (state, "up") == 0;
        interface->down = strcmp (state, "down") == 0;
        interface->port = has (name, "brport") || has (name, "bonding_slave") || has (name, "tun_flags");
        g_ptr_array_add (interfaces, interface);
    }
    return interfaces;
}

const HostInterface *
interfaces_find (const GPtrArray *interfaces, const char *name)
{
    for (guint i = 0; i < interfaces->len; i++) {
        const HostInterface *interface = interfaces->pdata[i];

        if (strcmp (interface->name, name) == 0)
            return interface;
    }
    return NULL;
}

/* ---- documents */

/* What drivers say of the speed of a link that is not up means nothing. */
void
interface_add_link (GString *xml, guint indent, const char *state, const char *speed)
{
    g_string_append_printf (xml, "%*s<link", (int) indent, "");
    if (g_strcmp0 (state, "up") == 0 && speed && g_ascii_isdigit (*speed) && *speed != '0')
        g_string_append_printf (xml, " speed='%s'", speed);
    g_string_append_printf (xml, " state='%s'/>\n", state ? state : "unknown");
}

static void
add_link (GString *xml, guint indent, const char *name)
{
    g_autofree char *state = net_read (name, "operstate"), *speed = net_read (name, "speed");
    g_autofree char *mac = net_read (name, "address");

    interface_add_link (xml, indent, state, speed);
    if (mac && *mac)
        g_string_append_printf (xml, "%*s<mac address='%s'/>\n", (int) indent, "", mac);
}

static void
add_port (GString *xml, const char *name)
{
    g_autofree char *escaped = node_markup (name);

    g_string_append_printf (xml, "    <interface type='ethernet' name='%s'>\n", escaped);
    add_link (xml, 6, name);
    g_string_append (xml, "    </interface>\n");
}

static void
add_bridge (GString *xml, const char *name)
{
    g_autofree char *stp = net_read (name, "bridge/stp_state"), *delay = net_read (name, "bridge/forward_delay");
    g_autoptr (GPtrArray) ports = node_list (PORTS_MAX, "/sys/class/net/%s/brif", name);

    g_string_append_printf (xml, "  <bridge stp='%s'", g_strcmp0 (stp, "1") == 0 ? "on" : "off");
    if (delay)
        g_string_append_printf (xml, " delay='%s'", delay);
    g_string_append (xml, ports->len ? ">\n" : "/>\n");
    for (guint i = 0; i < ports->len; i++)
        add_port (xml, ports->pdata[i]);
    if (ports->len)
        g_string_append (xml, "  </bridge>\n");
}

/* "active-backup 1" */
static void
add_bond (GString *xml, const char *name)
{
    g_autofree char *mode = net_read (name, "bonding/mode"), *slaves = net_read (name, "bonding/slaves");
    g_auto (GStrv) ports = g_strsplit (slaves ? slaves : "", " ", PORTS_MAX);

    g_string_append (xml, "  <bond");
    if (mode && *mode)
        g_string_append_printf (xml, " mode='%.*s'", (int) strcspn (mode, " "), mode);
    g_string_append (xml, ">\n");
    for (guint i = 0; ports[i]; i++)
        if (*ports[i])
            add_port (xml, ports[i]);
    g_string_append (xml, "  </bond>\n");
}

/* "eth0.5  VID: 5 ..." in /proc/net/vlan, with "Device: eth0" */
static gboolean
vlan_of (const char *name, guint *tag, char device[17])
{
    g_autofree char *text = strchr (name, '/') ? NULL : node_read ("/proc/net/vlan/%s", name);
    const char *vid = text ? strstr (text, "VID: ") : NULL, *below = text ? strstr (text, "\nDevice: ") : NULL;

    return vid && below && sscanf (vid, "VID: %u", tag) == 1 && sscanf (below, "\nDevice: %16s", device) == 1;
}

char *
interface_xml (const char *name)
{
    g_autofree char *mtu = net_read (name, "mtu"), *escaped = node_markup (name);
    GString *xml = g_string_new (NULL);
    gboolean bridge = has (name, "bridge"), bond = has (name, "bonding");
    char device[17];
    guint tag;
    gboolean vlan = !bridge && !bond && vlan_of (name, &tag, device);

    g_string_append_printf (xml, "<interface type='%s' name='%s'>\n",
                            bridge ? "bridge" : bond ? "bond" : vlan ? "vlan" : "ethernet", escaped);
    if (mtu)
        g_string_append_printf (xml, "  <mtu size='%s'/>\n", mtu);
    if (bridge)
        add_bridge (xml, name);
    else if (bond)
        add_bond (xml, name);
    else
        add_link (xml, 2, name);
    if (vlan) {
        g_autofree char *below = node_markup (device);

        g_string_append_printf (xml, "  <vlan tag='%u'>\n    <interface name='%s'/>\n  </vlan>\n", tag, below);
    }
    g_string_append (xml, "</interface>\n");
    return g_string_free (xml, FALSE);
}
