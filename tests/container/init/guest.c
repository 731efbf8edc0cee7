/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test container's init: static, and does what its arguments say, one after the other:
 *
 *   say=TEXT  cat=PATH  write=PATH  stat=PATH  list=DIR  link=PATH  fifo=PATH  mkfifo=PATH  touch=PATH
 *   hold=PATH (opens it and goes on)  until=PATH (waits until it is there)
 *   fds  env  tty  ids  caps  limits  pid  comm=NAME  attack=NAME  hang (a second process that goes on)
 *   take=N (catch signal N)  wait (for a caught signal)  busybox (wait as its init does)  sleep=MS  pause
 *   echo (a line)  gate (wait for a line)  flood=BYTES  reopen  exit=N  reboot  poweroff
 *
 * It prints lines "VERB: result" and, for attacks, "ok NAME" or "BAD NAME why".
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t got_signal;

static void
on_signal (int number)
{
    got_signal = number;
}

static void
do_cat (const char *path)
{
    char text[4096];
    int fd = open (path, O_RDONLY | O_NONBLOCK);
    ssize_t n;

    if (fd < 0) {
        printf ("cat %s: %s\n", path, strerror (errno));
        return;
    }
    while ((n = read (fd, text, sizeof text)) > 0)
        fwrite (text, 1, (size_t) n, stdout);
    close (fd);
}

static void
do_write (const char *path)
{
    int fd = open (path, O_WRONLY | O_APPEND);

    printf ("write %s: %s\n", path, fd < 0 ? strerror (errno) : "opened");
    if (fd >= 0)
        close (fd);
}

static void
do_stat (const char *path)
{
    struct stat st;

    if (lstat (path, &st) < 0)
        printf ("stat %s: %s\n", path, strerror (errno));
    else
        printf ("stat %s: %o %u:%u dev %u:%u\n", path, st.st_mode, st.st_uid, st.st_gid,
                S_ISCHR (st.st_mode) || S_ISBLK (st.st_mode) ? major (st.st_rdev) : 0,
                S_ISCHR (st.st_mode) || S_ISBLK (st.st_mode) ? minor (st.st_rdev) : 0);
}

static int
by_name (const void *a, const void *b)
{
    return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
do_list (const char *path)
{
    char *names[512];
    int n = 0;
    DIR *dir = opendir (path);
    struct dirent *entry;

    while (dir && (entry = readdir (dir)) && n < 512) {
        if (entry->d_name[0] != '.')
            names[n++] = strdup (entry->d_name);
    }
    qsort (names, (size_t) n, sizeof *names, by_name);
    printf ("list %s:", path);
    for (int i = 0; i < n; i++)
        printf (" %s", names[i]);
    printf ("\n");
}

static void
do_fds (void)
{
    char path[64], target[256];

    for (int fd = 0; fd < 4096; fd++) {
        ssize_t n;

        if (fcntl (fd, F_GETFD) < 0)
            continue;
        snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
        n = readlink (path, target, sizeof target - 1);
        target[n > 0 ? n : 0] = '\0';
        printf ("fd %d %s\n", fd, target);
    }
}

static void
do_tty (void)
{
    char *name = ttyname (0);
    pid_t group = tcgetpgrp (0);

    printf ("tty %s session %d foreground %d\n", name ? name : strerror (errno), getsid (0), group);
}

static void
do_ids (void)
{
    gid_t groups[64];
    int n = getgroups (64, groups);

    printf ("ids %u:%u groups", getuid (), getgid ());
    for (int i = 0; i < n; i++)
        printf (" %u", groups[i]);
    printf ("\n");
}

static void
do_proc_lines (const char *prefix)
{
    char line[512];
    FILE *file = fopen ("/proc/self/status", "r");

    while (file && fgets (line, sizeof line, file)) {
        if (strncmp (line, prefix, strlen (prefix)) == 0 || strncmp (line, "NoNewPrivs", 10) == 0
            || strncmp (line, "Seccomp:", 8) == 0)
            fputs (line, stdout);
    }
    if (file)
        fclose (file);
}

static void
verdict (const char *name, int bad, const char *why)
{
    printf ("%s %s%s%s\n", bad ? "BAD" : "ok", name, bad ? ": " : "", bad ? why : "");
}

static void
refused (const char *name, long result)
{
    verdict (name, result >= 0, result >= 0 ? "allowed" : strerror (errno));
}

/* A09, A10: nothing that was masked or made read-only comes back. */
static void
attack_masks (void)
{
    int fd;

    mkdir ("/tmp/m", 0700);
    refused ("umount /proc/sys", umount2 ("/proc/sys", 0));
    refused ("umount -l /proc/sysrq-trigger", umount2 ("/proc/sysrq-trigger", MNT_DETACH));
    refused ("umount /proc/kcore", umount2 ("/proc/kcore", 0));
    refused ("umount /proc/scsi", umount2 ("/proc/scsi", 0));
    refused ("remount /proc/sys rw", mount (NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
    refused ("remount /sys rw", mount (NULL, "/sys", NULL, MS_REMOUNT, NULL));
    refused ("remount /ro rw", mount (NULL, "/ro", NULL, MS_REMOUNT | MS_BIND, NULL));
    refused ("umount /ro", umount2 ("/ro", MNT_DETACH));
    refused ("fresh proc", mount ("p", "/tmp/m", "proc", 0, NULL));
    refused ("fresh sysfs", mount ("s", "/tmp/m", "sysfs", 0, NULL));
    fd = open ("/proc/sys/kernel/core_pattern", O_WRONLY);
    refused ("core_pattern", fd);
    fd = open ("/proc/sysrq-trigger", O_WRONLY);
    refused ("sysrq-trigger", fd);
    fd = open ("/ro/file", O_WRONLY);
    refused ("file on read-only bind", fd);
}

static void
attack_climb (void)
{
    struct stat before, after;
    int canary;

    stat ("/", &before);
    mkdir ("/tmp/climb", 0700);
    if (chroot ("/tmp/climb") < 0) {
        verdict ("chroot climb", 0, "no chroot");
        return;
    }
    for (int i = 0; i < 50; i++) {
        if (chdir ("..") < 0)
            break;
    }
    if (chroot (".") < 0)
        return;
    stat ("/", &after);
    canary = access ("/host-canary", F_OK);
    verdict ("chroot climb", before.st_ino != after.st_ino || before.st_dev != after.st_dev
             || canary == 0, "left the root");
}

/* A35: no process but ours to be seen, no namespace to be entered. */
static void
attack_namespaces (void)
{
    int seen = 0;

    for (int pid = 2; pid < 4000; pid++) {
        int fd = (int) syscall (SYS_pidfd_open, pid, 0);

        if (fd >= 0) {
            seen++;
            close (fd);
        }
    }
    verdict ("foreign processes", seen != 0, "a pid above 1 is there");
    kill (-1, 0);
    verdict ("kill everybody", errno != ESRCH, strerror (errno));
}

/* A02: a directory or anything else that should not be open. */
static void
attack_fds (int passed)
{
    int bad = 0;

    for (int fd = 3 + passed; fd < 4096; fd++)
        bad += fcntl (fd, F_GETFD) >= 0;
    for (int fd = 0; fd < 3; fd++)
        bad += !isatty (fd);
    verdict ("inherited descriptors", bad, "one too many");
}

/* A22: the terminal is the container's own. */
static void
attack_tty (void)
{
    struct stat st;

    verdict ("terminal is ours", fstat (0, &st) < 0 || major (st.st_rdev) != 136
             || minor (st.st_rdev) != 0, "not pty 0");
}

static void
attack_devices (void)
{
    static const char *const names[] = {
        "/dev/mem", "/dev/port", "/dev/kmsg", "/dev/kvm", "/dev/loop-control", "/dev/vda",
        "/dev/mapper/control", "/dev/uinput",
    };
    int bad = 0;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        bad += access (names[i], F_OK) == 0;
    verdict ("powerful devices", bad, "present");
    refused ("mknod disk", mknod ("/tmp/sda", S_IFBLK | 0600, makedev (8, 0)));
}

static void
attack (const char *name)
{
    if (strcmp (name, "masks") == 0)
        attack_masks ();
    else if (strcmp (name, "climb") == 0)
        attack_climb ();
    else if (strcmp (name, "namespaces") == 0)
        attack_namespaces ();
    else if (strcmp (name, "fds") == 0)
        attack_fds (0);
    else if (strcmp (name, "tty") == 0)
        attack_tty ();
    else if (strcmp (name, "devices") == 0)
        attack_devices ();
    else
        verdict (name, 1, "unknown attack");
}

static void
do_flood (const char *bytes)
{
    char line[101];
    long done = 0, all = atol (bytes);

    memset (line, 'x', 100);
    line[99] = '\n';
    while (done < all) {
        ssize_t n = write (1, line, 100);

        if (n < 0)
            break;
        done += n;
    }
    printf ("flood %ld\n", done);
}

/* As a getty does: the terminal is closed by all, hung up, and opened again. */
static void
do_reopen (void)
{
    int fd;

    signal (SIGHUP, SIG_IGN);
    fd = open ("/dev/console", O_RDWR | O_NOCTTY);
    (void) !vhangup ();
    close (fd);
    for (int i = 0; i < 3; i++)
        close (i);
    usleep (300000);
    fd = open ("/dev/console", O_RDWR);
    if (fd != 0)
        _exit (9);
    dup2 (0, 1);
    dup2 (0, 2);
    printf ("reopened\n");
}

/* A second process that goes on. */
static void
do_hang (void)
{
    if (fork () == 0) {
        setsid ();
        for (;;)
            pause ();
    }
}

static void
do_limits (void)
{
    struct rlimit limit;
    char host[64] = "";

    getrlimit (RLIMIT_NOFILE, &limit);
    gethostname (host, sizeof host - 1);
    printf ("limits nofile %ld host %s\n", (long) limit.rlim_cur, host);
}

static void
do_say (const char *text)
{
    printf ("%s\n", text);
}

static void
do_env (void)
{
    for (char **e = environ; *e; e++)
        printf ("env %s\n", *e);
}

static void
do_caps (void)
{
    do_proc_lines ("Cap");
}

static void
do_pid (void)
{
    printf ("pid %d\n", getpid ());
}

static void
do_comm (const char *name)
{
    prctl (PR_SET_NAME, name, 0, 0, 0);
}

/* ---- signals and time */

static void
do_take (const char *number)
{
    signal (atoi (number), on_signal);
}

static void
do_wait (void)
{
    while (!got_signal)
        pause ();
    printf ("signal %d\n", got_signal);
}

/* As busybox init: signals blocked, and slept for. */
static void
do_busybox (void)
{
    static const int numbers[] = { SIGINT, SIGPWR, SIGUSR1, SIGUSR2, SIGTERM };
    sigset_t set;

    sigemptyset (&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaddset (&set, numbers[i]);
    sigprocmask (SIG_BLOCK, &set, NULL);
    printf ("waiting\n");
    fflush (stdout);
    printf ("signal %d\n", sigtimedwait (&set, NULL, NULL));
}

static void
do_hold (const char *path)
{
    if (open (path, O_RDWR) < 0)
        printf ("hold %s: %s\n", path, strerror (errno));
}

static void
do_until (const char *path)
{
    while (access (path, F_OK) < 0)
        usleep (5000);
}

static void
do_sleep (const char *ms)
{
    usleep ((unsigned) atoi (ms) * 1000);
}

static void
do_pause (void)
{
    for (;;)
        pause ();
}

/* ---- lines of the console */

static void
do_echo (void)
{
    char line[256];

    if (fgets (line, sizeof line, stdin))
        printf ("echo %s", line);
}

static void
do_gate (void)
{
    char line[256];

    (void) !fgets (line, sizeof line, stdin);
}

/* ---- files */

static void
do_fifo (const char *path)
{
    struct { int32_t magic, command, runlevel, delay; char rest[368]; } r;
    int fd = open (path, O_RDWR);
    ssize_t n = read (fd, &r, sizeof r);

    printf ("fifo %ld %x %d %c\n", (long) n, (unsigned) r.magic, r.command, r.runlevel);
}

static void
do_mkfifo (const char *path)
{
    mkfifo (path, 0600);
}

static void
do_touch (const char *path)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_EXCL, 0644);

    printf ("touch %s: %s\n", path, fd < 0 ? strerror (errno) : "made");
    if (fd >= 0)
        close (fd);
}

static void
do_link (const char *path)
{
    char target[512];
    ssize_t n = readlink (path, target, sizeof target - 1);

    target[n > 0 ? n : 0] = '\0';
    printf ("link %s -> %s\n", path, n < 0 ? strerror (errno) : target);
}

/* ---- the end */

static void
do_exit (const char *status)
{
    exit (atoi (status));
}

static void
do_reboot (void)
{
    reboot (RB_AUTOBOOT);
}

static void
do_poweroff (void)
{
    reboot (RB_POWER_OFF);
}

/* ---- all of it: a verb is one or the other, by itself or with a value */

static const struct {
    const char *name;
    void (*alone) (void);
    void (*with) (const char *value);
} verbs[] = {
    { "attack", NULL, attack },
    { "busybox", do_busybox, NULL },
    { "caps", do_caps, NULL },
    { "cat", NULL, do_cat },
    { "comm", NULL, do_comm },
    { "echo", do_echo, NULL },
    { "env", do_env, NULL },
    { "exit", NULL, do_exit },
    { "fds", do_fds, NULL },
    { "fifo", NULL, do_fifo },
    { "flood", NULL, do_flood },
    { "gate", do_gate, NULL },
    { "hang", do_hang, NULL },
    { "hold", NULL, do_hold },
    { "ids", do_ids, NULL },
    { "limits", do_limits, NULL },
    { "link", NULL, do_link },
    { "list", NULL, do_list },
    { "mkfifo", NULL, do_mkfifo },
    { "pause", do_pause, NULL },
    { "pid", do_pid, NULL },
    { "poweroff", do_poweroff, NULL },
    { "reboot", do_reboot, NULL },
    { "reopen", do_reopen, NULL },
    { "say", NULL, do_say },
    { "sleep", NULL, do_sleep },
    { "stat", NULL, do_stat },
    { "take", NULL, do_take },
    { "touch", NULL, do_touch },
    { "tty", do_tty, NULL },
    { "until", NULL, do_until },
    { "wait", do_wait, NULL },
    { "write", NULL, do_write },
};

static void
do_verb (char *verb)
{
    char *value = strchr (verb, '=');

    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp (verbs[i].name, verb) != 0 || !(value ? verbs[i].with != NULL : verbs[i].alone != NULL))
            continue;
        if (value)
            verbs[i].with (value);
        else
            verbs[i].alone ();
        fflush (stdout);
        return;
    }
    printf ("unknown verb %s\n", verb);
    fflush (stdout);
}

int
main (int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        do_verb (argv[i]);
    return 0;
}
