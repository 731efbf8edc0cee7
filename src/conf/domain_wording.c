/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where libvirt's words for a wrong value or an absent thing are not the usual ones: clients and
 * their users know them. The row's path is compared with the end of what is wrong; the first row
 * counts. NAME+ is a second one where there can be only one, NAME/ and a star
 * a child that nobody knows.
 */
#include <string.h>

#include "conf/domain_codec.h"

#define UNSUPPORTED_CHARDEV                                                                        \
    ERR_CONFIG_UNSUPPORTED, "unknown type presented to host for character device: %s"
#define UNSUPPORTED_TARGET                                                                         \
    ERR_CONFIG_UNSUPPORTED, "unknown target type '%s' specified for character device"
#define BAD_SIZE(path) ERR_XML, "Invalid value '%s' for element or attribute './" path "[1]'"
#define BAD_TUNE(what) ERR_XML, "can't parse cputune " what " value"

static const CodecWording rows[] = {
    { "hugepages/page@size!", ERR_XML, "missing element or attribute './@size'" },
    { "cachetune/cache@size!", ERR_XML, "missing element or attribute './@size'" },
    { "numa/cell@memory!", ERR_XML, "missing element or attribute './@memory'" },
    { "memoryBacking/access@mode", ERR_CONFIG_UNSUPPORTED, "unknown memoryBacking/access/mode '%s'" },
    { "cputune/cachetune@vcpus!", ERR_XML, "Missing cachetune attribute 'vcpus'" },
    { "cputune/memorytune@vcpus!", ERR_XML, "Missing memorytune attribute 'vcpus'" },
    { "domain/genid", ERR_INTERNAL, "malformed genid element" },
    { "os/smbios@mode", ERR_CONFIG_UNSUPPORTED, "unknown smbios mode '%s'" },
    { "domain/cpu@mode", ERR_CONFIG_UNSUPPORTED, "Invalid mode attribute '%s'" },
    { "cpu/model@fallback", ERR_CONFIG_UNSUPPORTED, "Invalid fallback attribute" },
    { "cpu/feature@policy", ERR_CONFIG_UNSUPPORTED, "Invalid CPU feature policy" },
    { "cpu/feature@name!", ERR_XML, "Invalid CPU feature name" },
    { "domain/on_poweroff", ERR_CONFIG_UNSUPPORTED, "unknown on_poweroff action: %s" },
    { "domain/on_reboot", ERR_CONFIG_UNSUPPORTED, "unknown on_reboot action: %s" },
    { "domain/on_crash", ERR_CONFIG_UNSUPPORTED, "unknown on_crash action: %s" },
    { "domain/on_lockfailure", ERR_CONFIG_UNSUPPORTED, "unknown on_lockfailure action: %s" },
    { "domain/clock@offset", ERR_CONFIG_UNSUPPORTED, "unknown clock offset '%s'" },
    { "numatune/memory@mode", ERR_CONFIG_UNSUPPORTED, "Unsupported NUMA memory tuning mode '%s'" },
    { "domain/memory", BAD_SIZE ("memory") },
    { "domain/currentMemory", BAD_SIZE ("currentMemory") },
    { "memtune/hard_limit", BAD_SIZE ("memtune/hard_limit") },
    { "memtune/soft_limit", BAD_SIZE ("memtune/soft_limit") },
    { "memtune/min_guarantee", BAD_SIZE ("memtune/min_guarantee") },
    { "memtune/swap_hard_limit", BAD_SIZE ("memtune/swap_hard_limit") },
    { "filesystem/space_hard_limit", BAD_SIZE ("space_hard_limit") },
    { "filesystem/space_soft_limit", BAD_SIZE ("space_soft_limit") },
    { "cputune/shares", BAD_TUNE ("shares") },
    { "cputune/period", BAD_TUNE ("period") },
    { "cputune/quota", BAD_TUNE ("quota") },
    { "cputune/global_period", BAD_TUNE ("global period") },
    { "cputune/global_quota", BAD_TUNE ("global quota") },
    { "cputune/emulator_period", BAD_TUNE ("emulator period") },
    { "cputune/emulator_quota", BAD_TUNE ("emulator quota") },
    { "cputune/iothread_period", BAD_TUNE ("iothread period") },
    { "cputune/iothread_quota", BAD_TUNE ("iothread quota") },
    { "domain/iothreads", ERR_XML, "invalid iothreads count '%s'" },
    { "device/weight", ERR_CONFIG_UNSUPPORTED, "could not parse weight %s" },
    { "device/read_iops_sec", ERR_CONFIG_UNSUPPORTED, "could not parse read iops sec %s" },
    { "device/write_iops_sec", ERR_CONFIG_UNSUPPORTED, "could not parse write iops sec %s" },
    { "device/read_bytes_sec", ERR_CONFIG_UNSUPPORTED, "could not parse read bytes sec %s" },
    { "device/write_bytes_sec", ERR_CONFIG_UNSUPPORTED, "could not parse write bytes sec %s" },
    { "cpu/cache+", ERR_XML, "at most one CPU cache element may be specified" },
    { "memoryBacking/source@type", ERR_CONFIG_UNSUPPORTED,
      "unknown memoryBacking/source/type '%s'" },
    { "allocation@mode", ERR_CONFIG_UNSUPPORTED, "unknown memoryBacking/allocation/mode '%s'" },
    { "numatune/memory@placement", ERR_CONFIG_UNSUPPORTED,
      "Unsupported NUMA memory placement mode '%s'" },
    { "domain/maxMemory", BAD_SIZE ("maxMemory") },
    { "cputune/cachetune@vcpus", ERR_XML, "Invalid cachetune attribute 'vcpus' value '%s'" },
    { "cputune/memorytune@vcpus", ERR_XML, "Invalid memorytune attribute 'vcpus' value '%s'" },
    { "monitor@vcpus", ERR_XML, "Invalid monitor attribute 'vcpus' value '%s'" },
    { "monitor@vcpus!", ERR_XML, "Missing monitor attribute 'vcpus'" },
    { "hpt/maxpagesize", ERR_CONFIG_UNSUPPORTED, "Unable to parse HPT maxpagesize setting" },
    { "smm/tseg", ERR_XML,
      "Invalid value '%s' for element or attribute 'string(./features/smm/tseg)'" },
    { "launchSecurity/policy", ERR_XML, "failed to get launch security policy" },
    { "allocation@threads", ERR_XML, "Failed to parse memory allocation threads" },
    { "maxMemory@slots", ERR_XML, "Failed to parse memory slot count" },
    { "os/initenv@name!", ERR_XML, "No name supplied for <initenv> element" },
    { "domain/vcpu", ERR_XML, "maximum vcpus count must be an integer" },
    /* ---- shared by devices */
    { "interface/source/address@type", ERR_CONFIG_UNSUPPORTED,
      "unknown host device source address type '%s'" },
    { "interface/source/address@type!", ERR_XML, "missing source address type" },
    { "interface/link@state", ERR_CONFIG_UNSUPPORTED, "unknown interface link state '%s'" },
    { "interface/mtu@size", ERR_XML, "malformed mtu size" },
    { "tune/sndbuf", ERR_XML, "sndbuf must be a positive integer" },
    { "rx/frames@max", ERR_XML_DETAIL, "cannot parse value '%s' for coalesce parameter" },
    { "source/local!", ERR_XML, "'<local>' element missing for 'udp' socket interface" },

    { "address@type", ERR_CONFIG_UNSUPPORTED, "unknown address type '%s'" },
    { "address@type!", ERR_INTERNAL, "No type specified for device address" },

    /* ---- where data are */
    { "auth@username!", ERR_XML, "missing username for auth" },
    { "auth@type", ERR_CONFIG_UNSUPPORTED, "unknown auth type '%s'" },
    { "auth/secret!", ERR_XML, "Missing <secret> element in auth" },
    { "secret@uuid", ERR_XML, "invalid secret uuid '%s'" },
    { "encryption@format!", ERR_XML, "unknown volume encryption format" },
    { "encryption@format", ERR_CONFIG_UNSUPPORTED, "unknown volume encryption format type %s" },
    { "encryption/secret@type!", ERR_XML, "unknown volume encryption secret type" },
    { "encryption/secret@type", ERR_CONFIG_UNSUPPORTED, "unknown volume encryption secret type %s" },
    { "slice@offset", ERR_XML, "malformed value '%s' of 'offset' attribute of slice" },
    { "slice@size", ERR_XML, "malformed value '%s' of 'size' attribute of slice" },
    { "cookie@name!", ERR_XML, "missing cookie name" },
    { "readahead@size", ERR_XML, "invalid readahead size or timeout" },
    { "timeout@seconds", ERR_XML, "invalid readahead size or timeout" },
    { "source/host@transport", ERR_CONFIG_UNSUPPORTED, "unknown protocol transport type '%s'" },
    { "backingStore@type", ERR_XML, "unknown storage source type '%s'" },
    { "backingStore/format@type!", ERR_XML, "missing disk backing store format" },
    { "disk/source@mode", ERR_CONFIG_UNSUPPORTED,
      "unknown source mode '%s' for volume type disk" },
    { "backingStore/source@mode", ERR_CONFIG_UNSUPPORTED,
      "unknown source mode '%s' for volume type disk" },
    { "filesystem/source@mode", ERR_CONFIG_UNSUPPORTED,
      "unknown source mode '%s' for volume type disk" },
    { "disk/source@namespace", ERR_XML, "malformed namespace '%s'" },
    { "backingStore/source@namespace", ERR_XML, "malformed namespace '%s'" },
    { "disk/driver@type", ERR_CONFIG_UNSUPPORTED, "unknown driver format value '%s'" },
    { "binary/thread_pool@size", ERR_XML, "cannot parse thread pool size '%s' for virtiofs" },
    { "filesystem/driver@queue", ERR_XML, "cannot parse queue size '%s' for virtiofs" },
    { "filesystem/driver@format", ERR_CONFIG_UNSUPPORTED, "unknown driver format value '%s'" },
    { "backingStore/format@type", ERR_XML, "unknown storage source format '%s'" },
    { "filesystem/source@usage", ERR_XML, "cannot parse usage '%s' for RAM filesystem" },
    { "filesystem/source@usage!", ERR_XML, "missing 'usage' attribute for RAM filesystem" },

    /* ---- devices */
    { "controller@model", ERR_CONFIG_UNSUPPORTED, "Unknown model type '%s'" },
    { "target/node", ERR_XML, "invalid NUMA node in target" },
    { "smartcard@type!", ERR_XML, "passthrough mode requires a character device type attribute" },
    { "serial@type", UNSUPPORTED_CHARDEV },
    { "parallel@type", UNSUPPORTED_CHARDEV },
    { "console@type", UNSUPPORTED_CHARDEV },
    { "channel@type", UNSUPPORTED_CHARDEV },
    { "redirdev@type", ERR_CONFIG_UNSUPPORTED, "unknown redirdev character device type '%s'" },
    { "redirdev@type!", ERR_INTERNAL, "missing type in redirdev" },
    { "redirdev@bus", ERR_CONFIG_UNSUPPORTED, "unknown redirdev bus '%s'" },
    { "target/model@name", ERR_CONFIG_UNSUPPORTED,
      "unknown target model '%s' specified for character device" },
    { "serial/target@type", UNSUPPORTED_TARGET },
    { "console/target@type", UNSUPPORTED_TARGET },
    { "channel/target@type", UNSUPPORTED_TARGET },
    { "channel/target@type!", ERR_CONFIG_UNSUPPORTED,
      "unknown target type '(null)' specified for character device" },
    { "channel/target!", ERR_XML, "target type must be specified for channel device" },
    { "serial/target@port", ERR_XML, "Invalid port number: %s" },
    { "parallel/target@port", ERR_XML, "Invalid port number: %s" },
    { "console/target@port", ERR_XML, "Invalid port number: %s" },
    { "tpm/backend!", ERR_XML, "missing TPM device backend" },
    { "active_pcr_banks/*", ERR_CONFIG_UNSUPPORTED, "Unsupported PCR banks '%s'" },
    { "backend/encryption@secret", ERR_INTERNAL, "Unable to parse secret uuid '%s'" },
    { "backend/source!", ERR_XML, "missing external TPM backend type" },
    { "backend/source@type", ERR_XML,
      "only source type 'unix' is supported for external TPM device" },
    { "backend/source@mode", ERR_XML, "only 'client' mode is supported for external TPM device" },
    { "backend/source@path!", ERR_XML, "missing socket path for external TPM device" },
    { "sound/codec@type", ERR_CONFIG_UNSUPPORTED, "unknown codec type '%s'" },
    { "video/model!", ERR_INTERNAL, "missing video model and cannot determine default" },
    { "video/model@type!", ERR_INTERNAL, "missing video model and cannot determine default" },
    { "video/model@type", ERR_CONFIG_UNSUPPORTED, "unknown video model '%s'" },
    { "video/model@ram", ERR_XML, "cannot parse video ram '%s'" },
    { "video/model@vram", ERR_XML, "cannot parse video vram '%s'" },
    { "video/model@vram64", ERR_XML, "cannot parse video vram64 '%s'" },
    { "video/model@vgamem", ERR_XML, "cannot parse video vgamem '%s'" },
    { "video/model@heads", ERR_INTERNAL, "cannot parse video heads '%s'" },
    { "hub@type", ERR_CONFIG_UNSUPPORTED, "unknown hub device type '%s'" },
    { "hub@type!", ERR_INTERNAL, "missing hub device type" },
    { "redirfilter+", ERR_INTERNAL, "only one set of redirection filter rule is supported" },
    { "watchdog@model!", ERR_INTERNAL, "watchdog must contain model name" },
    { "watchdog@model", ERR_CONFIG_UNSUPPORTED, "unknown watchdog model '%s'" },
    { "watchdog@action", ERR_CONFIG_UNSUPPORTED, "unknown watchdog action '%s'" },
    { "watchdog+", ERR_INTERNAL, "only a single watchdog device is supported" },
    { "memballoon+", ERR_INTERNAL, "only a single memory balloon device is supported" },
    { "rng@model", ERR_CONFIG_UNSUPPORTED, "unknown RNG model '%s'" },
    { "rng@model!", ERR_XML, "missing RNG device model" },
    { "rng/backend!", ERR_XML, "only one RNG backend is supported" },
    { "rng/backend@model!", ERR_XML, "missing RNG device backend model" },
    { "rng/backend@model", ERR_CONFIG_UNSUPPORTED, "unknown RNG backend model '%s'" },
    { "rng/backend@type!", ERR_XML, "missing EGD backend type" },
    { "rate@bytes", ERR_XML, "invalid RNG rate bytes value" },
    { "nvram+", ERR_INTERNAL, "only a single nvram device is supported" },
    { "panic@model", ERR_CONFIG_UNSUPPORTED, "unknown panic model '%s'" },
    { "shmem@name!", ERR_XML, "shmem element must contain 'name' attribute" },
    { "iommu+", ERR_XML, "only a single IOMMU device is supported" },
    { "vsock+", ERR_XML, "only a single vsock device is supported" },
};

const CodecWording *
domain_wording (const char *path)
{
    gsize length = strlen (path);

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        gsize end = strlen (rows[i].what);

        if (end < length && path[length - end - 1] == '/'
            && g_str_equal (path + length - end, rows[i].what))
            return &rows[i];
    }
    return NULL;
}
