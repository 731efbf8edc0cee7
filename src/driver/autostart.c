/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starts the domains marked for it, once a boot, a few at a time.
 *
 * <skep:autostart order='N' delay='S'>: all of a lower order have been started (or have failed)
 * before one of a higher order begins; after one with a delay nothing begins for that time. Where the
 * setting autostart_groups is not empty, only domains of these groups are started.
 *
 * RUN/domains/autostarted holds the boot's id, so that it also works where the run directory outlives
 * a boot, and then the uuid of each domain whose turn is not over: a daemon that is restarted meanwhile
 * goes on with these, without the rest of a delay. A domain whose start is over, well or not, is never
 * started again, whatever became of it since.
 */
#include <string.h>

#include "driver/daemon.h"
#include "driver/start.h"
#include "util/file.h"
#include "util/log.h"

#define AT_ONCE 4
#define MARKER_BYTES_MAX (16 << 20)

typedef struct {
    guint8 uuid[16];
    char *name;
    guint order, delay;
    gboolean over;              /* it is not for a later daemon */
} Candidate;

typedef struct {
    char *boot;                 /* its id, with a newline */
    char **left;                /* uuids that the daemon before us left; NULL: the first this boot */
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
    Candidate *candidate;       /* in all->queue */
    Domain *domain;
    Job *job;
} AutostartOne;

static void
candidate_free (gpointer data)
{
    Candidate *candidate = data;

    g_free (candidate->name);
    g_free (candidate);
}

static void
autostart_free (Autostart *all)
{
    g_ptr_array_unref (all->queue);
    g_strfreev (all->left);
    g_free (all->boot);
    g_free (all);
}

/* ---- the marker */

static char *
marker_path (void)
{
    return g_build_filename (daemon_state.settings->run_dir, "domains", "autostarted", NULL);
}

static void
save_marker (const Autostart *all)
{
    g_autoptr (GString) text = g_string_new (all->boot);
    g_autofree char *path = marker_path ();
    g_autoptr (GError) error = NULL;

    for (guint i = 0; i < all->queue->len; i++) {
        const Candidate *candidate = all->queue->pdata[i];
        char uuid[37];

        if (candidate->over)
            continue;
        domain_uuid_format (candidate->uuid, uuid);
        g_string_append_printf (text, "%s\n", uuid);
    }
    if (!file_write (path, text->str, text->len, 0600, 0, &error))
        log_warning ("%s", error->message);
}

/* FALSE: there is nothing to do this boot. */
static gboolean
load_marker (Autostart *all)
{
    g_autofree char *path = marker_path ();
    g_autofree char *marked = file_read (path, MARKER_BYTES_MAX, NULL, NULL);

    all->boot = file_read ("/proc/sys/kernel/random/boot_id", 128, NULL, NULL);
    if (!all->boot)
        return FALSE;
    if (!marked || !g_str_has_prefix (marked, all->boot))
        return TRUE;
    if (!marked[strlen (all->boot)])
        return FALSE;
    all->left = g_strsplit (marked + strlen (all->boot), "\n", -1);
    return TRUE;
}

static void
candidate_over (Autostart *all, Candidate *candidate)
{
    candidate->over = TRUE;
    save_marker (all);
}

/* ---- turns */

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
    candidate_over (all, one->candidate);
    all->running--;
    if (one->candidate->delay > 0)      /* (those of whole seconds may come a quarter of one too early) */
        g_timeout_add (one->candidate->delay * 1000, delay_over, all);
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
start_candidate (Autostart *all, Candidate *candidate)
{
    Domain *domain = domain_list_find_uuid (all->list, candidate->uuid);
    AutostartOne *one;

    if (!domain || domain->instance) {
        candidate_over (all, candidate);
        return;
    }
    one = g_new0 (AutostartOne, 1);
    one->all = all;
    one->candidate = candidate;
    one->domain = domain_ref (domain);
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
        Candidate *candidate = all->queue->pdata[all->next];

        if (all->running > 0 && candidate->order != all->order)
            break;
        all->next++;
        start_candidate (all, candidate);
    }
    /* a start that ended within the loop has asked for another turn, which looks again */
    if (all->running == 0 && !all->held && all->turn == 0 && all->next == all->queue->len)
        autostart_free (all);
    return G_SOURCE_REMOVE;
}

/* ---- who is to be started */

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
    Autostart *all = data;
    Candidate *candidate;
    char uuid[37];

    if (!domain->autostart || domain->instance
        || !in_groups (skep, daemon_state.settings->autostart_groups))
        return;
    domain_uuid_format (domain->def->uuid, uuid);
    if (all->left && !g_strv_contains ((const char *const *) all->left, uuid))
        return;
    candidate = g_new0 (Candidate, 1);
    memcpy (candidate->uuid, domain->def->uuid, sizeof candidate->uuid);
    candidate->name = g_strdup (domain->def->name);
    candidate->order = skep ? skep->order : 0;
    candidate->delay = skep ? skep->delay : 0;
    g_ptr_array_add (all->queue, candidate);
}

static int
compare_candidates (gconstpointer a, gconstpointer b)
{
    const Candidate *one = *(const Candidate *const *) a, *two = *(const Candidate *const *) b;

    if (one->order != two->order)
        return one->order < two->order ? -1 : 1;
    return strcmp (one->name, two->name);
}

void
domains_autostart (DomainList *list)
{
    Autostart *all = g_new0 (Autostart, 1);

    all->list = list;
    all->queue = g_ptr_array_new_with_free_func (candidate_free);
    if (!load_marker (all)) {
        autostart_free (all);
        return;
    }
    domain_list_each (list, collect_autostart, all);
    g_ptr_array_sort (all->queue, compare_candidates);
    save_marker (all);
    autostart_next (all);
}
