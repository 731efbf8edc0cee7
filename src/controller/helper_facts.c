/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What can be seen of a running container from inside: its host name and addresses by asking the kernel
 * in its namespaces; some files as they are, bounded and unread; sizes of its file systems.
 *
 * Words: OUT-FD WHAT. OUT-FD is a file that takes sections, each "NAME SIZE\n" and SIZE bytes; what
 * cannot be had is left out. WHAT is letters of FACT_*.
 *
 * Order: namespaces first that the host's root may enter by itself (a container without a network of
 * its own shares the host's, which its root may not enter), then files, as the container's root.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <arpa/inet.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "controller/enter.h"
#include "controller/helper.h"
#include "controller/path.h"
#include "util/fd.h"

#define TEXT_MAX (256 * 1024)
#define SMALL_MAX 16384

static char text[TEXT_MAX];     /* of one section */
static int out;

static void
section (const char *name, const char *bytes, size_t size)
{
    char head[64];
    int n = snprintf (head, sizeof head, "%s %zu\n", name, size);

    if (fd_write_all (out, head, (size_t) n) == 0)
        fd_write_all (out, bytes, size);
}

/* ---- the kernel's answers */

static void
hostname_section (void)
{
    char name[256];

    if (gethostname (name, sizeof name) == 0)
        section ("hostname", name, strnlen (name, sizeof name));
}

static unsigned
prefix_of (const struct sockaddr *mask)
{
    const uint8_t *bytes = NULL;
    unsigned size = 0, prefix = 0;

    if (mask && mask->sa_family == AF_INET) {
        bytes = (const void *) &((const struct sockaddr_in *) (const void *) mask)->sin_addr;
        size = 4;
    } else if (mask && mask->sa_family == AF_INET6) {
        bytes = (const void *) &((const struct sockaddr_in6 *) (const void *) mask)->sin6_addr;
        size = 16;
    }
    for (unsigned i = 0; i < size; i++)
        prefix += (unsigned) __builtin_popcount (bytes[i]);
    return prefix;
}

/* "eth0 link 52:54:00:00:00:01 0", "eth0 ipv4 10.0.0.2 24" */
static int
address_line (const struct ifaddrs *one, char *line, size_t size)
{
    char address[INET6_ADDRSTRLEN];
    const void *from = one->ifa_addr;

    if (!from)
        return 0;
    switch (one->ifa_addr->sa_family) {
    case AF_PACKET: {
        const struct sockaddr_ll *link = from;
        const uint8_t *m = link->sll_addr;

        if (link->sll_halen != 6)
            return snprintf (line, size, "%s link - 0\n", one->ifa_name);
        return snprintf (line, size, "%s link %02x:%02x:%02x:%02x:%02x:%02x 0\n", one->ifa_name, m[0],
                         m[1], m[2], m[3], m[4], m[5]);
    }
    case AF_INET:
        inet_ntop (AF_INET, &((const struct sockaddr_in *) from)->sin_addr, address, sizeof address);
        return snprintf (line, size, "%s ipv4 %s %u\n", one->ifa_name, address, prefix_of (one->ifa_netmask));
    case AF_INET6:
        inet_ntop (AF_INET6, &((const struct sockaddr_in6 *) from)->sin6_addr, address, sizeof address);
        return snprintf (line, size, "%s ipv6 %s %u\n", one->ifa_name, address, prefix_of (one->ifa_netmask));
    default:
        return 0;
    }
}

static void
addresses_section (void)
{
    struct ifaddrs *all = NULL;
    size_t used = 0;

    if (getifaddrs (&all) < 0)
        return;
    for (const struct ifaddrs *one = all; one && used < sizeof text - 256; one = one->ifa_next)
        used += (size_t) address_line (one, text + used, sizeof text - used);
    freeifaddrs (all);
    section ("addresses", text, used);
}

/* ---- the container's files */

static void
file_section (int root, const char *name, const char *const *paths, size_t most)
{
    for (; *paths; paths++) {
        ssize_t n = path_read (root, *paths, text, most);

        if (n >= 0) {
            section (name, text, (size_t) n);
            return;
        }
    }
}

/* Where /etc/localtime points to; the file itself is not looked at. */
static void
localtime_section (int root)
{
    autofd int etc = path_open (root, "/etc", O_PATH | O_DIRECTORY, PATH_FOLLOW);
    ssize_t n = etc >= 0 ? readlinkat (etc, "localtime", text, 1024) : -1;

    if (n > 0 && n < 1024)
        section ("localtime", text, (size_t) n);
}

/* ---- file systems */

/* Those that ask a program or a server may never answer. */
static bool
answers_at_once (const char *type)
{
    static const char *const remote[] = { "fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "autofs", "virtiofs",
                                          "lustre", "gluster", "ocfs", "gfs" };

    for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
        if (strncmp (type, remote[i], strlen (remote[i])) == 0)
            return false;
    return true;
}

/* Undoes mountinfo's octal escapes of blank, tab, newline and backslash, in place. */
static void
unescape (char *at)
{
    char *to = at;

    for (; *at; at++) {
        if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] && at[3]) {
            *to++ = (char) ((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 3;
        } else {
            *to++ = *at;
        }
    }
    *to = '\0';
}

/* "12345 678" for a line of mountinfo: bytes in all, and used; "-" when not known. */
static int
size_line (int root, char *line, char *to, size_t size)
{
    char *type = strstr (line, " - "), *save = NULL, *path = NULL;
    struct statfs fs;
    autofd int fd = -1;

    if (type) {
        type += 3;
        type[strcspn (type, " ")] = '\0';
    }
    for (int i = 0; i < 5; i++)
        path = strtok_r (i == 0 ? line : NULL, " ", &save);
    if (!type || !path || !answers_at_once (type))
        return snprintf (to, size, "-\n");
    unescape (path);
    fd = path_open (root, path, O_PATH, PATH_STRICT);
    if (fd < 0 || fstatfs (fd, &fs) < 0)
        return snprintf (to, size, "-\n");
    return snprintf (to, size, "%llu %llu\n", (unsigned long long) fs.f_blocks * (unsigned long long) fs.f_bsize,
                     (unsigned long long) (fs.f_blocks - fs.f_bfree) * (unsigned long long) fs.f_bsize);
}

/* The table as the host's /proc shows it, and a line of sizes for each of its lines. */
static void
mounts_sections (int root, int table)
{
    static char sizes[TEXT_MAX];
    ssize_t n = fd_read_all (table, text, sizeof text - 1);
    size_t used = 0;
    char *save = NULL;

    if (n < 0)
        return;
    text[n] = '\0';
    section ("mounts", text, (size_t) n);
    for (char *line = strtok_r (text, "\n", &save); line && used < sizeof sizes - 64;
         line = strtok_r (NULL, "\n", &save))
        used += (size_t) size_line (root, line, sizes + used, sizeof sizes - used);
    section ("sizes", sizes, used);
}

/* ---- */

static void
files_sections (const HelperCall *call, const char *what)
{
    static const char *const os_release[] = { "/etc/os-release", "/usr/lib/os-release", NULL };
    static const char *const timezone[] = { "/etc/timezone", NULL };
    static const char *const utmp[] = { "/run/utmp", "/var/run/utmp", NULL };
    autofd int root = -1, table = -1;
    char path[64];

    snprintf (path, sizeof path, "/proc/%d/mountinfo", (int) call->pid);
    table = open (path, O_RDONLY | O_CLOEXEC);
    if (enter_namespaces (call->pidfd, CLONE_NEWNS | (call->has_userns ? CLONE_NEWUSER : 0)) < 0)
        return;
    root = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (strchr (what, FACT_OS))
        file_section (root, "os-release", os_release, SMALL_MAX);
    if (strchr (what, FACT_TIMEZONE)) {
        file_section (root, "timezone", timezone, SMALL_MAX);
        localtime_section (root);
    }
    if (strchr (what, FACT_USERS))
        file_section (root, "utmp", utmp, TEXT_MAX);
    if (strchr (what, FACT_MOUNTS) && table >= 0)
        mounts_sections (root, table);
}

void
helper_facts (HelperCall *call, MonitorPacket *answer)
{
    const char *what = call->words[1];

    out = fd_parse (call->words[0]);
    if (out < 0 || what[strspn (what, FACTS_ALL)]) {
        errno = EINVAL;
        helper_failed (answer, STEP_READ_PLAN, "facts");
        return;
    }
    if (strchr (what, FACT_HOSTNAME) && setns (call->pidfd, CLONE_NEWUTS) == 0)
        hostname_section ();
    if (strchr (what, FACT_ADDRESSES) && setns (call->pidfd, CLONE_NEWNET) == 0)
        addresses_section ();
    if (strpbrk (what, (const char[]){ FACT_OS, FACT_TIMEZONE, FACT_USERS, FACT_MOUNTS, '\0' }))
        files_sections (call, what);
    answer->type = MONITOR_DONE;
}
