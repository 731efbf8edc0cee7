/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Init of a container that skepd made of a plain definition: tries what the catalogue of attacks names,
 * without doing harm where it is let. A line "ok A05 core_pattern" or "BAD A05 core_pattern" each, and at the
 * end "done". Static: it runs in a root that has nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acct.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif

#define PLACE "/tmp/m"

static void
report (int bad, const char *attack, const char *what)
{
    printf ("%s %s %s\n", bad ? "BAD" : "ok", attack, what);
}

/* Leaves errno as it is. */
static void
refused (const char *attack, const char *what, long result)
{
    int saved = errno;

    report (result >= 0, attack, what);
    errno = saved;
}

/* Opened for writing at the end: no byte is written. */
static void
not_writable (const char *attack, const char *path)
{
    int fd = open (path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);

    report (fd >= 0, attack, path);
    if (fd >= 0)
        close (fd);
}

static void
not_readable (const char *attack, const char *path)
{
    int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    char byte;

    report (fd >= 0 && read (fd, &byte, 1) == 1, attack, path);
    if (fd >= 0)
        close (fd);
}

/* No line of the file begins with a hexadecimal number that is not 0. */
static void
no_addresses (const char *attack, const char *path)
{
    FILE *file = fopen (path, "re");
    char line[512];
    int bad = 0;

    while (file && fgets (line, sizeof line, file))
        bad |= strtoull (line, NULL, 16) != 0;
    if (file)
        fclose (file);
    report (bad, attack, path);
}

/* ---- what leads to the host's kernel */

static void
release_agents (void)
{
    static const char *const options[] = { "memory", "devices", "freezer", "none,name=systemd" };
    char text[64];

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        snprintf (text, sizeof text, "of %s", options[i]);
        if (mount ("c", PLACE, "cgroup", 0, options[i]) < 0) {
            report (0, "A04", text);
            continue;
        }
        not_writable ("A04", PLACE "/release_agent");
        not_writable ("A14", PLACE "/devices.allow");
        umount2 (PLACE, MNT_DETACH);
    }
}

static void
detach_device_program (void)
{
    union bpf_attr attr;
    int dir = open ("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY);

    memset (&attr, 0, sizeof attr);
    attr.target_fd = (unsigned) dir;
    attr.attach_type = BPF_CGROUP_DEVICE;
    refused ("A14", "detach the device program", syscall (SYS_bpf, BPF_PROG_DETACH, &attr, sizeof attr));
    not_writable ("A14", "/sys/fs/cgroup/devices/devices.allow");
}

static void
kernel_paths (void)
{
    static const struct { const char *attack, *path; } rows[] = {
        { "A05", "/proc/sys/kernel/core_pattern" }, { "A05", "/proc/sys/kernel/modprobe" },
        { "A05", "/proc/sys/kernel/hotplug" }, { "A05", "/proc/sys/kernel/poweroff_cmd" },
        { "A05", "/proc/sys/kernel/usermodehelper/bset" }, { "A05", "/proc/sys/vm/drop_caches" },
        { "A05", "/proc/sys/fs/binfmt_misc/register" }, { "A06", "/sys/kernel/uevent_helper" },
        { "A06", "/sys/class/mem/null/uevent" }, { "A06", "/sys/power/state" },
        { "A07", "/proc/sysrq-trigger" }, { "A07", "/proc/irq/default_smp_affinity" },
    };
    int log;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        not_writable (rows[i].attack, rows[i].path);
    log = (int) syscall (SYS_syslog, 3, PLACE, 1);
    refused ("A20", "kernel log", log);
    not_readable ("A20", "/dev/kmsg");
    not_readable ("A20", "/proc/kmsg");
}

static void
kernel_memory (void)
{
    static const char *const files[] = {
        "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/latency_stats", "/proc/sched_debug",
        "/proc/interrupts", "/sys/kernel/debug/sched/debug", "/sys/firmware/dmi/tables/DMI",
        "/sys/firmware/acpi/tables/DSDT", "/proc/kpageflags", "/proc/kpagecount", "/proc/vmallocinfo",
    };

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        not_readable ("A17", files[i]);
    no_addresses ("A17", "/proc/kallsyms");
    no_addresses ("A17", "/proc/iomem");
    no_addresses ("A17", "/proc/ioports");
    not_readable ("A19", "/sys/kernel/slab/kmalloc-64/objects");
    not_readable ("A19", "/proc/slabinfo");
}

static void
file_systems (void)
{
    static const char *const types[] = { "debugfs", "tracefs", "securityfs", "configfs", "pstore",
                                         "efivarfs", "bpf", "selinuxfs" };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        refused ("A11", types[i], mount ("x", PLACE, types[i], 0, NULL));
        umount2 (PLACE, MNT_DETACH);
    }
}

static void
devices (void)
{
    static const char *const names[] = {
        "mem", "port", "kmsg", "kvm", "loop-control", "loop0", "mapper/control", "vfio/vfio", "uinput",
        "userfaultfd", "vhost-net", "snapshot", "fuse", "hpet", "rtc0", "watchdog",
    };
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf (path, sizeof path, "/dev/%s", names[i]);
        report (access (path, F_OK) == 0, "A15", path);
    }
    refused ("A12", "node of a disk", mknod (PLACE "/disk", S_IFBLK | 0600, makedev (8, 0)));
    refused ("A12", "node of the kernel log", mknod (PLACE "/log", S_IFCHR | 0600, makedev (1, 11)));
#ifdef __x86_64__
    refused ("A16", "iopl", iopl (3));
    refused ("A16", "ioperm", ioperm (0x70, 1, 1));
#endif
}

/* ---- system calls */

static void
modules_and_programs (void)
{
    union bpf_attr attr;
    struct bpf_insn program[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };

    refused ("A31", "finit_module", syscall (SYS_finit_module, 0, "", 0));
    refused ("A31", "delete_module", syscall (SYS_delete_module, "no_such_module", O_NONBLOCK));
    report (errno != EPERM, "A31", "delete_module is forbidden, not fruitless");
    memset (&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attr.insns = (unsigned long) program;
    attr.insn_cnt = 2;
    attr.license = (unsigned long) "GPL";
    refused ("A27", "load a program", syscall (SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr));
    refused ("A29", "userfaultfd", syscall (SYS_userfaultfd, 0));
    refused ("A29", "userfaultfd of user mode", syscall (SYS_userfaultfd, 1));
    refused ("A30", "io_uring", syscall (SYS_io_uring_setup, 4, (char[256]) { 0 }));
    report (errno != ENOSYS, "A30", "io_uring is absent, as its fallbacks expect");
#ifdef __x86_64__
    {
        long result;

        __asm__ volatile ("int $0x80" : "=a" (result) : "a" (374L), "b" (1L) : "memory", "r8", "r9", "r10", "r11");
        report (result >= 0, "D21", "userfaultfd by the 32-bit call");
        refused ("D21", "userfaultfd by x32", syscall (0x40000000 + SYS_userfaultfd, 1));
    }
#endif
}

static void
host_state (void)
{
    struct sched_param fifo = { .sched_priority = 50 };
    struct timex clock = { .modes = 0 };

    refused ("A32", "swapon", swapon ("/absent", 0));
    report (errno != EPERM, "A32", "swapon is forbidden, not fruitless");
    refused ("A32", "kexec_load", syscall (SYS_kexec_load, 0, 0, NULL, 0));
    adjtimex (&clock);
    clock.modes = ADJ_STATUS;       /* to what it is */
    refused ("A32", "the clock", adjtimex (&clock));
    refused ("A32", "open_by_handle_at", syscall (SYS_open_by_handle_at, AT_FDCWD, PLACE, O_RDONLY));
    report (errno != EPERM, "A32", "open_by_handle_at is forbidden");
    refused ("B17", "real-time scheduling", sched_setscheduler (0, SCHED_FIFO, &fifo));
    refused ("B17", "real-time input and output", syscall (SYS_ioprio_set, 1, 0, 1 << 13));
    refused ("A32", "accounting", acct ("/absent"));
}

/* ---- the rest of the host's */

static void
host_socket (void)
{
    const char *name = getenv ("PROBE");
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int sock = socket (AF_UNIX, SOCK_STREAM, 0), bad = 0;
    char line[512];
    FILE *file = fopen ("/proc/net/unix", "re");

    memcpy (address.sun_path + 1, name, strlen (name));
    refused ("A24", "abstract socket of the host",
             connect (sock, (struct sockaddr *) &address,
                      (socklen_t) (offsetof (struct sockaddr_un, sun_path) + 1 + strlen (name))));
    while (file && fgets (line, sizeof line, file))
        bad |= strchr (line, '@') != NULL;
    report (bad, "A24", "names of abstract sockets");
    close (sock);
}

static void
audit_socket (void)
{
    struct {
        struct nlmsghdr head;
        struct nlmsgerr error;
    } m = { .head = { .nlmsg_len = NLMSG_HDRLEN, .nlmsg_type = AUDIT_GET, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
    int sock = socket (AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
    int bad = sock >= 0 && send (sock, &m, NLMSG_HDRLEN, 0) > 0
              && (recv (sock, &m, sizeof m, 0) <= 0 || m.head.nlmsg_type != NLMSG_ERROR || m.error.error == 0);

    report (bad, "A25", "state of the audit");
    close (sock);
}

static void
names (void)
{
    char line[512];
    FILE *file = fopen ("/proc/self/cgroup", "re");
    int bad = 0;

    while (file && fgets (line, sizeof line, file))
        bad |= strcmp (strrchr (line, ':'), ":/\n") != 0;
    report (bad, "A19", "path of the control group");
    printf ("keyring %ld\n", syscall (SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    for (char **e = environ; *e; e++)
        printf ("env %.*s\n", (int) strcspn (*e, "="), *e);
}

static void
terminals (void)
{
    struct rlimit limit = { 2048, 2048 };
    int opened = 0;

    setrlimit (RLIMIT_NOFILE, &limit);
    getrlimit (RLIMIT_NOFILE, &limit);
    while (opened < 2000 && open ("/dev/ptmx", O_RDWR | O_NOCTTY) >= 0)
        opened++;
    report (opened > 1024 || (limit.rlim_cur > 1100 && errno != ENOSPC), "B16", "pseudo-terminals without end");
    for (int fd = 3; fd < 2048; fd++)
        close (fd);
}

static void
project_quota (void)
{
    struct fsxattr attr = { 0 };
    int fd = open ("/", O_RDONLY | O_DIRECTORY);

    if (ioctl (fd, FS_IOC_FSGETXATTR, &attr) == 0) {
        attr.fsx_projid += 7;
        refused ("B09", "leave the project quota", ioctl (fd, FS_IOC_FSSETXATTR, &attr));
        attr.fsx_projid -= 7;
        (void) !ioctl (fd, FS_IOC_FSSETXATTR, &attr);
    }
    close (fd);
}

/* The files of limits of every hierarchy that shows. */
static void
limits (void)
{
    static const char *const files[] = { "memory.max", "memory.limit_in_bytes", "memory/memory.limit_in_bytes",
                                         "pids.max", "pids/pids.max", "cpu.max", "cpu,cpuacct/cpu.cfs_quota_us",
                                         "io.max", "cgroup.max.depth", "cgroup.max.descendants",
                                         "unified/cgroup.max.descendants", "../cgroup.procs" };
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf (path, sizeof path, "/sys/fs/cgroup/%s", files[i]);
        not_writable ("B07", path);
    }
    not_writable ("D17", "/proc/meminfo");
    refused ("D17", "rename the meminfo", rename ("/proc/meminfo", "/proc/meminfo.old"));
}

/* B06: groups without end, side by side and below each other. Version 1 knows no bound; whatever there is must
 * go with the container. */
static void
group_flood (void)
{
    static const char *const places[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
    char name[32];
    int made = 0, deep = 0;

    if (chdir ("/sys/fs/cgroup/systemd") == 0)
        for (int i = 0; i < 3000 && mkdir ("deep", 0755) == 0 && chdir ("deep") == 0; i++)
            ;
    if (chdir (places[0]) < 0 && chdir (places[1]) < 0)
        return;
    while (deep < 100 && mkdir ("deep", 0755) == 0 && chdir ("deep") == 0)
        deep++;
    report (deep >= 100, "B06", "groups of any depth");
    if (chdir (places[0]) < 0)
        (void) !chdir (places[1]);
    do
        snprintf (name, sizeof name, "x%d", made);
    while (made < 20000 && mkdir (name, 0755) == 0 && made++ >= 0);
    report (made >= 20000, "B06", "groups without end");
    printf ("groups %d deep %d: %s\n", made, deep, strerror (errno));
    (void) !chdir ("/");
}

/* A36: while the host asks about us, nobody of the host's shows here. */
static void
watch_for_strangers (void)
{
    int bad = 0;

    while (access ("/stop", F_OK) < 0) {
        DIR *dir = opendir ("/proc");
        struct dirent *entry;

        while ((entry = readdir (dir)))
            bad |= entry->d_name[0] > '0' && entry->d_name[0] <= '9' && atoi (entry->d_name) != getpid ();
        closedir (dir);
    }
    report (bad, "A36", "processes of the host");
}

int
main (int argc, char **argv)
{
    if (!freopen ("/out", "w", stdout))
        return 1;
    setvbuf (stdout, NULL, _IOLBF, 0);
    mkdir (PLACE, 0700);
    release_agents ();
    detach_device_program ();
    kernel_paths ();
    kernel_memory ();
    file_systems ();
    devices ();
    modules_and_programs ();
    host_state ();
    host_socket ();
    audit_socket ();
    names ();
    terminals ();
    project_quota ();
    limits ();
    if (argc > 1 && strcmp (argv[1], "flood") == 0)
        group_flood ();
    puts ("watching");
    watch_for_strangers ();
    puts ("done");
    for (;;)
        pause ();
}
