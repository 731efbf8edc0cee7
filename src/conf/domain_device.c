/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/domain_device.h"

#include <string.h>

#include "conf/domain_codec.h"
#include "conf/mac.h"
#include "conf/xml.h"

typedef struct {
    CodecGrammar grammar;       /* with the element's name */
    CodecFn codec;
    GDestroyNotify free;
    gsize size;
    gsize list;                 /* of GPtrArray *, in DomainDef */
    gsize alias;                /* of char *, in the item */
    const char *alias_prefix;
} DeviceRow;

static const DeviceRow rows[DEVICE_OTHER] = {
    [DEVICE_DISK] = { { "disk", ORIGIN_DOMAIN, domain_wording, domain_known }, disk_codec, disk_def_free,
                      sizeof (DiskDef), G_STRUCT_OFFSET (DomainDef, disks),
                      G_STRUCT_OFFSET (DiskDef, alias), "disk" },
    [DEVICE_FILESYSTEM] = { { "filesystem", ORIGIN_DOMAIN, domain_wording, domain_known }, fs_codec, fs_def_free,
                            sizeof (FsDef), G_STRUCT_OFFSET (DomainDef, filesystems),
                            G_STRUCT_OFFSET (FsDef, alias), "fs" },
    [DEVICE_INTERFACE] = { { "interface", ORIGIN_DOMAIN, domain_wording, domain_known }, net_codec, net_def_free,
                           sizeof (NetDef), G_STRUCT_OFFSET (DomainDef, nets),
                           G_STRUCT_OFFSET (NetDef, alias), "net" },
    [DEVICE_HOSTDEV] = { { "hostdev", ORIGIN_DOMAIN, domain_wording, domain_known }, hostdev_codec, hostdev_def_free,
                         sizeof (HostdevDef), G_STRUCT_OFFSET (DomainDef, hostdevs),
                         G_STRUCT_OFFSET (HostdevDef, alias), "hostdev" },
    [DEVICE_CONSOLE] = { { "console", ORIGIN_DOMAIN, domain_wording, domain_known }, console_codec, console_def_free,
                         sizeof (ConsoleDef), G_STRUCT_OFFSET (DomainDef, consoles),
                         G_STRUCT_OFFSET (ConsoleDef, alias), "console" },
};

/* What libvirt takes as a device and a container has no use for. */
static const char *const other_names[] = {
    "controller", "lease", "input", "sound", "video", "watchdog", "graphics", "hub", "redirdev",
    "smartcard", "serial", "parallel", "channel", "memballoon", "nvram", "rng", "shmem", "tpm", "panic",
    "memory", "iommu", "vsock", "audio", "crypto", NULL,
};

void
domain_device_clear (DomainDevice *device)
{
    if (device->item)
        rows[device->kind].free (device->item);
    device->item = NULL;
}

GPtrArray *
domain_device_list (const DomainDef *def, DeviceKind kind)
{
    return kind < DEVICE_OTHER ? G_STRUCT_MEMBER (GPtrArray *, def, rows[kind].list) : NULL;
}

char **
domain_device_alias (DeviceKind kind, void *item)
{
    return &G_STRUCT_MEMBER (char *, item, rows[kind].alias);
}

/* ---- text */

/* @def without its devices, so that a device is judged as if it were the only one. */
static DomainDef *
without_devices (const DomainDef *def)
{
    DomainDef *bare = domain_def_copy (def);

    for (guint i = 0; i < DEVICE_OTHER; i++)
        g_ptr_array_set_size (domain_device_list (bare, i), 0);
    g_ptr_array_set_size (bare->controllers, 0);
    return bare;
}

DomainDef *
domain_device_alone (const DomainDef *def, const DomainDevice *device)
{
    DomainDef *alone = without_devices (def);

    g_ptr_array_add (domain_device_list (alone, device->kind),
                     domain_device_copy (device->kind, device->item));
    return alone;
}

/* A disk without its source fails later than one without its target. */
static gboolean
is_enough (const DomainDevice *device, guint flags, const GError *error)
{
    return (flags & DOMAIN_PARSE_MEANT) && device->kind == DEVICE_DISK && error->code == ERR_NO_SOURCE;
}

static gboolean
judge (const DomainDevice *device, const DomainDef *def, const DomainDefaults *defaults, guint flags, GError **error)
{
    g_autoptr (DomainDef) bare = without_devices (def);
    GPtrArray *list = domain_device_list (bare, device->kind);
    guint port = device->kind == DEVICE_CONSOLE ? ((const ConsoleDef *) device->item)->port : 0;
    gboolean good, meant = (flags & DOMAIN_PARSE_MEANT) != 0;
    g_autoptr (GError) failure = NULL;
    g_autofree char *path = NULL;

    g_ptr_array_add (list, device->item);
    domain_default_fill (bare, defaults);
    /* what only says which one is meant is not kept, and may not be complete as a text */
    good = domain_check (bare, defaults, &path, &failure) && (meant || domain_def_check_text (bare, &failure));
    if (meant && device->kind == DEVICE_CONSOLE)
        ((ConsoleDef *) device->item)->port = port;     /* not its place in a list of one */
    g_ptr_array_steal_index (list, 0);
    if (good || is_enough (device, flags, failure))
        return TRUE;
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
}

static gboolean
find_kind (const char *name, DomainDevice *ret, GError **error)
{
    *ret = (DomainDevice) { .kind = DEVICE_OTHER };
    for (guint i = 0; i < DEVICE_OTHER; i++) {
        if (!g_str_equal (name, rows[i].grammar.root))
            continue;
        *ret = (DomainDevice) { .kind = i, .name = rows[i].grammar.root };
        return TRUE;
    }
    for (guint i = 0; other_names[i]; i++)
        if (g_str_equal (name, other_names[i]))
            ret->name = other_names[i];
    return ret->name || error_set_from (error, ORIGIN_DOMAIN, ERR_CONFIG_UNSUPPORTED,
                                        "unknown device type '%s'", name);
}

static gboolean
read_item (xmlNode *root, guint flags, GPtrArray *ignored, DomainDevice *device, GError **error)
{
    const DeviceRow *row = &rows[device->kind];
    guint codec_flags = (flags & DOMAIN_PARSE_LIVE ? CODEC_LIVE : 0) | (flags & DOMAIN_PARSE_MEANT ? CODEC_MEANT : 0);

    device->item = g_malloc0 (row->size);
    if (codec_read (root, &row->grammar, codec_flags, row->codec, device->item, ignored, error))
        return TRUE;
    domain_device_clear (device);
    return FALSE;
}

gboolean
domain_device_parse (const char *xml, const DomainDef *def, const DomainDefaults *defaults, guint flags,
                     GPtrArray *ignored, DomainDevice *ret, GError **error)
{
    g_autoptr (xmlDoc) doc
        = xml_document_parse (xml, strlen (xml), "device_definition", ORIGIN_DOMAIN, error);
    xmlNode *root = doc ? xmlDocGetRootElement (doc) : NULL;

    *ret = (DomainDevice) { .kind = DEVICE_OTHER };
    if (!root || !find_kind ((const char *) root->name, ret, error))
        return FALSE;
    if (ret->kind == DEVICE_OTHER)
        return TRUE;
    if (!read_item (root, flags, ignored, ret, error))
        return FALSE;
    if (judge (ret, def, defaults, flags, error))
        return TRUE;
    domain_device_clear (ret);
    return FALSE;
}

static char *
format (DeviceKind kind, const void *item, guint codec_flags)
{
    GString *out = g_string_new (NULL);

    codec_write (out, 0, &rows[kind].grammar, codec_flags, rows[kind].codec, item);
    return g_string_free (out, FALSE);
}

char *
domain_device_format (DeviceKind kind, const void *item, guint flags)
{
    return format (kind, item, flags & DOMAIN_FORMAT_STATUS ? CODEC_LIVE | CODEC_STATUS
                               : flags & DOMAIN_FORMAT_INACTIVE ? 0 : CODEC_LIVE);
}

void *
domain_device_copy (DeviceKind kind, const void *item)
{
    const DeviceRow *row = &rows[kind];
    g_autoptr (GError) error = NULL;
    void *copy = g_malloc0 (row->size);

    /* through the codec, as domain_def_copy() */
    if (!codec_copy (&row->grammar, CODEC_LIVE | CODEC_STATUS, row->codec, item, copy, NULL, &error))
        g_error ("copy of a %s: %s", row->grammar.root, error->message);
    if (kind == DEVICE_INTERFACE)
        ((NetDef *) copy)->mac_generated = ((const NetDef *) item)->mac_generated;
    return copy;
}

gboolean
domain_device_equal (DeviceKind kind, const void *one, const void *two)
{
    void *items[2] = { domain_device_copy (kind, one), domain_device_copy (kind, two) };
    char *texts[2];
    gboolean equal;

    for (guint i = 0; i < 2; i++) {
        g_clear_pointer (domain_device_alias (kind, items[i]), g_free);
        texts[i] = format (kind, items[i], 0);
        rows[kind].free (items[i]);
    }
    equal = g_str_equal (texts[0], texts[1]);
    g_free (texts[0]);
    g_free (texts[1]);
    return equal;
}

/* ---- adding and finding */

gboolean
domain_def_judge (DomainDef *def, const DomainDefaults *defaults, GError **error)
{
    g_autofree char *path = NULL;

    domain_default_fill (def, defaults);
    return domain_check (def, defaults, &path, error) && domain_def_check_text (def, error);
}

DomainDef *
domain_device_added (const DomainDef *def, const DomainDevice *device, const DomainDefaults *defaults,
                     GError **error)
{
    g_autoptr (DomainDef) sum = domain_def_copy (def);

    g_ptr_array_add (domain_device_list (sum, device->kind),
                     domain_device_copy (device->kind, device->item));
    return domain_def_judge (sum, defaults, error) ? g_steal_pointer (&sum) : NULL;
}

static gboolean
same_net (const NetDef *net, const NetDef *wanted)
{
    guint8 one[6], two[6];

    if (!wanted->mac_generated
        && (!mac_parse (net->mac, one) || !mac_parse (wanted->mac, two)
            || memcmp (one, two, sizeof one) != 0))
        return FALSE;
    return !wanted->ifname || !net->ifname || g_str_equal (net->ifname, wanted->ifname);
}

static gboolean
same_hostdev (const HostdevDef *dev, const HostdevDef *wanted)
{
    if (dev->type != wanted->type)
        return FALSE;
    if (dev->type != HOSTDEV_USB)
        return !g_strcmp0 (dev->path, wanted->path) && !g_strcmp0 (dev->interface, wanted->interface);
    if (wanted->bus || wanted->device)
        return dev->bus == wanted->bus && dev->device == wanted->device;
    return dev->vendor == wanted->vendor && dev->product == wanted->product;
}

static gboolean
same_device (DeviceKind kind, const void *one, const void *two)
{
    switch (kind) {
    case DEVICE_DISK:
        return g_str_equal (((const DiskDef *) one)->target, ((const DiskDef *) two)->target);
    case DEVICE_FILESYSTEM:
        return g_str_equal (((const FsDef *) one)->target, ((const FsDef *) two)->target);
    case DEVICE_INTERFACE:
        return same_net (one, two);
    case DEVICE_HOSTDEV:
        return same_hostdev (one, two);
    case DEVICE_CONSOLE:
        return ((const ConsoleDef *) one)->port == ((const ConsoleDef *) two)->port;
    case DEVICE_OTHER:
        break;
    }
    return FALSE;
}

/* It decides between two that are else alike. */
static gboolean
same_alias (DeviceKind kind, void *one, const void *two)
{
    const char *alias = *domain_device_alias (kind, one);

    return alias && !g_strcmp0 (alias, *domain_device_alias (kind, (void *) two));
}

int
domain_device_find (const DomainDef *def, DeviceKind kind, const void *item)
{
    const GPtrArray *list = domain_device_list (def, kind);
    int found = -1;

    for (guint i = 0; list && i < list->len; i++) {
        if (!same_device (kind, list->pdata[i], item))
            continue;
        if (same_alias (kind, list->pdata[i], item))
            return (int) i;
        found = found == -1 ? (int) i : -2;
    }
    return found;
}

gboolean
domain_device_find_alias (const DomainDef *def, const char *alias, DeviceKind *ret_kind, guint *ret_index)
{
    for (guint kind = 0; kind < DEVICE_OTHER; kind++) {
        const GPtrArray *list = domain_device_list (def, kind);

        for (guint i = 0; i < list->len; i++) {
            if (g_strcmp0 (*domain_device_alias (kind, list->pdata[i]), alias) != 0)
                continue;
            *ret_kind = kind;
            *ret_index = i;
            return TRUE;
        }
    }
    return FALSE;
}

/* The first that is free from *@number on, which goes on. */
static char *
next_alias (const DomainDef *def, DeviceKind kind, guint *number)
{
    for (;;) {
        g_autofree char *alias = g_strdup_printf ("%s%u", rows[kind].alias_prefix, (*number)++);
        DeviceKind other_kind;
        guint other;

        if (!domain_device_find_alias (def, alias, &other_kind, &other))
            return g_steal_pointer (&alias);
    }
}

char *
domain_alias_next (const DomainDef *def, DeviceKind kind)
{
    guint number = 0;

    return next_alias (def, kind, &number);
}

void
domain_alias_fill (DomainDef *def)
{
    for (guint kind = 0; kind < DEVICE_OTHER; kind++) {
        const GPtrArray *list = domain_device_list (def, kind);
        guint number = 0;

        for (guint i = 0; i < list->len; i++) {
            char **alias = domain_device_alias (kind, list->pdata[i]);

            if (!*alias)
                *alias = next_alias (def, kind, &number);
        }
    }
}
