/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* devices: their order, and those that are small: console, memballoon. */
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/number.h"
#include "conf/passive_rules.h"

STATIC_STRING_TABLE (console_type_names, 15, "null", "vc", "pty", "dev", "file", "pipe", "stdio",
                     "udp", "tcp", "unix", "spicevmc", "spiceport", "nmdm", "qemu-vdagent", "dbus");
STATIC_STRING_TABLE (console_target_names, 9, "serial", "xen", "uml", "virtio", "lxc", "openvz",
                     "sclp", "sclplm", "none");
STATIC_STRING_TABLE (memballoon_names, MEMBALLOON_LAST, NULL, "virtio", "xen", "none",
                     "virtio-transitional", "virtio-non-transitional");

STATIC_STRING_TABLE (panic_names, 6, "default", "isa", "pseries", "hyperv", "s390", "pvpanic");

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

/* Of all but pseudo terminals it means nothing to us. */
static void
console_source_codec (Codec *c, ConsoleDef *console)
{
    g_autofree char *words = g_strdup_printf ("source:chardev-%s*? protocol*", console->type);

    if (!console->type_pty) {
        passive_codec (c, &console->passive, g_intern_string (words));
    } else if (codec_enter (c, "source", console->source_path && codec_live (c))) {
        g_autoptr (GPtrArray) labels = NULL;

        codec_live_string (c, "path", &console->source_path);
        if (codec_reading (c))          /* judged, and not written */
            passive_codec (c, &labels, "seclabel:device-seclabel*");
        codec_leave (c);
    }
    if (!codec_reading (c) || codec_failed (c))
        return;
    if (g_str_equal (console->type, "tcp") && !passive_has (console->passive, "protocol"))
        passive_add (&console->passive, "/domain/devices/console", "protocol", "");
    chardev_settle (c, console->type, console->passive, FALSE);
}

/* Given, it need not be right: the place among the others is what counts, and a default. */
static void
console_port_codec (Codec *c, ConsoleDef *console)
{
    g_autofree char *given = codec_reading (c) ? codec_take (c, "port", 0) : NULL;
    gint64 port = 0;

    if (!codec_reading (c))
        codec_uint (c, "port", &console->port, FIELD_KEEP_ZERO);
    else if (given && !number_parse_signed (given, 10, -(gint64) G_MAXUINT32, G_MAXUINT32, &port))
        codec_bad_value (c, "port", given, 0);
    console->port = codec_reading (c) ? (guint) port : console->port;
}

static void
console_target_codec (Codec *c, ConsoleDef *console)
{
    if (codec_enter (c, "target", TRUE)) {
        word_codec (c, "type", &console->target_type, &console_target_names, 0);
        console_port_codec (c, console);
        codec_leave (c);
    }
    if (!codec_reading (c))
        return;
    if (!g_strcmp0 (console->target_type, "none"))
        g_clear_pointer (&console->target_type, g_free);
    if (g_str_equal (console->type, "spicevmc") && !chardev_target_is_second (console->target_type))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "spicevmc device type only supports virtio");
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
    console_target_codec (c, console);
    if (codec_enter (c, "alias", console->alias && codec_live (c))) {
        codec_live_string (c, "name", &console->alias);
        codec_leave (c);
    }
    passive_codec (c, &console->passive, "acpi address");
}

/* ---- all */

static void
memballoon_codec (Codec *c, MemballoonDef *balloon)
{
    if (codec_count (c, "memballoon") > 1)
        codec_fail (c, ERR_INTERNAL, "only a single memory balloon device is supported");
    if (!codec_enter (c, "memballoon", balloon->model != MEMBALLOON_ABSENT))
        return;
    codec_enum (c, "model", &balloon->model, &memballoon_names, FIELD_REQUIRED);
    passive_attrs_codec (c, &balloon->passive, "autodeflate:o freePageReporting:o");
    passive_codec (c, &balloon->passive, "stats");
    if (balloon->model != MEMBALLOON_NONE)      /* of what is not there is nothing else read */
        passive_codec (c, &balloon->passive, "alias acpi address");
    passive_codec (c, &balloon->passive, "driver");
    codec_leave (c);
}

/* Reading: whether USB is on, off (a controller of the model 'none'), and has not only companions. */
static gboolean
usb_is_off (Codec *c, const GPtrArray *controllers)
{
    gboolean none = FALSE, others = FALSE, master = FALSE;

    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *controller = g_ptr_array_index (controllers, i);
        gboolean off = !g_strcmp0 (passive_value (controller->passive, "model"), "none");

        if (controller->type != CONTROLLER_USB)
            continue;
        if (none || (off && others))
            codec_fail (c, ERR_XML_DETAIL,
                        "Can't add another USB controller: USB is disabled for this domain");
        none |= off;
        others |= !off;
        master |= !passive_has (controller->passive, "master");
    }
    if (others && !master)
        codec_fail (c, ERR_XML_DETAIL, "No master USB controller specified");
    return none;
}

/* Reading: what needs USB. */
static void
judge_usb (Codec *c, const DomainDef *def)
{
    if (!usb_is_off (c, def->controllers))
        return;
    for (const PassiveNode *input = NULL; (input = passive_find (def->passive, "input", input));)
        if (passive_is (input, "bus", "usb"))
            codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Can't add USB input device. USB bus is disabled");
    /* of devices of the host libvirt looks at the number of the type, whatever the mode */
    for (guint i = 0; i < def->hostdevs->len; i++) {
        guint type = ((const HostdevDef *) def->hostdevs->pdata[i])->type;

        if (type == HOSTDEV_USB || type == HOSTDEV_STORAGE)
            codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                        "Can't add host USB device: USB is disabled in this host");
    }
    if (passive_has (def->passive, "hub"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Can't add USB hub: USB is disabled for this domain");
}

static void
judge_tpms (Codec *c)
{
    if (codec_count (c, "tpm") > 2)
        codec_fail (c, ERR_XML, "a maximum of two TPM devices is supported, one of them being a TPM "
                                "Proxy device");
}

/* Reading: of each model there is one. One of no model is not written: then nobody needs it. */
static void
judge_panics (Codec *c, DomainDef *def)
{
    guint models = 0;

    for (PassiveNode *panic = passive_find (def->passive, "panic", NULL), *next; panic; panic = next) {
        const char *model = passive_attr (panic, "model");
        int number = model ? string_table_value (&panic_names, model) : 0;

        if (models & 1u << number)
            codec_fail_later (c, CODEC_COMPLETED, ERR_XML, "Multiple panic devices with model '%s'",
                              string_table_name (&panic_names, (guint) number));
        models |= 1u << number;
        next = passive_find (def->passive, "panic", panic);
        if (passive_blank (panic))
            passive_remove (def->passive, panic);
    }
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
    judge_tpms (c);
    passive_codec (c, &def->passive, "channel* input* tpm* graphics* sound* audio* video*");
    codec_list (c, "hostdev", &def->hostdevs, sizeof (HostdevDef), hostdev_codec, hostdev_def_free);
    passive_codec (c, &def->passive, "redirdev* redirfilter hub* watchdog");
    memballoon_codec (c, &def->memballoon);
    passive_codec (c, &def->passive, "rng* nvram? panic*? shmem* memory* iommu vsock?");
    if (codec_reading (c) && !codec_failed (c))
        judge_usb (c, def);
    if (codec_reading (c))
        judge_panics (c, def);
    codec_leave (c);
}
