/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Title, description, and the elements that applications keep in a domain's <metadata>. */
#include <string.h>

#include "conf/domain_metadata.h"
#include "driver/api.h"
#include "driver/events.h"
#include "driver/params.h"
#include "driver/tune.h"

ApiResult
api_domain_get_metadata (Call *call, const domain_get_metadata_args *in,
                         domain_get_metadata_ret *out, GError **error)
{
    const char *uri = wire_text (in->uri);
    DomainDef *def;
    gboolean live;

    if (in->type < METADATA_DESCRIPTION || in->type > METADATA_ELEMENT) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "unknown type of metadata: %d",
                        in->type);
        return API_FAILED;
    }
    if ((in->type == METADATA_ELEMENT) != (uri != NULL)) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                        "an element of metadata, and only that, is asked for by its namespace URI");
        return API_FAILED;
    }
    if (!affect_def (call->domain, in->flags, &def, &live, error))
        return API_FAILED;
    out->metadata = domain_metadata_get (def, (MetadataType) in->type, uri, error);
    return out->metadata ? API_DONE : API_FAILED;
}

static gboolean
change_check (const domain_set_metadata_args *in, GError **error)
{
    const char *text = wire_text (in->metadata), *key = wire_text (in->key),
               *uri = wire_text (in->uri);

    switch (in->type) {
    case METADATA_TITLE:
        if (text && strchr (text, '\n'))
            return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                                   "metadata title can't contain newlines");
        G_GNUC_FALLTHROUGH;
    case METADATA_DESCRIPTION:
        if (key || uri)
            return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                                   "a title or a description has no key and no namespace URI");
        return TRUE;
    case METADATA_ELEMENT:
        if (!uri || (text && !key))
            return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                                   "an element of metadata needs a namespace URI and a key");
        return TRUE;
    default:
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                               "unknown type of metadata: %d", in->type);
    }
}

static gboolean
edit_metadata (DomainDef *def, gconstpointer request, GError **error)
{
    const domain_set_metadata_args *in = request;

    return domain_metadata_set (def, (MetadataType) in->type, wire_text (in->metadata),
                                wire_text (in->key), wire_text (in->uri), error);
}

static void
tell_metadata (Call *call, Affect affect)
{
    const domain_set_metadata_args *in = call->in;

    (void) affect;
    event_metadata_change (call->domain, in->type, wire_text (in->uri));
}

ApiResult
api_domain_set_metadata (Call *call, const domain_set_metadata_args *in, none *out, GError **error)
{
    Affect affect;

    (void) out;
    if (!change_check (in, error) || !affect_resolve (call->domain, in->flags, &affect, error))
        return API_FAILED;
    return tune_change (call, affect, edit_metadata, in, tell_metadata, error);
}
