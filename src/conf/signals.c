/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/signals.h"

#include <signal.h>

#define SIGNAL(name) { #name, SIG##name }

static const struct {
    const char *name;
    int number;
} signals[] = {
    SIGNAL (HUP),  SIGNAL (INT),  SIGNAL (QUIT),   SIGNAL (ILL),    SIGNAL (TRAP), SIGNAL (ABRT),
    SIGNAL (BUS),  SIGNAL (FPE),  SIGNAL (KILL),   SIGNAL (USR1),   SIGNAL (SEGV), SIGNAL (USR2),
    SIGNAL (PIPE), SIGNAL (ALRM), SIGNAL (TERM),   SIGNAL (STKFLT), SIGNAL (CHLD), SIGNAL (CONT),
    SIGNAL (STOP), SIGNAL (TSTP), SIGNAL (TTIN),   SIGNAL (TTOU),   SIGNAL (URG),  SIGNAL (XCPU),
    SIGNAL (XFSZ), SIGNAL (VTALRM), SIGNAL (PROF), SIGNAL (WINCH),  SIGNAL (IO),   SIGNAL (PWR),
    SIGNAL (SYS),
    /* other names of the same, read only */
    SIGNAL (IOT),  SIGNAL (CLD),  SIGNAL (POLL),
};

/* "RTMIN", "RTMIN+3", "RTMAX-1" */
static guint
parse_realtime (const char *text)
{
    gboolean from_min = g_str_has_prefix (text, "RTMIN");
    guint64 offset = 0;

    if (!from_min && !g_str_has_prefix (text, "RTMAX"))
        return 0;
    text += 5;
    if (*text
        && (*text != (from_min ? '+' : '-')
            || !g_ascii_string_to_unsigned (text + 1, 10, 0, (guint64) (SIGRTMAX - SIGRTMIN), &offset,
                                            NULL)))
        return 0;
    return (guint) (from_min ? SIGRTMIN + (int) offset : SIGRTMAX - (int) offset);
}

guint
signal_number (const char *text)
{
    guint64 number;

    if (g_ascii_string_to_unsigned (text, 10, 1, (guint64) SIGRTMAX, &number, NULL))
        return (guint) number;
    if (g_str_has_prefix (text, "SIG"))
        text += 3;
    for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
        if (g_str_equal (signals[i].name, text))
            return (guint) signals[i].number;
    return parse_realtime (text);
}

char *
signal_format (guint number)
{
    for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
        if ((guint) signals[i].number == number)
            return g_strconcat ("SIG", signals[i].name, NULL);
    if (number == (guint) SIGRTMIN)
        return g_strdup ("SIGRTMIN");
    if (number > (guint) SIGRTMIN && number <= (guint) SIGRTMAX)
        return g_strdup_printf ("SIGRTMIN+%u", number - (guint) SIGRTMIN);
    return g_strdup_printf ("%u", number);
}
