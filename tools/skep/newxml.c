/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "newxml.h"

#include <string.h>

G_GNUC_PRINTF (2, 3)
static void
put (GString *xml, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_markup_vprintf_escaped (format, args);
    va_end (args);
    g_string_append (xml, text);
}

static void
put_filesystem (GString *xml, const char *source, const char *target, gboolean readonly)
{
    put (xml, "    <filesystem type='mount'>\n      <source dir='%s'/>\n      <target dir='%s'/>\n",
         source, target);
    if (readonly)
        put (xml, "      <readonly/>\n");
    put (xml, "    </filesystem>\n");
}

static void
put_os (GString *xml, const NewDomain *domain)
{
    put (xml, "  <os>\n    <type>exe</type>\n    <init>%s</init>\n", domain->init);
    for (const char *const *arg = domain->initargs; arg && *arg; arg++)
        put (xml, "    <initarg>%s</initarg>\n", *arg);
    put (xml, "  </os>\n");
}

static void
put_devices (GString *xml, const NewDomain *domain)
{
    put (xml, "  <devices>\n");
    put_filesystem (xml, domain->root, "/", domain->readonly);
    for (unsigned i = 0; i < domain->n_binds; i++)
        put_filesystem (xml, domain->binds[i].source, domain->binds[i].target,
                        domain->binds[i].readonly);
    if (domain->bridge)
        put (xml, "    <interface type='bridge'>\n      <source bridge='%s'/>\n    </interface>\n",
             domain->bridge);
    for (unsigned i = 0; i < domain->consoles; i++)
        put (xml, "    <console type='pty'/>\n");
    put (xml, "  </devices>\n");
}

char *
new_domain_xml (const NewDomain *domain)
{
    GString *xml = g_string_new (NULL);

    put (xml, "<domain type='lxc'>\n  <name>%s</name>\n", domain->name);
    put (xml, "  <memory unit='KiB'>%" G_GUINT64_FORMAT "</memory>\n  <vcpu>%u</vcpu>\n",
         domain->memory, domain->vcpus);
    if (domain->idmap >= 0)
        put (xml,
             "  <idmap>\n    <uid start='0' target='%" G_GINT64_FORMAT "' count='%d'/>\n"
             "    <gid start='0' target='%" G_GINT64_FORMAT "' count='%d'/>\n  </idmap>\n",
             domain->idmap, NEW_IDS, domain->idmap, NEW_IDS);
    put_os (xml, domain);
    if (domain->privnet)
        put (xml, "  <features>\n    <privnet/>\n  </features>\n");
    put_devices (xml, domain);
    put (xml, "</domain>\n");
    return g_string_free (xml, FALSE);
}

gboolean
new_bind_parse (const char *text, NewBind *ret_bind)
{
    g_auto (GStrv) part = g_strsplit (text, ":", -1);
    unsigned n = g_strv_length (part);

    if (n < 2 || n > 3 || (n == 3 && strcmp (part[2], "ro") != 0 && strcmp (part[2], "rw") != 0)
        || *part[0] != '/' || *part[1] != '/')
        return FALSE;
    *ret_bind = (NewBind){ g_strdup (part[0]), g_strdup (part[1]),
                           n == 3 && strcmp (part[2], "ro") == 0 };
    return TRUE;
}

void
new_bind_clear (NewBind *bind)
{
    g_free (bind->source);
    g_free (bind->target);
}
