/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controller/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/fd.h"

#define CAP_NUMBERS 64
#define CAP_BIT(n) (1ULL << (n))

typedef struct {
    uint64_t effective, permitted, inheritable;
} CapabilitySets;

static int
capabilities_get (CapabilitySets *sets)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2];

    if (syscall (SYS_capget, &header, data) < 0)
        return -1;
    sets->effective = data[0].effective | (uint64_t) data[1].effective << 32;
    sets->permitted = data[0].permitted | (uint64_t) data[1].permitted << 32;
    sets->inheritable = data[0].inheritable | (uint64_t) data[1].inheritable << 32;
    return 0;
}

static int
capabilities_set (const CapabilitySets *sets)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2] = {
        { (uint32_t) sets->effective, (uint32_t) sets->permitted, (uint32_t) sets->inheritable },
        { (uint32_t) (sets->effective >> 32), (uint32_t) (sets->permitted >> 32),
          (uint32_t) (sets->inheritable >> 32) },
    };

    return (int) syscall (SYS_capset, &header, data);
}

int
credentials_become_root (const launch_plan *plan, Failure *failure)
{
    if (setgroups (0, NULL) < 0)
        return failure_set (failure, STEP_CREDENTIALS, "groups");
    if (!(plan->namespaces & CLONE_NEWUSER))
        return 0;
    if (setresgid (0, 0, 0) < 0)
        return failure_set (failure, STEP_CREDENTIALS, "gid 0");
    if (setresuid (0, 0, 0) < 0)
        return failure_set (failure, STEP_CREDENTIALS, "uid 0");
    return 0;
}

int
credentials_set_label (const launch_plan *plan, int proc, Failure *failure)
{
    bool apparmor = strcmp (plan->label_model, "apparmor") == 0;
    char text[PLAN_STRING_MAX + 8];
    autofd int fd = -1;
    struct statfs fs;

    if (!plan->exec_label[0])
        return 0;
    if (failure_enter (failure, STEP_LABEL, plan->exec_label) < 0)
        return -1;
    /* a fake procfs in the rootfs must not make us believe that the label is set (CVE-2019-16884) */
    if (proc < 0 || fstatfs (proc, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
        errno = proc < 0 ? errno : EXDEV;
        return failure_set_detail (failure, STEP_LABEL, plan->exec_label, "no procfs on /proc");
    }
    /* AppArmor's takes effect here, not at exec: an exec that changes the label clears the parent death
     * signal. SELinux's policies allow that change at exec only. */
    if (apparmor)
        fd = openat (proc, "thread-self/attr/apparmor/current", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        fd = openat (proc, apparmor ? "thread-self/attr/current" : "thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
    snprintf (text, sizeof text, "%s%s", apparmor ? "changeprofile " : "", plan->exec_label);
    if (fd < 0 || fd_write_all (fd, text, strlen (text)) < 0)
        return failure_set (failure, STEP_LABEL, plan->exec_label);
    return 0;
}

static int
drop_bounding (uint64_t keep, Failure *failure)
{
    char number[16];

    for (unsigned cap = 0; cap < CAP_NUMBERS; cap++) {
        int held = prctl (PR_CAPBSET_READ, cap, 0, 0, 0);

        if (held < 0)
            return 0;       /* past the kernel's last */
        if (held == 0 || (keep & CAP_BIT (cap)))
            continue;
        if (prctl (PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
            snprintf (number, sizeof number, "%u", cap);
            return failure_set_detail (failure, STEP_CAPABILITIES, number, "bounding");
        }
    }
    return 0;
}

int
credentials_switch (const launch_plan *plan, const User *user, Failure *failure)
{
    char number[24];

    if (failure_enter (failure, STEP_CAPABILITIES, "") < 0
        || drop_bounding (plan->caps.bounding, failure) < 0
        || failure_enter (failure, STEP_CREDENTIALS, "") < 0)
        return -1;
    /* the filter and the capability sets come after the ids, and need privileges: keep the permitted
     * set over the change; credentials_seal() ends that, execve() clears the bit */
    if (user->uid != 0 && prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return failure_set (failure, STEP_CREDENTIALS, "keep capabilities");
    snprintf (number, sizeof number, "gid %u", user->gid);
    if (setgroups (user->n_groups, user->groups) < 0)
        return failure_set_detail (failure, STEP_CREDENTIALS, "groups", "is each of them mapped?");
    if (setresgid (user->gid, user->gid, user->gid) < 0)
        return failure_set (failure, STEP_CREDENTIALS, number);
    snprintf (number, sizeof number, "uid %u", user->uid);
    if (setresuid (user->uid, user->uid, user->uid) < 0)
        return failure_set (failure, STEP_CREDENTIALS, number);
    return 0;
}

static int
load_filter (const launch_plan *plan, Failure *failure)
{
    struct sock_fprog program = {
        .len = (unsigned short) (plan->seccomp.seccomp_len / sizeof (struct sock_filter)),
        .filter = (struct sock_filter *) (void *) plan->seccomp.seccomp_val,
    };

    if (plan->seccomp.seccomp_len == 0)
        return 0;
    if (failure_enter (failure, STEP_SECCOMP, "") < 0)
        return -1;
    if (plan->seccomp.seccomp_len / sizeof (struct sock_filter) > BPF_MAXINSNS) {
        errno = E2BIG;
        return failure_set (failure, STEP_SECCOMP, "");
    }
    if (syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        return failure_set (failure, STEP_SECCOMP, "");
    return 0;
}

static int
raise_ambient (uint64_t caps, Failure *failure)
{
    if (prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return failure_set (failure, STEP_CAPABILITIES, "ambient");
    for (unsigned cap = 0; cap < CAP_NUMBERS; cap++) {
        if ((caps & CAP_BIT (cap)) && prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return failure_set (failure, STEP_CAPABILITIES, "ambient");
    }
    return 0;
}

int
credentials_seal (const launch_plan *plan, Failure *failure)
{
    CapabilitySets have, want;

    if (capabilities_get (&have) < 0)
        return failure_set (failure, STEP_CAPABILITIES, "read");
    /* after a change of ids the effective set is empty: take back what seccomp(2) asks for */
    want = (CapabilitySets) { have.permitted, have.permitted, have.inheritable };
    if (capabilities_set (&want) < 0)
        return failure_set (failure, STEP_CAPABILITIES, "effective");
    if (plan->no_new_privs && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return failure_set (failure, STEP_SECCOMP, "no_new_privs");
    if (load_filter (plan, failure) < 0)
        return -1;
    /* what the host itself lacks cannot be given: sets are cut to what we have */
    want.permitted = plan->caps.permitted & have.permitted;
    want.effective = plan->caps.effective & want.permitted;
    want.inheritable = plan->caps.inheritable & (have.permitted | have.inheritable);
    if (capabilities_set (&want) < 0)
        return failure_set (failure, STEP_CAPABILITIES, "");
    return raise_ambient (plan->caps.ambient & want.permitted & want.inheritable, failure);
}
