/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/planner.h"

#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <string.h>

#include "security/capset.h"
#include "util/error.h"
#include "util/text.h"

/* ---- judgement without the host */

static gboolean
check_consoles (const DomainDef *def, GError **error)
{
    if (def->consoles->len == 0)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "At least one PTY console is required");
    if (def->consoles->len > PLAN_CONSOLES_MAX)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "at most %d consoles are supported",
                          PLAN_CONSOLES_MAX);
    for (guint i = 0; i < def->consoles->len; i++)
        if (!((const ConsoleDef *) def->consoles->pdata[i])->type_pty)
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "Only PTY console types are supported");
    return TRUE;
}

static gboolean
check_nets (const DomainDef *def, GError **error)
{
    for (guint i = 0; i < def->nets->len; i++) {
        const NetDef *net = def->nets->pdata[i];

        if (net->type != NET_ETHERNET && net->type != NET_NETWORK && net->type != NET_BRIDGE
            && net->type != NET_DIRECT)
            return error_set (error, ERR_INTERNAL, "Unsupported network type %s",
                              net_type_names.name[net->type]);
        if (net->script)
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "scripts are not supported on LXC network interfaces");
    }
    return TRUE;
}

static gboolean
check_hostdevs (const DomainDef *def, GError **error)
{
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];

        if (dev->type >= HOSTDEV_PCI)
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "Unsupported hostdev type %s",
                              hostdev_type_names.name[dev->type]);
        if (dev->type == HOSTDEV_USB && !dev->vendor && !dev->bus && !dev->device)
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "a USB host device needs vendor and product, or an address");
    }
    return TRUE;
}

static gboolean
check_disks (const DomainDef *def, GError **error)
{
    for (guint i = 0; i < def->disks->len; i++) {
        const DiskDef *disk = def->disks->pdata[i];

        if (disk->type != DISK_BLOCK && disk->type != DISK_FILE)
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "Can't setup disk for non-block device");
        if (!disk->source)
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "Can't setup disk without media");
    }
    return TRUE;
}

static gboolean
check_filesystems (const DomainDef *def, GError **error)
{
    static const char *const names[] = { "mount", "block", "file", "template", "ram", "bind", "volume" };

    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (fs->type == FS_TEMPLATE || fs->type == FS_VOLUME || fs->type >= FS_TYPE_LAST)
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "Cannot mount filesystem type %s",
                              fs->type < G_N_ELEMENTS (names) ? names[fs->type] : "?");
        if (strcmp (fs->target, "/") == 0 && (fs->type == FS_RAM || fs->type == FS_BIND))
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "the root filesystem cannot be of type %s", names[fs->type]);
        if (fs->type != FS_RAM && (!fs->source || fs->source[0] != '/'))
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "filesystem source '%s' must be an absolute path",
                              fs->source ? fs->source : "");
    }
    return TRUE;
}

gboolean
plan_check_def (const DomainDef *def, GError **error)
{
    if (!check_consoles (def, error) || !check_nets (def, error) || !check_hostdevs (def, error)
        || !check_disks (def, error) || !check_filesystems (def, error))
        return FALSE;
    if ((def->uid_map->len > 0) != (def->gid_map->len > 0))
        return error_set (error, ERR_CONFIG_UNSUPPORTED,
                          "both uid and gid maps are needed for a user namespace");
    if (def->shares[SHARE_NET].set && (def->nets->len > 0 || def->features.privnet))
        return error_set (error, ERR_CONFIG_UNSUPPORTED,
                          "a shared network namespace cannot have network devices of its own");
    return TRUE;
}

gboolean
plan_has_own_net (const DomainDef *def)
{
    if (def->shares[SHARE_NET].set)
        return FALSE;
    if (def->nets->len > 0 || def->features.privnet)
        return TRUE;
    for (guint i = 0; i < def->hostdevs->len; i++)
        if (((const HostdevDef *) def->hostdevs->pdata[i])->type == HOSTDEV_NET)
            return TRUE;
    return FALSE;
}

/* ---- parts of the plan */

static void
plan_namespaces (Planner *p)
{
    static const guint types[SHARE_LAST] = { CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS };
    GArray *shares = g_array_new (FALSE, TRUE, sizeof (plan_share));
    guint flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWUTS;

    if (p->facts->idmap)
        flags |= CLONE_NEWUSER;
    if (p->own_net)
        flags |= CLONE_NEWNET;
    for (guint i = 0; i < SHARE_LAST; i++) {
        plan_share share = { .type = types[i] };

        if (!p->def->shares[i].set)
            continue;
        flags &= ~types[i];
        share.fd = p->context->share_fds ? p->context->share_fds[i] : -1;
        g_array_append_val (shares, share);
    }
    p->plan->namespaces = flags;
    p->plan->shares.shares_len = shares->len;
    p->plan->shares.shares_val = (plan_share *) g_array_free (shares, FALSE);
}

static plan_idmap *
plan_map (const GPtrArray *map, u_int *ret_n)
{
    plan_idmap *entries = g_new0 (plan_idmap, map->len);

    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = map->pdata[i];

        entries[i] = (plan_idmap) { entry->start, entry->target, entry->count };
    }
    *ret_n = map->len;
    return entries;
}

static void
plan_numa (Planner *p)
{
    /* strict is the cpuset's business (start_cgroup.c), which cannot be changed from inside */
    static const int modes[NUMA_LAST] = { -1, MPOL_PREFERRED, MPOL_INTERLEAVE, -1 };
    const DomainNumatune *numa = &p->def->numatune;

    p->plan->numa_mode = -1;
    p->plan->numa_nodes = g_strdup ("");
    if (!numa->set || !numa->nodeset || numa->mode >= NUMA_LAST || modes[numa->mode] < 0)
        return;
    p->plan->numa_mode = modes[numa->mode];
    text_replace (&p->plan->numa_nodes, numa->nodeset);
}

static void
plan_security (Planner *p)
{
    const guint64 rawio = G_GUINT64_CONSTANT (1) << CAP_SYS_RAWIO;
    launch_plan *plan = p->plan;
    CapSet caps;

    capset_from_features (&p->def->features, p->facts->cap_last, &caps);
    /* In a user namespace it gives nothing, but systemd takes it as leave to mount debugfs and
     * tracefs, which then fails. */
    if (p->facts->idmap && p->def->features.caps_policy == CAPS_DEFAULT
        && p->def->features.caps[CAP_SYS_RAWIO] != ON_OFF_ON)
        caps = (CapSet) { caps.effective & ~rawio, caps.permitted & ~rawio, caps.inheritable,
                          caps.bounding & ~rawio, caps.ambient };
    plan->caps = (plan_caps) { caps.effective, caps.permitted, caps.inheritable, caps.bounding,
                               caps.ambient };
    plan->exec_label = g_strdup ("");
    plan->label_model = g_strdup ("none");
    for (guint i = 0; i < p->def->seclabels->len; i++) {
        const SeclabelDef *label = p->def->seclabels->pdata[i];

        if (label->type == SECLABEL_NONE || !label->label || !label->model)
            continue;
        g_free (plan->exec_label);
        g_free (plan->label_model);
        plan->exec_label = g_strdup (label->label);
        plan->label_model = g_strdup (label->model);
    }
}

/* ---- what exec runs */

void
planner_env (Planner *p, const char *name, const char *value)
{
    gsize length = strlen (name);
    plan_env entry = { g_strconcat (name, "=", value, NULL) };

    /* the same name replaces, so that <initenv> has the last word */
    for (guint i = 0; i < p->env->len; i++) {
        plan_env *old = &g_array_index (p->env, plan_env, i);

        if (strncmp (old->entry, name, length) != 0 || old->entry[length] != '=')
            continue;
        g_free (old->entry);
        *old = entry;
        return;
    }
    g_array_append_val (p->env, entry);
}

static void
plan_environment (Planner *p)
{
    const DomainDef *def = p->def;
    g_autoptr (GString) ttys = g_string_new (NULL);
    char uuid[37];

    domain_uuid_format (def->uuid, uuid);
    planner_env (p, "PATH", "/bin:/sbin");
    planner_env (p, "TERM", "linux");
    planner_env (p, "container", "lxc-libvirt");
    planner_env (p, "HOME", "/");
    planner_env (p, "container_uuid", uuid);
    for (guint i = 1; i < def->consoles->len; i++)
        g_string_append_printf (ttys, "%spts/%u", i > 1 ? " " : "", i);
    if (ttys->len > 0)
        planner_env (p, "container_ttys", ttys->str);
    planner_env (p, "LIBVIRT_LXC_UUID", uuid);
    planner_env (p, "LIBVIRT_LXC_NAME", def->name);
    if (def->os.cmdline)
        planner_env (p, "LIBVIRT_LXC_CMDLINE", def->os.cmdline);
    if (p->context->n_pass_fds > 0) {
        g_autofree char *count = g_strdup_printf ("%u", p->context->n_pass_fds);

        planner_env (p, "LISTEN_FDS", count);
        planner_env (p, "LISTEN_PID", "1");
    }
    for (guint i = 0; i < def->os.initenv->len; i++) {
        const NameValue *var = def->os.initenv->pdata[i];

        planner_env (p, var->name, var->value ? var->value : "");
    }
}

static void
argv_add (Planner *p, const char *text)
{
    plan_arg arg = { g_strdup (text) };

    g_array_append_val (p->argv, arg);
}

/* A system's init gives each program that it starts a terminal of its own; busybox's shell could not
 * take the console from a session leader that keeps it. Any other program, such as a shell, needs a
 * controlling terminal for its job control. */
static gboolean
hands_out_terminals (const char *init)
{
    g_autofree char *name = g_path_get_basename (init);

    return strcmp (name, "init") == 0 || strcmp (name, "systemd") == 0;
}

static void
plan_init_program (Planner *p)
{
    const DomainOs *os = &p->def->os;
    plan_init *init = &p->plan->init;

    init->path = g_strdup (os->init);
    argv_add (p, os->init);
    for (guint i = 0; i < os->initargs->len; i++)
        argv_add (p, os->initargs->pdata[i]);
    plan_environment (p);
    init->cwd = g_strdup (os->initdir ? os->initdir : "/");
    init->user = g_strdup (os->inituser ? os->inituser : "");
    init->group = g_strdup (os->initgroup ? os->initgroup : "");
    init->controlling_tty = !hands_out_terminals (os->init);
    init->pass_fds.pass_fds_len = p->context->n_pass_fds;
    init->pass_fds.pass_fds_val = g_memdup2 (p->context->pass_fds,
                                             p->context->n_pass_fds * sizeof (int));
}

/* ---- the whole */

#define TAKE(plan, member, array, type)                                                            \
    G_STMT_START {                                                                                 \
        (plan)->member.member##_len = (array)->len;                                                \
        (plan)->member.member##_val = (type *) g_array_free (array, FALSE);                        \
    } G_STMT_END

static void
plan_identity (Planner *p)
{
    launch_plan *plan = p->plan;
    const DomainDef *def = p->def;

    plan->plan_version = PLAN_VERSION;
    plan->name = g_strdup (def->name);
    memcpy (plan->uuid, def->uuid, 16);
    plan->monitor_path = g_strdup (p->context->monitor_path);
    plan->stage_dir = g_strdup (p->context->stage_dir);
    /* a shared UTS namespace keeps the name its owner gave it */
    plan->hostname = def->shares[SHARE_UTS].set ? g_strdup ("") : domain_hostname (def);
    plan->uid_map.uid_map_val = plan_map (def->uid_map, &plan->uid_map.uid_map_len);
    plan->gid_map.gid_map_val = plan_map (def->gid_map, &plan->gid_map.gid_map_len);
    plan->personality32 = def->os.arch && p->facts->arch32
                          && strcmp (def->os.arch, p->facts->arch32) == 0;
    /* with cpuset groups a mask is not needed, and would outlast a change of the group */
    plan->cpu_affinity = g_strdup (def->cpuset && !(cgroup_host_controllers () & CGROUP_CPUSET)
                                       ? def->cpuset : "");
    plan->start_deadline = p->context->start_deadline;
    plan->kill_deadline = p->context->kill_deadline;
}

launch_plan *
plan_make (const DomainDef *def, const PlanFacts *facts, const PlanContext *context, GError **error)
{
    g_autoptr (launch_plan) plan = g_new0 (launch_plan, 1);
    Planner p = { .def = def, .facts = facts, .context = context, .plan = plan,
                  .own_net = plan_has_own_net (def) };
    const char *why;

    p.mounts = g_array_new (FALSE, TRUE, sizeof (plan_mount));
    p.nodes = g_array_new (FALSE, TRUE, sizeof (plan_node));
    p.consoles = g_array_new (FALSE, TRUE, sizeof (plan_console));
    p.links = g_array_new (FALSE, TRUE, sizeof (plan_link));
    p.env = g_array_new (FALSE, TRUE, sizeof (plan_env));
    p.argv = g_array_new (FALSE, TRUE, sizeof (plan_arg));
    plan_identity (&p);
    plan_namespaces (&p);
    plan_numa (&p);
    planner_mounts (&p);
    planner_devices (&p);
    planner_links (&p);
    plan_security (&p);
    plan_init_program (&p);
    planner_skep (&p);
    plan->loopback_up = p.own_net;
    TAKE (plan, mounts, p.mounts, plan_mount);
    TAKE (plan, nodes, p.nodes, plan_node);
    TAKE (plan, consoles, p.consoles, plan_console);
    TAKE (plan, links, p.links, plan_link);
    plan->init.env.env_len = p.env->len;
    plan->init.env.env_val = (plan_env *) g_array_free (p.env, FALSE);
    plan->init.argv.argv_len = p.argv->len;
    plan->init.argv.argv_val = (plan_arg *) g_array_free (p.argv, FALSE);
    if (!plan_check (plan, &why)) {
        error_set (error, ERR_INTERNAL, "the launch plan is wrong: %s", why);
        return NULL;
    }
    return g_steal_pointer (&plan);
}

void
plan_destroy (launch_plan *plan)
{
    if (!plan)
        return;
    plan_free (plan);
    g_free (plan);
}
