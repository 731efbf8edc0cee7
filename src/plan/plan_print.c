/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan for people, in the order in which the controller executes it. */
#include "plan/plan.h"

#include <sched.h>
#include <sys/stat.h>

static const char *const mount_kinds[] = {
    [PLAN_MOUNT_ROOT] = "root",
    [PLAN_MOUNT_NEW] = "mount",
    [PLAN_MOUNT_BIND_HOST] = "bind",
    [PLAN_MOUNT_BIND_GUEST] = "bind-inside",
    [PLAN_MOUNT_BLOCK] = "block",
    [PLAN_MOUNT_DEV] = "dev",
    [PLAN_MOUNT_DEVPTS] = "devpts",
    [PLAN_MOUNT_CONSOLE] = "console",
    [PLAN_MOUNT_REMOUNT] = "remount",
    [PLAN_MOUNT_MASK_FILE] = "mask-file",
    [PLAN_MOUNT_MASK_DIR] = "mask-dir",
    [PLAN_MOUNT_SYMLINK] = "symlink",
    [PLAN_MOUNT_MEMINFO] = "meminfo",
};

typedef struct {
    unsigned bit;
    const char *name;
} BitName;

static const BitName namespace_names[] = {
    { CLONE_NEWUSER, "user" }, { CLONE_NEWNS, "mount" }, { CLONE_NEWPID, "pid" },
    { CLONE_NEWNET, "net" }, { CLONE_NEWIPC, "ipc" }, { CLONE_NEWUTS, "uts" },
    { CLONE_NEWCGROUP, "cgroup" }, { 0, NULL },
};

static const BitName flag_names[] = {
    { PLAN_MF_RDONLY, "ro" }, { PLAN_MF_NOSUID, "nosuid" }, { PLAN_MF_NODEV, "nodev" },
    { PLAN_MF_NOEXEC, "noexec" }, { PLAN_MF_RECURSIVE, "recursive" },
    { PLAN_MF_OPTIONAL, "optional" }, { PLAN_MF_CREATE_DIR, "make-dir" },
    { PLAN_MF_CREATE_FILE, "make-file" }, { PLAN_MF_IN_GUEST_NS, "in-namespaces" },
    { PLAN_MF_DETACHABLE, "detachable" }, { 0, NULL },
};

static void
print_bits (FILE *out, const BitName *names, unsigned bits)
{
    const char *separator = "";

    for (; names->name; names++) {
        if (bits & names->bit) {
            fprintf (out, "%s%s", separator, names->name);
            separator = ",";
        }
    }
    if (!*separator)
        fputs ("-", out);
}

static void
print_map (FILE *out, const char *name, const plan_idmap *map, u_int n)
{
    for (u_int i = 0; i < n; i++)
        fprintf (out, "%s %u -> %u count %u\n", name, map[i].guest, map[i].host, map[i].count);
}

static void
print_mount (FILE *out, const plan_mount *mount)
{
    fprintf (out, "%s %s", (unsigned) mount->kind <= PLAN_MOUNT_MEMINFO ? mount_kinds[mount->kind]
                                                                        : "?", mount->target);
    if (mount->fstype[0])
        fprintf (out, " type %s", mount->fstype);
    if (mount->kind == PLAN_MOUNT_CONSOLE)
        fprintf (out, " pty %u", mount->index);
    else if (mount->fd >= 0)
        fprintf (out, " from descriptor %d", mount->fd);
    else if (mount->source[0])
        fprintf (out, " from %s", mount->source);
    fputs (" flags ", out);
    print_bits (out, flag_names, mount->flags);
    if (mount->options[0])
        fprintf (out, " options %s", mount->options);
    if (mount->idmap != PLAN_IDMAP_NONE)
        fprintf (out, " id-mapped%s", mount->idmap == PLAN_IDMAP_TRY ? " where possible" : "");
    fputc ('\n', out);
}

static void
print_nodes (FILE *out, const launch_plan *plan)
{
    for (u_int i = 0; i < plan->nodes.nodes_len; i++) {
        const plan_node *node = &plan->nodes.nodes_val[i];

        if (node->link[0])
            fprintf (out, "link /dev/%s -> %s\n", node->path, node->link);
        else
            fprintf (out, "node /dev/%s %c %u:%u mode %04o owner %u:%u\n", node->path,
                     S_ISBLK (node->mode) ? 'b' : 'c', node->major, node->minor,
                     node->mode & 07777, node->uid, node->gid);
    }
    for (u_int i = 0; i < plan->consoles.consoles_len; i++) {
        const plan_console *console = &plan->consoles.consoles_val[i];

        fprintf (out, "console %s keeps %u bytes%s%s\n", console->alias, console->ring_size,
                 console->log_path[0] ? " log " : "", console->log_path);
    }
}

static void
print_links (FILE *out, const launch_plan *plan)
{
    for (u_int i = 0; i < plan->links.links_len; i++) {
        const plan_link *link = &plan->links.links_val[i];

        fprintf (out, "link %s -> %s%s\n", link->host_name, link->guest_name,
                 link->up ? " up" : "");
        for (u_int a = 0; a < link->addresses.addresses_len; a++) {
            const plan_address *address = &link->addresses.addresses_val[a];

            fprintf (out, "address %s/%u dev %s%s%s\n", address->address, address->prefix,
                     link->guest_name, address->peer[0] ? " peer " : "", address->peer);
        }
        for (u_int r = 0; r < link->routes.routes_len; r++) {
            const plan_route *route = &link->routes.routes_val[r];

            fprintf (out, "route %s/%u dev %s%s%s metric %u\n",
                     route->destination[0] ? route->destination : "default", route->prefix,
                     link->guest_name, route->gateway[0] ? " via " : "", route->gateway,
                     route->metric);
        }
    }
    if (plan->loopback_up)
        fputs ("loopback up\n", out);
}

static void
print_process (FILE *out, const launch_plan *plan)
{
    for (u_int i = 0; i < plan->sysctls.sysctls_len; i++)
        fprintf (out, "sysctl %s = %s\n", plan->sysctls.sysctls_val[i].key,
                 plan->sysctls.sysctls_val[i].value);
    for (u_int i = 0; i < plan->rlimits.rlimits_len; i++) {
        const plan_rlimit *limit = &plan->rlimits.rlimits_val[i];

        fprintf (out, "rlimit %u soft %llu hard %llu\n", limit->resource,
                 (unsigned long long) limit->soft, (unsigned long long) limit->hard);
    }
    if (plan->personality32)
        fputs ("personality linux32\n", out);
    if (plan->cpu_affinity[0])
        fprintf (out, "cpus %s\n", plan->cpu_affinity);
    if (plan->numa_mode >= 0)
        fprintf (out, "memory policy %d nodes %s\n", plan->numa_mode, plan->numa_nodes);
    fprintf (out, "oom-score-adj %d\n", plan->oom_score_adj);
    fprintf (out, "capabilities effective %#llx permitted %#llx inheritable %#llx bounding %#llx"
             " ambient %#llx\n",
             (unsigned long long) plan->caps.effective, (unsigned long long) plan->caps.permitted,
             (unsigned long long) plan->caps.inheritable, (unsigned long long) plan->caps.bounding,
             (unsigned long long) plan->caps.ambient);
    if (plan->exec_label[0])
        fprintf (out, "label %s %s\n", plan->label_model, plan->exec_label);
    if (plan->no_new_privs)
        fputs ("no-new-privileges\n", out);
    if (plan->seccomp.seccomp_len > 0)
        fprintf (out, "seccomp filter of %u instructions\n", plan->seccomp.seccomp_len / 8);
}

static void
print_init (FILE *out, const plan_init *init)
{
    if (init->user[0] || init->group[0])
        fprintf (out, "user %s group %s\n", init->user[0] ? init->user : "-",
                 init->group[0] ? init->group : "-");
    for (u_int i = 0; i < init->env.env_len; i++)
        fprintf (out, "env %s\n", init->env.env_val[i].entry);
    for (u_int i = 0; i < init->pass_fds.pass_fds_len; i++)
        fprintf (out, "descriptor %d as %u\n", init->pass_fds.pass_fds_val[i], i + 3);
    if (init->controlling_tty)
        fputs ("controlling terminal /dev/console\n", out);
    fprintf (out, "cwd %s\nexec %s", init->cwd[0] ? init->cwd : "/", init->path);
    for (u_int i = 0; i < init->argv.argv_len; i++)
        fprintf (out, " [%s]", init->argv.argv_val[i].value);
    fputc ('\n', out);
}

void
plan_print (const launch_plan *plan, FILE *out)
{
    fprintf (out, "plan version %u for %s\nmonitor %s\nstage %s\nnamespaces ", plan->plan_version,
             plan->name, plan->monitor_path, plan->stage_dir);
    print_bits (out, namespace_names, plan->namespaces);
    fputc ('\n', out);
    for (u_int i = 0; i < plan->shares.shares_len; i++) {
        fputs ("share ", out);
        print_bits (out, namespace_names, plan->shares.shares_val[i].type);
        fprintf (out, " of descriptor %d\n", plan->shares.shares_val[i].fd);
    }
    print_map (out, "uid", plan->uid_map.uid_map_val, plan->uid_map.uid_map_len);
    print_map (out, "gid", plan->gid_map.gid_map_val, plan->gid_map.gid_map_len);
    if (plan->hostname[0])
        fprintf (out, "hostname %s\n", plan->hostname);
    print_links (out, plan);
    for (u_int i = 0; i < plan->mounts.mounts_len; i++)
        print_mount (out, &plan->mounts.mounts_val[i]);
    print_nodes (out, plan);
    print_process (out, plan);
    print_init (out, &plan->init);
    fprintf (out, "deadline %u ms, kill %u ms\n", plan->start_deadline, plan->kill_deadline);
}
