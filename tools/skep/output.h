/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What verbs print: JSON, aligned tables and lists of named values, from the same data. */
#pragma once

#include <glib.h>
#include <stdio.h>

#include "client/skep.h"

/* ---- JSON ---- */

/* A writer; commas, indentation and escapes are its business. The text ends with a line end. */
typedef struct {
    GString *text;
    unsigned depth;
    gboolean first, after_key;
    gboolean one_line; /* no line ends inside: for streams of objects */
} Json;

void json_init (Json *json);
void json_open (Json *json, char bracket);  /* '{' or '[' */
void json_close (Json *json, char bracket); /* '}' or ']' */
void json_key (Json *json, const char *key);
void json_string (Json *json, const char *text); /* NULL: null */
void json_int (Json *json, gint64 value);
void json_uint (Json *json, guint64 value);
void json_bool (Json *json, gboolean value);
void json_param (Json *json, const SkepParam *param);
/* Prints and frees. */
void json_finish (Json *json, FILE *out);

/* ---- Values ---- */

typedef enum { VALUE_STRING, VALUE_NUMBER, VALUE_BOOL, VALUE_NONE, VALUE_LIST } ValueType;

/* One value: as text for people, and as JSON. */
typedef struct {
    ValueType type;
    char *text;    /* what people see; NULL: nothing */
    char **list;   /* VALUE_LIST: what people see, a line each */
    char *raw;     /* VALUE_STRING: for JSON, NULL means text */
    gint64 number; /* VALUE_NUMBER, VALUE_BOOL; JSON numbers beyond are not needed */
} Value;

/* The beginning of @text that takes at most @columns on a terminal; colours (SGR sequences) take none. */
char *text_clip (const char *text, unsigned columns);
/* Columns that @text takes there. */
unsigned text_columns (const char *text);
/* Appends @text cut or filled with blanks to @columns, and without control characters. */
void text_pad (GString *to, const char *text, unsigned columns, gboolean left);

/* ---- A list of named values ---- */

typedef struct Record Record;

Record *record_new (void);
void record_free (Record *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Record, record_free)
/* @key is the JSON key, @title what people see (NULL: the key). */
void record_string (Record *record, const char *key, const char *title, const char *text);
/* @format makes the text of @value; JSON has the number. */
void record_number (Record *record, const char *key, const char *title, gint64 value,
                    const char *format, ...) G_GNUC_PRINTF (5, 6);
void record_bool (Record *record, const char *key, const char *title, gboolean value,
                  const char *text);
void record_params (Record *record, const SkepParams *params);
void record_none (Record *record, const char *key, const char *title, const char *text); /* null */
/* A line for each text; JSON: an array. @texts ends with NULL, or is NULL for none. */
void record_strings (Record *record, const char *key, const char *title, const char *const *texts);
/* In JSON only. */
void record_silent_number (Record *record, const char *key, gint64 value);
/* A string with different words for people and JSON. */
void record_string_raw (Record *record, const char *key, const char *title, const char *text,
                        const char *raw);
/* A line each: the title in at least @width columns, @separator, the value. JSON: one object. */
void record_print (const Record *record, int width, const char *separator, gboolean as_json,
                   FILE *out);
/* "Title:          value", as dominfo and nodeinfo print it: the value begins behind @width columns. */
void record_print_titled (const Record *record, int width, gboolean as_json, FILE *out);
void record_json (const Record *record, Json *json);

/* ---- A table ---- */

typedef struct Table Table;

/* @titles and @keys end with NULL and have the same length. */
Table *table_new (const char *const *titles, const char *const *keys);
void table_free (Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Table, table_free)
/* Cells come one by one, row after row. */
void table_string (Table *table, const char *text);
void table_number (Table *table, gint64 value, const char *text); /* @text NULL: the number */
void table_none (Table *table, const char *text);                 /* JSON null */
void table_bool (Table *table, gboolean value, const char *text);
/* @text for people, an array in JSON. @texts ends with NULL. */
void table_strings (Table *table, const char *const *texts, const char *text);
/* Colour of the last cell's text: an SGR parameter such as "32", used when @colour is printed. */
void table_colour (Table *table, const char *sgr);
/* Aligned columns with virsh's two header lines (left out with @quiet); widths are in terminal
 * columns, so wide and combining characters stay aligned. JSON: an array of objects. */
void table_print (const Table *table, gboolean as_json, gboolean quiet, gboolean colour, FILE *out);
