/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Help, made of the table of verbs. */
#include "shell.h"

#include <string.h>

/* "--size SIZE", "<domain>", "[--live]", ... */
static void
append_option (GString *to, const Option *option)
{
    static const char *const value_names[] = {
        [OPT_FLAG] = "",      [OPT_STRING] = " STRING", [OPT_NUMBER] = " NUMBER",
        [OPT_SIZE] = " SIZE", [OPT_LIST] = " WORD",
    };
    gboolean required = option->flags & OPT_REQUIRED;
    const char *more = option->type == OPT_LIST || option->flags & OPT_REPEATED ? "..." : "";

    if (option->flags & OPT_HIDDEN)
        return;
    if (required && option->flags & OPT_NAMED)
        g_string_append_printf (to, " --%s%s%s", option->name, value_names[option->type], more);
    else if (required && option->type != OPT_FLAG)
        g_string_append_printf (to, " <%s>%s", option->name, more);
    else if (option->type == OPT_LIST)
        g_string_append_printf (to, " [[--%s] %s]%s", option->name, value_names[option->type] + 1,
                                more);
    else
        g_string_append_printf (to, " [--%s%s]%s", option->name, value_names[option->type], more);
}

char *
help_synopsis (const Verb *verb)
{
    GString *text = g_string_new (verb->name);

    for (const Option *option = verb->options; option && option->name; option++)
        append_option (text, option);
    if (verb->flags & VERB_JSON)
        append_option (text, &option_json);
    return g_string_free (text, FALSE);
}

static void
print_option (Shell *shell, const Option *option)
{
    g_autofree char *name = g_strdup_printf (
        option->flags & OPT_REQUIRED && option->type != OPT_FLAG && !(option->flags & OPT_NAMED)
            ? "[--%s]"
            : "--%s",
        option->name);

    if (option->flags & OPT_HIDDEN)
        return;
    fprintf (shell->out, "    %-22s %s", name, option->help);
    if (option->words)
        fprintf (shell->out, " (%s)", option->words);
    fputc ('\n', shell->out);
}

/* In lines of 76 columns at most; the line ends of @text stay. */
static void
print_wrapped (Shell *shell, const char *text)
{
    g_auto (GStrv) line = g_strsplit (text, "\n", -1);

    for (char **at = line; *at; at++) {
        const char *rest = *at;

        while (strlen (rest) > 72) {
            const char *cut = rest + 72;

            while (cut > rest && *cut != ' ')
                cut--;
            if (cut == rest)
                break;
            fprintf (shell->out, "    %.*s\n", (int) (cut - rest), rest);
            rest = cut + 1;
        }
        fprintf (shell->out, "    %s\n", rest);
    }
}

void
help_verb (Shell *shell, const Verb *verb)
{
    g_autofree char *synopsis = help_synopsis (verb);

    fprintf (shell->out, "  NAME\n    %s - %s\n\n  SYNOPSIS\n    %s\n", verb->name, verb->summary,
             synopsis);
    if (verb->description) {
        fputs ("\n  DESCRIPTION\n", shell->out);
        print_wrapped (shell, verb->description);
    }
    fputs ("\n  OPTIONS\n", shell->out);
    for (const Option *option = verb->options; option && option->name; option++)
        print_option (shell, option);
    if (verb->flags & VERB_JSON)
        print_option (shell, &option_json);
    print_option (shell, &option_help);
}

typedef struct {
    Shell *shell;
    Group group;
} GroupPrinter;

static void
print_verb_of_group (const Verb *verb, gpointer data)
{
    const GroupPrinter *printer = data;

    if (verb->group == printer->group && !(verb->flags & VERB_HIDDEN))
        fprintf (printer->shell->out, "    %-30s %s\n", verb->name, verb->summary);
}

static void
print_group (Shell *shell, Group group)
{
    GroupPrinter printer = { shell, group };

    fprintf (shell->out, " %s (help keyword '%s'):\n", group_names[group].title,
             group_names[group].keyword);
    verb_each (print_verb_of_group, &printer);
}

void
help_all (Shell *shell)
{
    fputs ("'help VERB' explains a verb, 'help KEYWORD' lists a group.\n\n", shell->out);
    for (Group group = 0; group < GROUP_LAST; group++) {
        print_group (shell, group);
        fputc ('\n', shell->out);
    }
}

gboolean
help_topic (Shell *shell, const char *topic)
{
    const Verb *verb = verb_find (topic);

    if (verb) {
        help_verb (shell, verb);
        return TRUE;
    }
    for (Group group = 0; group < GROUP_LAST; group++)
        if (strcmp (group_names[group].keyword, topic) == 0) {
            print_group (shell, group);
            return TRUE;
        }
    return FALSE;
}
