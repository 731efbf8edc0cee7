/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Builds the container's mount tree with the host's credentials, in a mount namespace (M1) owned by
 * the host's user namespace. The child copies M1 last, into a namespace of its own user namespace:
 * the kernel then locks every mask and every read-only flag made here (attacks A09, A10).
 *
 * It locks the file systems as well that a user may want to detach, against everybody who is in that
 * namespace, the host's root too. They go by way of M1: what is unmounted there is unmounted in the
 * copy, whose mounts follow those of M1 (shared there, slaves in the copy) and not the other way. So M1
 * is kept for a container that has any, by a descriptor of the controller's; nothing runs in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "controller/mounts.h"
#include "controller/sync.h"
#include "util/fd.h"

/* Namespaces that B enters through G's pidfd before it clones P; P enters the cgroup namespace, which G
 * makes later. Not the user namespace: P keeps the host's credentials, which is what makes its mounts
 * the host's. */
#define ENTERED (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID)

#define CHILD_END_MS 2000

typedef struct {
    Mounts mounts;
    int sock;                   /* to C */
    int pidfd;                  /* G's */
    bool child_entered;         /* G has completed its namespaces */
} Builder;

static pid_t
clone_process (uint64_t flags, int cgroup, int *pidfd)
{
    struct clone_args args = {
        .flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t) (uintptr_t) pidfd,
        .cgroup = cgroup >= 0 ? (uint64_t) cgroup : 0,
        /* the kernel wants none with CLONE_PARENT, and uses this process's own: SIGCHLD */
        .exit_signal = 0,
    };

    return (pid_t) syscall (SYS_clone3, &args, sizeof args);
}

static int
leave_host_mounts (const launch_plan *plan, Failure *failure)
{
    if (failure_enter (failure, STEP_MOUNT_NAMESPACE, "") < 0)
        return -1;
    /* private at once and recursively: from here on nothing we mount can reach the host */
    if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return failure_set (failure, STEP_MOUNT_NAMESPACE, "");
    /* here rather than in the child: somebody else's namespace is owned by a user namespace that a
     * child in its own one has no power over */
    for (u_int i = 0; i < plan->shares.shares_len; i++) {
        const plan_share *share = &plan->shares.shares_val[i];
        const char *name = share->type == CLONE_NEWNET ? "net"
            : share->type == CLONE_NEWIPC ? "ipc" : "uts";

        if (failure_enter (failure, STEP_SHARE_NAMESPACE, name) < 0)
            return -1;
        if (setns (share->fd, (int) share->type) < 0)
            return failure_set (failure, STEP_SHARE_NAMESPACE, name);
    }
    return 0;
}

/* G: C's child by CLONE_PARENT, so that C waits for it and dies with it. The cgroup namespace is not
 * among the flags: it would root at the cgroup of B. */
static int
clone_child (const launch_plan *plan, int sock, int child_sock, const GuestGroups *groups,
             int *ret_pidfd, Failure *failure)
{
    uint64_t flags = CLONE_PARENT
        | (plan->namespaces & ~(unsigned) (CLONE_NEWNS | CLONE_NEWCGROUP));
    pid_t pid;

    if (failure_enter (failure, STEP_CLONE, "") < 0)
        return -1;
    pid = clone_process (flags, groups->v2, ret_pidfd);
    if (pid < 0)
        return failure_set (failure,
                            groups->v2 >= 0 && errno != ENOSPC ? STEP_CGROUP_JOIN : STEP_CLONE, "");
    if (pid == 0)
        child_main (plan, child_sock, groups);
    close (child_sock);
    if (sync_send (sock, SYNC_CLONED, (uint64_t) pid, ret_pidfd, 1) < 0)
        _exit (1);
    return pid;
}

/* ".", ".": the new root is mounted over the old one and then takes its place; no directory for the
 * old root is needed in the rootfs. Detached, the old root is out of reach for good. */
static int
switch_root (int root, Failure *failure)
{
    if (failure_enter (failure, STEP_PIVOT, "") < 0)
        return -1;
    if (fchdir (root) < 0 || syscall (SYS_pivot_root, ".", ".") < 0
        || umount2 (".", MNT_DETACH) < 0 || chdir ("/") < 0)
        return failure_set (failure, STEP_PIVOT, "");
    return 0;
}

/* Whether M1 is to outlive the builder. */
static bool
keeps_tree (const launch_plan *plan)
{
    bool any = false;

    for (u_int i = 0; i < plan->mounts.mounts_len; i++)
        any |= plan->mounts.mounts_val[i].flags & PLAN_MF_DETACHABLE;
    return any && (plan->namespaces & CLONE_NEWUSER);
}

/* G ends beside us where it fails, or is killed: then that is the reason, which C hears from G, and not
 * what cannot be done without it: enter its namespaces (ESRCH, ENOENT), fork in its pid namespace
 * (ENOMEM). They go a little before its pidfd tells. */
static void __attribute__ ((noreturn))
fail_on_child (Builder *b)
{
    struct pollfd child = { .fd = b->pidfd, .events = POLLIN };
    int err = b->mounts.failure->err;

    if ((err == ESRCH || err == ENOENT || err == ENOMEM) && poll (&child, 1, CHILD_END_MS) > 0)
        _exit (1);
    sync_fail (b->sock, b->mounts.failure);
}

/* Of P: waits until G has completed its namespaces, and enters the last of them. */
static int
await_child (void *data)
{
    Builder *b = data;
    bool own_groups = b->mounts.plan->namespaces & CLONE_NEWCGROUP;

    if (b->child_entered)
        return 0;
    if (sync_expect (b->sock, SYNC_ENTERED) < 0)
        _exit (1);
    b->child_entered = true;
    if (own_groups && setns (b->pidfd, CLONE_NEWCGROUP) < 0) {
        failure_set (b->mounts.failure, STEP_CGROUP_NAMESPACE, "");
        fail_on_child (b);
    }
    return 0;
}

static void __attribute__ ((noreturn))
second_half (Builder *b)
{
    Mounts *mounts = &b->mounts;
    unsigned n = mounts->plan->consoles.consoles_len;
    int sock = b->sock;

    /* dies with C, like every process of a start */
    prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    /* the root of every process in M1 is switched, G's too, which has no more use for the host's tree */
    if (mounts_build (mounts) < 0 || await_child (b) < 0 || switch_root (mounts->root, mounts->failure) < 0)
        sync_fail (sock, mounts->failure);
    /* before the copy, which then follows; all of it is private, so its only peers are its own */
    if (keeps_tree (mounts->plan) && mount (NULL, "/", NULL, MS_REC | MS_SHARED, NULL) < 0) {
        failure_set (mounts->failure, STEP_PIVOT, "shared mounts");
        sync_fail (sock, mounts->failure);
    }
    _exit (sync_send (sock, SYNC_BUILT, n, mounts->masters, n) < 0);
}

static int
enter_child (const launch_plan *plan, int pidfd, pid_t child, Mounts *mounts)
{
    char path[64];
    int flags = (int) (plan->namespaces & ENTERED);

    if (plan->namespaces & CLONE_NEWUSER) {
        if (failure_enter (mounts->failure, STEP_USER_NAMESPACE, "") < 0)
            return -1;
        /* the child is not reaped while we live: the number is still its */
        snprintf (path, sizeof path, "/proc/%d/ns/user", (int) child);
        mounts->userns = open (path, O_RDONLY | O_CLOEXEC);
        if (mounts->userns < 0)
            return failure_set (mounts->failure, STEP_USER_NAMESPACE, path);
    }
    if (setns (pidfd, flags) < 0)
        return failure_set (mounts->failure, STEP_MOUNT_NAMESPACE, "of the container");
    return 0;
}

RootOwner
builder_root (const launch_plan *plan)
{
    RootOwner owner = { 0, 0 };

    for (u_int i = 0; i < plan->uid_map.uid_map_len; i++) {
        if (plan->uid_map.uid_map_val[i].guest == 0)
            owner.uid = plan->uid_map.uid_map_val[i].host;
    }
    for (u_int i = 0; i < plan->gid_map.gid_map_len; i++) {
        if (plan->gid_map.gid_map_val[i].guest == 0)
            owner.gid = plan->gid_map.gid_map_val[i].host;
    }
    return owner;
}

void
builder_main (const launch_plan *plan, int sock, int child_sock, const GuestGroups *groups, int fuse)
{
    int sources[PLAN_MOUNTS_MAX], tree = -1;
    Failure failure = { .step = STEP_NONE };
    Builder b = {
        .mounts = { .plan = plan, .failure = &failure, .owner = builder_root (plan), .stage = -1, .root = -1,
                    .userns = -1, .devpts = -1, .fuse = fuse, .sources = sources,
                    .before_groups = await_child, .data = &b },
        .sock = sock, .pidfd = -1,
    };
    pid_t child, second;

    prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (unsigned i = 0; i < PLAN_CONSOLES_MAX; i++)
        b.mounts.masters[i] = -1;
    if (failure_enter (&failure, STEP_BUILDER, "") < 0
        || mounts_take_sources (plan, sources, &failure) < 0
        || leave_host_mounts (plan, &failure) < 0)
        sync_fail (sock, &failure);
    child = clone_child (plan, sock, child_sock, groups, &b.pidfd, &failure);
    if (child < 0)
        sync_fail (sock, &failure);
    if (sync_expect (sock, SYNC_BUILD) < 0)
        _exit (1);
    if (keeps_tree (plan) && (tree = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)) < 0) {
        failure_set (&failure, STEP_MOUNT_NAMESPACE, "/proc/self/ns/mnt");
        sync_fail (sock, &failure);
    }
    if (enter_child (plan, b.pidfd, child, &b.mounts) < 0)
        fail_on_child (&b);
    /* a pid namespace takes only children, and a procfs belongs to that of its mounter */
    second = clone_process (CLONE_PARENT, -1, NULL);
    if (second < 0) {
        failure_set (&failure, STEP_BUILDER, "second half");
        fail_on_child (&b);
    }
    if (second == 0)
        second_half (&b);
    _exit (sync_send (sock, SYNC_BUILDING, (uint64_t) second, &tree, tree >= 0) < 0);
}
