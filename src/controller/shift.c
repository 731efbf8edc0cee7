/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Order for one file: its ACLs (a second time they are found right), then the record, the owner, the
 * mode, the capabilities, and the record away again. The kernel drops set-id bits and capabilities when
 * an owner changes, so at no time does a program have the old owner's rights under the new one's name.
 *
 * Every file is held by an O_PATH descriptor while it is looked at and changed, and found by its name in
 * its directory's descriptor, never through a link or into another mount: whoever can write to the tree
 * meanwhile can hide files from us, not point us elsewhere.
 */
#include "controller/shift.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "controller/shift_attributes.h"
#include "util/fd.h"

#define LEVELS_MAX 512
#define PROGRESS_S 5

typedef struct {
    DIR *dir;
    size_t path_length;         /* of the directory itself */
} Level;

typedef struct {
    const ShiftTask *task;
    int root, record;
    unsigned depth;
    Level levels[LEVELS_MAX];
    char path[4096];            /* below the root; "" is the root */
    size_t path_length;
    uint64_t changed, foreign, mounts;
    time_t told;
} Shift;

/* ---- the map */

static uint32_t
last_of (uint32_t first, uint32_t count)
{
    return first + (count - 1);
}

int
shift_map_parse (const char *text, ShiftMap *map)
{
    map->n = 0;
    for (;;) {
        ShiftRange *range = &map->ranges[map->n];
        int length = 0;

        if (map->n == SHIFT_RANGES_MAX
            || sscanf (text, "%u:%u:%u%n", &range->guest, &range->host, &range->count, &length) != 3
            || range->count == 0 || last_of (range->guest, range->count) < range->guest
            || last_of (range->host, range->count) < range->host)
            break;
        map->n++;
        text += length;
        if (*text == '\0')
            return 0;
        if (*text++ != ',')
            break;
    }
    errno = EINVAL;
    return -1;
}

uint32_t
shift_id (const ShiftMap *map, uint32_t id, bool *ret_known)
{
    *ret_known = true;
    for (unsigned i = 0; i < map->n; i++) {
        const ShiftRange *range = &map->ranges[i];

        if (id >= range->guest && id <= last_of (range->guest, range->count))
            return range->host + (id - range->guest);
    }
    for (unsigned i = 0; i < map->n; i++) {
        if (id >= map->ranges[i].host && id <= last_of (map->ranges[i].host, map->ranges[i].count))
            return id;
    }
    *ret_known = false;
    return id;
}

/* An id can be a file's before or after the change, but not both: else a second walk would move it on.
 * 0, or -1 with EOVERFLOW. */
static int
shift_map_check (const ShiftMap *map)
{
    for (unsigned i = 0; i < map->n; i++) {
        const ShiftRange *to = &map->ranges[i];

        for (unsigned j = 0; j < map->n; j++) {
            const ShiftRange *from = &map->ranges[j];

            if (to->host > last_of (from->guest, from->count) || from->guest > last_of (to->host, to->count)
                || (i == j && to->host == to->guest))
                continue;
            errno = EOVERFLOW;
            return -1;
        }
    }
    return 0;
}

/* ---- can it be id-mapped? */

static int
pid_write (pid_t pid, const char *file, const char *text)
{
    char path[64];
    autofd int fd = -1;

    snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, file);
    fd = open (path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -1 : fd_write_all (fd, text, strlen (text));
}

/* Some user namespace that is not the host's, held by its descriptor. */
static int
any_user_namespace (void)
{
    char path[64];
    autofd int fd = -1;
    pid_t pid = (pid_t) syscall (SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid < 0)
        return -1;
    if (pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
            pause ();
    }
    snprintf (path, sizeof path, "/proc/%d/ns/user", (int) pid);
    if (pid_write (pid, "uid_map", "0 65536 1\n") == 0 && pid_write (pid, "gid_map", "0 65536 1\n") == 0)
        fd = open (path, O_RDONLY | O_CLOEXEC);
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    return fd_steal (&fd);
}

void
shift_probe (const char *path, MonitorPacket *answer)
{
    autofd int userns = any_user_namespace (), tree = -1;
    struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
    int r = -1;

    memset (answer, 0, sizeof *answer);
    answer->type = MONITOR_FAILED;
    attr.userns_fd = (uint64_t) userns;
    if (userns >= 0)
        tree = open_tree (AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree >= 0)
        r = mount_setattr (tree, "", AT_EMPTY_PATH, &attr, sizeof attr);
    if (tree >= 0 && (r == 0 || errno == EINVAL || errno == ENOSYS)) {
        answer->type = MONITOR_DONE;
        answer->flags = r == 0;
        return;
    }
    answer->err = errno;
    snprintf (answer->object, sizeof answer->object, "%s", userns < 0 ? "user namespace" : path);
}

/* ---- one file */

/* What a file has to become; also the record, as text: "inode mode uid gid capabilities path\n". */
typedef struct {
    unsigned long inode;
    unsigned mode, uid, gid;
    FileCapabilities caps;
} Wanted;

static int
failed (MonitorPacket *answer, const Shift *s)
{
    answer->type = MONITOR_FAILED;
    answer->err = errno;
    snprintf (answer->object, sizeof answer->object, "%.*s", (int) sizeof answer->object - 1,
              s->path_length ? s->path : "/");
    return -1;
}

static int
open_entry (int dir, const char *name)
{
    return fd_open_resolved (dir, name, O_PATH | O_NOFOLLOW, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
}

static int
record_write (Shift *s, const Wanted *wanted)
{
    char text[sizeof s->path + CAPABILITIES_TEXT_MAX + 128], caps[CAPABILITIES_TEXT_MAX];
    int n;

    capabilities_to_text (&wanted->caps, caps);
    n = snprintf (text, sizeof text, "%lu %o %u %u %s %s\n", wanted->inode, wanted->mode, wanted->uid,
                  wanted->gid, caps, s->path);
    return pwrite (s->record, text, (size_t) n, 0) == n ? 0 : -1;
}

static int
file_finish (int fd, const Wanted *wanted)
{
    char self[64];

    snprintf (self, sizeof self, "/proc/self/fd/%d", fd);
    if (fchownat (fd, "", wanted->uid, wanted->gid, AT_EMPTY_PATH) < 0)
        return -1;
    if ((wanted->mode & 06000) && chmod (self, wanted->mode & 07777) < 0)
        return -1;
    return capabilities_write (self, &wanted->caps);
}

/* Ends what a killed predecessor had begun. A record that is not whole was written before anything was
 * done; a file that is no longer there needs nothing. */
static int
record_finish (Shift *s)
{
    char text[sizeof s->path + CAPABILITIES_TEXT_MAX + 128], caps[CAPABILITIES_TEXT_MAX];
    ssize_t n = pread (s->record, text, sizeof text - 1, 0);
    Wanted wanted = { .inode = 0 };
    autofd int fd = -1;
    struct stat st;
    int at = 0;

    if (n <= 0)
        return (int) n;
    text[n] = '\0';
    if (text[n - 1] == '\n'
        && sscanf (text, "%lu %o %u %u %63s%n", &wanted.inode, &wanted.mode, &wanted.uid, &wanted.gid,
                   caps, &at) == 5
        && at > 0 && capabilities_from_text (caps, &wanted.caps) == 0) {
        text[n - 1] = '\0';
        /* one blank, and then the path, which may begin with one */
        fd = open_entry (s->root, text + at + 1);
        if (fd >= 0 && fstat (fd, &st) == 0 && st.st_ino == wanted.inode && S_ISREG (st.st_mode)
            && file_finish (fd, &wanted) < 0)
            return -1;
    }
    return ftruncate (s->record, 0);
}

static int
change_file (Shift *s, int fd, const struct stat *st)
{
    Wanted wanted = { .inode = st->st_ino, .mode = st->st_mode };
    bool known_uid, known_gid, risky;
    char self[64];

    wanted.uid = shift_id (&s->task->uids, st->st_uid, &known_uid);
    wanted.gid = shift_id (&s->task->gids, st->st_gid, &known_gid);
    s->foreign += !known_uid || !known_gid;
    if (wanted.uid == st->st_uid && wanted.gid == st->st_gid)
        return 0;
    s->changed++;
    if (S_ISLNK (st->st_mode))
        return fchownat (fd, "", wanted.uid, wanted.gid, AT_EMPTY_PATH);
    snprintf (self, sizeof self, "/proc/self/fd/%d", fd);
    if (acl_shift (self, S_ISDIR (st->st_mode), &s->task->uids, &s->task->gids) < 0)
        return -1;
    if (!S_ISREG (st->st_mode))
        return fchownat (fd, "", wanted.uid, wanted.gid, AT_EMPTY_PATH);
    if (capabilities_read (self, &s->task->uids, &wanted.caps) < 0)
        return -1;
    risky = (wanted.mode & 06000) || wanted.caps.size > 0;
    if (risky && record_write (s, &wanted) < 0)
        return -1;
    if (file_finish (fd, &wanted) < 0)
        return -1;
    return risky ? ftruncate (s->record, 0) : 0;
}

/* ---- the tree */

static void
tell_progress (Shift *s)
{
    time_t now = time (NULL);

    if (now < s->told + PROGRESS_S)
        return;
    s->told = now;
    dprintf (STDERR_FILENO, "skep-helper: %llu files of %s changed so far\n",
             (unsigned long long) s->changed, s->task->root);
}

/* Takes @fd, a directory whose name is in the path already. */
static int
enter_directory (Shift *s, int fd)
{
    int dir = s->depth < LEVELS_MAX ? openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    Level *level = &s->levels[s->depth];

    if (s->depth == LEVELS_MAX)
        errno = ELOOP;
    close (fd);
    if (dir < 0)
        return -1;
    level->dir = fdopendir (dir);
    if (!level->dir) {
        close (dir);
        return -1;
    }
    level->path_length = s->path_length;
    s->depth++;
    return 0;
}

/* After everything in it. */
static int
leave_directory (Shift *s)
{
    Level *level = &s->levels[s->depth - 1];
    struct stat st;
    int r;

    s->path_length = level->path_length;
    s->path[s->path_length] = '\0';
    r = fstat (dirfd (level->dir), &st) < 0 ? -1 : change_file (s, dirfd (level->dir), &st);
    closedir (level->dir);
    s->depth--;
    return r;
}

static int
path_append (Shift *s, const char *name)
{
    size_t base = s->levels[s->depth - 1].path_length;
    int n = snprintf (s->path + base, sizeof s->path - base, "%s%s", base ? "/" : "", name);

    s->path_length = base + (size_t) n;
    if (s->path_length < sizeof s->path)
        return 0;
    s->path_length = base;
    s->path[base] = '\0';
    errno = ENAMETOOLONG;
    return -1;
}

static int
visit (Shift *s, const char *name)
{
    autofd int fd = -1;
    struct stat st;

    if (path_append (s, name) < 0)
        return -1;
    fd = open_entry (dirfd (s->levels[s->depth - 1].dir), name);
    if (fd < 0 && errno == EXDEV) {
        s->mounts++;
        return 0;
    }
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (fstat (fd, &st) < 0)
        return -1;
    return S_ISDIR (st.st_mode) ? enter_directory (s, fd_steal (&fd)) : change_file (s, fd, &st);
}

static int
walk (Shift *s)
{
    while (s->depth > 0) {
        struct dirent *entry;

        tell_progress (s);
        errno = 0;
        entry = readdir (s->levels[s->depth - 1].dir);
        if (!entry && errno)
            return -1;
        if (!entry) {
            if (leave_directory (s) < 0)
                return -1;
        } else if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0
                   && visit (s, entry->d_name) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The record is also the lock: two walks of one root would each take the other's record for its own. */
static int
open_record (Shift *s, const struct stat *root, char *path, size_t size)
{
    snprintf (path, size, "%s/ids-%lx-%lx", s->task->records, (unsigned long) root->st_dev,
              (unsigned long) root->st_ino);
    for (;;) {
        struct stat mine, there;

        s->record = open (path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (s->record < 0 || flock (s->record, LOCK_EX | LOCK_NB) < 0 || fstat (s->record, &mine) < 0)
            return -1;
        if (stat (path, &there) == 0 && there.st_ino == mine.st_ino && there.st_dev == mine.st_dev)
            return 0;
        /* removed by the one before us, who had the lock until now */
        fd_close (&s->record);
    }
}

/* One that says something is needed by the next walk. */
static void
remove_record (const Shift *s, const char *path)
{
    struct stat st;

    if (s->record >= 0 && fstat (s->record, &st) == 0 && st.st_size == 0)
        unlink (path);
}

static int
run (Shift *s, const struct stat *root)
{
    bool known_uid, known_gid;

    /* a record without its walk: the last file was the root's directory */
    if (record_finish (s) < 0)
        return -1;
    if (shift_id (&s->task->uids, root->st_uid, &known_uid) == root->st_uid
        && shift_id (&s->task->gids, root->st_gid, &known_gid) == root->st_gid) {
        /* another map made it what it is: nobody inside would own "/" */
        errno = EOVERFLOW;
        return known_uid ? 0 : -1;
    }
    return enter_directory (s, dup (s->root)) < 0 ? -1 : walk (s);
}

void
shift_run (const ShiftTask *task, MonitorPacket *answer)
{
    static Shift s;
    char record[4096 + 64];
    struct stat root;

    memset (answer, 0, sizeof *answer);
    s = (Shift) { .task = task, .record = -1, .told = time (NULL) };
    s.root = open (task->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s.root < 0 || fstat (s.root, &root) < 0 || shift_map_check (&task->uids) < 0
        || shift_map_check (&task->gids) < 0 || open_record (&s, &root, record, sizeof record) < 0) {
        failed (answer, &s);
        return;
    }
    if (run (&s, &root) < 0) {
        failed (answer, &s);
        remove_record (&s, record);
        return;
    }
    remove_record (&s, record);
    answer->type = MONITOR_DONE;
    answer->a = s.changed;
    answer->b = s.foreign;
    answer->reserved = (uint32_t) s.mounts;
}
