/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts of the host: CPUs, memory, NUMA, names. Every reader is bounded and takes no lock. */
#pragma once

#include <glib.h>

typedef struct {
    char model[32];
    guint64 memory;             /* KiB */
    int cpus, mhz, nodes, sockets, cores, threads;
} NodeInfo;

typedef struct { char name[81]; guint64 value; } NodeStat;

gboolean node_info (NodeInfo *info, GError **error);
/* @cpu -1: all (VIR_NODE_CPU_STATS_ALL_CPUS); names kernel user idle iowait [intr], ns. ERR_INVALID_ARG unknown cpu. */
GArray *node_cpu_stats (int cpu, GError **error);
/* @cell -1: all; names total free buffers cached (buffers, cached only for all), KiB. */
GArray *node_memory_stats (int cell, GError **error);
/* Whether there is a cell of that number, or one above it; else ERR_INTERNAL. */
gboolean node_check_cell (int start, GError **error);
gboolean node_free_memory (guint64 *bytes, GError **error);
GArray *node_cells_free (int start, int max, GError **error);      /* of guint64 bytes */
gboolean node_cpu_map (GByteArray **map, guint *online, guint *total, GError **error);
/* Of guint64: each size of cell @start, then of the next one. Cell -1 is the whole host. */
GArray *node_free_pages (const guint *sizes, guint n_sizes, int start, guint cells, GError **error);
guint64 node_hypervisor_version (GError **error);   /* kernel 6.18.44 -> 6018044; 0 on error */
char *node_hostname (void);                  /* canonical name of /etc/hosts, never a DNS query */
char *node_sysinfo_xml (GError **error);            /* SMBIOS from sysfs; ERR_CONFIG_UNSUPPORTED when absent */
char *node_host_uuid (void);                        /* SMBIOS, else machine-id, else random; text */
const char *node_arch (void);                       /* x86_64, aarch64, ... */
const char *node_arch32 (void);                     /* NULL when none */

/* Topology, caches, pages, distances: host/topology.h. */
guint64 node_process_start (int pid);               /* field 22 of /proc/PID/stat, 0 when gone */
/* Whether @pid is gone or its main thread has begun to end, which other threads and so the process's files may outlive
 * for a moment. */
gboolean node_process_ending (int pid);

/* The directory below which /proc, /sys and /etc are read, "" by default. Tests set it. */
extern const char *node_root;
/* Reads a small file below node_root; NULL when there is none. */
char *node_read (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Whether there is something below node_root. */
gboolean node_exists (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Names (char *) of what is in a directory below node_root, in their order, at most @max of them. */
GPtrArray *node_list (guint max, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* For XML, whatever the kernel, firmware or a device has there: bytes that are no UTF-8 and control
 * characters are replaced. */
char *node_markup (const char *text);
/* "0-3,7" -> numbers in ascending order, bounded; for cpulists and node lists of the kernel. */
GArray *node_parse_list (const char *text);         /* of guint */
