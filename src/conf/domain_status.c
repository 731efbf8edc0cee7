/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The status file: what a daemon must know to take over a running container. */

#include "conf/domain_codec.h"
#include "conf/xml.h"

#define STATUS_VERSION 1

static const CodecGrammar status_grammar = { "domstatus", ORIGIN_DOMAIN, NULL };

static void
fact_codec (Codec *c, void *object)
{
    NameValue *fact = object;

    codec_string (c, "name", &fact->name, FIELD_REQUIRED);
    codec_string (c, "value", &fact->value, 0);
}

static void
process_codec (Codec *c, DomainStatus *status)
{
    codec_int (c, "pid", &status->pid, 0);
    codec_uint64 (c, "pidStart", &status->pid_start, 0);
    if (codec_enter (c, "init", status->init_pid || status->exit_status >= 0)) {
        codec_int (c, "pid", &status->init_pid, 0);
        codec_uint64 (c, "start", &status->init_start, 0);
        codec_int (c, "exit", &status->exit_status, -1);
        codec_leave (c);
    }
}

static void
status_codec (Codec *c, void *object)
{
    DomainStatus *status = object;

    codec_uint (c, "version", &status->version, FIELD_REQUIRED);
    if (codec_reading (c) && status->version != STATUS_VERSION)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "status file of version %u, this program knows version %d", status->version,
                    STATUS_VERSION);
    codec_int (c, "state", &status->state, -1);
    codec_int (c, "reason", &status->reason, -1);
    codec_uint64 (c, "steps", &status->steps_begun, FIELD_HEX);
    codec_uint64 (c, "started", &status->start_time, 0);
    codec_yes (c, "autodestroy", &status->autodestroy);
    process_codec (c, status);
    codec_text_list (c, "cgroup", &status->cgroups);
    codec_list (c, "fact", &status->facts, sizeof (NameValue), fact_codec, name_value_free);
}

/* The two definitions, which have a grammar of their own. */
typedef struct {
    DomainStatus *status;
    xmlNode *def, *next;
} StatusFile;

static void
file_codec (Codec *c, void *object)
{
    StatusFile *file = object;

    status_codec (c, file->status);
    if (codec_reading (c)) {
        file->def = codec_take_child (c, "domain");
        if (!file->def)
            codec_fail (c, ERR_XML, "missing element 'domain' in element 'domstatus'");
    } else if (file->status->def) {
        domain_def_write (codec_raw (c), 1, file->status->def, DOMAIN_FORMAT_STATUS);
    }
    if (codec_enter (c, "next", file->status->next != NULL)) {
        if (codec_reading (c))
            file->next = codec_take_child (c, "domain");
        else
            domain_def_write (codec_raw (c), 2, file->status->next, DOMAIN_FORMAT_SAVED);
        codec_leave (c);
    }
}

DomainStatus *
domain_status_new (void)
{
    DomainStatus *status = g_new0 (DomainStatus, 1);

    status->version = STATUS_VERSION;
    status->exit_status = -1;
    status->cgroups = g_ptr_array_new_with_free_func (g_free);
    status->facts = g_ptr_array_new_with_free_func (name_value_free);
    return status;
}

void
domain_status_free (DomainStatus *status)
{
    if (!status)
        return;
    g_ptr_array_unref (status->cgroups);
    g_ptr_array_unref (status->facts);
    domain_def_free (status->def);
    domain_def_free (status->next);
    g_free (status);
}

DomainStatus *
domain_status_parse (const char *xml, gsize size, const DomainDefaults *defaults, GError **error)
{
    g_autoptr (DomainStatus) status = domain_status_new ();
    g_autoptr (xmlDoc) doc
        = xml_own_document_parse (xml, size, "domain_status", ORIGIN_DOMAIN, error);
    StatusFile file = { .status = status };

    if (!doc || !codec_read (xmlDocGetRootElement (doc), &status_grammar, CODEC_LIVE | CODEC_STATUS,
                             file_codec, &file, NULL, error))
        return NULL;
    status->def = domain_def_read (file.def, defaults, DOMAIN_PARSE_LIVE, error);
    if (!status->def)
        return NULL;
    if (file.next) {
        status->next = domain_def_read (file.next, defaults, 0, error);
        if (!status->next)
            return NULL;
    }
    return g_steal_pointer (&status);
}

char *
domain_status_format (const DomainStatus *status)
{
    GString *out = g_string_sized_new (8192);
    StatusFile file = { .status = (DomainStatus *) status };

    codec_write (out, 0, &status_grammar, CODEC_LIVE | CODEC_STATUS, file_codec, &file);
    return g_string_free (out, FALSE);
}
