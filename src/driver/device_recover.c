/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a daemon that died had begun with the devices of a container, by the notes of its status file. First the
 * attach or detach that was under way, after which that device is nowhere. Then the update: a device that was to be
 * another one comes back unless the other one has come; one that was to change is made as the live definition, which
 * is the one from before, has it. Last the saved definition, if the update was for it, too.
 */
#include "driver/device_steps.h"

#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/device_update.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/log.h"

typedef struct {
    Domain *domain;             /* a reference */
    Job *job;
    DomainDevice before;        /* of the live definition; no item: there was no update */
} Recovery;

/* ---- notes of an update */

void
device_update_note (Domain *domain, DeviceKind kind, const void *live, const DomainDef *config)
{
    const GPtrArray *now = domain_device_list (domain_config_def (domain), kind);
    const GPtrArray *then = config ? domain_device_list (config, kind) : NULL;
    g_autofree char *text = domain_device_format (kind, live, DOMAIN_FORMAT_STATUS), *saved = NULL;

    /* the one that is no more: an update changes one */
    for (guint i = 0; then && i < now->len && !saved; i++) {
        gboolean stays = FALSE;

        for (guint k = 0; k < then->len && !stays; k++)
            stays = domain_device_equal (kind, now->pdata[i], then->pdata[k]);
        if (!stays)
            saved = domain_device_format (kind, now->pdata[i], DOMAIN_FORMAT_INACTIVE);
    }
    instance_set_note (domain->instance, NOTE_UPDATE, text);
    instance_set_note (domain->instance, NOTE_UPDATE_SAVED, saved);
}

void
device_update_unnote (Instance *instance)
{
    instance_set_note (instance, NOTE_UPDATE, NULL);
    instance_set_note (instance, NOTE_UPDATE_SAVED, NULL);
}

static gboolean
parse_device (const Domain *domain, const char *xml, guint flags, DomainDevice *ret, GError **error)
{
    if (!domain_device_parse (xml, domain->def, &daemon_state.defaults, flags, NULL, ret, error))
        return FALSE;
    return ret->item || error_set (error, ERR_INTERNAL, "its note is malformed");
}

/* The saved definition with its device back. NULL with error, or without: it has it. */
static DomainDef *
config_restored (Domain *domain, const char *xml, GError **error)
{
    g_auto (DomainDevice) device = { .kind = DEVICE_OTHER };
    const DomainDef *def = domain_config_def (domain);
    const GPtrArray *list;
    int index;

    if (!parse_device (domain, xml, 0, &device, error))
        return NULL;
    list = domain_device_list (def, device.kind);
    index = domain_device_find (def, device.kind, device.item);
    if (index >= 0 && domain_device_equal (device.kind, list->pdata[index], device.item))
        return NULL;
    return device_updated (def, &device, error);
}

/* ---- an attach or detach */

static gboolean
parse_change (Domain *domain, const char *note, DeviceChange **ret, GError **error)
{
    g_auto (GStrv) words = g_strsplit (note, " ", 4);
    g_auto (DomainDevice) device = { .kind = DEVICE_OTHER };
    PlanDevice numbers;

    if (g_strv_length (words) != 4 || !device_number_parse (words[2], &numbers))
        return error_set (error, ERR_INTERNAL, "its note is malformed");
    if (!parse_device (domain, words[3], DOMAIN_PARSE_LIVE, &device, error))
        return FALSE;
    *ret = device_change_new (domain, NULL, &device, NULL, NULL, NULL);
    (*ret)->attach = g_str_equal (words[0], "attach");
    /* of an update the definition gets its old device back instead */
    (*ret)->for_config = g_str_equal (words[1], "config") && !instance_note (domain->instance, NOTE_UPDATE);
    (*ret)->alias = g_strdup (*domain_device_alias (device.kind, (*ret)->item));
    if (!(*ret)->alias)
        (*ret)->alias = g_strdup ("");
    (*ret)->facts = device_recall_facts ((*ret)->alone, device.kind, &numbers);
    return TRUE;
}

/* ---- the recovery of a container that runs */

static void
save_notes (Domain *domain)
{
    g_autoptr (GError) error = NULL;

    if (!store_save_status (domain, &error))
        log_error ("domain '%s': %s", domain->def->name, error->message);
}

static Instance *
running (const Recovery *recovery)
{
    Instance *instance = recovery->domain->instance;

    return instance && instance->phase == PHASE_RUNNING ? instance : NULL;
}

static void
recovery_over (Recovery *recovery)
{
    domain_device_clear (&recovery->before);
    job_end (recovery->job);
    domain_unref (recovery->domain);
    g_free (recovery);
}

static void
saved_restored (Domain *domain, const GError *error, gpointer data)
{
    Recovery *recovery = data;
    Instance *instance = running (recovery);

    if (error)
        log_error ("domain '%s': saved definition: %s", domain->def->name, error->message);
    if (instance) {
        device_update_unnote (instance);
        save_notes (domain);
    }
    recovery_over (recovery);
}

static void
update_undone (Domain *domain, const GError *error, gpointer data)
{
    Recovery *recovery = data;
    Instance *instance = running (recovery);
    const char *saved = instance ? instance_note (instance, NOTE_UPDATE_SAVED) : NULL;
    g_autoptr (GError) why = NULL;
    DomainDef *config;

    if (error)
        log_error ("domain '%s': a change of '%s' was cut short and cannot be taken back: %s", domain->def->name,
                   *domain_device_alias (recovery->before.kind, recovery->before.item), error->message);
    config = saved ? config_restored (domain, saved, &why) : NULL;
    if (config)
        config_save (domain, NULL, config, saved_restored, recovery);
    else
        saved_restored (domain, why, recovery);
}

/* The other one has come: only its notes had not gone yet. */
static void
update_was_done (Recovery *recovery)
{
    device_update_unnote (recovery->domain->instance);
    save_notes (recovery->domain);
    recovery_over (recovery);
}

static void
undo_update (Recovery *recovery)
{
    Domain *domain = recovery->domain;
    Instance *instance = running (recovery);
    const char *note = instance ? instance_note (instance, NOTE_UPDATE) : NULL;
    DomainDevice *before = &recovery->before;
    g_autoptr (GError) error = NULL;
    DeviceKind kind;
    guint index;

    if (!note || !parse_device (domain, note, DOMAIN_PARSE_LIVE, before, &error)) {
        if (error) {    /* told of once: nobody will understand it later */
            log_error ("domain '%s': a change of a device was cut short: %s", domain->def->name, error->message);
            device_update_unnote (instance);
            save_notes (domain);
        }
        recovery_over (recovery);
        return;
    }
    if (!domain_device_find_alias (domain->def, *domain_device_alias (before->kind, before->item), &kind, &index)) {
        device_attach (domain, recovery->job, before, NULL, update_undone, recovery);
    } else if (kind != before->kind
               || !domain_device_equal (kind, domain_device_list (domain->def, kind)->pdata[index], before->item)) {
        update_was_done (recovery);
    } else {
        device_update_again (domain, recovery->job, kind, index, update_undone, recovery);
    }
}

static void
change_undone (Domain *domain, const GError *error, gpointer data)
{
    (void) error;
    log_warning ("domain '%s': a change of its devices was cut short and has been undone", domain->def->name);
    undo_update (data);
}

static void
recover_run (Job *job, gpointer data)
{
    Recovery *recovery = g_new0 (Recovery, 1);
    DeviceChange *change = NULL;
    g_autoptr (GError) error = NULL;
    const Instance *instance;
    const char *note;

    *recovery = (Recovery) { .domain = data, .job = job, .before = { .kind = DEVICE_OTHER } };
    instance = running (recovery);
    note = instance ? instance_note (instance, NOTE_CHANGE) : NULL;
    if (note && parse_change (recovery->domain, note, &change, &error)) {
        change->done = change_undone;
        change->data = recovery;
        device_change_undo (change);
        return;
    }
    if (error) {
        log_error ("domain '%s': a change of its devices was cut short: %s", recovery->domain->def->name,
                   error->message);
        instance_set_note (recovery->domain->instance, NOTE_CHANGE, NULL);
        save_notes (recovery->domain);
    }
    undo_update (recovery);
}

/* ---- of one that has ended, or was restarted, while no daemon ran: what it was for is gone */

/* Takes @config, NULL: nothing is to be saved. No client is there yet. */
static gboolean
save_now (Domain *domain, DomainDef *config, GError **error)
{
    return !config || config_save_now (domain, config, error);
}

static gboolean
forget_change (Domain *domain, const char *note, GError **error)
{
    DeviceChange *change;
    gboolean saved;

    if (!note)
        return TRUE;
    if (!parse_change (domain, note, &change, error))
        return FALSE;
    change->recovering = TRUE;
    device_undo_commit (change);
    saved = save_now (domain, change->for_config ? device_config_without (change) : NULL, error);
    device_change_free (change);
    return saved;
}

static gboolean
forget_update (Domain *domain, const char *live, const char *saved, GError **error)
{
    g_auto (DomainDevice) before = { .kind = DEVICE_OTHER };
    DomainDef *def = domain->def;
    g_autoptr (GError) why = NULL;
    DomainDef *config;
    DeviceKind kind;
    guint index;

    if (!live)
        return TRUE;
    if (!parse_device (domain, live, DOMAIN_PARSE_LIVE, &before, error))
        return FALSE;
    if (!domain_device_find_alias (def, *domain_device_alias (before.kind, before.item), &kind, &index))
        g_ptr_array_add (domain_device_list (def, before.kind), domain_device_copy (before.kind, before.item));
    else if (!domain_device_equal (kind, domain_device_list (def, kind)->pdata[index], before.item))
        return TRUE;
    config = saved ? config_restored (domain, saved, &why) : NULL;
    if (why) {
        g_propagate_error (error, g_steal_pointer (&why));
        return FALSE;
    }
    return save_now (domain, config, error);
}

static void
forget (Domain *domain)
{
    Instance *instance = domain->instance;
    g_autoptr (GError) error = NULL;

    if (!forget_change (domain, instance_note (instance, NOTE_CHANGE), &error))
        log_error ("domain '%s': a change of its devices was cut short: %s", domain->def->name, error->message);
    g_clear_error (&error);
    if (!forget_update (domain, instance_note (instance, NOTE_UPDATE), instance_note (instance, NOTE_UPDATE_SAVED),
                        &error))
        log_error ("domain '%s': a change of a device was cut short: %s", domain->def->name, error->message);
    instance_set_note (instance, NOTE_CHANGE, NULL);
    device_update_unnote (instance);
}

void
device_recover (Domain *domain, gboolean alive)
{
    const Instance *instance = domain->instance;

    if (!instance_note (instance, NOTE_CHANGE) && !instance_note (instance, NOTE_UPDATE))
        return;
    if (alive)
        job_begin (&domain->jobs, JOB_INTERNAL, "undoing a change of devices", 0, recover_run, NULL,
                   domain_ref (domain));
    else
        forget (domain);
}
