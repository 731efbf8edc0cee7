/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <device> as libvirt writes it: clients read it with their own parsers. */
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/device.h"
#include "host/interface.h"
#include "host/node.h"
#include "util/fd.h"

#define GROUP_MAX 1024          /* devices in an IOMMU group */

/* <element>text</element>; nothing for no text. */
static void
add_text (GString *xml, guint indent, const char *element, const char *text)
{
    g_autofree char *trimmed = text ? g_strstrip (g_strdup (text)) : NULL, *escaped = NULL;

    if (!trimmed || !*trimmed)
        return;
    escaped = node_markup (trimmed);
    g_string_append_printf (xml, "%*s<%s>%s</%s>\n", (int) indent, "", element, escaped, element);
}

static void
add_file (GString *xml, guint indent, const char *element, const HostDevice *device, const char *file)
{
    g_autofree char *text = device_read (device, file);

    add_text (xml, indent, element, text);
}

static guint64
number_of (const HostDevice *device, const char *file, int base)
{
    g_autofree char *text = device_read (device, file);

    return text ? g_ascii_strtoull (text, NULL, base) : 0;
}

/* <product id='0x1234'>Name</product> */
static void
add_id (GString *xml, const char *element, guint id, const char *name)
{
    g_autofree char *escaped
        = name && g_utf8_validate (name, -1, NULL) ? node_markup (name) : NULL;

    g_string_append_printf (xml, "    <%s id='0x%04x'", element, id);
    if (escaped && *escaped)
        g_string_append_printf (xml, ">%s</%s>\n", escaped, element);
    else
        g_string_append (xml, "/>\n");
}

/* ---- the computer */

static void
add_dmi (GString *xml, guint indent, const char *element, const char *file)
{
    g_autofree char *text = node_read ("/sys/class/dmi/id/%s", file);

    add_text (xml, indent, element, text);
}

static void
system_xml (GString *xml, const HostDevice *device)
{
    g_autofree char *uuid = node_read ("/sys/class/dmi/id/product_uuid");

    (void) device;
    add_dmi (xml, 4, "product", "product_name");
    g_string_append (xml, "    <hardware>\n");
    add_dmi (xml, 6, "vendor", "sys_vendor");
    add_dmi (xml, 6, "version", "product_version");
    add_dmi (xml, 6, "serial", "product_serial");
    add_text (xml, 6, "uuid", uuid && *uuid ? uuid : "00000000-0000-0000-0000-000000000000");
    g_string_append (xml, "    </hardware>\n    <firmware>\n");
    add_dmi (xml, 6, "vendor", "bios_vendor");
    add_dmi (xml, 6, "version", "bios_version");
    add_dmi (xml, 6, "release_date", "bios_date");
    g_string_append (xml, "    </firmware>\n");
}

/* ---- PCI */

static gboolean
pci_address (const char *kernel_name, guint address[4])
{
    return sscanf (kernel_name, "%x:%x:%x.%x", &address[0], &address[1], &address[2], &address[3]) == 4;
}

static void
add_pci_address (GString *xml, guint indent, const char *kernel_name)
{
    guint a[4];

    if (pci_address (kernel_name, a))
        g_string_append_printf (xml, "%*s<address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>\n",
                                (int) indent, "", a[0], a[1], a[2], a[3]);
}

/* The name of what a link in the device's directory points to. */
static char *
link_name (const HostDevice *device, const char *link)
{
    g_autofree char *full = g_strdup_printf ("%s%s/%s", node_root, device->path, link);
    g_autofree char *target = g_file_read_link (full, NULL);

    return target ? g_path_get_basename (target) : NULL;
}

static void
add_pci_functions (GString *xml, const HostDevice *device)
{
    g_autofree char *physical = link_name (device, "physfn");
    guint64 most = number_of (device, "sriov_totalvfs", 10);
    guint64 now = number_of (device, "sriov_numvfs", 10);
    g_autoptr (GString) functions = g_string_new (NULL);

    if (physical) {
        g_string_append (xml, "    <capability type='phys_function'>\n");
        add_pci_address (xml, 6, physical);
        g_string_append (xml, "    </capability>\n");
    }
    if (most == 0)
        return;
    g_string_append_printf (xml, "    <capability type='virt_functions' maxCount='%" G_GUINT64_FORMAT "'", most);
    for (guint64 i = 0; i < MIN (now, most); i++) {
        g_autofree char *link = g_strdup_printf ("virtfn%" G_GUINT64_FORMAT, i);
        g_autofree char *function = link_name (device, link);

        if (function)
            add_pci_address (functions, 6, function);
    }
    if (functions->len > 0)
        g_string_append_printf (xml, ">\n%s    </capability>\n", functions->str);
    else
        g_string_append (xml, "/>\n");
}

static void
add_iommu_group (GString *xml, const HostDevice *device)
{
    g_autofree char *group = link_name (device, "iommu_group");
    g_autoptr (GPtrArray) members = NULL;

    if (!group)
        return;
    members = node_list (GROUP_MAX, "%s/iommu_group/devices", device->path);
    g_string_append_printf (xml, "    <iommuGroup number='%s'>\n", group);
    for (guint i = 0; i < members->len; i++)
        add_pci_address (xml, 6, members->pdata[i]);
    g_string_append (xml, "    </iommuGroup>\n");
}

static guint
config_u16 (const guint8 *config, guint at)
{
    return (guint) config[at] | (guint) config[at + 1] << 8;
}

static void
add_pci_link (GString *xml, const guint8 *config, guint cap)
{
    static const char *const speeds[] = { "", "2.5", "5", "8", "16", "32", "64" };
    guint type = config_u16 (config, cap + 2) >> 4 & 0xf, sta = config_u16 (config, cap + 18);
    guint32 link = config_u16 (config, cap + 12) | (guint32) config_u16 (config, cap + 14) << 16;
    guint speed = link & 0xf, now = sta & 0xf;

    if (type == 9 || type == 10) {  /* inside the root complex: no link */
        g_string_append (xml, "    <pci-express/>\n");
        return;
    }
    g_string_append (xml, "    <pci-express>\n");
    g_string_append_printf (xml, "      <link validity='cap' port='%u'", link >> 24);
    if (speed && speed < G_N_ELEMENTS (speeds))
        g_string_append_printf (xml, " speed='%s'", speeds[speed]);
    g_string_append_printf (xml, " width='%u'/>\n      <link validity='sta'", link >> 4 & 0x3f);
    if (now && now < G_N_ELEMENTS (speeds))
        g_string_append_printf (xml, " speed='%s'", speeds[now]);
    g_string_append_printf (xml, " width='%u'/>\n    </pci-express>\n", sta >> 4 & 0x3f);
}

/* Bridge or not, and PCI Express, are in the device's configuration. */
static void
add_pci_config (GString *xml, const HostDevice *device, gboolean express)
{
    enum { STATUS = 6, HEADER = 14, CAPABILITIES = 0x34, ID_EXPRESS = 0x10 };
    g_autofree char *path = g_strdup_printf ("%s%s/config", node_root, device->path);
    autofd int fd = open (path, O_RDONLY | O_CLOEXEC);
    guint8 config[256] = { 0 };
    guint cap, rounds = 48;

    if (fd < 0 || fd_read_all (fd, config, sizeof config) < 64)
        return;
    if (!express) {
        if ((config[HEADER] & 0x7f) == 1)
            g_string_append (xml, "    <capability type='pci-bridge'/>\n");
        return;
    }
    cap = config[STATUS] & 0x10 ? config[CAPABILITIES] & ~3u : 0;
    while (cap >= 0x40 && cap < 240 && rounds-- > 0 && config[cap] != ID_EXPRESS)
        cap = config[cap + 1] & ~3u;
    if (cap >= 0x40 && cap < 236 && config[cap] == ID_EXPRESS)
        add_pci_link (xml, config, cap);
}

static void
pci_xml (GString *xml, const HostDevice *device)
{
    guint a[4] = { 0 };
    g_autofree char *numa = device_read (device, "numa_node");

    pci_address (device->kernel_name, a);
    g_string_append_printf (xml, "    <class>0x%06x</class>\n", (guint) number_of (device, "class", 16));
    g_string_append_printf (xml, "    <domain>%u</domain>\n    <bus>%u</bus>\n    <slot>%u</slot>\n"
                                 "    <function>%u</function>\n", a[0], a[1], a[2], a[3]);
    add_id (xml, "product", (guint) number_of (device, "device", 16), device->product_name);
    add_id (xml, "vendor", (guint) number_of (device, "vendor", 16), device->vendor_name);
    add_pci_functions (xml, device);
    add_pci_config (xml, device, FALSE);
    add_iommu_group (xml, device);
    if (numa && g_ascii_isdigit (*numa))
        g_string_append_printf (xml, "    <numa node='%s'/>\n", numa);
    add_pci_config (xml, device, TRUE);
}

/* ---- USB */

static void
usb_device_xml (GString *xml, const HostDevice *device)
{
    g_autofree char *product = device_read (device, "product"), *vendor = device_read (device, "manufacturer");

    add_file (xml, 4, "bus", device, "busnum");
    add_file (xml, 4, "device", device, "devnum");
    add_id (xml, "product", (guint) number_of (device, "idProduct", 16), product);
    add_id (xml, "vendor", (guint) number_of (device, "idVendor", 16), vendor);
}

static void
usb_interface_xml (GString *xml, const HostDevice *device)
{
    static const struct {
        const char *element, *file;
    } numbers[] = {
        { "number", "bInterfaceNumber" },
        { "class", "bInterfaceClass" },
        { "subclass", "bInterfaceSubClass" },
        { "protocol", "bInterfaceProtocol" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        g_string_append_printf (xml, "    <%s>%u</%s>\n", numbers[i].element,
                                (guint) number_of (device, numbers[i].file, 16), numbers[i].element);
    add_file (xml, 4, "description", device, "interface");
}

/* ---- SCSI */

static void
scsi_host_xml (GString *xml, const HostDevice *device)
{
    g_autofree char *unique = node_read ("/sys/class/scsi_host/%s/unique_id", device->kernel_name);

    add_text (xml, 4, "host", device->kernel_name + strlen ("host"));
    add_text (xml, 4, "unique_id", unique);
    if (device->caps & DEVICE_FC_HOST) {
        g_autofree char *wwnn = node_read ("/sys/class/fc_host/%s/node_name", device->kernel_name);
        g_autofree char *wwpn = node_read ("/sys/class/fc_host/%s/port_name", device->kernel_name);
        g_autofree char *fabric = node_read ("/sys/class/fc_host/%s/fabric_name", device->kernel_name);

        g_string_append (xml, "    <capability type='fc_host'>\n");
        add_text (xml, 6, "wwnn", wwnn && g_str_has_prefix (wwnn, "0x") ? wwnn + 2 : wwnn);
        add_text (xml, 6, "wwpn", wwpn && g_str_has_prefix (wwpn, "0x") ? wwpn + 2 : wwpn);
        add_text (xml, 6, "fabric_wwn", fabric && g_str_has_prefix (fabric, "0x") ? fabric + 2 : fabric);
        g_string_append (xml, "    </capability>\n");
    }
}

static void
scsi_target_xml (GString *xml, const HostDevice *device)
{
    add_text (xml, 4, "target", device->kernel_name);
}

/* SCSI's peripheral device types. */
static const char *
scsi_type (guint type)
{
    static const char *const names[] = { "disk", "tape", "printer", "processor", "worm", "cdrom", "scanner",
                                         "mod", "changer", "communications", NULL, NULL, "raid" };

    return type < G_N_ELEMENTS (names) ? names[type] : NULL;
}

static void
scsi_xml (GString *xml, const HostDevice *device)
{
    guint host, bus, target;
    guint64 lun;

    if (sscanf (device->kernel_name, "%u:%u:%u:%" G_GUINT64_FORMAT, &host, &bus, &target, &lun) == 4)
        g_string_append_printf (xml, "    <host>%u</host>\n    <bus>%u</bus>\n    <target>%u</target>\n"
                                     "    <lun>%" G_GUINT64_FORMAT "</lun>\n", host, bus, target, lun);
    add_text (xml, 4, "type", scsi_type ((guint) number_of (device, "type", 10)));
}

static void
scsi_generic_xml (GString *xml, const HostDevice *device)
{
    add_text (xml, 4, "char", device->devnode);
}

/* ---- network */

static gboolean
ethtool_value (int sock, const char *name, guint32 command, guint32 *ret)
{
    struct ethtool_value value = { .cmd = command };
    struct ifreq ifr = { .ifr_data = (void *) &value };

    g_strlcpy (ifr.ifr_name, name, sizeof ifr.ifr_name);
    if (ioctl (sock, SIOCETHTOOL, &ifr) < 0)
        return FALSE;
    *ret = value.data;
    return TRUE;
}

static void
net_features_xml (GString *xml, const char *name)
{
    static const struct {
        guint32 command;
        const char *feature;
    } switches[] = {
        { ETHTOOL_GRXCSUM, "rx" }, { ETHTOOL_GTXCSUM, "tx" }, { ETHTOOL_GSG, "sg" },
        { ETHTOOL_GTSO, "tso" },   { ETHTOOL_GUFO, "ufo" },   { ETHTOOL_GGSO, "gso" },
        { ETHTOOL_GGRO, "gro" },
    };
    static const struct {
        guint32 flag;
        const char *feature;
    } flags[] = {
        { ETH_FLAG_LRO, "lro" },       { ETH_FLAG_RXVLAN, "rxvlan" }, { ETH_FLAG_TXVLAN, "txvlan" },
        { ETH_FLAG_NTUPLE, "ntuple" }, { ETH_FLAG_RXHASH, "rxhash" },
    };
    autofd int sock = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    guint32 value;

    if (sock < 0 || *node_root)     /* another host's sysfs: what our kernel says is not about it */
        return;
    for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
        if (ethtool_value (sock, name, switches[i].command, &value) && value)
            g_string_append_printf (xml, "    <feature name='%s'/>\n", switches[i].feature);
    if (!ethtool_value (sock, name, ETHTOOL_GFLAGS, &value))
        return;
    for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
        if (value & flags[i].flag)
            g_string_append_printf (xml, "    <feature name='%s'/>\n", flags[i].feature);
}

static void
net_xml (GString *xml, const HostDevice *device)
{
    g_autofree char *state = device_read (device, "operstate"), *speed = device_read (device, "speed");

    add_text (xml, 4, "interface", device->kernel_name);
    add_file (xml, 4, "address", device, "address");
    if (state)
        interface_add_link (xml, 4, state, speed);
    net_features_xml (xml, device->kernel_name);
    g_string_append_printf (xml, "    <capability type='%s'/>\n",
                            node_exists ("%s/wireless", device->path) ? "80211" : "80203");
}

/* ---- drives */

static const char *
drive_type (const HostDevice *device)
{
    const char *type = device_udev (device, "ID_TYPE");

    if (g_str_has_prefix (device->kernel_name, "sr") || g_strcmp0 (type, "cd") == 0)
        return "cdrom";
    if (g_str_has_prefix (device->kernel_name, "fd") || g_strcmp0 (type, "floppy") == 0)
        return "floppy";
    if (g_str_has_prefix (device->kernel_name, "mmcblk"))
        return "sd";
    return "disk";
}

static void
storage_xml (GString *xml, const HostDevice *device)
{
    guint64 size = number_of (device, "size", 10) * 512;
    guint64 block = number_of (device, "queue/logical_block_size", 10);
    gboolean removable = number_of (device, "removable", 10) != 0;

    add_text (xml, 4, "block", device->devnode);
    add_text (xml, 4, "bus", device_udev (device, "ID_BUS"));
    add_text (xml, 4, "drive_type", drive_type (device));
    add_file (xml, 4, "model", device, "device/model");
    add_file (xml, 4, "vendor", device, "device/vendor");
    add_text (xml, 4, "serial", device_udev (device, "ID_SERIAL"));
    if (removable) {
        g_string_append_printf (xml, "    <capability type='removable'>\n      <media_available>%d</media_available>\n"
                                     "      <media_size>%" G_GUINT64_FORMAT "</media_size>\n", size > 0, size);
        add_text (xml, 6, "media_label", device_udev (device, "ID_FS_LABEL"));
    } else {
        g_string_append_printf (xml, "    <size>%" G_GUINT64_FORMAT "</size>\n", size);
    }
    if (block > 0 && size > 0)
        g_string_append_printf (xml, "%*s<logical_block_size>%" G_GUINT64_FORMAT "</logical_block_size>\n"
                                     "%*s<num_blocks>%" G_GUINT64_FORMAT "</num_blocks>\n",
                                removable ? 6 : 4, "", block, removable ? 6 : 4, "", size / block);
    if (removable)
        g_string_append (xml, "    </capability>\n");
}

static void
drm_xml (GString *xml, const HostDevice *device)
{
    add_text (xml, 4, "type", g_str_has_prefix (device->kernel_name, "render") ? "render" : "primary");
}

/* ---- all of them */

static const struct {
    HostDeviceKind kind;
    void (*add) (GString *xml, const HostDevice *device);
} kinds[] = {
    { DEVICE_SYSTEM, system_xml },         { DEVICE_PCI, pci_xml },
    { DEVICE_USB_DEVICE, usb_device_xml }, { DEVICE_USB, usb_interface_xml },
    { DEVICE_NET, net_xml },               { DEVICE_SCSI_HOST, scsi_host_xml },
    { DEVICE_SCSI_TARGET, scsi_target_xml }, { DEVICE_SCSI, scsi_xml },
    { DEVICE_STORAGE, storage_xml },       { DEVICE_SCSI_GENERIC, scsi_generic_xml },
    { DEVICE_DRM, drm_xml },
};

static void
add_node (GString *xml, const char *type, const char *path)
{
    g_autofree char *escaped = node_markup (path);

    g_string_append_printf (xml, "  <devnode type='%s'>%s</devnode>\n", type, escaped);
}

char *
device_xml (const HostDevice *device)
{
    GString *xml = g_string_new ("<device>\n");

    add_text (xml, 2, "name", device->name);
    add_text (xml, 2, "path", device->path);
    if (device->devnode)
        add_node (xml, "dev", device->devnode);
    for (guint i = 0; device->links && i < device->links->len; i++)
        add_node (xml, "link", device->links->pdata[i]);
    add_text (xml, 2, "parent", device->parent);
    if (device->driver) {
        g_string_append (xml, "  <driver>\n");
        add_text (xml, 4, "name", device->driver);
        g_string_append (xml, "  </driver>\n");
    }
    g_string_append_printf (xml, "  <capability type='%s'>\n", device_cap_name (device->kind));
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (kinds[i].kind == device->kind)
            kinds[i].add (xml, device);
    g_string_append (xml, "  </capability>\n</device>\n");
    return g_string_free (xml, FALSE);
}
