/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/plan_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "driver/idmap.h"
#include "host/link.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "util/netdev.h"

/* ---- the object */

static void
plan_fs_clear (gpointer data)
{
    PlanFs *fs = data;

    g_free (fs->device);
    g_free (fs->fstype);
}

static void
plan_link_free (gpointer data)
{
    PlanLink *link = data;

    g_free (link->host_name);
    g_free (link->guest_name);
    g_free (link);
}

GArray *
plan_fs_array (guint n)
{
    GArray *array = g_array_new (FALSE, TRUE, sizeof (PlanFs));

    g_array_set_clear_func (array, plan_fs_clear);
    g_array_set_size (array, n);
    return array;
}

PlanFacts *
plan_facts_new (const DomainDef *def)
{
    PlanFacts *facts = g_new0 (PlanFacts, 1);

    facts->fs = plan_fs_array (def->filesystems->len);
    facts->mounts = plan_fs_array (def->skep ? def->skep->mounts->len : 0);
    facts->disks = g_array_new (FALSE, TRUE, sizeof (PlanDevice));
    g_array_set_size (facts->disks, def->disks->len);
    facts->hostdevs = g_array_new (FALSE, TRUE, sizeof (PlanDevice));
    g_array_set_size (facts->hostdevs, def->hostdevs->len);
    facts->links = g_ptr_array_new_with_free_func (plan_link_free);
    for (guint i = 0; i < SHARE_LAST; i++)
        facts->shares[i] = -1;
    facts->idmap = def->uid_map->len > 0 && def->gid_map->len > 0;
    return facts;
}

void
plan_facts_free (PlanFacts *facts)
{
    if (!facts)
        return;
    g_array_free (facts->fs, TRUE);
    g_array_free (facts->mounts, TRUE);
    g_clear_pointer (&facts->seccomp, g_bytes_unref);
    g_free (facts->seccomp_unknown);
    g_array_free (facts->disks, TRUE);
    g_array_free (facts->hostdevs, TRUE);
    g_ptr_array_free (facts->links, TRUE);
    for (guint i = 0; i < SHARE_LAST; i++)
        fd_close (&facts->shares[i]);
    g_free (facts);
}

void
plan_facts_add_link (PlanFacts *facts, const char *host_name, int ifindex, const char *guest_name,
                     const NetDef *net, const HostdevDef *hostdev)
{
    PlanLink *link = g_new0 (PlanLink, 1);

    link->host_name = g_strdup (host_name);
    link->ifindex = (guint) ifindex;
    link->guest_name = g_strdup (guest_name);
    link->net = net;
    link->hostdev = hostdev;
    g_ptr_array_add (facts->links, link);
}

gboolean
plan_map_id (const GPtrArray *map, guint guest, guint *ret_host)
{
    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = map->pdata[i];

        if (guest >= entry->start && guest - entry->start < entry->count) {
            *ret_host = entry->target + (guest - entry->start);
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- looking */

static gboolean
device_of (const char *path, PlanDevice *ret, GError **error)
{
    struct stat st;

    if (stat (path, &st) < 0)
        return error_set_errno (error, errno, "Unable to access %s", path);
    if (!S_ISCHR (st.st_mode) && !S_ISBLK (st.st_mode))
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "'%s' is not a device", path);
    *ret = (PlanDevice) { .set = TRUE, .block = S_ISBLK (st.st_mode), .major = major (st.st_rdev),
                          .minor = minor (st.st_rdev), .mode = st.st_mode & 07777 };
    return TRUE;
}

static gboolean
gather_fs (const FsDef *fs, int root, PlanFs *ret, GError **error)
{
    struct stat st;

    switch (fs->type) {
    case FS_MOUNT:
        if (stat (fs->source, &st) < 0)
            return error_set_errno (error, errno, "Unable to access filesystem source '%s'", fs->source);
        ret->directory = S_ISDIR (st.st_mode);
        if (!ret->directory && strcmp (fs->target, "/") == 0)
            return error_set_errno (error, ENOTDIR, "root filesystem source '%s'", fs->source);
        return TRUE;
    case FS_BIND: {
        /* what an earlier <filesystem> brings is not there yet: then a directory is meant */
        autofd int fd = root < 0 ? -1 : fd_open_in_root (root, fs->source, O_PATH);

        ret->directory = fd < 0 || fstat (fd, &st) < 0 || S_ISDIR (st.st_mode);
        return TRUE;
    }
    case FS_BLOCK:
        if (!device_of (fs->source, &ret->numbers, error))
            return FALSE;
        if (!ret->numbers.block)
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "'%s' is not a block device", fs->source);
        ret->device = g_strdup (fs->source);
        return TRUE;
    case FS_FILE:
        if (stat (fs->source, &st) < 0)
            return error_set_errno (error, errno, "Unable to access filesystem source '%s'", fs->source);
        if (!S_ISREG (st.st_mode))
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "'%s' is not a regular file", fs->source);
        return TRUE;
    default:
        return TRUE;
    }
}

/* Whether another mount than the root's may bring init or what it needs: then the root's own file
 * does not tell. */
static gboolean
covers_init (const DomainDef *def, const char *target)
{
    static const char *const program_dirs[] = { "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64",
                                                "/libx32" };
    gsize length = strlen (target);

    if (strcmp (target, "/") == 0)
        return FALSE;
    if (strncmp (def->os.init, target, length) == 0
        && (def->os.init[length] == '/' || def->os.init[length] == '\0'))
        return TRUE;
    for (guint k = 0; k < G_N_ELEMENTS (program_dirs); k++)
        if (g_str_has_prefix (target, program_dirs[k]))
            return TRUE;
    return FALSE;
}

static gboolean
init_is_covered (const DomainDef *def)
{
    for (guint i = 0; i < def->filesystems->len; i++)
        if (covers_init (def, ((const FsDef *) def->filesystems->pdata[i])->target))
            return TRUE;
    for (guint i = 0; def->skep && i < def->skep->mounts->len; i++)
        if (covers_init (def, ((const SkepMount *) def->skep->mounts->pdata[i])->target))
            return TRUE;
    return FALSE;
}

/* *ret stays -1 for a root on a block device or of layers, which only the container mounts. */
static gboolean
open_root (const DomainDef *def, int *ret, GError **error)
{
    const char *source = "/";

    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (strcmp (fs->target, "/") != 0)
            continue;
        if (fs->type != FS_MOUNT || (def->skep && def->skep->overlay_upper))
            return TRUE;
        source = fs->source;
    }
    *ret = open (source, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return *ret >= 0 || error_set_errno (error, errno, "Unable to access root filesystem source '%s'",
                                         source);
}

gboolean
plan_has_guest_ids (const DomainDef *def, const char *source)
{
    struct stat st;

    if (stat (source, &st) < 0)
        return FALSE;
    for (guint i = 0; i < def->uid_map->len; i++) {
        const IdmapEntry *entry = def->uid_map->pdata[i];

        if (entry->start != entry->target && st.st_uid >= entry->target
            && st.st_uid - entry->target < entry->count)
            return TRUE;
    }
    return FALSE;
}

/* The root of what keeps them gets the ids of its files changed, other mounts do not. Never the host's own tree,
 * and the kernel's file systems are the plan's affair. */
static gboolean
gather_keeps_ids (const PlanQuestion *question, const FsDef *fs, PlanFs *ret, GError **error)
{
    gboolean possible = TRUE;

    ret->guest_ids = fs->type == FS_MOUNT && plan_has_guest_ids (question->def, fs->source);
    if (fs->type == FS_MOUNT && !ret->guest_ids && plan_wants_idmap (fs->source)
        && !idmap_possible (question->helper, fs->source, &possible, error))
        return FALSE;
    ret->keeps_ids = !possible;
    return TRUE;
}

static gboolean
gather_filesystems (const PlanQuestion *question, PlanFacts *facts, GError **error)
{
    const DomainDef *def = question->def;
    autofd int root = -1;

    if (!open_root (def, &root, error))
        return FALSE;
    for (guint i = 0; i < def->filesystems->len; i++)
        if (!gather_fs (def->filesystems->pdata[i], root, &g_array_index (facts->fs, PlanFs, i), error)
            || (facts->idmap && !gather_keeps_ids (question, def->filesystems->pdata[i],
                                             &g_array_index (facts->fs, PlanFs, i), error)))
            return FALSE;
    if (!def->os.init || def->os.init[0] != '/')
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "init path '%s' is not absolute",
                          def->os.init ? def->os.init : "");
    return root < 0 || init_is_covered (def) || plan_check_init (root, def->os.init, error);
}

static gboolean
read_hex (const char *directory, const char *file, guint base, guint *ret)
{
    g_autofree char *path = g_build_filename (directory, file, NULL);
    g_autofree char *text = file_read (path, 64, NULL, NULL);

    if (!text)
        return FALSE;
    *ret = (guint) g_ascii_strtoull (text, NULL, base);
    return TRUE;
}

/* How many devices are of this vendor and product, and the last one's address; at @dev's address if @there. */
static guint
count_usb (const HostdevDef *dev, gboolean there, guint *ret_bus, guint *ret_device)
{
    static const char top[] = "/sys/bus/usb/devices";
    g_autoptr (GDir) dir = g_dir_open (top, 0, NULL);
    const char *name;
    guint found = 0;

    while (dir && (name = g_dir_read_name (dir))) {
        g_autofree char *path = g_build_filename (top, name, NULL);
        guint vendor, product, bus, device;

        if (!read_hex (path, "idVendor", 16, &vendor) || !read_hex (path, "idProduct", 16, &product)
            || vendor != dev->vendor || product != dev->product)
            continue;
        if (!read_hex (path, "busnum", 10, &bus) || !read_hex (path, "devnum", 10, &device)
            || (there && (bus != dev->bus || device != dev->device)))
            continue;
        *ret_bus = bus;
        *ret_device = device;
        found++;
    }
    return found;
}

/* A <hostdev type='usb'> named by vendor and product: exactly one device may match, or be at the address that
 * is given as well. Where that address was only found, at an earlier start, the device may be elsewhere now. */
static gboolean
find_usb (const HostdevDef *dev, guint *ret_bus, guint *ret_device, GError **error)
{
    gboolean addressed = dev->bus || dev->device;
    guint found = count_usb (dev, addressed, ret_bus, ret_device);

    if (found == 0 && addressed && !dev->auto_address)
        return error_set (error, ERR_INTERNAL, "Did not find USB device %04x:%04x bus:%u device:%u", dev->vendor,
                          dev->product, dev->bus, dev->device);
    if (found == 0 && addressed)
        found = count_usb (dev, FALSE, ret_bus, ret_device);
    if (found == 1)
        return TRUE;
    if (found == 0)
        return error_set (error, ERR_INTERNAL, "Did not find USB device %04x:%04x", dev->vendor,
                          dev->product);
    return error_set (error, ERR_OPERATION_FAILED,
                      "Multiple USB devices for %04x:%04x, use <address> to specify one",
                      dev->vendor, dev->product);
}

/* To know it again when it leaves the container. */
static guint64
link_identity (const char *name)
{
    autofd int sysfs = name ? netdev_sysfs () : -1;

    return sysfs < 0 ? 0 : netdev_identity (sysfs, name);
}

static gboolean
gather_hostdev (const HostdevDef *dev, PlanDevice *ret, GError **error)
{
    guint bus = dev->bus, device = dev->device;
    g_autofree char *path = NULL;

    switch (dev->type) {
    case HOSTDEV_USB:
        if (dev->vendor && !find_usb (dev, &bus, &device, error))
            return FALSE;
        path = g_strdup_printf ("/dev/bus/usb/%03u/%03u", bus, device);
        return device_of (path, ret, error);
    case HOSTDEV_STORAGE:
    case HOSTDEV_MISC:
        if (!dev->path || !g_str_has_prefix (dev->path, "/dev/") || strstr (dev->path, "/../"))
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "host device '%s' is not below /dev",
                              dev->path ? dev->path : "");
        if (!device_of (dev->path, ret, error))
            return FALSE;
        if (ret->block != (dev->type == HOSTDEV_STORAGE))
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "'%s' is not a %s device", dev->path,
                              dev->type == HOSTDEV_STORAGE ? "block" : "character");
        return TRUE;
    case HOSTDEV_NET:
        ret->link = link_identity (dev->interface);
        return TRUE;
    default:
        return TRUE;
    }
}

static gboolean
gather_devices (const DomainDef *def, PlanFacts *facts, GError **error)
{
    struct stat st;

    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = def->disks->pdata[i];
        PlanDevice *numbers = &g_array_index (facts->disks, PlanDevice, i);

        if (disk->type == DISK_BLOCK && !device_of (disk->source, numbers, error))
            return FALSE;
        if (disk->type == DISK_BLOCK && !numbers->block)
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "Disk source %s must be a block device", disk->source);
        if (disk->type == DISK_FILE && (stat (disk->source, &st) < 0))
            return error_set_errno (error, errno, "Unable to access disk source '%s'", disk->source);
    }
    for (guint i = 0; i < def->hostdevs->len; i++)
        if (!gather_hostdev (def->hostdevs->pdata[i],
                             &g_array_index (facts->hostdevs, PlanDevice, i), error))
            return FALSE;
    return TRUE;
}

/* The device rule is for whoever has the timer; the node only with offset='localtime', and there a
 * missing device is an error. */
static gboolean
gather_timers (const DomainDef *def, PlanFacts *facts, GError **error)
{
    static const char *const names[TIMER_LAST] = { "platform", "pit", "rtc", "hpet", "tsc", "kvmclock",
                                                   "hypervclock", "armvtimer" };

    for (guint i = 0; i < def->clock.timers->len; i++) {
        const ClockTimer *timer = def->clock.timers->pdata[i];
        gboolean rtc = timer->name == TIMER_RTC;
        g_autoptr (GError) missing = NULL;

        if (timer->present == YES_NO_NO)
            continue;
        if (!rtc && timer->name != TIMER_HPET) {
            if (def->clock.offset == CLOCK_LOCALTIME)
                return error_set (error, ERR_CONFIG_UNSUPPORTED, "unsupported timer type (name) '%s'",
                                  timer->name < TIMER_LAST ? names[timer->name] : "?");
            continue;
        }
        if (!device_of (rtc ? "/dev/rtc0" : "/dev/hpet", rtc ? &facts->rtc : &facts->hpet, &missing)
            && def->clock.offset == CLOCK_LOCALTIME) {
            g_propagate_error (error, g_steal_pointer (&missing));
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
gather_nets (const DomainDef *def, GError **error)
{
    for (guint i = 0; i < def->nets->len; i++) {
        const NetDef *net = def->nets->pdata[i];

        if (net->type == NET_NETWORK)
            return error_set_from (error, ORIGIN_NETWORK, ERR_NO_NETWORK,
                                   "no network with matching name '%s' (there are no virtual networks"
                                   " here: <interface type='bridge'> uses a bridge of the host)",
                                   net->source);
        if (net->filter)            /* never unfiltered where a filter is asked for */
            return error_set_from (error, ORIGIN_NWFILTER, ERR_NO_NWFILTER,
                                   "no nwfilter with matching name '%s' (there are no network filters"
                                   " here: only without <filterref> it runs, unfiltered)",
                                   net->filter);
        if (net->type == NET_BRIDGE && link_index (net->source) == 0)
            return error_set_errno (error, ENODEV, "Unable to use bridge '%s'", net->source);
        if (net->type == NET_BRIDGE && !link_is_bridge (net->source))
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "interface '%s' is not a bridge",
                              net->source);
        if (net->type == NET_DIRECT && link_index (net->source) == 0)
            return error_set_errno (error, ENODEV, "Unable to use interface '%s'", net->source);
    }
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];

        if (dev->type == HOSTDEV_NET && (!dev->interface || link_index (dev->interface) == 0))
            return error_set_errno (error, ENODEV, "Unable to use interface '%s'",
                                    dev->interface ? dev->interface : "");
        if (dev->type == HOSTDEV_NET && link_is_bridge (dev->interface))
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "interface '%s' is a bridge, which cannot leave its network namespace: <interface "
                              "type='bridge'> gives the container a port of it", dev->interface);
    }
    return TRUE;
}

static gboolean
gather_ids (const DomainDef *def, PlanFacts *facts, GError **error)
{
    if (!facts->idmap || (plan_map_id (def->uid_map, 0, &facts->root_uid)
                          && plan_map_id (def->gid_map, 0, &facts->root_gid)))
        return TRUE;
    return error_set (error, ERR_CONFIG_UNSUPPORTED, "the id maps must include the container's root (0)");
}

PlanFacts *
plan_facts_devices (const DomainDef *def, const char *helper, GError **error)
{
    const PlanQuestion question = { .def = def, .helper = helper };
    g_autoptr (PlanFacts) facts = plan_facts_new (def);

    if (!gather_ids (def, facts, error))
        return NULL;
    for (guint i = 0; i < def->filesystems->len; i++)
        if (!gather_fs (def->filesystems->pdata[i], -1, &g_array_index (facts->fs, PlanFs, i), error)
            || (facts->idmap && !gather_keeps_ids (&question, def->filesystems->pdata[i],
                                                   &g_array_index (facts->fs, PlanFs, i), error)))
            return NULL;
    if (!gather_devices (def, facts, error) || !gather_nets (def, error))
        return NULL;
    return g_steal_pointer (&facts);
}

PlanFacts *
plan_facts_gather (const PlanQuestion *question, GError **error)
{
    const DomainDef *def = question->def;
    g_autoptr (PlanFacts) facts = plan_facts_new (def);

    facts->arch32 = question->arch32;
    facts->cap_last = question->cap_last;
    if (!gather_ids (def, facts, error))
        return NULL;
    facts->securityfs = access ("/sys/kernel/security/lsm", F_OK) == 0;
    facts->selinuxfs = access ("/sys/fs/selinux/enforce", F_OK) == 0;
    if (!plan_facts_skep (def, facts, error) || !gather_filesystems (question, facts, error)
        || !gather_devices (def, facts, error)
        || !gather_timers (def, facts, error) || !gather_nets (def, error))
        return NULL;
    return g_steal_pointer (&facts);
}
