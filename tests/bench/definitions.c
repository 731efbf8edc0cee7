/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many definitions a second one processor reads, judges and writes: definitions FILE [COUNT [validate]].
 * Measured in processor time, since others use the machine. With "validate" each is also held against the
 * schema, which is compiled for the first (SKEP_SCHEMA_DIR says where it lies). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf/domain.h"

static const DomainDefaults defaults
    = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };

static double
seconds (void)
{
    struct timespec now;

    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

int
main (int argc, char **argv)
{
    guint count = argc > 2 ? (guint) atoi (argv[2]) : 20000;
    g_autofree char *text = NULL;
    gsize size;
    guint flags = argc > 3 && strcmp (argv[3], "validate") == 0 ? DOMAIN_PARSE_VALIDATE : 0;
    double start, first = 0, took;

    if (argc < 2 || count == 0 || !g_file_get_contents (argv[1], &text, &size, NULL)) {
        fprintf (stderr, "usage: definitions FILE [COUNT [validate]]\n");
        return 1;
    }
    start = seconds ();
    for (guint i = 0; i < count; i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (DomainDef) def = domain_def_parse (text, size, &defaults, flags, &error);
        g_autofree char *out = NULL;

        if (!def) {
            fprintf (stderr, "%s: %s\n", argv[1], error->message);
            return 1;
        }
        out = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);
        if (i == 0)
            first = seconds () - start;
    }
    took = seconds () - start;
    printf ("%u definitions, %.0f a second; the first took %.2f ms\n", count, count / took, first * 1000);
    return 0;
}
