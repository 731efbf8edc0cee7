/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers, not a test: start latency, throughput, private memory of controllers. measure [N] */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness.h"

static long
rollup (pid_t pid, const char *field)
{
    char path[64], line[256];
    long kib = 0;
    FILE *file;

    snprintf (path, sizeof path, "/proc/%d/smaps_rollup", (int) pid);
    file = fopen (path, "r");
    while (file && fgets (line, sizeof line, file)) {
        if (strncmp (line, field, strlen (field)) == 0)
            kib = atol (line + strlen (field));
    }
    if (file)
        fclose (file);
    return kib;
}

static long
available (void)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen ("/proc/meminfo", "r");

    while (file && fgets (line, sizeof line, file)) {
        if (sscanf (line, "MemAvailable: %ld", &kib) == 1)
            break;
    }
    if (file)
        fclose (file);
    return kib;
}

int
main (int argc, char **argv)
{
    unsigned n = argc > 1 ? (unsigned) atoi (argv[1]) : 50;
    gboolean mapped = argc > 2;
    Box **boxes = g_new0 (Box *, n);
    Run *runs = g_new0 (Run, n);
    guint64 total = 0;
    long before, after, dirty = 0, clean = 0, pss = 0;
    gint64 began;
    g_autofree char *program = NULL;
    struct rusage usage;

    private_namespaces ();
    /* as skepd does: one sealed copy for all */
    program = g_strdup_printf ("/proc/self/fd/%d",
                               plan_program_image (g_getenv ("SKEP_TEST_CONTROLLER")));
    for (unsigned i = 0; i < n; i++) {
        boxes[i] = box_new (mapped);
        boxes[i]->program = program;
        box_standard (boxes[i]);
        if (argc > 3)
            boxes[i]->plan.namespaces &= ~(unsigned) CLONE_NEWNET, boxes[i]->plan.loopback_up = 0;
        box_init (boxes[i], "pause", NULL);
    }
    before = available ();
    began = g_get_monotonic_time ();
    for (unsigned i = 0; i < n; i++) {
        runs[i] = box_start (boxes[i], 0);
        box_expect_running (boxes[i], &runs[i]);
        total += runs[i].elapsed_us;
        if (i == 0) {
            g_usleep (1300000);
            printf ("one alone: private dirty %ld KiB, private clean %ld KiB, pss %ld KiB\n",
                    rollup (runs[0].controller, "Private_Dirty:"),
                    rollup (runs[0].controller, "Private_Clean:"),
                    rollup (runs[0].controller, "Pss:"));
            began += 1300000;
        }
    }
    printf ("%u starts: %.2f ms each, %.0f/s\n", n, (double) total / n / 1000,
            n * 1e6 / (double) (g_get_monotonic_time () - began));
    g_usleep (1500000);
    after = available ();
    for (unsigned i = 0; i < n; i++) {
        dirty += rollup (runs[i].controller, "Private_Dirty:");
        clean += rollup (runs[i].controller, "Private_Clean:");
        pss += rollup (runs[i].controller, "Pss:");
    }
    printf ("each of %u: private dirty %ld KiB, private clean %ld KiB, pss %ld KiB; all memory %ld KiB\n",
            n, dirty / n, clean / n, pss / n, (before - after) / (long) n);
    if (g_getenv ("MEASURE_HOLD"))
        g_usleep (5000000);
    began = g_get_monotonic_time ();
    for (unsigned i = 0; i < n; i++)
        run_stop (boxes[i], &runs[i]);
    printf ("%u stops: %.2f ms each\n", n, (double) (g_get_monotonic_time () - began) / n / 1000);
    getrusage (RUSAGE_CHILDREN, &usage);
    printf ("processor time of a start and stop: %.2f ms\n",
            ((double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3
             + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3) / n);
    for (unsigned i = 0; i < n; i++)
        box_free (boxes[i]);
    return 0;
}
