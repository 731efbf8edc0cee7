/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a change of devices: the ends of an interface on the host. */
#include "driver/device_steps.h"

#include <errno.h>
#include <string.h>

#include "driver/host_devices.h"
#include "driver/plan_facts.h"
#include "util/error.h"
#include "util/task.h"
#include "util/text.h"

gboolean
device_is_interface (DeviceChange *change)
{
    return change->kind == DEVICE_INTERFACE;
}

/* Adds @name to the blank separated names of a note, or takes it out. */
void
device_note_name (Instance *instance, const char *note, const char *name, gboolean add)
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

void
device_set_link_fact (DeviceChange *change, const char *host_name, int ifindex, const char *guest_name,
                      const NetDef *net, const HostdevDef *hostdev)
{
    g_ptr_array_set_size (change->facts->links, 0);
    plan_facts_add_link (change->facts, host_name, ifindex, guest_name, net, hostdev);
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

const char *
device_note_of (const NetDef *net)
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
            device_note_name (instance, device_note_of (net), change->host_end, FALSE);
        text_replace (&change->host_end, "");
        device_change_go_on (change, error);
        return;
    }
    text_replace (&net->guest_actual, pair->guest);
    device_set_link_fact (change, pair->guest, pair->guest_index, net->guest_ifname, net, NULL);
    device_change_go_on (change, NULL);
}

StepResult
device_run_link (DeviceChange *change, GError **error)
{
    Instance *instance = change->domain->instance;
    NetDef *net = change->item;
    LinkInput *input;

    guest_link_name (change->domain->def, net);
    change->host_end = host_link_choose (net);
    if (link_index (change->host_end) != 0) {
        error_set_errno (error, EEXIST, "Cannot add interface '%s'", change->host_end);
        text_replace (&change->host_end, "");    /* not ours to delete */
        return STEP_FAILED;
    }
    text_replace (net->type == NET_DIRECT ? &net->guest_actual : &net->ifname, change->host_end);
    device_note_name (instance, device_note_of (net), change->host_end, TRUE);
    if (!device_note_change (change, error))
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
        device_note_name (instance, NOTE_LINKS, change->host_end, FALSE);
        device_note_name (instance, NOTE_MACVLANS, change->host_end, FALSE);
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

StepResult
device_run_unlink (DeviceChange *change, GError **error)
{
    (void) error;
    return delete_host_end (change);
}

StepResult
device_undo_link (DeviceChange *change)
{
    return device_is_interface (change) ? delete_host_end (change) : STEP_DONE;
}
