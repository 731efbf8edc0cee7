/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's child, from clone to execve. No locks, no logging, no allocation beyond a map: the
 * order below is the design, and each step says what must not move.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/credentials.h"
#include "controller/netlink.h"
#include "controller/path.h"
#include "controller/program.h"
#include "controller/sync.h"
#include "controller/users.h"
#include "util/fd.h"
#include "util/sysctl.h"

#define CPUS_MAX 8192
#define PASS_BASE 3

static void
die_with_controller (void)
{
    /* kill -9 of the controller kills the container. Every change of credentials clears this. */
    prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* A keyring of its own: else the container would hold the daemon's. While still the host's root, whose
 * quota is large: as the container's root some 200 containers of one id map would exhaust theirs. */
static int
leave_keyring (Failure *failure)
{
    if (syscall (SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
        return failure_set (failure, STEP_CREDENTIALS, "session keyring");
    return 0;
}

/* These two files belong to the host's root; the calls ask for the namespace's. */
static int
set_name (const plan_sysctl *sysctl)
{
    size_t length = strlen (sysctl->value);

    return strcmp (sysctl->key, "kernel/hostname") == 0 ? sethostname (sysctl->value, length)
                                                        : setdomainname (sysctl->value, length);
}

/* Through the host's procfs, which is still in sight and writable: keys of a namespace show the
 * reader's own. plan_check() let no other key pass. */
static int
write_sysctl (const plan_sysctl *sysctl)
{
    char path[PLAN_STRING_MAX + 16];
    autofd int fd = -1;

    if (sysctl_owner (sysctl->key) == SYSCTL_UTS)
        return set_name (sysctl);
    snprintf (path, sizeof path, "/proc/sys/%s", sysctl->key);
    fd = open (path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -1 : fd_write_all (fd, sysctl->value, strlen (sysctl->value));
}

static int
set_sysctls (const launch_plan *plan, Failure *failure)
{
    for (u_int i = 0; i < plan->sysctls.sysctls_len; i++) {
        const plan_sysctl *sysctl = &plan->sysctls.sysctls_val[i];

        if (failure_enter (failure, STEP_SYSCTL, sysctl->key) < 0)
            return -1;
        if (write_sysctl (sysctl) < 0)
            return failure_set (failure, STEP_SYSCTL, sysctl->key);
    }
    return 0;
}

/* Part one, with the host's tree still in sight: all namespaces but the mounts. */
static int
complete_namespaces (const launch_plan *plan, Failure *failure)
{
    if (leave_keyring (failure) < 0 || credentials_become_root (plan, failure) < 0)
        return -1;
    die_with_controller ();
    /* after the cgroup was joined: the namespace roots where we are */
    if (plan->namespaces & CLONE_NEWCGROUP) {
        if (failure_enter (failure, STEP_CGROUP_NAMESPACE, "") < 0)
            return -1;
        if (unshare (CLONE_NEWCGROUP) < 0)
            return failure_set (failure, STEP_CGROUP_NAMESPACE, "");
    }
    if (plan->hostname[0]) {
        if (failure_enter (failure, STEP_HOSTNAME, plan->hostname) < 0)
            return -1;
        if (sethostname (plan->hostname, strlen (plan->hostname)) < 0)
            return failure_set (failure, STEP_HOSTNAME, plan->hostname);
    }
    if (links_configure (plan, failure) < 0)
        return -1;
    return set_sysctls (plan, failure);
}

/* "0-3,8" into a bit set; empty and out of range are errors. */
static int
parse_list (const char *text, unsigned long *bits, unsigned max)
{
    const unsigned width = 8 * sizeof *bits;

    memset (bits, 0, max / 8);
    do {
        char *end;
        unsigned long from = strtoul (text, &end, 10), to = from;

        if (end == text || *text < '0' || *text > '9')
            return -1;
        if (*end == '-') {
            text = end + 1;
            to = strtoul (text, &end, 10);
            if (end == text)
                return -1;
        }
        if (to < from || to >= max)
            return -1;
        for (unsigned long bit = from; bit <= to; bit++)
            bits[bit / width] |= 1UL << (bit % width);
        text = end;
    } while (*text++ == ',');
    return text[-1] == '\0' ? 0 : -1;
}

static int
set_scheduling (const launch_plan *plan, Failure *failure)
{
    unsigned long bits[CPUS_MAX / (8 * sizeof (unsigned long))];

    if (plan->personality32) {
        if (failure_enter (failure, STEP_PERSONALITY, "linux32") < 0)
            return -1;
        if (personality (PER_LINUX32) < 0)
            return failure_set (failure, STEP_PERSONALITY, "linux32");
    }
    if (plan->cpu_affinity[0]) {
        if (failure_enter (failure, STEP_AFFINITY, plan->cpu_affinity) < 0)
            return -1;
        errno = EINVAL;
        if (parse_list (plan->cpu_affinity, bits, CPUS_MAX) < 0
            || syscall (SYS_sched_setaffinity, 0, sizeof bits, bits) < 0)
            return failure_set (failure, STEP_AFFINITY, plan->cpu_affinity);
    }
    if (plan->numa_mode >= 0) {
        errno = EINVAL;
        if (parse_list (plan->numa_nodes, bits, 1024) < 0
            || syscall (SYS_set_mempolicy, plan->numa_mode, bits, 1024 + 1) < 0)
            return failure_set_detail (failure, STEP_AFFINITY, plan->numa_nodes, "memory nodes");
    }
    return 0;
}

/* The last mount namespace, owned by the container's user namespace: the copy locks what the builder
 * made. Nothing may be masked after this, and nothing may enter before it. Without a user namespace
 * there is nobody to lock against, and M1 itself serves. */
static int
lock_mounts (const launch_plan *plan, Failure *failure)
{
    if (failure_enter (failure, STEP_LOCK_MOUNTS, "") < 0)
        return -1;
    if ((plan->namespaces & CLONE_NEWUSER) && unshare (CLONE_NEWNS) < 0)
        return failure_set (failure, STEP_LOCK_MOUNTS, "");
    /* shared within the container, as systemd expects of "/"; its peers are all inside */
    if (mount (NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0)
        return failure_set (failure, STEP_LOCK_MOUNTS, "/");
    return 0;
}

/* The first console as it is called inside, so that ttyname() finds it: /dev/console if that is ours,
 * else its name in devpts. Checked to be pty 0 of a devpts, not something the rootfs put there. */
static int
open_console (int root)
{
    static const char *const names[] = { "/dev/console", "/dev/pts/0" };
    struct stat st;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        autofd int fd = path_open (root, names[i], O_RDWR | O_NOCTTY | O_NONBLOCK, PATH_STRICT);

        /* 136 is the major number of UNIX98 slaves */
        if (fd < 0 || fstat (fd, &st) < 0 || !S_ISCHR (st.st_mode)
            || st.st_rdev != ((dev_t) 136 << 8))
            continue;
        if (fcntl (fd, F_SETFL, O_RDWR) < 0)
            return -1;
        return fd_steal (&fd);
    }
    errno = ENOTTY;
    return -1;
}

/* EINVAL: the first time that the kernel is asked about the user's id, and it is not in the map. */
static int
owner_failed (const User *user, Failure *failure)
{
    char number[48];

    snprintf (number, sizeof number, "uid %u", user->uid);
    if (errno == EINVAL)
        return failure_set_detail (failure, STEP_CREDENTIALS, number, "is it mapped?");
    return failure_set_detail (failure, STEP_SESSION, "/dev/console", number);
}

static int
make_session (const launch_plan *plan, int root, const User *user, Failure *failure)
{
    autofd int tty = -1;

    if (failure_enter (failure, STEP_SESSION, "") < 0)
        return -1;
    if (setsid () < 0 && errno != EPERM)
        return failure_set (failure, STEP_SESSION, "");
    if (plan->consoles.consoles_len == 0) {
        tty = open ("/dev/null", O_RDWR | O_CLOEXEC);
        if (tty < 0)
            return failure_set (failure, STEP_SESSION, "/dev/null");
    } else {
        tty = open_console (root);
        /* controlling terminal: what job control of a shell needs */
        if (tty < 0 || (plan->init.controlling_tty && ioctl (tty, TIOCSCTTY, 0) < 0))
            return failure_set (failure, STEP_SESSION, "/dev/console");
        if (user->uid != 0 && fchown (tty, user->uid, (gid_t) -1) < 0)
            return owner_failed (user, failure);
    }
    for (int fd = 0; fd < 3; fd++) {
        if (dup2 (tty, fd) < 0)
            return failure_set (failure, STEP_SESSION, "standard descriptors");
    }
    return 0;
}

/* Passed descriptors become 3, 4, ...; everything else closes at execve() (attack A02). */
static int
arrange_fds (const plan_init *init, int *sock, Failure *failure)
{
    unsigned n = init->pass_fds.pass_fds_len;
    int high[PLAN_FDS_MAX];

    if (failure_enter (failure, STEP_FDS, "") < 0)
        return -1;
    /* all out of the way first: a source may lie where another is to go */
    *sock = fcntl (*sock, F_DUPFD_CLOEXEC, PASS_BASE + PLAN_FDS_MAX);
    if (*sock < 0)
        return failure_set (failure, STEP_FDS, "");
    for (unsigned i = 0; i < n; i++) {
        high[i] = fcntl (init->pass_fds.pass_fds_val[i], F_DUPFD_CLOEXEC, PASS_BASE + PLAN_FDS_MAX);
        if (high[i] < 0)
            return failure_set (failure, STEP_FDS, "passed");
    }
    for (unsigned i = 0; i < n; i++) {
        if (dup2 (high[i], PASS_BASE + (int) i) < 0)
            return failure_set (failure, STEP_FDS, "passed");
    }
    if (fd_cloexec_from (PASS_BASE + n) < 0)
        return failure_set (failure, STEP_FDS, "");
    return 0;
}

static void
reset_signals (void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void) signal (number, SIG_DFL);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
}

/* execve() with the plan's arguments; returns only on failure. */
static int
execute (const plan_init *init, Failure *failure)
{
    static char *argv[PLAN_ARGS_MAX + 1], *envp[PLAN_ARGS_MAX + 1];

    for (u_int i = 0; i < init->argv.argv_len; i++)
        argv[i] = init->argv.argv_val[i].value;
    for (u_int i = 0; i < init->env.env_len; i++)
        envp[i] = init->env.env_val[i].entry;
    execve (init->path, argv, envp);
    return failure_set (failure, STEP_EXEC, init->path);
}

/* Part two, with the container's tree as root. */
static int
become_init (const launch_plan *plan, int *sock, Failure *failure)
{
    const plan_init *init = &plan->init;
    const char *cwd = init->cwd[0] ? init->cwd : "/";
    autofd int root = -1, proc = -1;
    User user;

    if (lock_mounts (plan, failure) < 0 || set_scheduling (plan, failure) < 0)
        return -1;
    root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return failure_set (failure, STEP_PIVOT, "/");
    if (failure_enter (failure, STEP_USER, init->user) < 0
        || user_lookup (root, init->user, init->group, &user, failure) < 0
        || make_session (plan, root, &user, failure) < 0
        || program_check (root, init->path, failure) < 0)
        return -1;
    /* label before the ids: writing it asks for privileges under some modules */
    proc = path_open (root, "/proc", O_PATH | O_DIRECTORY, PATH_STRICT);
    if (credentials_set_label (plan, proc, failure) < 0
        || credentials_switch (plan, &user, failure) < 0)
        return -1;
    /* as the user: init must be able to be where it is put */
    if (failure_enter (failure, STEP_CWD, cwd) < 0)
        return -1;
    if (chdir (cwd) < 0)
        return failure_set (failure, STEP_CWD, cwd);
    if (arrange_fds (init, sock, failure) < 0)
        return -1;
    reset_signals ();
    umask (022);
    /* the filter comes last, or it would judge our own calls above */
    if (credentials_seal (plan, failure) < 0)
        return -1;
    die_with_controller ();
    if (failure_enter (failure, STEP_EXEC, init->path) < 0)
        return -1;
    /* fails when the controller died before the line above took effect */
    if (sync_send (*sock, MONITOR_READY, 0, NULL, 0) < 0)
        _exit (1);
    return execute (init, failure);
}

void
child_main (const launch_plan *plan, int sock, const GuestGroups *groups)
{
    Failure failure = { .step = STEP_NONE };
    int keep[PLAN_FDS_MAX + 1];
    unsigned n = 0;

    die_with_controller ();
    /* first of all, with the descriptors that the next lines close */
    if (sync_join_groups (groups->v1, groups->n_v1) < 0) {
        failure_set (&failure, STEP_CGROUP_JOIN, "");
        sync_fail (sock, &failure);
    }
    /* nothing of the builder's or the controller's stays open while we wait */
    keep[n++] = sock;
    for (u_int i = 0; i < plan->init.pass_fds.pass_fds_len; i++)
        keep[n++] = plan->init.pass_fds.pass_fds_val[i];
    sync_keep_fds (keep, n);
    if (sync_expect (sock, SYNC_ENTER) < 0)
        _exit (1);
    if (complete_namespaces (plan, &failure) < 0)
        sync_fail (sock, &failure);
    if (sync_send (sock, SYNC_ENTERED, 0, NULL, 0) < 0 || sync_expect (sock, SYNC_FINISH) < 0)
        _exit (1);
    (void) become_init (plan, &sock, &failure);
    sync_fail (sock, &failure);
}
