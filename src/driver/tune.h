/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits of CPUs, NUMA nodes and block devices: what a definition means for the control group of its
 * container, at the start and when it changes.
 *
 * A container has no vcpus of its own. Its CPUs are those of <vcpu cpuset=>. Where vcpus are pinned
 * they are those of all pins together, of the vcpus that are online; where fewer are online than there
 * are, as many of the CPUs as that, which ones by the domain's uuid. The emulator is the controller.
 */
#pragma once

#include "driver/instance.h"
#include "driver/params.h"

/* The CPUs, as a list; NULL: all that there are. The caller frees. */
char *tune_cpus (const DomainDef *def);
/* The nodes that memory must come from; NULL: any. Other modes than strict are a policy of memory
 * (planner.c), which only a start can set. */
const char *tune_nodes (const DomainDef *def);
/* KiB, MEMORY_UNLIMITED: none. */
guint64 tune_memory (const DomainDef *def);
/* Memory as a definition has it, in KiB, and as control groups do, in bytes: with either's word for "no limit". */
guint64 tune_bytes (guint64 kib);
guint64 tune_kib (guint64 bytes);
/* Processes; 0: no limit. */
guint64 tune_pids (const DomainDef *def);

/* What can be said of one block device of the host, and libvirt's names for it. */
typedef enum { DEVICE_WEIGHT, READ_IOPS, WRITE_IOPS, READ_BYTES, WRITE_BYTES } BlkioKind;
#define BLKIO_LAST (WRITE_BYTES + 1)
extern const StringTable blkio_names;

/* Of CgroupBlkio: what the definition says of the block devices that are there, each once. */
GArray *tune_block_rules (const Instance *instance, const DomainDef *def);
/* "read_bytes_sec=1048576 ...", "" for none. */
char *tune_rule_text (const CgroupBlkio *rule);

/* What has to be written into the control group, which is now as @from says (NULL: as it was made), so that
 * it is as @to says. Made on the main loop, run by any thread: writing waits for memory that moves to other
 * nodes, and for requests that a block device has under way. What the kernel made of a value otherwise is
 * warned of. A failure may leave some of it done. @must: a block device of which @to says something new has
 * to be there; without, as on a way back, it gets nothing. */
typedef struct TuneWork TuneWork;
TuneWork *tune_work_new (const Instance *instance, const DomainDef *from, const DomainDef *to, gboolean must,
                         GError **error);
gboolean tune_work_needed (const TuneWork *work);
/* Whether it waits for block devices: else, where nothing runs in the group yet, it waits for nothing. */
gboolean tune_work_devices (const TuneWork *work);
gboolean tune_work_run (TuneWork *work, GError **error);
void tune_work_free (TuneWork *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TuneWork, tune_work_free)

/* Whether the block devices that @def has limits for are there. */
gboolean tune_check_devices (const DomainDef *def, GError **error);

/* The CPUs of the controller: where they differ from what @from says, and in any case. */
gboolean tune_emulator (Instance *instance, const DomainDef *from, const DomainDef *to, GError **error);
gboolean tune_emulator_set (Instance *instance, const DomainDef *def, GError **error);

/* Changes a definition as @request says; it is judged afterwards. */
typedef gboolean (*TuneEdit) (DomainDef *def, gconstpointer request, GError **error);
/* Puts what the kernel made of it, which @written has, into the definition that becomes the live one. */
typedef void (*TuneTake) (const Call *call, DomainDef *def, const TuneWork *written);
/* Tells of a change that is done. */
typedef void (*TuneTell) (Call *call, Affect affect);

typedef struct {
    Affect affect;
    DomainDef *live, *config;   /* as they shall be; NULL: stays */
    TuneWork *forward, *back;   /* into the running container's group, and what undoes that */
    TuneTake take;              /* NULL: the definition has it already */
    TuneTell tell;              /* NULL: nobody is told */
} TuneOrder;

/* Does it, all of it or nothing: notes in the status file what there was (tune_note.h), writes the limits by a task,
 * saves, and tells. Takes what @order points to. What it returns is the handler's answer. */
ApiResult tune_order_run (Call *call, const TuneOrder *order, GError **error);
/* The change in what @affect names: edits copies, and does the difference. */
ApiResult tune_change (Call *call, Affect affect, TuneEdit edit, gconstpointer request, TuneTell tell,
                       GError **error);
/* A copy of @def with that change. NULL with error. */
DomainDef *tune_edited (const DomainDef *def, TuneEdit edit, gconstpointer request, GError **error);
