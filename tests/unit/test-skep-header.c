/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* skep.h stands alone (it comes first here), and the library exports what it declares, nothing else. */
#include "client/skep.h"

#include <glib.h>
#include <string.h>

/* Names that @pattern's first group finds in @text, sorted, one a line. */
static char *
names_in (const char *text, const char *pattern)
{
    g_autoptr (GRegex) regex = g_regex_new (pattern, G_REGEX_MULTILINE, 0, NULL);
    g_autoptr (GMatchInfo) match = NULL;
    g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr (GList) names = NULL;
    GString *joined = g_string_new (NULL);

    for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match);
         g_match_info_next (match, NULL))
        g_hash_table_add (seen, g_match_info_fetch (match, 1));
    names = g_list_sort (g_hash_table_get_keys (seen), (GCompareFunc) strcmp);
    for (GList *at = names; at; at = at->next)
        g_string_append_printf (joined, "%s\n", (const char *) at->data);
    return g_string_free (joined, FALSE);
}

static void
test_exports (void)
{
    const char *library = g_getenv ("LIBSKEP");
    const char *argv[] = { "nm", "-D", "--defined-only", library, NULL };
    g_autofree char *header = NULL, *code = NULL, *symbols = NULL;
    g_autofree char *declared = NULL, *exported = NULL;
    g_autoptr (GRegex) comments = g_regex_new ("/\\*.*?\\*/", G_REGEX_DOTALL, 0, NULL);

    g_assert_nonnull (library);
    g_assert_true (g_file_get_contents (SKEP_HEADER, &header, NULL, NULL));
    code = g_regex_replace_literal (comments, header, -1, 0, "", 0, NULL);
    g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                                 &symbols, NULL, NULL, NULL));
    declared = names_in (code, "\\b(skep_\\w+) \\([A-Za-z]");
    exported = names_in (symbols, " T (\\w+)(?:@@\\w+)?$");
    g_assert_cmpstr (declared, ==, exported);
    g_assert_cmpuint (strlen (declared), >, 80 * strlen ("skep_x\n"));
}

static void
test_use (void)
{
    SkepError error = { 0 };
    SkepParams params = { 0 };

    g_assert_null (skep_connect_socket ("/nonexistent/skep-sock", 0, &error));
    g_assert_cmpint (error.code, ==, SKEP_ERROR_SYSTEM);
    skep_error_clear (&error);
    skep_params_add_number (&params, "n", SKEP_ULLONG, 3);
    g_assert_cmpuint (skep_params_find (&params, "n")->value.ul, ==, 3);
    skep_params_clear (&params);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/skep-header/exports", test_exports);
    g_test_add_func ("/skep-header/use", test_use);
    return g_test_run ();
}
