/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domain XML: whatever parses is written in a form that parses again, and is written the same
 * then. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain.h"
#include "conf/domain_metadata.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const DomainDefaults defaults
    = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };

static void
check_stable (const char *one, guint parse, guint format)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = domain_def_parse (one, strlen (one), &defaults, parse, &error);
    g_autofree char *two = NULL;

    if (!def)
        g_error ("not readable again: %s\n%s", error->message, one);
    two = domain_def_format (def, format);
    if (!g_str_equal (one, two))
        g_error ("not stable:\n%s\n%s", one, two);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = domain_def_parse ((const char *) data, size, &defaults, 0, &error);
    g_autoptr (DomainDef) copy = NULL;
    g_autofree char *inactive = NULL, *text = NULL, *status = NULL;

    if (!def) {
        if (!error)             /* the detail of some codes may be empty */
            abort ();
        return 0;
    }
    inactive = domain_def_format (def, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    check_stable (inactive, 0, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    status = domain_def_format (def, DOMAIN_FORMAT_STATUS);
    check_stable (status, DOMAIN_PARSE_LIVE, DOMAIN_FORMAT_STATUS);
    copy = domain_def_copy (def);
    text = domain_def_format (copy, DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE);
    if (!g_str_equal (text, inactive))
        g_error ("the copy differs:\n%s\n%s", inactive, text);
    return 0;
}
