/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of start steps. Order:
 *   - what only looks comes first, so that a plain mistake costs nothing and needs no undo;
 *   - the owners of the root's files after the log, which says that they change;
 *   - labels before devices and links, which get them;
 *   - devices and links before the controller, since the plan that it is given names them;
 *   - the scope and the cgroup after the controller: systemd makes no scope without a process, and
 *     a group is named by the controller's pid. Nothing of the container exists before the cgroup
 *     does: the controller waits for it before it clones init;
 *   - machined after init, which it asks for; all of it before CONTINUE, so that nothing of the
 *     guest runs unless its surroundings are complete.
 * Undo is the same backwards. Every process is gone before the first thing it uses is taken away,
 * because the undo of the later steps ends them.
 *
 * `bit` is the step's place in status files: never given to another step.
 */
#include "driver/start_private.h"

const StartStep start_steps[] = {
    { 0, "check", FALSE, 0, NULL, step_check, NULL },
    { 1, "hook-prepare", TRUE, 60000, hooks_needed, step_hook_prepare, undo_hook_prepare },
    { 14, "pre-start", TRUE, 60000, own_hooks_needed, step_pre_start, undo_pre_start },
    { 2, "log", FALSE, 0, NULL, step_log, NULL },
    { 16, "ids", FALSE, 3600000, ids_needed, step_ids, undo_ids },
    { 3, "labels", FALSE, 0, labels_needed, step_labels, undo_labels },
    { STEP_DEVICES_BIT, "devices", FALSE, 0, devices_needed, step_devices, undo_devices },
    { STEP_LINKS_BIT, "links", FALSE, 0, links_needed, step_links, undo_links },
    { 6, "hook-start", TRUE, 60000, hooks_needed, step_hook_start, undo_hook_start },
    { 7, "controller", TRUE, 0, NULL, step_controller, undo_controller },
    { 8, "scope", TRUE, 0, systemd_needed, step_scope, undo_scope },
    { 9, "cgroup", FALSE, 0, NULL, step_cgroup, undo_cgroup },
    { 10, "init", FALSE, 0, NULL, step_init, undo_run },
    { 11, "machine", FALSE, 0, systemd_needed, step_machine, undo_machine },
    { 15, "start-host", FALSE, 60000, start_host_needed, step_start_host, NULL },
    { 12, "run", FALSE, 0, NULL, step_run, undo_run },
    { 13, "hook-started", FALSE, 60000, hooks_needed, step_hook_started, NULL },
};
const guint n_start_steps = G_N_ELEMENTS (start_steps);
