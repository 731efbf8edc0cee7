/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's XML as a tree, for verbs that look into it. */
#pragma once

#include <libxml/tree.h>
#include <libxml/xpath.h>

#include "shell.h"

typedef struct {
    xmlDocPtr doc;
    xmlXPathContextPtr context;
} DomainXml;

/* To be cleared in any case. Silent. */
gboolean domain_xml_parse (const char *text, DomainXml *ret_xml);
/* FALSE with an error printed. */
gboolean domain_xml_read (Shell *shell, SkepDomain *domain, unsigned flags, DomainXml *ret_xml);
void domain_xml_clear (DomainXml *xml);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DomainXml, domain_xml_clear)

/* The elements (xmlNodePtr) that @xpath finds; they live as long as @xml. */
GPtrArray *domain_xml_find (const DomainXml *xml, const char *xpath);
/* What @path says seen from @node ("source/@dev", "@type"); NULL when that is nothing. */
char *domain_xml_value (const DomainXml *xml, xmlNodePtr node, const char *path);
/* The element itself as text. */
char *domain_xml_text (xmlNodePtr node);
/* The interface whose target is @name, or whose MAC address it is; NULL with an error printed. */
xmlNodePtr domain_xml_interface (Shell *shell, const DomainXml *xml, const char *name);
/* The disk with this target or source; NULL with an error printed. */
xmlNodePtr domain_xml_disk (Shell *shell, const DomainXml *xml, const char *name);
