/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * title, description and the subtrees of <metadata>, as virDomainGetMetadata and
 * virDomainSetMetadata see them.
 *
 * `metadata` of a definition is the whole element as libxml2 writes it at the second level of the
 * document (double quotes, its own indentation): parsed once, printed as it is. A subtree belongs
 * to the application that owns its namespace URI; the application gives and gets it without
 * prefixes.
 */
#pragma once

#include "conf/domain.h"

typedef enum { METADATA_DESCRIPTION, METADATA_TITLE, METADATA_ELEMENT } MetadataType;

/* Current text, or the subtree of @uri (METADATA_ELEMENT only). The caller frees.
 * ERR_NO_DOMAIN_METADATA when there is none. */
char *domain_metadata_get (const DomainDef *def, MetadataType type, const char *uri,
                           GError **error);

/* Sets, or with @text NULL removes. For an element @text is its XML, @key the prefix that it gets.
 * ERR_INVALID_ARG; ERR_XML or ERR_XML_DETAIL when @text is no XML within the bounds of xml.h. */
gboolean domain_metadata_set (DomainDef *def, MetadataType type, const char *text, const char *key,
                              const char *uri, GError **error);
