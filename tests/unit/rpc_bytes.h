/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of the wire, written by hand: none of the code under test. And a runner of test cases. */
#pragma once

#include <glib.h>

/* Every function below returns new bytes, which live until the end of the test case. */
typedef GByteArray Bytes;

Bytes *bytes_of (const void *data, gsize size);
Bytes *bytes_filled (gsize size, guint8 value);
Bytes *bytes_of_words (guint n, const guint32 *list);
#define WORDS(...) \
    bytes_of_words (G_N_ELEMENTS (((const guint32[]) { __VA_ARGS__ })), \
                    (const guint32[]) { __VA_ARGS__ })
/* From hexadecimal text with spaces. */
Bytes *bytes_of_hex (const char *text);
/* Of any number of Bytes, up to NULL. */
Bytes *bytes_join (const Bytes *first, ...) G_GNUC_NULL_TERMINATED;
Bytes *bytes_slice (const Bytes *bytes, gsize from, gsize to);
/* Makes @bytes longer. */
void bytes_append (Bytes *bytes, const Bytes *more);
guint32 bytes_word (const Bytes *bytes, gsize index);

#define assert_bytes(got, expected) \
    do { \
        const Bytes *got_ = (got), *expected_ = (expected); \
        g_assert_cmpmem (got_->data, got_->len, expected_->data, expected_->len); \
    } while (0)
#define assert_hex(got, text) assert_bytes (got, bytes_of_hex (text))

/* @payload NULL: none. */
Bytes *raw_packet (guint32 program, guint32 version, gint32 procedure, gint32 type, guint32 serial,
                   gint32 status, const Bytes *payload);
/* A call of the remote program. */
Bytes *raw_call (gint32 procedure, guint32 serial, const Bytes *payload);

/* Asserts that @bytes hold one encoded error. */
GError *error_decoded (const Bytes *bytes);

/* ---- cases */

typedef struct RpcTest RpcTest;

typedef struct {
    const char *name;
    void (*run) (RpcTest *t);
} RpcCase;

/* The rest of main(). Every case gets what @setup returned (NULL: NULL); its bytes are freed after
 * @teardown. */
int rpc_cases_run (int argc, char **argv, const char *prefix, const RpcCase *cases, guint n,
                   RpcTest *(*setup) (void), void (*teardown) (RpcTest *t));
