/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the host makes for a container's devices: loop and nbd devices for files, links. Shared by the steps of a
 * start and the changes of what runs. May block: for pool threads, unless it says "main loop".
 */
#pragma once

#include "driver/instance.h"
#include "driver/plan_facts.h"
#include "host/link.h"
#include "host/nbd.h"

#define NOTE_LINKS "links"      /* names of host ends, blank separated */

/* What was found out or attached; the images' descriptors keep their devices until the container has them. */
typedef struct {
    GArray *fs;                 /* of PlanFs, as def->filesystems */
    GArray *disks;              /* of PlanDevice, as def->disks */
    GArray *images;             /* of int */
    GArray *servers;            /* of NbdProcess */
} DeviceResult;

/* A failure leaves nothing. @server: host_server_init(). */
DeviceResult *host_devices_attach (const DomainDef *def, const NbdServer *server, GError **error);
/* Frees it, and gives the servers of its images, which nobody else has then, time to end: the next one who wants an
 * image can have it. NULL is fine. */
void host_devices_give_up (DeviceResult *result);
/* Moves what was found out to @facts of the same definition. */
void host_devices_take (DeviceResult *result, PlanFacts *facts);
void device_result_free (DeviceResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeviceResult, device_result_free)

/* ---- host_images.c */

typedef struct {
    const char *what, *name;    /* for errors: "disk", "vda" */
    const char *file;
    const char *driver;         /* loop, nbd; NULL: by the format */
    guint format;               /* StorageFormat */
    gboolean readonly, no_cache, cache_unsupported;
} HostImage;

/* Adds to result->images and ->servers. */
gboolean host_image_attach (DeviceResult *result, const NbdServer *server, const HostImage *image, char **ret_path,
                            PlanDevice *ret, GError **error);
/* As the settings have it. Main loop. */
void host_server_init (NbdServer *server);
void host_server_clear (NbdServer *server);
/* Ends what an earlier daemon has left under way; a start that needs it waits for that. Main loop. */
void host_images_recover (void);
/* Those that serve are the instance's from now on. Main loop. */
void host_images_note (Instance *instance, const DeviceResult *result);
/* One of them has not ended yet: its image is not complete on disk, and nobody else can have it. */
gboolean host_images_served (const Instance *instance);

/* Unless it has a name inside of the container, gives @net the first ethN that nothing in @def has there. */
void guest_link_name (const DomainDef *def, NetDef *net);
/* A name that is free now for the host end, or for the macvlan, which is the host's until it has moved.
 * Main loop. */
char *host_link_choose (const NetDef *net);
/* Both ends, or nothing. */
gboolean host_link_make (const NetDef *net, const char *name, LinkPair *ret, GError **error);
/* With all that belongs to it; what has gone already is fine. */
gboolean host_link_delete (const char *name, GError **error);
