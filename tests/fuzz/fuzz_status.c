/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Status files: our own, but a damaged disk or an older version may have written them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const DomainDefaults defaults
    = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainStatus) status
        = domain_status_parse ((const char *) data, size, &defaults, &error);
    g_autoptr (DomainStatus) again = NULL;
    g_autofree char *one = NULL, *two = NULL;

    if (!status) {
        /* some errors of libvirt are a code alone: a file system without a target */
        if (!error)
            abort ();
        return 0;
    }
    one = domain_status_format (status);
    again = domain_status_parse (one, strlen (one), &defaults, &error);
    if (!again)
        g_error ("not readable again: %s\n%s", error->message, one);
    two = domain_status_format (again);
    if (!g_str_equal (one, two))
        g_error ("not stable:\n%s\n%s", one, two);
    return 0;
}
