/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of domains, in order of name. */
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/params.h"

/* virConnectListAllDomainsFlags: groups of filters; within a group any bit is enough, and no bit is
 * all. */
enum {
    LIST_ACTIVE = 1 << 0,
    LIST_INACTIVE = 1 << 1,
    LIST_PERSISTENT = 1 << 2,
    LIST_TRANSIENT = 1 << 3,
    LIST_RUNNING = 1 << 4,
    LIST_PAUSED = 1 << 5,
    LIST_SHUTOFF = 1 << 6,
    LIST_OTHER = 1 << 7,
    LIST_MANAGEDSAVE = 1 << 8,
    LIST_NO_MANAGEDSAVE = 1 << 9,
    LIST_AUTOSTART = 1 << 10,
    LIST_NO_AUTOSTART = 1 << 11,
    LIST_HAS_SNAPSHOT = 1 << 12,
    LIST_NO_SNAPSHOT = 1 << 13,
    LIST_HAS_CHECKPOINT = 1 << 14,
    LIST_NO_CHECKPOINT = 1 << 15,
};

static const guint groups[] = {
    LIST_ACTIVE | LIST_INACTIVE,
    LIST_PERSISTENT | LIST_TRANSIENT,
    LIST_RUNNING | LIST_PAUSED | LIST_SHUTOFF | LIST_OTHER,
    LIST_MANAGEDSAVE | LIST_NO_MANAGEDSAVE,
    LIST_AUTOSTART | LIST_NO_AUTOSTART,
    LIST_HAS_SNAPSHOT | LIST_NO_SNAPSHOT,
    LIST_HAS_CHECKPOINT | LIST_NO_CHECKPOINT,
};

/* The bits that are true of @domain: one of each group. */
static guint
domain_traits (const Domain *domain)
{
    guint traits = LIST_NO_MANAGEDSAVE | LIST_NO_SNAPSHOT | LIST_NO_CHECKPOINT;

    traits |= domain_active (domain) ? LIST_ACTIVE : LIST_INACTIVE;
    traits |= domain->persistent ? LIST_PERSISTENT : LIST_TRANSIENT;
    traits |= domain->autostart ? LIST_AUTOSTART : LIST_NO_AUTOSTART;
    switch (domain->state) {
    case STATE_RUNNING:
        return traits | LIST_RUNNING;
    case STATE_PAUSED:
        return traits | LIST_PAUSED;
    case STATE_SHUTOFF:
        return traits | LIST_SHUTOFF;
    default:
        return traits | LIST_OTHER;
    }
}

gboolean
domain_list_passes (const Domain *domain, guint filter)
{
    guint traits = domain_traits (domain);

    for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
        if ((filter & groups[i]) && !(filter & groups[i] & traits))
            return FALSE;
    return TRUE;
}

typedef struct {
    guint filter;
    GPtrArray *found; /* of Domain, borrowed */
} Search;

static void
search_one (Domain *domain, gpointer data)
{
    Search *search = data;

    if (domain_list_passes (domain, search->filter))
        g_ptr_array_add (search->found, domain);
}

/* The domains that pass, valid until the handler returns. */
static GPtrArray *
search (guint filter)
{
    Search state = { filter, g_ptr_array_sized_new (domain_list_size (daemon_state.domains)) };

    domain_list_each (daemon_state.domains, search_one, &state);
    return state.found;
}

ApiResult
api_connect_list_all_domains (Call *call, const connect_list_all_domains_args *in,
                              connect_list_all_domains_ret *out, GError **error)
{
    g_autoptr (GPtrArray) found = search (in->flags);

    (void) call;
    out->ret = found->len;
    if (!in->need_results)
        return API_DONE;
    if (found->len > REMOTE_DOMAIN_LIST_MAX) {
        error_set_from (error, ORIGIN_RPC, ERR_RPC, "%u domains are more than a reply can hold",
                        found->len);
        return API_FAILED;
    }
    out->domains.domains_val = g_new0 (wire_domain, MAX (found->len, 1));
    for (; out->domains.domains_len < found->len; out->domains.domains_len++)
        wire_domain_fill (&out->domains.domains_val[out->domains.domains_len],
                          found->pdata[out->domains.domains_len]);
    return API_DONE;
}

ApiResult
api_connect_num_of_domains (Call *call, const none *in, connect_num_of_domains_ret *out,
                            GError **error)
{
    g_autoptr (GPtrArray) found = search (LIST_ACTIVE);

    (void) call;
    (void) in;
    (void) error;
    out->num = (int) found->len;
    return API_DONE;
}

ApiResult
api_connect_list_domains (Call *call, const connect_list_domains_args *in,
                          connect_list_domains_ret *out, GError **error)
{
    g_autoptr (GPtrArray) found = search (LIST_ACTIVE);
    guint n;

    (void) call;
    if (!room_check (in->maxids, REMOTE_DOMAIN_LIST_MAX, error))
        return API_FAILED;
    n = MIN (found->len, (guint) in->maxids);
    out->ids.ids_val = g_new0 (int, MAX (n, 1));
    for (; out->ids.ids_len < n; out->ids.ids_len++)
        out->ids.ids_val[out->ids.ids_len] = ((Domain *) found->pdata[out->ids.ids_len])->def->id;
    return API_DONE;
}

ApiResult
api_connect_num_of_defined_domains (Call *call, const none *in,
                                    connect_num_of_defined_domains_ret *out, GError **error)
{
    g_autoptr (GPtrArray) found = search (LIST_INACTIVE | LIST_PERSISTENT);

    (void) call;
    (void) in;
    (void) error;
    out->num = (int) found->len;
    return API_DONE;
}

ApiResult
api_connect_list_defined_domains (Call *call, const connect_list_defined_domains_args *in,
                                  connect_list_defined_domains_ret *out, GError **error)
{
    g_autoptr (GPtrArray) found = search (LIST_INACTIVE | LIST_PERSISTENT);
    guint n;

    (void) call;
    if (!room_check (in->maxnames, REMOTE_DOMAIN_LIST_MAX, error))
        return API_FAILED;
    n = MIN (found->len, (guint) in->maxnames);
    out->names.names_val = g_new0 (char *, MAX (n, 1));
    for (; out->names.names_len < n; out->names.names_len++)
        out->names.names_val[out->names.names_len]
            = g_strdup (((Domain *) found->pdata[out->names.names_len])->def->name);
    return API_DONE;
}
