/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/notes.h"

skep_note *
notes_to_wire (const GPtrArray *notes, u_int *ret_n)
{
    guint n = MIN (notes->len, SKEP_NOTES_MAX);
    skep_note *wire = g_new0 (skep_note, n);

    for (guint i = 0; i < n; i++) {
        const NativeNote *note = notes->pdata[i];

        wire[i] = (skep_note) { .file = g_strdup (note->file ? note->file : ""), .line = note->line,
                                .key = g_strdup (note->key), .reason = g_strdup (note->reason) };
    }
    *ret_n = n;
    return wire;
}
