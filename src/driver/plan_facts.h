/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the planner must know of the host for one container. plan_facts_gather() looks, on a pool
 * thread, and refuses what cannot work with a clear error before anything is made; later start
 * steps add what they made (loop devices, links, labels). The planner itself does no I/O.
 */
#pragma once

#include <glib.h>

#include "conf/domain.h"

typedef struct {
    gboolean set;
    gboolean block;             /* else a character device */
    guint major, minor;
    guint mode;                 /* permission bits on the host */
    guint64 link;               /* of a network device, which has no numbers: netdev_identity(); 0 unknown */
} PlanDevice;

/* The kernel's numbers of USB devices: 128 a bus, both counted from 1. */
#define PLAN_USB_BUS(minor) ((minor) / 128 + 1)
#define PLAN_USB_DEVICE(minor) ((minor) % 128 + 1)

/* of one <filesystem> */
typedef struct {
    gboolean directory;         /* of a bind: a directory, else a file */
    char *device;               /* host path of the block device (block, or file once attached) */
    char *fstype;               /* of the device */
    PlanDevice numbers;
    gboolean guest_ids;         /* a bind whose files have the container's host ids on disk already */
    gboolean keeps_ids;         /* a bind of a file system without id-mapped mounts */
} PlanFs;

/* a network device that goes into the container */
typedef struct {
    char *host_name;            /* of the end that moves */
    guint ifindex;
    char *guest_name;
    const NetDef *net;          /* addresses and routes; or of a <hostdev> */
    const HostdevDef *hostdev;
} PlanLink;

typedef struct {
    const char *arch32;         /* static text, NULL none */
    guint cap_last;
    gboolean idmap;             /* has a user namespace */
    guint root_uid, root_gid;   /* host ids of the container's root */
    GArray *fs;                 /* of PlanFs, as def->filesystems */
    GArray *mounts;             /* of PlanFs, as def->skep->mounts; empty without */
    GBytes *seccomp;            /* the compiled filter; NULL none */
    char *seccomp_unknown;      /* calls of its profile that nobody knows, with their lines; NULL none */
    GArray *disks;              /* of PlanDevice, as def->disks */
    GArray *hostdevs;           /* of PlanDevice, as def->hostdevs */
    PlanDevice rtc, hpet;
    gboolean securityfs, selinuxfs;     /* mounted on the host */
    int shares[SHARE_LAST];     /* descriptors of namespaces to join, -1 none; owned */
    GPtrArray *links;           /* of PlanLink */
} PlanFacts;

/* Where the facts are looked for; copied by the caller for the thread. */
typedef struct {
    const DomainDef *def;       /* nobody writes to it meanwhile */
    const char *arch32;
    guint cap_last;
    const char *helper;         /* path of skep-helper */
} PlanQuestion;

PlanFacts *plan_facts_new (const DomainDef *def);
/* Any thread; touches nothing shared. NULL with ERR_SYSTEM, ERR_CONFIG_UNSUPPORTED, ... */
PlanFacts *plan_facts_gather (const PlanQuestion *question, GError **error);
/* The same for the devices alone of a container that runs: nothing of its root and init. */
PlanFacts *plan_facts_devices (const DomainDef *def, const char *helper, GError **error);
void plan_facts_free (PlanFacts *facts);
/* Of PlanFs, @n of them with nothing in them, which own what comes in. */
GArray *plan_fs_array (guint n);
/* Takes up a link that goes into the container: @net or @hostdev is what it comes of. */
void plan_facts_add_link (PlanFacts *facts, const char *host_name, int ifindex, const char *guest_name,
                          const NetDef *net, const HostdevDef *hostdev);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PlanFacts, plan_facts_free)

/* The host id of a container's id: FALSE when the map does not have it. */
gboolean plan_map_id (const GPtrArray *map, guint guest, guint *ret_host);

/* Whether @source has its owner among the host ids of the map, as LXC and libvirt leave the files of a
 * container with one. An identity tells nothing. */
gboolean plan_has_guest_ids (const DomainDef *def, const char *source);

/* plan_facts_skep.c: what <skep:container> names on the host; the seccomp filter. */
gboolean plan_facts_skep (const DomainDef *def, PlanFacts *facts, GError **error);

/* Whether a bind of @source is shown through the id map of its container at all: not the host's own
 * root, and not of necessity what the kernel makes up. In planner_mounts.c. */
gboolean plan_wants_idmap (const char *source);

/* Looks at init in the container's root (an open directory) as the kernel will: the reason it
 * cannot be executed there, with ERR_SYSTEM and the path. In plan_init.c. */
gboolean plan_check_init (int root, const char *init, GError **error);
