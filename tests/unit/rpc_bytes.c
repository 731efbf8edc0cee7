/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rpc_bytes.h"

#include <stdarg.h>
#include <string.h>

#include "rpc/error_wire.h"
#include "rpc/packet.h"
#include "rpc/server.h"

/* Of the case that runs. Only the test's own thread makes bytes. */
static GPtrArray *pool;

static Bytes *
bytes_new (void)
{
    Bytes *bytes = g_byte_array_new ();

    g_ptr_array_add (pool, bytes);
    return bytes;
}

Bytes *
bytes_of (const void *data, gsize size)
{
    return g_byte_array_append (bytes_new (), data, (guint) size);
}

Bytes *
bytes_filled (gsize size, guint8 value)
{
    Bytes *bytes = g_byte_array_set_size (bytes_new (), (guint) size);

    memset (bytes->data, value, size);
    return bytes;
}

Bytes *
bytes_of_words (guint n, const guint32 *list)
{
    Bytes *bytes = bytes_new ();

    for (guint i = 0; i < n; i++) {
        guint32 word = GUINT32_TO_BE (list[i]);

        g_byte_array_append (bytes, (const guint8 *) &word, sizeof word);
    }
    return bytes;
}

Bytes *
bytes_of_hex (const char *text)
{
    Bytes *bytes = bytes_new ();

    for (; *text; text++)
        if (g_ascii_isxdigit (text[0])) {
            guint8 byte = (guint8) (g_ascii_xdigit_value (text[0]) * 16
                                    + g_ascii_xdigit_value (text[1]));

            g_byte_array_append (bytes, &byte, 1);
            text++;
        }
    return bytes;
}

void
bytes_append (Bytes *bytes, const Bytes *more)
{
    g_byte_array_append (bytes, more->data, more->len);
}

Bytes *
bytes_join (const Bytes *first, ...)
{
    Bytes *bytes = bytes_new ();
    va_list args;

    va_start (args, first);
    for (const Bytes *part = first; part; part = va_arg (args, const Bytes *))
        bytes_append (bytes, part);
    va_end (args);
    return bytes;
}

Bytes *
bytes_slice (const Bytes *bytes, gsize from, gsize to)
{
    g_assert_true (from <= to && to <= bytes->len);
    return bytes_of (bytes->data + from, to - from);
}

guint32
bytes_word (const Bytes *bytes, gsize index)
{
    guint32 word;

    g_assert_cmpuint (bytes->len, >=, 4 * index + 4);
    memcpy (&word, bytes->data + 4 * index, sizeof word);
    return GUINT32_FROM_BE (word);
}

Bytes *
raw_packet (guint32 program, guint32 version, gint32 procedure, gint32 type, guint32 serial,
            gint32 status, const Bytes *payload)
{
    guint32 size = 28 + (payload ? payload->len : 0);

    return bytes_join (WORDS (size, program, version, (guint32) procedure, (guint32) type, serial,
                              (guint32) status), payload, NULL);
}

Bytes *
raw_call (gint32 procedure, guint32 serial, const Bytes *payload)
{
    return raw_packet (RPC_PROGRAM_REMOTE, 1, procedure, PACKET_CALL, serial, PACKET_OK, payload);
}

GError *
error_decoded (const Bytes *bytes)
{
    GError *error = NULL;

    g_assert_true (error_wire_decode (bytes->data, bytes->len, &error));
    return error;
}

/* ---- cases */

typedef struct {
    const RpcCase *row;
    RpcTest *(*setup) (void);
    void (*teardown) (RpcTest *t);
} Run;

static void
case_run (gconstpointer data)
{
    const Run *run = data;
    RpcTest *t;

    pool = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
    t = run->setup ? run->setup () : NULL;
    run->row->run (t);
    if (run->teardown)
        run->teardown (t);
    g_clear_pointer (&pool, g_ptr_array_unref);
}

int
rpc_cases_run (int argc, char **argv, const char *prefix, const RpcCase *cases, guint n,
               RpcTest *(*setup) (void), void (*teardown) (RpcTest *t))
{
    g_autofree Run *runs = g_new (Run, n);

    g_test_init (&argc, &argv, NULL);
    for (guint i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf ("%s/%s", prefix, cases[i].name);

        runs[i] = (Run) { &cases[i], setup, teardown };
        g_test_add_data_func (path, &runs[i], case_run);
    }
    return g_test_run ();
}
