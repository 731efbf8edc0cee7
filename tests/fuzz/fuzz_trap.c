/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GLib ends a program with SIGTRAP where an assertion fails; libFuzzer keeps the input for SIGABRT only. */
#include <signal.h>
#include <stdlib.h>

static void
trapped (int number)
{
    (void) number;
    abort ();
}

static void __attribute__ ((constructor))
trap_aborts (void)
{
    signal (SIGTRAP, trapped);
}
