/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mounts of a container, in order. What hides or write-protects parts of the host's kernel file
 * systems comes right after each of them and before the user's <filesystem>s, which may cover it:
 * that is the definition's own wish.
 */
#include <string.h>

#include "driver/planner.h"
#include "util/text.h"

#define KERNEL_FS (PLAN_MF_NOSUID | PLAN_MF_NODEV | PLAN_MF_NOEXEC)

/* Files and directories of /proc and /sys that tell about or act on the host, not the container.
 * What a kernel does not have is skipped. Attacks A07, A15, A17, A20 of the field notes. */
typedef struct {
    const char *path;
    plan_mount_kind kind;       /* BIND_GUEST: read-only on itself */
} Mask;

static const Mask proc_masks[] = {
    { "/proc/kcore", PLAN_MOUNT_MASK_FILE },
    { "/proc/kallsyms", PLAN_MOUNT_MASK_FILE },
    { "/proc/keys", PLAN_MOUNT_MASK_FILE },
    { "/proc/kmsg", PLAN_MOUNT_MASK_FILE },
    { "/proc/latency_stats", PLAN_MOUNT_MASK_FILE },
    { "/proc/sched_debug", PLAN_MOUNT_MASK_FILE },
    { "/proc/timer_list", PLAN_MOUNT_MASK_FILE },
    { "/proc/timer_stats", PLAN_MOUNT_MASK_FILE },
    { "/proc/interrupts", PLAN_MOUNT_MASK_FILE },
    { "/proc/acpi", PLAN_MOUNT_MASK_DIR },
    { "/proc/asound", PLAN_MOUNT_MASK_DIR },
    { "/proc/scsi", PLAN_MOUNT_MASK_DIR },
    { "/proc/bus", PLAN_MOUNT_BIND_GUEST },
    { "/proc/fs", PLAN_MOUNT_BIND_GUEST },
    { "/proc/irq", PLAN_MOUNT_BIND_GUEST },
    { "/proc/sysrq-trigger", PLAN_MOUNT_BIND_GUEST },
};

static const Mask sys_masks[] = {
    { "/sys/firmware", PLAN_MOUNT_MASK_DIR },
    { "/sys/devices/virtual/powercap", PLAN_MOUNT_MASK_DIR },
    { "/sys/kernel/slab", PLAN_MOUNT_MASK_DIR },
};

plan_mount *
planner_mount (Planner *p, plan_mount_kind kind, const char *source, const char *target, guint flags)
{
    plan_mount mount = {
        .kind = kind, .source = g_strdup (source ? source : ""), .target = g_strdup (target),
        .fstype = g_strdup (""), .options = g_strdup (""), .flags = flags, .fd = -1,
    };

    g_array_append_val (p->mounts, mount);
    return &g_array_index (p->mounts, plan_mount, p->mounts->len - 1);
}

static plan_mount *
mount_new_fs (Planner *p, const char *fstype, const char *target, const char *options, guint flags)
{
    plan_mount *mount = planner_mount (p, PLAN_MOUNT_NEW, fstype, target,
                                       flags | PLAN_MF_CREATE_DIR);

    g_free (mount->fstype);
    g_free (mount->options);
    mount->fstype = g_strdup (fstype);
    mount->options = g_strdup (options ? options : "");
    return mount;
}

char *
planner_owned_options (const Planner *p, const char *options)
{
    GString *text = g_string_new (options);

    if (p->facts->idmap)
        g_string_append_printf (text, ",uid=%u,gid=%u", p->facts->root_uid, p->facts->root_gid);
    if (p->context->label_options)
        g_string_append_printf (text, ",%s", p->context->label_options);
    return g_string_free (text, FALSE);
}

static void
mount_masks (Planner *p, const Mask *masks, guint n)
{
    for (guint i = 0; i < n; i++)
        planner_mount (p, masks[i].kind,
                       masks[i].kind == PLAN_MOUNT_BIND_GUEST ? masks[i].path : NULL, masks[i].path,
                       masks[i].kind == PLAN_MOUNT_BIND_GUEST
                           ? PLAN_MF_OPTIONAL | PLAN_MF_RDONLY | KERNEL_FS : PLAN_MF_OPTIONAL);
}

/* Without a root of its own a container gets the host's; never through the id map then, which would
 * give it the host's files as their owner. */
static void
mount_root (Planner *p)
{
    const char *source = "/", *fstype = "";
    gboolean readonly = FALSE, keeps_ids = FALSE;
    plan_mount *mount;

    for (guint i = 0; i < p->def->filesystems->len; i++) {
        const FsDef *fs = p->def->filesystems->pdata[i];
        const PlanFs *fact = &g_array_index (p->facts->fs, PlanFs, i);

        if (strcmp (fs->target, "/") != 0)
            continue;
        readonly = fs->readonly;
        keeps_ids = fact->keeps_ids || fact->guest_ids;
        source = fs->type == FS_MOUNT ? fs->source : fact->device;
        fstype = fs->type == FS_MOUNT ? "" : fact->fstype;
    }
    mount = planner_mount (p, PLAN_MOUNT_ROOT, source, "/",
                           PLAN_MF_RECURSIVE | (readonly ? PLAN_MF_RDONLY : 0));
    text_replace (&mount->fstype, fstype ? fstype : "");
    if (p->def->skep && p->def->skep->overlay_upper)
        planner_skep_overlay (p, mount);
    else if (p->facts->idmap && !keeps_ids && (*mount->fstype || strcmp (mount->source, "/") != 0))
        mount->idmap = PLAN_IDMAP_GUEST;
}

static void
mount_proc (Planner *p)
{
    mount_new_fs (p, "proc", "/proc", NULL, KERNEL_FS | PLAN_MF_IN_GUEST_NS);
    planner_mount (p, PLAN_MOUNT_BIND_GUEST, "/proc/sys", "/proc/sys", PLAN_MF_RDONLY | KERNEL_FS);
    /* the container's own network parameters, on top of the read-only rest: so after it */
    if (p->own_net)
        planner_mount (p, PLAN_MOUNT_BIND_GUEST, "/proc/sys/net", "/proc/sys/net",
                       KERNEL_FS | PLAN_MF_OPTIONAL);
    mount_masks (p, proc_masks, G_N_ELEMENTS (proc_masks));
    planner_mount (p, PLAN_MOUNT_MEMINFO, NULL, "/proc/meminfo", PLAN_MF_RDONLY | KERNEL_FS);
}

static void
mount_sys (Planner *p)
{
    mount_new_fs (p, "sysfs", "/sys", NULL, PLAN_MF_RDONLY | KERNEL_FS | PLAN_MF_IN_GUEST_NS);
    mount_masks (p, sys_masks, G_N_ELEMENTS (sys_masks));
    if (p->facts->securityfs && !p->facts->idmap)
        mount_new_fs (p, "securityfs", "/sys/kernel/security", NULL,
                      PLAN_MF_RDONLY | KERNEL_FS | PLAN_MF_OPTIONAL);
    if (p->facts->selinuxfs && !p->facts->idmap)
        mount_new_fs (p, "selinuxfs", "/sys/fs/selinux", NULL,
                      PLAN_MF_RDONLY | KERNEL_FS | PLAN_MF_OPTIONAL);
}

/* The container's own groups only: mounted inside its cgroup namespace. */
static void
mount_cgroup_view (Planner *p, const CgroupView *view, const char *target)
{
    guint flags = KERNEL_FS | PLAN_MF_IN_GUEST_NS | (view->writable ? 0 : PLAN_MF_RDONLY);

    mount_new_fs (p, view->v2 ? "cgroup2" : "cgroup", target, view->options, flags);
}

static void
link_names (Planner *p, const CgroupView *view)
{
    g_auto (GStrv) names = g_strsplit (view->link_names, ",", -1);

    for (guint i = 0; names[i]; i++) {
        g_autofree char *path = g_strconcat ("/sys/fs/cgroup/", names[i], NULL);

        if (strcmp (names[i], view->dir) != 0)
            planner_mount (p, PLAN_MOUNT_SYMLINK, view->dir, path, 0);
    }
}

static void
mount_cgroups (Planner *p)
{
    const CgroupView *views = p->context->views;
    guint n = p->context->n_views;
    g_autofree char *options = planner_owned_options (p, "mode=755,size=65536");

    if (n == 1 && views[0].dir[0] == '\0') {
        mount_cgroup_view (p, &views[0], "/sys/fs/cgroup");
        return;
    }
    if (n == 0)
        return;
    mount_new_fs (p, "tmpfs", "/sys/fs/cgroup", options, KERNEL_FS);
    for (guint i = 0; i < n; i++) {
        g_autofree char *target = g_strconcat ("/sys/fs/cgroup/", views[i].dir, NULL);

        mount_cgroup_view (p, &views[i], target);
        if (views[i].link_names)
            link_names (p, &views[i]);
    }
    /* after the last directory was made in it */
    planner_mount (p, PLAN_MOUNT_REMOUNT, NULL, "/sys/fs/cgroup", PLAN_MF_RDONLY | KERNEL_FS);
}

static void
mount_dev (Planner *p)
{
    g_autofree char *dev = planner_owned_options (p, "mode=755,size=65536");
    g_autofree char *shm = planner_owned_options (p, "mode=1777");
    g_autoptr (GString) pts = g_string_new ("newinstance,ptmxmode=0666,mode=0620,max=1024");
    guint tty_gid;
    plan_mount *mount;

    mount = planner_mount (p, PLAN_MOUNT_DEV, "devfs", "/dev", PLAN_MF_NOSUID | PLAN_MF_CREATE_DIR);
    g_free (mount->options);
    mount->options = g_steal_pointer (&dev);
    /* gid 5 is "tty" in every distribution; a container whose map lacks it keeps root's group */
    if (!p->facts->idmap || plan_map_id (p->def->gid_map, 5, &tty_gid))
        g_string_append_printf (pts, ",gid=%u", p->facts->idmap ? tty_gid : 5);
    else
        g_string_append_printf (pts, ",gid=%u", p->facts->root_gid);
    if (p->context->label_options)
        g_string_append_printf (pts, ",%s", p->context->label_options);
    mount = planner_mount (p, PLAN_MOUNT_DEVPTS, "devpts", "/dev/pts",
                           PLAN_MF_NOSUID | PLAN_MF_NOEXEC | PLAN_MF_CREATE_DIR);
    text_replace (&mount->options, pts->str);
    mount_new_fs (p, "tmpfs", "/dev/shm", shm, PLAN_MF_NOSUID | PLAN_MF_NODEV);
    mount_new_fs (p, "mqueue", "/dev/mqueue", NULL, KERNEL_FS | PLAN_MF_IN_GUEST_NS);
    for (guint i = 0; i < p->def->consoles->len; i++) {
        g_autofree char *tty = g_strdup_printf ("/dev/tty%u", i + 1);

        planner_mount (p, PLAN_MOUNT_CONSOLE, NULL, tty, PLAN_MF_CREATE_FILE)->index = i;
    }
    planner_mount (p, PLAN_MOUNT_CONSOLE, NULL, "/dev/console", PLAN_MF_CREATE_FILE);
}

/* ---- <filesystem> */

static gboolean
below (const char *path, const char *directory)
{
    gsize length = strlen (directory);

    return strncmp (path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static gboolean
is_kernels (const char *source)
{
    return below (source, "/dev") || below (source, "/proc") || below (source, "/sys");
}

gboolean
plan_wants_idmap (const char *source)
{
    return strcmp (source, "/") != 0 && !is_kernels (source);
}

/* The kernel's own file systems mostly have no id-mapped mounts, others may have none (start_ids.c). */
plan_idmap_mode
planner_idmap_mode (const Planner *p, const char *source, gboolean keeps_ids)
{
    if (!p->facts->idmap || strcmp (source, "/") == 0 || keeps_ids)
        return PLAN_IDMAP_NONE;
    return is_kernels (source) ? PLAN_IDMAP_TRY : PLAN_IDMAP_GUEST;
}

static void
mount_ram (Planner *p, const FsDef *fs, guint flags)
{
    g_autofree char *base = g_strdup_printf ("mode=1777,size=%" G_GUINT64_FORMAT, fs->usage);
    g_autofree char *options = planner_owned_options (p, base);

    mount_new_fs (p, "tmpfs", fs->target, options, flags | PLAN_MF_NOSUID | PLAN_MF_NODEV);
}

void
planner_filesystem (Planner *p, guint index)
{
    const FsDef *fs = p->def->filesystems->pdata[index];
    const PlanFs *fact = &g_array_index (p->facts->fs, PlanFs, index);
    guint flags = (fs->readonly ? PLAN_MF_RDONLY : 0) | (p->facts->idmap ? PLAN_MF_DETACHABLE : 0);
    guint create = fact->directory ? PLAN_MF_CREATE_DIR : PLAN_MF_CREATE_FILE;
    plan_mount *mount;

    switch (fs->type) {
    case FS_MOUNT:
        mount = planner_mount (p, PLAN_MOUNT_BIND_HOST, fs->source, fs->target, flags | create);
        mount->idmap = planner_idmap_mode (p, fs->source, fact->keeps_ids || fact->guest_ids);
        break;
    case FS_BIND:
        planner_mount (p, PLAN_MOUNT_BIND_GUEST, fs->source, fs->target, flags | create);
        break;
    case FS_BLOCK:
    case FS_FILE:
        mount = planner_mount (p, PLAN_MOUNT_BLOCK, fact->device, fs->target,
                               flags | PLAN_MF_CREATE_DIR);
        text_replace (&mount->fstype, fact->fstype ? fact->fstype : "");
        mount->idmap = p->facts->idmap ? PLAN_IDMAP_GUEST : PLAN_IDMAP_NONE;
        break;
    case FS_RAM:
        mount_ram (p, fs, flags);
        break;
    default:
        break;      /* plan_check_def() refused it */
    }
}

void
planner_mounts (Planner *p)
{
    mount_root (p);
    mount_proc (p);
    mount_sys (p);
    mount_cgroups (p);
    mount_dev (p);
    for (guint i = 0; i < p->def->filesystems->len; i++) {
        const FsDef *fs = p->def->filesystems->pdata[i];

        if (strcmp (fs->target, "/") != 0)
            planner_filesystem (p, i);
    }
    planner_skep_mounts (p);
}
