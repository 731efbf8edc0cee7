/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that come into a running container and leave it: two tables of reversible steps, as a start
 * has one (docs/hotplug.md). The caller holds the job of the domain.
 *
 * A change is noted in the status file before it makes anything, together with the device's document.
 * A daemon that finds such a note undoes what an attach had begun, and finishes a detach: in both cases
 * the device is then nowhere, neither in the container nor in a definition that the change was for. What
 * an update had begun it takes back (device_recover.c).
 */
#pragma once

#include "conf/domain_device.h"
#include "driver/host_devices.h"
#include "driver/instance.h"
#include "driver/plan_facts.h"
#include "util/task.h"

typedef void (*DeviceChanged) (Domain *domain, const GError *error, gpointer data);

/* Both take @config (NULL: none), the definition that replaces the saved one when all went well; when
 * anything fails, nothing of it happens. @job is the caller's, and yields to a destroy while the helper is
 * in the container, which may keep it there. @done is called once, perhaps before this returns. */
/* @device is copied; it has been judged, and found to fit the live definition. */
void device_attach (Domain *domain, Job *job, const DomainDevice *device, DomainDef *config,
                    DeviceChanged done, gpointer data);
/* The device @index of its kind's list in the live definition. */
void device_detach (Domain *domain, Job *job, DeviceKind kind, guint index, DomainDef *config,
                    DeviceChanged done, gpointer data);
/* After re-adoption: ends what an earlier daemon had begun. Makes a job of its own, but of a container that is gone
 * (not @alive), of which only definitions are left. */
void device_recover (Domain *domain, gboolean alive);

/* What a plan of a device that is there needs, without a look at the host, which may have lost the device. @alone:
 * domain_device_alone(). */
PlanFacts *device_recall_facts (const DomainDef *alone, DeviceKind kind, const PlanDevice *numbers);
/* Sends skep-helper into the container with the plan of that device: VERB PLAN-FD and, where it is not NULL, @more
 * (both literals), or the number of @extra, a descriptor that is taken, -1 none. @job yields, NULL: none. FALSE with
 * error: @done is never called. device_enter.c */
gboolean device_enter (Domain *domain, Job *job, const DomainDef *alone, const PlanFacts *facts, const char *verb,
                       const char *more, int extra, TaskDone done, gpointer data, GError **error);

/* That plan, as skep-helper takes it: a descriptor, -1 with error. */
int device_plan_fd (const DomainDef *alone, const PlanFacts *facts, GError **error);

/* ---- between device_change.c, the runner, device_steps.c, the tables, and device_recover.c */

#define NOTE_CHANGE "device-change"     /* "attach|detach live|config NUMBERS XML" */

typedef struct {
    Domain *domain;             /* a reference */
    guint64 serial;             /* of its instance */
    Job *job;                   /* NULL: does not yield */
    gboolean attach;
    DeviceKind kind;
    void *item;                 /* in @alone */
    DomainDef *alone;           /* the live definition with this device alone */
    DomainDef *config;          /* what is saved when it is @config's turn, then what was before */
    char *config_text;          /* of the saved one that @config replaces */
    gboolean for_config, config_saved, left, widened, narrowed;
    char *alias;
    PlanFacts *facts;
    GArray *images;              /* of int: until the controller has them */
    NbdServers *servers;        /* while they are attached */
    guint look_timer;           /* source id */
    char *host_end;             /* name of a link's end that stays here, "" none */
    GPtrArray *controllers;     /* the live definition's as they were without it, to tell them apart only; NULL */

    const struct DeviceStep *steps;
    guint n_steps, step, begun; /* bits of steps */
    gboolean undoing, recovering, final;
    gboolean in_step, early;    /* inside a step's function; went on before that had answered */
    GError *error;
    DeviceChanged done;
    gpointer data;
} DeviceChange;

typedef struct DeviceStep {
    const char *name;
    gboolean (*needed) (DeviceChange *change);              /* NULL: always */
    /* After STEP_WAIT device_change_go_on() is called. An undo has nobody to tell: it logs. */
    StepResult (*run) (DeviceChange *change, GError **error);
    StepResult (*undo) (DeviceChange *change);              /* NULL: nothing to undo */
    gboolean outlives;          /* what it made stays when the container ends: undone then, too */
    /* The device is gone with it and cannot come again (NULL: it can): what fails from then on is
     * logged, and the change goes on. */
    gboolean (*final) (DeviceChange *change);
} DeviceStep;

extern const DeviceStep device_attach_steps[], device_detach_steps[];
extern const guint n_device_attach_steps, n_device_detach_steps;

/* Neither begun nor of a table yet. */
DeviceChange *device_change_new (Domain *domain, Job *job, const DomainDevice *device, DomainDef *config,
                                 DeviceChanged done, gpointer data);
void device_change_free (DeviceChange *change);
/* Walks the undo of the attach from its end, whatever was under way: takes the device away from each step's doing. */
void device_change_undo (DeviceChange *change);
/* NULL when the container ended meanwhile. */
Instance *device_change_instance (const DeviceChange *change);
/* What a step waited for is over; @error (borrowed) NULL: well. */
void device_change_go_on (DeviceChange *change, const GError *error);
