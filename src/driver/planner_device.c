/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan of one device that comes into a running container, by the rules of a start. */
#include "driver/planner.h"

#include "util/error.h"

static void
take_mount (Planner *p, device_plan *plan)
{
    if (p->mounts->len == 1) {
        plan_mount *mount = &g_array_index (p->mounts, plan_mount, 0);

        /* what a bind within the container leads to is seen there only: either kind of target */
        if (mount->kind == PLAN_MOUNT_BIND_GUEST)
            mount->flags |= PLAN_MF_CREATE_DIR | PLAN_MF_CREATE_FILE;
        /* for its end: a file system of a device is known by the device */
        if (mount->kind == PLAN_MOUNT_BLOCK) {
            const PlanDevice *numbers = &g_array_index (p->facts->fs, PlanFs, 0).numbers;

            mount->index = numbers->major << 20 | numbers->minor;
        }
    }
    plan->mounts.mounts_len = p->mounts->len;
    plan->mounts.mounts_val = (plan_mount *) g_array_free (p->mounts, FALSE);
}

static device_link_end
link_end (const DomainDef *def)
{
    if (def->hostdevs->len > 0)
        return DEVICE_LINK_RETURN;
    return def->nets->len > 0 && ((const NetDef *) def->nets->pdata[0])->type == NET_DIRECT
               ? DEVICE_LINK_DELETE : DEVICE_LINK_HOST;
}

device_plan *
plan_make_device (const DomainDef *def, const PlanFacts *facts, const PlanContext *context, GError **error)
{
    g_autoptr (device_plan) plan = g_new0 (device_plan, 1);
    Planner p = {
        .def = def, .facts = facts, .context = context,
        .mounts = g_array_new (FALSE, TRUE, sizeof (plan_mount)),
        .nodes = g_array_new (FALSE, TRUE, sizeof (plan_node)),
        .links = g_array_new (FALSE, TRUE, sizeof (plan_link)),
    };
    const char *why = "";

    for (guint i = 0; i < def->filesystems->len; i++)
        planner_filesystem (&p, i);
    planner_nodes (&p);
    planner_links (&p);
    plan->plan_version = PLAN_VERSION;
    plan->stage_dir = g_strdup (context->stage_dir);
    plan->root_uid = facts->root_uid;
    plan->root_gid = facts->root_gid;
    plan->link_end = link_end (def);
    take_mount (&p, plan);
    plan->nodes.nodes_len = p.nodes->len;
    plan->nodes.nodes_val = (plan_node *) g_array_free (p.nodes, FALSE);
    if (p.links->len == 1 && def->hostdevs->len == 1)
        g_array_index (p.links, plan_link, 0).identity = g_array_index (facts->hostdevs, PlanDevice, 0).link;
    plan->links.links_len = p.links->len;
    plan->links.links_val = (plan_link *) g_array_free (p.links, FALSE);
    if (plan_device_check (plan, &why))
        return g_steal_pointer (&plan);
    error_set (error, ERR_INTERNAL, "the device's plan is wrong: %s", why);
    return NULL;
}

void
plan_device_destroy (device_plan *plan)
{
    if (!plan)
        return;
    plan_device_free (plan);
    g_free (plan);
}
