/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it takes to bring a device into a running container, and to take it away. Order:
 *   attach  look and attach loops (nothing of the container's yet), note, then from the outside in: the
 *           device rules are wider before there is a node, the loop is held before the daemon lets go
 *           of it, the link exists before it moves; then the saved definition, last the live one.
 *   detach  the saved definition first, since it can be put back; then from the inside out. Once the
 *           container has lost an interface there is no way back, only on.
 */
#include <errno.h>
#include <string.h>

#include "driver/daemon.h"
#include "driver/device_change.h"
#include "driver/device_rules.h"
#include "driver/errand.h"
#include "driver/planner.h"
#include "driver/store.h"
#include "driver/tune.h"
#include "host/block.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

#define HOLD_DEADLINE_MS 5000

static void
undo_failed (const DeviceChange *change, const char *what, const GError *error)
{
    log_warning ("domain '%s': %s of %s: %s", change->domain->def->name, what, change->alias,
                 error->message);
}

static NetDef *
net_of (const DeviceChange *change)
{
    return change->kind == DEVICE_INTERFACE ? change->item : NULL;
}

static PlanDevice
numbers_of (const DeviceChange *change)
{
    const PlanFacts *facts = change->facts;

    if (change->kind == DEVICE_DISK)
        return g_array_index (facts->disks, PlanDevice, 0);
    if (change->kind == DEVICE_HOSTDEV)
        return g_array_index (facts->hostdevs, PlanDevice, 0);
    if (change->kind == DEVICE_FILESYSTEM)
        return g_array_index (facts->fs, PlanFs, 0).numbers;
    return (PlanDevice) { 0 };
}

/* ---- look */

typedef struct {
    PlanFacts *facts;
    GArray *loops;
} Looked;

static gpointer
look_run (gpointer data, GError **error)
{
    const DomainDef *alone = data;
    g_autoptr (PlanFacts) facts = plan_facts_devices (alone, error);
    g_autoptr (DeviceResult) devices = facts ? host_devices_attach (alone, error) : NULL;
    Looked *looked;

    if (!devices)
        return NULL;
    host_devices_take (devices, facts);
    looked = g_new0 (Looked, 1);
    looked->facts = g_steal_pointer (&facts);
    looked->loops = g_array_ref (devices->loops);
    return looked;
}

static void
look_done (gpointer result, GError *error, gpointer data)
{
    g_autofree Looked *looked = result;
    DeviceChange *change = data;

    if (looked) {
        change->facts = looked->facts;
        change->loops = looked->loops;
    }
    device_change_go_on (change, error);
}

static StepResult
run_look (DeviceChange *change, GError **error)
{
    (void) error;
    task_run (look_run, domain_def_copy (change->alone), (GDestroyNotify) domain_def_free, look_done,
              change);
    return STEP_WAIT;
}

/* What a device has that is to leave must be known should it have to come back. */
static gboolean
has_superblock (DeviceChange *change)
{
    return change->kind == DEVICE_FILESYSTEM && numbers_of (change).set;
}

static gpointer
superblock_run (gpointer data, GError **error)
{
    return block_filesystem (data, error);
}

static void
superblock_done (gpointer result, GError *error, gpointer data)
{
    DeviceChange *change = data;
    PlanFs *fs = &g_array_index (change->facts->fs, PlanFs, 0);

    if (result) {
        g_free (fs->fstype);
        fs->fstype = result;
    } else {        /* no reason to keep it */
        log_debug ("%s: %s", fs->device, error->message);
    }
    device_change_go_on (change, NULL);
}

static StepResult
run_superblock (DeviceChange *change, GError **error)
{
    (void) error;
    task_run (superblock_run, g_strdup (g_array_index (change->facts->fs, PlanFs, 0).device), g_free,
              superblock_done, change);
    return STEP_WAIT;
}

/* ---- note */

static gboolean
note_change (DeviceChange *change, GError **error)
{
    const PlanDevice numbers = numbers_of (change);
    g_autofree char *number = device_number_format (&numbers);
    g_autofree char *xml = domain_device_format (change->kind, change->item, DOMAIN_FORMAT_STATUS);
    g_autofree char *note = g_strdup_printf ("%s %s %s %s", change->attach ? "attach" : "detach",
                                             change->for_config ? "config" : "live", number, xml);

    instance_set_note (change->domain->instance, NOTE_CHANGE, note);
    return store_save_status (change->domain, error);
}

static StepResult
run_note (DeviceChange *change, GError **error)
{
    return note_change (change, error) ? STEP_DONE : STEP_FAILED;
}

static StepResult
undo_note (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;

    instance_set_note (change->domain->instance, NOTE_CHANGE, NULL);
    if (!store_save_status (change->domain, &error))
        undo_failed (change, "status", error);
    return STEP_DONE;
}

/* ---- rules */

static gboolean
rules_needed (DeviceChange *change)
{
    return numbers_of (change).set;
}

static gboolean
change_rules (DeviceChange *change, gboolean widen, GError **error)
{
    g_autoptr (GArray) now = device_rules_now (change->domain->instance, error);
    g_autoptr (GArray) own = g_array_new (FALSE, TRUE, sizeof (CgroupDeviceRule));
    g_autoptr (GArray) next = NULL;

    if (!now)
        return FALSE;
    plan_add_device_rules (change->alone, change->facts, own);
    next = widen ? device_rules_plus (now, own) : device_rules_minus (now, own);
    return device_rules_apply (change->domain->instance, next, error);
}

static StepResult
run_widen (DeviceChange *change, GError **error)
{
    return change_rules (change, TRUE, error) ? STEP_DONE : STEP_FAILED;
}

static StepResult
run_narrow (DeviceChange *change, GError **error)
{
    change->narrowed = change_rules (change, FALSE, error);
    return change->narrowed ? STEP_DONE : STEP_FAILED;
}

static StepResult
undo_widen (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (GArray) now = NULL;

    if (!rules_needed (change))
        return STEP_DONE;
    /* the status of a daemon that died attaching has the rules from before */
    if (change->recovering && change->attach) {
        now = device_rules_now (change->domain->instance, &error);
        if (now)
            device_rules_apply (change->domain->instance, now, &error);
    } else {
        change_rules (change, FALSE, &error);
    }
    if (error)
        undo_failed (change, "device rules", error);
    return STEP_DONE;
}

static StepResult
undo_narrow (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;

    /* not when the narrowing itself failed: the note says what is in force */
    if (change->narrowed && !change_rules (change, TRUE, &error))
        undo_failed (change, "device rules", error);
    return STEP_DONE;
}

/* ---- loop devices that the controller holds */

static gboolean
hold_needed (DeviceChange *change)
{
    return change->loops && change->loops->len > 0;
}

static void
controller_answered (const GError *error, gpointer data)
{
    device_change_go_on (data, error);
}

static StepResult
ask_controller (DeviceChange *change, MonitorPacket *packet, int fd, GError **error)
{
    Instance *instance = change->domain->instance;

    if (!instance->monitor) {
        error_set (error, ERR_OPERATION_FAILED, "the controller cannot be reached");
        return STEP_FAILED;
    }
    monitor_link_request (instance->monitor, packet, fd, HOLD_DEADLINE_MS, controller_answered, change);
    return STEP_WAIT;
}

static StepResult
run_hold (DeviceChange *change, GError **error)
{
    MonitorPacket packet = { .type = MONITOR_HOLD };

    return ask_controller (change, &packet, g_array_index (change->loops, int, 0), error);
}

static gboolean
release_needed (DeviceChange *change)
{
    return (change->kind == DEVICE_DISK && ((const DiskDef *) change->item)->type == DISK_FILE)
           || (change->kind == DEVICE_FILESYSTEM && ((const FsDef *) change->item)->type == FS_FILE);
}

static StepResult
run_release (DeviceChange *change, GError **error)
{
    const PlanDevice numbers = numbers_of (change);
    MonitorPacket packet = { .type = MONITOR_RELEASE,
                             .a = (guint64) numbers.major << 32 | numbers.minor };

    return numbers.set ? ask_controller (change, &packet, -1, error) : STEP_DONE;
}

static StepResult
undo_hold (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    StepResult result = release_needed (change) ? run_release (change, &error) : STEP_DONE;

    if (error)
        undo_failed (change, "loop device", error);
    return result == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}

/* ---- links */

static gboolean
is_interface (DeviceChange *change)
{
    return change->kind == DEVICE_INTERFACE;
}

/* Adds @name to the blank separated names of a note, or takes it out. */
static void
note_name (Instance *instance, const char *note, const char *name, gboolean add)
{
    const char *text = instance_note (instance, note);
    g_auto (GStrv) words = g_strsplit (text ? text : "", " ", -1);
    g_autoptr (GString) names = g_string_new (NULL);

    for (guint i = 0; words[i]; i++)
        if (*words[i] && strcmp (words[i], name) != 0)
            g_string_append_printf (names, "%s%s", names->len ? " " : "", words[i]);
    if (add)
        g_string_append_printf (names, "%s%s", names->len ? " " : "", name);
    instance_set_note (instance, note, names->len ? names->str : NULL);
}

static void
replace (char **text, const char *value)
{
    char *copy = g_strdup (value);

    g_free (*text);
    *text = copy;
}

static void
add_link_fact (DeviceChange *change, const char *host_name, int ifindex, const char *guest_name,
               const NetDef *net, const HostdevDef *hostdev)
{
    PlanLink *link = g_new0 (PlanLink, 1);

    link->host_name = g_strdup (host_name);
    link->ifindex = (guint) ifindex;
    link->guest_name = g_strdup (guest_name);
    link->net = net;
    link->hostdev = hostdev;
    g_ptr_array_set_size (change->facts->links, 0);
    g_ptr_array_add (change->facts->links, link);
}

typedef struct {
    DomainDef *alone;
    char *name;
} LinkInput;

static void
link_input_free (gpointer data)
{
    LinkInput *input = data;

    domain_def_free (input->alone);
    g_free (input->name);
    g_free (input);
}

static gpointer
link_run (gpointer data, GError **error)
{
    const LinkInput *input = data;
    g_autofree LinkPair *pair = g_new0 (LinkPair, 1);

    if (!host_link_make (input->alone->nets->pdata[0], input->name, pair, error))
        return NULL;
    return g_steal_pointer (&pair);
}

static const char *
note_of (const NetDef *net)
{
    return net->type == NET_DIRECT ? NOTE_MACVLANS : NOTE_LINKS;
}

static void
link_done (gpointer result, GError *error, gpointer data)
{
    g_autofree LinkPair *pair = result;
    DeviceChange *change = data;
    NetDef *net = change->item;
    Instance *instance = device_change_instance (change);

    if (!pair) {
        /* nothing is left of ours: what has the name is another's */
        if (instance)
            note_name (instance, note_of (net), change->host_end, FALSE);
        replace (&change->host_end, "");
        device_change_go_on (change, error);
        return;
    }
    replace (&net->guest_actual, pair->guest);
    add_link_fact (change, pair->guest, pair->guest_index, net->guest_ifname, net, NULL);
    device_change_go_on (change, NULL);
}

/* ethN counts the names that are taken in the live definition. */
static void
name_guest_end (const DomainDef *live, NetDef *net)
{
    for (guint number = 0; !net->guest_ifname; number++) {
        g_autofree char *name = g_strdup_printf ("eth%u", number);
        gboolean taken = FALSE;

        for (guint i = 0; i < live->nets->len; i++)
            taken |= !g_strcmp0 (((const NetDef *) live->nets->pdata[i])->guest_ifname, name);
        for (guint i = 0; i < live->hostdevs->len; i++)
            taken |= !g_strcmp0 (((const HostdevDef *) live->hostdevs->pdata[i])->interface, name);
        if (!taken)
            net->guest_ifname = g_steal_pointer (&name);
    }
}

static StepResult
run_link (DeviceChange *change, GError **error)
{
    Instance *instance = change->domain->instance;
    NetDef *net = change->item;
    LinkInput *input;

    name_guest_end (change->domain->def, net);
    change->host_end = host_link_choose (net);
    if (link_index (change->host_end) != 0) {
        error_set_errno (error, EEXIST, "Cannot add interface '%s'", change->host_end);
        replace (&change->host_end, "");    /* not ours to delete */
        return STEP_FAILED;
    }
    replace (net->type == NET_DIRECT ? &net->guest_actual : &net->ifname, change->host_end);
    note_name (instance, note_of (net), change->host_end, TRUE);
    if (!note_change (change, error))
        return STEP_FAILED;
    input = g_new0 (LinkInput, 1);
    input->alone = domain_def_copy (change->alone);
    input->name = g_strdup (change->host_end);
    task_run (link_run, input, link_input_free, link_done, change);
    return STEP_WAIT;
}

static gpointer
unlink_run (gpointer data, GError **error)
{
    return host_link_delete (data, error) ? data : NULL;
}

static void
unlink_done (gpointer result, GError *error, gpointer data)
{
    DeviceChange *change = data;
    Instance *instance = device_change_instance (change);

    (void) result;
    if (!error && instance) {
        note_name (instance, NOTE_LINKS, change->host_end, FALSE);
        note_name (instance, NOTE_MACVLANS, change->host_end, FALSE);
    }
    device_change_go_on (change, error);
}

/* Deletes the end on the host, if there is one. A veth takes its other end along. */
static StepResult
delete_host_end (DeviceChange *change)
{
    const NetDef *net = change->item;

    if (!change->host_end)
        change->host_end = g_strdup (net->type != NET_DIRECT ? net->ifname
                                     : change->recovering ? net->guest_actual : NULL);
    if (!change->host_end || !*change->host_end)
        return STEP_DONE;
    task_run (unlink_run, g_strdup (change->host_end), g_free, unlink_done, change);
    return STEP_WAIT;
}

static StepResult
run_unlink (DeviceChange *change, GError **error)
{
    (void) error;
    return delete_host_end (change);
}

static StepResult
undo_link (DeviceChange *change)
{
    return is_interface (change) ? delete_host_end (change) : STEP_DONE;
}

/* ---- into the container, and out */

typedef struct {
    ErrandTarget target;
    int plan;
    const char *verb;
} EnterInput;

static void
enter_input_free (gpointer data)
{
    EnterInput *input = data;

    errand_target_clear (&input->target);
    fd_close (&input->plan);
    g_free (input);
}

static gpointer
enter_run (gpointer data, GError **error)
{
    EnterInput *input = data;
    g_autofree char *number = g_strdup_printf ("%d", ERRAND_FD_FIRST);
    const char *words[] = { input->verb, number, NULL };
    MonitorPacket answer;

    return errand_run (&input->target, words, &input->plan, 1, ERRAND_DEADLINE_MS, &answer, error)
               ? input : NULL;
}

static void
enter_done (gpointer result, GError *error, gpointer data)
{
    DeviceChange *change = data;

    if (result && !change->undoing)
        change->left = !change->attach;
    device_change_go_on (change, error);
}

static const char *
label_options (const DomainDef *def)
{
    const LabelDriver *driver = daemon_state.labels;
    const char *options = NULL;

    for (guint i = 0; driver && driver->mount_options && i < def->seclabels->len; i++)
        if (((const SeclabelDef *) def->seclabels->pdata[i])->type != SECLABEL_NONE)
            options = driver->mount_options (def->seclabels->pdata[i]);
    return options;
}

static int
plan_fd (DeviceChange *change, GError **error)
{
    g_autofree char *stage_dir = store_stage_dir ();
    const PlanContext context = { .stage_dir = stage_dir, .label_options = label_options (change->alone) };
    g_autoptr (device_plan) plan = plan_make_device (change->alone, change->facts, &context, error);
    int fd = plan ? plan_device_to_memfd (plan) : -1;

    if (plan && fd < 0)
        error_set_errno (error, errno, "cannot hand over the device's plan");
    return fd;
}

static StepResult
send_helper (DeviceChange *change, const char *verb, GError **error)
{
    ErrandTarget target;
    EnterInput *input;
    int fd;

    if (!errand_target (change->domain, &target, error))
        return STEP_FAILED;
    fd = plan_fd (change, error);
    if (fd < 0) {
        errand_target_clear (&target);
        return STEP_FAILED;
    }
    input = g_new0 (EnterInput, 1);
    *input = (EnterInput) { target, fd, verb };
    task_run_waiting (NULL, enter_run, input, enter_input_free, enter_done, change);
    return STEP_WAIT;
}

/* A network device of the host is no <interface>: nothing was made for it. */
static void
add_hostdev_link (DeviceChange *change)
{
    const HostdevDef *dev = change->item;
    int index;

    if (change->kind != DEVICE_HOSTDEV || dev->type != HOSTDEV_NET)
        return;
    index = change->attach && !change->undoing ? link_index (dev->interface) : 1;
    add_link_fact (change, dev->interface, index ? index : 1, dev->interface, NULL, dev);
}

static StepResult
run_enter (DeviceChange *change, GError **error)
{
    add_hostdev_link (change);
    return send_helper (change, "device-add", error);
}

/* With no end on the host there is nothing but the container's; and a hostdev goes back. */
static gboolean
leave_needed (DeviceChange *change)
{
    const NetDef *net = net_of (change);

    return !net || net->type == NET_DIRECT;
}

static StepResult
run_leave (DeviceChange *change, GError **error)
{
    const NetDef *net = net_of (change);

    if (net)
        add_link_fact (change, "", 1, net->guest_ifname, net, NULL);
    add_hostdev_link (change);
    return send_helper (change, "device-remove", error);
}

static StepResult
undo_enter (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    const NetDef *net = net_of (change);
    StepResult result;

    /* one that was never made was not moved either */
    if (!leave_needed (change) || (net && !net->guest_actual))
        return STEP_DONE;
    result = run_leave (change, &error);
    if (error)
        undo_failed (change, "container's end", error);
    return result == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}

/* Only what was there before can come again. A macvlan that was deleted would be another one. */
static StepResult
undo_leave (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;
    StepResult result;

    if (net_of (change) || !change->left)
        return STEP_DONE;
    result = run_enter (change, &error);
    if (error)
        undo_failed (change, "container's end", error);
    return result == STEP_WAIT ? STEP_WAIT : STEP_DONE;
}

static gboolean
always (DeviceChange *change)
{
    (void) change;
    return TRUE;
}

/* ---- definitions */

static gboolean
config_needed (DeviceChange *change)
{
    return change->for_config;
}

static StepResult
run_config (DeviceChange *change, GError **error)
{
    DomainDef *before = domain_def_copy (domain_config_def (change->domain));

    if (!device_save_config (change->domain, g_steal_pointer (&change->config), error)) {
        domain_def_free (before);
        return STEP_FAILED;
    }
    change->config = before;
    change->config_saved = TRUE;
    return STEP_DONE;
}

static StepResult
undo_config (DeviceChange *change)
{
    g_autoptr (GError) error = NULL;

    if (change->recovering && change->for_config) {
        DomainDef *config = domain_def_copy (domain_config_def (change->domain));
        int index = domain_device_find (config, change->kind, change->item);

        if (index >= 0) {
            g_ptr_array_remove_index (domain_device_list (config, change->kind), (guint) index);
            device_save_config (change->domain, config, &error);
        } else {
            domain_def_free (config);
        }
    } else if (change->config_saved) {
        device_save_config (change->domain, g_steal_pointer (&change->config), &error);
    }
    if (error)
        undo_failed (change, "saved definition", error);
    return STEP_DONE;
}

/* Where the device stands in the live definition, by its alias: -1 nowhere. */
static int
live_index (const DeviceChange *change)
{
    DeviceKind kind;
    guint index;

    return domain_device_find_alias (change->domain->def, change->alias, &kind, &index)
               && kind == change->kind ? (int) index : -1;
}

/* Limits of a disk's own come and go with it. While its numbers are noted. */
static gboolean
tune_disk (DeviceChange *change, const DomainDef *before, GError **error)
{
    return change->kind != DEVICE_DISK
           || tune_apply (change->domain->instance, before, change->domain->def, error);
}

static void
live_remove (DeviceChange *change)
{
    g_autoptr (DomainDef) before = domain_def_copy (change->domain->def);
    g_autoptr (GError) error = NULL;
    int index = live_index (change);

    if (index >= 0)
        g_ptr_array_remove_index (domain_device_list (change->domain->def, change->kind), (guint) index);
    if (!tune_disk (change, before, &error))
        undo_failed (change, "limits", error);
    device_numbers_set (change->domain->instance, change->alias, NULL);
    if (net_of (change) && ((NetDef *) change->item)->ifname)
        note_name (change->domain->instance, NOTE_LINKS, ((NetDef *) change->item)->ifname, FALSE);
}

static gboolean
live_add (DeviceChange *change, GError **error)
{
    g_autoptr (DomainDef) before = domain_def_copy (change->domain->def);
    const PlanDevice numbers = numbers_of (change);

    g_ptr_array_add (domain_device_list (change->domain->def, change->kind),
                     domain_device_copy (change->kind, change->item));
    device_numbers_set (change->domain->instance, change->alias, &numbers);
    return tune_disk (change, before, error);
}

/* The live definition, the notes and the status file change together. */
static StepResult
run_commit (DeviceChange *change, GError **error)
{
    Instance *instance = change->domain->instance;
    g_autofree char *note = g_strdup (instance_note (instance, NOTE_CHANGE));

    if (change->attach && !live_add (change, error))
        return STEP_FAILED;
    if (!change->attach)
        live_remove (change);
    instance_set_note (instance, NOTE_CHANGE, NULL);
    if (net_of (change) && ((NetDef *) change->item)->type == NET_DIRECT && change->host_end)
        note_name (instance, NOTE_MACVLANS, change->host_end, FALSE);
    if (store_save_status (change->domain, error))
        return STEP_DONE;
    /* with the note the file on disk, which still has it, will be put right */
    instance_set_note (instance, NOTE_CHANGE, note);
    return STEP_FAILED;
}

static StepResult
undo_commit (DeviceChange *change)
{
    if (change->attach || change->recovering)
        live_remove (change);
    else if (live_index (change) < 0)
        live_add (change, NULL);
    return STEP_DONE;
}

/* ---- the tables */

const DeviceStep device_attach_steps[] = {
    { "attach-look", NULL, run_look, NULL, NULL },
    { "attach-note", NULL, run_note, undo_note, NULL },
    { "attach-rules", rules_needed, run_widen, undo_widen, NULL },
    { "attach-hold", hold_needed, run_hold, undo_hold, NULL },
    { "attach-link", is_interface, run_link, undo_link, NULL },
    { "attach-enter", NULL, run_enter, undo_enter, NULL },
    { "attach-config", config_needed, run_config, undo_config, NULL },
    { "attach-commit", NULL, run_commit, undo_commit, NULL },
};
const guint n_device_attach_steps = G_N_ELEMENTS (device_attach_steps);

const DeviceStep device_detach_steps[] = {
    { "detach-look", has_superblock, run_superblock, NULL, NULL },
    { "detach-note", NULL, run_note, undo_note, NULL },
    { "detach-config", config_needed, run_config, undo_config, NULL },
    { "detach-leave", leave_needed, run_leave, undo_leave, is_interface },
    { "detach-unlink", is_interface, run_unlink, NULL, always },
    { "detach-rules", rules_needed, run_narrow, undo_narrow, NULL },
    { "detach-release", release_needed, run_release, NULL, always },
    { "detach-commit", NULL, run_commit, undo_commit, NULL },
};
const guint n_device_detach_steps = G_N_ELEMENTS (device_detach_steps);
