/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a launch plan: refused with a sentence, or good, and then printable and the same after
 * being written and read again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static char *
print (const launch_plan *plan)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream (&text, &length);

    if (!out)
        abort ();
    plan_print (plan, out);
    fclose (out);
    return text;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    const char *why = NULL;
    launch_plan plan, again;
    char *bytes, *first, *second;
    size_t length;

    if (plan_decode (data, size, &plan, &why) < 0) {
        if (!why || !why[0])
            abort ();
        return 0;
    }
    bytes = malloc (size + 64);
    length = bytes ? plan_encode (&plan, bytes, size + 64) : 0;
    if (length != size || plan_decode (bytes, length, &again, &why) < 0)
        abort ();
    first = print (&plan);
    second = print (&again);
    if (strcmp (first, second) != 0)
        abort ();
    free (first);
    free (second);
    free (bytes);
    plan_free (&plan);
    plan_free (&again);
    return 0;
}
