/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt's domain XML has and Skep does not read yet: refused by name as "not supported yet",
 * so that its user knows that nothing is misspelt. A row is a parent and its children; '@' marks
 * attributes, '!' what libvirt's LXC driver refuses too, with ERR_INTERNAL.
 */
#include <string.h>

#include "conf/domain_codec.h"

typedef struct {
    const char *parent;
    const char *names;      /* separated by blanks */
} KnownRow;

static const KnownRow rows[] = {
    { "domain", "maxMemory vcpus launchSecurity" },
    { "os", "@firmware firmware acpi" },
    { "cpu", "numa" },
    { "iothread", "poll" },
    { "numatune", "memnode" },
    { "resource", "appid" },
    { "features", "async-teardown ras ps2" },
    { "smm", "tseg" },
    { "hpt", "maxpagesize" },
    { "kvm", "dirty-ring" },
    { "devices", "smartcard !input !graphics redirdev redirfilter memory crypto pstore" },
    { "disk", "@sgio @rawio @model auth backingStore mirror iotune encryption acpi diskSecret" },
    { "driver",
      "@error_policy @rerror_policy @io @ioeventfd @event_idx @copy_on_read @discard "
      "@iothread @detect_zeroes @queues @queue_size @iommu @ats @packed @page_per_vq @name "
      "@txmode @rss @rss_hash_report @max_sectors @cmd_per_lun @discard_no_unmap host guest "
      "metadata_cache iothreads" },
    { "source",
      "@startupPolicy @index @pool @volume @mode @protocol @tls @managed @type @host @service "
      "seclabel reservations slices address encryption auth host local" },
    { "target", "@tray @removable @rotation_rate @managed @model @name @state" },
    { "address",
      "@domain @slot @function @multifunction @reg @cssid @ssid @devno @iobase @irq @port" },
    { "controller", "@maxGrantFrames @maxEventChannels model target pcihole64 acpi boot rom" },
    { "filesystem", "idmap boot rom" },
    { "interface", "@managed teaming portForward" },
    { "tag", "@nativeMode" },
    { "console", "acpi" },
    { "hostdev", "@sgio @rawio @model @display @ramfb readonly shareable teaming driver" },
    { "backend", "encryption active_pcr_banks source" },
    { "sound", "audio" },
    { "audio", "@runtimeDir @serverName @driver input output" },
    { "video", "driver" },
    { "model", "acceleration resolution" },
    { "rng", "driver" },
    { "shmem", "server msi" },
    { "iommu", "driver address" },
    { "vsock", "driver" },
    { "serial", "seclabel" },
};

static ErrorCode
row_code (const KnownRow *row, const char *name, gboolean attribute)
{
    g_auto (GStrv) names = g_strsplit (row->names, " ", -1);

    for (guint i = 0; names[i]; i++) {
        gboolean refused = names[i][0] == '!';

        if ((names[i][0] == '@') == attribute
            && g_str_equal (names[i] + (attribute || refused), name))
            return refused ? ERR_INTERNAL : ERR_CONFIG_UNSUPPORTED;
    }
    return 0;
}

ErrorCode
domain_known (const char *parent, const char *name, gboolean attribute)
{
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        if (g_str_equal (rows[i].parent, parent)) {
            ErrorCode code = row_code (&rows[i], name, attribute);

            if (code)
                return code;
        }
    return 0;
}
