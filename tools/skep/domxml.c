/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domxml.h"

#include <string.h>
#include <libxml/parser.h>

gboolean
domain_xml_parse (const char *text, DomainXml *ret_xml)
{
    ret_xml->doc = xmlReadMemory (text, (int) strlen (text), "domain.xml", NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    ret_xml->context = ret_xml->doc ? xmlXPathNewContext (ret_xml->doc) : NULL;
    return ret_xml->context != NULL;
}

gboolean
domain_xml_read (Shell *shell, SkepDomain *domain, unsigned flags, DomainXml *ret_xml)
{
    autoerror error = { 0 };
    g_autofree char *xml = skep_domain_xml (domain, flags, &error);

    if (!xml)
        return shell_fail_with (shell, &error, "cannot read the XML of domain '%s'", domain->name)
            == 0;
    return domain_xml_parse (xml, ret_xml) || shell_fail (shell, "the daemon's XML does not parse") == 0;
}

void
domain_xml_clear (DomainXml *xml)
{
    xmlXPathFreeContext (xml->context);
    xmlFreeDoc (xml->doc);
}

GPtrArray *
domain_xml_find (const DomainXml *xml, const char *xpath)
{
    xmlXPathObjectPtr found = xmlXPathEvalExpression (BAD_CAST xpath, xml->context);
    GPtrArray *nodes = g_ptr_array_new ();

    for (int i = 0; found && found->nodesetval && i < found->nodesetval->nodeNr; i++)
        g_ptr_array_add (nodes, found->nodesetval->nodeTab[i]);
    xmlXPathFreeObject (found);
    return nodes;
}

char *
domain_xml_value (const DomainXml *xml, xmlNodePtr node, const char *path)
{
    xmlXPathObjectPtr found = xmlXPathNodeEval (node, BAD_CAST path, xml->context);
    xmlChar *text = found ? xmlXPathCastToString (found) : NULL;
    char *copy = text && *text ? g_strdup ((const char *) text) : NULL;

    xmlFree (text);
    xmlXPathFreeObject (found);
    return copy;
}

char *
domain_xml_text (xmlNodePtr node)
{
    xmlBufferPtr buffer = xmlBufferCreate ();
    char *text;

    xmlNodeDump (buffer, node->doc, node, 0, 0);
    text = g_strdup ((const char *) xmlBufferContent (buffer));
    xmlBufferFree (buffer);
    return text;
}

/* The first of the elements @xpath for which one of @paths says @name. */
static xmlNodePtr
find_named (const DomainXml *xml, const char *xpath, const char *const *paths, const char *name)
{
    g_autoptr (GPtrArray) nodes = domain_xml_find (xml, xpath);

    for (guint i = 0; i < nodes->len; i++)
        for (const char *const *path = paths; *path; path++) {
            g_autofree char *value = domain_xml_value (xml, nodes->pdata[i], *path);

            if (value && g_ascii_strcasecmp (value, name) == 0)
                return nodes->pdata[i];
        }
    return NULL;
}

xmlNodePtr
domain_xml_interface (Shell *shell, const DomainXml *xml, const char *name)
{
    static const char *const paths[] = { "target/@dev", "mac/@address", NULL };
    xmlNodePtr node = find_named (xml, "/domain/devices/interface", paths, name);

    if (!node)
        shell_fail (shell, "Interface (dev: %s) not found.", name);
    return node;
}

xmlNodePtr
domain_xml_disk (Shell *shell, const DomainXml *xml, const char *name)
{
    static const char *const paths[]
        = { "target/@dev", "source/@file", "source/@dev", "source/@dir", NULL };
    xmlNodePtr node = find_named (xml, "/domain/devices/disk", paths, name);

    if (!node)
        shell_fail (shell, "No disk found whose source path or target is %s", name);
    return node;
}
