/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Documents against the compiled schemas: every schema judges whatever is XML, a refusal says why, and
 * what we write ourselves is valid: a domain that parses validates as it is written, inactive and live.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/domain.h"
#include "conf/schema.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const DomainDefaults defaults
    = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };

static const char *const schemas[] = { "domain", "capabilities", "capabilities-domain", "sysinfo" };

static void
check_valid (const DomainDef *def, guint flags)
{
    g_autofree char *text = domain_def_format (def, flags);
    g_autoptr (GError) error = NULL;

    if (!schema_validate ("domain", text, strlen (text), &error))
        g_error ("what we write is not valid: %s\n%s", error->message, text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    g_autoptr (DomainDef) def = domain_def_parse ((const char *) data, size, &defaults, 0, NULL);

    for (guint i = 0; i < G_N_ELEMENTS (schemas); i++) {
        g_autoptr (GError) error = NULL;
        gboolean valid = schema_validate (schemas[i], (const char *) data, size, &error);

        if (valid != !error || (error && !*error->message))
            abort ();
        if (error && error->code == ERR_INTERNAL)
            g_error ("%s", error->message);
    }
    if (def) {
        check_valid (def, DOMAIN_FORMAT_INACTIVE);
        check_valid (def, 0);
    }
    return 0;
}
