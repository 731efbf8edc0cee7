/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LXC configurations: what is read becomes a definition that parses; what is written of it is read
 * again, and is written the same then; each note says why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/native.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const DomainDefaults defaults
    = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };

static void
check_notes (const GPtrArray *notes)
{
    for (guint i = 0; i < notes->len; i++) {
        const NativeNote *note = g_ptr_array_index (notes, i);

        if (!note->reason || !*note->reason)
            abort ();
    }
}

/* Some are. */
static gboolean
is_file (G_GNUC_UNUSED gpointer data, const char *path)
{
    return strlen (path) % 3 == 0;
}

/* As libvirt's call has it, and ours. */
static const NativeHost our_host = { .memory = 1048576, .is_file = is_file };

static DomainDef *
read_again (const char *text, const NativeHost *host)
{
    g_autoptr (GPtrArray) notes = NULL;
    g_autoptr (GError) error = NULL;
    DomainDef *def = native_read (text, strlen (text), host, &defaults, &notes, &error);

    if (!def)
        g_error ("not readable again: %s\n%s", error->message, text);
    return def;
}

static void
check_domain (const DomainDef *def)
{
    g_autofree char *xml = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) again = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);

    if (!again)
        g_error ("not a domain: %s\n%s", error->message, xml);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autoptr (GPtrArray) notes = NULL, lost = NULL, lost_again = NULL;
    g_autofree char *one = NULL, *two = NULL;
    g_autoptr (DomainDef) def = NULL, again = NULL;
    g_autoptr (GError) error = NULL;
    const NativeHost *host = size % 2 ? &our_host : NULL;

    def = native_read ((const char *) data, size, host, &defaults, &notes, &error);
    if (!def) {
        if (!error || !*error->message)
            abort ();
        return 0;
    }
    check_notes (notes);
    check_domain (def);
    one = native_write (def, host, &lost);
    check_notes (lost);
    again = read_again (one, host);
    two = native_write (again, host, &lost_again);
    if (!g_str_equal (one, two))
        g_error ("not stable:\n%s\n%s", one, two);
    return 0;
}
