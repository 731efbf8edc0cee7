/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/leases.h"

#include <string.h>

#include "host/leases.h"
#include "util/error.h"
#include "util/task.h"

typedef struct {
    gboolean arp;
    GPtrArray *names, *macs;    /* of the domain's interfaces */
} LeaseQuestion;

typedef struct {
    Call *call;
    GuestFactsDone done;
} Asker;

static void
question_free (gpointer data)
{
    LeaseQuestion *question = data;

    g_ptr_array_unref (question->names);
    g_ptr_array_unref (question->macs);
    g_free (question);
}

static LeaseQuestion *
question_new (const DomainDef *def, gboolean arp)
{
    LeaseQuestion *question = g_new0 (LeaseQuestion, 1);

    question->arp = arp;
    question->names = g_ptr_array_new_with_free_func (g_free);
    question->macs = g_ptr_array_new_with_free_func (g_free);
    for (guint i = 0; i < def->nets->len; i++) {
        const NetDef *net = def->nets->pdata[i];

        if (!net->mac || !(net->ifname || net->guest_ifname))
            continue;
        g_ptr_array_add (question->names, g_strdup (net->ifname ? net->ifname : net->guest_ifname));
        g_ptr_array_add (question->macs, g_ascii_strdown (net->mac, -1));
    }
    return question;
}

/* The interfaces that something is known of. */
static gpointer
question_read (gpointer data, GError **error)
{
    const LeaseQuestion *question = data;
    g_autoptr (GPtrArray) leases = question->arp ? neighbours_read (error) : leases_read ();
    GuestFacts *facts;

    if (!leases)
        return NULL;
    facts = guest_facts_new ();
    for (guint i = 0; i < question->names->len; i++)
        for (guint k = 0; k < leases->len; k++) {
            const HostLease *lease = leases->pdata[k];

            if (strcmp (lease->mac, question->macs->pdata[i]) != 0)
                continue;
            guest_facts_add_address (facts, question->names->pdata[i], lease->mac, lease->ipv6,
                                     lease->address, lease->prefix);
            if (lease->hostname && !facts->hostname)
                facts->hostname = g_strdup (lease->hostname);
        }
    return facts;
}

static void
question_answered (gpointer result, GError *error, gpointer data)
{
    g_autoptr (GuestFacts) facts = result;
    g_autofree Asker *asker = data;

    asker->done (facts, error, asker->call);
}

void
leases_ask_addresses (Call *call, gboolean arp, GuestFactsDone done)
{
    Asker *asker = g_new (Asker, 1);

    *asker = (Asker){ call, done };
    task_run (question_read, question_new (call->domain->def, arp), question_free, question_answered, asker);
}

static void
hostname_known (const GuestFacts *facts, const GError *error, gpointer data)
{
    Call *call = data;
    GError *none = NULL;

    if (facts && facts->hostname) {
        ((domain_get_hostname_ret *) call->out)->hostname = g_strdup (facts->hostname);
        call_done (call);
        return;
    }
    if (!error)
        error_set (&none, ERR_NO_HOSTNAME, "no hostname found for domain %s", call->domain->def->name);
    call_failed (call, error ? g_error_copy (error) : none);
}

void
leases_ask_hostname (Call *call)
{
    leases_ask_addresses (call, FALSE, hostname_known);
}
