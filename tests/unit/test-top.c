/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The screen of top: what fits on which terminal. */
#include <glib.h>
#include <string.h>

#include "top.h"

static Look *
look_new (guint n)
{
    static const char *const names[] = { "web", "a-name-that-is-longer-than-its-column-is-wide", "n\u00e4me",
                                         "\u5bb9\u5668\u5bb9\u5668\u5bb9\u5668\u5bb9\u5668\u5bb9\u5668", "with blank" };
    Look *look = g_new0 (Look, 1);

    look->rows = g_array_new (FALSE, TRUE, sizeof (TopRow));
    for (guint i = 0; i < n; i++) {
        TopRow row = { .name = (char *) names[i % G_N_ELEMENTS (names)], .id = (int) (4194000 + i),
                       .state = i == 1 ? SKEP_STATE_PAUSED : SKEP_STATE_RUNNING,
                       .cpu_time = G_GUINT64_CONSTANT (36123450000000) * i, .memory = 1234567 * i, .limit = 2345678 * i,
                       .cpu = 99.94 * i, .rx_rate = 1023487.0 * i, .tx_rate = 999.4 };

        g_array_append_val (look->rows, row);
    }
    return look;
}

static void
look_free (Look *look)
{
    g_array_unref (look->rows);
    g_free (look);
}

/* The lines of a screen, without what moves the cursor. The last one is the line of keys if there is one. */
static GStrv
lines_of (guint domains, TopView *view)
{
    Look *look = look_new (domains);
    g_autofree char *text = top_screen (look, "cpu", view, FALSE);
    g_autoptr (GRegex) keys = g_regex_new ("\\r\\n\\x1b\\[J\\x1b\\[\\d+;1H", 0, 0, NULL),
                       other = g_regex_new ("\\x1b\\[[\\d;?]*[A-Za-z]", 0, 0, NULL);
    g_autofree char *joined = g_regex_replace_literal (keys, text, -1, 0, "\r\n", 0, NULL),
                    *plain = g_regex_replace_literal (other, joined, -1, 0, "", 0, NULL);

    look_free (look);
    return g_strsplit (plain, "\r\n", -1);
}

static void
test_layout (void)
{
    static const struct {
        unsigned columns;
        const char *titles, *first;
    } rows[] = {
        { 120,
          "     Id Name                                         State     %CPU       Time"
          "  Memory  %Mem   Rx/s   Tx/s   Rd/s   Wr/s",
          "4194000 web                                          running    0.0 0:00:00.00"
          "    0.0M     -      0    999      0      0" },
        { 80, "     Id Name            State     %CPU  Memory  %Mem   Rx/s   Tx/s   Rd/s   Wr/s",
          "4194000 web             running    0.0    0.0M     -      0    999      0      0" },
        { 60, "Name                    State     %CPU  Memory   Rx/s   Tx/s",
          "web                     running    0.0    0.0M      0    999" },
        { 30, "Name              %CPU  Memory", "web                0.0    0.0M" },
        { 24, "Name                %CPU", "web                  0.0" },
        { 12, "Name        ", "web         " },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        TopView view = { .columns = rows[i].columns, .lines = 24 };
        g_auto (GStrv) lines = lines_of (5, &view);

        g_assert_cmpstr (lines[1], ==, rows[i].titles);
        g_assert_cmpstr (lines[2], ==, rows[i].first);
    }
}

/* Nothing is wider or longer than the terminal, however small it is and however wide letters are. */
static void
test_sizes (void)
{
    for (unsigned columns = 1; columns < 150; columns++)
        for (unsigned lines = 1; lines < 12; lines++) {
            TopView view = { .columns = columns, .lines = lines };
            g_auto (GStrv) line = lines_of (40, &view);

            g_assert_cmpuint (g_strv_length (line), ==, lines);
            for (char **at = line; *at; at++)
                g_assert_cmpuint (text_columns (*at), <=, columns);
        }
}

static void
test_scrolling (void)
{
    TopView view = { .columns = 100, .lines = 24, .first = 1000 };
    g_auto (GStrv) end = lines_of (50, &view);

    g_assert_cmpstr (end[0], ==, "skep top: 49 running, 1 paused, by cpu, CPU 122426.5%, memory 1442.3G, 30-50 of 50");
    g_assert_cmpuint (view.first, ==, 29);
    g_assert_true (g_str_has_prefix (end[22], "4194049 "));
    g_assert_true (g_str_has_prefix (end[23], "c cpu  m memory "));
    view.first = 3;
    {
        g_auto (GStrv) middle = lines_of (50, &view);
        g_auto (GStrv) few = lines_of (2, &view);

        g_assert_true (g_str_has_prefix (middle[2], "4194003 "));
        g_assert_cmpuint (view.first, ==, 0);
        g_assert_cmpstr (few[0], ==, "skep top: 1 running, 1 paused, by cpu, CPU 99.9%, memory 1205.6M");
        g_assert_true (g_str_has_prefix (few[3], "4194001 a-name-that-"));
        g_assert_true (g_str_has_prefix (few[4], "c cpu  m memory "));
        g_assert_null (few[5]);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/top/layout", test_layout);
    g_test_add_func ("/top/sizes", test_sizes);
    g_test_add_func ("/top/scrolling", test_scrolling);
    return g_test_run ();
}
