/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files that start, end and re-adopt containers; nobody else includes it. */
#pragma once

#include "driver/instance.h"
#include "driver/lifecycle.h"
#include "driver/planner.h"

#define NOTE_GROUP "cgroup"             /* path of the base group in every hierarchy */
#define NOTE_SCOPE "scope"              /* unit */
#define NOTE_SCOPE_PATH "scope-path"    /* its group */
#define NOTE_MACHINE "machine"

/* ---- readopt_lost.c */

/* Who listens on the monitor socket @path; 0 nobody, and then a socket file is removed. */
pid_t monitor_listener (const char *path);
/* Gives @readopt a status of every container that runs without one. */
void domains_find_lost (DomainList *list, void (*readopt) (DomainStatus *status, gpointer data));

/* ---- start_kill.c */

/* Takes @pidfd: the controller's end is seen from now on. */
void instance_watch_controller (Instance *instance, int pidfd);
/* Of a container with network devices of the host's keeps the network namespace, until its end has given them back.
 * links_return.c */
void links_keep (Instance *instance);
/* The one of @alone (domain_device_alone()) is about to enter; and it is in the live definition, or did not. */
void links_coming (Instance *instance, const DomainDef *alone, guint64 identity);
void links_came (Instance *instance);
/* The end of a task for which an undo waits; @data is a ticket. */
void links_gone (gpointer result, GError *error, gpointer data);
/* Gives them back. FALSE: there are none, and instance_resume() will not be called. */
gboolean links_return (Instance *instance);
#define STEP_LINKS_BIT 5        /* whose undo that is */
gboolean instance_controller_alive (const Instance *instance);
/* Its init does nothing any more, whether or not that has been told of. */
gboolean instance_init_ends (const Instance *instance);
/* For undo: STEP_DONE when neither controller nor guest has a process left, else escalates. */
StepResult instance_end_processes (Instance *instance);
/* Calls instance_resume() a little later, later each time. */
void instance_retry (Instance *instance);

/* ---- start_prepare.c: what comes before the controller */

/* What a start sets in the live definition and the stored one does not have. */
void domain_complete_live_def (DomainDef *def);
StepResult step_check (Instance *instance, GError **error);
gboolean hooks_needed (Instance *instance);
gboolean own_hooks_needed (Instance *instance);
StepResult step_pre_start (Instance *instance, GError **error);
StepResult undo_pre_start (Instance *instance);
gboolean start_host_needed (Instance *instance);
StepResult step_start_host (Instance *instance, GError **error);
StepResult step_hook_prepare (Instance *instance, GError **error);
StepResult undo_hook_prepare (Instance *instance);
StepResult step_hook_start (Instance *instance, GError **error);
StepResult undo_hook_start (Instance *instance);
StepResult step_hook_started (Instance *instance, GError **error);

/* ---- start_log.c */

StepResult step_log (Instance *instance, GError **error);

/* ---- start_labels.c */

gboolean labels_needed (Instance *instance);
/* What generating has given a container that runs, into its live definition. */
void labels_recover (DomainDef *def, pid_t init);
StepResult step_labels (Instance *instance, GError **error);
StepResult undo_labels (Instance *instance);

/* ---- start_ids.c */

gboolean ids_needed (Instance *instance);
StepResult step_ids (Instance *instance, GError **error);
StepResult undo_ids (Instance *instance);
void ids_work_unref (IdsWork *work);
/* Into both logs: a mount that is shown with the ids of the host. */
void ids_say_kept (Instance *instance, const FsDef *fs);

/* ---- start_links.c */

gboolean links_needed (Instance *instance);
StepResult step_links (Instance *instance, GError **error);
StepResult undo_links (Instance *instance);

/* ---- start_devices.c */

#define STEP_DEVICES_BIT 4      /* of start_steps[]: also set for images that come later */
gboolean devices_needed (Instance *instance);
void device_work_unref (DeviceWork *work);
/* Images that are being attached, by a start or to what runs: given up, and their servers killed. */
void device_works_end (Instance *instance);
StepResult step_devices (Instance *instance, GError **error);
StepResult undo_devices (Instance *instance);

/* ---- start_controller.c */

StepResult step_controller (Instance *instance, GError **error);
StepResult undo_controller (Instance *instance);
StepResult step_init (Instance *instance, GError **error);
StepResult step_run (Instance *instance, GError **error);
StepResult undo_run (Instance *instance);
/* Connects to the monitor socket. */
gboolean instance_connect_monitor (Instance *instance, GError **error);

/* ---- start_cgroup.c */

gboolean systemd_needed (Instance *instance);
StepResult step_scope (Instance *instance, GError **error);
StepResult undo_scope (Instance *instance);
/* To @paths, of char *: "hierarchy:path" of the group @base in every hierarchy. */
void group_paths_add (GPtrArray *paths, const char *base);
StepResult step_cgroup (Instance *instance, GError **error);
StepResult undo_cgroup (Instance *instance);
StepResult step_machine (Instance *instance, GError **error);
StepResult undo_machine (Instance *instance);
/* Takes a group that could not be removed in time, and goes on trying. */
void cgroup_leave (Cgroup *cgroup);

/* ---- start.c */

/* As a client's destroy, by a job of the daemon's own. */
void domain_destroy_itself (Domain *domain, const char *why);
/* Every step is done: the container runs for its clients. */
void instance_started (Instance *instance, LifeEvent event);

/* ---- start_end.c */

/* Something ended without being asked by a client: EXIT came, or the controller is gone. */
void instance_ended (Instance *instance);
/* Goes on with the end and the new start that an earlier daemon had begun. */
void instance_restart (Instance *instance, Job *job);
/* After everything was undone: applies @event, answers whoever waits, ends the end's job, frees. */
void instance_close (Instance *instance, LifeEvent event);
/* The walk back of a destroy or of an end is over. */
void instance_finish (Instance *instance);
/* Answers those who wait for the end. Takes nothing. */
void stop_waiters_answer (GSList *waiters, Domain *domain);

typedef struct {
    InstanceDone done;
    gpointer data;
} StopWaiter;
