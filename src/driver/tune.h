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
/* Processes; 0: no limit. */
guint64 tune_pids (const DomainDef *def);

/* Makes the control group as @to says, which it is now as @from says (NULL: as it was made). A failure
 * may leave some of it done. */
gboolean tune_apply (Instance *instance, const DomainDef *from, const DomainDef *to, GError **error);

/* Changes a definition as @request says; it is judged afterwards. */
typedef gboolean (*TuneEdit) (DomainDef *def, gconstpointer request, GError **error);
/* The change in what @affect names, all of it or nothing: edits copies, applies the live one, saves. */
gboolean tune_change (Domain *domain, Affect affect, TuneEdit edit, gconstpointer request, GError **error);
