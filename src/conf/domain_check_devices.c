/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of devices without effect that a rule cannot make, because it sees one alone. */
#include "conf/domain_check.h"
#include "conf/passive.h"

static gboolean
check_panics (Check *check)
{
    const GPtrArray *items = check->def->passive;

    for (const PassiveNode *one = passive_find (items, "panic", NULL); one;
         one = passive_find (items, "panic", one))
        for (const PassiveNode *two = passive_find (items, "panic", one); two;
             two = passive_find (items, "panic", two))
            if (passive_is (two, "model", passive_attr (one, "model")))
                return check_fail (check, ERR_XML, "/domain/devices/panic", 0,
                                   "Multiple panic devices with model '%s'",
                                   passive_attr (one, "model") ? passive_attr (one, "model")
                                                               : "default");
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

        if (audio && !has_audio (items, passive_number (audio, "id", 0)))
            return check_fail (check, ERR_XML, path, 0, "no audio device with ID %s",
                               passive_attr (audio, "id"));
    }
    return TRUE;
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
    return check_audio_of (check, "sound") && check_audio_of (check, "graphics");
}

static gboolean
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
    return TRUE;
}

static gboolean
check_smartcards (Check *check)
{
    const GPtrArray *items = check->def->passive;

    for (const PassiveNode *card = passive_find (items, "smartcard", NULL); card;
         card = passive_find (items, "smartcard", card))
        if (!passive_is (passive_child (card, "address"), "type", "ccid"))
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/smartcard", 0,
                               "Controllers must use the 'ccid' address type");
    return TRUE;
}

/* What has no place where USB is off: without a controller, or with one that says so. */
static gboolean
check_usb_devices (Check *check)
{
    const GPtrArray *controllers = check->def->controllers, *hostdevs = check->def->hostdevs;
    gboolean on = FALSE, none = FALSE;

    for (guint i = 0; i < controllers->len; i++) {
        const ControllerDef *controller = g_ptr_array_index (controllers, i);

        if (controller->type != CONTROLLER_USB)
            continue;
        if (!g_strcmp0 (passive_value (controller->passive, "model"), "none"))
            none = TRUE;
        else
            on = TRUE;
    }
    for (guint i = 0; none && i < hostdevs->len; i++)
        if (((const HostdevDef *) g_ptr_array_index (hostdevs, i))->type == HOSTDEV_USB)
            return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/hostdev", i + 1,
                               "Can't add host USB device: USB is disabled in this host");
    if (none && passive_has (check->def->passive, "hub"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/hub", 0,
                           "Can't add USB hub: USB is disabled for this domain");
    if (!on && passive_has (check->def->passive, "redirdev"))
        return check_fail (check, ERR_CONFIG_UNSUPPORTED, "/domain/devices/redirdev", 0,
                           "cannot add redirected USB device: USB is disabled for this domain");
    return TRUE;
}

gboolean
check_passive_devices (Check *check)
{
    return check_panics (check) && check_videos (check) && check_audio (check)
        && check_iommu (check) && check_smartcards (check) && check_usb_devices (check);
}
