/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of the program itself: one row each for parsing, --help and completion; the manual page is
 * tested against --help. */
#pragma once

enum { LONG_SOCKET = 256, LONG_JSON, LONG_VERSION, LONG_NO_COLOUR };

#define PROGRAM_OPTIONS_MAX 32

typedef struct {
    int key;           /* the letter, or one of LONG_* */
    const char *name;  /* NULL: letter only */
    const char *value; /* NULL: takes none; "[...": may take one */
    const char *help;
} ProgramOption;

extern const ProgramOption program_options[]; /* ends with help NULL */
