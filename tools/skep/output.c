/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <string.h>

/* ---- JSON ---- */

void
json_init (Json *json)
{
    *json = (Json){ .text = g_string_new (NULL), .first = TRUE };
}

static void
newline (Json *json)
{
    if (json->one_line)
        return;
    g_string_append_c (json->text, '\n');
    for (unsigned i = 0; i < json->depth; i++)
        g_string_append (json->text, "  ");
}

/* What stands before a value or key: nothing behind a key, else a comma and a line end. */
static void
before (Json *json)
{
    if (!json->after_key && json->depth) {
        if (!json->first)
            g_string_append (json->text, json->one_line ? ", " : ",");
        newline (json);
    }
    json->after_key = FALSE;
    json->first = FALSE;
}

static void
append_quoted (GString *to, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid (text, -1);

    g_string_append_c (to, '"');
    for (const char *at = valid; *at; at++) {
        unsigned char c = (unsigned char) *at;

        if (c == '"' || c == '\\')
            g_string_append_printf (to, "\\%c", c);
        else if (c == '\n')
            g_string_append (to, "\\n");
        else if (c == '\t')
            g_string_append (to, "\\t");
        else if (c < 0x20 || c == 0x7f)
            g_string_append_printf (to, "\\u%04x", c);
        else
            g_string_append_c (to, (char) c);
    }
    g_string_append_c (to, '"');
}

void
json_open (Json *json, char bracket)
{
    before (json);
    g_string_append_c (json->text, bracket);
    json->depth++;
    json->first = TRUE;
}

void
json_close (Json *json, char bracket)
{
    json->depth--;
    if (!json->first)
        newline (json);
    g_string_append_c (json->text, bracket);
    json->first = FALSE;
}

void
json_key (Json *json, const char *key)
{
    before (json);
    append_quoted (json->text, key);
    g_string_append (json->text, ": ");
    json->after_key = TRUE;
}

void
json_string (Json *json, const char *text)
{
    before (json);
    if (text)
        append_quoted (json->text, text);
    else
        g_string_append (json->text, "null");
}

void
json_int (Json *json, gint64 value)
{
    before (json);
    g_string_append_printf (json->text, "%" G_GINT64_FORMAT, value);
}

void
json_uint (Json *json, guint64 value)
{
    before (json);
    g_string_append_printf (json->text, "%" G_GUINT64_FORMAT, value);
}

void
json_bool (Json *json, gboolean value)
{
    before (json);
    g_string_append (json->text, value ? "true" : "false");
}

void
json_param (Json *json, const SkepParam *param)
{
    g_autofree char *text = skep_param_text (param);

    if (param->type == SKEP_STRING) {
        json_string (json, text);
    } else if (param->type == SKEP_BOOLEAN) {
        json_bool (json, param->value.i);
    } else {
        before (json);
        g_string_append (json->text, text);
    }
}

void
json_finish (Json *json, FILE *out)
{
    g_string_append_c (json->text, '\n');
    fwrite (json->text->str, 1, json->text->len, out);
    g_string_free (json->text, TRUE);
    json->text = NULL;
}

/* ---- Values ---- */

static void
value_clear (Value *value)
{
    g_free (value->text);
    g_free (value->raw);
    g_strfreev (value->list);
}

static void
value_json (const Value *value, Json *json)
{
    switch (value->type) {
    case VALUE_STRING:
        json_string (json, value->raw ? value->raw : value->text);
        break;
    case VALUE_NUMBER:
        json_int (json, value->number);
        break;
    case VALUE_BOOL:
        json_bool (json, value->number != 0);
        break;
    case VALUE_NONE:
        json_string (json, NULL);
        break;
    case VALUE_LIST:
        json_open (json, '[');
        for (char **at = value->list; *at; at++)
            json_string (json, *at);
        json_close (json, ']');
        break;
    }
}

/* ---- Records ---- */

typedef struct {
    char *key, *title;
    Value value;
} Field;

struct Record {
    GArray *fields; /* of Field */
};

static void
field_clear (gpointer data)
{
    Field *field = data;

    g_free (field->key);
    g_free (field->title);
    value_clear (&field->value);
}

Record *
record_new (void)
{
    Record *record = g_new0 (Record, 1);

    record->fields = g_array_new (FALSE, TRUE, sizeof (Field));
    g_array_set_clear_func (record->fields, field_clear);
    return record;
}

void
record_free (Record *record)
{
    g_array_unref (record->fields);
    g_free (record);
}

static void
add_field (Record *record, const char *key, const char *title, Value value)
{
    Field field = { .key = g_strdup (key),
                    .title = g_strdup (title ? title : key),
                    .value = value };

    g_array_append_val (record->fields, field);
}

void
record_string_raw (Record *record, const char *key, const char *title, const char *text,
                   const char *raw)
{
    add_field (record, key, title,
               (Value){ .type = VALUE_STRING, .text = g_strdup (text), .raw = g_strdup (raw) });
}

void
record_string (Record *record, const char *key, const char *title, const char *text)
{
    record_string_raw (record, key, title, text, NULL);
}

void
record_number (Record *record, const char *key, const char *title, gint64 value, const char *format,
               ...)
{
    Value made = { .type = VALUE_NUMBER, .number = value };
    va_list args;

    va_start (args, format);
    made.text = g_strdup_vprintf (format, args);
    va_end (args);
    add_field (record, key, title, made);
}

void
record_bool (Record *record, const char *key, const char *title, gboolean value, const char *text)
{
    add_field (record, key, title,
               (Value){ .type = VALUE_BOOL, .number = value, .text = g_strdup (text) });
}

void
record_strings (Record *record, const char *key, const char *title, const char *const *texts)
{
    static const char *const none[] = { NULL };

    add_field (record, key, title,
               (Value){ .type = VALUE_LIST, .list = g_strdupv ((char **) (texts ? texts : none)) });
}

void
record_silent_number (Record *record, const char *key, gint64 value)
{
    add_field (record, key, NULL, (Value){ .type = VALUE_NUMBER, .number = value });
}

void
record_none (Record *record, const char *key, const char *title, const char *text)
{
    add_field (record, key, title, (Value){ .type = VALUE_NONE, .text = g_strdup (text) });
}

void
record_params (Record *record, const SkepParams *params)
{
    for (size_t i = 0; i < params->n; i++) {
        const SkepParam *param = &params->item[i];
        Value value = { .type = VALUE_STRING, .text = skep_param_text (param) };

        if (param->type != SKEP_STRING && param->type != SKEP_DOUBLE) {
            value.type = param->type == SKEP_BOOLEAN ? VALUE_BOOL : VALUE_NUMBER;
            value.number = param->type == SKEP_UINT                                ? param->value.u
                         : param->type == SKEP_LLONG || param->type == SKEP_ULLONG ? param->value.l
                                                                                   : param->value.i;
        }
        add_field (record, param->name, NULL, value);
    }
}

void
record_json (const Record *record, Json *json)
{
    json_open (json, '{');
    for (unsigned i = 0; i < record->fields->len; i++) {
        const Field *field = &g_array_index (record->fields, Field, i);

        json_key (json, field->key);
        value_json (&field->value, json);
    }
    json_close (json, '}');
}

static void
record_print_json (const Record *record, FILE *out)
{
    Json json;

    json_init (&json);
    record_json (record, &json);
    json_finish (&json, out);
}

/* The lines of a field, each begun by the title, @between and blanks up to @width columns. */
static void
print_field (const Field *field, const char *between, int width, FILE *out)
{
    char *const one[] = { field->value.text, NULL };
    char *const *line = field->value.type == VALUE_LIST ? field->value.list : one;

    for (; *line; line++)
        fprintf (out, "%s%s%*s%s\n", field->title, between,
                 MAX (width - (int) strlen (field->title), 0), "", *line);
}

void
record_print (const Record *record, int width, const char *separator, gboolean as_json, FILE *out)
{
    if (as_json) {
        record_print_json (record, out);
        return;
    }
    for (unsigned i = 0; i < record->fields->len; i++) {
        const Field *field = &g_array_index (record->fields, Field, i);

        if (field->value.text)
            fprintf (out, "%-*s%s%s\n", width, field->title, separator, field->value.text);
    }
}

void
record_print_titled (const Record *record, int width, gboolean as_json, FILE *out)
{
    if (as_json) {
        record_print_json (record, out);
        return;
    }
    for (unsigned i = 0; i < record->fields->len; i++)
        if (g_array_index (record->fields, Field, i).value.text)
            width = MAX (width, (int) strlen (g_array_index (record->fields, Field, i).title) + 1);
    for (unsigned i = 0; i < record->fields->len; i++)
        print_field (&g_array_index (record->fields, Field, i), ":", width, out);
}

/* ---- Tables ---- */

typedef struct {
    Value value;
    const char *sgr;
} Cell;

struct Table {
    char **titles, **keys;
    unsigned columns;
    GArray *cells; /* of Cell, row after row */
};

static void
cell_clear (gpointer data)
{
    value_clear (&((Cell *) data)->value);
}

Table *
table_new (const char *const *titles, const char *const *keys)
{
    Table *table = g_new0 (Table, 1);

    table->titles = g_strdupv ((char **) titles);
    table->keys = g_strdupv ((char **) keys);
    table->columns = g_strv_length (table->titles);
    table->cells = g_array_new (FALSE, TRUE, sizeof (Cell));
    g_array_set_clear_func (table->cells, cell_clear);
    return table;
}

void
table_free (Table *table)
{
    g_strfreev (table->titles);
    g_strfreev (table->keys);
    g_array_unref (table->cells);
    g_free (table);
}

static void
add_cell (Table *table, ValueType type, gint64 number, char *text)
{
    Cell cell = { .value = { .type = type, .number = number, .text = text } };

    g_array_append_val (table->cells, cell);
}

void
table_string (Table *table, const char *text)
{
    add_cell (table, VALUE_STRING, 0, g_strdup (text));
}

void
table_number (Table *table, gint64 value, const char *text)
{
    add_cell (table, VALUE_NUMBER, value,
              text ? g_strdup (text) : g_strdup_printf ("%" G_GINT64_FORMAT, value));
}

void
table_none (Table *table, const char *text)
{
    add_cell (table, VALUE_NONE, 0, g_strdup (text));
}

void
table_bool (Table *table, gboolean value, const char *text)
{
    add_cell (table, VALUE_BOOL, value, g_strdup (text));
}

void
table_strings (Table *table, const char *const *texts, const char *text)
{
    add_cell (table, VALUE_LIST, 0, g_strdup (text));
    g_array_index (table->cells, Cell, table->cells->len - 1).value.list = g_strdupv ((char **) texts);
}

void
table_colour (Table *table, const char *sgr)
{
    g_array_index (table->cells, Cell, table->cells->len - 1).sgr = sgr;
}

static unsigned
columns_of (gunichar c)
{
    return g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
}

unsigned
text_columns (const char *text)
{
    unsigned width = 0;
    g_autofree char *valid = g_utf8_make_valid (text, -1);

    for (const char *at = valid; *at; at = g_utf8_next_char (at))
        width += columns_of (g_utf8_get_char (at));
    return width;
}

char *
text_clip (const char *text, unsigned columns)
{
    char *valid = g_utf8_make_valid (text, -1);
    unsigned width = 0;

    for (char *at = valid; *at;) {
        if (*at == '\033') {
            at += strcspn (at, "m");
            at += *at == 'm';
            continue;
        }
        width += columns_of (g_utf8_get_char (at));
        if (width > columns) {
            *at = '\0';
            break;
        }
        at = g_utf8_next_char (at);
    }
    return valid;
}

/* What a terminal must not see as a command: control characters become '?'. */
static char *
printable (const char *text)
{
    char *copy = g_utf8_make_valid (text, -1);

    for (char *at = copy; *at; at++)
        if ((unsigned char) *at < 0x20 || *at == 0x7f)
            *at = '?';
    return copy;
}

void
text_pad (GString *to, const char *text, unsigned columns, gboolean left)
{
    g_autofree char *clean = printable (text), *shown = text_clip (clean, columns);
    int blanks = (int) (columns - text_columns (shown));

    g_string_append_printf (to, "%*s%s%*s", left ? 0 : blanks, "", shown, left ? blanks : 0, "");
}

static void
print_cell (const char *text, unsigned width, gboolean last, const char *sgr, FILE *out)
{
    g_autofree char *clean = printable (text);

    if (sgr)
        fprintf (out, "\033[%sm%s\033[0m", sgr, clean);
    else
        fputs (clean, out);
    if (!last)
        fprintf (out, "%*s", (int) (width - text_columns (clean)) + 3, "");
}

static void
print_header (const Table *table, const unsigned *width, gboolean colour, FILE *out)
{
    unsigned total = 0;

    fputc (' ', out);
    for (unsigned c = 0; c < table->columns; c++) {
        print_cell (table->titles[c], width[c], c + 1 == table->columns, colour ? "1" : NULL, out);
        total += width[c] + 3;
    }
    fputc ('\n', out);
    for (unsigned i = 0; i < total; i++)
        fputc ('-', out);
    fputc ('\n', out);
}

static void
table_print_json (const Table *table, FILE *out)
{
    Json json;

    json_init (&json);
    json_open (&json, '[');
    for (unsigned i = 0; i < table->cells->len; i++) {
        const Cell *cell = &g_array_index (table->cells, Cell, i);

        if (i % table->columns == 0)
            json_open (&json, '{');
        json_key (&json, table->keys[i % table->columns]);
        value_json (&cell->value, &json);
        if ((i + 1) % table->columns == 0)
            json_close (&json, '}');
    }
    json_close (&json, ']');
    json_finish (&json, out);
}

void
table_print (const Table *table, gboolean as_json, gboolean quiet, gboolean colour, FILE *out)
{
    g_autofree unsigned *width = g_new0 (unsigned, table->columns);

    if (as_json) {
        table_print_json (table, out);
        return;
    }
    for (unsigned c = 0; c < table->columns; c++)
        width[c] = quiet ? 0 : text_columns (table->titles[c]);
    for (unsigned i = 0; i < table->cells->len; i++) {
        const Cell *cell = &g_array_index (table->cells, Cell, i);

        width[i % table->columns] = MAX (width[i % table->columns], text_columns (cell->value.text));
    }
    if (!quiet)
        print_header (table, width, colour, out);
    for (unsigned i = 0; i < table->cells->len; i++) {
        const Cell *cell = &g_array_index (table->cells, Cell, i);
        unsigned c = i % table->columns;

        if (c == 0)
            fputc (' ', out);
        print_cell (cell->value.text, width[c], c + 1 == table->columns, colour ? cell->sgr : NULL,
                    out);
        if (c + 1 == table->columns)
            fputc ('\n', out);
    }
}
