/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between daemon and controller: fixed-size packets over SOCK_SEQPACKET. Two sockets speak it:
 * the start socket (inherited by the controller, lives until the container runs or the start failed)
 * and the monitor socket (the UNIX socket plan.monitor_path, for as long as the container runs, one
 * daemon connection at a time; a newer one replaces the older).
 *
 * The daemon spawns `skep-controller --name NAME --plan-fd FD --start-fd FD`, with standard input
 * /dev/null, standard output and error the domain log, and whatever descriptors the plan names open
 * at those numbers. The controller makes all of them close-on-exec and a session of its own.
 *
 * Start, in order (C controller, D daemon):
 *   C->D HELLO      version, pid; the monitor socket accepts connections from here on
 *   D->C CGROUP     with descriptors: first (v2) the directory of the guest's cgroup, for clone3
 *                   CLONE_INTO_CGROUP, then (v1) `tasks` of the guest's groups, then `tasks` of the
 *                   controller's own v1 groups, all open for writing, then perhaps the directory
 *                   whose memory.* files /proc/meminfo is made of: controller and init each write
 *                   "0" to theirs, while they have one thread. (Moving another process, or writing
 *                   cgroup.procs, makes the kernel wait for a grace period of RCU: 16 ms on an idle
 *                   host.) Into its v2 group the daemon has already put the controller. An answer
 *                   with status != 0 ends the start.
 *   C->D INIT       init's pid as the host sees it; the daemon may now move links in, register the
 *                   machine, and save the status
 *   D->C CONTINUE   (the daemon's part is done)
 *   C->D READY      everything up to exec succeeded: the child is at its execve()
 *   C->D EXECED     execve() closed the child's socket: the program runs. This is the success of a start.
 *   C->D FAILED     {step, errno, object} instead of any of the above; then the controller exits.
 * End of file on the start socket before EXECED is a failure: "controller died during start".
 *
 * Monitor: C->D HELLO then STATE right after a connection; later EXIT once; D->C requests below, each
 * answered by DONE or FAILED with the same serial. The controller leaves as soon as a daemon has
 * read EXIT. With no daemon there it waits kill_deadline for one and then leaves EXIT in the file
 * monitor_exit_read() reads.
 */
#pragma once

#include <stdint.h>

#define MONITOR_VERSION 1

typedef enum {
    /* controller to daemon */
    MONITOR_HELLO = 1,      /* a = MONITOR_VERSION, b = pid of the controller */
    MONITOR_INIT,           /* a = init's pid on the host, b = inode of its pid namespace */
    MONITOR_READY,
    MONITOR_EXECED,
    MONITOR_FAILED,         /* step, err, object */
    MONITOR_STATE,          /* a = init's pid, b = pid namespace inode, flags = MONITOR_STATE_* */
    MONITOR_EXIT,           /* a = wait status of init, b = MonitorExit */
    MONITOR_DONE,           /* answer to a request */
    MONITOR_GAVE_UP,        /* object: why a HALT that was answered "queued" is not delivered */
    /* daemon to controller */
    MONITOR_CGROUP = 32,    /* see above; flags = MONITOR_CGROUP_*, b = number of the guest's v1 fds,
                               a = number of the controller's */
    MONITOR_CONTINUE,
    MONITOR_CONSOLE,        /* a = console index, flags = MONITOR_CONSOLE_*, one descriptor: a connected
                               SOCK_STREAM socket that becomes a console client (replay, then live) */
    MONITOR_STOP,           /* kill init now (SIGKILL by pidfd) and report EXIT */
    MONITOR_HALT,           /* orderly stop: a = HaltKind; DONE when delivered or queued */
    MONITOR_HOLD,           /* one descriptor of a block device, kept open from now on: a loop device
                               lives as long as somebody has it open */
    MONITOR_RELEASE,        /* a = major << 32 | minor: closes what is held of that device */
    MONITOR_TREE,           /* one descriptor: a socket to which the mount namespace that the container's was copied
                               from is sent, in an empty packet. ENOENT: none is kept */
} MonitorType;

typedef enum {
    EXIT_SHUTDOWN = 1,      /* init exited or was killed; wait status tells how */
    EXIT_REBOOT,            /* reboot(2) from inside: init died by SIGHUP through the kernel */
    EXIT_POWEROFF,          /* reboot(2) with halt or power off: SIGINT through the kernel */
} MonitorExit;

enum {
    MONITOR_STATE_EXITED = 1 << 0,
    MONITOR_CGROUP_V2 = 1 << 0,         /* the first descriptor is the v2 directory */
    MONITOR_CGROUP_MEMORY = 1 << 1,     /* the last one is the directory of the memory group... */
    MONITOR_CGROUP_MEMORY_V2 = 1 << 2,  /* ...of version 2 */
    MONITOR_DONE_QUEUED = 1 << 0,       /* of DONE for HALT: init does not listen yet, delivered later */
    MONITOR_CONSOLE_FORCE = 1 << 0,     /* detach present clients first */
    MONITOR_CONSOLE_SAFE = 1 << 1,      /* refuse when a client is attached (EBUSY) */
};

/* The steps a controller can fail at; names for people in monitor_step_names (plan/monitor.c).
 * Order is the order of execution. */
typedef enum {
    STEP_NONE,
    STEP_READ_PLAN,
    STEP_MONITOR_SOCKET,
    STEP_CGROUP,
    STEP_BUILDER,               /* fork of the process that builds the mount tree */
    STEP_MOUNT_NAMESPACE,
    STEP_USER_NAMESPACE,        /* of idmapped mounts */
    STEP_STAGE,
    STEP_ROOT,
    STEP_IDMAP_MOUNT,
    STEP_DEV,
    STEP_DEV_NODE,
    STEP_DEVPTS,
    STEP_CONSOLE,
    STEP_CLONE,
    STEP_CGROUP_JOIN,
    STEP_ID_MAPS,
    STEP_SHARE_NAMESPACE,
    STEP_CGROUP_NAMESPACE,
    STEP_LINK,
    STEP_MOUNT,
    STEP_MASK,
    STEP_PIVOT,
    STEP_LOCK_MOUNTS,           /* the child's own mount namespace */
    STEP_HOSTNAME,
    STEP_LOOPBACK,
    STEP_ADDRESS,
    STEP_SYSCTL,
    STEP_RLIMIT,
    STEP_PERSONALITY,
    STEP_AFFINITY,
    STEP_SESSION,               /* setsid, controlling terminal */
    STEP_USER,                  /* look-up of inituser / initgroup */
    STEP_CREDENTIALS,
    STEP_CAPABILITIES,
    STEP_LABEL,
    STEP_SECCOMP,
    STEP_CWD,
    STEP_FDS,
    STEP_EXEC,
    STEP_DEADLINE,
    STEP_CHILD_DIED,            /* the child ended without a word */
    STEP_TRIM,                  /* of skep-helper */
    STEP_LAST
} MonitorStep;

/* Halt kinds, in the order libvirt's users know them. */
typedef enum {
    HALT_AUTO_POWEROFF,     /* by kind of init: initctl fifo, systemd SIGRTMIN+3, else SIGPWR or SIGTERM */
    HALT_AUTO_REBOOT,       /* initctl, systemd SIGRTMIN+5, else SIGINT */
    HALT_INITCTL_POWEROFF,
    HALT_INITCTL_REBOOT,
    HALT_SIGNAL,            /* signal number in b */
    HALT_LAST
} HaltKind;

#define MONITOR_OBJECT_MAX 448

typedef struct {
    uint32_t type;          /* MonitorType */
    uint32_t serial;        /* of a request and its answer; 0 otherwise */
    uint32_t step;          /* MonitorStep */
    int32_t err;            /* errno, 0 none */
    uint32_t flags;
    uint32_t reserved;
    uint64_t a;
    uint64_t b;
    char object[MONITOR_OBJECT_MAX];   /* path, name or number the step worked on; NUL-terminated */
    char reserved2[24];
} MonitorPacket;

_Static_assert (sizeof (MonitorPacket) == 512, "one packet");

/* What skep-helper's verb "facts" is asked for: a word of these letters. */
enum {
    FACT_HOSTNAME = 'h',
    FACT_ADDRESSES = 'a',
    FACT_OS = 'o',
    FACT_TIMEZONE = 'z',
    FACT_USERS = 'u',
    FACT_MOUNTS = 'm',
};
#define FACTS_ALL "haozum"

/* The file beside the monitor socket that keeps EXIT when no daemon took it: one MonitorPacket.
 * monitor_exit_read() takes it (the file is gone then); 0, or -1 with errno (ENOENT: none). */
#define MONITOR_EXIT_SUFFIX ".exit"
int monitor_exit_write (const char *monitor_path, const MonitorPacket *packet);
int monitor_exit_read (const char *monitor_path, MonitorPacket *packet);

/* "mount /proc/sys: Permission denied" — the sentence for people, without allocation. */
const char *monitor_step_name (unsigned step);
void monitor_describe (const MonitorPacket *packet, char *text, unsigned long size);
