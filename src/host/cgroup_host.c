/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What hierarchies the host has mounted, and what serves which controller. */
#include "host/cgroup_private.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/error.h"
#include "util/file.h"

#define PROC_TEXT_MAX (4 * 1024 * 1024)     /* a host may have thousands of mounts */

CgroupHost cgroup_host;
gboolean cgroup_host_any_filesystem;
static CgroupView views[CGROUP_HIERARCHIES_MAX];
static guint n_views;

static const struct {
    const char *name;
    guint controllers;
} controller_names[] = {
    { "cpu", CGROUP_CPU }, { "cpuacct", CGROUP_CPUACCT }, { "cpuset", CGROUP_CPUSET },
    { "memory", CGROUP_MEMORY }, { "devices", CGROUP_DEVICES }, { "freezer", CGROUP_FREEZER },
    { "blkio", CGROUP_BLKIO }, { "pids", CGROUP_PIDS }, { "name=systemd", CGROUP_SYSTEMD },
    /* v2 names */
    { "io", CGROUP_BLKIO },
};

static guint
controllers_of_list (const char *list, const char *separators)
{
    g_auto (GStrv) names = g_strsplit_set (list, separators, -1);
    guint found = 0;

    for (guint i = 0; names[i]; i++)
        for (guint k = 0; k < G_N_ELEMENTS (controller_names); k++)
            if (g_str_equal (names[i], controller_names[k].name))
                found |= controller_names[k].controllers;
    return found;
}

/* "\040" and the like, as the kernel escapes blanks in mountinfo. */
static char *
unescape_mount (const char *text)
{
    return g_strcompress (text);
}

/* Whether the mount's super options name the whole list of a line of /proc/self/cgroup. */
static gboolean
options_have (const char *options, const char *list)
{
    g_auto (GStrv) have = g_strsplit (options, ",", -1);
    g_auto (GStrv) want = g_strsplit (list, ",", -1);

    for (guint i = 0; want[i]; i++)
        if (!g_strv_contains ((const gchar *const *) have, want[i]))
            return FALSE;
    return TRUE;
}

typedef struct {
    char *mount;
    gboolean v2;
    char *options;
} MountLine;

static void
mount_line_clear (MountLine *line)
{
    g_free (line->mount);
    g_free (line->options);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MountLine, mount_line_clear)

/* "36 35 98:0 / /mnt rw,noatime master:1 - cgroup cgroup rw,cpu"; FALSE when not a cgroup mount. */
static gboolean
parse_mount_line (const char *text, MountLine *ret)
{
    g_auto (GStrv) field = NULL;
    guint n, dash = 6;

    if (!strstr (text, " - cgroup"))
        return FALSE;
    field = g_strsplit (text, " ", -1);
    n = g_strv_length (field);
    while (dash < n && !g_str_equal (field[dash], "-"))
        dash++;
    if (dash + 3 >= n)
        return FALSE;
    ret->v2 = g_str_equal (field[dash + 1], "cgroup2");
    if (!ret->v2 && !g_str_equal (field[dash + 1], "cgroup"))
        return FALSE;
    ret->mount = unescape_mount (field[4]);
    ret->options = g_strdup (field[dash + 3]);
    return TRUE;
}

static void
fill_v2 (CgroupHierarchy *h)
{
    char text[CGROUP_TEXT_MAX];
    GString *enable = g_string_new (NULL);

    h->guest = TRUE;
    if (cgroup_read_try (h, "", "", "cgroup.controllers", text) == 0) {
        g_auto (GStrv) names = g_strsplit_set (g_strstrip (text), " ", -1);

        for (guint i = 0; names[i]; i++) {
            guint known = controllers_of_list (names[i], " ");

            if (known)
                g_string_append_printf (enable, "%s+%s", enable->len ? " " : "", names[i]);
            h->controllers |= known;
        }
    }
    g_free (cgroup_host.v2_enable);
    cgroup_host.v2_enable = g_string_free (enable, FALSE);
    /* cpu.stat is there without the controller; devices are a program, freezing a core feature */
    h->controllers |= CGROUP_CPUACCT | CGROUP_DEVICES | CGROUP_FREEZER;
}

/* A mount point that mountinfo lists may lie hidden below a later mount. */
static int
open_mount (const MountLine *line)
{
    int fd = open (line->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;

    if (fd < 0 || cgroup_host_any_filesystem)
        return fd;
    if (fstatfs (fd, &fs) == 0
        && fs.f_type == (line->v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC))
        return fd;
    close (fd);
    return -1;
}

static void
add_hierarchy (const MountLine *line, const char *name)
{
    CgroupHierarchy *h = &cgroup_host.hierarchies[cgroup_host.n];
    int fd;

    for (guint i = 0; i < cgroup_host.n; i++)   /* mounted in a second place */
        if (g_str_equal (cgroup_host.hierarchies[i].name, name))
            return;
    if (cgroup_host.n == CGROUP_HIERARCHIES_MAX)
        return;
    fd = open_mount (line);
    if (fd < 0)
        return;
    *h = (CgroupHierarchy) {
        .ops = line->v2 ? &cgroup_v2_ops : &cgroup_v1_ops,
        .mount = g_strdup (line->mount), .name = g_strdup (name), .v2 = line->v2, .fd = fd,
    };
    if (line->v2) {
        fill_v2 (h);
    } else {
        h->controllers = controllers_of_list (name, ",");
        h->guest = (h->controllers & CGROUP_SYSTEMD) != 0;
    }
    cgroup_host.n++;
}

/* Finds the mount of each line of /proc/self/cgroup: those are the hierarchies that exist. */
static void
match_mount (const MountLine *line, char *const *own)
{
    for (guint i = 0; own[i]; i++) {
        const char *name = strchr (own[i], ':');
        g_autofree char *list = NULL;

        if (!name)
            continue;
        name++;
        list = g_strndup (name, strcspn (name, ":"));
        if (line->v2 ? *list == '\0' : *list && options_have (line->options, list))
            add_hierarchy (line, list);
    }
}

static void
fill_views (void)
{
    n_views = 0;
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];
        const char *dir = strrchr (h->mount, '/') + 1;

        views[n_views++] = (CgroupView) {
            .dir = cgroup_host.layout == CGROUP_LAYOUT_V2 ? "" : dir,
            .options = h->name, .v2 = h->v2, .writable = h->v2 || (h->controllers & CGROUP_SYSTEMD),
            .link_names = strchr (h->name, ',') ? h->name : NULL,
        };
    }
}

static gboolean
choose_core (GError **error)
{
    gboolean v1 = FALSE, v2 = FALSE;

    cgroup_host.core = NULL;
    cgroup_host.controllers = 0;
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];

        cgroup_host.controllers |= h->controllers;
        if (h->v2)
            cgroup_host.core = h;
        else if (!cgroup_host.core && (h->controllers & CGROUP_FREEZER))
            cgroup_host.core = h;
        v1 |= !h->v2;
        v2 |= h->v2;
    }
    if (!cgroup_host.core)
        return error_set (error, ERR_INTERNAL, "Unable to find 'freezer' cgroups controller mount");
    cgroup_host.core->guest = TRUE;
    cgroup_host.layout = v1 && v2 ? CGROUP_LAYOUT_HYBRID : v2 ? CGROUP_LAYOUT_V2 : CGROUP_LAYOUT_V1;
    return TRUE;
}

void
cgroup_host_clear (void)
{
    for (guint i = 0; i < cgroup_host.n; i++) {
        g_free (cgroup_host.hierarchies[i].mount);
        g_free (cgroup_host.hierarchies[i].name);
        close (cgroup_host.hierarchies[i].fd);
    }
    g_free (cgroup_host.v2_enable);
    memset (&cgroup_host, 0, sizeof cgroup_host);
    n_views = 0;
}

gboolean
cgroup_host_parse (const char *mountinfo, const char *own, GError **error)
{
    g_auto (GStrv) lines = g_strsplit (mountinfo, "\n", -1);
    g_auto (GStrv) own_lines = g_strsplit (own, "\n", -1);

    cgroup_host_clear ();
    /* v2 last: where both are, errors name the v1 controller as libvirt's do */
    for (gboolean v2 = FALSE; v2 <= TRUE; v2++)
        for (guint i = 0; lines[i]; i++) {
            g_auto (MountLine) line = { 0 };

            if (parse_mount_line (lines[i], &line) && line.v2 == v2)
                match_mount (&line, own_lines);
        }
    if (!choose_core (error))
        return FALSE;
    fill_views ();
    return TRUE;
}

gboolean
cgroup_host_detect (GError **error)
{
    g_autofree char *mountinfo = NULL, *own = NULL;

    mountinfo = file_read ("/proc/self/mountinfo", PROC_TEXT_MAX, NULL, error);
    if (!mountinfo)
        return FALSE;
    own = file_read ("/proc/self/cgroup", PROC_TEXT_MAX, NULL, error);
    if (!own)
        return FALSE;
    return cgroup_host_parse (mountinfo, own, error);
}

CgroupLayout
cgroup_host_layout (void)
{
    return cgroup_host.layout;
}

guint
cgroup_host_controllers (void)
{
    return cgroup_host.controllers;
}

const CgroupView *
cgroup_host_views (guint *ret_n)
{
    *ret_n = n_views;
    return views;
}

CgroupHierarchy *
cgroup_hierarchy (CgroupControllers controller)
{
    /* v1 first: where a v1 hierarchy holds the controller (the device list), v2 is only a stand-in */
    for (guint i = 0; i < cgroup_host.n; i++)
        if (!cgroup_host.hierarchies[i].v2 && (cgroup_host.hierarchies[i].controllers & controller))
            return &cgroup_host.hierarchies[i];
    for (guint i = 0; i < cgroup_host.n; i++)
        if (cgroup_host.hierarchies[i].controllers & controller)
            return &cgroup_host.hierarchies[i];
    return NULL;
}
