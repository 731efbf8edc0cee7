/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of devices without effect that a rule cannot make, because it sees one alone. */
#include "conf/domain_check.h"
#include "conf/passive.h"

gboolean
check_serials (Check *check)
{
    static const char path[] = "/domain/devices/serial";
    const GPtrArray *items = check->def->passive;
    gboolean used[ISA_SERIAL_PORTS] = { FALSE };
    guint n = 0;

    for (const PassiveNode *serial = NULL; (serial = passive_find (items, "serial", serial));) {
        const PassiveNode *target = passive_child (serial, "target");
        gint64 port = passive_number (target, "port", 0);

        if (!passive_is (target, "type", "isa-serial"))
            continue;
        if (n++ >= ISA_SERIAL_PORTS || port >= ISA_SERIAL_PORTS)
            return check_fail (check, ERR_INTERNAL, path, 0,
                               "Maximum supported number of ISA serial ports is '%d'",
                               ISA_SERIAL_PORTS);
        if (port >= 0 && used[port])
            return check_fail (check, ERR_INTERNAL, path, 0, "target port '%d' already allocated",
                               (int) port);
        if (port >= 0)
            used[port] = TRUE;
    }
    return TRUE;
}

gboolean
check_consoles (Check *check)
{
    const GPtrArray *consoles = check->def->consoles;

    for (guint i = 1; i < consoles->len; i++)
        if (!g_strcmp0 (((const ConsoleDef *) consoles->pdata[i])->target_type, "serial"))
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/console", i + 1,
                               "Only the first console can be a serial port");
    return TRUE;
}

static gboolean
has_audio (const GPtrArray *items, gint64 id)
{
    for (const PassiveNode *audio = passive_find (items, "audio", NULL); audio;
         audio = passive_find (items, "audio", audio))
        if (passive_number (audio, "id", 0) == id)
            return TRUE;
    return FALSE;
}

/* That the audio devices which all @name use are there. */
static gboolean
check_audio_of (Check *check, const char *name)
{
    const GPtrArray *items = check->def->passive;
    g_autofree char *path = g_strconcat ("/domain/devices/", name, NULL);

    for (const PassiveNode *user = passive_find (items, name, NULL); user;
         user = passive_find (items, name, user)) {
        const PassiveNode *audio = passive_child (user, "audio");

        /* of screens libvirt looks at vnc's only */
        if (passive_attr (user, "type") && !passive_is (user, "type", "vnc"))
            continue;
        if (audio && !has_audio (items, passive_number (audio, "id", 0)))
            return check_fail (check, ERR_XML, path, 0, "no audio device with ID %s",
                               passive_attr (audio, "id"));
    }
    return TRUE;
}

gboolean
check_sounds (Check *check)
{
    return check_audio_of (check, "sound");
}

static gboolean
check_audio (Check *check)
{
    const GPtrArray *items = check->def->passive;

    for (const PassiveNode *one = passive_find (items, "audio", NULL); one;
         one = passive_find (items, "audio", one))
        for (const PassiveNode *two = passive_find (items, "audio", one); two;
             two = passive_find (items, "audio", two))
            if (passive_is (two, "id", passive_attr (one, "id")))
                return check_fail (check, ERR_XML, "/domain/devices/audio", 0,
                                   "audio ID %s is used multiple times",
                                   passive_attr (one, "id"));
    return check_audio_of (check, "graphics");
}

gboolean
check_videos (Check *check)
{
    const GPtrArray *items = check->def->passive;
    guint n = 0, primaries = 0;
    gboolean none = FALSE;

    for (const PassiveNode *video = passive_find (items, "video", NULL); video;
         video = passive_find (items, "video", video)) {
        const PassiveNode *model = passive_child (video, "model");

        n++;
        none |= passive_is (model, "type", "none");
        primaries += passive_is (model, "primary", "yes");
    }
    /* libvirt adds a video device to graphics, of which a container has no model */
    if (!n && passive_has (items, "graphics"))
        return check_fail (check, ERR_INTERNAL, "/domain/devices/graphics", 0,
                           "missing video model and cannot determine default");
    if (primaries > 1)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/video", 0,
                           "Only one primary video device is supported");
    if (none && n > 1)
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/video", 0,
                           "a 'none' video type must be the only video device defined for the "
                           "domain");
    return TRUE;
}

static gboolean
check_iommu (Check *check)
{
    const PassiveNode *iommu = passive_find (check->def->passive, "iommu", NULL);
    const PassiveNode *ioapic = passive_find (check->def->features.passive, "ioapic", NULL);
    const PassiveNode *driver = iommu ? passive_child (iommu, "driver") : NULL;

    if (driver && passive_is (driver, "intremap", "on")
        && !(ioapic && passive_is (ioapic, "driver", "qemu")))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/iommu", 0,
                           "IOMMU interrupt remapping requires split I/O APIC (ioapic "
                           "driver='qemu')");
    if (passive_is (driver, "eim", "on") && !passive_is (driver, "intremap", "on"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/iommu", 0,
                           "IOMMU eim requires interrupt remapping to be enabled");
    return TRUE;
}

gboolean
check_redirdevs (Check *check)
{
    const DomainDef *def = check->def;

    if (!passive_has (def->passive, "redirdev"))
        return TRUE;
    for (guint i = 0; i < def->controllers->len; i++) {
        const ControllerDef *controller = g_ptr_array_index (def->controllers, i);

        if (controller->type == CONTROLLER_USB
            && g_strcmp0 (passive_value (controller->passive, "model"), "none") != 0)
            return TRUE;
    }
    return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/redirdev", 0,
                       "cannot add redirected USB device: USB is disabled for this domain");
}

gboolean
check_passive_devices (Check *check)
{
    return check_audio (check) && check_iommu (check);
}
