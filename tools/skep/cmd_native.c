/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about LXC configurations, and about what of a definition has no effect. */
#include "cmd.h"

void
print_warnings (Shell *shell, const SkepNote *notes)
{
    for (const SkepNote *note = notes; note && note->key && !shell->quiet; note++)
        fprintf (shell->err, "warning: %s has no effect: %s\n", note->key, note->reason);
}

static gboolean
any (const SkepNote *notes)
{
    return notes && notes->key;
}

/* Where a note is: "12", "FILE:12", or nothing. */
static char *
note_place (const SkepNote *note)
{
    if (!note->line)
        return g_strdup ("-");
    if (*note->file)
        return g_strdup_printf ("%s:%u", note->file, note->line);
    return g_strdup_printf ("%u", note->line);
}

static void
print_table (Shell *shell, const SkepNote *notes, FILE *out)
{
    static const char *const titles[] = { "Line", "Key", "Reason", NULL };
    static const char *const keys[] = { "line", "key", "reason", NULL };
    g_autoptr (Table) table = table_new (titles, keys);

    for (const SkepNote *note = notes; note->key; note++) {
        g_autofree char *place = note_place (note);

        table_string (table, place);
        table_string (table, note->key);
        table_string (table, note->reason);
    }
    table_print (table, FALSE, shell->quiet, shell->colour, out);
}

static void
json_notes (Json *json, const SkepNote *notes)
{
    json_open (json, '[');
    for (const SkepNote *note = notes; note->key; note++) {
        json_open (json, '{');
        json_key (json, "file");
        json_string (json, *note->file ? note->file : NULL);
        json_key (json, "line");
        json_uint (json, note->line);
        json_key (json, "key");
        json_string (json, note->key);
        json_key (json, "reason");
        json_string (json, note->reason);
        json_close (json, '}');
    }
    json_close (json, ']');
}

/* The result to standard output, what is missing from it to standard error; or both as JSON. Takes the
 * notes. The exit code. */
static int
print_result (Shell *shell, const Args *args, const char *key, const char *text, SkepNote *notes)
{
    gboolean strict = args_flag (args, "strict"), missing = any (notes);

    if (shell_wants_json (shell, args)) {
        Json json;

        json_init (&json);
        json_open (&json, '{');
        json_key (&json, key);
        json_string (&json, text);
        json_key (&json, "notes");
        json_notes (&json, notes);
        json_close (&json, '}');
        json_finish (&json, shell->out);
    } else {
        if (!strict || !missing)
            fputs (text, shell->out);
        if (missing)
            print_table (shell, notes, shell->err);
    }
    skep_notes_free (notes);
    return strict && missing ? shell_fail (shell, "not everything could be converted") : 0;
}

static int
run_from_native (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    const char *path = args_string (args, "config");
    g_autofree char *config = read_text (shell, path), *xml = NULL;
    SkepNote *notes = NULL;

    if (!config || !shell_connection (shell))
        return 1;
    xml = skep_xml_from_native (shell->conn, args_string (args, "format"), config,
                                args_string (args, "name"), &notes, &error);
    if (!xml)
        return shell_fail_with (shell, &error, "cannot convert '%s'", path);
    return print_result (shell, args, "xml", xml, notes);
}

static int
run_to_native (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    const char *path = args_string (args, "xml");
    g_autofree char *xml = NULL, *config = NULL;
    SkepNote *notes = NULL;

    if ((path != NULL) == args_given (args, "domain"))
        return shell_fail (shell, "need either domain or domain XML");
    if (path) {
        xml = read_text (shell, path);
    } else if ((domain = shell_domain (shell, args))) {
        xml = skep_domain_xml (domain, SKEP_XML_INACTIVE, &error);
        if (!xml)
            return shell_fail_with (shell, &error, NULL);
    }
    if (!xml || !shell_connection (shell))
        return 1;
    config = skep_xml_to_native (shell->conn, args_string (args, "format"), xml, &notes, &error);
    if (!config)
        return shell_fail_with (shell, &error, "cannot convert '%s'", path ? path : domain->name);
    return print_result (shell, args, "config", config, notes);
}

static int
run_domain_check (Shell *shell, const Args *args)
{
    static const char *const titles[] = { "Path", "Reason", NULL };
    static const char *const keys[] = { "path", "reason", NULL };
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autoptr (Table) table = table_new (titles, keys);
    SkepNote *notes;

    if (!domain)
        return 1;
    notes = skep_domain_notes (domain, &error);
    if (!notes)
        return shell_fail_with (shell, &error, NULL);
    for (const SkepNote *note = notes; note->key; note++) {
        table_string (table, note->key);
        table_string (table, note->reason);
    }
    if (any (notes) || shell_wants_json (shell, args))
        table_print (table, shell_wants_json (shell, args), shell->quiet, shell->colour, shell->out);
    else
        shell_say (shell, "Everything that domain '%s' says has an effect", domain->name);
    skep_notes_free (notes);
    return 0;
}

/* ---- Rows ---- */

#define OPTION_FORMAT                                                                              \
    {                                                                                              \
        "format", OPT_STRING, OPT_REQUIRED, "lxc-tools", COMPLETE_WORDS, "lxc-tools"               \
    }
#define OPTION_STRICT                                                                              \
    {                                                                                              \
        "strict", OPT_FLAG, 0, "fail when something cannot be converted", COMPLETE_NONE, NULL      \
    }

static const Option from_native_options[] = {
    OPTION_FORMAT,
    { "config", OPT_STRING, OPT_REQUIRED, "file with the configuration, - for standard input",
      COMPLETE_FILE, NULL },
    { "name", OPT_STRING, OPT_NAMED, "name of the domain, instead of lxc.uts.name", COMPLETE_NONE, NULL },
    OPTION_STRICT,
    OPTIONS_END,
};
static const Option to_native_options[] = {
    OPTION_FORMAT,
    { "domain", OPT_STRING, 0, "name, id or UUID of the domain", COMPLETE_DOMAIN, NULL },
    { "xml", OPT_STRING, OPT_NAMED, "file with a domain's XML, - for standard input", COMPLETE_FILE, NULL },
    OPTION_STRICT,
    OPTIONS_END,
};
static const Option check_options[] = { OPTION_DOMAIN, OPTIONS_END };

const Verb verbs_native[] = {
    { "domxml-from-native", GROUP_DOMAIN, VERB_JSON, "print an LXC configuration as domain XML",
      "Reads configurations of every version of LXC. Lines that are not converted are listed on "
      "standard error with their number and the reason.",
      from_native_options, run_from_native },
    { "domxml-to-native", GROUP_DOMAIN, VERB_JSON, "print a domain as an LXC configuration",
      "For LXC 4 and later. What LXC has no word for is listed on standard error.", to_native_options,
      run_to_native },
    { "domain-check", GROUP_DOMAIN, VERB_JSON, "list what of a domain's definition has no effect",
      "Elements of libvirt's XML that are kept but mean nothing to a container, and why.", check_options,
      run_domain_check },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
