/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An example of libskep: starts every domain that does not run and whose init failed the last time, and
 * says what each of the others uses.
 *
 *     cc restart.c $(pkg-config --cflags --libs libskep) -o restart
 *     ./restart [URI]
 */
#include <inttypes.h>
#include <skep.h>
#include <stdio.h>
#include <stdlib.h>

static int
fail (SkepError *error)
{
    fprintf (stderr, "error %d: %s\n", error->code, error->message);
    skep_error_clear (error);
    return EXIT_FAILURE;
}

static int
look_after (SkepDomain *domain)
{
    SkepError error = { 0 };
    int state, status = -1;
    char *words = NULL;

    if (!skep_domain_state (domain, &state, NULL, &error))
        return fail (&error);
    if (state == SKEP_STATE_SHUTOFF && skep_domain_last_exit (domain, &status, &words, NULL)
        && status > 0) {
        printf ("%s: %s; starting it\n", domain->name, words);
        free (words);
        return skep_domain_start (domain, NULL, 0, 0, &error) ? EXIT_SUCCESS : fail (&error);
    }
    free (words);
    printf ("%s: %s\n", domain->name, skep_state_name (state));
    return EXIT_SUCCESS;
}

static int
show_use (SkepConnection *conn)
{
    SkepError error = { 0 };
    SkepStats *stats;
    int n = skep_stats (conn, NULL, 0, SKEP_STATS_CPU | SKEP_STATS_MEMORY, SKEP_LIST_ACTIVE, &stats,
                        &error);

    if (n < 0)
        return fail (&error);
    for (int i = 0; i < n; i++) {
        const SkepParam *cpu = skep_params_find (&stats[i].values, "cpu.time");
        const SkepParam *memory = skep_params_find (&stats[i].values, "memory.usage");

        printf ("%s: %.3f s of CPU, %" PRIu64 " KiB\n", stats[i].domain->name,
                cpu ? (double) cpu->value.ul / 1e9 : 0.0, memory ? memory->value.ul : 0);
    }
    skep_stats_free (stats, n);
    return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
    SkepError error = { 0 };
    SkepConnection *conn = skep_connect (argc > 1 ? argv[1] : NULL, 0, &error);
    SkepDomain **domains;
    int status = EXIT_SUCCESS;

    if (!conn)
        return fail (&error);
    if (skep_list_domains (conn, 0, &domains, &error) < 0) {
        status = fail (&error);
    } else {
        for (SkepDomain **domain = domains; *domain; domain++)
            status |= look_after (*domain);
        skep_domain_list_free (domains);
        status |= show_use (conn);
    }
    skep_disconnect (conn);
    return status;
}
