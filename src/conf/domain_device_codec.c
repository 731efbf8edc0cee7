/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* devices: their order, and those that are small: console, memballoon. */
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/passive.h"

STATIC_STRING_TABLE (console_type_names, 15, "null", "vc", "pty", "dev", "file", "pipe", "stdio",
                     "udp", "tcp", "unix", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus");
STATIC_STRING_TABLE (console_target_names, 9, "serial", "xen", "uml", "virtio", "lxc", "openvz",
                     "sclp", "sclplm", "none");
STATIC_STRING_TABLE (memballoon_names, MEMBALLOON_LAST, NULL, "virtio", "xen", "none",
                     "virtio-transitional", "virtio-non-transitional");

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
    codec_string (c, "name", alias, 0);
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

/* That of a pty is the host's; the others' mean nothing to us. */
static void
console_source_codec (Codec *c, ConsoleDef *console)
{
    g_autofree char *words = NULL;

    if (!console->type_pty) {
        words = g_strdup_printf ("source:chardev-%s* protocol*", console->type);
        passive_codec (c, &console->passive, g_intern_string (words));
    } else if (codec_enter (c, "source", console->source_path && codec_live (c))) {
        codec_live_string (c, "path", &console->source_path);
        codec_leave (c);
    }
}

static void
judge_console (Codec *c, ConsoleDef *console)
{
    g_autofree char *path = codec_path (c);

    passive_judge_console (c, &console->passive, path, console->type,
                           console->target_type ? console->target_type : "");
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
        codec_string (c, "file", &console->log_file, 0);
        codec_enum (c, "append", &console->log_append, &on_off_names, 0);
        if (codec_reading (c) && console->log_file && !*console->log_file)
            g_clear_pointer (&console->log_file, g_free);
        codec_leave (c);
    }
    if (codec_enter (c, "target", TRUE)) {
        word_codec (c, "type", &console->target_type, &console_target_names, 0);
        codec_uint (c, "port", &console->port, FIELD_KEEP_ZERO);
        codec_leave (c);
    }
    if (codec_reading (c) && !console->type_pty && !codec_failed (c))
        judge_console (c, console);
    if (codec_enter (c, "alias", console->alias && codec_live (c))) {
        codec_live_string (c, "name", &console->alias);
        codec_leave (c);
    }
    passive_codec (c, &console->passive, "address");
}

/* ---- all */

static void
memballoon_codec (Codec *c, MemballoonDef *balloon)
{
    if (!codec_enter (c, "memballoon", balloon->model != MEMBALLOON_ABSENT))
        return;
    codec_enum (c, "model", &balloon->model, &memballoon_names, FIELD_REQUIRED);
    passive_attrs_codec (c, &balloon->passive, "autodeflate:o freePageReporting:o");
    passive_codec (c, &balloon->passive,
                   balloon->model == MEMBALLOON_NONE && !codec_reading (c)
                       ? "stats driver"
                       : "stats alias acpi address driver");
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
    passive_codec (c, &def->passive, "redirdev* redirfilter hub* watchdog");
    memballoon_codec (c, &def->memballoon);
    passive_codec (c, &def->passive, "rng* nvram? panic* shmem* memory* iommu vsock?");
    codec_leave (c);
}
