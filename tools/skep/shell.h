/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * skep, the shell. One table of verbs (verbs.c gathers it from the cmd_*.c files) is the only place
 * that says what a verb is called, which options it takes and what they mean: parsing, help,
 * completion and the test of the man page all read it.
 */
#pragma once

#include <glib.h>
#include <stdio.h>

#include "client/skep.h"

/* ---- The table ---- */

typedef enum {
    OPT_FLAG,   /* --name */
    OPT_STRING, /* --name VALUE */
    OPT_NUMBER, /* an integer */
    OPT_SIZE,   /* a number with an optional suffix (b, KiB, M, GB, ...); KiB without one */
    OPT_LIST,   /* all words that nothing else takes */
} OptionType;

enum {
    OPT_REQUIRED = 1 << 0,
    OPT_NAMED = 1 << 1,     /* never positional: only as --name VALUE */
    OPT_HIDDEN = 1 << 2,    /* accepted for compatibility, not shown */
    OPT_REPEATED = 1 << 3,  /* --name VALUE may come several times (OPT_STRING) */
    OPT_REST = 1 << 4,      /* an OPT_LIST that takes all words behind its first, options too */
    OPT_UNLIMITED = 1 << 5, /* an OPT_SIZE that may be -1 or "unlimited" */
};

/* What a value can be completed with. */
typedef enum {
    COMPLETE_NONE,
    COMPLETE_DOMAIN,
    COMPLETE_ACTIVE,
    COMPLETE_INACTIVE,
    COMPLETE_FILE,
    COMPLETE_VERB,
    COMPLETE_EVENT,
    COMPLETE_SIGNAL,
    COMPLETE_DEVICE,    /* of the host */
    COMPLETE_INTERFACE, /* of the host */
    COMPLETE_TARGET,    /* disk of the domain that --domain names */
    COMPLETE_LINK,      /* network interface of that domain */
    COMPLETE_ALIAS,     /* of any device of that domain */
    COMPLETE_CONSOLE,   /* alias of a console of that domain */
    COMPLETE_WORDS
} Completion;

typedef struct {
    const char *name;
    OptionType type;
    unsigned flags;
    const char *help;
    Completion complete;
    const char *words; /* COMPLETE_WORDS: the words, '|' between them */
} Option;

typedef enum {
    GROUP_DOMAIN,
    GROUP_MONITOR,
    GROUP_EVENTS,
    GROUP_HOST,
    GROUP_SKEP,
    GROUP_LAST
} Group;

enum {
    VERB_OFFLINE = 1 << 0,     /* needs no connection */
    VERB_JSON = 1 << 1,        /* reads: has --json */
    VERB_HIDDEN = 1 << 2,      /* not in help: for the completion scripts */
    VERB_INTERACTIVE = 1 << 3, /* of use at the prompt only */
};

typedef struct Shell Shell;
typedef struct Args Args;

typedef struct {
    const char *name;
    Group group;
    unsigned flags;
    const char *summary;
    const char *description;                     /* NULL: the summary says it all */
    const Option *options;                       /* ends with name NULL; may be NULL */
    int (*run) (Shell *shell, const Args *args); /* the exit code */
} Verb;

/* Options that many verbs share. */
#define OPTION_DOMAIN_IS(which)                                                                    \
    {                                                                                              \
        "domain", OPT_STRING, OPT_REQUIRED, "name, id or UUID of the domain", which, NULL          \
    }
#define OPTION_DOMAIN OPTION_DOMAIN_IS (COMPLETE_DOMAIN)
#define OPTIONS_AFFECT                                                                             \
    { "config", OPT_FLAG, 0, "act on the saved configuration", COMPLETE_NONE, NULL },              \
        { "live", OPT_FLAG, 0, "act on the running domain", COMPLETE_NONE, NULL },                 \
    {                                                                                              \
        "current", OPT_FLAG, 0, "act on what the domain is now (the default)", COMPLETE_NONE, NULL \
    }
#define OPTIONS_END                                                                                \
    {                                                                                              \
        NULL, OPT_FLAG, 0, NULL, COMPLETE_NONE, NULL                                               \
    }

typedef struct {
    const char *keyword; /* "domain" */
    const char *title;   /* "Domains" */
} GroupName;
extern const GroupName group_names[GROUP_LAST];

/* The tables of the files, each ending with name NULL; verbs.c alone lists them. */
extern const Verb verbs_life[], verbs_xml[], verbs_tune[], verbs_console[], verbs_list[],
    verbs_event[], verbs_host[], verbs_new[], verbs_native[], verbs_shell[], verbs_stats[],
    verbs_guest[], verbs_limits[], verbs_vcpu[], verbs_device[], verbs_objects[], verbs_top[],
    verbs_wait[], verbs_monitor[], verbs_act[], verbs_object_event[], verbs_info[], verbs_counters[];
typedef void (*VerbVisit) (const Verb *verb, gpointer data);
void verb_each (VerbVisit visit, gpointer data);
const Verb *verb_find (const char *name);

/* --json and --help, which verbs have without saying so. */
extern const Option option_json, option_help;
const Option *verb_option (const Verb *verb, const char *name);

/* ---- Words and arguments ---- */

/* Splits a line into commands (at ';' and line ends outside quotes) of words; '#' where a word could
 * begin starts a comment. Quotes are the shell's: '' literal, "" and \ as usual. Returns an array of
 * NULL-terminated string vectors without empty ones, or NULL with a sentence in *ret_message. */
GPtrArray *words_split (const char *line, char **ret_message);
/* The words of an unfinished line's last command. The last word, maybe empty, is the one under the
 * cursor. Never fails. */
char **words_of_partial (const char *line);

/* Checks @words (without the verb's name) against the table. NULL with a sentence in *ret_message. */
Args *args_parse (const Verb *verb, const char *const *words, char **ret_message);
void args_free (Args *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Args, args_free)

/* Asking for an option that the table does not have is a bug and aborts. */
gboolean args_given (const Args *args, const char *name);
gboolean args_flag (const Args *args, const char *name);
const char *args_string (const Args *args, const char *name); /* NULL: not given */
gint64 args_number (const Args *args, const char *name, gint64 otherwise);
guint64 args_size (const Args *args, const char *name, guint64 otherwise); /* KiB */
const char *const *args_list (const Args *args, const char *name);         /* NULL-terminated */
const Verb *args_verb (const Args *args);
gboolean args_help (const Args *args);

/* Exactly as OPT_SIZE has it: "100", "64M", "1GiB" to KiB (rounded up). */
gboolean size_parse (const char *text, guint64 *ret_kib);

/* ---- The running shell ---- */

struct Shell {
    SkepConnection *conn; /* NULL until a verb needs it, or after it broke */
    char *uri, *socket;   /* where to connect; NULL: libskep's default */
    gboolean readonly, quiet, json, timing, interactive, colour, leave;
    char escape; /* of the console: the control character */
    FILE *out, *err;
};

/* Runs one command, prints its error; 0 is success. */
int shell_run_words (Shell *shell, const char *const *words);
/* Runs all commands of a line; the last one's exit code. */
int shell_run_line (Shell *shell, const char *line);
int shell_interactive (Shell *shell);
/* The connection, made when there is none; an error is printed. */
SkepConnection *shell_connection (Shell *shell);
/* A new connection to where the options say, silently. */
SkepConnection *shell_connect (const Shell *shell, SkepError *error);
void shell_disconnect (Shell *shell);
/* The domain that --domain names; an error is printed. */
SkepDomain *shell_domain (Shell *shell, const Args *args);

/* "error: ..." on stderr. shell_fail() returns 1, so that verbs can end with it. shell_fail_with()
 * prints @format first (unless NULL), then the text of @error, then a hint where one is known. */
int shell_fail (Shell *shell, const char *format, ...) G_GNUC_PRINTF (2, 3);
int shell_fail_with (Shell *shell, SkepError *error, const char *format, ...) G_GNUC_PRINTF (3, 4);
void shell_hint (Shell *shell, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* A note about success, which --quiet and --json leave out. */
void shell_say (Shell *shell, const char *format, ...) G_GNUC_PRINTF (2, 3);
gboolean shell_wants_json (const Shell *shell, const Args *args);

static inline void
skep_domain_clear (SkepDomain **domain)
{
    skep_domain_free (*domain);
}
#define autodomain __attribute__ ((cleanup (skep_domain_clear))) SkepDomain *
#define autoerror  __attribute__ ((cleanup (skep_error_clear))) SkepError
#define autoparams __attribute__ ((cleanup (skep_params_clear))) SkepParams

/* ---- Help and completion ---- */

void help_verb (Shell *shell, const Verb *verb);
void help_all (Shell *shell);
gboolean help_topic (Shell *shell, const char *topic);
char *help_synopsis (const Verb *verb);

/* Candidates for the last of @words (a command being typed). Each is a whole word. */
GPtrArray *complete_words (Shell *shell, char *const *words);
/* The same for the line of another shell up to its cursor, beginning with skep's own name. */
GPtrArray *complete_line (Shell *shell, const char *line);
