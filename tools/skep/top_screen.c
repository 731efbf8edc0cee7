/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The screen of top. */
#include "top.h"

/* ---- What stands where ---- */

enum { ID, NAME, STATE, CPU, TIME, MEMORY, SHARE, RX, TX, READ, WRITE };

const char *const top_titles[TOP_COLUMNS + 1] = {
    "Id", "Name", "State", "%CPU", "Time", "Memory", "%Mem", "Rx/s", "Tx/s", "Rd/s", "Wr/s", NULL,
};

/* Widths do not change from look to look, so that nothing moves. What is wider moves its line. */
static const struct {
    unsigned width;
    unsigned rank; /* the highest is the first to go where the terminal is too narrow; 0 stays */
    gboolean left; /* aligned left */
} columns[TOP_COLUMNS] = {
    [ID] = { 7, 5, FALSE },     [NAME] = { 12, 0, TRUE },  [STATE] = { 7, 2, TRUE }, [CPU] = { 6, 0, FALSE },
    [TIME] = { 10, 7, FALSE },  [MEMORY] = { 7, 1, FALSE }, [SHARE] = { 5, 6, FALSE }, [RX] = { 6, 3, FALSE },
    [TX] = { 6, 3, FALSE },     [READ] = { 6, 4, FALSE },  [WRITE] = { 6, 4, FALSE },
};

static char *
rate_text (double bytes)
{
    static const char units[] = " KMGT";
    unsigned unit = 0;

    while (bytes >= 999.5 && units[unit + 1]) {
        bytes /= 1024;
        unit++;
    }
    return unit ? g_strdup_printf ("%.1f%c", bytes, units[unit]) : g_strdup_printf ("%.0f", bytes);
}

/* Hundredths as long as there are few hours. */
static char *
time_text (guint64 ns)
{
    guint64 seconds = ns / 1000000000, hours = seconds / 3600;
    unsigned minute = (unsigned) (seconds / 60 % 60), second = (unsigned) (seconds % 60);

    return hours < 10 ? g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u.%02u", hours, minute, second,
                                         (unsigned) (ns / 10000000 % 100))
                      : g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u", hours, minute, second);
}

static char *
memory_text (guint64 kib)
{
    double mib = (double) kib / 1024;

    return mib < 9999.95 ? g_strdup_printf ("%.1fM", mib) : g_strdup_printf ("%.1fG", mib / 1024);
}

char *
top_cell (const TopRow *row, unsigned column)
{
    switch (column) {
    case ID:
        return g_strdup_printf ("%d", row->id);
    case NAME:
        return g_strdup (row->name);
    case STATE:
        return g_strdup (skep_state_name (row->state));
    case CPU:
        return g_strdup_printf ("%.1f", row->cpu);
    case TIME:
        return time_text (row->cpu_time);
    case MEMORY:
        return memory_text (row->memory);
    case SHARE:
        return row->limit ? g_strdup_printf ("%.1f", 100.0 * (double) row->memory / (double) row->limit)
                          : g_strdup ("-");
    case RX:
        return rate_text (row->rx_rate);
    case TX:
        return rate_text (row->tx_rate);
    case READ:
        return rate_text (row->read_rate);
    default:
        return rate_text (row->write_rate);
    }
}

/* ---- Layout ---- */

/* The width of each column on a terminal of @room columns; 0: there is no room for it. */
static void
lay_out (const Look *look, unsigned room, unsigned *width)
{
    unsigned all = 0, longest = columns[NAME].width;

    for (unsigned c = 0; c < TOP_COLUMNS; c++) {
        width[c] = columns[c].width;
        all += width[c] + (c > 0);
    }
    for (unsigned rank = TOP_COLUMNS; all > room && rank > 0; rank--)
        for (unsigned c = 0; c < TOP_COLUMNS; c++)
            if (columns[c].rank == rank) {
                all -= width[c] + 1;
                width[c] = 0;
            }
    for (guint i = 0; i < look->rows->len; i++)
        longest = MAX (longest, text_columns (g_array_index (look->rows, TopRow, i).name));
    width[NAME] = MIN (longest, width[NAME] + (room > all ? room - all : 0));
}

/* A line of cells, those of a domain, or the titles where @row is NULL. */
static char *
table_line (const TopRow *row, const unsigned *width)
{
    GString *line = g_string_new (NULL);

    for (unsigned c = 0; c < TOP_COLUMNS; c++) {
        g_autofree char *text = row ? top_cell (row, c) : g_strdup (top_titles[c]);

        if (!width[c])
            continue;
        if (line->len)
            g_string_append_c (line, ' ');
        text_pad (line, text, width[c], columns[c].left);
    }
    return g_string_free (line, FALSE);
}

static char *
head_line (const Look *look, const char *order, const TopView *view)
{
    guint n = look->rows->len, paused = 0;
    guint64 memory = 0;
    double cpu = 0;
    GString *line = g_string_new ("skep top: ");
    g_autofree char *text = NULL;

    for (guint i = 0; i < n; i++) {
        const TopRow *row = &g_array_index (look->rows, TopRow, i);

        cpu += row->cpu;
        memory += row->memory;
        paused += row->state == SKEP_STATE_PAUSED;
    }
    text = memory_text (memory);
    g_string_append_printf (line, "%u running, ", n - paused);
    if (paused)
        g_string_append_printf (line, "%u paused, ", paused);
    g_string_append_printf (line, "by %s, CPU %.1f%%, memory %s", order, cpu, text);
    if (n > view->page && view->page)
        g_string_append_printf (line, ", %u-%u of %u", view->first + 1, view->first + view->page, n);
    return g_string_free (line, FALSE);
}

/* ---- The screen ---- */

typedef struct {
    GString *text;
    unsigned columns, lines, at; /* @at: lines that are drawn */
} Screen;

/* A line ends at the terminal's edge: a longer one would push the first off the screen. What was there goes before
 * the text comes: behind a full line the cursor stands on its last character. */
static void
draw_line (Screen *screen, const char *text, gboolean bold)
{
    g_autofree char *shown = text_clip (text, screen->columns);

    g_string_append_printf (screen->text, "%s\033[K%s%s%s", screen->at++ ? "\r\n" : "", bold ? "\033[1m" : "", shown,
                            bold ? "\033[0m" : "");
}

char *
top_screen (const Look *look, const char *order, TopView *view, gboolean colour)
{
    Screen screen = { g_string_new ("\033[H"), view->columns, view->lines, 0 };
    unsigned width[TOP_COLUMNS];
    gboolean titles = screen.lines >= 3, footer = screen.lines >= 6;
    guint n = look->rows->len;
    g_autofree char *head = NULL;

    view->page = screen.lines - 1 - titles - footer;
    view->first = MIN (view->first, n > view->page ? n - view->page : 0);
    head = head_line (look, order, view);
    lay_out (look, screen.columns, width);
    draw_line (&screen, head, FALSE);
    if (titles) {
        g_autofree char *line = table_line (NULL, width);

        draw_line (&screen, line, colour);
    }
    for (guint i = view->first; i < n && i < view->first + view->page; i++) {
        g_autofree char *line = table_line (&g_array_index (look->rows, TopRow, i), width);

        draw_line (&screen, line, FALSE);
    }
    if (screen.at < screen.lines)
        g_string_append (screen.text, "\r\n\033[J");
    if (footer) {
        g_string_append_printf (screen.text, "\033[%u;1H", screen.lines);
        screen.at = 0;
        draw_line (&screen, "c cpu  m memory  n net  b block  t time  i id  N name  q quit  Up/Down move", FALSE);
    }
    return g_string_free (screen.text, FALSE);
}
