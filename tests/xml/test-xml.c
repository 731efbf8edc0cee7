/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The corpora of this directory.
 *
 * in/NAME.xml is read, and must be written as out/NAME.xml; that is read and written again without
 * a change, and both validate. err/NAME.xml is refused as err/NAME.txt says: code, whether the
 * schema refuses it too (what only a program can judge, it cannot), text. ignored/NAME.xml has
 * something that is ignored, as libvirt does: NAME.txt names it, and has what is kept. Such a
 * document does not validate; what is written of it does. SKEP_TEST_REGENERATE=1 writes out/ and the
 * .txt files instead: look at the difference before you commit it.
 */
#include <string.h>

#include "conf/domain.h"
#include "conf/passive.h"
#include "conf/schema.h"
#include "schema_rows.h"
#include "util/error.h"

static const DomainDefaults defaults = { "x86_64", "i686", "/usr/libexec/skep/skep-controller",
                                         "none" };

/* What is kept of a definition, with its passwords. */
#define SAVED (DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE)

/* ---- files */

static char *
corpus_path (const char *kind, const char *name, const char *suffix)
{
    return g_strdup_printf ("%s/%s/%s%s", SKEP_TEST_CORPUS, kind, name, suffix);
}

static char *
read_corpus (const char *kind, const char *name, const char *suffix)
{
    g_autofree char *path = corpus_path (kind, name, suffix);
    char *text = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL))
        return g_strdup ("");
    return text;
}

/* Compares with the file, or writes it. */
static void
compare (const char *kind, const char *name, const char *suffix, const char *result)
{
    g_autofree char *path = corpus_path (kind, name, suffix), *expected = NULL;

    if (g_getenv ("SKEP_TEST_REGENERATE"))
        g_assert_true (g_file_set_contents (path, result, -1, NULL));
    expected = read_corpus (kind, name, suffix);
    g_assert_cmpstr (result, ==, expected);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Names of KIND/ *.xml without the suffix, sorted. */
static GPtrArray *
corpus_names (const char *kind)
{
    g_autofree char *path = g_build_filename (SKEP_TEST_CORPUS, kind, NULL);
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
    const char *entry;

    g_assert_nonnull (dir);
    while ((entry = g_dir_read_name (dir)))
        if (g_str_has_suffix (entry, ".xml"))
            g_ptr_array_add (names, g_strndup (entry, strlen (entry) - 4));
    g_ptr_array_sort (names, compare_names);
    return names;
}

/* ---- parsing */

static DomainDef *
parse (const char *xml, guint flags)
{
    g_autoptr (GError) error = NULL;
    DomainDef *def = domain_def_parse (xml, strlen (xml), &defaults, flags, &error);

    g_assert_no_error (error);
    g_assert_nonnull (def);
    return def;
}

static gboolean
validates (const char *xml)
{
    g_autoptr (GError) error = NULL;
    gboolean valid = schema_validate ("domain", xml, strlen (xml), &error);

    g_assert_true (valid == (error == NULL));
    if (!valid)
        g_test_message ("%s", error->message);
    return valid;
}

static char *
replace (char *text, const char *pattern, const char *with)
{
    g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
    char *replaced = g_regex_replace_literal (regex, text, -1, 0, with, 0, NULL);

    g_free (text);
    return replaced;
}

/* Takes @out. What is generated, because @in does not say it, is different each time. */
static char *
without_random (const char *in, char *out)
{
    if (!strstr (in, "<uuid>"))
        out = replace (out, "<uuid>.*</uuid>", "<uuid>RANDOM</uuid>");
    if (!strstr (in, "<mac "))
        out = replace (out, "52:54:00(:[0-9a-f]{2}){3}", "52:54:00:RA:ND:OM");
    if (!strstr (in, "interfaceid="))
        out = replace (out, "interfaceid='[^']*'", "interfaceid='RANDOM'");
    return out;
}

/* ---- in/ */

static void
test_out (gconstpointer name)
{
    g_autofree char *in = read_corpus ("in", name, ".xml"), *out = NULL;
    g_autoptr (DomainDef) def = parse (in, 0);

    out = without_random (in, domain_def_format (def, SAVED));
    compare ("out", name, ".xml", out);
}

static void
check_stable (const char *in, guint parse_flags, guint format_flags)
{
    g_autoptr (DomainDef) def = parse (in, parse_flags), again = NULL, copy = NULL;
    g_autofree char *one = domain_def_format (def, format_flags), *two = NULL, *three = NULL;

    again = parse (one, parse_flags);
    two = domain_def_format (again, format_flags);
    g_assert_cmpstr (one, ==, two);
    copy = domain_def_copy (def);
    three = domain_def_format (copy, format_flags);
    g_assert_cmpstr (one, ==, three);
}

static void
test_round_trip (gconstpointer name)
{
    g_autofree char *in = read_corpus ("in", name, ".xml");

    check_stable (in, 0, SAVED);
    check_stable (in, DOMAIN_PARSE_LIVE, DOMAIN_FORMAT_STATUS);
}

static void
test_validates (gconstpointer name)
{
    g_autofree char *in = read_corpus ("in", name, ".xml"), *inactive = NULL, *live = NULL;
    g_autoptr (DomainDef) def = parse (in, DOMAIN_PARSE_VALIDATE);

    inactive = domain_def_format (def, SAVED);
    g_assert_true (validates (inactive));
    live = domain_def_format (def, 0);
    g_assert_true (validates (live));
}

/* ---- err/ */

static void
test_refused (gconstpointer name)
{
    g_autofree char *path = corpus_path ("err", name, ".xml"), *xml = NULL, *result = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = NULL;
    gboolean valid;
    gsize size;

    g_assert_true (g_file_get_contents (path, &xml, &size, NULL));
    def = domain_def_parse (xml, size, &defaults, 0, &error);
    g_assert_null (def);
    g_assert_nonnull (error);
    valid = schema_validate ("domain", xml, size, NULL);
    result = g_strdup_printf ("%d\nthe schema %s it\n%s%s\n", error->code,
                              valid ? "accepts" : "refuses", error->message,
                              error_place (error));
    compare ("err", name, ".txt", result);
}

/* ---- ignored/ */

static void
test_ignored (gconstpointer name)
{
    g_autofree char *in = read_corpus ("ignored", name, ".xml"), *out = NULL;
    g_autoptr (DomainDef) def = parse (in, 0);
    g_autoptr (GString) result = g_string_new (NULL);

    for (guint i = 0; i < def->ignored->len; i++)
        g_string_append_printf (result, "%s\n", (char *) g_ptr_array_index (def->ignored, i));
    g_assert_cmpuint (result->len, >, 0);
    out = domain_def_format (def, SAVED);
    g_assert_true (validates (out));
    g_assert_false (validates (in));
    out = without_random (in, out);
    g_string_append (result, out);
    compare ("ignored", name, ".txt", result->str);
}

static void
test_ignored_round_trip (gconstpointer name)
{
    g_autofree char *in = read_corpus ("ignored", name, ".xml");

    check_stable (in, 0, SAVED);
}

/* ---- all of them */

static char *
all_documents (void)
{
    /* some are always refused, as libvirt's LXC driver does, but by what they say */
    static const char *const kinds[] = { "in", "err" };
    GString *all = g_string_new (NULL);

    for (guint k = 0; k < G_N_ELEMENTS (kinds); k++) {
        g_autoptr (GPtrArray) names = corpus_names (kinds[k]);

        for (guint i = 0; i < names->len; i++) {
            g_autofree char *text = read_corpus (kinds[k], g_ptr_array_index (names, i), ".xml");

            if (g_utf8_validate (text, -1, NULL))
                g_string_append (all, text);
        }
    }
    return g_string_free (all, FALSE);
}

/* Every name that the schema file declares is somewhere in @documents. */
static guint
check_schema_file (const char *path, const char *documents)
{
    g_autoptr (GRegex) declared
        = g_regex_new ("<(element|attribute) name=\"([^\"]+)\"", 0, 0, NULL);
    g_autoptr (GMatchInfo) match = NULL;
    g_autofree char *schema = NULL;
    guint missing = 0;

    g_assert_true (g_file_get_contents (path, &schema, NULL, NULL));
    for (g_regex_match (declared, schema, 0, &match); g_match_info_matches (match);
         g_match_info_next (match, NULL)) {
        g_autofree char *kind = g_match_info_fetch (match, 1),
                        *name = g_match_info_fetch (match, 2);
        const char *format = *kind == 'e' ? "<(lxc:|skep:)?%s[ />]" : "\\s%s=['\"]";
        g_autoptr (GString) pattern = g_string_new (format);

        g_string_replace (pattern, "%s", name, 1);
        if (g_regex_match_simple (pattern->str, documents, 0, 0))
            continue;
        g_test_message ("%s: no document has the %s '%s'", path, kind, name);
        missing++;
    }
    return missing;
}

/* An element or attribute that no document of in/ has is not tested at all. */
static void
test_names_of_schema (void)
{
    const char *directory = g_getenv ("SKEP_SCHEMA_DIR");
    g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
    g_autofree char *documents = all_documents ();
    const char *entry;
    guint missing = 0, files = 0;

    g_assert_nonnull (dir);
    while ((entry = g_dir_read_name (dir))) {
        g_autofree char *path = g_build_filename (directory, entry, NULL);

        if (!g_str_has_prefix (entry, "domain") || !g_str_has_suffix (entry, ".rng"))
            continue;
        missing += check_schema_file (path, documents);
        files++;
    }
    g_assert_cmpuint (missing, ==, 0);
    g_assert_cmpuint (files, >, 5);
}

/* The part of the schema that is written from the rows; before all that validates. */
static void
test_schema_of_rows (void)
{
    g_autoptr (GPtrArray) names = corpus_names ("in");
    g_autofree char *path = g_build_filename (g_getenv ("SKEP_SCHEMA_DIR"), "domain-rows.rng", NULL);
    g_autofree char *text = NULL, *expected = NULL;

    schema_rows_watch ();
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *in = read_corpus ("in", g_ptr_array_index (names, i), ".xml");
        g_autoptr (DomainDef) def = parse (in, 0);
    }
    passive_watch (NULL);
    text = schema_rows_text ();
    if (g_getenv ("SKEP_TEST_REGENERATE"))
        g_assert_true (g_file_set_contents (path, text, -1, NULL));
    g_assert_true (g_file_get_contents (path, &expected, NULL, NULL));
    g_assert_true (g_str_equal (text, expected));
}

static void
add_tests (const char *kind, const char *what, GTestDataFunc test, guint at_least)
{
    g_autoptr (GPtrArray) names = corpus_names (kind);

    g_assert_cmpuint (names->len, >, at_least);
    for (guint i = 0; i < names->len; i++) {
        char *name = g_strdup (g_ptr_array_index (names, i));
        g_autofree char *path = g_strdup_printf ("/xml/%s/%s/%s", kind, what, name);

        g_test_add_data_func_full (path, name, test, g_free);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/xml/schema-of-rows", test_schema_of_rows);
    add_tests ("in", "out", test_out, 90);
    add_tests ("in", "round-trip", test_round_trip, 90);
    add_tests ("in", "validates", test_validates, 90);
    add_tests ("err", "refused", test_refused, 200);
    add_tests ("ignored", "named", test_ignored, 10);
    add_tests ("ignored", "round-trip", test_ignored_round_trip, 10);
    g_test_add_func ("/xml/names-of-schema", test_names_of_schema);
    return g_test_run ();
}
