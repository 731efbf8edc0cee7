/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What top looks at (cmd_top.c) and how it is drawn on a terminal (top_screen.c). */
#pragma once

#include "cmd.h"

/* A domain: counters as they stand, and rates since the look before. */
typedef struct {
    char *name;
    char uuid[37];
    int id, state;
    guint64 cpu_time;          /* ns */
    guint64 memory, limit;     /* KiB; limit 0: none */
    guint64 rx, tx, read, written; /* bytes */
    double cpu, rx_rate, tx_rate, read_rate, write_rate; /* % of one CPU; bytes a second */
} TopRow;

typedef struct {
    GArray *rows; /* of TopRow */
    gint64 when;  /* monotonic, µs */
} Look;

#define TOP_COLUMNS 11
extern const char *const top_titles[TOP_COLUMNS + 1];
/* What stands in a column of a domain's line. */
char *top_cell (const TopRow *row, unsigned column);

/* The terminal, and which part of the list is on it. */
typedef struct {
    unsigned columns, lines;
    guint first; /* line of the list; put right when it is beyond the last ones */
    guint page;  /* for how many there is room */
} TopView;

/* The whole screen, to be drawn over the one before. What there is no room for is left out, columns as a whole. */
char *top_screen (const Look *look, const char *order, TopView *view, gboolean colour);
