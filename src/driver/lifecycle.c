/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/lifecycle.h"

#include "driver/daemon.h"
#include "driver/events.h"
#include "driver/store.h"
#include "security/audit.h"
#include "util/log.h"

#define KEEP (-1)
#define NO_EVENT (-1)
#define REBOOT_EVENT (-2)

#define FROM(state) (1U << (state))
#define OFF (FROM (STATE_NOSTATE) | FROM (STATE_SHUTOFF))
#define KEPT (FROM (STATE_CRASHED) | FROM (STATE_SHUTDOWN))     /* ended, preserved */
#define ON (FROM (STATE_RUNNING) | FROM (STATE_PAUSED))
#define ANY (OFF | ON | KEPT)

/* virDomainEventType and its details */
enum { EV_DEFINED, EV_UNDEFINED, EV_STARTED, EV_SUSPENDED, EV_RESUMED, EV_STOPPED, EV_SHUTDOWN,
       EV_PMSUSPENDED, EV_CRASHED };
enum { STOPPED_SHUTDOWN = 0, STOPPED_DESTROYED = 1, STOPPED_FAILED = 5 };
/* reasons of virDomainGetState */
enum { RUNNING_BOOTED = 1, RUNNING_UNPAUSED = 5, PAUSED_USER = 1, CRASHED_UNKNOWN = 0 };
enum { OFF_SHUTDOWN = 1, OFF_DESTROYED = 2, OFF_CRASHED = 3, OFF_FAILED = 6 };

typedef enum { RECORD_NONE, RECORD_START, RECORD_START_FAILED, RECORD_STOP, RECORD_REBOOT,
               RECORD_REBOOT_FAILED } AuditRecord;

typedef struct {
    const char *name;
    guint from;                 /* mask of states */
    int to, reason;             /* KEEP leaves it */
    int event, detail;          /* to clients */
    AuditRecord audit;
    const char *audit_reason;
    LifeNext next;
} LifeRow;

/* The exit of init keeps libvirt's event (STOPPED/SHUTDOWN, whatever the exit status), so that
 * clients see what they know; the reason of the state tells a failure (docs/compat.md). */
static const LifeRow rows[LIFE_LAST] = {
    [LIFE_DEFINED] = { "defined", ANY, KEEP, KEEP, EV_DEFINED, 0, RECORD_NONE, NULL, LIFE_NEXT_NOTHING },
    [LIFE_REDEFINED] = { "redefined", ANY, KEEP, KEEP, EV_DEFINED, 1, RECORD_NONE, NULL,
                         LIFE_NEXT_NOTHING },
    [LIFE_UNDEFINED] = { "undefined", ANY, KEEP, KEEP, EV_UNDEFINED, 0, RECORD_NONE, NULL,
                         LIFE_NEXT_NOTHING },
    [LIFE_RENAMING] = { "renaming", OFF, KEEP, KEEP, EV_UNDEFINED, 1, RECORD_NONE, NULL,
                        LIFE_NEXT_NOTHING },
    [LIFE_RENAMED] = { "renamed", OFF, KEEP, KEEP, EV_DEFINED, 2, RECORD_NONE, NULL, LIFE_NEXT_NOTHING },
    [LIFE_STARTED] = { "started", OFF, STATE_RUNNING, RUNNING_BOOTED, EV_STARTED, 0, RECORD_START,
                       "booted", LIFE_NEXT_RUNS },
    [LIFE_START_FAILED] = { "start failed", OFF, STATE_SHUTOFF, OFF_FAILED, NO_EVENT, 0,
                            RECORD_START_FAILED, "booted", LIFE_NEXT_OFF },
    [LIFE_READOPTED] = { "readopted", OFF, STATE_RUNNING, 0, NO_EVENT, 0, RECORD_NONE, NULL,
                         LIFE_NEXT_NOTHING },
    [LIFE_READOPTED_PAUSED] = { "readopted paused", OFF, STATE_PAUSED, PAUSED_USER, NO_EVENT, 0,
                                RECORD_NONE, NULL, LIFE_NEXT_NOTHING },
    [LIFE_READOPTED_KEPT] = { "readopted after a crash", OFF, STATE_CRASHED, CRASHED_UNKNOWN, NO_EVENT,
                              0, RECORD_NONE, NULL, LIFE_NEXT_NOTHING },
    [LIFE_SUSPENDED] = { "suspended", FROM (STATE_RUNNING), STATE_PAUSED, PAUSED_USER, EV_SUSPENDED, 0,
                         RECORD_NONE, NULL, LIFE_NEXT_RUNS },
    [LIFE_RESUMED] = { "resumed", FROM (STATE_PAUSED), STATE_RUNNING, RUNNING_UNPAUSED, EV_RESUMED, 0,
                       RECORD_NONE, NULL, LIFE_NEXT_RUNS },
    [LIFE_SHUTDOWN] = { "shut down", ON, STATE_SHUTOFF, OFF_SHUTDOWN, EV_STOPPED, STOPPED_SHUTDOWN,
                        RECORD_STOP, "shutdown", LIFE_NEXT_OFF },
    [LIFE_CRASHED] = { "crashed", ON, STATE_SHUTOFF, OFF_CRASHED, EV_STOPPED, STOPPED_SHUTDOWN,
                       RECORD_STOP, "shutdown", LIFE_NEXT_OFF },
    [LIFE_DESTROYED] = { "destroyed", ON | KEPT, STATE_SHUTOFF, OFF_DESTROYED, EV_STOPPED,
                         STOPPED_DESTROYED, RECORD_STOP, "destroyed", LIFE_NEXT_OFF },
    [LIFE_CONTROLLER_DIED] = { "controller died", ON, STATE_SHUTOFF, OFF_FAILED, EV_STOPPED,
                               STOPPED_FAILED, RECORD_STOP, "failed", LIFE_NEXT_OFF },
    [LIFE_REBOOTED] = { "rebooted", ON, STATE_RUNNING, RUNNING_BOOTED, REBOOT_EVENT, 0, RECORD_REBOOT,
                        "reboot", LIFE_NEXT_RUNS },
    [LIFE_REBOOT_FAILED] = { "reboot failed", ON, STATE_SHUTOFF, OFF_FAILED, EV_STOPPED,
                             STOPPED_FAILED, RECORD_REBOOT_FAILED, "reboot", LIFE_NEXT_OFF },
    [LIFE_PRESERVED] = { "preserved", ON, STATE_CRASHED, CRASHED_UNKNOWN, EV_CRASHED, 0, RECORD_STOP,
                         "shutdown", LIFE_NEXT_RUNS },
};

static void
write_audit (const Domain *domain, const LifeRow *row)
{
    const DomainDef *def = domain->def;

    switch (row->audit) {
    case RECORD_NONE:
        break;
    case RECORD_START:
    case RECORD_START_FAILED:
        audit_start_resources (def);
        audit_start (def, row->audit_reason, row->audit == RECORD_START ? def->id : 0,
                     row->audit == RECORD_START);
        break;
    case RECORD_STOP:
        audit_stop (def, row->audit_reason);
        break;
    case RECORD_REBOOT:
    case RECORD_REBOOT_FAILED:
        audit_stop (def, row->audit_reason);
        audit_start_resources (def);
        audit_start (def, row->audit_reason, row->audit == RECORD_REBOOT ? def->id : 0,
                     row->audit == RECORD_REBOOT);
        break;
    }
}

/* The id and the live definition go; the next definition, if any, becomes the definition. */
static void
leave_container (Domain *domain)
{
    DomainDef *live = domain->def;

    domain_list_set_id (daemon_state.domains, domain, -1);
    store_remove_status (domain->def->name);
    if (!domain->next)
        return;
    domain_list_set_def (daemon_state.domains, domain, g_steal_pointer (&domain->next));
    domain_def_free (live);
}

static void
send_event (const Domain *domain, const LifeRow *row)
{
    if (row->event == REBOOT_EVENT)
        event_reboot (domain);
    else if (row->event != NO_EVENT)
        event_lifecycle (domain, row->event, row->detail);
}

gboolean
lifecycle_apply (Domain *domain, LifeEvent event)
{
    const LifeRow *row = &rows[event];
    g_autoptr (GError) error = NULL;

    if (!(row->from & FROM (domain->state))) {
        log_error ("domain '%s': event '%s' does not fit state %d", domain->def->name, row->name,
                   (int) domain->state);
        return FALSE;
    }
    log_info ("domain '%s': %s", domain->def->name, row->name);
    write_audit (domain, row);
    if (row->to != KEEP)
        domain->state = (DomainState) row->to;
    if (row->reason != KEEP)
        domain->reason = row->reason;
    if (row->next == LIFE_NEXT_RUNS && !store_save_status (domain, &error))
        log_warning ("domain '%s': cannot save status: %s", domain->def->name, error->message);
    if (row->next == LIFE_NEXT_OFF)
        leave_container (domain);
    send_event (domain, row);
    /* after the event, which needs the object; the caller's reference keeps it */
    if (row->next == LIFE_NEXT_OFF && !domain->persistent && !domain->removing)
        domain_list_remove (daemon_state.domains, domain);
    return TRUE;
}

void
lifecycle_restore_reason (Domain *domain, int reason)
{
    domain->reason = reason;
}

char *
lifecycle_table_text (void)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < LIFE_LAST; i++) {
        const LifeRow *row = &rows[i];

        g_string_append_printf (text, "%s: from 0x%x to %d reason %d event %d/%d audit %s\n", row->name,
                                row->from, row->to, row->reason, row->event, row->detail,
                                row->audit_reason ? row->audit_reason : "-");
    }
    return g_string_free (text, FALSE);
}
