/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/device_update.h"

#include <string.h>

#include "driver/config_change.h"
#include "driver/daemon.h"
#include "driver/device_match.h"
#include "driver/fault.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/log.h"
#include "util/task.h"
#include "util/text.h"

/* ---- the saved definition */

DomainDef *
device_updated (const DomainDef *def, const DomainDevice *device, GError **error)
{
    g_autoptr (DomainDef) rest = NULL;
    DomainDef *updated;
    GPtrArray *list;
    void *item;
    int index;

    if (device->kind == DEVICE_OTHER || device->kind == DEVICE_CONSOLE) {
        error_set (error, ERR_CONFIG_UNSUPPORTED, "persistent update of device is not supported");
        return NULL;
    }
    index = device_match_old (def, device, MATCH_CONFIG, error);
    if (index < 0)
        return NULL;
    rest = domain_def_copy (def);
    g_ptr_array_remove_index (domain_device_list (rest, device->kind), (guint) index);
    updated = domain_device_added (rest, device, &daemon_state.defaults, error);
    if (!updated)
        return NULL;
    /* back into its place; disks are in an order of their own */
    list = domain_device_list (updated, device->kind);
    if (device->kind != DEVICE_DISK) {
        item = g_ptr_array_steal_index (list, list->len - 1);
        g_ptr_array_insert (list, index, item);
    }
    return updated;
}

/* ---- the running container */

/* @net, but for what can change, is as @from. */
static void
take_fixed (NetDef *net, const NetDef *from)
{
    g_free (net->mac);
    g_free (net->ifname);
    g_free (net->guest_ifname);
    g_free (net->guest_actual);
    net->mac = g_strdup (from->mac);
    net->ifname = g_strdup (from->ifname);
    net->guest_ifname = g_strdup (from->guest_ifname);
    net->guest_actual = g_strdup (from->guest_actual);
}

static void
take_changed (NetDef *net, const NetDef *from)
{
    net->linkstate = from->linkstate;
    net->link_cut = from->link_cut;
    net->inbound = from->inbound;
    net->outbound = from->outbound;
    if (net->type == NET_BRIDGE)
        text_replace (&net->source, from->source);
}

/* Whether @device, with what can change as @live has it, is @live. Frees it. */
static gboolean
same_but (DeviceKind kind, void *wanted, const void *live)
{
    gboolean same = domain_device_equal (kind, wanted, live);

    domain_device_clear (&(DomainDevice) { .kind = kind, .item = wanted });
    return same;
}

static gboolean
check_net (const DomainDevice *device, const NetDef *live, GError **error)
{
    NetDef *wanted = domain_device_copy (device->kind, device->item);

    take_fixed (wanted, live);
    if (wanted->type == live->type)
        take_changed (wanted, live);
    return same_but (device->kind, wanted, live)
           || error_set (error, ERR_OPERATION_UNSUPPORTED,
                         "of an interface of a running container only link state, bandwidth and bridge can be "
                         "modified");
}

static gboolean
is_replaced (DeviceKind kind)
{
    return kind == DEVICE_DISK || kind == DEVICE_HOSTDEV;
}

int
device_update_check (const DomainDef *def, const DomainDevice *device, GError **error)
{
    gboolean good;
    int index;

    if (device->kind == DEVICE_OTHER || device->kind == DEVICE_CONSOLE) {
        error_set (error, ERR_OPERATION_UNSUPPORTED, "Unable to modify live devices");
        return -1;
    }
    if (device->kind == DEVICE_FILESYSTEM && strcmp (((const FsDef *) device->item)->target, "/") == 0) {
        error_set (error, ERR_OPERATION_UNSUPPORTED, "the root of a running container cannot be modified");
        return -1;
    }
    index = device_match_old (def, device, MATCH_LIVE, error);
    if (index < 0)
        return -1;
    if (is_replaced (device->kind))
        good = device_replace_check (def, device, (guint) index, error);
    else
        good = device->kind == DEVICE_INTERFACE ? check_net (device, def->nets->pdata[index], error)
                                                : device_fs_check (def, device, def->filesystems->pdata[index], error);
    return good ? index : -1;
}

void
device_net_rates (const NetDef *net, LinkRate *ret_to_guest, LinkRate *ret_from_guest)
{
    const NetRate *rates[2] = { &net->inbound, &net->outbound };
    LinkRate *results[2] = { ret_to_guest, ret_from_guest };

    for (guint i = 0; i < 2; i++)
        *results[i] = (LinkRate) { .average = rates[i]->average * 1000, .peak = rates[i]->peak * 1000,
                                   .burst = rates[i]->burst * 1024 };
}

static gboolean
same_rate (const LinkRate *wanted, const LinkRate *got)
{
    return wanted->average == got->average
           && (wanted->average == 0 || MAX (wanted->peak, wanted->average) == got->peak);
}

gboolean
device_set_rates (const char *name, const LinkRate *to_guest, const LinkRate *from_guest, GError **error)
{
    LinkRate to, from;

    if (!link_set_rates (name, to_guest, from_guest, error))
        return FALSE;
    if (!link_get_rates (name, &to, &from, NULL) || !same_rate (to_guest, &to) || !same_rate (from_guest, &from))
        log_warning ("the kernel does not have the bandwidth of '%s' as it was set", name);
    return TRUE;
}

typedef struct {
    Domain *domain;
    guint64 serial;
    DeviceKind kind;
    guint index;
    void *before, *after;       /* of the live definition; with what changed */
    DomainDef *config, *saved_before;   /* what is saved when the device has changed; what was before, while it is */
    char *config_text;          /* of the saved one that the next save replaces */
    Job *job;
    DeviceChanged done;
    gpointer data;
    GError *error;              /* while it is taken back */
} Update;

static void
update_over (Update *update, const GError *error)
{
    update->done (update->domain, error, update->data);
    domain_device_clear (&(DomainDevice) { .kind = update->kind, .item = update->before });
    domain_device_clear (&(DomainDevice) { .kind = update->kind, .item = update->after });
    domain_def_free (update->config);
    domain_def_free (update->saved_before);
    g_free (update->config_text);
    g_clear_error (&update->error);
    domain_unref (update->domain);
    g_free (update);
}

typedef struct {
    char *name, *bridge;        /* NULL: stays */
    gboolean set_up, up;
    gboolean set_rates;
    LinkRate to_guest, from_guest;
} UpdateWork;

static void
work_free (gpointer data)
{
    UpdateWork *work = data;

    g_free (work->name);
    g_free (work->bridge);
    g_free (work);
}

static gpointer
work_run (gpointer data, GError **error)
{
    const UpdateWork *work = data;

    if ((work->bridge && !link_set_bridge (work->name, work->bridge, error))
        || (work->set_up && !link_set_up (work->name, work->up, error))
        || (work->set_rates
            && !device_set_rates (work->name, &work->to_guest, &work->from_guest, error)))
        return NULL;
    return data;
}

static gboolean
rates_differ (const NetDef *a, const NetDef *b)
{
    return memcmp (&a->inbound, &b->inbound, sizeof a->inbound) != 0
           || memcmp (&a->outbound, &b->outbound, sizeof a->outbound) != 0;
}

/* A container that starts with <link state='down'/> may set its end up itself. One whose link is set down,
 * also a second time, has no carrier; what leaves the state as it is while it changes something else, nothing new. */
static void
set_cut (NetDef *after, const NetDef *before)
{
    gboolean other = rates_differ (before, after) || g_strcmp0 (before->source, after->source) != 0;

    if (after->linkstate != LINK_DOWN)
        after->link_cut = FALSE;
    else
        after->link_cut = before->link_cut || before->linkstate != LINK_DOWN || !other;
}

/* What has to be done to get from one to the other; @from NULL: from anything. */
static UpdateWork *
work_new (const NetDef *from, const NetDef *to)
{
    UpdateWork *work = g_new0 (UpdateWork, 1);

    work->name = g_strdup (to->ifname);
    if (to->type == NET_BRIDGE && (!from || g_strcmp0 (from->source, to->source) != 0))
        work->bridge = g_strdup (to->source);
    work->set_up = !from || from->link_cut != to->link_cut;
    work->up = !to->link_cut;
    work->set_rates = !from || rates_differ (from, to);
    device_net_rates (to, &work->to_guest, &work->from_guest);
    return work;
}

/* What makes the device as @to, which is as @from (NULL: as anything); @done is called in any case. */
static void
work_begin (Update *update, const void *from, const void *to, TaskDone done)
{
    if (update->kind == DEVICE_INTERFACE)
        task_run (work_run, work_new (from, to), work_free, done, update);
    else
        device_fs_begin (update->domain, update->job, to, done, update);
}

static void
take_item (const Update *update, const void *from)
{
    GPtrArray *list = domain_device_list (update->domain->def, update->kind);

    if (update->kind == DEVICE_INTERFACE)
        take_changed (list->pdata[update->index], from);
    else
        ((FsDef *) list->pdata[update->index])->readonly = ((const FsDef *) from)->readonly;
}

static void
forget_note (const Update *update)
{
    Instance *instance = update->domain->instance;
    g_autoptr (GError) error = NULL;

    if (!instance || instance->serial != update->serial)
        return;
    device_update_unnote (instance);
    if (!store_save_status (update->domain, &error))
        log_warning ("domain '%s': %s", update->domain->def->name, error->message);
}

static void
taken_back (gpointer result, GError *error, gpointer data)
{
    Update *update = data;

    (void) result;
    if (error)
        log_warning ("domain '%s': taking back a change of '%s': %s", update->domain->def->name,
                     *domain_device_alias (update->kind, update->before), error->message);
    forget_note (update);
    update_over (update, update->error);
}

/* Takes @error. */
static void
take_back (Update *update, GError *error)
{
    update->error = error;
    work_begin (update, update->after, update->before, taken_back);
}

/* Tests make it fail, or this daemon or the controller end. */
static gboolean
passes (const Update *update, const char *step, FaultPlace place, GError **error)
{
    return !fault_here (step, place, update->domain->instance->pid)
           || error_set (error, ERR_INTERNAL, "%s: made to fail", step);
}

static gboolean
still_there (const Update *update)
{
    const Instance *instance = update->domain->instance;

    return instance && instance->serial == update->serial;
}

static void
update_gone (Update *update)
{
    g_autoptr (GError) error = NULL;

    error_set_from (&error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
    update_over (update, error);
}

static void
save_notes (const Update *update)
{
    g_autoptr (GError) error = NULL;

    if (!store_save_status (update->domain, &error))
        log_error ("domain '%s': %s", update->domain->def->name, error->message);
}

/* The live definition and the notes, which are one file. */
static gboolean
take_live (Update *update, GError **error)
{
    Domain *domain = update->domain;
    Instance *instance = domain->instance;
    g_autofree char *note = g_strdup (instance_note (instance, NOTE_UPDATE));
    g_autofree char *saved = g_strdup (instance_note (instance, NOTE_UPDATE_SAVED));

    take_item (update, update->after);
    device_update_unnote (instance);
    if (passes (update, "update-commit", FAULT_BEFORE, error) && store_save_status (domain, error)
        && passes (update, "update-commit", FAULT_AFTER, error))
        return TRUE;
    take_item (update, update->before);
    instance_set_note (instance, NOTE_UPDATE, note);
    instance_set_note (instance, NOTE_UPDATE_SAVED, saved);
    save_notes (update);
    return FALSE;
}

/* The saved definition is what it was, or somebody else's. */
static void
config_put_back (Domain *domain, const GError *error, gpointer data)
{
    Update *update = data;

    if (error)
        log_error ("domain '%s': its saved definition could not be put back: %s", domain->def->name, error->message);
    if (!still_there (update)) {
        update_gone (update);
        return;
    }
    instance_set_note (domain->instance, NOTE_UPDATE_SAVED, NULL);
    save_notes (update);
    take_back (update, g_steal_pointer (&update->error));
}

static void
live_turn (Update *update)
{
    GError *why = NULL;

    if (still_there (update) && take_live (update, &why)) {
        update_over (update, NULL);
    } else if (update->saved_before) {
        update->error = why;
        config_save (update->domain, update->config_text, g_steal_pointer (&update->saved_before), config_put_back,
                     update);
    } else {
        take_back (update, why);
    }
}

static void
config_taken (Domain *domain, const GError *error, gpointer data)
{
    Update *update = data;

    if (error && still_there (update)) {
        take_back (update, g_error_copy (error));
    } else if (error) {
        update_gone (update);
    } else {
        g_free (update->config_text);
        update->config_text = config_text (domain);
        live_turn (update);
    }
}

/* The saved definition first, since it can be put back; then the live one. */
static void
take_both (Update *update)
{
    Domain *domain = update->domain;

    if (!update->config) {
        live_turn (update);
        return;
    }
    update->saved_before = domain_def_copy (domain_config_def (domain));
    config_save (domain, update->config_text, g_steal_pointer (&update->config), config_taken, update);
}

static void
applied (gpointer result, GError *error, gpointer data)
{
    Update *update = data;
    GError *why = NULL;

    if (!still_there (update))
        update_gone (update);
    else if (!result)
        take_back (update, g_error_copy (error));
    else if (passes (update, "update-apply", FAULT_AFTER, &why))
        take_both (update);
    else
        take_back (update, why);
}

/* A macvlan has no end on the host. */
static gboolean
has_work (const Update *update, GError **error)
{
    return update->kind != DEVICE_INTERFACE || ((const NetDef *) update->before)->ifname
           || error_set (error, ERR_OPERATION_UNSUPPORTED,
                         "an interface of type 'direct' has no end on the host that could be modified");
}

void
device_update (Domain *domain, Job *job, const DomainDevice *device, guint index, DomainDef *config,
               DeviceChanged done, gpointer data)
{
    Update *update;
    const void *live = domain_device_list (domain->def, device->kind)->pdata[index];
    g_autoptr (GError) error = NULL;

    if (is_replaced (device->kind)) {
        device_replace (domain, job, device, index, config, done, data);
        return;
    }
    domain_alias_fill (domain->def);
    update = g_new0 (Update, 1);
    *update = (Update) { .domain = domain_ref (domain), .serial = domain->instance->serial, .kind = device->kind,
                         .index = index, .job = job, .config = config, .done = done, .data = data,
                         .before = domain_device_copy (device->kind, live),
                         .after = domain_device_copy (device->kind, live),
                         .config_text = config ? config_text (domain) : NULL };
    if (update->kind == DEVICE_INTERFACE) {
        take_changed (update->after, device->item);
        set_cut (update->after, update->before);
    } else {
        ((FsDef *) update->after)->readonly = ((const FsDef *) device->item)->readonly;
    }
    if (!has_work (update, &error)) {
        update_over (update, error);
        return;
    }
    device_update_note (domain, update->kind, update->before, config);
    if (store_save_status (domain, &error) && passes (update, "update-apply", FAULT_BEFORE, &error)) {
        work_begin (update, update->before, update->after, applied);
    } else {
        forget_note (update);
        update_over (update, error);
    }
}

static void
made_again (gpointer result, GError *error, gpointer data)
{
    (void) result;
    update_over (data, error);
}

void
device_update_again (Domain *domain, Job *job, DeviceKind kind, guint index, DeviceChanged done, gpointer data)
{
    const void *live = domain_device_list (domain->def, kind)->pdata[index];
    Update *update;

    if (is_replaced (kind) || (kind == DEVICE_INTERFACE && !((const NetDef *) live)->ifname)) {
        done (domain, NULL, data);
        return;
    }
    update = g_new0 (Update, 1);
    *update = (Update) { .domain = domain_ref (domain), .serial = domain->instance->serial, .kind = kind,
                         .index = index, .job = job, .done = done, .data = data,
                         .before = domain_device_copy (kind, live), .after = domain_device_copy (kind, live) };
    work_begin (update, NULL, update->after, made_again);
}
