/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XML from outside, parsed within bounds.
 *
 * What a client or a file gives us is checked here once: its size, its depth, the number of
 * attributes (libxml2 compares each with each), its characters; a DOCTYPE is refused before
 * anything in it is looked at, so there are no entities but the five of XML itself, and nothing is
 * ever fetched. Blank text between elements is dropped.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

#include "util/error.h"

#define XML_SIZE_MAX  (1024 * 1024)     /* bytes: parsing it takes the main loop some 50 ms */
#define XML_OWN_SIZE_MAX (4 * XML_SIZE_MAX)
#define XML_DEPTH_MAX 64                /* levels of elements */
#define XML_OWN_DEPTH_MAX (XML_DEPTH_MAX + 8)   /* with what a status file puts around a definition */
#define XML_ATTRIBUTES_MAX 256          /* of one element, declarations of namespaces included */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (xmlDoc, xmlFreeDoc)

/* Parses @size bytes. @what names the document in messages, "domain_definition". The caller owns
 * the result. ERR_XML_DETAIL with "(WHAT):LINE: reason" when it is not well-formed, ERR_XML when a
 * bound or the ban on DOCTYPE is violated. */
xmlDoc *xml_document_parse (const char *text, gsize size, const char *what, ErrorOrigin origin,
                            GError **error);
/* The same with XML_OWN_SIZE_MAX: of a file that we wrote and that holds what a client gave us. */
xmlDoc *xml_own_document_parse (const char *text, gsize size, const char *what, ErrorOrigin origin,
                                GError **error);

/* " (line 12, /domain/devices/interface[2])" for @node; the caller frees. */
char *xml_node_place (xmlNode *node);

/* The same for @path, an XPath of plain element steps. Of a step that is not in the document the
 * nearest ancestor gives the line. */
char *xml_path_place (xmlDoc *doc, const char *path);

/* Whether @text can stand in an XML 1.0 document: UTF-8 without control characters but \t \n \r. */
gboolean xml_text_valid (const char *text);

/* Appends @text to @out with & < > ' " escaped; in an attribute (@attribute) also \t \n \r as
 * character references, which the parser would turn into spaces otherwise; in text \r. */
void xml_escape (GString *out, const char *text, gboolean attribute);
