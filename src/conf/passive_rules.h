/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rows of elements without effect cannot say: see PassiveRule. */
#pragma once

#include "conf/passive.h"

void rule_clear (Codec *c, PassiveNode *node);          /* only the element itself */
void rule_open (Codec *c, PassiveNode *node);           /* passive_open() */
void rule_address_pci (Codec *c, PassiveNode *node);
void rule_address_host (Codec *c, PassiveNode *node);   /* of a device of the host */
void rule_address_usb (Codec *c, PassiveNode *node);
void rule_address_ccw (Codec *c, PassiveNode *node);
void rule_address_unassigned (Codec *c, PassiveNode *node);
void rule_address_s390 (Codec *c, PassiveNode *node);
void rule_zpci (Codec *c, PassiveNode *node);
void rule_boot (Codec *c, PassiveNode *node);
void rule_device_seclabel (Codec *c, PassiveNode *node);

/* passive_chardev_rules.c */
void rule_chardev (Codec *c, PassiveNode *node);
void rule_serial (Codec *c, PassiveNode *node);
void rule_smartcard (Codec *c, PassiveNode *node);
void rule_chardev_log (Codec *c, PassiveNode *node);
void rule_guest_forward (Codec *c, PassiveNode *node);
void rule_rng_egd (Codec *c, PassiveNode *node);
void rule_usbdev (Codec *c, PassiveNode *node);
void rule_redirdev (Codec *c, PassiveNode *node);
void rule_certificates (Codec *c, PassiveNode *node);

/* passive_device_rules.c */
void rule_tpm_emulator (Codec *c, PassiveNode *node);
void rule_tpm_external (Codec *c, PassiveNode *node);
void rule_sound_codec (Codec *c, PassiveNode *node);
void rule_audio (Codec *c, PassiveNode *node);          /* input, output of audio */
void rule_audio_settings (Codec *c, PassiveNode *node);
void rule_audio_oss (Codec *c, PassiveNode *node);
void rule_acceleration (Codec *c, PassiveNode *node);
void rule_video (Codec *c, PassiveNode *node);
void rule_lease (Codec *c, PassiveNode *node);
void rule_binary_threads (Codec *c, PassiveNode *node);
void rule_rng (Codec *c, PassiveNode *node);
void rule_rate (Codec *c, PassiveNode *node);
void rule_rng_random (Codec *c, PassiveNode *node);
void rule_shmem (Codec *c, PassiveNode *node);

/* passive_domain_rules.c */
void rule_genid (Codec *c, PassiveNode *node);
void rule_page (Codec *c, PassiveNode *node);
void rule_firmware_entry (Codec *c, PassiveNode *node);
void rule_sysinfo (Codec *c, PassiveNode *node);
void rule_fibrechannel (Codec *c, PassiveNode *node);
void rule_monitor (Codec *c, PassiveNode *node);
void rule_interconnects (Codec *c, PassiveNode *node);
void before_cpu (Codec *c, PassiveNode *node);
void before_numa (Codec *c, PassiveNode *node);
void rule_smm (Codec *c, PassiveNode *node);
void rule_hpt (Codec *c, PassiveNode *node);
void rule_tcg (Codec *c, PassiveNode *node);
void rule_hyperv (Codec *c, PassiveNode *node);
void rule_spinlocks (Codec *c, PassiveNode *node);
void rule_stimer (Codec *c, PassiveNode *node);
void rule_hyperv_vendor (Codec *c, PassiveNode *node);
void rule_kvm (Codec *c, PassiveNode *node);
void rule_dirty_ring (Codec *c, PassiveNode *node);
void rule_xen (Codec *c, PassiveNode *node);
void rule_xen_passthrough (Codec *c, PassiveNode *node);

void rule_max_memory (Codec *c, PassiveNode *node);
void rule_sev (Codec *c, PassiveNode *node);
void rule_perf (Codec *c, PassiveNode *node);
void rule_keywrap (Codec *c, PassiveNode *node);
void rule_lockfailure (Codec *c, PassiveNode *node);

/* passive_cpu_rules.c */
void rule_cpu (Codec *c, PassiveNode *node);
void rule_cpu_cache (Codec *c, PassiveNode *node);
void rule_topology (Codec *c, PassiveNode *node);
void rule_distances (Codec *c, PassiveNode *node);
void rule_numa_cache (Codec *c, PassiveNode *node);
void rule_numa (Codec *c, PassiveNode *node);

/* passive_host_rules.c */
void rule_rom (Codec *c, PassiveNode *node);
void rule_teaming (Codec *c, PassiveNode *node);
void rule_net_vhostuser (Codec *c, PassiveNode *node);
void rule_net_hostdev (Codec *c, PassiveNode *node);
void rule_net_model (Codec *c, PassiveNode *node);
void rule_net_backend (Codec *c, PassiveNode *node);
void rule_net_driver (Codec *c, PassiveNode *node);
void rule_frames (Codec *c, PassiveNode *node);
void rule_port_forward (Codec *c, PassiveNode *node);
void rule_port_range (Codec *c, PassiveNode *node);
void rule_hostdev_teaming (Codec *c, PassiveNode *node);
void rule_usb_id (Codec *c, PassiveNode *node);
void rule_hostdev_scsi (Codec *c, PassiveNode *node);
void rule_hostdev_scsi_host (Codec *c, PassiveNode *node);
void rule_hostdev_mdev (Codec *c, PassiveNode *node);
void rule_iommu (Codec *c, PassiveNode *node);
void rule_vsock (Codec *c, PassiveNode *node);
void rule_stats (Codec *c, PassiveNode *node);
void rule_cid (Codec *c, PassiveNode *node);
void rule_memory (Codec *c, PassiveNode *node);
void rule_input (Codec *c, PassiveNode *node);
void rule_nodemask (Codec *c, PassiveNode *node);
void rule_memory_target (Codec *c, PassiveNode *node);

/* For rows. */
#define CHARDEV_TYPES                                                                              \
    "null|vc|pty|dev|file|pipe|stdio|udp|tcp|unix|spicevmc|spiceport|nmdm|qemu-vdagent|dbus"
/* Judges and completes what a character device of @type says of its other end: "source" and
 * "protocol" among @parts (may be NULL), of the current element. @path_made: it may have no path. */
void chardev_settle (Codec *c, const char *type, GPtrArray *parts, gboolean path_made);
gboolean chardev_target_is_second (const char *type);   /* of the types that allow spicevmc */
/* A path in @attr loses repeated and trailing slashes. */
void rule_tidy_path (PassiveNode *node, const char *attr);
/* Options of virtio drivers in @driver (may be NULL) where the device is none. */
void rule_virtio_options (Codec *c, const PassiveNode *driver, gboolean virtio);

/* passive_graphics_rules.c */
void rule_listen (Codec *c, PassiveNode *node);
void rule_vnc (Codec *c, PassiveNode *node);
void rule_rdp (Codec *c, PassiveNode *node);
void rule_spice (Codec *c, PassiveNode *node);
void rule_dbus_screen (Codec *c, PassiveNode *node);

/* passive_storage_rules.c */
void rule_geometry (Codec *c, PassiveNode *node);
void rule_secret (Codec *c, PassiveNode *node);
void rule_encryption (Codec *c, PassiveNode *node);
void rule_reservations (Codec *c, PassiveNode *node);
void rule_slice (Codec *c, PassiveNode *node);
void rule_slices (Codec *c, PassiveNode *node);
void rule_backing_store (Codec *c, PassiveNode *node);
void rule_max_size (Codec *c, PassiveNode *node);
void rule_volume_source (Codec *c, PassiveNode *node);
void rule_nvme_source (Codec *c, PassiveNode *node);
void rule_vhostuser_source (Codec *c, PassiveNode *node);
void rule_storage_host (Codec *c, PassiveNode *node);
void rule_network_source (Codec *c, PassiveNode *node);
void rule_cookie (Codec *c, PassiveNode *node);
void rule_cookies (Codec *c, PassiveNode *node);
