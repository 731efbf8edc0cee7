/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What passive_rows.c cannot say of the domain and its features, in libvirt's words. */
#include <string.h>

#include "conf/domain.h"
#include "conf/number.h"
#include "conf/passive_rules.h"

/* Without one a generation of its own is made. */
void
rule_genid (Codec *c, PassiveNode *node)
{
    guint8 uuid[16];
    char text[37];

    (void) c;
    if (passive_text (node))
        return;
    domain_uuid_generate (uuid);
    domain_uuid_format (uuid, text);
    passive_set_text (node, text);
}

void
rule_page (Codec *c, PassiveNode *node)
{
    if (passive_number (node, "size", 1) == 0)
        codec_fail (c, ERR_XML_DETAIL, "hugepage size can't be zero");
}

void
rule_fibrechannel (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!passive_attr (node, "appid"))
        passive_drop (node);
}

void
rule_monitor (Codec *c, PassiveNode *node)
{
    gint64 level = passive_number (node, "level", 0);

    if (level != 3)
        codec_fail (c, ERR_XML, "Invalid monitor cache level '%u'", (guint) level);
}

/* Neither of the two is as good as absent; the rest is for the checks. */
void
rule_max_memory (Codec *c, PassiveNode *node)
{
    const char *size = passive_text (node);

    (void) c;
    if (passive_number (node, "slots", 0) == 0 && (!size || g_str_equal (size, "0")))
        passive_drop (node);
}

void
rule_sev (Codec *c, PassiveNode *node)
{
    if (!passive_child (node, "policy"))
        codec_fail (c, ERR_XML, "failed to get launch security policy");
}

void
rule_lockfailure (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!g_strcmp0 (passive_text (node), "default"))
        passive_drop (node);
}

/* Children @name in the order that @words gives to their names; FALSE when one is there twice, which
 * *ret_twice names. */
static gboolean
order_children (PassiveNode *node, const char *name, const char *const *words, const char *attr,
                const char **ret_twice)
{
    guint all = 0;

    for (PassiveNode *child = passive_child (node, name); child; child = passive_next (node, child))
        all++;
    for (; *words; words++) {
        PassiveNode *child = passive_child (node, name), *copy = NULL;

        for (guint i = 0; i < all; i++, child = passive_next (node, child)) {
            if (!passive_is (child, "name", *words))
                continue;
            if (copy) {
                *ret_twice = *words;
                return FALSE;
            }
            copy = passive_add_child (node, name);
            passive_set (copy, "name", *words);
            passive_set (copy, attr, passive_attr (child, attr));
        }
    }
    for (guint i = 0; i < all; i++)
        passive_remove_child (node, passive_child (node, name));
    return TRUE;
}

void
rule_perf (Codec *c, PassiveNode *node)
{
    static const char *const events[] = {
        "cmt", "mbmt", "mbml", "cpu_cycles", "instructions", "cache_references", "cache_misses",
        "branch_instructions", "branch_misses", "bus_cycles", "stalled_cycles_frontend",
        "stalled_cycles_backend", "ref_cpu_cycles", "cpu_clock", "task_clock", "page_faults",
        "context_switches", "cpu_migrations", "page_faults_min", "page_faults_maj", "alignment_faults",
        "emulation_faults", NULL,
    };
    const char *twice;

    if (!order_children (node, "event", events, "enabled", &twice))
        codec_fail (c, ERR_XML, "perf event '%s' was already specified", twice);
}

void
rule_keywrap (Codec *c, PassiveNode *node)
{
    static const char *const ciphers[] = { "aes", "dea", NULL };
    const char *twice;

    if (!order_children (node, "cipher", ciphers, "state", &twice))
        codec_fail (c, ERR_INTERNAL,
                    "A domain definition can have no more than one cipher node with name %s", twice);
}

/* ---- sysinfo */

/* The path without slashes that say nothing: two at the beginning do. */
static void
settle_file (PassiveNode *entry)
{
    const char *path = passive_attr (entry, "file"), *scheme = strstr (path, "://");
    g_autoptr (GString) clean = g_string_new (NULL);
    gsize root = strspn (path, "/");

    passive_set_text (entry, NULL);
    if (scheme && strchr (path, '/') > scheme)
        return;                 /* in a URI they do */
    g_string_append_len (clean, path, root == 2 ? 2 : root > 0);
    for (const char *p = path + root; *p; p++)
        if (*p != '/' || (p[1] && p[1] != '/'))
            g_string_append_c (clean, *p);
    passive_set (entry, "file", clean->str);
}

void
rule_firmware_entry (Codec *c, PassiveNode *node)
{
    if (!passive_attr (node, "name"))
        codec_fail (c, ERR_XML, "Firmware entry is missing 'name' attribute");
    else if (passive_attr (node, "file"))
        settle_file (node);
    else if (!passive_text (node))
        codec_fail (c, ERR_XML, "Firmware entry must have either value or 'file' attribute");
}

/* A number before @end, which *p is behind of then; FALSE when there is none. */
static gboolean
take_number (const char **p, char end, gint64 *ret)
{
    g_autofree char *text = g_strndup (*p, strcspn (*p, "/"));

    *p += strlen (text);
    return number_parse_signed (text, 10, G_MININT, G_MAXINT, ret) && *(*p)++ == end;
}

static gboolean
date_valid (const char *text)
{
    gint64 month, day, year;

    return take_number (&text, '/', &month) && take_number (&text, '/', &day)
        && take_number (&text, '\0', &year) && month >= 1 && month <= 12 && day >= 1 && day <= 31
        && year >= 0 && (year >= 1900 || year < 100);
}

static void
judge_entry (Codec *c, const char *block, const char *name, PassiveNode *entry)
{
    const char *value = passive_text (entry);
    guint8 uuid[16];
    char text[37];

    if (g_str_equal (block, "bios") && g_str_equal (name, "date") && !date_valid (value))
        codec_fail (c, ERR_XML_DETAIL, "Invalid BIOS 'date' format");
    if (!g_str_equal (block, "system") || !g_str_equal (name, "uuid"))
        return;
    if (!domain_uuid_parse (value, uuid)) {
        codec_fail (c, ERR_XML_DETAIL, "malformed <sysinfo> uuid element");
        return;
    }
    domain_uuid_format (uuid, text);
    passive_set_text (entry, text);
}

/* Entries in the order of their block, the first of each name; others are forgotten. */
void
rule_sysinfo (Codec *c, PassiveNode *node)
{
    static const struct { const char *block, *names; } blocks[] = {
        { "bios", "vendor version date release" },
        { "system", "manufacturer product version serial uuid sku family" },
        { "baseBoard", "manufacturer product version serial asset location" },
        { "chassis", "manufacturer version serial asset sku" },
    };
    const char *block = codec_name (c), *names = "";
    g_auto (GStrv) split = NULL;
    guint kept = 0, all = 0;

    for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
        if (g_str_equal (block, blocks[i].block))
            names = blocks[i].names;
    for (PassiveNode *entry = passive_child (node, "entry"); entry; entry = passive_next (node, entry))
        all++;
    split = g_strsplit (names, " ", -1);
    for (guint i = 0; split[i]; i++) {
        PassiveNode *entry = passive_child (node, "entry");

        for (guint k = 0; k < all; k++, entry = passive_next (node, entry)) {
            PassiveNode *copy;

            if (!passive_is (entry, "name", split[i]))
                continue;
            if (!passive_text (entry))
                break;          /* the first counts, and is none */
            copy = passive_add_child (node, "entry");
            passive_set (copy, "name", split[i]);
            passive_set_text (copy, passive_text (entry));
            judge_entry (c, block, split[i], copy);
            kept++;
            break;
        }
    }
    for (guint k = 0; k < all; k++)
        passive_remove_child (node, passive_child (node, "entry"));
    if (!kept)
        passive_drop (node);
}

/* ---- features */

/* Children that no row has: "unsupported HyperV Enlightenment feature: x". */
static void
refuse_others (Codec *c, const char *format)
{
    codec_unknown (c, ERR_CONFIG_UNSUPPORTED, format);
}

/* What is of no size is as good as absent. */
static void
remove_empty (PassiveNode *node, const char *name)
{
    PassiveNode *child = passive_child (node, name);

    if (child && (!passive_text (child) || g_str_equal (passive_text (child), "0")))
        passive_remove_child (node, child);
}

void
rule_smm (Codec *c, PassiveNode *node)
{
    PassiveNode *tseg = passive_child (node, "tseg");

    (void) c;
    if (tseg && !passive_text (tseg))
        passive_remove_child (node, tseg);
}

void
rule_hpt (Codec *c, PassiveNode *node)
{
    (void) c;
    remove_empty (node, "maxpagesize");
}

void
rule_tcg (Codec *c, PassiveNode *node)
{
    (void) c;
    remove_empty (node, "tb-cache");
}

void
rule_hyperv (Codec *c, PassiveNode *node)
{
    (void) node;
    refuse_others (c, "unsupported HyperV Enlightenment feature: %s");
}

void
rule_kvm (Codec *c, PassiveNode *node)
{
    (void) node;
    refuse_others (c, "unsupported KVM feature: %s");
}

void
rule_xen (Codec *c, PassiveNode *node)
{
    (void) node;
    refuse_others (c, "unsupported Xen feature: %s");
}

void
rule_spinlocks (Codec *c, PassiveNode *node)
{
    if (!passive_is (node, "state", "on"))
        passive_set (node, "retries", NULL);
    else if (!passive_attr (node, "retries"))
        codec_fail (c, ERR_XML, "Missing required attribute 'retries' in element 'spinlocks'");
    else if (passive_number (node, "retries", 0) < 0xfff)
        codec_fail (c, ERR_XML, "HyperV spinlock retry count must be at least 4095");
}

void
rule_stimer (Codec *c, PassiveNode *node)
{
    PassiveNode *direct = passive_child (node, "direct");

    if (passive_is (node, "state", "on"))
        refuse_others (c, "unsupported Hyper-V stimer feature: %s");
    if (direct && !passive_is (direct, "state", "on"))
        passive_remove_child (node, direct);
}

void
rule_hyperv_vendor (Codec *c, PassiveNode *node)
{
    const char *value = passive_attr (node, "value");

    if (!passive_is (node, "state", "on"))
        passive_set (node, "value", NULL);
    else if (!value)
        codec_fail (c, ERR_XML, "missing 'value' attribute for HyperV feature 'vendor_id'");
    else if (strlen (value) > 12)
        codec_fail (c, ERR_XML, "HyperV vendor_id value must not be more than 12 characters.");
    else if (strchr (value, ','))
        codec_fail (c, ERR_XML, "HyperV vendor_id value is invalid");
}

void
rule_dirty_ring (Codec *c, PassiveNode *node)
{
    gint64 size = passive_number (node, "size", 0);

    if (!passive_is (node, "state", "on"))
        passive_set (node, "size", NULL);
    else if (!passive_attr (node, "size"))
        codec_fail (c, ERR_XML, "Missing required attribute 'size' in element 'dirty-ring'");
    else if (size < 1024 || size > 65536 || (size & (size - 1)))
        codec_fail (c, ERR_XML, "dirty ring must be power of 2 and ranges [1024, 65536]");
}

void
rule_xen_passthrough (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!passive_is (node, "state", "on"))
        passive_set (node, "mode", NULL);
}
