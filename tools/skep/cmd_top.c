/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* top: a live table of running domains, from bulk statistics. */
#include "cmd.h"
#include "terminal.h"
#include "watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TOP_GROUPS                                                                                 \
    (SKEP_STATS_STATE | SKEP_STATS_CPU | SKEP_STATS_BALLOON | SKEP_STATS_INTERFACE                 \
     | SKEP_STATS_BLOCK | SKEP_STATS_MEMORY)

/* ---- One look ---- */

/* Counters as they stand, and rates since the look before. */
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

static void
top_row_clear (TopRow *row)
{
    g_free (row->name);
}

static void
look_free (Look *look)
{
    if (!look)
        return;
    g_array_unref (look->rows);
    g_free (look);
}

static guint64
number_of (const SkepParams *values, const char *name)
{
    const SkepParam *param = skep_params_find (values, name);

    if (!param)
        return 0;
    return param->type == SKEP_UINT ? param->value.u
         : param->type == SKEP_INT  ? (guint64) MAX (param->value.i, 0)
                                    : param->value.ul;
}

/* The sum of net.0.NAME, net.1.NAME, ... */
static guint64
sum_of (const SkepParams *values, const char *group, const char *name)
{
    g_autofree char *count_name = g_strdup_printf ("%s.count", group);
    guint64 sum = 0, n = number_of (values, count_name);

    for (guint64 i = 0; i < n && i < values->n; i++) {
        g_autofree char *one = g_strdup_printf ("%s.%" G_GUINT64_FORMAT ".%s", group, i, name);

        sum += number_of (values, one);
    }
    return sum;
}

static const TopRow *
find_row (const Look *look, const char *uuid, int id)
{
    for (guint i = 0; look && i < look->rows->len; i++) {
        const TopRow *row = &g_array_index (look->rows, TopRow, i);

        /* another id: another start, and counters begin anew */
        if (row->id == id && strcmp (row->uuid, uuid) == 0)
            return row;
    }
    return NULL;
}

static double
rate (guint64 now, guint64 before, double seconds)
{
    return now > before && seconds > 0 ? (double) (now - before) / seconds : 0;
}

static void
fill_row (TopRow *row, const SkepStats *stats, const Look *before, double seconds)
{
    const SkepParams *values = &stats->values;
    const TopRow *old;

    *row = (TopRow){ .name = g_strdup (stats->domain->name), .id = stats->domain->id };
    skep_domain_uuid_text (stats->domain, row->uuid);
    row->state = (int) number_of (values, "state.state");
    row->cpu_time = number_of (values, "cpu.time");
    row->memory = number_of (values, "memory.usage");
    row->limit = number_of (values, "memory.limit");
    if (!row->memory)
        row->memory = number_of (values, "balloon.rss");
    row->rx = sum_of (values, "net", "rx.bytes");
    row->tx = sum_of (values, "net", "tx.bytes");
    row->read = number_of (values, "block.total.rd.bytes");
    row->written = number_of (values, "block.total.wr.bytes");
    if (!(old = find_row (before, row->uuid, row->id)))
        return;
    row->cpu = rate (row->cpu_time, old->cpu_time, seconds) / 1e7;
    row->rx_rate = rate (row->rx, old->rx, seconds);
    row->tx_rate = rate (row->tx, old->tx, seconds);
    row->read_rate = rate (row->read, old->read, seconds);
    row->write_rate = rate (row->written, old->written, seconds);
}

static Look *
take_look (Shell *shell, const Look *before, SkepError *error)
{
    SkepStats *stats = NULL;
    int n = skep_stats (shell->conn, NULL, 0, TOP_GROUPS, SKEP_LIST_ACTIVE, &stats, error);
    Look *look;
    double seconds;

    if (n < 0)
        return NULL;
    look = g_new0 (Look, 1);
    look->when = g_get_monotonic_time ();
    look->rows = g_array_new (FALSE, TRUE, sizeof (TopRow));
    g_array_set_clear_func (look->rows, (GDestroyNotify) top_row_clear);
    g_array_set_size (look->rows, (guint) n);
    seconds = before ? (double) (look->when - before->when) / G_USEC_PER_SEC : 0;
    for (int i = 0; i < n; i++)
        fill_row (&g_array_index (look->rows, TopRow, i), &stats[i], before, seconds);
    skep_stats_free (stats, n);
    return look;
}

/* ---- Order ---- */

static const char *const order_words = "cpu|memory|net|block|time|name|id";

static int
compare (gconstpointer a, gconstpointer b, gpointer data)
{
    const TopRow *one = a, *two = b;
    double left = 0, right = 0;

    switch (*(const char *) data) {
    case 'c':
        left = one->cpu, right = two->cpu;
        break;
    case 'm':
        left = (double) one->memory, right = (double) two->memory;
        break;
    case 'n': /* "name" is below */
        left = one->rx_rate + one->tx_rate, right = two->rx_rate + two->tx_rate;
        break;
    case 'b':
        left = one->read_rate + one->write_rate, right = two->read_rate + two->write_rate;
        break;
    case 't':
        left = (double) one->cpu_time, right = (double) two->cpu_time;
        break;
    case 'i':
        left = -one->id, right = -two->id;
        break;
    }
    return left > right ? -1 : left < right ? 1 : strcmp (one->name, two->name);
}

/* The words' first letters, but N for the name. */
static char
order_letter (const char *word)
{
    return strcmp (word, "name") == 0 ? 'N' : *word;
}

/* ---- Printing ---- */

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

static char *
time_text (guint64 ns)
{
    guint64 seconds = ns / 1000000000;

    return g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u.%02u", seconds / 3600,
                            (unsigned) (seconds / 60 % 60), (unsigned) (seconds % 60),
                            (unsigned) (ns / 10000000 % 100));
}

/* Columns of a terminal that everything but the name takes, mostly. */
#define OTHER_COLUMNS 82
#define NAME_COLUMNS  16 /* at least */

static void
table_row (Table *table, const TopRow *row, unsigned name_columns)
{
    const double rates[] = { row->rx_rate, row->tx_rate, row->read_rate, row->write_rate };
    g_autofree char *cpu = g_strdup_printf ("%.1f", row->cpu);
    g_autofree char *time = time_text (row->cpu_time);
    g_autofree char *name = text_clip (row->name, name_columns);
    g_autofree char *memory = g_strdup_printf ("%.1fM", (double) row->memory / 1024);
    g_autofree char *share = row->limit
                               ? g_strdup_printf ("%.1f", 100.0 * (double) row->memory
                                                              / (double) row->limit)
                               : g_strdup ("-");

    table_number (table, row->id, NULL);
    table_string (table, name);
    table_string (table, skep_state_name (row->state));
    table_string (table, cpu);
    table_string (table, time);
    table_string (table, memory);
    table_string (table, share);
    for (unsigned i = 0; i < G_N_ELEMENTS (rates); i++) {
        g_autofree char *text = rate_text (rates[i]);

        table_string (table, text);
    }
}

/* At most @max lines of domains; 0: all. Long names are cut to @name_columns. */
static void
print_table (Shell *shell, const Look *look, unsigned max, unsigned name_columns)
{
    static const char *const titles[] = { "Id",   "Name", "State", "%CPU", "Time", "Memory", "%Mem",
                                          "Rx/s", "Tx/s", "Rd/s",  "Wr/s", NULL };
    g_autoptr (Table) table = table_new (titles, titles);

    for (guint i = 0; i < look->rows->len && (!max || i < max); i++)
        table_row (table, &g_array_index (look->rows, TopRow, i), name_columns);
    table_print (table, FALSE, shell->quiet, shell->colour, shell->out);
}

static void
json_double (Json *json, const char *key, double value)
{
    SkepParam param = { .type = SKEP_DOUBLE, .value.d = value };

    json_key (json, key);
    json_param (json, &param);
}

/* One line: the time and every domain. */
static void
print_json (Shell *shell, const Look *look)
{
    g_autofree char *text = watch_time ();
    Json json;

    json_init (&json);
    json.one_line = TRUE;
    json_open (&json, '{');
    json_key (&json, "time");
    json_string (&json, text);
    json_key (&json, "domains");
    json_open (&json, '[');
    for (guint i = 0; i < look->rows->len; i++) {
        const TopRow *row = &g_array_index (look->rows, TopRow, i);
        const struct {
            const char *key;
            guint64 value;
        } counters[] = { { "cpu_time", row->cpu_time }, { "memory", row->memory },
                         { "memory_limit", row->limit }, { "rx_bytes", row->rx },
                         { "tx_bytes", row->tx },        { "read_bytes", row->read },
                         { "written_bytes", row->written } };

        json_open (&json, '{');
        json_key (&json, "id");
        json_int (&json, row->id);
        json_key (&json, "name");
        json_string (&json, row->name);
        json_key (&json, "uuid");
        json_string (&json, row->uuid);
        json_key (&json, "state");
        json_string (&json, skep_state_name (row->state));
        for (unsigned c = 0; c < G_N_ELEMENTS (counters); c++) {
            json_key (&json, counters[c].key);
            json_uint (&json, counters[c].value);
        }
        json_double (&json, "cpu_percent", row->cpu);
        json_double (&json, "rx_rate", row->rx_rate);
        json_double (&json, "tx_rate", row->tx_rate);
        json_double (&json, "read_rate", row->read_rate);
        json_double (&json, "write_rate", row->write_rate);
        json_close (&json, '}');
    }
    json_close (&json, ']');
    json_close (&json, '}');
    json_finish (&json, shell->out);
}

/* Lines end at the terminal's edge: a longer one would push the first off the screen. */
static void
draw_line (FILE *out, const char *text, unsigned columns)
{
    g_autofree char *shown = text_clip (text, columns);

    fprintf (out, "%s\033[0m\033[K", shown);
}

/* The whole screen, drawn over the one before. */
static void
draw (Shell *shell, const Look *look, char order)
{
    g_autofree char *text = NULL, *head = NULL;
    g_auto (GStrv) line = NULL;
    struct winsize size = { 0 };
    FILE *out = shell->out;
    double cpu = 0;
    size_t length;

    /* A terminal that does not know its size is one of the usual size. */
    if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 8 || size.ws_col < 20)
        size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
    shell->out = open_memstream (&text, &length);
    print_table (shell, look, (unsigned) size.ws_row - 6,
                 size.ws_col > OTHER_COLUMNS + NAME_COLUMNS ? size.ws_col - OTHER_COLUMNS : NAME_COLUMNS);
    fclose (shell->out);
    shell->out = out;
    for (guint i = 0; i < look->rows->len; i++)
        cpu += g_array_index (look->rows, TopRow, i).cpu;
    head = g_strdup_printf ("skep top: %u running, CPU %.1f%%   order: %c", look->rows->len, cpu, order);
    fputs ("\033[H", out);
    draw_line (out, head, size.ws_col);
    fputs ("\r\n\033[K\r\n", out);
    line = g_strsplit (text, "\n", -1);
    for (char **at = line; *at; at++) {
        draw_line (out, *at, size.ws_col);
        fputs ("\r\n", out);
    }
    fputs ("\033[J", out);
    draw_line (out, "c cpu  m memory  n net  b block  t time  i id  N name  q quit", size.ws_col);
    fflush (out);
}

/* ---- The loop ---- */

typedef struct {
    Shell *shell;
    gint64 delay; /* µs */
    gint64 left;  /* looks to go; negative: for ever */
    gboolean live, as_json;
    char order;
    Look *before;
    gint64 away; /* when the daemon went away (monotonic), 0: it is there */
} Top;

/* Waits for the next look, or a key: it changes the order, 'q' or Ctrl + C leaves. */
static gboolean
wait_or_key (Top *top, gint64 until)
{
    for (;;) {
        char key;

        if (watch_interrupted () || ferror (top->shell->out))
            return FALSE;
        if (g_get_monotonic_time () >= until)
            return TRUE;
        if (!watch_sleep (top->live ? STDIN_FILENO : -1, until))
            continue;
        if (read (STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 3)
            return FALSE;
        if (key && strchr ("cmnbtiN", key)) {
            top->order = key;
            return TRUE;
        }
    }
}

/* A daemon that is started again is back soon. FALSE: it was away for too long. */
static gboolean
daemon_away (Top *top)
{
    gint64 now = g_get_monotonic_time ();

    if (!top->away) {
        top->away = now;
        if (top->live)
            fputs ("\033[Hskep top: the daemon went away, waiting for it to come back\033[K", top->shell->out);
        else
            shell_hint (top->shell, "the daemon went away: waiting for it to come back");
        fflush (top->shell->out);
    }
    return now - top->away < WATCH_RECONNECT_SECONDS * G_USEC_PER_SEC;
}

/* The next look, NULL without error while the daemon is away. */
static Look *
look_again (Top *top, SkepError *error)
{
    Shell *shell = top->shell;
    Look *look = NULL;

    if (!shell->conn)
        shell->conn = shell_connect (shell, error);
    if (shell->conn)
        look = take_look (shell, top->before, error);
    if (look) {
        top->away = 0;
    } else if ((!shell->conn || !skep_connection_alive (shell->conn)) && daemon_away (top)) {
        shell_disconnect (shell);
        skep_error_clear (error);
    }
    return look;
}

static void
show (Top *top, Look *look)
{
    g_array_sort_with_data (look->rows, compare, &top->order);
    if (top->as_json)
        print_json (top->shell, look);
    else if (top->live)
        draw (top->shell, look, top->order);
    else
        print_table (top->shell, look, 0, G_MAXUINT);
    fflush (top->shell->out);
    top->left -= top->left > 0;
}

static void
run_loop (Top *top, SkepError *error)
{
    /* The first rates come soon. */
    gint64 pause = MIN (top->delay, G_USEC_PER_SEC / 2);

    top->before = take_look (top->shell, NULL, error);
    while (!error->code && top->left && wait_or_key (top, g_get_monotonic_time () + pause)) {
        Look *look = look_again (top, error);

        if (look) {
            show (top, look);
            look_free (top->before);
            top->before = look;
        }
        pause = look ? top->delay : G_USEC_PER_SEC / 5;
    }
    look_free (top->before);
}

static int
run_top (Shell *shell, const Args *args)
{
    const char *order = args_string (args, "sort");
    g_auto (GStrv) orders = g_strsplit (order_words, "|", -1);
    gint64 delay = args_number (args, "delay", 2);
    Top top = { .shell = shell, .delay = delay * G_USEC_PER_SEC,
                .left = args_number (args, "iterations", -1),
                .as_json = shell_wants_json (shell, args), .order = 'c' };
    autoerror error = { 0 };

    if (order && !g_strv_contains ((const char *const *) orders, order))
        return shell_fail (shell, "no order '%s': %s", order, order_words);
    if (delay < 1 || delay > 3600 || (args_given (args, "iterations") && top.left < 1))
        return shell_fail (shell, "--delay and --iterations want at least 1");
    if (order)
        top.order = order_letter (order);
    top.live = !top.as_json && !args_flag (args, "batch") && isatty (STDIN_FILENO)
            && isatty (STDOUT_FILENO);
    if (top.live) {
        if (!terminal_make_raw ())
            return shell_fail (shell, "cannot set the terminal up");
        fputs ("\033[?1049h\033[?25l\033[2J", shell->out); /* another screen, no cursor */
    }
    watch_begin ();
    run_loop (&top, &error);
    watch_end ();
    if (top.live) {
        fputs ("\033[?25h\033[?1049l", shell->out);
        fflush (shell->out);
        terminal_leave ();
    }
    return error.code ? shell_fail_with (shell, &error, "cannot read the figures of the domains") : 0;
}

/* ---- Rows ---- */

static const Option top_options[] = {
    { "delay", OPT_NUMBER, OPT_NAMED, "seconds between two looks (2)", COMPLETE_NONE, NULL },
    { "iterations", OPT_NUMBER, OPT_NAMED, "end after so many", COMPLETE_NONE, NULL },
    { "sort", OPT_STRING, OPT_NAMED, "what the table is ordered by (cpu)", COMPLETE_WORDS,
      "cpu|memory|net|block|time|name|id" },
    { "batch", OPT_FLAG, 0, "print tables one after the other, as without a terminal",
      COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_top[] = {
    { "top", GROUP_MONITOR, VERB_JSON, "show what running domains use, live",
      "CPU in percent of one CPU, rates in bytes a second. With --json one line for every look.",
      top_options, run_top },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
