/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host is called, and what kind of machine it is. */
#include "host/node.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/error.h"

const char *
node_arch (void)
{
    static char arch[32];
    struct utsname name;

    if (!*arch && uname (&name) == 0)
        g_strlcpy (arch, name.machine, sizeof arch);
    return arch;
}

const char *
node_arch32 (void)
{
    static const struct { const char *arch, *arch32; } pairs[] = {
        { "x86_64", "i686" }, { "s390x", "s390" }, { "ppc64", "ppc" }, { "parisc64", "parisc" },
        { "sparc64", "sparc" }, { "mips64", "mips" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
        if (g_str_equal (pairs[i].arch, node_arch ()))
            return pairs[i].arch32;
    return NULL;
}

guint64
node_hypervisor_version (GError **error)
{
    guint major, minor, micro = 0;
    struct utsname name;

    if (uname (&name) < 0 || sscanf (name.release, "%u.%u.%u", &major, &minor, &micro) < 2) {
        error_set (error, ERR_INTERNAL, "Unknown release: %s", name.release);
        return 0;
    }
    return major * G_GUINT64_CONSTANT (1000000) + minor * 1000 + micro;
}

/* The first name of the first line of /etc/hosts that has @name; a resolver could block. */
static char *
canonical_name (const char *name)
{
    g_autofree char *hosts = node_read ("/etc/hosts");
    g_auto (GStrv) lines = g_strsplit (hosts ? hosts : "", "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        g_auto (GStrv) words = NULL;
        const char *first = NULL;

        lines[i][strcspn (lines[i], "#")] = '\0';
        words = g_strsplit_set (lines[i], " \t", -1);
        if (!words[0])
            continue;
        for (guint k = 1; words[k]; k++) {
            if (!*words[k])
                continue;
            first = first ? first : words[k];
            if (g_str_equal (words[k], name))
                return g_str_has_prefix (first, "localhost") ? NULL : g_strdup (first);
        }
    }
    return NULL;
}

char *
node_hostname (void)
{
    char name[256] = "";
    char *canonical;

    if (gethostname (name, sizeof name - 1) < 0 || !*name)
        return g_strdup ("localhost");
    if (g_str_has_prefix (name, "localhost") || strchr (name, '.'))
        return g_strdup (name);
    canonical = canonical_name (name);
    return canonical ? canonical : g_strdup (name);
}

/* 32 hex digits with or without '-', not all the same (firmware that was never given one). */
static char *
uuid_canonical (const char *text)
{
    char digits[33];
    guint n = 0;

    for (; text && *text && *text != '\n'; text++) {
        if (*text == '-')
            continue;
        if (!g_ascii_isxdigit (*text) || n == 32)
            return NULL;
        digits[n++] = g_ascii_tolower (*text);
    }
    digits[n] = '\0';
    if (n != 32 || strspn (digits, (char[]) { digits[0], '\0' }) == 32)
        return NULL;
    return g_strdup_printf ("%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16,
                            digits + 20);
}

char *
node_host_uuid (void)
{
    g_autofree char *firmware = node_read ("/sys/class/dmi/id/product_uuid");
    g_autofree char *machine = node_read ("/etc/machine-id");
    char *uuid = uuid_canonical (firmware);

    if (!uuid)
        uuid = uuid_canonical (machine);
    return uuid ? uuid : g_uuid_string_random ();
}
