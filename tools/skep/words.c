/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a line to commands of words. */
#include "shell.h"

#include <string.h>

typedef struct {
    GPtrArray *commands; /* of char ** */
    GPtrArray *words;    /* of the command under way */
    GString *word;       /* NULL between words */
} Splitter;

static void
end_word (Splitter *splitter)
{
    if (!splitter->word)
        return;
    g_ptr_array_add (splitter->words, g_string_free (splitter->word, FALSE));
    splitter->word = NULL;
}

static void
end_command (Splitter *splitter)
{
    end_word (splitter);
    if (!splitter->words->len)
        return;
    g_ptr_array_add (splitter->words, NULL);
    g_ptr_array_add (splitter->commands, g_ptr_array_free (splitter->words, FALSE));
    splitter->words = g_ptr_array_new_with_free_func (g_free);
}

static void
put (Splitter *splitter, char c)
{
    if (!splitter->word)
        splitter->word = g_string_new (NULL);
    if (c)
        g_string_append_c (splitter->word, c);
}

/* Takes a quoted part whose opening quote is at @at; returns its closing quote or NULL. */
static const char *
take_quoted (Splitter *splitter, const char *at)
{
    char quote = *at++;

    put (splitter, '\0');
    for (; *at; at++) {
        if (*at == quote)
            return at;
        if (quote == '"' && *at == '\\' && at[1])
            at++;
        put (splitter, *at);
    }
    return NULL;
}

/* Returns FALSE when the line ends within quotes or after a backslash. */
static gboolean
split (Splitter *splitter, const char *line)
{
    for (const char *at = line; *at; at++) {
        if (*at == '\'' || *at == '"') {
            at = take_quoted (splitter, at);
            if (!at)
                return FALSE;
        } else if (*at == '\\') {
            if (!*++at)
                return FALSE;
            put (splitter, *at);
        } else if (*at == ';' || *at == '\n') {
            end_command (splitter);
        } else if (*at == ' ' || *at == '\t' || *at == '\r') {
            end_word (splitter);
        } else if (*at == '#' && !splitter->word) {
            at = at + strcspn (at, "\n") - 1;
        } else {
            put (splitter, *at);
        }
    }
    return TRUE;
}

GPtrArray *
words_split (const char *line, char **ret_message)
{
    Splitter splitter = { g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev),
                          g_ptr_array_new_with_free_func (g_free), NULL };
    gboolean ok = split (&splitter, line);

    end_command (&splitter);
    g_ptr_array_unref (splitter.words);
    if (ok)
        return splitter.commands;
    g_ptr_array_unref (splitter.commands);
    *ret_message = g_strdup ("the line ends within quotes or after a backslash");
    return NULL;
}

char **
words_of_partial (const char *line)
{
    Splitter splitter = { g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev),
                          g_ptr_array_new_with_free_func (g_free), NULL };

    split (&splitter, line);
    if (!splitter.word) /* the cursor is behind a blank: a new, empty word */
        put (&splitter, '\0');
    end_word (&splitter);
    g_ptr_array_add (splitter.words, NULL);
    g_ptr_array_unref (splitter.commands);
    return (char **) g_ptr_array_free (splitter.words, FALSE);
}
