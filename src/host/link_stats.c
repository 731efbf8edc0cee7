/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The counters of all links of a network namespace in one reading. */
#include "host/link.h"

#include <string.h>

#include "util/file.h"

#define TABLE_MAX (16 << 20)
#define GUEST_TABLE_MAX (64 << 10)  /* whoever is root inside makes as many links as he likes */

/* "  eth0: BYTES PACKETS ERRS DROP FIFO FRAME COMPRESSED MULTICAST" and the same of what was sent. */
static void
read_line (char *line, GHashTable *table)
{
    enum { COLUMNS = 16, SENT = 8 };
    guint64 values[COLUMNS];
    char *colon = strrchr (line, ':'), *at;
    LinkStats *stats;

    if (!colon)
        return;             /* the two lines of the heading */
    *colon = '\0';
    at = colon + 1;
    for (guint i = 0; i < COLUMNS; i++)
        values[i] = g_ascii_strtoull (at, &at, 10);
    stats = g_new (LinkStats, 1);
    *stats = (LinkStats){
        .rx_bytes = values[0], .rx_packets = values[1], .rx_errs = values[2], .rx_drop = values[3],
        .tx_bytes = values[SENT], .tx_packets = values[SENT + 1], .tx_errs = values[SENT + 2],
        .tx_drop = values[SENT + 3],
    };
    g_hash_table_replace (table, g_strdup (g_strstrip (line)), stats);
}

GHashTable *
link_stats_all (int pid, GError **error)
{
    g_autofree char *path = pid ? g_strdup_printf ("/proc/%d/net/dev", pid) : g_strdup ("/proc/net/dev");
    g_autofree char *text = file_read (path, pid ? GUEST_TABLE_MAX : TABLE_MAX, NULL, error);
    GHashTable *table;
    char *next;

    if (!text)
        return NULL;
    table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    for (char *line = text; line; line = next) {
        next = strchr (line, '\n');
        if (next)
            *next++ = '\0';
        read_line (line, table);
    }
    return table;
}
