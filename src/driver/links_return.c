/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network devices of the host's that are in a container when that ends. The kernel would delete virtual ones with the
 * network namespace, and bring hardware back some time later, under the name that the guest gave it. So the namespace
 * is kept open, and once nothing runs in it any more skep-helper moves them back: a reboot from inside finds them.
 */
#include "driver/start_private.h"

#include <fcntl.h>

#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/device_rules.h"
#include "driver/errand.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

static gboolean
is_link (const HostdevDef *dev)
{
    return dev->type == HOSTDEV_NET;
}

static void
keep (Instance *instance)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/ns/net", (int) instance->init_pid);
    autofd int fd = instance->netns < 0 ? open (path, O_RDONLY | O_CLOEXEC) : -1;

    /* the number was init's still */
    if (fd < 0 || node_process_start (instance->init_pid) != instance->init_start)
        return;
    instance->netns = fd_steal (&fd);
    instance->begun |= G_GUINT64_CONSTANT (1) << STEP_LINKS_BIT;
}

void
links_keep (Instance *instance)
{
    const GPtrArray *all = instance->domain->def->hostdevs;
    gboolean needed = FALSE;

    for (guint i = 0; i < all->len; i++)
        needed |= is_link (all->pdata[i]);
    if (needed)
        keep (instance);
}

void
links_coming (Instance *instance, const DomainDef *alone, guint64 identity)
{
    links_came (instance);
    instance->coming = domain_def_copy (alone);
    instance->coming_identity = identity;
    keep (instance);
}

void
links_came (Instance *instance)
{
    g_clear_pointer (&instance->coming, domain_def_free);
}

typedef struct {
    ErrandTarget target;
    char *name;                 /* of the domain, for the log */
    int netns;
    GArray *plans;              /* of int */
} Work;

static void
work_free (gpointer data)
{
    Work *work = data;

    for (guint i = 0; i < work->plans->len; i++)
        close (g_array_index (work->plans, int, i));
    g_array_unref (work->plans);
    errand_target_clear (&work->target);
    fd_close (&work->netns);
    g_free (work->name);
    g_free (work);
}

/* One that the container has deleted or moved on hinders no other. */
static gpointer
work_run (gpointer data, GError **error)
{
    Work *work = data;
    g_autofree char *plan = g_strdup_printf ("%d", ERRAND_FD_FIRST);
    g_autofree char *netns = g_strdup_printf ("%d", ERRAND_FD_FIRST + 1);
    const char *words[] = { "device-return", plan, netns, NULL };

    (void) error;
    for (guint i = 0; i < work->plans->len; i++) {
        const int fds[] = { g_array_index (work->plans, int, i), work->netns };
        g_autoptr (GError) why = NULL;
        MonitorPacket answer;

        if (!errand_run (&work->target, words, fds, G_N_ELEMENTS (fds), ERRAND_DEADLINE_MS, &answer, &why))
            log_warning ("domain '%s': a network device of the host's is lost: %s", work->name, why->message);
    }
    return NULL;
}

static void
add_plan (const Instance *instance, const DomainDef *alone, const PlanDevice *numbers, GArray *plans)
{
    const HostdevDef *dev = alone->hostdevs->pdata[0];
    g_autoptr (PlanFacts) facts = device_recall_facts (alone, DEVICE_HOSTDEV, numbers);
    PlanLink *link = g_new0 (PlanLink, 1);
    g_autoptr (GError) error = NULL;
    int fd;

    link->host_name = g_strdup (dev->interface);
    link->guest_name = g_strdup (dev->interface);
    link->ifindex = 1;          /* not asked for on the way back */
    link->hostdev = dev;
    g_ptr_array_add (facts->links, link);
    fd = device_plan_fd (alone, facts, &error);
    if (fd >= 0)
        g_array_append_val (plans, fd);
    else
        log_warning ("domain '%s': %s", instance->domain->def->name, error->message);
}

static GArray *
make_plans (const Instance *instance)
{
    const DomainDef *def = instance->domain->def;
    GArray *plans = g_array_new (FALSE, FALSE, sizeof (int));
    const PlanDevice coming = { .link = instance->coming_identity };

    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];
        const DomainDevice device = { .kind = DEVICE_HOSTDEV, .item = (void *) dev };
        const PlanDevice numbers = dev->alias ? device_numbers_of (instance, dev->alias) : (PlanDevice) { 0 };
        g_autoptr (DomainDef) alone = is_link (dev) ? domain_device_alone (def, &device) : NULL;

        if (alone)
            add_plan (instance, alone, &numbers, plans);
    }
    if (instance->coming && domain_device_find (def, DEVICE_HOSTDEV, instance->coming->hostdevs->pdata[0]) < 0)
        add_plan (instance, instance->coming, &coming, plans);
    return plans;
}

gboolean
links_return (Instance *instance)
{
    Work *work;

    if (instance->netns < 0)
        return FALSE;
    work = g_new0 (Work, 1);
    *work = (Work) { .target = { .helper = g_strdup (daemon_state.settings->helper), .outside = TRUE,
                                 .init_pid = instance->init_pid, .init_start = instance->init_start },
                     .name = g_strdup (instance->domain->def->name), .netns = fd_steal (&instance->netns),
                     .plans = make_plans (instance) };
    task_run (work_run, work, work_free, links_gone, instance_ticket (instance));
    return TRUE;
}
