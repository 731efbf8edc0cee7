/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting and stopping containers: the table of reversible steps and its runner. */
#pragma once

#include "driver/domains.h"
#include "rpc/server.h"

typedef void (*InstanceDone) (Domain *domain, const GError *error, gpointer data);

typedef struct {
    DomainDef *def;             /* taken; started instead of the domain's own definition, NULL: that */
    gboolean autodestroy;
    guint64 client_id;          /* of autodestroy */
    const int *fds;             /* duplicated; become 3, 4, ... of init */
    guint n_fds;
} StartOptions;

/* The caller holds the job. @done is called once, after success or complete undo; perhaps before
 * this returns. A transient domain whose start fails has left the list by then. */
void domain_start (Domain *domain, const StartOptions *options, InstanceDone done, gpointer data);
/* Kills and cleans up; cancels a start or a reboot that is under way. ERR_OPERATION_INVALID "domain
 * is not running". */
void domain_destroy (Domain *domain, InstanceDone done, gpointer data);
/* Undoes a start, also one of a restart: it fails with ERR_OPERATION_ABORTED. FALSE: none is under way. */
gboolean domain_abort_start (Domain *domain);
/* Kills and cleans up as destroy, then starts the same running definition again, under another id: running
 * for its clients all the time. A paused one runs afterwards. The caller holds a START job, so a destroy
 * cancels it: ERR_OPERATION_ABORTED. */
void domain_reset (Domain *domain, InstanceDone done, gpointer data);
/* Orderly stop or reboot: delivered (or queued until init is ready), does not wait for the end.
 * @flags are virDomainShutdownFlagValues (4 initctl, 8 signal; 0: by kind of init). */
void domain_halt (Domain *domain, gboolean reboot, guint flags, InstanceDone done, gpointer data);
void domain_suspend (Domain *domain, InstanceDone done, gpointer data);
void domain_resume (Domain *domain, InstanceDone done, gpointer data);
/* Attaches a console client: a connected stream socket to the controller's ring. -1 with error. */
void domain_console (Domain *domain, const char *alias, guint flags,
                     void (*done) (Domain *domain, int fd, const GError *error, gpointer data), gpointer data);
/* After a daemon start: re-attach to what runs, clean up what was cut short. */
void domains_readopt (DomainList *list);
/* Once a boot. */
void domains_autostart (DomainList *list);
/* How the last init ended, for people: "exited with status 7", "was killed by signal 9". */
char *domain_last_exit_text (const Domain *domain);
/* The daemon ends: forgets every container without touching it; its successor readopts them. */
void domains_release (DomainList *list);
/* Destroys domains started with autodestroy by a client that has gone. */
void domains_client_gone (DomainList *list, guint64 client_id);
