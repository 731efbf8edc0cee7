/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Words against a verb's options. As in virsh, every option with a value may also be given without
 * its name, in the order of the table, unless OPT_NAMED; "--" ends the options; "--name=value" works.
 */
#include "shell.h"

#include <errno.h>
#include <string.h>

struct Args {
    const Verb *verb;
    GHashTable *values; /* const Option * -> GPtrArray of strings (empty for flags) */
    gboolean help;
};

const Option option_json = { "json", OPT_FLAG, 0, "print the result as JSON", COMPLETE_NONE, NULL };
const Option option_help = { "help", OPT_FLAG, 0, "explain this verb", COMPLETE_NONE, NULL };

const Option *
verb_option (const Verb *verb, const char *name)
{
    for (const Option *option = verb->options; option && option->name; option++)
        if (strcmp (option->name, name) == 0)
            return option;
    if (verb->flags & VERB_JSON && strcmp (name, option_json.name) == 0)
        return &option_json;
    return strcmp (name, option_help.name) == 0 ? &option_help : NULL;
}

static void
free_strings (gpointer array)
{
    g_ptr_array_unref (array);
}

void
args_free (Args *args)
{
    g_hash_table_unref (args->values);
    g_free (args);
}

/* ---- Values ---- */

/* How many bytes the suffix @text stands for (0: none known): "" is KiB, "M" and "MiB" are 1024 *
 * 1024, "MB" is 1000 * 1000. */
static guint64
suffix_bytes (const char *text)
{
    static const char units[] = "kmgtpe";
    const char *unit;
    guint64 base = 1024, bytes = 1;

    if (!*text)
        return 1024;
    if (g_ascii_strcasecmp (text, "b") == 0 || g_ascii_strcasecmp (text, "bytes") == 0)
        return 1;
    unit = strchr (units, g_ascii_tolower (*text));
    if (!unit)
        return 0;
    if (g_ascii_strcasecmp (text + 1, "b") == 0)
        base = 1000;
    else if (text[1] && g_ascii_strcasecmp (text + 1, "ib") != 0)
        return 0;
    for (long steps = unit - units; steps >= 0; steps--)
        bytes *= base;
    return bytes;
}

gboolean
size_parse (const char *text, guint64 *ret_kib)
{
    char *end;
    guint64 value, scale, bytes;

    if (!g_ascii_isdigit (*text))
        return FALSE;
    errno = 0;
    value = g_ascii_strtoull (text, &end, 10);
    scale = suffix_bytes (end);
    if (errno || !scale)
        return FALSE;
    if (scale == 1024) { /* the wire counts KiB: no detour over bytes, which could overflow */
        *ret_kib = value;
        return TRUE;
    }
    if (!g_uint64_checked_mul (&bytes, value, scale))
        return FALSE;
    *ret_kib = bytes / 1024 + (bytes % 1024 != 0);
    return TRUE;
}

static gboolean
is_unlimited (const Option *option, const char *value)
{
    return option->flags & OPT_UNLIMITED
        && (strcmp (value, "-1") == 0 || strcmp (value, "unlimited") == 0);
}

static gboolean
number_parse (const char *text, gint64 *ret_number)
{
    return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, ret_number, NULL);
}

static char *
check_value (const Option *option, const char *value)
{
    gint64 number;
    guint64 kib;

    if (option->type == OPT_NUMBER && !number_parse (value, &number))
        return g_strdup_printf ("option --%s wants a number, not '%s'", option->name, value);
    if (option->type == OPT_SIZE && !is_unlimited (option, value) && !size_parse (value, &kib))
        return g_strdup_printf ("option --%s wants a size such as 65536, 64M or 1GiB, not '%s'",
                                option->name, value);
    return NULL;
}

static gboolean
add_value (Args *args, const Option *option, const char *value, char **ret_message)
{
    GPtrArray *values = g_hash_table_lookup (args->values, option);

    if (values && option->type != OPT_LIST && !(option->flags & OPT_REPEATED)) {
        *ret_message = g_strdup_printf ("option --%s is given twice", option->name);
        return FALSE;
    }
    if (value && (*ret_message = check_value (option, value)))
        return FALSE;
    if (!values) {
        values = g_ptr_array_new_null_terminated (0, g_free, TRUE);
        g_hash_table_insert (args->values, (gpointer) option, values);
    }
    if (value)
        g_ptr_array_add (values, g_strdup (value));
    return TRUE;
}

/* ---- Parsing ---- */

/* The next option that a bare word can be the value of. */
static const Option *
next_positional (const Args *args)
{
    for (const Option *option = args->verb->options; option && option->name; option++)
        if (option->type != OPT_FLAG && !(option->flags & OPT_NAMED)
            && (option->type == OPT_LIST || !g_hash_table_contains (args->values, option)))
            return option;
    return NULL;
}

/* Handles words[*at], which begins with "--"; steps over a value that is a word of its own. */
static gboolean
take_option (Args *args, const char *const *words, unsigned *at, char **ret_message)
{
    const char *name = words[*at] + 2;
    const char *equals = strchr (name, '=');
    g_autofree char *plain = g_strndup (name, equals ? (gsize) (equals - name) : strlen (name));
    const Option *option = verb_option (args->verb, plain);

    if (!option) {
        *ret_message = g_strdup_printf ("'%s' has no option --%s", args->verb->name, plain);
        return FALSE;
    }
    if (option->type == OPT_FLAG) {
        if (equals) {
            *ret_message = g_strdup_printf ("option --%s takes no value", plain);
            return FALSE;
        }
        if (option == &option_help)
            args->help = TRUE;
        return g_hash_table_contains (args->values, option)
            || add_value (args, option, NULL, ret_message);
    }
    if (equals)
        return add_value (args, option, equals + 1, ret_message);
    if (!words[*at + 1]) {
        *ret_message = g_strdup_printf ("option --%s wants a value", plain);
        return FALSE;
    }
    return add_value (args, option, words[++*at], ret_message);
}

/* Takes words[*at] as the value of the next positional option. With OPT_REST that takes the words
 * behind it too, so that a command can have options of its own. */
static gboolean
take_word (Args *args, const char *const *words, unsigned *at, char **ret_message)
{
    const Option *option = next_positional (args);

    if (!option) {
        *ret_message = g_strdup_printf ("'%s' does not know what to do with '%s'", args->verb->name,
                                        words[*at]);
        return FALSE;
    }
    if (!add_value (args, option, words[*at], ret_message))
        return FALSE;
    while (option->flags & OPT_REST && words[*at + 1])
        if (!add_value (args, option, words[++*at], ret_message))
            return FALSE;
    return TRUE;
}

static gboolean
check_required (const Args *args, char **ret_message)
{
    for (const Option *option = args->verb->options; option && option->name; option++)
        if (option->flags & OPT_REQUIRED && !g_hash_table_contains (args->values, option)) {
            *ret_message = g_strdup_printf (
                option->flags & OPT_NAMED ? "'%s' needs --%s" : "'%s' needs <%s>", args->verb->name,
                option->name);
            return FALSE;
        }
    return TRUE;
}

Args *
args_parse (const Verb *verb, const char *const *words, char **ret_message)
{
    g_autoptr (Args) args = g_new0 (Args, 1);
    gboolean options_end = FALSE;

    args->verb = verb;
    args->values = g_hash_table_new_full (NULL, NULL, NULL, free_strings);
    for (unsigned i = 0; words[i]; i++) {
        if (!options_end && strcmp (words[i], "--") == 0)
            options_end = TRUE;
        else if (options_end || strncmp (words[i], "--", 2) != 0) {
            if (!take_word (args, words, &i, ret_message))
                return NULL;
        } else if (!take_option (args, words, &i, ret_message))
            return NULL;
    }
    if (!args->help && !check_required (args, ret_message))
        return NULL;
    return g_steal_pointer (&args);
}

/* ---- Asking ---- */

static GPtrArray *
values_of (const Args *args, const char *name)
{
    const Option *option = verb_option (args->verb, name);

    if (!option)
        g_error ("verb '%s' asks for an option --%s that its table lacks", args->verb->name, name);
    return g_hash_table_lookup (args->values, option);
}

gboolean
args_given (const Args *args, const char *name)
{
    return values_of (args, name) != NULL;
}

gboolean
args_flag (const Args *args, const char *name)
{
    return values_of (args, name) != NULL;
}

const char *
args_string (const Args *args, const char *name)
{
    GPtrArray *values = values_of (args, name);

    return values && values->len ? g_ptr_array_index (values, 0) : NULL;
}

gint64
args_number (const Args *args, const char *name, gint64 otherwise)
{
    const char *text = args_string (args, name);
    gint64 number = otherwise;

    if (text)
        number_parse (text, &number);
    return number;
}

guint64
args_size (const Args *args, const char *name, guint64 otherwise)
{
    const char *text = args_string (args, name);
    guint64 kib = otherwise;

    if (text && is_unlimited (verb_option (args->verb, name), text))
        return SKEP_MEMORY_UNLIMITED;
    if (text)
        size_parse (text, &kib);
    return kib;
}

const char *const *
args_list (const Args *args, const char *name)
{
    static const char *const none[] = { NULL };
    GPtrArray *values = values_of (args, name);

    return values && values->len ? (const char *const *) values->pdata : none;
}

const Verb *
args_verb (const Args *args)
{
    return args->verb;
}

gboolean
args_help (const Args *args)
{
    return args->help;
}
