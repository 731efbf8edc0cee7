/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a user of a domain should know of it: what confines it less than it could be, and what its definition
 * says in vain. */
#include "conf/domain_passive.h"
#include "conf/native.h"
#include "driver/api.h"
#include "driver/planner.h"

enum { MESSAGES_DEPRECATION = 1, MESSAGES_TAINTING = 2 };      /* virDomainMessageType */

static void
add (GPtrArray *messages, const char *kind, const char *text)
{
    if (messages->len < REMOTE_DOMAIN_MESSAGES_MAX)
        g_ptr_array_add (messages, g_strdup_printf ("%s: %s", kind, text));
}

/* Libvirt's words where it has them. */
static void
add_taints (GPtrArray *messages, const DomainDef *def)
{
    static const char kind[] = "tainted";

    if (def->uid_map->len == 0)
        add (messages, kind, "running with undesirable elevated privileges");
    if (!plan_has_own_net (def))
        add (messages, kind, "sharing the host's network");
    if (def->skep && def->skep->seccomp_set && def->skep->seccomp == SECCOMP_OFF)
        add (messages, kind, "running without a filter of system calls");
}

ApiResult
api_domain_get_messages (Call *call, const domain_get_messages_args *in, domain_get_messages_ret *out,
                         GError **error)
{
    const DomainDef *def = call->domain->def;
    g_autoptr (GPtrArray) messages = g_ptr_array_new ();
    g_autoptr (GPtrArray) vain = domain_def_without_effect (def);

    (void) error;
    /* as with libvirt, of what runs */
    if (domain_active (call->domain) && (in->flags == 0 || (in->flags & MESSAGES_TAINTING)))
        add_taints (messages, def);
    for (guint i = 0; in->flags == 0 && i < vain->len; i++) {
        const NativeNote *note = vain->pdata[i];
        g_autofree char *text = g_strdup_printf ("%s: %s", note->key, note->reason);

        add (messages, "without effect", text);
    }
    out->msgs.msgs_len = messages->len;
    out->msgs.msgs_val = (wire_nonnull_string *) (void *) g_ptr_array_free (g_steal_pointer (&messages), FALSE);
    return API_DONE;
}

/* The kernel tells the container of an error of its disks, and nobody else: none is known here. */
ApiResult
api_domain_get_disk_errors (Call *call, const domain_get_disk_errors_args *in, domain_get_disk_errors_ret *out,
                            GError **error)
{
    (void) call;
    (void) error;
    (void) in;
    out->nerrors = 0;
    return API_DONE;
}
