/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <domain>: its own attributes, the plain elements at the top, and the order of everything. */
#include "conf/domain_codec.h"
#include "conf/passive.h"

#include <string.h>

const CodecGrammar domain_grammar = { "domain", ORIGIN_DOMAIN, domain_wording, domain_known,
                                      domain_rank };

STRING_TABLE (on_off_names, ON_OFF_LAST, NULL, "on", "off");
STRING_TABLE (yes_no_names, YES_NO_LAST, NULL, "yes", "no");
STRING_TABLE (storage_format_names, FORMAT_LAST, NULL, "raw", "qcow2", "qcow", "vmdk", "vdi", "vpc",
              "qed", "dir", "bochs", "cloop", "dmg", "iso", "fat", "vhd", "ploop", "cow");
STATIC_STRING_TABLE (action_names, ACTION_LAST, "destroy", "restart", "rename-restart", "preserve",
                     "coredump-destroy", "coredump-restart");

/* Other hypervisors' documents are told so, not "invalid". */
static const char *const other_types[]
    = { "qemu", "kqemu", "kvm", "xen",       "uml",   "openvz", "test", "vmware",
        "hyperv", "vbox", "phyp",  "vz",  "parallels", "bhyve", NULL };

static void
type_codec (Codec *c, DomainDef *def)
{
    g_autofree char *type = NULL;

    if (!codec_reading (c)) {
        codec_put (c, "type", "lxc");
        return;
    }
    type = codec_take (c, "type", 0);
    if (!type || !*type)
        codec_fail (c, ERR_INTERNAL, "missing domain type attribute");
    else if (g_strv_contains (other_types, type))
        def->foreign_type = g_steal_pointer (&type);    /* the checks refuse it */
    else if (strcmp (type, "lxc") != 0 && strcmp (type, "none") != 0)   /* libvirt: any */
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "invalid domain type %s", type);
}

static void
id_codec (Codec *c, DomainDef *def)
{
    g_autofree char *given = NULL;

    if (codec_live (c))
        codec_int (c, "id", &def->id, -1);
    else if (codec_reading (c))
        given = codec_take (c, "id", 0);    /* of what has run somewhere: unread */
}

static gboolean
has_namespace (const DomainDef *def)
{
    for (guint i = 0; i < SHARE_LAST; i++)
        if (def->shares[i].set)
            return TRUE;
    return FALSE;
}

static void
uuid_codec (Codec *c, DomainDef *def)
{
    char text[37];

    if (!codec_enter (c, "uuid", def->uuid_set))
        return;
    if (codec_reading (c)) {
        g_autofree char *given = codec_take_text (c);

        /* an empty one is as good as none */
        def->uuid_set = given && *given;
        if (def->uuid_set && !domain_uuid_parse (g_strstrip (given), def->uuid))
            codec_fail (c, ERR_INTERNAL, "malformed uuid element");
    } else {
        domain_uuid_format (def->uuid, text);
        codec_put_text (c, text);
    }
    codec_leave (c);
}

static void
names_codec (Codec *c, DomainDef *def)
{
    codec_element_string (c, "name", &def->name);
    if (codec_reading (c) && !def->name)
        codec_fail (c, ERR_NO_NAME, "%s", "");
    uuid_codec (c, def);
    if (codec_count (c, "genid") > 1)
        codec_fail (c, ERR_XML, "element 'genid' can only appear once");
    passive_codec (c, &def->passive, "genid?");
    codec_element_string (c, "title", &def->title);
    codec_element_string (c, "description", &def->description);
    domain_metadata_codec (c, def);
}

static void
memory_codec (Codec *c, DomainDef *def)
{
    if (codec_enter (c, "memory", TRUE)) {
        passive_attrs_codec (c, &def->passive, "dumpCore:o");
        codec_size_here (c, &def->memory, SIZE_KIB);
        codec_leave (c);
    }
    codec_size (c, "currentMemory", &def->current_memory, SIZE_KIB, TRUE);
    passive_codec (c, &def->passive, "maxMemory");      /* refused, so never written */
}

static void
resource_codec (Codec *c, DomainDef *def)
{
    gboolean wanted = def->partition || passive_has (def->passive, "fibrechannel");

    if (!codec_only (c, "resource", wanted))
        return;
    codec_element_string (c, "partition", &def->partition);
    passive_codec (c, &def->passive, "fibrechannel");
    if (codec_reading (c) && !def->partition && !passive_has (def->passive, "fibrechannel"))
        codec_fail (c, ERR_XML, "missing element 'partition' in element 'resource'");
    codec_leave (c);
}

static void
actions_codec (Codec *c, DomainDef *def)
{
    const FieldFlags flags = FIELD_KEEP_ZERO | FIELD_CONFIG;

    codec_element_enum (c, "on_poweroff", &def->on_poweroff, &action_names, flags);
    codec_element_enum (c, "on_reboot", &def->on_reboot, &action_names, flags);
    codec_element_enum (c, "on_crash", &def->on_crash, &action_names, flags);
    passive_codec (c, &def->passive, "on_lockfailure pm perf");
}

static void
vcpus_codec (Codec *c, DomainDef *def)
{
    const PassiveNode *vcpus;

    passive_codec (c, &def->passive, "vcpus");      /* refused, so never written */
    domain_vcpu_codec (c, def);
    vcpus = passive_find_element (def->passive, "vcpus");
    for (PassiveNode *one = passive_child (vcpus, "vcpu"); one; one = passive_next (vcpus, one))
        if (passive_number (one, "id", 0) >= MAX (def->vcpus, 1))
            codec_fail (c, ERR_XML, "vcpu id '%s' is out of range of maximum vcpu count",
                        passive_attr (one, "id"));
}

static void
backing_codec (Codec *c, DomainDef *def)
{
    passive_codec (c, &def->passive, "memoryBacking");
}

static void
sysinfo_codec (Codec *c, DomainDef *def)
{
    passive_codec (c, &def->passive, "sysinfo* bootloader");
    if (!codec_reading (c) || passive_has (def->passive, "bootloader"))
        passive_codec (c, &def->passive, "bootloader_args");
}

static void
cpu_codec (Codec *c, DomainDef *def)
{
    passive_codec (c, &def->passive, "cpu");
}

static void
keywrap_codec (Codec *c, DomainDef *def)
{
    passive_codec (c, &def->passive, "keywrap launchSecurity");
}

/* In the order of writing. Reading has libvirt's: the first fault counts, and the later need the
 * earlier: pins the vcpus, memory nodes the cells. */
static const struct {
    void (*codec) (Codec *c, DomainDef *def);
    guint8 read;
} parts[] = {
    { names_codec, 0 },
    { memory_codec, 2 },
    { domain_tune_codec, 4 },
    { backing_codec, 3 },
    { vcpus_codec, 5 },
    { domain_iothreads_codec, 6 },
    { domain_cputune_codec, 7 },
    { domain_numatune_codec, 9 },
    { resource_codec, 10 },
    { sysinfo_codec, 16 },
    { domain_os_codec, 14 },
    { domain_features_codec, 11 },
    { cpu_codec, 8 },
    { domain_clock_codec, 13 },
    { actions_codec, 12 },
    { domain_devices_codec, 15 },
    { domain_seclabels_codec, 1 },
    { keywrap_codec, 17 },
    { domain_namespace_codec, 18 },
    { domain_skep_codec, 19 },
};

static void
read_parts (Codec *c, DomainDef *def)
{
    /* what libvirt reads of however many there are */
    static const char *const merged[] = {
        "blkiotune", "memtune", "memoryBacking", "vcpus", "iothreadids", "cputune", "os", "idmap",
        "features", "clock", "pm", "perf", "keywrap", "devices", "lxc:namespace",
    };
    gboolean repeated = codec_repeated (c);
    guint8 order[G_N_ELEMENTS (parts)] = { 0 };

    for (guint i = 0; repeated && i < G_N_ELEMENTS (merged); i++)
        codec_merge (c, NULL, merged[i], FALSE);
    codec_merge (c, "memoryBacking", "hugepages", FALSE);
    for (guint8 i = 0; i < G_N_ELEMENTS (parts); i++)
        order[parts[i].read] = i;
    for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        parts[order[i]].codec (c, def);
}

void
domain_codec (Codec *c, void *object)
{
    DomainDef *def = object;

    if (codec_reading (c) && !codec_count (c, "name"))
        codec_fail (c, ERR_NO_NAME, "%s", "");
    codec_own (c, def);
    type_codec (c, def);
    id_codec (c, def);
    if (codec_reading (c)) {
        read_parts (c, def);
        def->later = codec_take_later (c, &def->later_stage);
        return;
    }
    if (has_namespace (def))
        codec_put (c, "xmlns:lxc", LXC_NAMESPACE);
    if (def->skep)
        codec_put (c, "xmlns:skep", SKEP_NAMESPACE);
    for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
        parts[i].codec (c, def);
}
