/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain by its id, name or uuid. */
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/params.h"

ApiResult
api_domain_lookup_by_id (Call *call, const domain_lookup_by_id_args *in,
                         domain_lookup_by_id_ret *out, GError **error)
{
    Domain *domain = domain_list_find_id (daemon_state.domains, in->id);

    (void) call;
    if (in->id < 0) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "the id must be zero or greater");
        return API_FAILED;
    }
    if (!domain || !domain_active (domain)) {
        error_set (error, ERR_NO_DOMAIN, "No domain with matching id %d", in->id);
        return API_FAILED;
    }
    wire_domain_fill (&out->dom, domain);
    return API_DONE;
}

ApiResult
api_domain_lookup_by_name (Call *call, const domain_lookup_by_name_args *in,
                           domain_lookup_by_name_ret *out, GError **error)
{
    Domain *domain = domain_list_find_name (daemon_state.domains, in->name);

    (void) call;
    if (!domain) {
        error_set (error, ERR_NO_DOMAIN, "No domain with matching name '%s'", in->name);
        return API_FAILED;
    }
    wire_domain_fill (&out->dom, domain);
    return API_DONE;
}

ApiResult
api_domain_lookup_by_uuid (Call *call, const domain_lookup_by_uuid_args *in,
                           domain_lookup_by_uuid_ret *out, GError **error)
{
    Domain *domain = domain_list_find_uuid (daemon_state.domains, (const guint8 *) in->uuid);

    (void) call;
    if (!domain) {
        char text[37];

        domain_uuid_format ((const guint8 *) in->uuid, text);
        error_set (error, ERR_NO_DOMAIN, "No domain with matching uuid '%s'", text);
        return API_FAILED;
    }
    wire_domain_fill (&out->dom, domain);
    return API_DONE;
}
