/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Candidates for the word being typed, for the prompt and for bash (the hidden verb `complete`). */
#include "domxml.h"
#include "program.h"
#include "shell.h"

#include <string.h>

static const char *const signal_words = "hup|int|quit|ill|trap|abrt|bus|fpe|kill|usr1|segv|usr2|"
                                        "pipe|alrm|term|stkflt|chld|cont|stop|tstp|"
                                        "ttin|ttou|urg|xcpu|xfsz|vtalrm|prof|winch|io|pwr|sys";

typedef struct {
    GPtrArray *found;
    const char *begin; /* what is typed of the word */
} Candidates;

static void
offer (Candidates *candidates, char *word)
{
    if (g_str_has_prefix (word, candidates->begin))
        g_ptr_array_add (candidates->found, word);
    else
        g_free (word);
}

static void
offer_verb (const Verb *verb, gpointer data)
{
    if (!(verb->flags & VERB_HIDDEN))
        offer (data, g_strdup (verb->name));
}

/* Completion is silent: no daemon, no domains. */
static gboolean
connected (Shell *shell)
{
    if (shell->conn && !skep_connection_alive (shell->conn))
        shell_disconnect (shell);
    if (!shell->conn)
        shell->conn = shell_connect (shell, NULL);
    return shell->conn != NULL;
}

static void
offer_domains (Candidates *candidates, Shell *shell, unsigned flags)
{
    SkepDomain **domains = NULL;

    if (!connected (shell) || skep_list_domains (shell->conn, flags, &domains, NULL) < 0)
        return;
    for (SkepDomain **domain = domains; *domain; domain++)
        offer (candidates, g_strdup ((*domain)->name));
    skep_domain_list_free (domains);
}

/* What @xpath finds in the XML of the domain that @name names. */
static void
offer_parts (Candidates *candidates, Shell *shell, const char *name, const char *xpath)
{
    autodomain domain = name && connected (shell) ? skep_domain_find (shell->conn, name, NULL) : NULL;
    g_autofree char *text = domain ? skep_domain_xml (domain, 0, NULL) : NULL;
    g_auto (DomainXml) xml = { 0 };
    g_autoptr (GPtrArray) nodes = NULL;

    if (!text || !domain_xml_parse (text, &xml))
        return;
    nodes = domain_xml_find (&xml, xpath);
    for (guint i = 0; i < nodes->len; i++)
        offer (candidates, domain_xml_value (&xml, nodes->pdata[i], "."));
}

static void
offer_objects (Candidates *candidates, Shell *shell, SkepKind kind)
{
    SkepObject *objects = NULL;
    int n = connected (shell) ? skep_objects (shell->conn, kind, 0, &objects, NULL) : 0;

    for (int i = 0; i < n; i++)
        offer (candidates, g_strdup (objects[i].name));
    skep_objects_free (objects, n);
}

static void
offer_words (Candidates *candidates, const char *words)
{
    g_auto (GStrv) word = g_strsplit (words, "|", -1);

    for (char **at = word; *at; at++)
        offer (candidates, g_strdup (*at));
}

static void
offer_files (Candidates *candidates)
{
    const char *slash = strrchr (candidates->begin, '/');
    g_autofree char *prefix = slash ? g_strndup (candidates->begin,
                                                 (gsize) (slash - candidates->begin) + 1)
                                    : g_strdup ("");
    g_autoptr (GDir) dir = g_dir_open (*prefix ? prefix : ".", 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        g_autofree char *path = g_strconcat (prefix, name, NULL);

        if (*name != '.' || (slash ? slash[1] : *candidates->begin) == '.')
            offer (candidates,
                   g_strconcat (path, g_file_test (path, G_FILE_TEST_IS_DIR) ? "/" : "", NULL));
    }
}

/* @domain: what the words before say of --domain, or NULL. */
static void
offer_values (Candidates *candidates, Shell *shell, const Option *option, const char *domain)
{
    switch (option->complete) {
    case COMPLETE_DOMAIN:
        offer_domains (candidates, shell, 0);
        break;
    case COMPLETE_ACTIVE:
        offer_domains (candidates, shell, SKEP_LIST_ACTIVE);
        break;
    case COMPLETE_INACTIVE:
        offer_domains (candidates, shell, SKEP_LIST_INACTIVE);
        break;
    case COMPLETE_FILE:
        offer_files (candidates);
        break;
    case COMPLETE_VERB:
        verb_each (offer_verb, candidates);
        for (Group group = 0; group < GROUP_LAST; group++)
            offer (candidates, g_strdup (group_names[group].keyword));
        break;
    case COMPLETE_EVENT:
        for (int event = 0; event < SKEP_EVENT_LAST; event++)
            offer (candidates, g_strdup (skep_event_name (event)));
        break;
    case COMPLETE_SIGNAL:
        offer_words (candidates, signal_words);
        break;
    case COMPLETE_DEVICE:
        offer_objects (candidates, shell, SKEP_NODE_DEVICES);
        break;
    case COMPLETE_INTERFACE:
        offer_objects (candidates, shell, SKEP_INTERFACES);
        break;
    case COMPLETE_TARGET:
        offer_parts (candidates, shell, domain, "/domain/devices/disk/target/@dev");
        break;
    case COMPLETE_LINK:
        offer_parts (candidates, shell, domain, "/domain/devices/interface/target/@dev");
        break;
    case COMPLETE_ALIAS:
        offer_parts (candidates, shell, domain, "/domain/devices/*/alias/@name");
        break;
    case COMPLETE_CONSOLE:
        offer_parts (candidates, shell, domain, "/domain/devices/console/alias/@name");
        break;
    case COMPLETE_WORDS:
        offer_words (candidates, option->words);
        break;
    case COMPLETE_NONE:
        break;
    }
}

static void
offer_option (Candidates *candidates, const Option *option, const char *const *before)
{
    g_autofree char *name = g_strconcat ("--", option->name, NULL);

    if (!(option->flags & OPT_HIDDEN)
        && (option->flags & OPT_REPEATED || !g_strv_contains (before, name)))
        offer (candidates, g_steal_pointer (&name));
}

static void
offer_options (Candidates *candidates, const Verb *verb, const char *const *before)
{
    for (const Option *option = verb->options; option && option->name; option++)
        offer_option (candidates, option, before);
    if (verb->flags & VERB_JSON)
        offer_option (candidates, &option_json, before);
    offer_option (candidates, &option_help, before);
}

static void
note_value (const Option *option, const char *value, const char **ret_domain)
{
    if (strcmp (option->name, "domain") == 0 && !*ret_domain)
        *ret_domain = value;
}

/* The option whose value the last of @before's followers would be: the one just named, else the first
 * positional one that has no value yet. *ret_domain: the value of --domain, if it is there. */
static const Option *
expected_option (const Verb *verb, char *const *before, const char **ret_domain)
{
    GPtrArray *taken = g_ptr_array_new ();
    const Option *expected = NULL;

    for (; *before && !expected; before++) {
        const Option *option = NULL;

        if (g_str_has_prefix (*before, "--")) {
            option = verb_option (verb, *before + 2);
            if (option && option->type != OPT_FLAG) {
                if (!before[1])
                    expected = option;
                else
                    note_value (option, *++before, ret_domain);
                g_ptr_array_add (taken, (gpointer) option);
            }
            continue;
        }
        for (option = verb->options; option && option->name; option++)
            if (option->type != OPT_FLAG && !(option->flags & OPT_NAMED)
                && (option->type == OPT_LIST || !g_ptr_array_find (taken, option, NULL))) {
                g_ptr_array_add (taken, (gpointer) option);
                note_value (option, *before, ret_domain);
                break;
            }
    }
    for (const Option *option = verb->options; !expected && option && option->name; option++)
        if (option->type != OPT_FLAG && !(option->flags & OPT_NAMED)
            && (option->type == OPT_LIST || !g_ptr_array_find (taken, option, NULL)))
            expected = option;
    g_ptr_array_unref (taken);
    return expected;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
complete_words (Shell *shell, char *const *words)
{
    unsigned n = g_strv_length ((char **) words);
    Candidates candidates = { g_ptr_array_new_with_free_func (g_free), n ? words[n - 1] : "" };
    const Verb *verb = n > 1 ? verb_find (words[0]) : NULL;

    if (n <= 1) {
        verb_each (offer_verb, &candidates);
    } else if (verb) {
        g_auto (GStrv) before = g_strdupv ((char **) words + 1);
        const Option *option;
        const char *domain = NULL;

        g_clear_pointer (&before[n - 2], g_free);
        option = expected_option (verb, before, &domain);
        if (*candidates.begin == '-')
            offer_options (&candidates, verb, (const char *const *) before);
        else if (option)
            offer_values (&candidates, shell, option, domain);
        else
            offer_options (&candidates, verb, (const char *const *) before);
    }
    g_ptr_array_sort (candidates.found, compare);
    return candidates.found;
}

/* ---- A whole line of the system's shell ---- */

/* The option of the program that @word names: "-c", "--connect", "--connect=..." */
static const ProgramOption *
program_option (const char *word)
{
    const char *name = word + 2;
    gsize length = strcspn (name, "=");

    for (const ProgramOption *option = program_options; option->help; option++)
        if (word[1] == '-' ? option->name && strlen (option->name) == length
                                 && strncmp (option->name, name, length) == 0
                           : option->key == word[1])
            return option;
    return NULL;
}

/* Takes what says where the daemon is. */
static void
apply (Shell *shell, const ProgramOption *option, const char *value)
{
    char **place = option->key == 'c'         ? &shell->uri
                 : option->key == LONG_SOCKET ? &shell->socket
                                              : NULL;

    if (!place)
        return;
    g_free (*place);
    *place = g_strdup (value);
}

static GPtrArray *
complete_program (const char *begin)
{
    Candidates candidates = { g_ptr_array_new_with_free_func (g_free), begin };

    for (const ProgramOption *option = program_options; option->help; option++)
        if (option->name)
            offer (&candidates,
                   g_strconcat ("--", option->name,
                                option->value && *option->value != '[' ? "=" : "", NULL));
    g_ptr_array_sort (candidates.found, compare);
    return candidates.found;
}

GPtrArray *
complete_line (Shell *shell, const char *line)
{
    g_auto (GStrv) words = words_of_partial (line);
    char **at = words + 1; /* behind the program's name */
    Candidates files = { g_ptr_array_new_with_free_func (g_free), "" };

    while (*words && *at && **at == '-' && at[1]) {
        const ProgramOption *option = program_option (*at);
        gboolean own_word = option && option->value && *option->value != '[' && !strchr (*at, '=')
                         && !((*at)[1] != '-' && (*at)[2]);

        if (own_word && !at[2]) { /* the cursor is on the option's value */
            files.begin = at[1];
            if (option->key == LONG_SOCKET)
                offer_files (&files);
            return files.found;
        }
        if (option && option->value)
            apply (shell, option,
                   own_word            ? at[1]
                   : strchr (*at, '=') ? strchr (*at, '=') + 1
                                       : *at + 2);
        at += own_word ? 2 : 1;
    }
    g_ptr_array_unref (files.found);
    if (*words && *at && **at == '-')
        return complete_program (*at);
    return complete_words (shell, at);
}
