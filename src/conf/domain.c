/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From text to a judged definition and back: parse -> codec -> defaults -> checks. */
#include "conf/domain.h"

#include <string.h>

#include "conf/domain_codec.h"
#include "conf/passive.h"
#include "conf/schema.h"
#include "conf/xml.h"

static const DomainDefaults no_defaults = { 0 };

gboolean
domain_name_check (const char *name, GError **error)
{
    const char *newline = strchr (name, '\n');

    if (!*name)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_NO_NAME, "%s", "");
    if (newline)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML_DETAIL,
                               "invalid char in name: a newline");
    if (strchr (name, '/'))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML, "name %s cannot contain '/'", name);
    if (!g_utf8_validate (name, -1, NULL))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML, "the name is not UTF-8");
    for (const char *p = name; *p; p++)
        if (g_ascii_iscntrl (*p))
            return error_set_from (error, ORIGIN_DOMAIN, ERR_XML,
                                   "the name contains a control character");
    if (g_str_equal (name, ".") || g_str_equal (name, ".."))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML, "name cannot be '%s'", name);
    if (strlen (name) > DOMAIN_NAME_MAX)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_XML, "the name is longer than %d bytes",
                               DOMAIN_NAME_MAX);
    return TRUE;
}

DomainDef *
domain_def_read (xmlNode *root, const DomainDefaults *defaults, guint flags, GError **error)
{
    g_autoptr (DomainDef) def = domain_def_new ();
    g_autoptr (GError) why = NULL;
    g_autofree char *path = NULL;
    guint codec_flags = flags & DOMAIN_PARSE_LIVE ? CODEC_LIVE | CODEC_STATUS : 0;

    if (!codec_read (root, &domain_grammar, codec_flags, domain_codec, def, def->ignored, error))
        return NULL;
    domain_default_fill (def, defaults ? defaults : &no_defaults);
    if (domain_check (def, defaults ? defaults : &no_defaults, &path, &why))
        return g_steal_pointer (&def);
    if (path)
        error_take_place (why, xml_path_place (root->doc, path));
    g_propagate_error (error, g_steal_pointer (&why));
    return NULL;
}

/* Through the codec, so that no member can be forgotten. The text of @def has at most @ret_size bytes,
 * which may be NULL. */
static DomainDef *
copy (const DomainDef *def, gsize *ret_size, GError **error)
{
    g_autoptr (DomainDef) to = domain_def_new ();

    if (!codec_copy (&domain_grammar, CODEC_LIVE | CODEC_STATUS | CODEC_SECURE, domain_codec, def, to,
                     ret_size, error))
        return NULL;
    if (!to->later)
        return g_steal_pointer (&to);
    g_propagate_error (error, g_steal_pointer (&to->later));
    return NULL;
}

static gboolean
check_text_size (gsize size, GError **error)
{
    if (size <= XML_SIZE_MAX)
        return TRUE;
    return error_set_from (error, ORIGIN_DOMAIN, ERR_XML,
                           "the definition has %" G_GSIZE_FORMAT
                           " bytes when written out, more than the limit of %d",
                           size, XML_SIZE_MAX);
}

gboolean
domain_def_check_size (const DomainDef *def, GError **error)
{
    g_autofree char *xml = domain_def_format (def, DOMAIN_FORMAT_STATUS);

    return check_text_size (strlen (xml), error);
}

gboolean
domain_def_check_text (const DomainDef *def, GError **error)
{
    g_autoptr (GError) why = NULL;
    g_autoptr (DomainDef) again = NULL;
    gsize size;

    again = copy (def, &size, &why);
    if (size > XML_SIZE_MAX && !domain_def_check_size (def, error))
        return FALSE;
    return again || error_set_from (error, ORIGIN_DOMAIN, ERR_INTERNAL,
                                    "the definition cannot be kept: %s", why->message);
}

/* The schema's word is law, but libxml2 says little of where it is broken; the codec knows. */
static gboolean
validate (xmlDoc *doc, const DomainDefaults *defaults, guint flags, GError **error)
{
    g_autoptr (GError) violation = NULL, place = NULL;
    g_autoptr (DomainDef) def = NULL;

    if (schema_validate_document ("domain", doc, &violation))
        return TRUE;
    def = domain_def_read (xmlDocGetRootElement (doc), defaults, flags, &place);
    if (place)
        error_take_place (violation, g_strdup_printf (" (%s%s)", place->message,
                                                      error_place (place)));
    g_propagate_error (error, g_steal_pointer (&violation));
    return FALSE;
}

DomainDef *
domain_def_parse (const char *xml, gsize size, const DomainDefaults *defaults, guint flags,
                  GError **error)
{
    g_autoptr (xmlDoc) doc
        = xml_document_parse (xml, size, "domain_definition", ORIGIN_DOMAIN, error);
    g_autoptr (DomainDef) def = NULL;

    if (!doc)
        return NULL;
    if (flags & DOMAIN_PARSE_VALIDATE && !validate (doc, defaults, flags, error))
        return NULL;
    def = domain_def_read (xmlDocGetRootElement (doc), defaults, flags, error);
    if (!def || !domain_def_check_text (def, error))
        return NULL;
    return g_steal_pointer (&def);
}

void
domain_def_write (GString *out, guint level, const DomainDef *def, guint flags)
{
    guint codec_flags = flags & DOMAIN_FORMAT_INACTIVE ? 0 : CODEC_LIVE;

    if (flags & DOMAIN_FORMAT_SECURE)
        codec_flags |= CODEC_SECURE;
    if (flags & DOMAIN_FORMAT_STATUS)
        codec_flags = CODEC_LIVE | CODEC_STATUS | CODEC_SECURE;
    codec_write (out, level, &domain_grammar, codec_flags, domain_codec, def);
}

char *
domain_def_format (const DomainDef *def, guint flags)
{
    GString *out = g_string_sized_new (4096);

    domain_def_write (out, 0, def, flags);
    return g_string_free (out, FALSE);
}

DomainDef *
domain_def_copy (const DomainDef *def)
{
    /* what the codec writes it reads back, which domain_def_check_text() saw to */
    g_autoptr (GError) error = NULL;
    DomainDef *to = copy (def, NULL, &error);

    if (!to)
        g_error ("copy of domain '%s': %s", def->name, error->message);
    for (guint i = 0; i < to->nets->len && i < def->nets->len; i++) {
        const NetDef *from = g_ptr_array_index (def->nets, i);
        NetDef *net = g_ptr_array_index (to->nets, i);

        net->mac_generated = from->mac_generated;
    }
    return to;
}

/* ---- what has no effect */

/* Passive parts of every item of @list, whose pointer to them is @offset bytes into an item. */
static void
list_passive (const GPtrArray *list, gsize offset, GPtrArray *paths)
{
    for (guint i = 0; i < list->len; i++)
        passive_list (G_STRUCT_MEMBER (GPtrArray *, g_ptr_array_index (list, i), offset), paths);
}

GPtrArray *
domain_def_passive (const DomainDef *def)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);

    passive_list (def->passive, paths);
    passive_list (def->cputune.passive, paths);
    passive_list (def->features.passive, paths);
    list_passive (def->clock.timers, G_STRUCT_OFFSET (ClockTimer, passive), paths);
    list_passive (def->disks, G_STRUCT_OFFSET (DiskDef, passive), paths);
    list_passive (def->controllers, G_STRUCT_OFFSET (ControllerDef, passive), paths);
    list_passive (def->filesystems, G_STRUCT_OFFSET (FsDef, passive), paths);
    list_passive (def->nets, G_STRUCT_OFFSET (NetDef, passive), paths);
    list_passive (def->consoles, G_STRUCT_OFFSET (ConsoleDef, passive), paths);
    list_passive (def->hostdevs, G_STRUCT_OFFSET (HostdevDef, passive), paths);
    passive_list (def->memballoon.passive, paths);
    for (guint i = 0; i < def->ignored->len; i++)
        g_ptr_array_add (paths, g_strdup (g_ptr_array_index (def->ignored, i)));
    return paths;
}
