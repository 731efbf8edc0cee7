/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the cmd_*.c files share. */
#pragma once

#include "output.h"
#include "shell.h"

/* Rows of option tables: a flag, --name VALUE, --name NUMBER. */
#define FLAG(name, help)                                                                           \
    {                                                                                              \
        name, OPT_FLAG, 0, help, COMPLETE_NONE, NULL                                               \
    }
#define VALUE(name, help)                                                                          \
    {                                                                                              \
        name, OPT_STRING, OPT_NAMED, help, COMPLETE_NONE, NULL                                     \
    }
#define NUMBER(name, help)                                                                         \
    {                                                                                              \
        name, OPT_NUMBER, OPT_NAMED, help, COMPLETE_NONE, NULL                                     \
    }

/* The flags of --config, --live, --current: -1 when they contradict (an error is printed). None of
 * them is "current". */
int affect_flags (Shell *shell, const Args *args);

/* The bits of the flags that are given; a table ends with option NULL. */
typedef struct {
    const char *option;
    unsigned bit;
} BitRow;
unsigned bits_given (const Args *args, const BitRow *rows);

/* "3,4,7" into an array of descriptors; FALSE with an error printed. */
gboolean fds_parse (Shell *shell, const char *text, GArray *ret_fds);

/* Prints one value on a line, or as a JSON object of one key. */
int print_string (Shell *shell, const Args *args, const char *key, const char *text);
int print_number (Shell *shell, const Args *args, const char *key, gint64 number);

/* A line on standard error for each, as far as --quiet allows. cmd_native.c */
void print_warnings (Shell *shell, const SkepNote *notes);

/* Prints the parts of @xml that an XPath expression finds; the exit code. @wrap: within <nodes>. */
int print_xpath (Shell *shell, const char *xml, const char *xpath, gboolean wrap);

/* The text of a file ("-": standard input), or NULL with an error printed. */
char *read_text (Shell *shell, const char *path);

/* Lets the user edit @text with $VISUAL, $EDITOR or vi. NULL with an error printed. */
char *edit_text (Shell *shell, const char *text, const char *suffix);

/* Attaches the terminal to a console until its escape character or its end; the exit code. */
int terminal_attach (Shell *shell, SkepDomain *domain, const char *device, unsigned flags);
/* FALSE with an error printed when standard input is no terminal. */
gboolean console_possible (Shell *shell);

/* The number of a signal's name ("TERM", "sigterm", "15", "rtmin+3"), or -1. */
int signal_parse (const char *text);
/* The namespace prefix "--mode" words of shutdown and reboot as flags, or -1. */
int mode_parse (Shell *shell, const char *text);
