/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The domains of this host: found by name, uuid or id; each with its live and next definition, its
 * state (written by lifecycle.c only), its queue of jobs.
 */
#pragma once

#include <glib.h>

#include "conf/domain.h"
#include "driver/jobs.h"
#include "host/cgroup.h"

/* virDomainState */
typedef enum { STATE_NOSTATE, STATE_RUNNING, STATE_BLOCKED, STATE_PAUSED, STATE_SHUTDOWN, STATE_SHUTOFF,
               STATE_CRASHED, STATE_PMSUSPENDED } DomainState;

typedef struct Instance Instance;   /* what exists only while running: driver/instance.h */
typedef struct JobPast JobPast;     /* driver/job_past.h */

typedef struct {
    int ref_count;
    DomainDef *def;             /* live while active, else the definition */
    DomainDef *next;            /* active and persistent: what the next start uses; else NULL */
    guint config_serial;        /* another one whenever the definition of the two that is saved is replaced */
    gboolean persistent;
    gboolean autostart;
    DomainState state;          /* lifecycle.c */
    int reason;                 /* lifecycle.c */
    int last_exit;              /* wait status of the last init, -1 none */
    char *last_error;           /* why the last start failed, NULL none */
    guint quick_ends;           /* restarts in a row of containers that lived for a moment only */
    Instance *instance;         /* NULL when inactive */
    JobQueue jobs;
    JobPast *past;              /* the last job that is over; NULL none, or somebody has asked */
    gboolean removing;          /* out of the list, waits for its last reference */
} Domain;

typedef struct DomainList DomainList;

DomainList *domain_list_new (void);
void domain_list_free (DomainList *list);
Domain *domain_list_find_name (const DomainList *list, const char *name);
Domain *domain_list_find_uuid (const DomainList *list, const guint8 uuid[16]);
Domain *domain_list_find_id (const DomainList *list, int id);
guint domain_list_size (const DomainList *list);
/* Calls @each for every domain in order of name. */
void domain_list_each (const DomainList *list, void (*each) (Domain *domain, gpointer data), gpointer data);
/* Takes @def, which domain_list_check() has passed and whose name is free. */
Domain *domain_list_add (DomainList *list, DomainDef *def, gboolean persistent);
/* A name belongs to one uuid and the other way round: ERR_OPERATION_FAILED when @def would break
 * that. A domain with both the same is fine, whatever its state. */
gboolean domain_list_check (const DomainList *list, const DomainDef *def, GError **error);
void domain_list_remove (DomainList *list, Domain *domain);
/* Sets def->id and keeps the id index true: the only way to change an id. */
void domain_list_set_id (DomainList *list, Domain *domain, int id);
/* Replaces domain->def by one with the same name and uuid; the old one is the caller's. */
void domain_list_set_def (DomainList *list, Domain *domain, DomainDef *def);

/* Takes @def, which has the same name and uuid: what domain_config_def() then gives. Whoever runs, runs on. */
void domain_list_set_config (DomainList *list, Domain *domain, DomainDef *def);

/* The same with another name, which is free; for an inactive domain. */
DomainDef *domain_list_rename (DomainList *list, Domain *domain, DomainDef *def);

Domain *domain_ref (Domain *domain);
void domain_unref (Domain *domain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Domain, domain_unref)
/* Has a container: running, paused, or kept after its end (<on_crash>preserve). FALSE while a first
 * start is under way. */
gboolean domain_active (const Domain *domain);
/* The definition clients mean by INACTIVE / CONFIG: next, or def of an inactive or transient
 * domain. */
DomainDef *domain_config_def (Domain *domain);
