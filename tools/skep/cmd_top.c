/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* top: a live table of running domains, from bulk statistics. */
#include "terminal.h"
#include "top.h"
#include "watch.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TOP_GROUPS                                                                                 \
    (SKEP_STATS_STATE | SKEP_STATS_CPU | SKEP_STATS_BALLOON | SKEP_STATS_INTERFACE                 \
     | SKEP_STATS_BLOCK | SKEP_STATS_MEMORY)

/* ---- One look ---- */

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

#define order_words "cpu|memory|net|block|time|name|id"

/* The key that asks for it on a terminal, and the word of --sort. */
static const struct {
    char key;
    const char *word;
} orders[] = {
    { 'c', "cpu" }, { 'm', "memory" }, { 'n', "net" }, { 'b', "block" },
    { 't', "time" }, { 'i', "id" },    { 'N', "name" },
};

/* The word of a key, or NULL. */
static const char *
order_of (char key)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (orders); i++)
        if (orders[i].key == key)
            return orders[i].word;
    return NULL;
}

static char
order_key (const char *word)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (orders); i++)
        if (strcmp (orders[i].word, word) == 0)
            return orders[i].key;
    return 0;
}

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
    case 'n':
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

/* ---- Printing ---- */

static void
print_table (Shell *shell, const Look *look)
{
    g_autoptr (Table) table = table_new (top_titles, top_titles);

    for (guint i = 0; i < look->rows->len; i++)
        for (unsigned c = 0; c < TOP_COLUMNS; c++) {
            g_autofree char *text = top_cell (&g_array_index (look->rows, TopRow, i), c);

            table_string (table, text);
        }
    table_print (table, FALSE, shell->quiet, shell->colour, shell->out);
}

static void
json_double (Json *json, const char *key, double value)
{
    SkepParam param = { .type = SKEP_DOUBLE, .value.d = value };

    json_key (json, key);
    json_param (json, &param);
}

static const char limit_key[] = "memory_limit";

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
                         { limit_key, row->limit },      { "rx_bytes", row->rx },
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
            if (counters[c].key == limit_key && !row->limit)
                json_string (&json, NULL);
            else
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

/* ---- Keys ---- */

typedef struct {
    Shell *shell;
    gint64 delay; /* µs */
    gint64 left;  /* looks to go; negative: for ever */
    gboolean live, as_json;
    char order;
    Look *look;   /* the last one */
    gboolean shown;
    TopView view;
    gint64 away; /* when the daemon went away (monotonic), 0: it is there */
} Top;

typedef enum { NEXT_NOTHING, NEXT_LOOK, NEXT_DRAW, NEXT_LEAVE } Next;

/* What a key does that sends a sequence of bytes (an arrow). @last is the last one, @number what is before it. */
static Next
take_sequence (Top *top, char last, int number)
{
    gint64 first = top->view.first, page = MAX (top->view.page, 1);

    switch (last == '~' ? '0' + number : last) {
    case 'A':
        first--;
        break;
    case 'B':
        first++;
        break;
    case '5': /* page up */
        first -= page;
        break;
    case '6':
        first += page;
        break;
    case 'H':
    case '1':
    case '7':
        first = 0;
        break;
    case 'F':
    case '4':
    case '8':
        first = top->look->rows->len;
        break;
    default:
        return NEXT_NOTHING;
    }
    top->view.first = (guint) MAX (first, 0);
    return NEXT_DRAW;
}

static Next
take_key (Top *top, char key)
{
    if (key == 'q' || key == 3)
        return NEXT_LEAVE;
    if (!order_of (key))
        return NEXT_NOTHING;
    top->order = key;
    top->view.first = 0;
    return NEXT_DRAW;
}

static Next
read_keys (Top *top)
{
    char keys[65] = "";
    ssize_t n = read (STDIN_FILENO, keys, sizeof keys - 1);
    Next next = NEXT_NOTHING;

    if (n <= 0)
        return n < 0 && errno == EINTR ? NEXT_NOTHING : NEXT_LEAVE;
    for (const char *at = keys; *at && next != NEXT_LEAVE; at++) {
        Next one;

        if (*at == '\033' && (at[1] == '[' || at[1] == 'O')) {
            const char *number = at + 2;

            at = number + strspn (number, "0123456789;");
            if (!*at)
                break;
            one = take_sequence (top, *at, g_ascii_isdigit (*number) && at == number + 1 ? *number - '0' : -1);
        } else {
            one = take_key (top, *at);
        }
        next = one == NEXT_NOTHING ? next : one;
    }
    return next;
}

/* ---- The loop ---- */

/* Waits for the time of the next look, or for something that wants the last one drawn anew. */
static Next
wait_next (Top *top, gint64 until)
{
    for (;;) {
        Next next;

        if (watch_interrupted () || ferror (top->shell->out))
            return NEXT_LEAVE;
        if (watch_resized ())
            return NEXT_DRAW;
        if (g_get_monotonic_time () >= until)
            return NEXT_LOOK;
        if (watch_sleep (top->live ? STDIN_FILENO : -1, until) && (next = read_keys (top)) != NEXT_NOTHING)
            return next;
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
        look = take_look (shell, top->look, error);
    if (look) {
        top->away = 0;
    } else if ((!shell->conn || !skep_connection_alive (shell->conn)) && daemon_away (top)) {
        shell_disconnect (shell);
        skep_error_clear (error);
    }
    return look;
}

/* A terminal that does not know its size is one of the usual size. */
static void
draw (Top *top)
{
    g_autofree char *text = NULL;
    struct winsize size = { 0 };

    ioctl (STDOUT_FILENO, TIOCGWINSZ, &size);
    top->view.columns = size.ws_col ? size.ws_col : 80;
    top->view.lines = size.ws_row ? size.ws_row : 24;
    text = top_screen (top->look, order_of (top->order), &top->view, top->shell->colour);
    fputs (text, top->shell->out);
}

static void
show (Top *top)
{
    g_array_sort_with_data (top->look->rows, compare, &top->order);
    if (top->as_json)
        print_json (top->shell, top->look);
    else if (top->live)
        draw (top);
    else
        print_table (top->shell, top->look);
    fflush (top->shell->out);
    top->shown = TRUE;
}

/* A look, shown. Returns how long the next one can wait. */
static gint64
look_and_show (Top *top, SkepError *error)
{
    Look *look = look_again (top, error);

    if (!look)
        return G_USEC_PER_SEC / 5;
    look_free (top->look);
    top->look = look;
    show (top);
    top->left -= top->left > 0;
    return top->delay;
}

static void
run_loop (Top *top, SkepError *error)
{
    /* The first rates come soon. */
    gint64 until = g_get_monotonic_time () + MIN (top->delay, G_USEC_PER_SEC / 2);

    top->look = take_look (top->shell, NULL, error);
    while (!error->code && top->left) {
        Next next = wait_next (top, until);

        if (next == NEXT_LEAVE)
            break;
        if (next == NEXT_LOOK)
            until = look_and_show (top, error) + g_get_monotonic_time ();
        else if (top->shown && !top->away)
            show (top);
    }
    look_free (top->look);
}

static int
run_top (Shell *shell, const Args *args)
{
    const char *order = args_string (args, "sort"), *terminal = g_getenv ("TERM");
    gint64 delay = args_number (args, "delay", 2);
    Top top = { .shell = shell, .delay = delay * G_USEC_PER_SEC,
                .left = args_number (args, "iterations", -1),
                .as_json = shell_wants_json (shell, args), .order = order ? order_key (order) : 'c' };
    autoerror error = { 0 };

    if (!top.order)
        return shell_fail (shell, "no order '%s': %s", order, order_words);
    if (delay < 1 || delay > 3600)
        return shell_fail (shell, "--delay wants 1 to 3600 seconds");
    if (args_given (args, "iterations") && top.left < 1)
        return shell_fail (shell, "--iterations wants at least 1");
    top.live = !top.as_json && !args_flag (args, "batch") && isatty (STDIN_FILENO) && isatty (STDOUT_FILENO)
            && g_strcmp0 (terminal, "dumb") != 0;
    if (top.live && !terminal_open_screen ())
        return shell_fail (shell, "cannot set the terminal up");
    watch_begin ();
    if (top.live)
        watch_size ();
    run_loop (&top, &error);
    watch_end ();
    if (top.live)
        terminal_leave ();
    return error.code ? shell_fail_with (shell, &error, "cannot read the figures of the domains") : 0;
}

/* ---- Rows ---- */

static const Option top_options[] = {
    { "delay", OPT_NUMBER, OPT_NAMED, "seconds between two looks (2)", COMPLETE_NONE, NULL },
    { "iterations", OPT_NUMBER, OPT_NAMED, "end after so many", COMPLETE_NONE, NULL },
    { "sort", OPT_STRING, OPT_NAMED, "what the table is ordered by (cpu)", COMPLETE_WORDS, order_words },
    { "batch", OPT_FLAG, 0, "print tables one after the other, as without a terminal",
      COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_top[] = {
    { "top", GROUP_MONITOR, VERB_JSON, "show what running domains use, live",
      "CPU in percent of one CPU, rates in bytes a second. Keys change the order; arrows and page keys move "
      "through the list. With --json one line for every look.",
      top_options, run_top },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
