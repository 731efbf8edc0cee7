/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Elements of libvirt's domain XML that its LXC driver reads and forgets, or never reads, those of
 * later versions (to 12.0) too: they are ignored, and named. A row is a parent and its children, from
 * libvirt's schema; every other unknown element is refused.
 */
#include <string.h>

#include "conf/domain_codec.h"

static const struct {
    const char *parent;
    const char *names;      /* separated by blanks */
} rows[] = {
    /* what any device may have */
    { "*", "alias boot rom acpi address driver seclabel source target protocol log teaming" },
    { "acpi", "table" },
    { "active_pcr_banks", "sha1 sha256 sha384 sha512" },
    { "adapter", "parentaddr" },
    { "address", "zpci" },
    { "audio", "input output" },
    { "auth", "secret" },
    { "backend", "active_pcr_banks device encryption log profile protocol source" },
    { "backingStore", "backingStore format source" },
    { "bandwidth", "inbound outbound" },
    { "baseBoard", "entry" },
    { "binary", "cache lock openfiles sandbox thread_pool" },
    { "bios", "entry" },
    { "cache", "line size" },
    { "cachetune", "cache monitor" },
    { "cell", "cache distances" },
    { "channel", "address alias log protocol source target" },
    { "chassis", "entry" },
    { "coalesce", "rx" },
    { "commandline", "arg env" },
    { "console", "acpi address alias log protocol source target" },
    { "controller", "acpi address alias driver master model pcihole64 target" },
    { "cookies", "cookie" },
    { "cpu", "arch microcode cache feature maxphysaddr model numa topology vendor" },
    { "crypto", "acpi address alias backend driver" },
    { "dataStore", "format source" },
    { "device",
      "frontend path read_bytes_sec read_iops_sec weight write_bytes_sec "
      "write_iops_sec" },
    { "devices", "crypto pstore" },
    { "disk",
      "acpi address alias auth backenddomain backingStore blockio boot driver "
      "encryption geometry iotune mirror privateData product readonly serial "
      "shareable source target throttlefilters transient vendor wwn" },
    { "distances", "sibling" },
    { "domain",
      "bootloader_args capabilities commandline datacenterpath deprecation override "
      "throttlegroups" },
    { "driver", "guest host iothreads metadata_cache statistics" },
    { "encryption", "cipher ivgen secret" },
    { "filesystem",
      "acpi address alias binary boot driver idmap readonly source space_hard_limit "
      "space_soft_limit target" },
    { "filterref", "parameter" },
    { "firmware", "feature" },
    { "format", "metadata_cache" },
    { "frontend", "property" },
    { "graphics",
      "audio channel clipboard filetransfer gl image jpeg listen mouse playback "
      "streaming zlib" },
    { "hostdev",
      "acpi address alias boot driver ip readonly rom route shareable source teaming" },
    { "hpt", "maxpagesize" },
    { "hub", "address alias" },
    { "hugepages", "page" },
    { "hyperv",
      "avic evmcs frequencies ipi reenlightenment relaxed reset runtime spinlocks "
      "stimer synic tlbflush vapic vendor_id vpindex" },
    { "initiator", "iqn" },
    { "input", "acpi address alias driver settings source" },
    { "interconnects", "bandwidth latency" },
    { "interface",
      "acpi actual address alias backend backenddomain bandwidth boot coalesce "
      "downscript driver filterref guest ip link mac model mtu port portForward rom "
      "route script source target teaming tune virtualport vlan" },
    { "iommu", "acpi address alias driver" },
    { "iothread", "poll queue" },
    { "iothreadids", "iothread" },
    { "iothreads", "iothread" },
    { "iotune",
      "group_name read_bytes_sec read_bytes_sec_max read_bytes_sec_max_length "
      "read_iops_sec read_iops_sec_max read_iops_sec_max_length size_iops_sec "
      "total_bytes_sec total_bytes_sec_max total_bytes_sec_max_length total_iops_sec "
      "total_iops_sec_max total_iops_sec_max_length write_bytes_sec "
      "write_bytes_sec_max write_bytes_sec_max_length write_iops_sec "
      "write_iops_sec_max write_iops_sec_max_length" },
    { "keywrap", "cipher" },
    { "kvm", "dirty-ring hidden hint-dedicated poll-control pv-ipi" },
    { "label", "size" },
    { "latency-histogram", "bin" },
    { "launchSecurity",
      "cbitpos dhCert guestVisibleWorkarounds handle hostData idAuth idBlock "
      "mrConfigId mrOwner mrOwnerConfig policy quoteGenerationService reducedPhysBits "
      "session" },
    { "lease", "key lockspace target" },
    { "memballoon", "acpi address alias driver stats" },
    { "memory", "acpi address alias source target uuid" },
    { "memorytune", "monitor node" },
    { "metadata_cache", "max_size" },
    { "mirror", "backingStore format source" },
    { "model", "acceleration resolution" },
    { "numa", "cell interconnects" },
    { "nvram", "address source" },
    { "oemStrings", "entry" },
    { "os", "acpi bios boot bootmenu dtb firmware initrd kernel loader nvram root shim varstore" },
    { "output", "settings" },
    { "override", "device" },
    { "panic", "address alias" },
    { "parallel", "acpi address alias log protocol source target" },
    { "parentaddr", "address" },
    { "perf", "event" },
    { "pm", "suspend-to-disk suspend-to-mem" },
    { "portForward", "range" },
    { "pstore", "acpi address alias path size" },
    { "redirdev", "address alias boot log protocol source" },
    { "redirfilter", "usbdev" },
    { "reservations", "source" },
    { "resource", "fibrechannel partition" },
    { "rng", "acpi address alias backend driver rate" },
    { "rx", "frames" },
    { "seclabel", "baselabel imagelabel label" },
    { "serial", "acpi address alias log protocol source target" },
    { "shmem", "acpi address alias model msi server size" },
    { "slices", "slice" },
    { "smartcard", "acpi address certificate database log protocol source target" },
    { "smm", "tseg" },
    { "sound", "acpi address alias audio codec" },
    { "source",
      "adapter address alignsize auth block char clipboard config cookies dataStore "
      "encryption host identity initiator interface ip knownHosts local mouse "
      "nodemask origstates pagesize path pmem privateData product readahead reconnect "
      "reservations route seclabel slices snapshot ssl timeout vendor" },
    { "statistics", "statistic latency-histogram" },
    { "stimer", "direct" },
    { "sysinfo", "baseBoard bios chassis entry memory_device oemStrings processor system" },
    { "system", "entry" },
    { "target", "block current label model node readonly requested size" },
    { "tcg", "tb-cache" },
    { "throttlefilters", "throttlefilter" },
    { "throttlegroup",
      "group_name read_bytes_sec read_bytes_sec_max read_bytes_sec_max_length "
      "read_iops_sec read_iops_sec_max read_iops_sec_max_length size_iops_sec "
      "throttle_group total_bytes_sec total_bytes_sec_max total_bytes_sec_max_length "
      "total_iops_sec total_iops_sec_max total_iops_sec_max_length write_bytes_sec "
      "write_bytes_sec_max write_bytes_sec_max_length write_iops_sec "
      "write_iops_sec_max write_iops_sec_max_length" },
    { "throttlegroups", "throttlegroup" },
    { "timer", "catchup" },
    { "tlbflush", "direct extended" },
    { "tpm", "address alias backend" },
    { "tune", "sndbuf" },
    { "vcpus", "vcpu" },
    { "video", "acpi address alias driver model" },
    { "virtualport", "parameters" },
    { "vlan", "tag" },
    { "vsock", "acpi address alias cid driver" },
    { "watchdog", "acpi address alias" },
    { "xen", "e820_host passthrough" },
};

static gboolean
has_word (const char *words, const char *word)
{
    gsize length = strlen (word);

    for (const char *p = words; *p; p += strcspn (p, " "), p += strspn (p, " "))
        if (strcspn (p, " ") == length && strncmp (p, word, length) == 0)
            return TRUE;
    return FALSE;
}

gboolean
domain_known (const char *parent, const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
        if ((*rows[i].parent == '*' || g_str_equal (rows[i].parent, parent)) && has_word (rows[i].names, name))
            return TRUE;
    return FALSE;
}

guint
domain_rank (const char *path)
{
    static const char *const devices[] = {
        "disk", "interface", "sound", "hostdev", "video", "controller", "smartcard", "serial",
        "parallel", "channel", "console", "input", "filesystem", "watchdog", "memballoon", "rng",
        "nvram", "hub", "shmem", "tpm", "panic", "memory", "redirdev", "iommu", "vsock", "graphics",
        "audio", "lease",
    };
    static const char prefix[] = "/domain/devices/";
    const char *name = g_str_has_prefix (path, prefix) ? path + strlen (prefix) : "";
    gsize length = strcspn (name, "/");
    guint rank = 0;

    while (rank < G_N_ELEMENTS (devices)
           && (strlen (devices[rank]) != length || strncmp (devices[rank], name, length) != 0))
        rank++;
    return rank;
}
