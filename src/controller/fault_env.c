/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the tests' controller only: SKEP_TEST_FAULT=STEP:fail|kill|hang acts at that step. */
#include "controller/failure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
fault_at_step (unsigned step)
{
    const char *fault = getenv ("SKEP_TEST_FAULT");
    char *rest;

    if (!fault || strtoul (fault, &rest, 10) != step)
        return 0;
    if (strcmp (rest, ":kill") == 0) {
        /* a pid 1 cannot kill itself by signal: _exit() is as sudden */
        _exit (137);
    }
    while (strcmp (rest, ":hang") == 0)
        pause ();
    return EIO;
}
