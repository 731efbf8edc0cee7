/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk of a running container that is to be another one: its node goes and another comes in its place, under the
 * same alias. Two changes of devices, each whole (device_change.h): when the second one fails the first disk comes
 * back, and a daemon that dies between them finds the container without a disk of that name. A program that has the
 * old one open keeps it, as after a detach.
 */
#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/device_match.h"
#include "driver/device_update.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/log.h"
#include "util/text.h"

/* Whether @device, with the defaults that it gets in @rest, is @live. -1 with error: it cannot be there. */
static int
is_same (const DomainDef *rest, const DomainDevice *device, const void *live, GError **error)
{
    g_autoptr (DomainDef) sum = domain_device_added (rest, device, &daemon_state.defaults, error);
    int index = sum ? domain_device_find (sum, device->kind, device->item) : -1;

    if (index < 0)
        return -1;
    return domain_device_equal (device->kind, domain_device_list (sum, device->kind)->pdata[index], live);
}

gboolean
device_replace_check (const DomainDef *def, const DomainDevice *device, guint index, GError **error)
{
    g_autoptr (DomainDef) rest = domain_def_copy (def);
    const HostdevDef *live = device->kind == DEVICE_HOSTDEV ? def->hostdevs->pdata[index] : NULL;

    g_ptr_array_remove_index (domain_device_list (rest, device->kind), index);
    /* found by what it is: there is nothing else of it, but for the addresses of a network device */
    if (live && (live->type != HOSTDEV_NET || domain_device_equal (DEVICE_HOSTDEV, device->item, live)))
        return TRUE;
    if (live)
        return error_set (error, ERR_OPERATION_UNSUPPORTED,
                          "the addresses and routes of a network device are set when it comes: they cannot be modified "
                          "while the container runs");
    return is_same (rest, device, def->disks->pdata[index], error) >= 0
           && device_match_new (rest, device, MATCH_LIVE, error);
}

typedef struct {
    Domain *domain;             /* a reference */
    guint64 serial;
    Job *job;
    DomainDevice before, after;
    DomainDef *config;
    char *config_text;          /* of the saved one that it replaces */
    DeviceChanged done;
    gpointer data;
    GError *error;              /* while the old one is brought back */
} Replace;

static gboolean
still_runs (const Replace *replace)
{
    const Instance *instance = replace->domain->instance;

    return instance && instance->serial == replace->serial && instance->phase == PHASE_RUNNING;
}

static void
replace_over (Replace *replace, const GError *error)
{
    g_autoptr (GError) why = NULL;

    if (still_runs (replace)) {
        device_update_unnote (replace->domain->instance);
        if (!store_save_status (replace->domain, &why))
            log_warning ("domain '%s': %s", replace->domain->def->name, why->message);
    }
    replace->done (replace->domain, error, replace->data);
    domain_device_clear (&replace->before);
    domain_device_clear (&replace->after);
    domain_def_free (replace->config);
    g_free (replace->config_text);
    g_clear_error (&replace->error);
    domain_unref (replace->domain);
    g_free (replace);
}

/* It could not, since init has ended: what runs next, after a reboot from inside, is to have it as before. */
static void
keep_for_next (Replace *replace)
{
    DomainDef *def = replace->domain->def;
    DomainDevice *before = &replace->before;

    if (!still_runs (replace) || !instance_init_ends (replace->domain->instance)
        || domain_device_find (def, before->kind, before->item) != -1)
        return;
    g_ptr_array_add (domain_device_list (def, before->kind), domain_device_copy (before->kind, before->item));
    domain_def_judge (def, &daemon_state.defaults, NULL);
}

/* The change itself has said what went wrong with it. */
static void
brought_back (Domain *domain, const GError *error, gpointer data)
{
    Replace *replace = data;

    (void) domain;
    if (error)
        keep_for_next (replace);
    replace_over (replace, replace->error);
}

static void
bring_back (Replace *replace, const GError *error)
{
    replace->error = g_error_copy (error);
    device_attach (replace->domain, replace->job, &replace->before, NULL, brought_back, replace);
}

static void
attached (Domain *domain, const GError *error, gpointer data)
{
    Replace *replace = data;

    (void) domain;
    if (error && still_runs (replace))
        bring_back (replace, error);
    else
        replace_over (replace, error);
}

/* A define takes no job: it may have come while the disk went. */
static gboolean
still_meant (const Replace *replace, GError **error)
{
    g_autofree char *now = replace->config ? config_text (replace->domain) : NULL;

    return !now || g_str_equal (now, replace->config_text)
           || error_set (error, ERR_OPERATION_INVALID, "the saved definition of domain '%s' was changed meanwhile",
                         replace->domain->def->name);
}

static void
detached (Domain *domain, const GError *error, gpointer data)
{
    Replace *replace = data;
    g_autoptr (GError) why = NULL;

    if (!error && !still_runs (replace))
        error_set_from (&why, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    if (error || why)
        replace_over (replace, error ? error : why);
    else if (!still_meant (replace, &why))
        bring_back (replace, why);
    else
        device_attach (domain, replace->job, &replace->after, g_steal_pointer (&replace->config), attached, replace);
}

void
device_replace (Domain *domain, Job *job, const DomainDevice *device, guint index, DomainDef *config,
                DeviceChanged done, gpointer data)
{
    g_autoptr (DomainDef) rest = domain_def_copy (domain->def);
    const void *live = domain_device_list (domain->def, device->kind)->pdata[index];
    Replace *replace;
    char **alias;

    g_ptr_array_remove_index (domain_device_list (rest, device->kind), index);
    if (device->kind == DEVICE_HOSTDEV || is_same (rest, device, live, NULL) > 0) {
        if (config)
            config_save (domain, NULL, config, done, data);
        else
            done (domain, NULL, data);
        return;
    }
    domain_alias_fill (domain->def);
    replace = g_new0 (Replace, 1);
    *replace = (Replace) { .domain = domain_ref (domain), .serial = domain->instance->serial, .job = job,
                           .before = { device->kind, device->name, domain_device_copy (device->kind, live) },
                           .after = { device->kind, device->name, domain_device_copy (device->kind, device->item) },
                           .config = config, .config_text = config ? config_text (domain) : NULL,
                           .done = done, .data = data };
    alias = domain_device_alias (device->kind, replace->after.item);
    text_replace (alias, *domain_device_alias (device->kind, replace->before.item));
    device_update_note (domain, device->kind, replace->before.item, config);
    device_detach (domain, job, device->kind, index, NULL, detached, replace);
}
