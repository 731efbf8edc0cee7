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
    { "domain",
      "genid maxMemory memoryBacking vcpus iothreads iothreadids defaultiothread sysinfo "
      "bootloader bootloader_args cpu on_lockfailure pm perf keywrap launchSecurity" },
    { "memory", "@dumpCore" },
    { "vcpu", "@current" },
    { "os", "@firmware firmware loader nvram kernel initrd dtb boot bootmenu smbios bios acpi" },
    { "cputune",
      "global_period global_quota emulator_period emulator_quota iothread_period iothread_quota "
      "vcpupin emulatorpin iothreadpin vcpusched emulatorsched iothreadsched cachetune "
      "memorytune" },
    { "numatune", "memnode" },
    { "resource", "fibrechannel appid" },
    { "features",
      "acpi apic pae hap viridian hyperv kvm xen pvspinlock gic pmu vmport smm ioapic hpt "
      "vmcoreinfo htm nested-hv msrs ccf-assist cfpc sbbc ibs tcg async-teardown ras ps2" },
    { "clock", "@adjustment @basis @timezone @start" },
    { "timer", "@tickpolicy @track @frequency @mode catchup" },
    { "devices",
      "lease smartcard serial parallel channel !input tpm !graphics sound audio video redirdev "
      "redirfilter hub watchdog rng nvram panic shmem memory iommu vsock crypto pstore" },
    { "disk",
      "@snapshot @sgio @rawio @model auth backingStore mirror geometry blockio iotune shareable "
      "transient serial wwn vendor product encryption boot alias acpi diskSecret" },
    { "driver",
      "@error_policy @rerror_policy @io @ioeventfd @event_idx @copy_on_read @discard @iothread "
      "@detect_zeroes @queues @queue_size @iommu @ats @packed @page_per_vq @name @txmode @rss "
      "@rss_hash_report @max_sectors @cmd_per_lun @discard_no_unmap" },
    { "source",
      "@startupPolicy @index @pool @volume @mode @protocol @tls @managed @type @host @service "
      "seclabel reservations slices address encryption auth host local" },
    { "target", "@tray @removable @rotation_rate @managed @model @name @state" },
    { "address",
      "@domain @slot @function @multifunction @reg @cssid @ssid @devno @iobase @irq @port" },
    { "controller",
      "@model @ports @vectors @maxGrantFrames @maxEventChannels driver master address alias "
      "model target pcihole64 acpi" },
    { "filesystem", "@model @multidevs binary idmap alias address acpi boot" },
    { "interface",
      "@managed @trustGuestRxFilters model driver tune coalesce rom boot backend teaming alias "
      "address acpi portForward" },
    { "tag", "@nativeMode" },
    { "console", "protocol log address acpi" },
    { "hostdev",
      "@sgio @rawio @model @display @ramfb boot rom readonly shareable alias address acpi teaming "
      "driver" },
    { "memballoon", "@autodeflate @freePageReporting stats alias address acpi driver" },
    { "guest", "@actual" },
    { "host", "" },
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
