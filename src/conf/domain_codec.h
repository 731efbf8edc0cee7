/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of the domain codec and the stages after it. Private to conf. */
#pragma once

#include <libxml/tree.h>

#include "conf/codec.h"
#include "conf/domain.h"

extern const CodecGrammar domain_grammar;

/* libvirt's words where they are not the usual ones; domain_wording.c */
const CodecWording *domain_wording (const char *path);
/* Whether libvirt's domain XML has a @name below @parent, though we have not; domain_known.c */
gboolean domain_known (const char *parent, const char *name);
/* The order in which libvirt looks at devices once it has read them all; domain_known.c */
guint domain_rank (const char *path);

extern const StringTable on_off_names, yes_no_names, timer_names, storage_format_names, disk_bus_names;

/* Codec functions: the object is a DomainDef unless said. */
void domain_codec (Codec *c, void *object);             /* domain_codec.c: <domain> */
void domain_tune_codec (Codec *c, DomainDef *def);      /* domain_tune_codec.c */
void domain_vcpu_codec (Codec *c, DomainDef *def);      /* vcpu */
void domain_cputune_codec (Codec *c, DomainDef *def);   /* domain_cputune_codec.c: cputune */
/* domain_resctrl.c, reading: ignores groups of vcpus that are not there; judges the others. */
void domain_resctrl_forget (Codec *c, const DomainDef *def);
void domain_resctrl_settle (Codec *c, DomainDef *def);
void domain_iothreads_codec (Codec *c, DomainDef *def); /* iothreads, iothreadids */
void domain_numatune_codec (Codec *c, DomainDef *def);  /* numatune */
void domain_os_codec (Codec *c, DomainDef *def);        /* domain_os_codec.c: os, idmap */
void domain_features_codec (Codec *c, DomainDef *def);  /* domain_features_codec.c */
void domain_clock_codec (Codec *c, DomainDef *def);
void domain_devices_codec (Codec *c, DomainDef *def);   /* domain_device_codec.c: devices */
void domain_seclabels_codec (Codec *c, DomainDef *def); /* domain_seclabel_codec.c: seclabel */
void domain_namespace_codec (Codec *c, DomainDef *def); /* lxc:namespace */
void domain_skep_codec (Codec *c, DomainDef *def);      /* domain_skep_codec.c: skep:container */
void domain_metadata_codec (Codec *c, DomainDef *def);  /* domain_metadata.c: metadata */
void fs_codec (Codec *c, void *object);                 /* domain_fs_codec.c: FsDef */
void disk_codec (Codec *c, void *object);               /* domain_disk_codec.c: DiskDef */
void controller_codec (Codec *c, void *object);         /* domain_controller_codec.c */
void net_codec (Codec *c, void *object);                /* domain_net_codec.c: NetDef */
void hostdev_codec (Codec *c, void *object);            /* domain_hostdev_codec.c: HostdevDef */
void console_codec (Codec *c, void *object);            /* ConsoleDef */
void device_alias_codec (Codec *c, char **alias);       /* alias, of any device */
void net_vport_codec (Codec *c, NetDef *net);             /* domain_vport_codec.c: virtualport */
void net_addresses_codec (Codec *c, GPtrArray **ips, GPtrArray **routes);   /* ip*, route* */
/* A list of CPUs or nodes in an attribute, kept canonical; of none with FIELD_REQUIRED the error is
 * ERR_INTERNAL. */
void codec_cpulist (Codec *c, const char *attr, char **v, FieldFlags flags);

/* Freeing of list items. */
void name_value_free (void *item);
void fs_def_free (void *item);
void disk_def_free (void *item);
void net_ip_free (void *item);
void net_route_free (void *item);
void net_def_free (void *item);
void controller_def_free (void *item);
void clock_timer_free (void *item);
void console_def_free (void *item);
void hostdev_def_free (void *item);
void seclabel_def_free (void *item);
void blkio_device_free (void *item);
void cpu_pin_free (void *item);
void sched_def_free (void *item);
void numa_memnode_free (void *item);

/* Whether it has mode='subsystem'. */
gboolean hostdev_is_subsystem (const HostdevDef *hostdev);

/* Highest number of a disk's controller: those below it are made, too. */
#define CONTROLLER_INDEX_MAX 255

/* Drive address of a disk's target name ("sdb" is unit 1); FALSE when the name is none.
 * domain_default.c */
gboolean disk_target_index (const char *target, guint *ret_index);
/* Whether the name is one of a hard disk: not of a floppy, nor of nothing. */
gboolean disk_target_is_hard (const char *target);
/* Whether there is a limit. domain_disk_codec.c */
gboolean disk_iotune_set (const DiskIotune *tune);

/* Fills what is absent: xml.md section 2. */
void domain_default_fill (DomainDef *def, const DomainDefaults *defaults);

void domain_default_tune (DomainDef *def);  /* domain_default_tune.c */
/* The parts of it that reading needs: which threads there are, and whether memory is placed. */
void domain_default_iothreads (DomainDef *def);
void domain_default_numatune (DomainDef *def);
/* Where in the list of iothreads @id is; -1: nowhere. */
int iothread_place (const DomainDef *def, guint id);

void domain_default_devices (DomainDef *def);   /* domain_default_devices.c */
/* Adds the controllers that devices without effect are on. */
void domain_default_device_controllers (DomainDef *def);
/* Sorts @list into groups, which keep the order of their first members, and within a group by
 * @place. domain_default.c */
void domain_sort_groups (GPtrArray *list, guint (*group) (const void *), guint64 (*place) (const void *));

/* domain_default_controllers.c */
void domain_default_controllers (DomainDef *def);
/* The part of it that reading needs: whose companion a USB controller is. */
void domain_default_master (ControllerDef *controller);
/* Unless it is there. */
void domain_add_controller (DomainDef *def, guint type, guint index);
/* Where a SCSI device of the host is put; FALSE when it is none, or does not say. */
gboolean hostdev_scsi_place (const HostdevDef *hostdev, DriveAddress *ret_place);
gboolean drive_address_equal (const DriveAddress *one, const DriveAddress *two);
/* Of DriveAddress, which are freed with it. */
GHashTable *drive_addresses_new (void);
/* FALSE: it is there already. */
gboolean drive_addresses_add (GHashTable *addresses, const DriveAddress *address);
/* Where the SCSI devices of the host are; as above. */
GHashTable *hostdevs_scsi_places (const DomainDef *def);

/* More are refused. */
#define IOTHREADS_MAX 1024
#define ISA_SERIAL_PORTS 4

/* Judges. FALSE sets error and *ret_path, the XPath of what is wrong, which the caller frees; NULL: it has no
 * place. */
gboolean domain_check (const DomainDef *def, const DomainDefaults *defaults, char **ret_path,
                       GError **error);

/* codec, defaults, checks of a <domain> element that is in a document already (a file or a status
 * file). */
DomainDef *domain_def_read (xmlNode *root, const DomainDefaults *defaults, guint flags,
                            GError **error);

/* What we write is longer than what we read: escapes, defaults, indentation (of metadata up to 128
 * blanks for four bytes). It must be readable again. */
gboolean domain_def_check_size (const DomainDef *def, GError **error);
/* The same, and that what is written is read again: domain_def_copy() and a
 * restart of the daemon rely on it. For what a client gave. */
gboolean domain_def_check_text (const DomainDef *def, GError **error);
void domain_def_write (GString *out, guint level, const DomainDef *def, guint flags);
