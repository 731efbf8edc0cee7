/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model: base groups with their sub-groups in all hierarchies, and who answers for a limit. */
#include "host/cgroup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"

#define REMOVE_BUDGET 100       /* nested groups in one call: some 25 ms */
/* Of all groups a guest makes below its own (attack: fill kernel memory with groups). A guest with
 * systemd uses some 100, one with a container engine inside some 1000. */
#define GUEST_DESCENDANTS_MAX "10000"
#define GUEST_DEPTH_MAX "32"

/* ---- names */

/* libvirt's rule: what could be taken for a controller's file gets a leading "_". */
static gboolean
needs_escape (const char *component)
{
    static char *controllers;       /* /proc/cgroups, read once; "" when unreadable */
    gsize length = strcspn (component, ".");
    g_autofree char *line = NULL;

    if (*component == '_' || *component == '.' || g_str_has_prefix (component, "cgroup."))
        return TRUE;
    if (component[length] == '\0')
        return FALSE;
    if (!controllers) {
        g_autofree char *text = file_read ("/proc/cgroups", 65536, NULL, NULL);

        controllers = g_strconcat ("\n", text ? text : "", NULL);
    }
    line = g_strdup_printf ("\n%.*s\t", (int) length, component);
    return strstr (controllers, line) != NULL;
}

char *
cgroup_partition_path (const char *partition)
{
    g_auto (GStrv) components = g_strsplit (partition, "/", -1);
    GString *path = g_string_new (NULL);

    for (guint i = 0, depth = 0; components[i]; i++) {
        const char *name = components[i];

        if (*name == '\0')
            continue;
        depth++;
        g_string_append_c (path, '/');
        if (depth == 1 && (g_str_equal (name, "machine") || g_str_equal (name, "system")
                           || g_str_equal (name, "user"))) {
            g_string_append (path, name);
            continue;
        }
        if (needs_escape (name))
            g_string_append_c (path, '_');
        g_string_append (path, name);
        if (!strchr (name, '.'))
            g_string_append (path, ".partition");
    }
    return g_string_free (path, FALSE);
}

static gboolean
path_is_clean (const char *path)
{
    g_auto (GStrv) components = g_strsplit (path, "/", -1);

    for (guint i = 0; components[i]; i++)
        if (g_str_equal (components[i], "..") || g_str_equal (components[i], ".")
            || strchr (components[i], '\n'))
            return FALSE;
    return TRUE;
}

/* A group of @parent/@name with nothing made yet. */
static Cgroup *
cgroup_new (const char *parent, const char *name, GError **error)
{
    gboolean scope = g_str_has_suffix (parent, ".scope");
    g_autofree char *path = scope ? g_strdup (parent) : cgroup_partition_path (parent);
    g_autofree char *base = g_strconcat (path + strspn (path, "/"), "/", name, NULL);
    Cgroup *c;

    if (*name == '\0' || strchr (name, '/') || !path_is_clean (base)
        || strlen (base) > CGROUP_PATH_MAX - 512) {
        error_set (error, ERR_INVALID_ARG, "invalid cgroup name '%s'", name);
        return NULL;
    }
    c = g_malloc0 (sizeof *c + strlen (base) + 1);
    c->kept = cgroup_kept_new ();
    c->scope = scope;
    strcpy (c->base, base[0] == '/' ? base + 1 : base);
    return c;
}

/* ---- making */

/* v1: a group without cpus and memory nodes takes no process. */
static int
inherit_cpuset (const CgroupHierarchy *h, const char *group)
{
    static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
    g_autofree char *parent = g_path_get_dirname (group);
    char text[CGROUP_TEXT_MAX];

    if (g_str_equal (parent, "."))
        *parent = '\0';
    for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
        int r = cgroup_read_try (h, parent, "", files[i], text);

        if (r == 0)
            r = cgroup_write_try (h, group, "", files[i], g_strchomp (text));
        if (r < 0)
            return r;
    }
    return 0;
}

static int
make_group (const CgroupHierarchy *h, const char *group)
{
    if (mkdirat (h->fd, group, 0755) < 0)
        return -errno;
    if ((h->controllers & CGROUP_CPUSET) && !h->v2) {
        int r = inherit_cpuset (h, group);

        if (r < 0)
            unlinkat (h->fd, group, AT_REMOVEDIR);
        return r;
    }
    return 0;
}

/* Makes the missing parents of @group. */
static int
make_parents (const CgroupHierarchy *h, const char *group)
{
    g_autofree char *path = g_strdup (group);

    for (char *slash = strchr (path, '/'); slash; slash = strchr (slash + 1, '/')) {
        int r;

        *slash = '\0';
        r = make_group (h, path);
        *slash = '/';
        if (r < 0 && r != -EEXIST)
            return r;
    }
    return 0;
}

/* Allows the controllers in the children of @group. One by one when all at once is refused, since a
 * scope may have been given only some. */
static int
enable_in (const CgroupHierarchy *h, const char *group)
{
    int r = cgroup_write_try (h, group, "", "cgroup.subtree_control", cgroup_host.v2_enable);
    g_auto (GStrv) each = NULL;

    if (r != -ENOENT && r != -EINVAL)
        return r;
    each = g_strsplit (cgroup_host.v2_enable, " ", -1);
    for (guint i = 0; each[i]; i++) {
        r = cgroup_write_try (h, group, "", "cgroup.subtree_control", each[i]);
        if (r < 0 && r != -ENOENT)
            return r;
    }
    return 0;
}

/* Above BASE: below a scope only the scope's own group is ours to change, else the whole partition. */
static int
enable_parents (const CgroupHierarchy *h, const Cgroup *c)
{
    g_autofree char *path = g_strdup (c->base);
    char *last = strrchr (path, '/');
    int r;

    *last = '\0';
    if (c->scope)
        return enable_in (h, path);
    r = enable_in (h, "");
    for (char *slash = strchr (path, '/'); slash && r == 0; slash = strchr (slash + 1, '/')) {
        *slash = '\0';
        r = enable_in (h, path);
        *slash = '/';
    }
    return r < 0 ? r : enable_in (h, path);
}

/* Gives BASE and its sub-groups the controllers. */
static int
enable_controllers (const CgroupHierarchy *h, const Cgroup *c)
{
    int r;

    /* the common case is a partition that has all of them since the first start */
    r = cgroup_write_try (h, c->base, "", "cgroup.subtree_control", cgroup_host.v2_enable);
    if (r != -ENOENT && r != -EINVAL)
        return r;
    r = enable_parents (h, c);
    return r < 0 ? r : enable_in (h, c->base);
}

/* A v2 mount without controllers is used for the guest alone: for clone3(), freezing and killing. */
static gboolean
has_controller_group (const CgroupHierarchy *h)
{
    return h->v2 && *cgroup_host.v2_enable;
}

static int
make_subgroup (const CgroupHierarchy *h, const Cgroup *c, const char *sub)
{
    char path[CGROUP_PATH_MAX];

    g_snprintf (path, sizeof path, "%s%s", c->base, sub);
    return make_group (h, path);
}

static int
make_v2_parts (const CgroupHierarchy *h, Cgroup *c)
{
    int r = 0;

    if (has_controller_group (h)) {
        r = make_subgroup (h, c, "/controller");
        if (r < 0)
            return r;
        r = enable_controllers (h, c);
    }
    if (r == -EBUSY && c->scope)
        c->enable_pending = TRUE;   /* the controller still sits in the scope itself */
    else if (r < 0)
        return r;
    /* limits of the tree stand on BASE, which the guest cannot write; old kernels lack them */
    cgroup_write_try (h, c->base, "", "cgroup.max.descendants", GUEST_DESCENDANTS_MAX);
    cgroup_write_try (h, c->base, "", "cgroup.max.depth", GUEST_DEPTH_MAX);
    return 0;
}

static int
remove_base (const CgroupHierarchy *h, const Cgroup *c, guint *budget)
{
    static const char *const subs[] = { "/guest", "/controller", "" };
    char path[CGROUP_PATH_MAX];
    int r = 0;

    for (guint i = 0; i < G_N_ELEMENTS (subs); i++) {
        if (i < 2 && !(i == 0 ? h->guest : has_controller_group (h)))
            continue;
        g_snprintf (path, sizeof path, "%s%s", c->base, subs[i]);
        if (unlinkat (h->fd, path, AT_REMOVEDIR) == 0 || errno == ENOENT)
            continue;
        if (errno != EBUSY && errno != ENOTEMPTY)
            return -errno;
        r = cgroup_tree_walk (h, path, NULL, NULL, TRUE, budget);
        if (r < 0)
            return r;
    }
    /* Where systemd does not manage this hierarchy the scope's group was ours. Where it does, it may have
     * wanted to remove it, when the controller died, and could not because of ours in it. */
    if (c->scope) {
        g_snprintf (path, sizeof path, "%.*s", (int) (strrchr (c->base, '/') - c->base), c->base);
        unlinkat (h->fd, path, AT_REMOVEDIR);
    }
    return r;
}

/* Sets the hierarchy's bit as soon as the group exists, so that undoing finds a half-made one; one
 * that was there before and is in use is not ours. */
static int
make_base (guint index, Cgroup *c, gboolean make_parent)
{
    const CgroupHierarchy *h = &cgroup_host.hierarchies[index];
    guint budget = REMOVE_BUDGET;
    int r = make_group (h, c->base);

    /* a scope that systemd has removed already shall not come back: its last process has died */
    if (c->scope && (h->v2 || (h->controllers & CGROUP_SYSTEMD)))
        make_parent = FALSE;

    if (r == -ENOENT && make_parent) {
        r = make_parents (h, c->base);
        if (r == 0)
            r = make_group (h, c->base);
    } else if (r == -EEXIST) {      /* left by a killed daemon; one in use refuses to go */
        r = remove_base (h, c, &budget);
        if (r == 0)
            r = make_group (h, c->base);
    }
    if (r < 0)
        return r;
    c->hierarchies |= 1u << index;
    if (h->v2)
        r = make_v2_parts (h, c);
    if (r == 0 && h->guest)
        r = make_subgroup (h, c, "/guest");
    return r;
}

static void
undo_create (Cgroup *c)
{
    guint budget = REMOVE_BUDGET;

    for (guint i = 0; i < cgroup_host.n; i++)
        if (cgroup_has (c, &cgroup_host.hierarchies[i]))
            remove_base (&cgroup_host.hierarchies[i], c, &budget);
}

Cgroup *
cgroup_create (const char *parent, const char *name, gboolean make_parent, GError **error)
{
    g_autoptr (Cgroup) c = cgroup_new (parent, name, error);

    if (!c)
        return NULL;
    make_parent |= c->scope || g_str_has_prefix (c->base, "machine/");
    if (g_str_has_prefix (c->base, "machine/") && strchr (c->base + 8, '/') && !c->scope)
        make_parent = FALSE;        /* only "/machine" itself comes on demand */
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];
        int r = make_base (i, c, make_parent);

        if (r == 0)
            continue;
        if (h->v2)
            error_set_errno (error, -r, "Failed to create v2 cgroup '%s/%s'", h->mount, c->base);
        else
            error_set_errno (error, -r, "Failed to create v1 controller %s for group", h->name);
        undo_create (c);
        return NULL;
    }
    return g_steal_pointer (&c);
}

/* ---- opening, naming, freeing */

char **
cgroup_paths (const Cgroup *c)
{
    GPtrArray *paths = g_ptr_array_new ();

    for (guint i = 0; i < cgroup_host.n; i++)
        if (cgroup_has (c, &cgroup_host.hierarchies[i]))
            g_ptr_array_add (paths, g_strdup_printf ("%s:/%s", cgroup_host.hierarchies[i].name, c->base));
    g_ptr_array_add (paths, NULL);
    return (char **) g_ptr_array_free (paths, FALSE);
}

Cgroup *
cgroup_open (const char *const *paths, GError **error)
{
    const char *first = paths[0] ? strchr (paths[0], ':') : NULL;
    Cgroup *c;

    if (!first || first[1] != '/' || !path_is_clean (first + 2) || !strchr (first + 2, '/')
        || strlen (first) > CGROUP_PATH_MAX - 512) {
        error_set (error, ERR_INTERNAL, "invalid cgroup path '%s'", paths[0] ? paths[0] : "");
        return NULL;
    }
    c = g_malloc0 (sizeof *c + strlen (first + 2) + 1);
    c->kept = cgroup_kept_new ();
    strcpy (c->base, first + 2);
    c->scope = strstr (c->base, ".scope/") != NULL;
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];
        gsize length = strlen (h->name);

        for (guint k = 0; paths[k]; k++)
            if (strncmp (paths[k], h->name, length) == 0 && g_str_equal (paths[k] + length, first)
                && faccessat (h->fd, c->base, F_OK, 0) == 0)
                c->hierarchies |= 1u << i;
    }
    return c;
}

Cgroup *
cgroup_copy (const Cgroup *c)
{
    Cgroup *copy = g_memdup2 (c, sizeof *c + strlen (c->base) + 1);

    copy->kept = NULL;
    return copy;
}

void
cgroup_free (Cgroup *c)
{
    if (c)
        cgroup_kept_free (c->kept);
    g_free (c);
}

/* ---- processes */

gboolean
cgroup_add_controller (Cgroup *c, pid_t pid, GError **error)
{
    char text[16];

    g_snprintf (text, sizeof text, "%d", (int) pid);
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];

        if (!cgroup_has (c, h) || !has_controller_group (h))
            continue;
        if (!cgroup_write (h, c->base, "/controller", "cgroup.procs", text, error))
            return FALSE;
        if (c->enable_pending) {
            int r = enable_controllers (h, c);

            if (r < 0)
                return cgroup_error (error, h, c->base, "", "cgroup.subtree_control", -r, TRUE);
            c->enable_pending = FALSE;
        }
    }
    return TRUE;
}

static gboolean
add_fd (GArray *fds, const CgroupHierarchy *h, const Cgroup *c, const char *file, int flags, GError **error)
{
    char path[CGROUP_PATH_MAX];
    int fd;

    g_snprintf (path, sizeof path, "%s%s", c->base, file);
    fd = openat (h->fd, path, flags | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno (error, errno, "Unable to open '%s/%s'", h->mount, path);
    g_array_append_val (fds, fd);
    return TRUE;
}

GArray *
cgroup_start_fds (Cgroup *c, CgroupFdCounts *ret_counts, GError **error)
{
    enum { V2_DIRECTORY, GUEST_TASKS, CONTROLLER_TASKS, ROUNDS };
    g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));
    const CgroupHierarchy *memory;
    guint end[ROUNDS];

    g_array_set_clear_func (fds, fd_close_element);
    for (guint round = 0; round < ROUNDS; round++) {
        for (guint i = 0; i < cgroup_host.n; i++) {
            CgroupHierarchy *h = &cgroup_host.hierarchies[i];
            gboolean ok = TRUE;

            if (!cgroup_has (c, h) || h->v2 != (round == V2_DIRECTORY))
                continue;
            if (round == V2_DIRECTORY)
                ok = add_fd (fds, h, c, "/guest", O_PATH | O_DIRECTORY, error);
            else if (round == CONTROLLER_TASKS)
                ok = add_fd (fds, h, c, "/tasks", O_WRONLY, error);
            else if (h->guest)
                ok = add_fd (fds, h, c, "/guest/tasks", O_WRONLY, error);
            if (!ok)
                return NULL;
        }
        end[round] = fds->len;
    }
    memory = cgroup_hierarchy (CGROUP_MEMORY);
    if (memory && !cgroup_has (c, memory))
        memory = NULL;
    if (memory && !add_fd (fds, memory, c, "", O_PATH | O_DIRECTORY, error))
        return NULL;
    *ret_counts = (CgroupFdCounts) {
        .memory = memory != NULL, .memory_v2 = memory && memory->v2,
        .v2 = end[V2_DIRECTORY] > 0, .guest = end[GUEST_TASKS] - end[V2_DIRECTORY],
        .controller = end[CONTROLLER_TASKS] - end[GUEST_TASKS],
    };
    return g_steal_pointer (&fds);
}

gboolean
cgroup_delegate (Cgroup *c, uid_t uid, gid_t gid, GError **error)
{
    static const char *const v1_files[] = { "", "/cgroup.procs", "/tasks" };
    static const char *const v2_files[] = { "", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control" };
    char path[CGROUP_PATH_MAX];

    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];
        const char *const *files = h->v2 ? v2_files : v1_files;
        guint n = h->v2 ? G_N_ELEMENTS (v2_files) : G_N_ELEMENTS (v1_files);

        if (!cgroup_has (c, h) || !(h->v2 || (h->controllers & CGROUP_SYSTEMD)))
            continue;
        for (guint k = 0; k < n; k++) {
            g_snprintf (path, sizeof path, "%s/guest%s", c->base, files[k]);
            if (fchownat (h->fd, path, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                return error_set_errno (error, errno, "cannot chown '%s/%s' to (%u, %u)", h->mount,
                                        path, uid, gid);
        }
    }
    return TRUE;
}

static gboolean
remove_within (Cgroup *c, guint *budget, GError **error)
{
    for (guint i = 0; i < cgroup_host.n; i++) {
        CgroupHierarchy *h = &cgroup_host.hierarchies[i];
        int r;

        if (!cgroup_has (c, h))
            continue;
        r = remove_base (h, c, budget);
        if (r == -EBUSY || r == -ENOTEMPTY)
            return error_set (error, ERR_RESOURCE_BUSY, "cgroup '%s/%s' is still in use", h->mount, c->base);
        if (r < 0)
            return error_set_errno (error, -r, "Unable to remove cgroup '%s/%s'", h->mount, c->base);
        c->hierarchies &= ~(1u << i);
    }
    return TRUE;
}

gboolean
cgroup_remove (Cgroup *c, gboolean *ret_many, GError **error)
{
    guint budget = REMOVE_BUDGET;
    gboolean removed = remove_within (c, &budget, error);

    if (ret_many)
        *ret_many = !removed && budget == 0;
    return removed;
}

void
cgroup_remove_many (Cgroup *copy)
{
    guint budget = G_MAXUINT;

    remove_within (copy, &budget, NULL);
}
