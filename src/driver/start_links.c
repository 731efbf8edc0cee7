/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network links of a container that the host has to make: veth pairs, macvlans. Made on a pool
 * thread. The name of a host end is chosen and saved before it is made, so that a daemon that dies in
 * between leaves nothing its successor does not know of.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/mac.h"
#include "driver/daemon.h"
#include "driver/device_update.h"
#include "driver/host_devices.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "host/link.h"
#include "util/error.h"
#include "util/log.h"
#include "util/task.h"
#include "util/text.h"

/* ---- links */

gboolean
links_needed (Instance *instance)
{
    const DomainDef *def = instance->domain->def;

    if (def->nets->len > 0)
        return TRUE;
    for (guint i = 0; i < def->hostdevs->len; i++)
        if (((const HostdevDef *) def->hostdevs->pdata[i])->type == HOSTDEV_NET)
            return TRUE;
    return FALSE;
}

typedef struct {
    DomainDef *def;
    char **names;               /* of host ends, of macvlans; as def->nets */
} LinkWork;

typedef struct {
    Domain *domain;             /* a reference */
    guint64 serial;             /* of the instance the links are for */
    guint n_nets;
} LinkWaiter;

static void
link_waiter_free (LinkWaiter *waiter)
{
    domain_unref (waiter->domain);
    g_free (waiter);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LinkWaiter, link_waiter_free)

static void
link_work_free (gpointer data)
{
    LinkWork *work = data;

    domain_def_free (work->def);
    g_strfreev (work->names);
    g_free (work);
}

static gboolean
configure_host_end (const NetDef *net, const char *name, GError **error)
{
    for (guint i = 0; i < net->host_ips->len; i++) {
        const NetIp *ip = net->host_ips->pdata[i];

        if (!link_add_address (name, ip->address, net_ip_prefix (ip), ip->peer, error))
            return FALSE;
    }
    for (guint i = 0; i < net->host_routes->len; i++) {
        const NetRoute *route = net->host_routes->pdata[i];

        if (!link_add_route (name, route->address, net_route_prefix (route), route->gateway, route->metric, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
host_link_delete (const char *name, GError **error)
{
    char ifb[IF_NAMESIZE];

    if (!*name)
        return TRUE;
    link_rate_device (name, ifb);
    return link_delete (name, error) && link_delete (ifb, error);
}

static void
delete_link (const char *name)
{
    g_autoptr (GError) why = NULL;

    if (!host_link_delete (name, &why))
        log_warning ("cannot delete '%s': %s", name, why->message);
}

static gboolean
limit_rates (const NetDef *net, const char *name, GError **error)
{
    LinkRate to_guest, from_guest;

    device_net_rates (net, &to_guest, &from_guest);
    return (to_guest.average == 0 && from_guest.average == 0)
           || device_set_rates (name, &to_guest, &from_guest, error);
}

gboolean
host_link_make (const NetDef *net, const char *name, LinkPair *ret, GError **error)
{
    guint8 mac[6];
    gboolean has_mac = net->mac && mac_parse (net->mac, mac);
    LinkVeth args = {
        .name = name, .mac = has_mac ? mac : NULL, .mtu = net->mtu,
        .bridge = net->type == NET_BRIDGE ? net->source : NULL, .isolated = net->isolated == YES_NO_YES,
        .down = net->link_cut,
    };

    if (net->type == NET_DIRECT)
        return link_add_macvlan (net->source, name, (LinkMacvlanMode) net->mode, has_mac ? mac : NULL,
                                 net->mtu, ret, error);
    if (!link_add_veth (&args, ret, error))
        return FALSE;
    if (configure_host_end (net, ret->host, error) && limit_rates (net, ret->host, error))
        return TRUE;
    delete_link (ret->host);
    return FALSE;
}

/* Only what was made here: a chosen name may be another program's by now. Of @pairs those behind
 * the <interface>s are devices of the host. */
static void
delete_made (const DomainDef *def, const GArray *pairs)
{
    for (guint i = 0; i < pairs->len && i < def->nets->len; i++) {
        const LinkPair *pair = &g_array_index (pairs, LinkPair, i);

        delete_link (pair->host[0] ? pair->host : pair->guest);
    }
}

/* GArray of LinkPair, one a <interface>, then one a <hostdev type='net'>. A failure leaves nothing. */
static gpointer
links_make (gpointer data, GError **error)
{
    const LinkWork *work = data;
    const DomainDef *def = work->def;
    g_autoptr (GArray) pairs = g_array_new (FALSE, TRUE, sizeof (LinkPair));

    for (guint i = 0; i < def->nets->len; i++) {
        LinkPair pair = { 0 };

        if (!host_link_make (def->nets->pdata[i], work->names[i], &pair, error)) {
            delete_made (def, pairs);
            return NULL;
        }
        g_array_append_val (pairs, pair);
    }
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];
        LinkPair pair = { 0 };

        if (dev->type != HOSTDEV_NET)
            continue;
        g_strlcpy (pair.guest, dev->interface, sizeof pair.guest);
        pair.guest_index = link_index (dev->interface);
        if (pair.guest_index == 0) {
            error_set_errno (error, ENODEV, "Unable to use interface '%s'", dev->interface);
            delete_made (def, pairs);
            return NULL;
        }
        g_array_append_val (pairs, pair);
    }
    return g_steal_pointer (&pairs);
}

void
guest_link_name (const DomainDef *def, NetDef *net)
{
    for (guint number = 0; !net->guest_ifname; number++) {
        g_autofree char *name = g_strdup_printf ("eth%u", number);
        gboolean taken = FALSE;

        for (guint i = 0; i < def->nets->len; i++)
            taken |= !g_strcmp0 (((const NetDef *) def->nets->pdata[i])->guest_ifname, name);
        for (guint i = 0; i < def->hostdevs->len; i++)
            taken |= !g_strcmp0 (((const HostdevDef *) def->hostdevs->pdata[i])->interface, name);
        if (!taken)
            net->guest_ifname = g_steal_pointer (&name);
    }
}

static void
take_links (Instance *instance, const GArray *pairs)
{
    DomainDef *def = instance->domain->def;
    guint at = 0;

    for (guint i = 0; i < def->nets->len; i++) {
        NetDef *net = def->nets->pdata[i];
        const LinkPair *pair = &g_array_index (pairs, LinkPair, at++);

        guest_link_name (def, net);
        if (pair->host[0])
            text_replace (&net->ifname, pair->host);
        text_replace (&net->guest_actual, pair->guest);
        plan_facts_add_link (instance->facts, pair->guest, pair->guest_index, net->guest_ifname, net, NULL);
    }
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const HostdevDef *dev = def->hostdevs->pdata[i];
        const LinkPair *pair;

        if (dev->type != HOSTDEV_NET)
            continue;
        pair = &g_array_index (pairs, LinkPair, at++);
        plan_facts_add_link (instance->facts, pair->guest, pair->guest_index, dev->interface, NULL, dev);
    }
}

/* Nobody waits for them any more: not even the undo, whose deadline has passed. */
static gpointer
links_unmake (gpointer data, GError **error)
{
    const GArray *pairs = data;

    (void) error;
    for (guint i = 0; i < pairs->len; i++) {
        const LinkPair *pair = &g_array_index (pairs, LinkPair, i);

        delete_link (pair->host[0] ? pair->host : pair->guest);
    }
    return NULL;
}

static void
links_unmade (gpointer result, GError *error, gpointer data)
{
    (void) result;
    (void) error;
    (void) data;
}

static void
links_made (gpointer result, GError *error, gpointer data)
{
    g_autoptr (LinkWaiter) waiter = data;
    g_autoptr (GArray) pairs = result;
    Instance *instance = waiter->domain->instance;

    if (!instance || instance->serial != waiter->serial || !instance->links_making) {
        if (pairs) {
            g_array_set_size (pairs, MIN (pairs->len, waiter->n_nets));
            task_run (links_unmake, g_steal_pointer (&pairs), (GDestroyNotify) g_array_unref, links_unmade, NULL);
        }
        return;
    }
    instance->links_making = FALSE;
    if (!pairs) {
        /* nothing is left of ours: what has one of the names is another's */
        instance_set_note (instance, NOTE_LINKS, NULL);
        instance_set_note (instance, NOTE_MACVLANS, NULL);
        store_save_status (waiter->domain, NULL);
    }
    if (instance->phase == PHASE_STARTING && !pairs) {
        instance_fail (instance, g_error_copy (error));
        return;
    }
    if (instance->phase == PHASE_STARTING)
        take_links (instance, pairs);
    instance_resume (instance);         /* an undo takes them away by their notes */
}

/* Other starts of this daemon cannot choose between: they choose here too, and *@next does not go
 * back. */
char *
host_link_choose (const NetDef *net)
{
    const char *prefix = net->type == NET_DIRECT ? "macvlan" : "vnet";
    static guint next;
    char *name = NULL;

    if (net->type != NET_DIRECT && net->ifname && !g_str_has_prefix (net->ifname, prefix))
        return g_strdup (net->ifname);
    do {
        g_free (name);
        name = g_strdup_printf ("%s%u", prefix, next++ % 1000000);
    } while (link_index (name) != 0);
    return name;
}

/* Names that are free now. */
static char **
choose_names (const DomainDef *def)
{
    char **names = g_new0 (char *, def->nets->len + 1);

    for (guint i = 0; i < def->nets->len; i++)
        names[i] = host_link_choose (def->nets->pdata[i]);
    return names;
}

/* Blank separated; NULL: none. */
static char *
join_names (const DomainDef *def, char **names, gboolean macvlans)
{
    g_autoptr (GString) text = g_string_new (NULL);

    for (guint i = 0; names[i]; i++)
        if (macvlans == (((const NetDef *) def->nets->pdata[i])->type == NET_DIRECT))
            g_string_append_printf (text, "%s%s", text->len ? " " : "", names[i]);
    return text->len ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

StepResult
step_links (Instance *instance, GError **error)
{
    LinkWork *work = g_new0 (LinkWork, 1);
    g_autofree char *links = NULL, *macvlans = NULL;
    LinkWaiter *waiter;

    work->def = domain_def_copy (instance->domain->def);
    work->names = choose_names (work->def);
    for (guint i = 0; work->names[i]; i++) {
        /* not ours to delete later */
        if (link_index (work->names[i]) != 0) {
            error_set_errno (error, EEXIST, "Cannot add interface '%s'", work->names[i]);
            link_work_free (work);
            return STEP_FAILED;
        }
    }
    links = join_names (work->def, work->names, FALSE);
    macvlans = join_names (work->def, work->names, TRUE);
    instance_set_note (instance, NOTE_LINKS, links);
    instance_set_note (instance, NOTE_MACVLANS, macvlans);
    if (!store_save_status (instance->domain, error)) {
        link_work_free (work);
        return STEP_FAILED;
    }
    waiter = g_new0 (LinkWaiter, 1);
    waiter->domain = domain_ref (instance->domain);
    waiter->serial = instance->serial;
    waiter->n_nets = work->def->nets->len;
    instance->links_making = TRUE;
    task_run (links_make, work, link_work_free, links_made, waiter);
    return STEP_WAIT;
}

static gpointer
links_delete (gpointer data, GError **error)
{
    g_auto (GStrv) names = g_strsplit (data, " ", -1);

    (void) error;
    for (guint i = 0; names[i]; i++)
        delete_link (names[i]);
    return NULL;
}

void
links_gone (gpointer result, GError *error, gpointer data)
{
    Instance *instance = instance_redeem (data);

    (void) result;
    (void) error;
    if (instance)
        instance_resume (instance);
}

StepResult
undo_links (Instance *instance)
{
    const char *hosts = instance_note (instance, NOTE_LINKS);
    const char *macvlans = instance_note (instance, NOTE_MACVLANS);
    char *names;

    if (instance_end_processes (instance) == STEP_WAIT)
        return STEP_WAIT;
    /* one that is made after it was deleted would stay */
    if (instance->links_making)
        return STEP_WAIT;
    if (links_return (instance))
        return STEP_WAIT;
    if (!hosts && !macvlans)
        return STEP_DONE;
    names = g_strjoin (" ", hosts ? hosts : "", macvlans ? macvlans : "", NULL);
    task_run (links_delete, names, g_free, links_gone, instance_ticket (instance));
    instance_set_note (instance, NOTE_LINKS, NULL);     /* once */
    instance_set_note (instance, NOTE_MACVLANS, NULL);
    return STEP_WAIT;
}
