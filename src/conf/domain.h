/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's definition, as libvirt's domain XML says it and as far as Skep acts on it.
 *
 * Order and names of the members follow the XML. Memory is KiB, times microseconds unless a member
 * says otherwise; strings are NULL when absent. The codec (domain_codec.c and its neighbours) reads
 * and writes it, domain_default.c fills what is absent, domain_check.c judges.
 */
#pragma once

#include <glib.h>

#include "conf/domain_skep.h"
#include "util/strtab.h"

#define MEMORY_UNLIMITED G_GUINT64_CONSTANT (9007199254740991)  /* KiB; libvirt's "no limit" */

typedef enum { ON_OFF_ABSENT, ON_OFF_ON, ON_OFF_OFF, ON_OFF_LAST } OnOff;
typedef enum { YES_NO_ABSENT, YES_NO_YES, YES_NO_NO, YES_NO_LAST } YesNo;

typedef struct {
    char *name;
    char *value;
} NameValue;

/* ---- memtune, blkiotune, cputune, numatune */

typedef struct {
    guint64 hard_limit, soft_limit, swap_hard_limit, min_guarantee;
    gboolean hard_limit_set, soft_limit_set, swap_hard_limit_set, min_guarantee_set;
} DomainMemtune;

typedef struct {
    char *path;
    guint weight;
    guint64 read_bytes_sec, write_bytes_sec;
    guint read_iops_sec, write_iops_sec;
} BlkioDevice;

typedef struct {
    guint weight;           /* 0: none */
    GPtrArray *devices;     /* of BlkioDevice */
} DomainBlkiotune;

typedef struct {
    guint id;               /* of a vcpu or iothread */
    char *cpuset;           /* canonical list */
} CpuPin;

typedef enum { POLICY_NONE, POLICY_BATCH, POLICY_IDLE, POLICY_FIFO, POLICY_RR, POLICY_LAST } SchedPolicy;

typedef struct {
    char *ids;              /* of vcpus or iothreads: one of them, once the defaults are filled */
    guint policy;           /* SchedPolicy; POLICY_NONE: absent */
    int priority;           /* fifo, rr */
} SchedDef;

/* CFS limits: period 1000..1000000 us, 0: none; quota 1000..17592186044415 us, negative: no limit,
 * 0: none. */
typedef struct {
    guint64 period;
    gint64 quota;
} CpuQuota;

typedef struct {
    guint64 shares;         /* 2..262144 */
    gboolean shares_set;
    guint64 period;         /* of the container's vcpus; see CpuQuota */
    gint64 quota;
    CpuQuota global, emulator, iothread;
    GPtrArray *vcpupins;    /* of CpuPin, by id */
    char *emulatorpin;      /* canonical list */
    GPtrArray *iothreadpins;/* of CpuPin */
    SchedDef emulatorsched;
    GPtrArray *vcpuscheds, *iothreadscheds; /* of SchedDef, by id */
    GPtrArray *passive;     /* cachetune, memorytune */
} DomainCputune;

/* iothreads and iothreadids: no effect, but the ids are what others refer to. */
typedef struct {
    guint id;
    gboolean made;          /* not in the XML: one of those that the number asks for */
    int pool_min, pool_max; /* thread_pool_*, -1: absent */
} IothreadDef;

typedef enum { NUMA_STRICT, NUMA_PREFERRED, NUMA_INTERLEAVE, NUMA_RESTRICTIVE, NUMA_LAST } NumaMode;
typedef enum { PLACEMENT_NONE, PLACEMENT_STATIC, PLACEMENT_AUTO, PLACEMENT_LAST } Placement;

typedef struct {
    guint cellid;           /* cell of the guest */
    guint mode;             /* NumaMode */
    char *nodeset;          /* canonical list */
} NumaMemnode;

typedef struct {
    gboolean set;
    guint mode;             /* NumaMode */
    guint placement;        /* Placement */
    char *nodeset;          /* canonical list, "0-1,3" */
    GPtrArray *memnodes;    /* of NumaMemnode */
} DomainNumatune;

/* ---- os */

typedef struct {
    char *type;             /* exe */
    char *arch;
    char *machine;
    char *init;
    GPtrArray *initargs;    /* of char * */
    GPtrArray *initenv;     /* of NameValue */
    char *initdir, *inituser, *initgroup;
    char *cmdline;
} DomainOs;

/* ---- idmap */

typedef struct {
    guint start, target, count;
} IdmapEntry;

/* ---- features */

typedef enum { CAPS_DEFAULT, CAPS_ALLOW, CAPS_DENY, CAPS_POLICY_LAST } CapsPolicy;
#define CAPABILITY_LAST 41  /* Linux capabilities 0..40, chown to checkpoint_restore */

typedef struct {
    gboolean privnet;
    GPtrArray *passive;
    guint caps_policy;          /* CapsPolicy */
    guint caps[CAPABILITY_LAST];/* OnOff, index is the kernel's capability number */
} DomainFeatures;

/* XML names of the elements of <iotune>, index is IotuneValue. */
extern const StringTable iotune_names;
/* XML names of capabilities, index is the kernel's number. */
extern const StringTable capability_names;
/* Names of the enums below for messages. */
extern const StringTable fs_driver_names, net_type_names, controller_type_names, hostdev_type_names;

/* ---- clock */

typedef enum { CLOCK_UTC, CLOCK_LOCALTIME, CLOCK_VARIABLE, CLOCK_TIMEZONE, CLOCK_ABSOLUTE,
               CLOCK_LAST } ClockOffset;
typedef enum { TIMER_PLATFORM, TIMER_PIT, TIMER_RTC, TIMER_HPET, TIMER_TSC, TIMER_KVMCLOCK,
               TIMER_HYPERVCLOCK, TIMER_ARMVTIMER, TIMER_LAST } TimerName;

typedef struct {
    guint name;             /* TimerName */
    guint present;          /* YesNo */
    GPtrArray *passive;
} ClockTimer;

typedef struct {
    guint offset;           /* ClockOffset */
    char *adjustment;       /* "reset", or seconds */
    char *basis;            /* variable: utc, localtime */
    char *timezone, *start; /* timezone; absolute: seconds since 1970 */
    GPtrArray *timers;      /* of ClockTimer */
} DomainClock;

/* ---- lifecycle actions */

typedef enum { ACTION_DESTROY, ACTION_RESTART, ACTION_RENAME_RESTART, ACTION_PRESERVE,
               ACTION_COREDUMP_DESTROY, ACTION_COREDUMP_RESTART, ACTION_LAST } LifecycleAction;

/* ---- devices */

typedef enum {
    FS_MOUNT,
    FS_BLOCK,
    FS_FILE,
    FS_TEMPLATE,
    FS_RAM,
    FS_BIND,
    FS_VOLUME,
    FS_TYPE_LAST
} FsType;
typedef enum { FS_PASSTHROUGH, FS_MAPPED, FS_SQUASH, FS_ACCESS_LAST } FsAccess;
typedef enum { FS_DRIVER_DEFAULT, FS_DRIVER_PATH, FS_DRIVER_HANDLE, FS_DRIVER_LOOP, FS_DRIVER_NBD,
               FS_DRIVER_PLOOP, FS_DRIVER_VIRTIOFS, FS_DRIVER_LAST } FsDriver;
typedef enum { FS_WRPOLICY_DEFAULT, FS_WRPOLICY_IMMEDIATE, FS_WRPOLICY_LAST } FsWrpolicy;
typedef enum {
    FORMAT_NONE,
    FORMAT_RAW,
    FORMAT_QCOW2,
    FORMAT_QCOW,
    FORMAT_VMDK,
    FORMAT_VDI,
    FORMAT_VPC,
    FORMAT_QED,
    FORMAT_DIR,
    FORMAT_BOCHS,
    FORMAT_CLOOP,
    FORMAT_DMG,
    FORMAT_ISO,
    FORMAT_FAT,
    FORMAT_VHD,
    FORMAT_PLOOP,
    FORMAT_COW,
    FORMAT_LAST
} StorageFormat;

typedef struct {
    guint type;                     /* FsType */
    guint accessmode;               /* FsAccess */
    guint fmode, dmode;             /* octal, 0: absent */
    guint driver, format, wrpolicy;
    char *source;                   /* dir, dev, file, name by type */
    guint64 usage;                  /* ram: bytes */
    char *target;
    gboolean readonly;
    guint64 space_hard_limit, space_soft_limit; /* bytes */
    char *alias;                    /* live; stored when the user's own: "ua-..." */
    GPtrArray *passive;
} FsDef;

/* A container starts with the first two only. */
typedef enum { DISK_FILE, DISK_BLOCK, DISK_DIR, DISK_NETWORK, DISK_VOLUME, DISK_NVME, DISK_VHOSTUSER,
               DISK_TYPE_LAST } DiskType;
typedef enum { DISK_DEVICE_DISK, DISK_DEVICE_CDROM, DISK_DEVICE_FLOPPY, DISK_DEVICE_LUN,
               DISK_DEVICE_LAST } DiskDevice;
typedef enum {
    DISK_BUS_NONE,
    DISK_BUS_IDE,
    DISK_BUS_FDC,
    DISK_BUS_SCSI,
    DISK_BUS_VIRTIO,
    DISK_BUS_XEN,
    DISK_BUS_USB,
    DISK_BUS_UML,
    DISK_BUS_SATA,
    DISK_BUS_SD,
    DISK_BUS_LAST
} DiskBus;
typedef enum {
    DISK_CACHE_UNSET,
    DISK_CACHE_DEFAULT,
    DISK_CACHE_NONE,
    DISK_CACHE_WRITETHROUGH,
    DISK_CACHE_WRITEBACK,
    DISK_CACHE_DIRECTSYNC,
    DISK_CACHE_UNSAFE,
    DISK_CACHE_LAST
} DiskCache;

typedef struct {
    gboolean set;
    guint controller, bus, target, unit;
} DriveAddress;

/* Elements of <iotune>; 0 is none. */
typedef enum {
    IOTUNE_TOTAL_BYTES_SEC, IOTUNE_READ_BYTES_SEC, IOTUNE_WRITE_BYTES_SEC,
    IOTUNE_TOTAL_IOPS_SEC, IOTUNE_READ_IOPS_SEC, IOTUNE_WRITE_IOPS_SEC,
    IOTUNE_TOTAL_BYTES_SEC_MAX, IOTUNE_READ_BYTES_SEC_MAX, IOTUNE_WRITE_BYTES_SEC_MAX,
    IOTUNE_TOTAL_IOPS_SEC_MAX, IOTUNE_READ_IOPS_SEC_MAX, IOTUNE_WRITE_IOPS_SEC_MAX,
    IOTUNE_SIZE_IOPS_SEC,
    IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH, IOTUNE_READ_BYTES_SEC_MAX_LENGTH,
    IOTUNE_WRITE_BYTES_SEC_MAX_LENGTH, IOTUNE_TOTAL_IOPS_SEC_MAX_LENGTH,
    IOTUNE_READ_IOPS_SEC_MAX_LENGTH, IOTUNE_WRITE_IOPS_SEC_MAX_LENGTH,
    IOTUNE_LAST
} IotuneValue;

typedef struct {
    guint64 value[IOTUNE_LAST];     /* index IotuneValue; bytes, operations, seconds */
    char *group_name;
} DiskIotune;

typedef struct {
    guint type;                     /* DiskType */
    guint device;                   /* DiskDevice */
    char *driver_name;              /* loop, nbd, or NULL */
    guint format;                   /* StorageFormat */
    guint cache;                    /* DiskCache */
    char *source;
    char *target;                   /* sda */
    guint bus;                      /* DiskBus */
    DiskIotune iotune;
    gboolean readonly;
    DriveAddress address;
    char *alias;                    /* live; stored when the user's own: "ua-..." */
    GPtrArray *passive;
} DiskDef;

typedef enum {
    CONTROLLER_IDE,
    CONTROLLER_FDC,
    CONTROLLER_SCSI,
    CONTROLLER_SATA,
    CONTROLLER_VIRTIO_SERIAL,
    CONTROLLER_CCID,
    CONTROLLER_USB,
    CONTROLLER_PCI,
    CONTROLLER_XENBUS,
    CONTROLLER_ISA,
    CONTROLLER_LAST
} ControllerType;

typedef struct {
    guint type;                     /* ControllerType */
    int index;                      /* -1: not given; the defaults give one */
    GPtrArray *passive;
} ControllerDef;

typedef enum {
    NET_USER,
    NET_ETHERNET,
    NET_VHOSTUSER,
    NET_SERVER,
    NET_CLIENT,
    NET_MCAST,
    NET_NETWORK,
    NET_BRIDGE,
    NET_INTERNAL,
    NET_DIRECT,
    NET_HOSTDEV,
    NET_UDP,
    NET_VDPA,
    NET_NULL,
    NET_VDS,
    NET_TYPE_LAST
} NetType;
typedef enum {
    MACVTAP_VEPA,
    MACVTAP_PRIVATE,
    MACVTAP_BRIDGE,
    MACVTAP_PASSTHROUGH,
    MACVTAP_LAST
} MacvtapMode;
typedef enum {
    VPORT_NONE,
    VPORT_8021QBG,
    VPORT_8021QBH,
    VPORT_OVS,
    VPORT_MIDONET,
    VPORT_LAST
} VportType;
typedef enum { LINK_DEFAULT, LINK_UP, LINK_DOWN, LINK_LAST } LinkState;

typedef struct {
    char *address;
    char *family;                   /* ipv4, ipv6 */
    gint prefix;                    /* -1: absent */
    char *peer;
} NetIp;

typedef struct {
    char *family, *address, *netmask, *gateway;
    gint prefix;                    /* -1: absent */
    guint metric;                   /* 0: absent */
} NetRoute;

/* The length of the prefix, also where only a netmask or nothing is given. */
guint net_ip_prefix (const NetIp *ip);
guint net_route_prefix (const NetRoute *route);

typedef enum { NATIVE_VLAN_NONE, NATIVE_VLAN_TAGGED, NATIVE_VLAN_UNTAGGED, NATIVE_VLAN_LAST } NativeVlan;

typedef struct {
    guint64 average, peak, burst, floor;    /* kilobytes a second; burst kilobytes; 0: absent */
} NetRate;

typedef struct {
    gboolean set;                   /* the element was there */
    guint type;                     /* VportType */
    gboolean managerid_set, typeid_set, typeidversion_set;
    guint managerid, typeid_, typeidversion;
    char *instanceid, *profileid, *interfaceid;
} NetVport;

typedef struct {
    guint type;                     /* NetType */
    char *mac;
    gboolean mac_generated;
    char *source;                   /* network, bridge or dev by type */
    char *portgroup;
    guint mode;                     /* MacvtapMode, direct only */
    GPtrArray *host_ips, *host_routes;  /* in <source>, ethernet only; NetIp, NetRoute */
    GArray *vlan_tags;              /* of guint */
    gboolean vlan_trunk;
    guint vlan_native_mode;         /* NativeVlan: of the tag vlan_native */
    guint vlan_native;              /* index into vlan_tags */
    NetVport vport;
    NetRate inbound, outbound;
    guint isolated;                 /* YesNo of <port isolated=> */
    GPtrArray *ips, *routes;        /* guest side: NetIp, NetRoute */
    char *script;
    char *ifname;                   /* <target dev>: host side */
    guint target_managed;           /* YesNo: whether we make it; ethernet */
    gboolean managed;               /* hostdev */
    char *guest_ifname;             /* <guest dev> */
    char *guest_actual;             /* <guest actual>: status only */
    char *filter;
    GPtrArray *filter_params;       /* of NameValue */
    guint linkstate;                /* LinkState: down, the guest's end is left to the guest */
    gboolean link_cut;              /* set down while it ran: the host's end is down. <link cut>: status only */
    guint mtu;                      /* 0: absent */
    char *alias;                    /* live; stored when the user's own: "ua-..." */
    GPtrArray *passive;
} NetDef;

typedef struct {
    gboolean type_pty;              /* type='pty', the only one Skep starts */
    char *type;                     /* as written: pty, file, ... */
    char *source_path;              /* live: host pty or socket path */
    char *tty;                      /* live */
    char *log_file;                 /* <log file= append=> */
    guint log_append;               /* OnOff */
    char *target_type;              /* lxc */
    guint port;
    char *alias;                    /* live */
    GPtrArray *passive;
} ConsoleDef;

typedef enum {
    HOSTDEV_USB,
    HOSTDEV_STORAGE,
    HOSTDEV_MISC,
    HOSTDEV_NET,
    HOSTDEV_PCI,                    /* this and the rest mean nothing to a container */
    HOSTDEV_SCSI,
    HOSTDEV_SCSI_HOST,
    HOSTDEV_MDEV,
    HOSTDEV_TYPE_LAST
} HostdevType;

typedef struct {
    guint type;                     /* HostdevType */
    guint managed;                  /* YesNo */
    char *path;                     /* storage: block, misc: char device */
    char *interface;                /* net */
    guint vendor, product;          /* usb, 0: absent */
    guint bus, device;              /* usb, 0: absent */
    gboolean auto_address;          /* usb, live: these two were found by vendor and product */
    GPtrArray *ips, *routes;        /* net: NetIp, NetRoute */
    char *alias;                    /* live; stored when the user's own: "ua-..." */
    GPtrArray *passive;
} HostdevDef;

typedef enum {
    MEMBALLOON_ABSENT,
    MEMBALLOON_VIRTIO,
    MEMBALLOON_XEN,
    MEMBALLOON_NONE,
    MEMBALLOON_VIRTIO_TRANSITIONAL,
    MEMBALLOON_VIRTIO_NON_TRANSITIONAL,
    MEMBALLOON_LAST
} MemballoonModel;

typedef struct {
    guint model;                    /* MemballoonModel; no effect on a container */
    GPtrArray *passive;
} MemballoonDef;

/* ---- seclabel, resource, lxc:namespace */

typedef enum {
    SECLABEL_DEFAULT,
    SECLABEL_NONE,
    SECLABEL_DYNAMIC,
    SECLABEL_STATIC,
    SECLABEL_LAST
} SeclabelType;

typedef struct {
    guint type;                     /* SeclabelType */
    char *model;
    guint relabel;                  /* YesNo */
    char *label, *imagelabel, *baselabel;
} SeclabelDef;

typedef enum { SHARE_NET, SHARE_IPC, SHARE_UTS, SHARE_LAST } ShareNs;
typedef enum { SHARE_SOURCE_NONE, SHARE_SOURCE_NAME, SHARE_SOURCE_PID, SHARE_SOURCE_NETNS,
               SHARE_SOURCE_LAST } ShareSource;

typedef struct {
    gboolean set;
    guint source;                   /* ShareSource */
    char *value;
} NamespaceShare;

/* ---- the domain */

typedef struct {
    int id;                         /* controller's pid, -1 when not running */
    char *foreign_type;             /* of another hypervisor: refused by the checks; else NULL */
    char *name;
    guint8 uuid[16];
    gboolean uuid_set;
    char *title, *description;
    char *metadata;                 /* the whole element as written, domain_metadata.h */
    guint64 memory;                 /* maximum */
    guint64 current_memory;
    DomainBlkiotune blkiotune;
    DomainMemtune memtune;
    guint vcpus;
    guint vcpus_current;            /* 0: all; no effect */
    gboolean vcpus_none;            /* current='0' was asked for; no effect */
    guint vcpu_placement;           /* Placement */
    char *cpuset;                   /* canonical list */
    guint iothreads;
    GPtrArray *iothread_ids;        /* of IothreadDef, in the order given */
    DomainCputune cputune;
    DomainNumatune numatune;
    char *partition;                /* <resource><partition> */
    DomainOs os;
    GPtrArray *uid_map, *gid_map;   /* of IdmapEntry, sorted by start */
    DomainFeatures features;
    DomainClock clock;
    guint on_poweroff, on_reboot, on_crash;     /* LifecycleAction */
    char *emulator;
    GPtrArray *disks;               /* of DiskDef */
    GPtrArray *controllers;         /* of ControllerDef */
    GPtrArray *filesystems;         /* of FsDef */
    GPtrArray *nets;                /* of NetDef */
    GPtrArray *consoles;            /* of ConsoleDef */
    GPtrArray *hostdevs;            /* of HostdevDef */
    MemballoonDef memballoon;
    GPtrArray *seclabels;           /* of SeclabelDef */
    NamespaceShare shares[SHARE_LAST];
    DomainSkep *skep;               /* NULL: nothing is said */
    GPtrArray *passive;             /* what has no effect, passive.h; NULL when there is nothing */
    GPtrArray *ignored;             /* of char *: paths of what was in the XML and is not here */
    GError *later;                  /* what the codec found that the checks say at its time; NULL */
    guint later_stage;              /* CodecStage */
} DomainDef;

/* What defaults need to know of the host; gathered once by the daemon, so that conf does no I/O. */
typedef struct {
    const char *arch;               /* x86_64 */
    const char *arch32;             /* i686, or NULL */
    const char *emulator;           /* path of skep-controller */
    const char *label_model;        /* selinux, apparmor, none */
} DomainDefaults;

typedef enum {
    DOMAIN_PARSE_VALIDATE = 1 << 0, /* against schemas/domain.rng first */
    DOMAIN_PARSE_LIVE = 1 << 1,     /* live-only parts are read: id, alias, tty, actual */
    DOMAIN_PARSE_MEANT = 1 << 2,    /* of a device: says which one is meant, need not be one by itself */
} DomainParseFlags;

typedef enum {
    DOMAIN_FORMAT_INACTIVE = 1 << 0,/* hide live-only and generated parts */
    DOMAIN_FORMAT_STATUS = 1 << 1,  /* everything, for status files */
    DOMAIN_FORMAT_SECURE = 1 << 2,  /* passwords, too */
    DOMAIN_FORMAT_SAVED = DOMAIN_FORMAT_INACTIVE | DOMAIN_FORMAT_SECURE,    /* for the next daemon to read */
} DomainFormatFlags;

/* Parses, fills defaults, checks. Errors: libvirt's code with element, line and path in the
 * text. */
DomainDef *domain_def_parse (const char *xml, gsize size, const DomainDefaults *defaults,
                             guint flags, GError **error);
char *domain_def_format (const DomainDef *def, guint flags);
DomainDef *domain_def_copy (const DomainDef *def);
/* Leaves out what libvirt leaves out of a migratable description. domain_migratable.c */
void domain_def_make_migratable (DomainDef *def);
/* Paths of what the definition says, or its XML said, and a container ignores (char *):
 * "/domain/devices/sound". */
GPtrArray *domain_def_passive (const DomainDef *def);
/* Nothing set but the id (-1); every array exists, as it does after parsing. */
DomainDef *domain_def_new (void);
void domain_def_free (DomainDef *def);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DomainDef, domain_def_free)

/* The host name inside: <skep:hostname>, or made of the domain's name. The caller frees. */
char *domain_hostname (const DomainDef *def);

/* 8-4-4-4-12 hexadecimal digits, or 32 of them; FALSE leaves @uuid alone. */
gboolean domain_uuid_parse (const char *text, guint8 uuid[16]);
void domain_uuid_format (const guint8 uuid[16], char text[37]);
void domain_uuid_generate (guint8 uuid[16]);    /* random, version 4 */

/* What every name must be, wherever it comes from: not empty, at most DOMAIN_NAME_MAX bytes, no
 * '/', no control character, not "." or "..": it becomes a file name and a cgroup's. */
#define DOMAIN_NAME_MAX 200
gboolean domain_name_check (const char *name, GError **error);

/* ---- the status file of a running domain */

typedef struct {
    guint version;                  /* of the file's layout; 1 */
    int state, reason;              /* virDomainState and its reason */
    int pid, init_pid;
    guint64 pid_start, init_start;  /* clock ticks, /proc/PID/stat field 22 */
    guint64 steps_begun;            /* one bit per start step */
    guint64 start_time;             /* CLOCK_REALTIME us */
    gboolean autodestroy;
    int exit_status;                /* wait status of init, -1 none */
    GPtrArray *cgroups;             /* of char *: "hierarchy:path" of the container's own group */
    GPtrArray *facts;               /* of NameValue: what steps need for their undo */
    DomainDef *def;                 /* the live definition */
    DomainDef *next;                /* transient: NULL */
} DomainStatus;

DomainStatus *domain_status_parse (const char *xml, gsize size, const DomainDefaults *defaults,
                                   GError **error);
/* Nothing set but exit_status (-1); the arrays exist, def is NULL. */
DomainStatus *domain_status_new (void);
char *domain_status_format (const DomainStatus *status);
void domain_status_free (DomainStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DomainStatus, domain_status_free)
