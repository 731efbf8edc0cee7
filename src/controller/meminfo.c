/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which line means what follows LXCFS, whose readers these are: MemTotal is the lowest limit that holds
 * the container, MemFree what is left of it, MemAvailable that and the page cache, which would go first.
 * Swap is the container's part of the host's. Widths are the kernel's, so that a reader of small pieces
 * gets whole lines although each piece is made anew.
 */
#include "controller/meminfo.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/fd.h"

#define NONE UINT64_MAX
#define ANCESTORS_MAX 16

/* KiB; NONE: as on the host */
typedef struct {
    uint64_t total, free, available, zero, cached;
    uint64_t active, inactive, active_anon, inactive_anon, active_file, inactive_file, unevictable;
    uint64_t swap_total, swap_free, dirty, writeback, anon, mapped, shmem;
    uint64_t slab, reclaimable, unreclaimable;
} Numbers;

static const struct {
    const char *name;
    size_t offset;
} lines[] = {
    { "MemTotal", offsetof (Numbers, total) }, { "MemFree", offsetof (Numbers, free) },
    { "MemAvailable", offsetof (Numbers, available) }, { "Buffers", offsetof (Numbers, zero) },
    { "Cached", offsetof (Numbers, cached) }, { "SwapCached", offsetof (Numbers, zero) },
    { "Active", offsetof (Numbers, active) }, { "Inactive", offsetof (Numbers, inactive) },
    { "Active(anon)", offsetof (Numbers, active_anon) },
    { "Inactive(anon)", offsetof (Numbers, inactive_anon) },
    { "Active(file)", offsetof (Numbers, active_file) },
    { "Inactive(file)", offsetof (Numbers, inactive_file) },
    { "Unevictable", offsetof (Numbers, unevictable) },
    { "SwapTotal", offsetof (Numbers, swap_total) }, { "SwapFree", offsetof (Numbers, swap_free) },
    { "Dirty", offsetof (Numbers, dirty) }, { "Writeback", offsetof (Numbers, writeback) },
    { "AnonPages", offsetof (Numbers, anon) }, { "Mapped", offsetof (Numbers, mapped) },
    { "Shmem", offsetof (Numbers, shmem) }, { "Slab", offsetof (Numbers, slab) },
    { "SReclaimable", offsetof (Numbers, reclaimable) },
    { "SUnreclaim", offsetof (Numbers, unreclaimable) },
};

static ssize_t
read_text (int dir, const char *path, char *text, size_t size)
{
    autofd int fd = openat (dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd >= 0 ? fd_read_all (fd, text, size - 1) : -1;

    text[n > 0 ? n : 0] = '\0';
    return n;
}

/* Bytes in a file of one number, as KiB; NONE for "max", or no such file. */
static uint64_t
read_number (int group, const char *file)
{
    char text[32];

    if (read_text (group, file, text, sizeof text) <= 0 || text[0] < '0' || text[0] > '9')
        return NONE;
    return strtoull (text, NULL, 10) / 1024;
}

/* "key N" at the start of a line, bytes, as KiB; 0 where it is not. */
static uint64_t
stat_number (const char *stat, const char *key)
{
    size_t length = strlen (key);

    while (stat && *stat) {
        if (strncmp (stat, key, length) == 0 && stat[length] == ' ')
            return strtoull (stat + length, NULL, 10) / 1024;
        stat = strchr (stat, '\n');
        stat = stat ? stat + 1 : NULL;
    }
    return 0;
}

/* "Name:   N kB" of the host's. */
static uint64_t
host_number (const char *host, const char *name)
{
    const char *at = strstr (host, name);

    return at ? strtoull (at + strlen (name) + 1, NULL, 10) : 0;
}

static uint64_t
lower (uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t
minus (uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void
take_stat (const char *stat, bool v2, Numbers *n)
{
    /* version 1 has what is below the group only in lines of its own */
    const char *prefix = v2 ? "" : "total_";
    static const struct {
        const char *v2, *v1;
        size_t offset;
    } keys[] = {
        { "file", "cache", offsetof (Numbers, cached) },
        { "active_anon", NULL, offsetof (Numbers, active_anon) },
        { "inactive_anon", NULL, offsetof (Numbers, inactive_anon) },
        { "active_file", NULL, offsetof (Numbers, active_file) },
        { "inactive_file", NULL, offsetof (Numbers, inactive_file) },
        { "unevictable", NULL, offsetof (Numbers, unevictable) },
        { "file_dirty", "dirty", offsetof (Numbers, dirty) },
        { "file_writeback", "writeback", offsetof (Numbers, writeback) },
        { "anon", "rss", offsetof (Numbers, anon) },
        { "file_mapped", "mapped_file", offsetof (Numbers, mapped) },
        { "shmem", NULL, offsetof (Numbers, shmem) },
        { "slab_reclaimable", NULL, offsetof (Numbers, reclaimable) },
        { "slab_unreclaimable", NULL, offsetof (Numbers, unreclaimable) },
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[64];

        snprintf (key, sizeof key, "%s%s", prefix, v2 || !keys[i].v1 ? keys[i].v2 : keys[i].v1);
        *(uint64_t *) ((char *) n + keys[i].offset) = stat_number (stat, key);
    }
    n->active = n->active_anon + n->active_file;
    n->inactive = n->inactive_anon + n->inactive_file;
    n->slab = n->reclaimable + n->unreclaimable;
}

/* The lowest of a group and those above it. */
static uint64_t
lowest (int group, const char *file)
{
    char path[ANCESTORS_MAX * 3 + 32] = "";
    uint64_t limit = NONE;

    for (unsigned up = 0; up < ANCESTORS_MAX; up++) {
        size_t length = up * 3;

        snprintf (path + length, sizeof path - length, "%s", file);
        limit = lower (limit, read_number (group, path));
        if (up > 0 && faccessat (group, path, F_OK, 0) < 0)
            break;
        memcpy (path + length, "../", 4);
    }
    return limit;
}

static void
take_swap (int group, bool v2, const char *stat, uint64_t limit, const char *host, Numbers *n)
{
    uint64_t used, allowed = NONE, both;

    if (v2) {
        allowed = lowest (group, "memory.swap.max");
        used = read_number (group, "memory.swap.current");
    } else {
        both = stat_number (stat, "hierarchical_memsw_limit");
        used = stat_number (stat, "total_swap");
        if (both > 0)
            allowed = minus (both, limit);
    }
    n->swap_total = lower (allowed, host_number (host, "SwapTotal"));
    n->swap_free = lower (minus (n->swap_total, used == NONE ? 0 : used), host_number (host, "SwapFree"));
}

static bool
look (int group, bool v2, const char *host, Numbers *n)
{
    char stat[8192];
    uint64_t used = read_number (group, v2 ? "memory.current" : "memory.usage_in_bytes"), limit;

    if (used == NONE || read_text (group, "memory.stat", stat, sizeof stat) <= 0)
        return false;
    limit = v2 ? lowest (group, "memory.max") : stat_number (stat, "hierarchical_memory_limit");
    take_stat (stat, v2, n);
    take_swap (group, v2, stat, limit, host, n);
    n->zero = 0;
    n->total = lower (limit, host_number (host, "MemTotal"));
    n->free = minus (n->total, used);
    n->available = lower (n->free + n->active_file + n->inactive_file + n->reclaimable, n->total);
    return true;
}

/* One line of the host's, with the container's number where there is one. */
static int
put_line (char *text, size_t room, const char *line, size_t length, const Numbers *n)
{
    for (size_t i = 0; n && i < sizeof lines / sizeof *lines; i++) {
        size_t name = strlen (lines[i].name);

        if (strncmp (line, lines[i].name, name) == 0 && line[name] == ':')
            return snprintf (text, room, "%s:%*s%8llu kB\n", lines[i].name,
                             name < 15 ? (int) (15 - name) : 0, "",
                             (unsigned long long) *(const uint64_t *) ((const char *) n + lines[i].offset));
    }
    return snprintf (text, room, "%.*s\n", (int) length, line);
}

size_t
meminfo_format (int group, bool v2, char *text)
{
    char host[MEMINFO_SIZE];
    size_t length = 0;
    Numbers n;
    bool known;

    read_text (AT_FDCWD, "/proc/meminfo", host, sizeof host);
    known = look (group, v2, host, &n);
    for (const char *line = host; *line;) {
        size_t size = strcspn (line, "\n");
        int put = put_line (text + length, MEMINFO_SIZE - length, line, size, known ? &n : NULL);

        if (put < 0 || length + (size_t) put >= MEMINFO_SIZE)
            break;
        length += (size_t) put;
        line += size + (line[size] == '\n');
    }
    return length;
}
