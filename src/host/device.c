/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/device.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/node.h"
#include "util/file.h"

#define DEVICES_MAX 65536
#define PCI_IDS_MAX (16 << 20)

static const struct {
    HostDeviceKind kind;
    const char *name;
} kinds[] = {
    { DEVICE_SYSTEM, "system" },           { DEVICE_PCI, "pci" },
    { DEVICE_USB_DEVICE, "usb_device" },   { DEVICE_USB, "usb" },
    { DEVICE_NET, "net" },                 { DEVICE_SCSI_HOST, "scsi_host" },
    { DEVICE_SCSI_TARGET, "scsi_target" }, { DEVICE_SCSI, "scsi" },
    { DEVICE_STORAGE, "storage" },         { DEVICE_FC_HOST, "fc_host" },
    { DEVICE_SCSI_GENERIC, "scsi_generic" }, { DEVICE_DRM, "drm" },
};

const char *
device_cap_name (HostDeviceKind kind)
{
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return NULL;
}

gboolean
device_has_cap (const HostDevice *device, const char *cap)
{
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (strcmp (kinds[i].name, cap) == 0)
            return (device->caps & kinds[i].kind) != 0;
    return FALSE;
}

static void
device_free (gpointer data)
{
    HostDevice *device = data;

    g_free (device->name);
    g_free (device->path);
    g_free (device->kernel_name);
    g_free (device->parent);
    g_free (device->driver);
    g_free (device->devnode);
    g_free (device->vendor_name);
    g_free (device->product_name);
    g_clear_pointer (&device->links, g_ptr_array_unref);
    g_clear_pointer (&device->udev, g_hash_table_unref);
    g_free (device);
}

char *
device_read (const HostDevice *device, const char *file)
{
    return node_read ("%s/%s", device->path, file);
}

/* ---- one device */

/* Every letter that is none becomes '_'. */
static char *
name_of (const char *subsystem, const char *kernel_name, const char *more)
{
    char *name = g_strjoin ("_", subsystem, kernel_name, more && *more ? more : NULL, NULL);

    for (char *c = name; *c; c++)
        if (!g_ascii_isalnum (*c))
            *c = '_';
    return name;
}

/* The path below /sys that a link stands for; NULL when there is none. */
static char *
resolve (const char *link)
{
    g_autofree char *full = g_strconcat (node_root, link, NULL), *real = realpath (full, NULL);
    g_autofree char *root = realpath (*node_root ? node_root : "/", NULL);
    char *path = NULL;
    gsize skip;

    if (real && root && g_str_has_prefix (real, root)) {
        skip = strcmp (root, "/") == 0 ? 0 : strlen (root);
        path = g_strdup (real + skip);
    }
    return path;
}

static char *
driver_of (const char *path)
{
    g_autofree char *link = g_strconcat (path, "/driver", NULL), *target = resolve (link);

    return target ? g_path_get_basename (target) : NULL;
}

/* udev's record: "E:KEY=value" and "S:link" lines, by device number or "nINDEX", "+SUBSYSTEM:NAME". */
static void
read_udev (HostDevice *device, const char *key)
{
    g_autofree char *text = node_read ("/run/udev/data/%s", key);
    g_auto (GStrv) lines = text ? g_strsplit (text, "\n", -1) : NULL;

    if (!lines)
        return;
    device->udev = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; lines[i]; i++) {
        char *equals = strchr (lines[i], '=');

        if (g_str_has_prefix (lines[i], "S:")) {
            g_ptr_array_add (device->links, g_strconcat ("/dev/", lines[i] + 2, NULL));
        } else if (g_str_has_prefix (lines[i], "E:") && equals) {
            *equals = '\0';
            g_hash_table_replace (device->udev, g_strdup (lines[i] + 2), g_strdup (equals + 1));
        }
    }
}

const char *
device_udev (const HostDevice *device, const char *key)
{
    return device->udev ? g_hash_table_lookup (device->udev, key) : NULL;
}

static void
add (GPtrArray *devices, HostDevice *device, char *name)
{
    device->name = name;
    device->caps |= device->kind;
    device->driver = device->path ? driver_of (device->path) : NULL;
    g_ptr_array_add (devices, device);
}

/* @link is below /sys/bus or /sys/class; NULL when it leads nowhere. */
static HostDevice *
device_new (HostDeviceKind kind, const char *link, const char *kernel_name)
{
    char *path = resolve (link);
    HostDevice *device;

    if (!path)
        return NULL;
    device = g_new0 (HostDevice, 1);
    device->kind = kind;
    device->path = path;
    device->kernel_name = g_strdup (kernel_name);
    device->links = g_ptr_array_new_with_free_func (g_free);
    return device;
}

/* The node in /dev, from the numbers of "dev" and what uevent calls it; and udev's record of it. */
static void
set_node (HostDevice *device, char letter)
{
    g_autofree char *numbers = device_read (device, "dev"), *uevent = device_read (device, "uevent");
    const char *name = uevent ? strstr (uevent, "DEVNAME=") : NULL;
    g_autofree char *key = numbers ? g_strdup_printf ("%c%s", letter, numbers) : NULL;

    if (name) {
        name += strlen ("DEVNAME=");
        device->devnode = g_strdup_printf ("/dev/%.*s", (int) strcspn (name, "\n"), name);
    }
    if (key)
        read_udev (device, key);
}

/* ---- what there is of each kind */

static void
add_pci (GPtrArray *devices, const char *link, const char *name)
{
    HostDevice *device = device_new (DEVICE_PCI, link, name);

    if (device)
        add (devices, device, name_of ("pci", name, NULL));
}

/* "1-2" is a device, "1-2:1.0" an interface of it. */
static void
add_usb (GPtrArray *devices, const char *link, const char *name)
{
    HostDevice *device = device_new (strchr (name, ':') ? DEVICE_USB : DEVICE_USB_DEVICE, link, name);

    if (!device)
        return;
    if (device->kind == DEVICE_USB_DEVICE)
        set_node (device, 'c');
    add (devices, device, name_of ("usb", name, NULL));
}

static void
add_scsi (GPtrArray *devices, const char *link, const char *name)
{
    HostDevice *device;

    if (g_str_has_prefix (name, "host")) {
        device = device_new (DEVICE_SCSI_HOST, link, name);
        if (device && node_exists ("/sys/class/fc_host/%s", name))
            device->caps |= DEVICE_FC_HOST;
    } else {
        device = device_new (g_str_has_prefix (name, "target") ? DEVICE_SCSI_TARGET : DEVICE_SCSI, link, name);
    }
    if (device)
        add (devices, device, name_of ("scsi", name, NULL));
}

static void
add_scsi_generic (GPtrArray *devices, const char *link, const char *name)
{
    HostDevice *device = device_new (DEVICE_SCSI_GENERIC, link, name);

    if (!device)
        return;
    set_node (device, 'c');
    add (devices, device, name_of ("scsi_generic", name, NULL));
}

/* A bridge, a VLAN and the like say what they are: none of that is a device, as in libvirt, but WLANs. */
static gboolean
net_is_made (const HostDevice *device)
{
    g_autofree char *uevent = device_read (device, "uevent");
    g_auto (GStrv) lines = g_strsplit (uevent ? uevent : "", "\n", -1);

    for (guint i = 0; lines[i]; i++)
        if (g_str_has_prefix (lines[i], "DEVTYPE="))
            return strcmp (lines[i], "DEVTYPE=wlan") != 0;
    return FALSE;
}

static void
add_net (GPtrArray *devices, const char *link, const char *name)
{
    HostDevice *device = device_new (DEVICE_NET, link, name);
    g_autofree char *mac = device ? device_read (device, "address") : NULL;

    if (!mac || net_is_made (device)) {     /* bonding_masters is a file */
        if (device)
            device_free (device);
        return;
    }
    add (devices, device, name_of ("net", name, mac));
}

/* Real drives; what is made of files or other devices is storage of another kind. */
static void
add_block (GPtrArray *devices, const char *link, const char *name)
{
    static const char *const drives[] = { "sd", "vd", "hd", "xvd", "sr", "fd", "mmcblk", "nvme", "dasd" };
    HostDevice *device = NULL;

    for (guint i = 0; i < G_N_ELEMENTS (drives) && !device; i++)
        if (g_str_has_prefix (name, drives[i]))
            device = device_new (DEVICE_STORAGE, link, name);
    if (!device)
        return;
    set_node (device, 'b');
    add (devices, device, name_of ("block", name, device_udev (device, "ID_SERIAL")));
}

static void
add_drm (GPtrArray *devices, const char *link, const char *name)
{
    HostDevice *device;

    if (strchr (name, '-') || !(g_str_has_prefix (name, "card") || g_str_has_prefix (name, "renderD")))
        return;                     /* connectors are no devices of their own */
    device = device_new (DEVICE_DRM, link, name);
    if (!device)
        return;
    set_node (device, 'c');
    add (devices, device, name_of ("drm", name, NULL));
}

static void
each_entry (GPtrArray *devices, const char *dir, void (*fn) (GPtrArray *, const char *, const char *))
{
    g_autoptr (GPtrArray) names = node_list (DEVICES_MAX, "%s", dir);

    for (guint i = 0; i < names->len && devices->len < DEVICES_MAX; i++) {
        g_autofree char *link = g_strdup_printf ("%s/%s", dir, (char *) names->pdata[i]);

        fn (devices, link, names->pdata[i]);
    }
}

/* ---- names of PCI devices: lines "1af4  Red Hat, Inc." and "\t1041  Virtio 1.0 network device" */

/* The whole of pci.ids; a line ends at a newline, the last one at the end. */
typedef struct {
    const char *text, *end;
} PciIds;

static gboolean
id_line (const char *line, const PciIds *ids, guint id, char **name)
{
    const char *newline = memchr (line, '\n', (gsize) (ids->end - line));
    char *end;

    if (!newline || !g_ascii_isxdigit (*line) || g_ascii_strtoull (line, &end, 16) != id || end != line + 4
        || newline - end < 2 || end[0] != ' ' || end[1] != ' ')
        return FALSE;
    g_free (*name);
    *name = g_strndup (end + 2, (gsize) (newline - end - 2));
    return TRUE;
}

static const char *
next_line (const char *line, const PciIds *ids)
{
    line = memchr (line, '\n', (gsize) (ids->end - line));
    return line && line + 1 < ids->end ? line + 1 : NULL;
}

static void
set_pci_name (HostDevice *device, const PciIds *ids)
{
    g_autofree char *vendor = device_read (device, "vendor"), *product = device_read (device, "device");
    guint vendor_id = vendor ? (guint) g_ascii_strtoull (vendor, NULL, 16) : 0;
    guint product_id = product ? (guint) g_ascii_strtoull (product, NULL, 16) : 0;
    const char *line = ids->text;

    while (line && !id_line (line, ids, vendor_id, &device->vendor_name))
        line = next_line (line, ids);
    if (!line)
        return;
    /* its products follow, indented by one tab; two are sub-systems */
    while ((line = next_line (line, ids)) && (*line == '\t' || *line == '#'))
        if (*line == '\t' && id_line (line + 1, ids, product_id, &device->product_name))
            return;
}

static void
set_pci_names (GPtrArray *devices)
{
    static const char *const paths[] = { "/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids" };
    g_autofree char *text = NULL;
    gsize size = 0;
    PciIds ids;

    for (guint i = 0; i < G_N_ELEMENTS (paths) && !text; i++) {
        g_autofree char *path = g_strconcat (node_root, paths[i], NULL);

        text = file_read (path, PCI_IDS_MAX, &size, NULL);
    }
    ids = (PciIds){ text, text ? text + size : NULL };
    for (guint i = 0; size > 0 && i < devices->len; i++)
        if (((HostDevice *) devices->pdata[i])->kind == DEVICE_PCI)
            set_pci_name (devices->pdata[i], &ids);
}

/* ---- parents: the nearest directory above that is a device, else the computer */

static void
set_parents (GPtrArray *devices)
{
    g_autoptr (GHashTable) by_path = g_hash_table_new (g_str_hash, g_str_equal);

    for (guint i = 0; i < devices->len; i++) {
        const HostDevice *device = devices->pdata[i];

        if (device->path)
            g_hash_table_replace (by_path, device->path, device->name);
    }
    for (guint i = 0; i < devices->len; i++) {
        HostDevice *device = devices->pdata[i];
        g_autofree char *path = g_strdup (device->path);
        const char *parent = NULL;
        char *slash;

        while (path && !parent && (slash = strrchr (path, '/'))) {
            *slash = '\0';
            parent = g_hash_table_lookup (by_path, path);
        }
        if (device->kind != DEVICE_SYSTEM)
            device->parent = g_strdup (parent ? parent : "computer");
    }
}

GPtrArray *
devices_read (void)
{
    GPtrArray *devices = g_ptr_array_new_with_free_func (device_free);
    HostDevice *computer = g_new0 (HostDevice, 1);

    computer->kind = DEVICE_SYSTEM;
    add (devices, computer, g_strdup ("computer"));
    each_entry (devices, "/sys/bus/pci/devices", add_pci);
    each_entry (devices, "/sys/bus/usb/devices", add_usb);
    each_entry (devices, "/sys/bus/scsi/devices", add_scsi);
    each_entry (devices, "/sys/class/scsi_generic", add_scsi_generic);
    each_entry (devices, "/sys/class/net", add_net);
    each_entry (devices, "/sys/block", add_block);
    each_entry (devices, "/sys/class/drm", add_drm);
    set_pci_names (devices);
    set_parents (devices);
    return devices;
}

const HostDevice *
devices_find (const GPtrArray *devices, const char *name)
{
    for (guint i = 0; i < devices->len; i++) {
        const HostDevice *device = devices->pdata[i];

        if (strcmp (device->name, name) == 0)
            return device;
    }
    return NULL;
}

/* "0x2001001b32a9da4e" is written without 0x by clients. */
static gboolean
same_wwn (const HostDevice *device, const char *file, const char *wanted)
{
    g_autofree char *text = node_read ("/sys/class/fc_host/%s/%s", device->kernel_name, file);

    return text && g_ascii_strtoull (text, NULL, 16) == g_ascii_strtoull (wanted, NULL, 16);
}

gboolean
device_has_wwn (const HostDevice *device, const char *wwnn, const char *wwpn)
{
    return same_wwn (device, "node_name", wwnn) && same_wwn (device, "port_name", wwpn);
}
