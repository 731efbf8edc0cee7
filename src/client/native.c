/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Native LXC configurations, and what of a definition has no effect: Skep's own calls. */
#include "client/client_private.h"

static SkepNote *
take_notes (const skep_note *from, u_int n)
{
    SkepNote *notes = g_new0 (SkepNote, n + 1);

    for (u_int i = 0; i < n; i++)
        notes[i] = (SkepNote) { .file = g_strdup (from[i].file), .line = from[i].line,
                                .key = g_strdup (from[i].key), .reason = g_strdup (from[i].reason) };
    return notes;
}

void
skep_notes_free (SkepNote *notes)
{
    for (SkepNote *note = notes; note && note->key; note++) {
        g_free (note->file);
        g_free (note->key);
        g_free (note->reason);
    }
    g_free (notes);
}

char *
skep_xml_from_native (SkepConnection *conn, const char *format, const char *config, const char *name,
                      SkepNote **ret_notes, SkepError *error)
{
    char *given = (char *) name;
    skep_domain_xml_from_native_args in = { .format = (char *) format, .config = (char *) config,
                                            .name = name ? &given : NULL };
    skep_domain_xml_from_native_ret out = { 0 };
    char *xml;

    if (!CLIENT_CALL_SKEP (conn, DOMAIN_XML_FROM_NATIVE, skep_domain_xml_from_native, &in, &out, error))
        return NULL;
    xml = g_strdup (out.xml);
    *ret_notes = take_notes (out.notes.notes_val, out.notes.notes_len);
    CLIENT_FREE (skep_domain_xml_from_native, &out);
    return xml;
}

char *
skep_xml_to_native (SkepConnection *conn, const char *format, const char *xml, SkepNote **ret_notes,
                    SkepError *error)
{
    skep_domain_xml_to_native_args in = { .format = (char *) format, .xml = (char *) xml };
    skep_domain_xml_to_native_ret out = { 0 };
    char *config;

    if (!CLIENT_CALL_SKEP (conn, DOMAIN_XML_TO_NATIVE, skep_domain_xml_to_native, &in, &out, error))
        return NULL;
    config = g_strdup (out.config);
    *ret_notes = take_notes (out.notes.notes_val, out.notes.notes_len);
    CLIENT_FREE (skep_domain_xml_to_native, &out);
    return config;
}

SkepNote *
skep_domain_notes (SkepDomain *domain, SkepError *error)
{
    skep_domain_get_notes_args in = { .dom = client_wire_domain (domain) };
    skep_domain_get_notes_ret out = { 0 };
    SkepNote *notes;

    if (!CLIENT_CALL_SKEP (domain->conn, DOMAIN_GET_NOTES, skep_domain_get_notes, &in, &out, error))
        return NULL;
    notes = take_notes (out.notes.notes_val, out.notes.notes_len);
    CLIENT_FREE (skep_domain_get_notes, &out);
    return notes;
}
