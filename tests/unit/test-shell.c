/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shell without a daemon: words, options, sizes, JSON, tables, the XML of `new`, completion. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "busybox.h"
#include "cmd.h"
#include "newxml.h"
#include "output.h"
#include "shell.h"

/* ---- Words ---- */

/* Commands of @line joined as [a|b] [c]. */
static char *
split_text (const char *line)
{
    g_autofree char *message = NULL;
    g_autoptr (GPtrArray) commands = words_split (line, &message);
    GString *text = g_string_new (NULL);

    if (!commands) {
        g_assert_nonnull (message);
        return g_string_free (g_string_assign (text, "ERROR"), FALSE);
    }
    for (guint i = 0; i < commands->len; i++) {
        g_autofree char *joined = g_strjoinv ("|", g_ptr_array_index (commands, i));

        g_string_append_printf (text, "[%s]", joined);
    }
    return g_string_free (text, FALSE);
}

static void
test_words (void)
{
    static const struct {
        const char *line, *expected;
    } rows[] = {
        { "list --all", "[list|--all]" },
        { "  list ;; uri;", "[list][uri]" },
        { "a 'b c' d\"e f\"g", "[a|b c|de fg]" },
        { "a \"x\\\"y\" 'p\\q' r\\ s", "[a|x\"y|p\\q|r s]" },
        { "a ';' b", "[a|;|b]" },
        { "a '' b", "[a||b]" },
        { "uri # list", "[uri]" },
        { "echo a#b", "[echo|a#b]" },
        { "# nothing\nuri", "[uri]" },
        { "a\nb", "[a][b]" },
        { "", "" },
        { "echo 'open", "ERROR" },
        { "echo \"open", "ERROR" },
        { "echo \\", "ERROR" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *text = split_text (rows[i].line);

        g_assert_cmpstr (text, ==, rows[i].expected);
    }
}

static void
test_partial_words (void)
{
    static const struct {
        const char *line, *expected;
    } rows[] = {
        { "", "" },          { "li", "li" },          { "list ", "list|" },
        { "a; start we", "start|we" }, { "a 'b c", "a|b c" }, { "a;", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_auto (GStrv) words = words_of_partial (rows[i].line);
        g_autofree char *joined = g_strjoinv ("|", words);

        g_assert_cmpstr (joined, ==, rows[i].expected);
    }
}

/* ---- Arguments ---- */

static Args *
parse (const char *line, char **ret_message)
{
    g_autofree char *message = NULL;
    g_autoptr (GPtrArray) commands = words_split (line, &message);
    char **words = g_ptr_array_index (commands, 0);

    return args_parse (verb_find (words[0]), (const char *const *) words + 1, ret_message);
}

static void
assert_refused (const char *line, const char *part)
{
    g_autofree char *message = NULL;
    Args *args = parse (line, &message);

    g_assert_null (args);
    if (!strstr (message, part))
        g_error ("'%s': message '%s' lacks '%s'", line, message, part);
}

static void
test_arguments (void)
{
    g_autofree char *message = NULL;
    g_autoptr (Args) by_word = parse ("setmem web 64M --live", &message);
    g_autoptr (Args) by_name = parse ("setmem --size=1G --domain web", &message);
    g_autoptr (Args) dashes = parse ("domid -- --odd", &message);
    g_autoptr (Args) limits = parse ("memtune web -1 --soft-limit unlimited", &message);

    g_assert_cmpstr (args_string (by_word, "domain"), ==, "web");
    g_assert_cmpuint (args_size (by_word, "size", 0), ==, 65536);
    g_assert_true (args_flag (by_word, "live"));
    g_assert_false (args_flag (by_word, "config"));
    g_assert_cmpuint (args_size (by_name, "size", 0), ==, 1 << 20);
    g_assert_cmpstr (args_string (dashes, "domain"), ==, "--odd");
    g_assert_cmpuint (args_size (limits, "hard-limit", 0), ==, SKEP_MEMORY_UNLIMITED);
    g_assert_cmpuint (args_size (limits, "soft-limit", 0), ==, SKEP_MEMORY_UNLIMITED);
}

static void
test_lists (void)
{
    g_autofree char *message = NULL;
    g_autoptr (Args) enter = parse ("lxc-enter-namespace web --noseclabel -- ls -l --all", &message);
    g_autoptr (Args) rest = parse ("lxc-enter-namespace web ls --noseclabel", &message);
    g_autoptr (Args) sched = parse ("schedinfo web a=1 --live b=2 --set c=3", &message);
    g_autoptr (Args) created = parse ("new x --busybox --bind /a:/b --bind /c:/d:ro", &message);
    g_autofree char *command = g_strjoinv (" ", (char **) args_list (enter, "cmd"));
    g_autofree char *tail = g_strjoinv (" ", (char **) args_list (rest, "cmd"));
    g_autofree char *sets = g_strjoinv (" ", (char **) args_list (sched, "set"));

    g_assert_cmpstr (command, ==, "ls -l --all");
    g_assert_true (args_flag (enter, "noseclabel"));
    g_assert_cmpstr (tail, ==, "ls --noseclabel");      /* the command's own option */
    g_assert_false (args_flag (rest, "noseclabel"));
    g_assert_cmpstr (sets, ==, "a=1 b=2 c=3");
    g_assert_true (args_flag (sched, "live"));
    g_assert_cmpuint (g_strv_length ((char **) args_list (created, "bind")), ==, 2);
}

static void
test_refusals (void)
{
    assert_refused ("list --bogus", "no option --bogus");
    assert_refused ("list --inac", "no option --inac");
    assert_refused ("list web", "does not know what to do with 'web'");
    assert_refused ("list --all=yes", "takes no value");
    assert_refused ("domid", "needs <domain>");
    assert_refused ("domid a b", "'b'");
    assert_refused ("domid --domain", "wants a value");
    assert_refused ("domid a --domain b", "given twice");
    assert_refused ("setmem web 100x", "wants a size");
    assert_refused ("setmem web -1", "wants a size");
    assert_refused ("event --timeout soon", "wants a number");
    assert_refused ("define x --json", "no option --json");
    assert_refused ("new web 64M", "'64M'");
}

static void
test_sizes (void)
{
    static const struct {
        const char *text;
        guint64 kib;
    } rows[] = {
        { "0", 0 },          { "100", 100 },     { "1024b", 1 },      { "1025B", 2 },
        { "1k", 1 },         { "64M", 65536 },   { "64MiB", 65536 },  { "1GiB", 1 << 20 },
        { "1MB", 977 },      { "1kb", 1 },       { "2t", 2147483648 }, { "1bytes", 1 },
        { "18446744073709551615", G_MAXUINT64 },
    };
    static const char *const bad[] = { "", "M", "-1", "1x", "1.5G", "1MM", "1MiBx", " 1",
                                       "18446744073709551616", "99999999999P" };
    guint64 kib;

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_true (size_parse (rows[i].text, &kib));
        g_assert_cmpuint (kib, ==, rows[i].kib);
    }
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_false (size_parse (bad[i], &kib));
}

/* ---- The table of verbs ---- */

static void
check_verb (const Verb *verb, gpointer data)
{
    GHashTable *seen = data;
    g_autofree char *synopsis = help_synopsis (verb);
    gboolean optional = FALSE;

    g_assert_true (g_hash_table_add (seen, (gpointer) verb->name));
    g_assert_nonnull (verb->run);
    g_assert_true (verb->summary && *verb->summary);
    g_assert_true (g_str_has_prefix (synopsis, verb->name));
    g_assert_true (verb_find (verb->name) == verb);
    for (const Option *option = verb->options; option && option->name; option++) {
        g_assert_true (option->help && *option->help);
        g_assert_true (verb_option (verb, option->name) == option);     /* no name twice */
        g_assert_true ((option->complete == COMPLETE_WORDS) == (option->words != NULL));
        /* A required word behind an optional one could never be reached without its name. */
        if (option->flags & OPT_REQUIRED)
            g_assert_false (optional);
        optional |= option->type != OPT_FLAG && !(option->flags & (OPT_REQUIRED | OPT_NAMED));
    }
}

static void
test_table (void)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

    verb_each (check_verb, seen);
    g_assert_cmpuint (g_hash_table_size (seen), >, 50);
}

static void
test_words_for_numbers (void)
{
    g_assert_cmpint (signal_parse ("TERM"), ==, 15);
    g_assert_cmpint (signal_parse ("sigterm"), ==, 15);
    g_assert_cmpint (signal_parse ("SIG_HUP"), ==, 1);
    g_assert_cmpint (signal_parse ("9"), ==, 9);
    g_assert_cmpint (signal_parse ("rt3"), ==, 35);
    g_assert_cmpint (signal_parse ("SIGRTMIN+3"), ==, 35);
    g_assert_cmpint (signal_parse ("nonsense"), ==, -1);
    g_assert_cmpint (signal_parse ("65"), ==, -1);
}

/* ---- Output ---- */

/* What @print writes. */
static char *
captured (void (*print) (FILE *out))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);

    print (out);
    fclose (out);
    return text;
}

static void
print_some_json (FILE *out)
{
    Json json;

    json_init (&json);
    json_open (&json, '{');
    json_key (&json, "text");
    json_string (&json, "a\"b\\c\n\t\001 \xc3\xa4 \xff");
    json_key (&json, "none");
    json_string (&json, NULL);
    json_key (&json, "list");
    json_open (&json, '[');
    json_int (&json, -1);
    json_uint (&json, G_MAXUINT64);
    json_bool (&json, TRUE);
    json_open (&json, '{');
    json_close (&json, '}');
    json_close (&json, ']');
    json_close (&json, '}');
    json_finish (&json, out);
}

static void
test_json (void)
{
    g_autofree char *text = captured (print_some_json);

    g_assert_cmpstr (text, ==,
                     "{\n"
                     "  \"text\": \"a\\\"b\\\\c\\n\\t\\u0001 \xc3\xa4 \xef\xbf\xbd\",\n"
                     "  \"none\": null,\n"
                     "  \"list\": [\n"
                     "    -1,\n"
                     "    18446744073709551615,\n"
                     "    true,\n"
                     "    {}\n"
                     "  ]\n"
                     "}\n");
}

static Table *
make_table (void)
{
    static const char *const titles[] = { "Id", "Name", "State", NULL };
    static const char *const keys[] = { "id", "name", "state", NULL };
    Table *table = table_new (titles, keys);

    table_number (table, 12345, NULL);
    table_string (table, "web");
    table_string (table, "running");
    table_colour (table, "32");
    table_none (table, "-");
    table_string (table, "\xe5\xae\xb9\xe5\x99\xa8\033[2J");    /* two wide characters, a control one */
    table_string (table, "shut off");
    return table;
}

static void
print_plain_table (FILE *out)
{
    g_autoptr (Table) table = make_table ();

    table_print (table, FALSE, FALSE, FALSE, out);
}

static void
print_quiet_table (FILE *out)
{
    g_autoptr (Table) table = make_table ();

    table_print (table, FALSE, TRUE, TRUE, out);
}

static void
print_json_table (FILE *out)
{
    g_autoptr (Table) table = make_table ();

    table_print (table, TRUE, FALSE, TRUE, out);
}

static void
test_table_output (void)
{
    g_autofree char *plain = captured (print_plain_table);
    g_autofree char *quiet = captured (print_quiet_table);
    g_autofree char *json = captured (print_json_table);

    g_assert_cmpstr (plain, ==,
                     " Id      Name       State\n"
                     "------------------------------\n"
                     " 12345   web        running\n"
                     " -       \xe5\xae\xb9\xe5\x99\xa8?[2J   shut off\n");
    g_assert_cmpstr (quiet, ==,
                     " 12345   web        \033[32mrunning\033[0m\n"
                     " -       \xe5\xae\xb9\xe5\x99\xa8?[2J   shut off\n");
    g_assert_nonnull (strstr (json, "\"id\": 12345,"));
    g_assert_nonnull (strstr (json, "\"id\": null,"));
    g_assert_nonnull (strstr (json, "\\u001b[2J"));
}

/* ---- new ---- */

static void
test_new_xml (void)
{
    const NewBind bind = { (char *) "/a&b", (char *) "/c", TRUE };
    const char *const args[] = { "-c", "<x>'", NULL };
    const NewDomain domain = {
        .name = "a<b", .root = "/r'", .init = "/bin/sh", .initargs = args, .memory = 1024, .vcpus = 2,
        .consoles = 2, .idmap = 100000, .bridge = "br0", .readonly = TRUE, .binds = &bind, .n_binds = 1,
    };
    g_autofree char *xml = new_domain_xml (&domain);

    g_assert_nonnull (strstr (xml, "<name>a&lt;b</name>"));
    g_assert_nonnull (strstr (xml, "<source dir='/r&apos;'/>"));
    g_assert_nonnull (strstr (xml, "<initarg>&lt;x&gt;&apos;</initarg>"));
    g_assert_nonnull (strstr (xml, "<uid start='0' target='100000' count='65536'/>"));
    g_assert_nonnull (strstr (xml, "<source bridge='br0'/>"));
    g_assert_nonnull (strstr (xml, "<source dir='/a&amp;b'/>\n      <target dir='/c'/>\n      <readonly/>"));
    g_assert_cmpuint (g_strrstr (xml, "<console type='pty'/>") - strstr (xml, "<console type='pty'/>"), >, 0);
}

static void
test_new_bind (void)
{
    static const char *const bad[] = { "", "/a", "a:/b", "/a:b", "/a:/b:rx", "/a:/b:ro:x" };
    NewBind bind = { 0 };

    g_assert_true (new_bind_parse ("/a:/b:ro", &bind));
    g_assert_true (bind.readonly);
    g_assert_cmpstr (bind.target, ==, "/b");
    new_bind_clear (&bind);
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_false (new_bind_parse (bad[i], &bind));
}

static void
test_busybox_root (void)
{
    g_autofree char *dir = g_dir_make_tmp ("skep-test-XXXXXX", NULL);
    g_autofree char *root = g_build_filename (dir, "roots/one", NULL);
    g_autofree char *parent = g_build_filename (dir, "roots", NULL);
    g_autofree char *link = g_build_filename (root, "sbin/init", NULL);
    g_autofree char *busybox = busybox_find ();
    g_autofree char *why = NULL, *again = NULL, *target = NULL, *broken = NULL;
    struct stat st;

    if (!busybox) {
        g_rmdir (dir);
        g_test_skip ("no static busybox here");
        return;
    }
    g_assert_true (busybox_root_make (busybox, root, "one", &why));
    target = g_file_read_link (link, NULL);
    g_assert_cmpstr (target, ==, "../bin/busybox");
    g_assert_cmpint (stat (link, &st), ==, 0);
    g_assert_false (busybox_root_make (busybox, root, "one", &again));
    g_assert_nonnull (strstr (again, "exists"));
    busybox_root_remove (root);
    g_assert_cmpint (lstat (root, &st), <, 0);
    g_assert_false (busybox_root_make ("/bin/false", root, "one", &broken));     /* no applets */
    g_assert_cmpint (lstat (root, &st), <, 0);
    g_assert_cmpint (g_rmdir (parent), ==, 0);
    g_assert_cmpint (g_rmdir (dir), ==, 0);
}

/* ---- Completion ---- */

static char *
completed (const char *line)
{
    Shell shell = { .out = stdout, .err = stderr, .socket = (char *) "/nonexistent/skep-sock" };
    g_autoptr (GPtrArray) found = complete_line (&shell, line);

    g_ptr_array_add (found, NULL);
    return g_strjoinv (" ", (char **) found->pdata);
}

static void
test_completion (void)
{
    static const struct {
        const char *line, *expected;
    } rows[] = {
        { "skep dumpx", "dumpxml" },
        { "skep -r -q dumpx", "dumpxml" },
        { "skep --soc", "--socket=" },
        { "skep dumpxml --m", "--migratable" },
        { "skep dumpxml --migratable --m", "" },
        { "skep shutdown web --mode s", "signal" },
        { "skep event --event reb", "reboot" },
        { "skep event --event", "--event" },
        { "skep send-process-signal web 1 ter", "term" },
        { "skep help mon", "monitor" },
        { "skep start ", "" },          /* no daemon, no names, no noise */
        { "skep nosuch --", "" },
        { "skep define /etc/passw", "/etc/passwd" },
        { "skep complet", "" },         /* hidden */
        { "skep list; uri; dumpx", "dumpxml" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *text = completed (rows[i].line);

        if (!strstr (text, rows[i].expected) || (!*rows[i].expected && *text))
            g_error ("'%s' completes to '%s', not '%s'", rows[i].line, text, rows[i].expected);
    }
}

static void
test_clip (void)
{
    static const struct {
        const char *text;
        unsigned columns;
        const char *expected;
    } rows[] = {
        { "abc", 3, "abc" },
        { "abcd", 3, "abc" },
        { "", 0, "" },
        { "n\u00e4me", 2, "n\u00e4" },
        { "\u5bb9\u5668", 3, "\u5bb9" }, /* half of a wide character is none */
        { "\u5bb9\u5668", 4, "\u5bb9\u5668" },
        { "\033[1mab\033[0mcd", 3, "\033[1mab\033[0mc" },
        { "\033[1", 3, "\033[1" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autofree char *text = text_clip (rows[i].text, rows[i].columns);

        g_assert_cmpstr (text, ==, rows[i].expected);
    }
}

/* What people see as lines is an array for scripts, and what only scripts see is no line. */
static void
test_record_lists (void)
{
    static const char *const texts[] = { "a", "b", NULL };
    g_autoptr (Record) record = record_new ();
    g_autofree char *text = NULL;
    size_t size;
    FILE *out = open_memstream (&text, &size);

    record_strings (record, "messages", "Messages", texts);
    record_strings (record, "none", "None", NULL);
    record_silent_number (record, "quiet", 3);
    record_print_titled (record, 10, FALSE, out);
    record_print (record, 0, "", TRUE, out);
    fclose (out);
    g_assert_cmpstr (text, ==,
                     "Messages:  a\nMessages:  b\n"
                     "{\n  \"messages\": [\n    \"a\",\n    \"b\"\n  ],\n  \"none\": [],\n  \"quiet\": 3\n}\n");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/shell/words", test_words);
    g_test_add_func ("/shell/partial-words", test_partial_words);
    g_test_add_func ("/shell/arguments", test_arguments);
    g_test_add_func ("/shell/lists", test_lists);
    g_test_add_func ("/shell/refusals", test_refusals);
    g_test_add_func ("/shell/sizes", test_sizes);
    g_test_add_func ("/shell/table-of-verbs", test_table);
    g_test_add_func ("/shell/signals", test_words_for_numbers);
    g_test_add_func ("/shell/json", test_json);
    g_test_add_func ("/shell/table", test_table_output);
    g_test_add_func ("/shell/new-xml", test_new_xml);
    g_test_add_func ("/shell/new-bind", test_new_bind);
    g_test_add_func ("/shell/busybox-root", test_busybox_root);
    g_test_add_func ("/shell/completion", test_completion);
    g_test_add_func ("/shell/clip", test_clip);
    g_test_add_func ("/shell/record-lists", test_record_lists);
    return g_test_run ();
}
