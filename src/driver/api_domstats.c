/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Statistics of all domains, or of those asked for, in one call.
 *
 * Read on the main loop: nothing that is read waits for a container, and a pool thread may be late
 * because of one that hangs. Other calls get their turn after each slice.
 */
#include <string.h>

#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/domain_stats.h"
#include "driver/params.h"

#define FILTERS 0xffu               /* the first bits are those of virConnectListAllDomains */
#define ENFORCE_STATS (1u << 31)
#define SLICE_US 8000

typedef struct {
    Call *call;                     /* NULL while the handler itself runs the first slice */
    GPtrArray *domains;             /* of Domain, referenced */
    guint next;
    StatsReading reading;
    GArray *records;                /* of wire_domain_stats_record */
} Walk;

static void
record_clear (gpointer data)
{
    xdr_free ((xdrproc_t) xdr_wire_domain_stats_record, data);
}

static void
domain_unref_pointer (gpointer domain)
{
    domain_unref (domain);
}

static void
walk_free (Walk *walk)
{
    domain_stats_end (&walk->reading);
    g_ptr_array_unref (walk->domains);
    g_array_unref (walk->records);
    g_free (walk);
}

/* FALSE: there is more to read. */
static gboolean
walk_slice (Walk *walk)
{
    gint64 begin = g_get_monotonic_time ();

    while (walk->next < walk->domains->len) {
        Domain *domain = walk->domains->pdata[walk->next++];
        wire_domain_stats_record *record;
        GArray *params;

        if (domain->removing)
            continue;
        g_array_set_size (walk->records, walk->records->len + 1);
        record = &g_array_index (walk->records, wire_domain_stats_record, walk->records->len - 1);
        wire_domain_fill (&record->dom, domain);
        params = params_new ();
        domain_stats_add (&walk->reading, domain, params);
        record->params.params_val = params_take (params, &record->params.params_len);
        if (g_get_monotonic_time () - begin > SLICE_US)
            break;
    }
    return walk->next == walk->domains->len;
}

static void
walk_fill (Walk *walk, connect_get_all_domain_stats_ret *out)
{
    out->retStats.retStats_len = walk->records->len;
    if (walk->records->len > 0)
        out->retStats.retStats_val = (wire_domain_stats_record *) (void *) g_array_steal (walk->records, NULL);
}

static gboolean
walk_on (gpointer data)
{
    Walk *walk = data;
    Call *call = walk->call;

    if (!walk_slice (walk))
        return G_SOURCE_CONTINUE;
    walk_fill (walk, call->out);
    walk_free (walk);
    call_done (call);
    return G_SOURCE_REMOVE;
}

/* ---- which domains */

typedef struct {
    guint filter;
    GPtrArray *found;
} Search;

static void
search_one (Domain *domain, gpointer data)
{
    Search *search = data;

    if (domain_list_passes (domain, search->filter))
        g_ptr_array_add (search->found, domain_ref (domain));
}

/* None named: all. Of those named the ones that are gone are left out, as in libvirt. */
static GPtrArray *
domains_of (const connect_get_all_domain_stats_args *in)
{
    Search search = { in->flags & FILTERS, g_ptr_array_new_with_free_func (domain_unref_pointer) };

    if (in->doms.doms_len == 0)
        domain_list_each (daemon_state.domains, search_one, &search);
    for (guint i = 0; i < in->doms.doms_len; i++) {
        Domain *domain = domain_list_find_uuid (daemon_state.domains,
                                                (const guint8 *) in->doms.doms_val[i].uuid);

        if (domain)
            search_one (domain, &search);
    }
    return search.found;
}

ApiResult
api_connect_get_all_domain_stats (Call *call, const connect_get_all_domain_stats_args *in,
                                  connect_get_all_domain_stats_ret *out, GError **error)
{
    guint unknown = in->stats & ~STATS_ALL;
    g_autoptr (GPtrArray) domains = NULL;
    GSource *source;
    Walk *walk;

    if (unknown && (in->flags & ENFORCE_STATS)) {
        error_set (error, ERR_ARGUMENT_UNSUPPORTED,
                   "Stats types bits 0x%x are not supported by this daemon", unknown);
        return API_FAILED;
    }
    domains = domains_of (in);
    if (domains->len > REMOTE_DOMAIN_LIST_MAX) {
        error_set_from (error, ORIGIN_RPC, ERR_RPC, "%u domains are more than a reply can hold", domains->len);
        return API_FAILED;
    }
    walk = g_new0 (Walk, 1);
    walk->domains = g_steal_pointer (&domains);
    walk->records = g_array_sized_new (FALSE, TRUE, sizeof (wire_domain_stats_record), walk->domains->len);
    g_array_set_clear_func (walk->records, record_clear);
    domain_stats_begin (&walk->reading, in->stats ? in->stats & STATS_ALL : STATS_ALL);
    if (walk_slice (walk)) {
        walk_fill (walk, out);
        walk_free (walk);
        return API_DONE;
    }
    walk->call = call;
    source = g_idle_source_new ();
    g_source_set_priority (source, G_PRIORITY_DEFAULT);
    g_source_set_callback (source, walk_on, walk, NULL);
    g_source_attach (source, NULL);
    g_source_unref (source);
    return API_LATER;
}
