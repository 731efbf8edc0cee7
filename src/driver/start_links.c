/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices and network links of a container that the host has to make: loop devices, veth pairs,
 * macvlans. Made on a pool thread. The name of a host end is chosen and saved before it is made, so
 * that a daemon that dies in between leaves nothing its successor does not know of.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "conf/mac.h"
#include "driver/daemon.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "host/block.h"
#include "host/link.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

#define NOTE_LINKS "links"      /* names of host ends, blank separated */

/* ---- links */

gboolean
links_needed (Instance *instance)
{
    const DomainDef *def = instance->domain->def;

    if (def->nets->len > 0)
        return TRUE;
    for (guint i = 0; i < def->hostdevs->len; i++)
        if (((const HostdevDef *) def->hostdevs->pdata[i])->type == HOSTDEV_NET)
            return TRUE;
    return FALSE;
}

typedef struct {
    DomainDef *def;
    char **names;               /* of host ends, "" where there is none; as def->nets */
} LinkWork;

static void
link_work_free (gpointer data)
{
    LinkWork *work = data;

    domain_def_free (work->def);
    g_strfreev (work->names);
    g_free (work);
}

static gboolean
configure_host_end (const NetDef *net, const char *name, GError **error)
{
    for (guint i = 0; i < net->host_ips->len; i++) {
        const NetIp *ip = net->host_ips->pdata[i];
        guint prefix = ip->prefix >= 0 ? (guint) ip->prefix : strchr (ip->address, ':') ? 64 : 24;

        if (!link_add_address (name, ip->address, prefix, ip->peer, error))
            return FALSE;
    }
    for (guint i = 0; i < net->host_routes->len; i++) {
        const NetRoute *route = net->host_routes->pdata[i];

        if (!link_add_route (name, route->address, route->prefix >= 0 ? (guint) route->prefix : 0,
                             route->gateway, route->metric, error))
            return FALSE;
    }
    return TRUE;
}

static void
delete_link (const char *name)
{
    g_autoptr (GError) why = NULL;

    if (*name && !link_delete (name, &why))
        log_warning ("cannot delete '%s': %s", name, why->message);
}

static gboolean
make_link (const NetDef *net, const char *name, LinkPair *ret, GError **error)
{
    guint8 mac[6];
    gboolean has_mac = net->mac && mac_parse (net->mac, mac);
    LinkVeth args = {
        .name = name, .mac = has_mac ? mac : NULL, .mtu = net->mtu,
        .bridge = net->type == NET_BRIDGE ? net->source : NULL, .isolated = net->isolated == YES_NO_YES,
        .down = net->linkstate == LINK_DOWN,
    };

    if (net->type == NET_DIRECT)
        return link_add_macvlan (net->source, (LinkMacvlanMode) net->mode, has_mac ? mac : NULL,
                                 net->mtu, ret, error);
    if (!link_add_veth (&args, ret, error))
        return FALSE;
    if (configure_host_end (net, ret->host, error))
        return TRUE;
    delete_link (ret->host);
    return FALSE;
}

/* Only what was made here: a chosen name may be another program's by now. Of @pairs those behind
 * the <interface>s are devices of the host. */
static void
delete_made (const DomainDef *def, const GArray *pairs)
{
    for (guint i = 0; i < pairs->len && i < def->nets->len; i++) {
        const LinkPair *pair = &g_array_index (pairs, LinkPair, i);

        delete_link (pair->host[0] ? pair->host : pair->guest);
    }
}

/* GArray of LinkPair, one a <interface>, then one a <hostdev type='net'>. A failure leaves nothing. */
static gpointer
links_make (gpointer data, GError **error)
{
    const LinkWork *work = data;
    const DomainDef *def = work->def;
    g_autoptr (GArray) pairs = g_array_new (FALSE, TRUE, sizeof (LinkPair));

    for (guint i = 0; i < def->nets->len; i++) {
        LinkPair pair = { 0 };

        if (!make_link (def->nets->pdata[i], work->names[i], &pair, error)) {
            delete_made (def, pairs);
            return NULL;
        }
        g_array_append_val (pairs, pair);
    }
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];
        LinkPair pair = { 0 };

        if (dev->type != HOSTDEV_NET)
            continue;
        g_strlcpy (pair.guest, dev->interface, sizeof pair.guest);
        pair.guest_index = link_index (dev->interface);
        if (pair.guest_index == 0) {
            error_set_errno (error, ENODEV, "Unable to use interface '%s'", dev->interface);
            delete_made (def, pairs);
            return NULL;
        }
        g_array_append_val (pairs, pair);
    }
    return g_steal_pointer (&pairs);
}

static void
fact_add (PlanFacts *facts, const LinkPair *pair, const char *guest_name, const NetDef *net,
          const HostdevDef *hostdev)
{
    PlanLink *link = g_new0 (PlanLink, 1);

    link->host_name = g_strdup (pair->guest);
    link->ifindex = (guint) pair->guest_index;
    link->guest_name = g_strdup (guest_name);
    link->net = net;
    link->hostdev = hostdev;
    g_ptr_array_add (facts->links, link);
}

static void
set_string (char **text, const char *value)
{
    char *copy = g_strdup (value);

    g_free (*text);
    *text = copy;
}

/* ethN counts only the interfaces that have no name of their own. */
static void
take_links (Instance *instance, const GArray *pairs)
{
    DomainDef *def = instance->domain->def;
    guint unnamed = 0, at = 0;

    for (guint i = 0; i < def->nets->len; i++) {
        NetDef *net = def->nets->pdata[i];
        const LinkPair *pair = &g_array_index (pairs, LinkPair, at++);

        if (!net->guest_ifname)
            net->guest_ifname = g_strdup_printf ("eth%u", unnamed++);
        if (pair->host[0])
            set_string (&net->ifname, pair->host);
        set_string (&net->guest_actual, pair->guest);
        fact_add (instance->facts, pair, net->guest_ifname, net, NULL);
    }
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];

        if (dev->type == HOSTDEV_NET)
            fact_add (instance->facts, &g_array_index (pairs, LinkPair, at++), dev->interface, NULL,
                      dev);
    }
}

/* Their names are known only now, and they are the host's until the controller has moved them. */
static gboolean
note_macvlans (Instance *instance, const GArray *pairs, GError **error)
{
    const DomainDef *def = instance->domain->def;
    g_autoptr (GString) names = g_string_new (NULL);

    for (guint i = 0; i < def->nets->len; i++)
        if (((const NetDef *) def->nets->pdata[i])->type == NET_DIRECT)
            g_string_append_printf (names, "%s%s", names->len ? " " : "",
                                    g_array_index (pairs, LinkPair, i).guest);
    if (names->len == 0)
        return TRUE;
    instance_set_note (instance, NOTE_MACVLANS, names->str);
    return store_save_status (instance->domain, error);
}

static void
links_made (gpointer result, GError *error, gpointer data)
{
    g_autoptr (GArray) pairs = result;
    Instance *instance = instance_redeem (data);
    GError *why = NULL;

    if (!instance)
        return;
    if (!pairs) {
        /* nothing is left of ours: what has one of the names is another's */
        instance_set_note (instance, NOTE_LINKS, NULL);
        store_save_status (instance->domain, NULL);
        instance_fail (instance, g_error_copy (error));
        return;
    }
    take_links (instance, pairs);
    if (!note_macvlans (instance, pairs, &why)) {
        instance_fail (instance, why);
        return;
    }
    instance_resume (instance);
}

/* Names that are free now. Other starts of this daemon cannot choose between: they choose here too,
 * and *@next does not go back. */
static char **
choose_names (const DomainDef *def)
{
    static guint next;
    char **names = g_new0 (char *, def->nets->len + 1);

    for (guint i = 0; i < def->nets->len; i++) {
        const NetDef *net = def->nets->pdata[i];

        if (net->type == NET_DIRECT) {
            names[i] = g_strdup ("");
        } else if (net->ifname && !g_str_has_prefix (net->ifname, "vnet")) {
            names[i] = g_strdup (net->ifname);
        } else {
            do {
                g_free (names[i]);
                names[i] = g_strdup_printf ("vnet%u", next++ % 1000000);
            } while (link_index (names[i]) != 0);
        }
    }
    return names;
}

StepResult
step_links (Instance *instance, GError **error)
{
    LinkWork *work = g_new0 (LinkWork, 1);
    g_autofree char *note = NULL;

    work->def = domain_def_copy (instance->domain->def);
    work->names = choose_names (work->def);
    note = g_strjoinv (" ", work->names);
    for (guint i = 0; work->names[i]; i++) {
        /* not ours to delete later */
        if (*work->names[i] && link_index (work->names[i]) != 0) {
            error_set_errno (error, EEXIST, "Cannot add interface '%s'", work->names[i]);
            link_work_free (work);
            return STEP_FAILED;
        }
    }
    instance_set_note (instance, NOTE_LINKS, note);
    if (!store_save_status (instance->domain, error)) {
        link_work_free (work);
        return STEP_FAILED;
    }
    task_run (links_make, work, link_work_free, links_made, instance_ticket (instance));
    return STEP_WAIT;
}

static gpointer
links_delete (gpointer data, GError **error)
{
    g_auto (GStrv) names = g_strsplit (data, " ", -1);

    (void) error;
    for (guint i = 0; names[i]; i++)
        delete_link (names[i]);
    return NULL;
}

static void
links_deleted (gpointer result, GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    (void) result;
    (void) error;
    if (instance)
        instance_resume (instance);
}

StepResult
undo_links (Instance *instance)
{
    const char *hosts = instance_note (instance, NOTE_LINKS);
    const char *macvlans = instance_note (instance, NOTE_MACVLANS);
    char *names;

    if (instance_end_processes (instance) == STEP_WAIT)
        return STEP_WAIT;
    if (!hosts && !macvlans)
        return STEP_DONE;
    names = g_strjoin (" ", hosts ? hosts : "", macvlans ? macvlans : "", NULL);
    task_run (links_delete, names, g_free, links_deleted, instance_ticket (instance));
    instance_set_note (instance, NOTE_LINKS, NULL);     /* once */
    instance_set_note (instance, NOTE_MACVLANS, NULL);
    return STEP_WAIT;
}

/* ---- files as block devices */

gboolean
devices_needed (Instance *instance)
{
    const DomainDef *def = instance->domain->def;

    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (fs->type == FS_FILE || fs->type == FS_BLOCK)
            return TRUE;
    }
    for (guint i = 0; i < def->disks->len; i++)
        if (((const DiskDef *) def->disks->pdata[i])->type == DISK_FILE)
            return TRUE;
    return FALSE;
}

/* What was found out or attached; the loops' descriptors keep them until the container has them. */
typedef struct {
    GArray *fs;                 /* of PlanFs, as def->filesystems */
    GArray *disks;              /* of PlanDevice, as def->disks */
    GArray *loops;              /* of int */
} DeviceResult;

static void
close_fd (gpointer data)
{
    fd_close (data);
}

static void
fs_clear (gpointer data)
{
    PlanFs *fs = data;

    g_free (fs->device);
    g_free (fs->fstype);
}

static void
device_result_free (DeviceResult *result)
{
    g_array_unref (result->fs);
    g_array_unref (result->disks);
    g_array_unref (result->loops);
    g_free (result);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeviceResult, device_result_free)

static DeviceResult *
device_result_new (const DomainDef *def)
{
    DeviceResult *result = g_new0 (DeviceResult, 1);

    result->fs = g_array_new (FALSE, TRUE, sizeof (PlanFs));
    g_array_set_clear_func (result->fs, fs_clear);
    g_array_set_size (result->fs, def->filesystems->len);
    result->disks = g_array_new (FALSE, TRUE, sizeof (PlanDevice));
    g_array_set_size (result->disks, def->disks->len);
    result->loops = g_array_new (FALSE, TRUE, sizeof (int));
    g_array_set_clear_func (result->loops, close_fd);
    return result;
}

static gboolean
attach (DeviceResult *result, const char *file, gboolean readonly, char **ret_path, PlanDevice *ret,
        GError **error)
{
    struct stat st;
    int fd;

    if (!block_loop_attach (file, readonly, ret_path, &fd, error))
        return FALSE;
    g_array_append_val (result->loops, fd);
    if (fstat (fd, &st) < 0)
        return error_set_errno (error, errno, "cannot stat '%s'", *ret_path);
    *ret = (PlanDevice) { .set = TRUE, .block = TRUE, .major = major (st.st_rdev),
                          .minor = minor (st.st_rdev) };
    return TRUE;
}

static gboolean
device_of_fs (DeviceResult *result, const FsDef *fs, PlanFs *ret, GError **error)
{
    if (fs->type == FS_FILE) {
        if (fs->driver == FS_DRIVER_NBD || (fs->format != FORMAT_NONE && fs->format != FORMAT_RAW))
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "filesystem '%s': only raw files through loop devices are supported",
                              fs->source);
        if (!attach (result, fs->source, fs->readonly, &ret->device, &ret->numbers, error))
            return FALSE;
    } else if (fs->type == FS_BLOCK) {
        ret->device = g_strdup (fs->source);
    } else {
        return TRUE;
    }
    ret->fstype = block_filesystem (ret->device, error);
    return ret->fstype != NULL;
}

static gpointer
devices_attach (gpointer data, GError **error)
{
    const DomainDef *def = data;
    g_autoptr (DeviceResult) result = device_result_new (def);

    for (guint i = 0; i < def->filesystems->len; i++)
        if (!device_of_fs (result, def->filesystems->pdata[i], &g_array_index (result->fs, PlanFs, i),
                           error))
            return NULL;
    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = def->disks->pdata[i];
        g_autofree char *path = NULL;

        if (disk->type != DISK_FILE)
            continue;
        if ((disk->driver_name && strcmp (disk->driver_name, "nbd") == 0)
            || (disk->format != FORMAT_NONE && disk->format != FORMAT_RAW)) {
            error_set (error, ERR_CONFIG_UNSUPPORTED,
                       "disk '%s': only raw files through loop devices are supported", disk->target);
            return NULL;
        }
        if (!attach (result, disk->source, disk->readonly, &path,
                     &g_array_index (result->disks, PlanDevice, i), error))
            return NULL;
    }
    return g_steal_pointer (&result);
}

static void
devices_attached (gpointer data_result, GError *error, gpointer data)
{
    g_autoptr (DeviceResult) result = data_result;
    Instance *instance = instance_redeem (data);

    if (!instance)
        return;
    if (!result) {
        instance_fail (instance, g_error_copy (error));
        return;
    }
    for (guint i = 0; i < result->fs->len; i++) {
        PlanFs *found = &g_array_index (result->fs, PlanFs, i);
        PlanFs *fact = &g_array_index (instance->facts->fs, PlanFs, i);

        if (!found->device)
            continue;
        g_free (fact->device);
        g_free (fact->fstype);
        fact->device = g_steal_pointer (&found->device);
        fact->fstype = g_steal_pointer (&found->fstype);
        if (found->numbers.set)
            fact->numbers = found->numbers;
    }
    for (guint i = 0; i < result->disks->len; i++)
        if (g_array_index (result->disks, PlanDevice, i).set)
            g_array_index (instance->facts->disks, PlanDevice, i) =
                g_array_index (result->disks, PlanDevice, i);
    instance->loops = g_array_ref (result->loops);
    instance_resume (instance);
}

StepResult
step_devices (Instance *instance, GError **error)
{
    (void) error;
    task_run (devices_attach, domain_def_copy (instance->domain->def), (GDestroyNotify) domain_def_free,
              devices_attached, instance_ticket (instance));
    return STEP_WAIT;
}

/* Loops end by themselves with their last user, also when this daemon dies. */
StepResult
undo_devices (Instance *instance)
{
    g_clear_pointer (&instance->loops, g_array_unref);
    return STEP_DONE;
}
