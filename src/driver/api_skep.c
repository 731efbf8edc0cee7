/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Skep's own program: the launch plan as text, and how the last init ended. */
#include <stdio.h>
#include <stdlib.h>

#include "conf/domain_passive.h"
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/host_devices.h"
#include "driver/notes.h"
#include "driver/planner.h"
#include "driver/start.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "host/block.h"
#include "util/task.h"

static void
fill_numbers (int *numbers, guint n)
{
    /* stand for descriptors that only a start opens; any valid number prints alike */
    for (guint i = 0; i < n; i++)
        numbers[i] = 100 + (int) i;
}

static char *
plan_as_text (const DomainDef *def, const PlanFacts *facts, GError **error)
{
    const Settings *settings = daemon_state.settings;
    g_autofree char *monitor_path = store_monitor_path (def);
    g_autofree char *stage_dir = store_stage_dir ();
    int logs[PLAN_CONSOLES_MAX], shares[SHARE_LAST];
    PlanContext context = {
        .monitor_path = monitor_path, .stage_dir = stage_dir,
        .console_ring = settings->console_ring_size, .console_log_max = settings->console_log_max,
        .start_deadline = settings->start_deadline, .kill_deadline = settings->destroy_deadline,
        .console_log_fds = logs, .share_fds = shares,
    };
    g_autoptr (launch_plan) plan = NULL;
    char *text = NULL;
    gsize size = 0;
    FILE *out;

    fill_numbers (logs, PLAN_CONSOLES_MAX);
    fill_numbers (shares, SHARE_LAST);
    context.views = cgroup_host_views (&context.n_views);
    plan = plan_make (def, facts, &context, error);
    if (!plan)
        return NULL;
    out = open_memstream (&text, &size);
    if (!out) {
        error_set (error, ERR_NO_MEMORY, "cannot print the plan");
        return NULL;
    }
    plan_print (plan, out);
    fclose (out);
    return text;
}

typedef struct {
    Call *call;
    DomainDef *def;             /* the task's; freed when the answer is made */
    PlanQuestion question;
    char **reply;
} PlanAsk;

/* An image stands for the device that only a start makes of it. What is in one that qemu-nbd reads is not known
 * before. */
static gboolean
rehearse_fs (const FsDef *fs, PlanFs *fact, GError **error)
{
    if (fs->type != FS_FILE && fs->type != FS_BLOCK)
        return TRUE;
    if (!fact->device)
        fact->device = g_strdup (fs->source);
    if (fs->type == FS_FILE && (fs->driver == FS_DRIVER_NBD || fs->format > FORMAT_RAW))
        fact->fstype = g_strdup ("auto");
    else
        fact->fstype = block_filesystem (fact->device, error);
    return fact->fstype != NULL;
}

/* What a start makes and then knows of. The host's end of a link has the name that the definition gives it, if any;
 * its index is any. */
static gboolean
rehearse (const DomainDef *def, PlanFacts *facts, GError **error)
{
    for (guint i = 0; i < def->filesystems->len; i++)
        if (!rehearse_fs (def->filesystems->pdata[i], &g_array_index (facts->fs, PlanFs, i), error))
            return FALSE;
    for (guint i = 0; i < def->nets->len; i++) {
        NetDef *net = def->nets->pdata[i];
        const char *made = net->type == NET_DIRECT ? "macvlan" : "veth";

        guest_link_name (def, net);
        plan_facts_add_link (facts, net->ifname ? net->ifname : made, 1, net->guest_ifname, net, NULL);
    }
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];

        if (dev->type == HOSTDEV_NET)
            plan_facts_add_link (facts, dev->interface, 1, dev->interface, NULL, dev);
    }
    return TRUE;
}

static gpointer
plan_look (gpointer data, GError **error)
{
    PlanAsk *ask = data;
    g_autoptr (PlanFacts) facts = plan_facts_gather (&ask->question, error);

    if (!facts || !rehearse (ask->def, facts, error))
        return NULL;
    return g_steal_pointer (&facts);
}

static void
plan_looked (gpointer result, GError *error, gpointer data)
{
    g_autoptr (PlanFacts) facts = result;
    g_autofree PlanAsk *ask = data;
    g_autoptr (DomainDef) def = ask->def;
    GError *why = error ? g_error_copy (error) : NULL;

    if (facts)
        *ask->reply = plan_as_text (def, facts, &why);
    if (why)
        call_failed (ask->call, why);
    else
        call_done (ask->call);
}

ApiResult
api_skep_domain_plan (Call *call, const skep_domain_plan_args *in, skep_domain_plan_ret *out,
                      GError **error)
{
    PlanAsk *ask;

    (void) in;
    if (!plan_check_def (call->domain->def, error))
        return API_FAILED;
    ask = g_new0 (PlanAsk, 1);
    ask->call = call;
    ask->def = domain_def_copy (domain_config_def (call->domain));
    ask->question = (PlanQuestion) { .def = ask->def, .arch32 = daemon_state.defaults.arch32,
                                     .cap_last = daemon_state.cap_last,
                                     .helper = daemon_state.settings->helper };
    ask->reply = &out->text;
    task_run (plan_look, ask, NULL, plan_looked, ask);
    return API_LATER;
}

ApiResult
api_skep_domain_get_last_exit (Call *call, const skep_domain_get_last_exit_args *in,
                               skep_domain_get_last_exit_ret *out, GError **error)
{
    const Domain *domain = call->domain;

    (void) in;
    (void) error;
    out->status = domain->last_exit;
    if (domain->last_exit == -1 && domain->last_error)
        out->reason = g_strdup_printf ("the last start failed: %s", domain->last_error);
    else
        out->reason = domain_last_exit_text (domain);
    return API_DONE;
}

ApiResult
api_skep_domain_get_notes (Call *call, const skep_domain_get_notes_args *in, skep_domain_get_notes_ret *out,
                       GError **error)
{
    g_autoptr (GPtrArray) notes = domain_def_without_effect (domain_config_def (call->domain));

    (void) in;
    (void) error;
    out->notes.notes_val = notes_to_wire (notes, &out->notes.notes_len);
    return API_DONE;
}
