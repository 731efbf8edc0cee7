/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* devices: their order, and those that are small: console, hostdev, memballoon. */
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/passive.h"

STRING_TABLE (hostdev_type_names, HOSTDEV_TYPE_LAST, "usb", "storage", "misc", "net");
/* Those with a path come first; the others' sources mean nothing to us. */
#define CONSOLE_PATH_TYPES 7
STATIC_STRING_TABLE (console_type_names, 15, "null", "vc", "pty", "dev", "file", "pipe", "stdio",
                     "udp", "tcp", "unix", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus");
STATIC_STRING_TABLE (console_target_names, 9, "serial", "xen", "uml", "virtio", "lxc", "openvz",
                     "sclp", "sclplm", "none");
STATIC_STRING_TABLE (memballoon_names, MEMBALLOON_LAST, NULL, "virtio", "xen", "none");

/* ---- alias */

/* libvirt's rule for names that users may give, and keep. */
static gboolean
alias_is_users (const char *alias)
{
    return g_str_has_prefix (alias, "ua-")
        && strspn (alias, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
            == strlen (alias);
}

void
device_alias_codec (Codec *c, char **alias)
{
    gboolean wanted = *alias && (codec_live (c) || alias_is_users (*alias));

    if (!codec_enter (c, "alias", wanted))
        return;
    codec_string (c, "name", alias, FIELD_REQUIRED);
    if (codec_reading (c) && *alias && !codec_live (c) && !alias_is_users (*alias))
        g_clear_pointer (alias, g_free);
    codec_leave (c);
}

/* ---- console */

/* A word of a table that is kept as text. */
static void
word_codec (Codec *c, const char *attr, char **v, const StringTable *names, FieldFlags flags)
{
    codec_string (c, attr, v, flags);
    if (codec_reading (c) && *v && string_table_value (names, *v) < 0)
        codec_bad_value (c, attr, *v, FIELD_CONFIG);
}

static void
console_source_codec (Codec *c, ConsoleDef *console)
{
    gboolean wanted = console->source_path && (!console->type_pty || codec_live (c));

    if (string_table_value (&console_type_names, console->type) >= CONSOLE_PATH_TYPES) {
        g_autofree char *words = g_strdup_printf ("source:chardev-%s* protocol", console->type);

        passive_codec (c, &console->passive, words);
        return;
    }
    if (!codec_enter (c, "source", wanted))
        return;
    if (console->type_pty)
        codec_live_string (c, "path", &console->source_path);
    else
        codec_string (c, "path", &console->source_path, 0);
    codec_leave (c);
}

void
console_codec (Codec *c, void *object)
{
    ConsoleDef *console = object;

    word_codec (c, "type", &console->type, &console_type_names, 0);
    if (codec_failed (c))
        return;
    if (codec_reading (c)) {
        if (!console->type)
            console->type = g_strdup ("pty");
        console->type_pty = g_str_equal (console->type, "pty");
    }
    codec_live_string (c, "tty", &console->tty);
    console_source_codec (c, console);
    if (codec_enter (c, "log", console->log_file != NULL)) {
        codec_string (c, "file", &console->log_file, FIELD_REQUIRED);
        codec_enum (c, "append", &console->log_append, &on_off_names, 0);
        codec_leave (c);
    }
    if (codec_enter (c, "target", TRUE)) {
        word_codec (c, "type", &console->target_type, &console_target_names, 0);
        codec_uint (c, "port", &console->port, FIELD_KEEP_ZERO);
        codec_leave (c);
    }
    if (codec_enter (c, "alias", console->alias && codec_live (c))) {
        codec_live_string (c, "name", &console->alias);
        codec_leave (c);
    }
    passive_codec (c, &console->passive, "address");
}

/* ---- hostdev */

static void
usb_id_codec (Codec *c, const char *element, guint *id)
{
    if (codec_enter (c, element, *id != 0)) {
        codec_uint (c, "id", id, FIELD_REQUIRED | FIELD_HEX);
        codec_leave (c);
    }
}

static void
hostdev_source_codec (Codec *c, HostdevDef *hostdev)
{
    static const char *const elements[HOSTDEV_TYPE_LAST] = {
        [HOSTDEV_STORAGE] = "block", [HOSTDEV_MISC] = "char", [HOSTDEV_NET] = "interface",
    };
    const char *element = elements[hostdev->type];
    char **name = hostdev->type == HOSTDEV_NET ? &hostdev->interface : &hostdev->path;

    if (element) {
        codec_element_string (c, element, name);
        if (codec_reading (c) && !*name)
            codec_fail (c, ERR_XML, "Missing <%s> element in hostdev %s device", element,
                        string_table_name (&hostdev_type_names, hostdev->type));
        return;
    }
    usb_id_codec (c, "vendor", &hostdev->vendor);
    usb_id_codec (c, "product", &hostdev->product);
    if (codec_enter (c, "address", hostdev->bus || hostdev->device)) {
        codec_uint (c, "bus", &hostdev->bus, FIELD_REQUIRED | FIELD_KEEP_ZERO);
        codec_uint (c, "device", &hostdev->device, FIELD_REQUIRED | FIELD_KEEP_ZERO);
        codec_leave (c);
    }
}

/* Whether the type is one that goes with mode='subsystem', or is refused. */
static gboolean
hostdev_type_codec (Codec *c, HostdevDef *hostdev)
{
    g_autofree char *mode = NULL, *type = NULL;
    gboolean subsystem;
    int value;

    if (!codec_reading (c)) {
        codec_put (c, "mode", hostdev->type == HOSTDEV_USB ? "subsystem" : "capabilities");
        codec_put (c, "type", string_table_name (&hostdev_type_names, hostdev->type));
        return TRUE;
    }
    mode = codec_take (c, "mode", 0);
    type = codec_take (c, "type", FIELD_REQUIRED);
    if (!type)
        return FALSE;
    subsystem = !mode || g_str_equal (mode, "subsystem");
    value = string_table_value (&hostdev_type_names, type);
    if (!subsystem && !g_str_equal (mode, "capabilities"))
        codec_bad_value (c, "mode", mode, FIELD_CONFIG);
    else if (value >= 0 && subsystem == (value == HOSTDEV_USB))
        hostdev->type = (guint) value;
    else if (subsystem && (g_str_equal (type, "pci") || g_str_equal (type, "scsi")
                           || g_str_equal (type, "scsi_host") || g_str_equal (type, "mdev")))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Unsupported hostdev type %s", type);
    else
        codec_bad_value (c, "type", type, FIELD_CONFIG);
    return !codec_failed (c);
}

void
hostdev_codec (Codec *c, void *object)
{
    HostdevDef *hostdev = object;

    if (!hostdev_type_codec (c, hostdev))
        return;
    if (codec_reading (c) || hostdev->type == HOSTDEV_USB)
        codec_enum (c, "managed", &hostdev->managed, &yes_no_names, 0);
    if (codec_enter (c, "source", TRUE)) {
        hostdev_source_codec (c, hostdev);
        codec_leave (c);
    } else {
        codec_fail (c, ERR_XML, "Missing <source> element in hostdev device");
    }
    if (hostdev->type == HOSTDEV_NET) {
        net_addresses_codec (c, &hostdev->ips, &hostdev->routes);
    } else if (codec_reading (c)) {
        hostdev->ips = g_ptr_array_new_with_free_func (net_ip_free);
        hostdev->routes = g_ptr_array_new_with_free_func (net_route_free);
    }
    passive_codec (c, &hostdev->passive, "boot");
    device_alias_codec (c, &hostdev->alias);
    passive_codec (c, &hostdev->passive, "rom acpi address");
}

/* ---- all */

static void
memballoon_codec (Codec *c, MemballoonDef *balloon)
{
    if (!codec_enter (c, "memballoon", balloon->model != MEMBALLOON_ABSENT))
        return;
    codec_enum (c, "model", &balloon->model, &memballoon_names, FIELD_REQUIRED);
    passive_attrs_codec (c, &balloon->passive, "autodeflate:o freePageReporting:o");
    passive_codec (c, &balloon->passive, "stats alias address driver");
    codec_leave (c);
}

void
domain_devices_codec (Codec *c, DomainDef *def)
{
    if (!codec_enter (c, "devices", TRUE))
        return;
    codec_element_string (c, "emulator", &def->emulator);
    codec_list (c, "disk", &def->disks, sizeof (DiskDef), disk_codec, disk_def_free);
    codec_list (c, "controller", &def->controllers, sizeof (ControllerDef), controller_codec,
                controller_def_free);
    passive_codec (c, &def->passive, "lease*");
    codec_list (c, "filesystem", &def->filesystems, sizeof (FsDef), fs_codec, fs_def_free);
    codec_list (c, "interface", &def->nets, sizeof (NetDef), net_codec, net_def_free);
    passive_codec (c, &def->passive, "smartcard* serial* parallel*");
    codec_list (c, "console", &def->consoles, sizeof (ConsoleDef), console_codec, console_def_free);
    passive_codec (c, &def->passive, "channel* input* tpm* graphics* sound* audio* video*");
    codec_list (c, "hostdev", &def->hostdevs, sizeof (HostdevDef), hostdev_codec, hostdev_def_free);
    passive_codec (c, &def->passive, "redirdev* redirfilter? hub* watchdog*");
    memballoon_codec (c, &def->memballoon);
    passive_codec (c, &def->passive, "rng* nvram? panic*? shmem* memory* iommu vsock?");
    codec_leave (c);
}
