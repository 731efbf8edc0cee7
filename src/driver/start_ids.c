/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The step "ids", for containers with an id map on file systems that have no id-mapped mounts. The
 * files of the container's root are given to the container's host ids on disk, by skep-helper; a
 * process of its own, since it may take long and must be possible to stop anywhere (shift.h says why
 * that is safe). What else is mounted keeps its ids: it may be of use to others, and libvirt maps none.
 * Both are said, in the domain's log and the daemon's.
 *
 * There is nothing to undo but the helper: files that were given away stay so, and the next start goes
 * on where this one ended.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/idmap.h"
#include "driver/start_private.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/spawn.h"

struct IdsWork {
    int pidfd;              /* the watch's, which closes it; ours to signal until `over` */
    int answer;
    gboolean over;
    char *root;
    InstanceTicket *step, *undo;
};

static void
ids_work_clear (gpointer data)
{
    IdsWork *work = data;

    fd_close (&work->answer);
    g_free (work->root);
}

void
ids_work_unref (IdsWork *work)
{
    if (work)
        g_rc_box_release_full (work, ids_work_clear);
}

static gboolean
keeps_ids (const Instance *instance, guint i)
{
    return g_array_index (instance->facts->fs, PlanFs, i).keeps_ids;
}

gboolean
ids_needed (Instance *instance)
{
    for (guint i = 0; instance->facts && i < instance->facts->fs->len; i++)
        if (keeps_ids (instance, i))
            return TRUE;
    return FALSE;
}

static void
say (Instance *instance, const char *text)
{
    instance_log (instance, "%s", text);
    log_warning ("domain '%s': %s", instance->domain->def->name, text);
}

void
ids_say_kept (Instance *instance, const FsDef *fs)
{
    g_autofree char *text = g_strdup_printf ("%s: no id-mapped mounts on its file system: ids are as on "
                                             "the host", fs->source);

    say (instance, text);
}

static void
say_root (Instance *instance, const char *root)
{
    g_autofree char *text = g_strdup_printf ("%s: no id-mapped mounts on its file system: its files are "
                                             "given to the container's ids on disk", root);

    say (instance, text);
}

/* ---- the root of another container that runs */

typedef struct {
    const Domain *domain, *other;
    const char *root;
} RootSearch;

static void
search_root (Domain *domain, gpointer data)
{
    RootSearch *search = data;

    if (domain == search->domain || !domain->instance)
        return;
    for (guint i = 0; i < domain->def->filesystems->len; i++) {
        const FsDef *fs = domain->def->filesystems->pdata[i];

        if (fs->type == FS_MOUNT && strcmp (fs->source, search->root) == 0)
            search->other = domain;
    }
}

static gboolean
same_map (const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++)
        if (memcmp (a->pdata[i], b->pdata[i], sizeof (IdmapEntry)) != 0)
            return FALSE;
    return TRUE;
}

static gboolean
check_alone (const Instance *instance, const char *root, GError **error)
{
    const DomainDef *def = instance->domain->def;
    RootSearch search = { .domain = instance->domain, .root = root };

    domain_list_each (daemon_state.domains, search_root, &search);
    if (!search.other || (same_map (search.other->def->uid_map, def->uid_map)
                          && same_map (search.other->def->gid_map, def->gid_map)))
        return TRUE;
    return error_set (error, ERR_OPERATION_INVALID,
                      "'%s' has no id-mapped mounts, and is in use by domain '%s' with other ids", root,
                      search.other->def->name);
}

/* ---- the helper */

static char *
map_text (const GPtrArray *map)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < map->len; i++) {
        const IdmapEntry *entry = map->pdata[i];

        g_string_append_printf (text, "%s%u:%u:%u", i ? "," : "", entry->start, entry->target,
                                entry->count);
    }
    return g_string_free (text, FALSE);
}

static GError *
shift_error (const IdsWork *work, const MonitorPacket *answer, const GError *why)
{
    GError *error = NULL;

    if (answer->type == MONITOR_FAILED && answer->err == EOVERFLOW)
        error_set (&error, ERR_CONFIG_UNSUPPORTED,
                   "'%s' has no id-mapped mounts, and its files belong to the ids of another id map, or "
                   "the ids of this one overlap: they cannot be changed on disk", work->root);
    else
        error_set (&error, ERR_SYSTEM, "'%s' has no id-mapped mounts, and its files cannot be changed on "
                   "disk: %s", work->root, why->message);
    return error;
}

static void
shift_ended (pid_t pid, int status, gpointer data)
{
    IdsWork *work = data;
    Instance *starting = instance_redeem (work->step);
    Instance *undoing = work->undo ? instance_redeem (work->undo) : NULL;
    g_autoptr (GError) error = NULL;
    g_autofree char *text = NULL;
    MonitorPacket answer = { 0 };

    (void) pid;
    (void) status;
    work->over = TRUE;
    if (undoing) {
        instance_resume (undoing);
    } else if (starting && helper_answer (work->answer, &answer, &error)) {
        text = g_strdup_printf ("%s: %" G_GUINT64_FORMAT " files changed, %" G_GUINT64_FORMAT
                                " of ids that the map does not have, %u other mounts left alone",
                                work->root, answer.a, answer.b, answer.reserved);
        instance_log (starting, "%s", text);
        instance_resume (starting);
    } else if (starting) {
        instance_fail (starting, shift_error (work, &answer, error));
    }
    ids_work_unref (work);
}

static gboolean
start_helper (Instance *instance, const char *root, GError **error)
{
    const DomainDef *def = instance->domain->def;
    g_autofree char *uids = map_text (def->uid_map);
    g_autofree char *gids = map_text (def->gid_map);
    const char *argv[] = { daemon_state.settings->helper, "--answer-fd", "3", "shift", root,
                           daemon_state.settings->run_dir, uids, gids, NULL };
    SpawnFd fds[] = { { -1, 3 }, { instance->log_fd, STDERR_FILENO } };
    SpawnArgs args = { .argv = argv, .fds = fds, .n_fds = G_N_ELEMENTS (fds), .new_session = TRUE };
    autofd int ours = -1, theirs = -1;
    int pair[2], pidfd;
    IdsWork *work;
    pid_t pid;

    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return error_set_errno (error, errno, "cannot start skep-helper");
    ours = pair[0];
    theirs = fds[0].from = pair[1];
    if (!spawn_start (&args, &pid, &pidfd, error))
        return FALSE;
    work = g_rc_box_new0 (IdsWork);
    work->pidfd = pidfd;
    work->answer = fd_steal (&ours);
    work->root = g_strdup (root);
    work->step = instance_ticket (instance);
    instance->ids = work;
    spawn_watch (pid, pidfd, shift_ended, g_rc_box_acquire (work));
    return TRUE;
}

StepResult
step_ids (Instance *instance, GError **error)
{
    const DomainDef *def = instance->domain->def;
    const char *root = NULL;

    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (!keeps_ids (instance, i))
            continue;
        if (strcmp (fs->target, "/") == 0)
            root = fs->source;
        else
            ids_say_kept (instance, fs);
    }
    if (!root)
        return STEP_DONE;
    if (!check_alone (instance, root, error))
        return STEP_FAILED;
    say_root (instance, root);
    return start_helper (instance, root, error) ? STEP_WAIT : STEP_FAILED;
}

StepResult
undo_ids (Instance *instance)
{
    IdsWork *work = instance->ids;

    if (!work || work->over)
        return STEP_DONE;
    pidfd_signal (work->pidfd, SIGKILL);
    if (work->undo)
        instance_redeem (work->undo);
    work->undo = instance_ticket (instance);
    return STEP_WAIT;
}
