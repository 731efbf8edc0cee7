/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a fuzz target without a fuzzer: every file of the directory given, each cut short at some
 * places and with some bytes changed. The changes come from a fixed generator, so a crash repeats.
 * A target that returns has passed: what it must never do (crash, leak, accept what it cannot write
 * again) it asserts.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define CUTS    48
#define CHANGES 160
#define SIZE_MAX_SEED (16u << 20)

static uint32_t state = 0x2545f491;

static uint32_t
next_random (void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* A copy of exactly @size bytes, so that a sanitizer sees a read past its end. */
static void
run (const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc (size ? size : 1);

    if (!copy)
        abort ();
    memcpy (copy, data, size);
    LLVMFuzzerTestOneInput (copy, size);
    free (copy);
}

static void
run_changed (const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc (size ? size : 1);

    if (!copy)
        abort ();
    for (unsigned i = 0; size && i < CHANGES; i++) {
        size_t at = next_random () % size;
        unsigned bytes = 1 + next_random () % 4;

        memcpy (copy, data, size);
        for (size_t k = at; k < size && k < at + bytes; k++)
            copy[k] = next_random () & 1 ? (uint8_t) next_random () : data[next_random () % size];
        run (copy, size);
    }
    free (copy);
}

static void
run_file (const char *path)
{
    FILE *file = fopen (path, "rb");
    struct stat st;
    uint8_t *data;
    size_t size;

    if (!file || fstat (fileno (file), &st) < 0 || (uint64_t) st.st_size > SIZE_MAX_SEED) {
        fprintf (stderr, "cannot read %s\n", path);
        exit (1);
    }
    data = malloc ((size_t) st.st_size + 1);
    if (!data)
        abort ();
    size = fread (data, 1, (size_t) st.st_size, file);
    fclose (file);
    run (data, size);
    for (unsigned i = 0; i < CUTS && size; i++)
        run (data, size * i / CUTS);
    run_changed (data, size);
    free (data);
}

static int
visible (const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int
main (int argc, char **argv)
{
    unsigned files = 0;

    for (int i = 1; i < argc; i++) {
        struct dirent **entries;
        int n = scandir (argv[i], &entries, visible, alphasort);

        if (n <= 0) {
            fprintf (stderr, "no seeds in %s\n", argv[i]);
            return 1;
        }
        for (int k = 0; k < n; k++) {
            char path[4096];

            snprintf (path, sizeof path, "%s/%s", argv[i], entries[k]->d_name);
            run_file (path);
            free (entries[k]);
            files++;
        }
        free (entries);
    }
    printf ("%u seeds\n", files);
    return files ? 0 : 1;
}
