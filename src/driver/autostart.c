/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts the domains marked for it, once a boot, a few at a time.
 *
 * <skep:autostart order='N' delay='S'>: all of a lower order have been started (or have failed)
 * before one of a higher order begins; after one with a delay nothing begins for that time. Where the
 * setting autostart_groups is not empty, only domains of these groups are started.
 */
#include <string.h>

#include "driver/daemon.h"
#include "driver/start.h"
#include "util/file.h"
#include "util/log.h"

#define AT_ONCE 4

typedef struct {
    char *name;
    guint order, delay;
} Candidate;

typedef struct {
    GPtrArray *queue;           /* of Candidate, in order */
    guint next;                 /* in queue */
    guint running;              /* starts under way, all of one order */
    guint order;                /* of these */
    gboolean held;              /* one with a delay is not over */
    guint turn;                 /* source of the pending autostart_turn(), at most one; 0: none */
    DomainList *list;
} Autostart;

typedef struct {
    Autostart *all;
    Domain *domain;
    Job *job;
    guint delay;
} AutostartOne;

static void
candidate_free (gpointer data)
{
    Candidate *candidate = data;

    g_free (candidate->name);
    g_free (candidate);
}

static gboolean autostart_turn (gpointer data);

static void
autostart_next (Autostart *all)
{
    if (all->turn == 0)
        all->turn = g_idle_add (autostart_turn, all);
}

static gboolean
delay_over (gpointer data)
{
    Autostart *all = data;

    all->held = FALSE;
    autostart_next (all);
    return G_SOURCE_REMOVE;
}

static void
autostart_over (AutostartOne *one)
{
    Autostart *all = one->all;

    if (one->job)
        job_end (one->job);
    all->running--;
    if (one->delay > 0)
        g_timeout_add_seconds (one->delay, delay_over, all);
    else
        autostart_next (all);
    domain_unref (one->domain);
    g_free (one);
}

static void
autostart_done (Domain *domain, const GError *error, gpointer data)
{
    if (error)
        log_error ("cannot autostart domain '%s': %s", domain->def->name, error->message);
    autostart_over (data);
}

static void
autostart_run (Job *job, gpointer data)
{
    AutostartOne *one = data;
    StartOptions options = { 0 };

    one->job = job;
    if (one->domain->removing || one->domain->instance)
        autostart_over (one);
    else
        domain_start (one->domain, &options, autostart_done, one);
}

static void
start_candidate (Autostart *all, const Candidate *candidate)
{
    Domain *domain = domain_list_find_name (all->list, candidate->name);
    AutostartOne *one;

    if (!domain || domain->instance)
        return;
    one = g_new0 (AutostartOne, 1);
    one->all = all;
    one->domain = domain_ref (domain);
    one->delay = candidate->delay;
    all->order = candidate->order;
    all->held = candidate->delay > 0;
    all->running++;
    job_begin (&domain->jobs, JOB_START, "autostart", 0, autostart_run, NULL, one);
}

/* Not from inside a done(): the caller is asked from the main loop when it is this one's turn. */
static gboolean
autostart_turn (gpointer data)
{
    Autostart *all = data;

    all->turn = 0;
    while (all->running < AT_ONCE && !all->held && all->next < all->queue->len) {
        const Candidate *candidate = all->queue->pdata[all->next];

        if (all->running > 0 && candidate->order != all->order)
            break;
        all->next++;
        start_candidate (all, candidate);
    }
    /* a start that ended within the loop has asked for another turn, which looks again */
    if (all->running == 0 && !all->held && all->turn == 0 && all->next == all->queue->len) {
        g_ptr_array_unref (all->queue);
        g_free (all);
    }
    return G_SOURCE_REMOVE;
}

/* @wanted: comma separated; an empty part stands for domains without a group. */
static gboolean
in_groups (const DomainSkep *skep, const char *wanted)
{
    g_auto (GStrv) groups = wanted ? g_strsplit (wanted, ",", -1) : NULL;
    guint n = skep ? skep->groups->len : 0;

    if (!groups)
        return TRUE;
    for (char **group = groups; *group; group++) {
        g_strstrip (*group);
        if (!**group && n == 0)
            return TRUE;
        for (guint i = 0; i < n; i++)
            if (strcmp (skep->groups->pdata[i], *group) == 0)
                return TRUE;
    }
    return FALSE;
}

static void
collect_autostart (Domain *domain, gpointer data)
{
    const DomainSkep *skep = domain->def->skep;
    Candidate *candidate;

    if (!domain->autostart || domain->instance
        || !in_groups (skep, daemon_state.settings->autostart_groups))
        return;
    candidate = g_new0 (Candidate, 1);
    candidate->name = g_strdup (domain->def->name);
    candidate->order = skep ? skep->order : 0;
    candidate->delay = skep ? skep->delay : 0;
    g_ptr_array_add (((Autostart *) data)->queue, candidate);
}

static int
compare_candidates (gconstpointer a, gconstpointer b)
{
    const Candidate *one = *(const Candidate *const *) a, *two = *(const Candidate *const *) b;

    if (one->order != two->order)
        return one->order < two->order ? -1 : 1;
    return strcmp (one->name, two->name);
}

/* The marker holds the boot's id, so that it also works where the run directory outlives a boot. */
static gboolean
first_time_this_boot (void)
{
    g_autofree char *path = g_build_filename (daemon_state.settings->run_dir, "domains", "autostarted", NULL);
    g_autofree char *boot = file_read ("/proc/sys/kernel/random/boot_id", 128, NULL, NULL);
    g_autofree char *marked = file_read (path, 128, NULL, NULL);
    g_autoptr (GError) error = NULL;

    if (!boot || (marked && strcmp (boot, marked) == 0))
        return FALSE;
    if (!file_write (path, boot, strlen (boot), 0600, 0, &error))
        log_warning ("%s", error->message);
    return TRUE;
}

void
domains_autostart (DomainList *list)
{
    Autostart *all;

    if (!first_time_this_boot ())
        return;
    all = g_new0 (Autostart, 1);
    all->list = list;
    all->queue = g_ptr_array_new_with_free_func (candidate_free);
    domain_list_each (list, collect_autostart, all);
    g_ptr_array_sort (all->queue, compare_candidates);
    autostart_next (all);
}
