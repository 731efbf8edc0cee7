/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What runs in the container and as whom: os, idmap. */
#include "conf/domain_codec.h"
#include "conf/number.h"
#include "conf/passive.h"

static void
os_type_codec (Codec *c, DomainOs *os)
{
    if (codec_enter (c, "type", os->type != NULL)) {
        codec_string (c, "arch", &os->arch, 0);
        codec_string (c, "machine", &os->machine, 0);
        if (os->arch && !*os->arch)             /* as good as absent */
            g_clear_pointer (&os->arch, g_free);
        if (os->machine && !*os->machine)
            g_clear_pointer (&os->machine, g_free);
        codec_text (c, &os->type);
        codec_leave (c);
    }
}

/* What needs none has a loader of its own; no container has. */
static void
judge_type (Codec *c, DomainOs *os, gboolean loader)
{
    if (os->type || !codec_reading (c))
        return;
    if (loader)
        os->type = g_strdup ("xen");
    else
        codec_fail (c, ERR_XML, "an os <type> must be specified");
}

static void
initenv_codec (Codec *c, void *object)
{
    NameValue *env = object;

    codec_string (c, "name", &env->name, FIELD_REQUIRED);
    if (codec_reading (c) && env->name && !*env->name)
        codec_fail (c, ERR_XML, "No name supplied for <initenv> element");
    codec_text (c, &env->value);
    if (codec_reading (c) && !env->value)
        codec_fail (c, ERR_XML, "No value supplied for <initenv name='%s'> element", env->name);
}

static void
os_codec (Codec *c, DomainDef *def)
{
    DomainOs *os = &def->os;
    gboolean loader = codec_child_has_text (c, "bootloader");

    if (!codec_enter (c, "os", TRUE)) {
        judge_type (c, os, loader);
        return;
    }
    os_type_codec (c, os);
    judge_type (c, os, loader);
    codec_element_string (c, "init", &os->init);
    codec_text_list (c, "initarg", &os->initargs);
    codec_list (c, "initenv", &os->initenv, sizeof (NameValue), initenv_codec, name_value_free);
    codec_element_string (c, "initdir", &os->initdir);
    codec_element_string (c, "inituser", &os->inituser);
    codec_element_string (c, "initgroup", &os->initgroup);
    codec_element_string (c, "cmdline", &os->cmdline);
    passive_codec (c, &def->passive, "smbios");
    codec_leave (c);
}

static void
idmap_number_codec (Codec *c, const char *attr, guint *v)
{
    guint64 n = 0;

    if (codec_reading (c)) {
        g_autofree char *text = codec_take (c, attr, 0);

        if (!text || !number_parse_unsigned (text, 10, G_MAXUINT, &n))
            codec_fail (c, ERR_XML, "invalid idmap start/target/count settings");
        *v = (guint) n;
    } else {
        codec_uint (c, attr, v, FIELD_KEEP_ZERO);
    }
}

static void
idmap_entry_codec (Codec *c, void *object)
{
    IdmapEntry *entry = object;

    idmap_number_codec (c, "start", &entry->start);
    idmap_number_codec (c, "target", &entry->target);
    idmap_number_codec (c, "count", &entry->count);
}

static void
idmap_codec (Codec *c, DomainDef *def)
{
    if (!codec_enter (c, "idmap",
                      (def->uid_map && def->uid_map->len) || (def->gid_map && def->gid_map->len)))
        return;
    codec_list (c, "uid", &def->uid_map, sizeof (IdmapEntry), idmap_entry_codec, g_free);
    codec_list (c, "gid", &def->gid_map, sizeof (IdmapEntry), idmap_entry_codec, g_free);
    codec_leave (c);
}

void
domain_os_codec (Codec *c, DomainDef *def)
{
    os_codec (c, def);
    idmap_codec (c, def);
}
