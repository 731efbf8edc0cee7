/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a native configuration, as LXC reads them: "KEY = VALUE", blanks around both do not
 * count, # begins a comment only at the begin of a line, one pair of quotes around a value goes, there
 * are no continuations. lxc.include is followed where it stands. */
#include <stdarg.h>
#include <string.h>

#include "conf/native_private.h"
#include "conf/xml.h"

#define INCLUDE_DEPTH_MAX 8
#define NOTES_MAX 4096

NativeNote *
native_note_new (const char *file, guint line, const char *key, char *reason)
{
    NativeNote *note = g_new0 (NativeNote, 1);

    note->file = g_strdup (file);
    note->line = line;
    note->key = g_strdup (key);
    note->reason = reason;
    return note;
}

void
native_note_free (gpointer data)
{
    NativeNote *note = data;

    g_free (note->file);
    g_free (note->key);
    g_free (note->reason);
    g_free (note);
}

NativeFile *
native_file_new (const char *path, char *text)
{
    NativeFile *file = g_new0 (NativeFile, 1);

    file->path = g_strdup (path);
    file->text = text;
    return file;
}

void
native_file_free (gpointer data)
{
    NativeFile *file = data;

    g_free (file->path);
    g_free (file->text);
    g_free (file);
}

void
native_note (Native *n, const NativeLine *line, const char *format, ...)
{
    va_list args;

    if (n->notes->len >= NOTES_MAX)
        return;
    va_start (args, format);
    g_ptr_array_add (n->notes, native_note_new (line->file, line->number, line->key,
                                                g_strdup_vprintf (format, args)));
    va_end (args);
}

void
native_fail (Native *n, const NativeLine *line, ErrorCode code, const char *format, ...)
{
    g_autofree char *detail = NULL;
    va_list args;

    if (n->error)
        return;
    va_start (args, format);
    detail = g_strdup_vprintf (format, args);
    va_end (args);
    if (line)
        error_set (&n->error, code, "%s%sline %u: %s: %s", line->file ? line->file : "",
                   line->file ? ", " : "", line->number, line->key, detail);
    else
        error_set (&n->error, code, "%s", detail);
}

gboolean
native_number (Native *n, const NativeLine *line, const char *text, guint64 max, guint64 *ret)
{
    guint base = *text != '0' ? 10 : g_ascii_tolower (text[1]) == 'x' ? 16 : 8;

    if (g_ascii_string_to_unsigned (base == 16 ? text + 2 : text, base, 0, max, ret, NULL))
        return TRUE;
    native_fail (n, line, ERR_INTERNAL, "'%s' is not a number up to %" G_GUINT64_FORMAT, text, max);
    return FALSE;
}

/* What memory.limit_in_bytes shows where there is none: whole pages. */
#define SHOWN_UNLIMITED G_GUINT64_CONSTANT (9223372036854771712)

gboolean
native_size (Native *n, const NativeLine *line, const char *text, guint64 *ret)
{
    static const char units[] = "kmgtp";
    char *end;
    guint64 value;
    const char *unit;

    if (g_str_equal (text, "-1") || g_str_equal (text, "max")) {
        *ret = SKEP_UNLIMITED;
        return TRUE;
    }
    value = g_ascii_strtoull (text, &end, 0);
    unit = *end ? strchr (units, g_ascii_tolower (*end)) : NULL;
    if (end == text || !g_ascii_isdigit (*text) || (*end && !unit)
        || (unit && end[1] && g_ascii_strcasecmp (end + 1, "b") != 0
            && g_ascii_strcasecmp (end + 1, "ib") != 0)) {
        native_fail (n, line, ERR_INTERNAL, "'%s' is not a size", text);
        return FALSE;
    }
    for (gssize i = unit ? unit - units + 1 : 0; i > 0; i--)
        value = value > G_MAXINT64 / 1024 ? G_MAXINT64 : value * 1024;
    /* kept in KiB, rounded up */
    *ret = value > SHOWN_UNLIMITED - 1024 ? SKEP_UNLIMITED : value;
    return TRUE;
}

/* ---- lines */

static char *
without_quotes (char *value)
{
    gsize length = strlen (value);

    if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
        value[length - 1] = '\0';
        return value + 1;
    }
    return value;
}

/* How much of @key is the name of @length bytes: all of it (G_MAXSIZE), its family, nothing (0). */
static gsize
name_matches (const char *name, gsize length, const char *key)
{
    if (strncmp (name, key, length) != 0)
        return 0;
    if (key[length] == '\0')
        return G_MAXSIZE;
    return name[length - 1] == '.' ? length : 0;
}

static gsize
row_matches (const NativeRow *row, const char *key)
{
    gsize best = name_matches (row->name, strlen (row->name), key);

    for (const char *name = row->old; name && *name;) {
        gsize length = strcspn (name, " ");

        best = MAX (best, name_matches (name, length, key));
        name += length;
        name += *name == ' ';
    }
    return best;
}

static const NativeRow *
row_by_name (const char *key, const char **ret_rest)
{
    const NativeRow *found = NULL;
    gsize best = 0;

    for (const NativeRow *row = native_rows; row->name; row++) {
        gsize matched = row_matches (row, key);

        if (matched > best) {
            best = matched;
            found = row;
        }
    }
    *ret_rest = best == G_MAXSIZE || !found ? "" : key + best;
    return found;
}

static void
take_line (Native *n, NativeLine *line)
{
    const NativeRow *row = row_by_name (line->key, &line->rest);

    if (!row && !g_str_has_prefix (line->key, "lxc."))
        native_note (n, line, "not a key of LXC");
    else if (!row)
        native_note (n, line, "unknown key");
    else if (row->take)
        row->take (n, line);
    else if (*line->value)
        native_note (n, line, "%s", row->reason);
}

static void
one_line (Native *n, const char *file, guint number, char *text)
{
    NativeLine *line;
    char *equals;

    g_strstrip (text);
    if (!*text || *text == '#')
        return;
    line = g_new0 (NativeLine, 1);
    line->file = file;
    line->number = number;
    g_ptr_array_add (n->lines, line);
    equals = strchr (text, '=');
    if (n->lines->len > NATIVE_LINES_MAX || !equals || strchr (text, '\r')) {
        line->key = g_strdup (file ? file : NATIVE_FORMAT);
        line->value = g_strdup ("");
        native_fail (n, line, ERR_CONF_SYNTAX,
                     n->lines->len > NATIVE_LINES_MAX ? "too many lines" : "a line is KEY = VALUE");
        return;
    }
    *equals = '\0';
    line->key = g_strdup (g_strchomp (text));
    line->value = g_strdup (without_quotes (g_strchug (equals + 1)));
    line->rest = "";
    take_line (n, line);
}

void
native_lines (Native *n, const char *file, const char *text, gsize length)
{
    g_autofree char *copy = g_strndup (text, length);
    g_auto (GStrv) lines = NULL;
    guint number = 0;

    if (strlen (copy) != length || length > NATIVE_TEXT_MAX || !xml_text_valid (copy)) {
        if (!n->error)
            error_set (&n->error, ERR_CONF_SYNTAX, "%s: %s", file ? file : NATIVE_FORMAT,
                       length > NATIVE_TEXT_MAX ? "the configuration is too long"
                                                : "the configuration is not text");
        return;
    }
    lines = g_strsplit (copy, "\n", -1);
    for (char **line = lines; *line && !n->error; line++)
        one_line (n, file, ++number, *line);
}

void
native_take_include (Native *n, const NativeLine *line)
{
    g_autoptr (GPtrArray) files = NULL;
    g_autoptr (GError) why = NULL;

    if (!*line->value)
        return;
    if (n->depth >= INCLUDE_DEPTH_MAX) {
        native_fail (n, line, ERR_CONF_SYNTAX, "files include each other too deeply");
        return;
    }
    if (n->host && n->host->read)
        files = n->host->read (n->host->data, line->value, &why);
    if (!files) {
        n->unread = TRUE;
        native_note (n, line, "not read: %s; Skep's own defaults take its place",
                     why ? why->message : "there are no files here");
        return;
    }
    n->depth++;
    for (guint i = 0; i < files->len && !n->error; i++) {
        const NativeFile *file = files->pdata[i];
        char *name = g_strdup (file->path);

        g_ptr_array_add (n->files, name);
        native_lines (n, name, file->text, strlen (file->text));
    }
    n->depth--;
}
