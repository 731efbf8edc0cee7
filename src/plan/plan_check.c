/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the types of plan.x cannot say. The planner is ours and trusted, but the controller runs with
 * all privileges: it looks again, so that a bug there stops here with a sentence.
 */
#include "plan/plan.h"
#include "util/sysctl.h"

#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#define PLAN_FD_LIMIT 4096

#define PLAN_NAMESPACES                                                                            \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS       \
     | CLONE_NEWCGROUP)
#define PLAN_SHARED (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

#define PLAN_MF_ALL                                                                                \
    (PLAN_MF_RDONLY | PLAN_MF_NOSUID | PLAN_MF_NODEV | PLAN_MF_NOEXEC | PLAN_MF_RECURSIVE          \
     | PLAN_MF_OPTIONAL | PLAN_MF_CREATE_DIR | PLAN_MF_CREATE_FILE | PLAN_MF_IN_GUEST_NS           \
     | PLAN_MF_DETACHABLE)

static bool
wrong (const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

static bool
text_plain (const char *text)
{
    for (; *text; text++) {
        if ((unsigned char) *text < ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

/* No ".." between slashes: such a path never means what its reader thinks. */
static bool
path_straight (const char *path)
{
    for (const char *part = path; part; part = strchr (part, '/')) {
        part += *part == '/';
        if (strncmp (part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static bool
path_absolute (const char *path)
{
    return path[0] == '/' && path_straight (path);
}

static bool
fd_valid (int fd)
{
    return fd >= 3 && fd < PLAN_FD_LIMIT;
}

static bool
map_valid (const plan_idmap *map, u_int n)
{
    for (u_int i = 0; i < n; i++) {
        if (map[i].count == 0 || map[i].guest + (map[i].count - 1) < map[i].guest
            || map[i].host + (map[i].count - 1) < map[i].host)
            return false;
        for (u_int j = 0; j < i; j++) {
            if ((map[i].guest <= map[j].guest + (map[j].count - 1)
                 && map[j].guest <= map[i].guest + (map[i].count - 1))
                || (map[i].host <= map[j].host + (map[j].count - 1)
                    && map[j].host <= map[i].host + (map[i].count - 1)))
                return false;
        }
    }
    return true;
}

static bool
check_head (const launch_plan *plan, const char **ret_why)
{
    if (plan->plan_version != PLAN_VERSION)
        return wrong (ret_why, "the plan has another version");
    if (!plan->name[0] || strchr (plan->name, '/') || !text_plain (plan->name))
        return wrong (ret_why, "the name is not a plain word");
    if (!path_absolute (plan->monitor_path) || !path_absolute (plan->stage_dir))
        return wrong (ret_why, "the monitor socket or the staging directory has no absolute path");
    if (!text_plain (plan->hostname) || strchr (plan->hostname, '/'))
        return wrong (ret_why, "the host name is not a plain word");
    return true;
}

static bool
check_namespaces (const launch_plan *plan, const char **ret_why)
{
    bool user = plan->namespaces & CLONE_NEWUSER;
    unsigned shared = 0;

    if (plan->namespaces & ~(unsigned) PLAN_NAMESPACES)
        return wrong (ret_why, "unknown kind of namespace");
    if ((plan->namespaces & (CLONE_NEWNS | CLONE_NEWPID)) != (CLONE_NEWNS | CLONE_NEWPID))
        return wrong (ret_why, "a container without its own mount and pid namespaces");
    if (user != (plan->uid_map.uid_map_len > 0) || user != (plan->gid_map.gid_map_len > 0))
        return wrong (ret_why, "id maps and user namespace go together");
    if (!map_valid (plan->uid_map.uid_map_val, plan->uid_map.uid_map_len)
        || !map_valid (plan->gid_map.gid_map_val, plan->gid_map.gid_map_len))
        return wrong (ret_why, "an id map overlaps or runs over the end");
    for (u_int i = 0; i < plan->shares.shares_len; i++) {
        const plan_share *share = &plan->shares.shares_val[i];

        if ((share->type & ~(unsigned) PLAN_SHARED) || (share->type & (share->type - 1))
            || !share->type || (share->type & (plan->namespaces | shared)))
            return wrong (ret_why, "a shared namespace is of a wrong kind or given twice");
        if (!fd_valid (share->fd))
            return wrong (ret_why, "a shared namespace has no descriptor");
        shared |= share->type;
    }
    return true;
}

/* What holds for a mount wherever it is made; @idmaps: there is a user namespace. */
static bool
check_mount_itself (const plan_mount *mount, bool idmaps, const char **ret_why)
{
    bool from_host = mount->kind == PLAN_MOUNT_ROOT || mount->kind == PLAN_MOUNT_BIND_HOST
        || mount->kind == PLAN_MOUNT_BLOCK;

    if ((unsigned) mount->kind > PLAN_MOUNT_MEMINFO || (unsigned) mount->idmap > PLAN_IDMAP_TRY)
        return wrong (ret_why, "unknown kind of mount");
    if (mount->flags & ~(unsigned) PLAN_MF_ALL)
        return wrong (ret_why, "unknown mount flag");
    if (!path_absolute (mount->target))
        return wrong (ret_why, "a mount target is not a straight absolute path");
    if (mount->fd != -1 && (!fd_valid (mount->fd) || mount->kind == PLAN_MOUNT_BLOCK || !from_host))
        return wrong (ret_why, "a mount's descriptor is out of range or not for its kind");
    if (from_host && mount->fd == -1 && mount->source[0] != '/')
        return wrong (ret_why, "a mount source on the host is not an absolute path");
    if (mount->kind == PLAN_MOUNT_BIND_GUEST && !path_absolute (mount->source))
        return wrong (ret_why, "a mount source in the container is not an absolute path");
    if (mount->kind == PLAN_MOUNT_SYMLINK && !mount->source[0])
        return wrong (ret_why, "a symbolic link leads nowhere");
    if ((mount->kind == PLAN_MOUNT_NEW || mount->kind == PLAN_MOUNT_BLOCK) && !mount->fstype[0])
        return wrong (ret_why, "a new mount names no file system");
    if (mount->idmap != PLAN_IDMAP_NONE && !idmaps)
        return wrong (ret_why, "an id-mapped mount without a user namespace");
    return true;
}

static bool
check_mount (const launch_plan *plan, const plan_mount *mount, const char **ret_why)
{
    if (!check_mount_itself (mount, plan->namespaces & CLONE_NEWUSER, ret_why))
        return false;
    if (mount->kind == PLAN_MOUNT_CONSOLE && mount->index >= plan->consoles.consoles_len)
        return wrong (ret_why, "a console mount names no console");
    return true;
}

static bool
check_mounts (const launch_plan *plan, const char **ret_why)
{
    bool have_dev = false, have_pts = false;

    if (plan->mounts.mounts_len == 0 || plan->mounts.mounts_val[0].kind != PLAN_MOUNT_ROOT
        || strcmp (plan->mounts.mounts_val[0].target, "/") != 0)
        return wrong (ret_why, "the first mount is not the root");
    for (u_int i = 0; i < plan->mounts.mounts_len; i++) {
        const plan_mount *mount = &plan->mounts.mounts_val[i];

        if (!check_mount (plan, mount, ret_why))
            return false;
        if (i > 0 && (mount->kind == PLAN_MOUNT_ROOT || strcmp (mount->target, "/") == 0))
            return wrong (ret_why, "more than one root");
        if ((mount->kind == PLAN_MOUNT_DEV && have_dev)
            || (mount->kind == PLAN_MOUNT_DEVPTS && have_pts))
            return wrong (ret_why, "/dev or devpts is mounted twice");
        if (mount->kind == PLAN_MOUNT_CONSOLE && !have_pts)
            return wrong (ret_why, "a console is mounted before devpts");
        have_dev |= mount->kind == PLAN_MOUNT_DEV;
        have_pts |= mount->kind == PLAN_MOUNT_DEVPTS;
    }
    if (plan->nodes.nodes_len > 0 && !have_dev)
        return wrong (ret_why, "device nodes without a /dev");
    if (plan->consoles.consoles_len > 0 && !have_pts)
        return wrong (ret_why, "consoles without a devpts");
    return true;
}

static bool
check_node (const plan_node *node, const char **ret_why)
{
    if (!node->path[0] || node->path[0] == '/' || !path_straight (node->path))
        return wrong (ret_why, "a device node's path is not a straight relative path");
    if (!node->link[0] && !S_ISCHR (node->mode) && !S_ISBLK (node->mode))
        return wrong (ret_why, "a device node is no device");
    return true;
}

static bool
check_devices (const launch_plan *plan, const char **ret_why)
{
    for (u_int i = 0; i < plan->nodes.nodes_len; i++) {
        if (!check_node (&plan->nodes.nodes_val[i], ret_why))
            return false;
    }
    for (u_int i = 0; i < plan->consoles.consoles_len; i++) {
        const plan_console *console = &plan->consoles.consoles_val[i];

        if (console->log_fd != -1 && !fd_valid (console->log_fd))
            return wrong (ret_why, "a console's log descriptor is out of range");
        if (console->log_fd != -1 && !path_absolute (console->log_path))
            return wrong (ret_why, "a console's log has no absolute path");
        if (console->ring_size > (64U << 20))
            return wrong (ret_why, "a console's buffer is above 64 MiB");
    }
    return true;
}

static bool
link_name_valid (const char *name)
{
    size_t length = strlen (name);

    return length > 0 && length <= 15 && !strpbrk (name, "/: ") && text_plain (name)
        && strcmp (name, ".") != 0 && strcmp (name, "..") != 0;
}

static bool
check_link (const plan_link *link, const char **ret_why)
{
    if (!link_name_valid (link->guest_name))
        return wrong (ret_why, "a network device has a bad name");
    if (link->ifindex == 0 || link->ifindex > 0x7fffffffU)
        return wrong (ret_why, "a network device has no index");
    return true;
}

static bool
check_network (const launch_plan *plan, const char **ret_why)
{
    for (u_int i = 0; i < plan->links.links_len; i++) {
        if (!(plan->namespaces & CLONE_NEWNET))
            return wrong (ret_why, "network devices without a network namespace");
        if (!check_link (&plan->links.links_val[i], ret_why))
            return false;
    }
    return true;
}

static bool
check_sysctls (const launch_plan *plan, const char **ret_why)
{
    static const unsigned namespaces[] = {
        [SYSCTL_NET] = CLONE_NEWNET, [SYSCTL_IPC] = CLONE_NEWIPC, [SYSCTL_UTS] = CLONE_NEWUTS,
    };

    for (u_int i = 0; i < plan->sysctls.sysctls_len; i++) {
        const char *key = plan->sysctls.sysctls_val[i].key;
        SysctlOwner owner = sysctl_owner (key);

        if (owner == SYSCTL_HOST || !path_straight (key))
            return wrong (ret_why, "a kernel parameter is not the container's own");
        if (!(plan->namespaces & namespaces[owner]))
            return wrong (ret_why, "a kernel parameter of a namespace that is not the container's");
    }
    return true;
}

static bool
check_init (const launch_plan *plan, const char **ret_why)
{
    const plan_init *init = &plan->init;
    const plan_caps *caps = &plan->caps;

    if (init->path[0] != '/' || init->argv.argv_len == 0)
        return wrong (ret_why, "init has no absolute path or no arguments");
    if (init->cwd[0] != '\0' && init->cwd[0] != '/')
        return wrong (ret_why, "init's directory is not an absolute path");
    for (u_int i = 0; i < init->env.env_len; i++) {
        const char *entry = init->env.env_val[i].entry;

        if (!strchr (entry, '=') || entry[0] == '=')
            return wrong (ret_why, "an environment entry is not NAME=value");
    }
    for (u_int i = 0; i < init->pass_fds.pass_fds_len; i++) {
        if (!fd_valid (init->pass_fds.pass_fds_val[i]))
            return wrong (ret_why, "a passed descriptor is out of range");
    }
    if ((caps->effective & ~caps->permitted) || (caps->ambient & ~caps->permitted)
        || (caps->ambient & ~caps->inheritable))
        return wrong (ret_why, "the capability sets contradict each other");
    if (plan->seccomp.seccomp_len % 8 != 0)
        return wrong (ret_why, "the seccomp program is cut off");
    if (plan->oom_score_adj < -1000 || plan->oom_score_adj > 1000)
        return wrong (ret_why, "oom_score_adj is out of range");
    return true;
}

bool
plan_check (const launch_plan *plan, const char **ret_why)
{
    return check_head (plan, ret_why) && check_namespaces (plan, ret_why)
        && check_mounts (plan, ret_why) && check_devices (plan, ret_why)
        && check_network (plan, ret_why) && check_sysctls (plan, ret_why)
        && check_init (plan, ret_why);
}

bool
plan_device_check (const device_plan *plan, const char **ret_why)
{
    const plan_mount *mount = plan->mounts.mounts_val;

    if (plan->plan_version != PLAN_VERSION)
        return wrong (ret_why, "the plan has another version");
    if (!path_absolute (plan->stage_dir))
        return wrong (ret_why, "the staging directory has no absolute path");
    if (plan->mounts.mounts_len + plan->nodes.nodes_len + plan->links.links_len != 1)
        return wrong (ret_why, "a device is one mount, one node or one link");
    if ((unsigned) plan->link_end > DEVICE_LINK_RETURN)
        return wrong (ret_why, "unknown end of a link");
    if (plan->nodes.nodes_len)
        return check_node (plan->nodes.nodes_val, ret_why);
    if (plan->links.links_len)
        return check_link (plan->links.links_val, ret_why)
            && (plan->link_end != DEVICE_LINK_RETURN
                || link_name_valid (plan->links.links_val->host_name)
                || wrong (ret_why, "a network device has nowhere to return to"));
    if (mount->kind != PLAN_MOUNT_NEW && mount->kind != PLAN_MOUNT_BIND_HOST
        && mount->kind != PLAN_MOUNT_BIND_GUEST && mount->kind != PLAN_MOUNT_BLOCK)
        return wrong (ret_why, "not a mount of a running container");
    return check_mount_itself (mount, true, ret_why)
        && (strcmp (mount->target, "/") != 0 || wrong (ret_why, "the root cannot be replaced"));
}
