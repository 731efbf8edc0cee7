/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/domain_capabilities.h"

#include "conf/codec.h"

static const CodecGrammar domain_capabilities_grammar = { "domainCapabilities", ORIGIN_DOMAIN, NULL };

static void
enum_free (gpointer data)
{
    CapsEnum *list = data;

    g_free (list->name);
    g_ptr_array_unref (list->values);
    g_free (list);
}

static void
item_free (gpointer data)
{
    CapsItem *item = data;

    g_free (item->name);
    g_ptr_array_unref (item->enums);
    g_free (item);
}

DomainCapabilities *
domain_capabilities_new (const char *emulator, const char *arch, guint vcpus)
{
    DomainCapabilities *caps = g_new0 (DomainCapabilities, 1);

    caps->emulator = g_strdup (emulator);
    caps->arch = g_strdup (arch);
    caps->vcpus = vcpus;
    caps->items = g_ptr_array_new_with_free_func (item_free);
    return caps;
}

void
domain_capabilities_free (DomainCapabilities *caps)
{
    if (!caps)
        return;
    g_free (caps->emulator);
    g_free (caps->arch);
    g_ptr_array_unref (caps->items);
    g_free (caps);
}

CapsItem *
domain_capabilities_item (DomainCapabilities *caps, CapsPlace place, const char *name,
                          gboolean supported)
{
    CapsItem *item = g_new0 (CapsItem, 1);

    item->name = g_strdup (name);
    item->place = place;
    item->supported = supported;
    item->enums = g_ptr_array_new_with_free_func (enum_free);
    g_ptr_array_add (caps->items, item);
    return item;
}

static CapsEnum *
find_list (CapsItem *item, const char *name)
{
    CapsEnum *list;

    for (guint i = 0; i < item->enums->len; i++) {
        list = g_ptr_array_index (item->enums, i);
        if (g_str_equal (list->name, name))
            return list;
    }
    list = g_new0 (CapsEnum, 1);
    list->name = g_strdup (name);
    list->values = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (item->enums, list);
    return list;
}

void
caps_item_list (CapsItem *item, const char *list)
{
    find_list (item, list);
}

void
caps_item_value (CapsItem *item, const char *list, const char *value)
{
    CapsEnum *found = find_list (item, list);

    if (!g_ptr_array_find_with_equal_func (found->values, value, g_str_equal, NULL))
        g_ptr_array_add (found->values, g_strdup (value));
}

/* ---- writing */

static void
put_supported (Codec *c, gboolean supported)
{
    codec_put (c, "supported", supported ? "yes" : "no");
}

static void
format_enum (Codec *c, const CapsEnum *list)
{
    codec_enter (c, "enum", TRUE);
    codec_put (c, "name", list->name);
    for (guint i = 0; i < list->values->len; i++)
        codec_element_string (c, "value", (char **) &g_ptr_array_index (list->values, i));
    codec_leave (c);
}

static void
format_item (Codec *c, const CapsItem *item)
{
    codec_enter (c, item->name, TRUE);
    put_supported (c, item->supported);
    for (guint i = 0; item->supported && i < item->enums->len; i++)
        format_enum (c, g_ptr_array_index (item->enums, i));
    codec_leave (c);
}

/* A container's CPUs are the host's: there is no mode to choose. */
static void
format_cpu (Codec *c)
{
    static const char *const modes[] = { "host-passthrough", "maximum", "host-model", "custom" };

    codec_enter (c, "cpu", TRUE);
    for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
        codec_enter (c, "mode", TRUE);
        codec_put (c, "name", modes[i]);
        put_supported (c, FALSE);
        codec_leave (c);
    }
    codec_leave (c);
}

static void
format_place (Codec *c, const DomainCapabilities *caps, CapsPlace place)
{
    for (guint i = 0; i < caps->items->len; i++) {
        const CapsItem *item = g_ptr_array_index (caps->items, i);

        if (item->place != place)
            continue;
        if (place == CAPS_DOMAIN && g_str_equal (item->name, "memoryBacking"))
            format_cpu (c);     /* its place is before this one */
        format_item (c, item);
    }
}

static void
format_domain_capabilities (Codec *c, void *object)
{
    DomainCapabilities *caps = object;
    char *type = (char *) "lxc";
    guint64 vcpus = caps->vcpus;

    codec_element_string (c, "path", &caps->emulator);
    codec_element_string (c, "domain", &type);
    codec_element_string (c, "arch", &caps->arch);
    codec_enter (c, "vcpu", TRUE);
    codec_uint64 (c, "max", &vcpus, FIELD_KEEP_ZERO);
    codec_leave (c);
    format_place (c, caps, CAPS_DOMAIN);
    codec_enter (c, "devices", TRUE);
    format_place (c, caps, CAPS_DEVICE);
    codec_leave (c);
    codec_enter (c, "features", TRUE);
    format_place (c, caps, CAPS_FEATURE);
    codec_leave (c);
}

char *
domain_capabilities_format (const DomainCapabilities *caps)
{
    GString *out = g_string_sized_new (4096);

    codec_write (out, 0, &domain_capabilities_grammar, 0, format_domain_capabilities, caps);
    return g_string_free (out, FALSE);
}
