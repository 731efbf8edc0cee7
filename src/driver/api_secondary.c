/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Networks, storage, filters, secrets: Skep has none of them.
 * Clients list and look them up whatever the driver, so the lists are empty and look-ups find
 * nothing, with the error code that such a client expects.
 */
#include "driver/api.h"
#include "driver/params.h"

#define NAMES_MAX 16384

#define EMPTY_COUNT(name)                                                                          \
    ApiResult api_##name (Call *call, const none *in, name##_ret *out, GError **error)             \
    {                                                                                              \
        (void) call;                                                                               \
        (void) in;                                                                                 \
        (void) error;                                                                              \
        out->num = 0;                                                                              \
        return API_DONE;                                                                           \
    }

/* @member says how many the client has room for. */
#define EMPTY_NAMES(name, member, max)                                                             \
    ApiResult api_##name (Call *call, const name##_args *in, name##_ret *out, GError **error)      \
    {                                                                                              \
        (void) call;                                                                               \
        (void) out;                                                                                \
        return room_check (in->member, max, error) ? API_DONE : API_FAILED;                        \
    }

#define EMPTY_LIST(name)                                                                           \
    ApiResult api_##name (Call *call, const name##_args *in, name##_ret *out, GError **error)      \
    {                                                                                              \
        (void) call;                                                                               \
        (void) in;                                                                                 \
        (void) error;                                                                              \
        out->ret = 0;                                                                              \
        return API_DONE;                                                                           \
    }

#define NOT_FOUND(name, origin, code, ...)                                                         \
    ApiResult api_##name (Call *call, const name##_args *in, name##_ret *out, GError **error)      \
    {                                                                                              \
        (void) call;                                                                               \
        (void) out;                                                                                \
        error_set_from (error, origin, code, __VA_ARGS__);                                         \
        return API_FAILED;                                                                         \
    }

#define NOT_FOUND_UUID(name, origin, code, what)                                                   \
    ApiResult api_##name (Call *call, const name##_args *in, name##_ret *out, GError **error)      \
    {                                                                                              \
        char text[37];                                                                             \
                                                                                                   \
        (void) call;                                                                               \
        (void) out;                                                                                \
        domain_uuid_format ((const guint8 *) in->uuid, text);                                      \
        error_set_from (error, origin, code, "no " what " with matching uuid '%s'", text);         \
        return API_FAILED;                                                                         \
    }

/* ---- networks */

EMPTY_COUNT (connect_num_of_networks)
EMPTY_COUNT (connect_num_of_defined_networks)
EMPTY_NAMES (connect_list_networks, maxnames, NAMES_MAX)
EMPTY_NAMES (connect_list_defined_networks, maxnames, NAMES_MAX)
EMPTY_LIST (connect_list_all_networks)
NOT_FOUND (network_lookup_by_name, ORIGIN_NETWORK, ERR_NO_NETWORK,
           "no network with matching name '%s'", in->name)
NOT_FOUND_UUID (network_lookup_by_uuid, ORIGIN_NETWORK, ERR_NO_NETWORK, "network")

/* ---- storage */

EMPTY_COUNT (connect_num_of_storage_pools)
EMPTY_COUNT (connect_num_of_defined_storage_pools)
EMPTY_NAMES (connect_list_storage_pools, maxnames, NAMES_MAX)
EMPTY_NAMES (connect_list_defined_storage_pools, maxnames, NAMES_MAX)
EMPTY_LIST (connect_list_all_storage_pools)
NOT_FOUND (storage_pool_lookup_by_name, ORIGIN_STORAGE, ERR_NO_STORAGE_POOL,
           "no storage pool with matching name '%s'", in->name)
NOT_FOUND_UUID (storage_pool_lookup_by_uuid, ORIGIN_STORAGE, ERR_NO_STORAGE_POOL, "storage pool")
NOT_FOUND (storage_pool_lookup_by_volume, ORIGIN_STORAGE, ERR_NO_STORAGE_POOL,
           "no storage pool with matching name '%s'", in->vol.pool)
NOT_FOUND (storage_pool_lookup_by_target_path, ORIGIN_STORAGE, ERR_NO_STORAGE_POOL,
           "no storage pool with matching target path '%s'", in->path)
NOT_FOUND (storage_vol_lookup_by_name, ORIGIN_STORAGE, ERR_NO_STORAGE_POOL,
           "no storage pool with matching name '%s'", in->pool.name)
NOT_FOUND (storage_vol_lookup_by_key, ORIGIN_STORAGE, ERR_NO_STORAGE_VOL,
           "no storage vol with matching key %s", in->key)
NOT_FOUND (storage_vol_lookup_by_path, ORIGIN_STORAGE, ERR_NO_STORAGE_VOL,
           "no storage vol with matching path '%s'", in->path)

/* ---- network filters */

EMPTY_COUNT (connect_num_of_nwfilters)
EMPTY_NAMES (connect_list_nwfilters, maxnames, NAMES_MAX)
EMPTY_LIST (connect_list_all_nwfilters)
NOT_FOUND (nwfilter_lookup_by_name, ORIGIN_NWFILTER, ERR_NO_NWFILTER,
           "no nwfilter with matching name '%s'", in->name)
NOT_FOUND_UUID (nwfilter_lookup_by_uuid, ORIGIN_NWFILTER, ERR_NO_NWFILTER, "nwfilter")
EMPTY_LIST (connect_list_all_nwfilter_bindings)
NOT_FOUND (nwfilter_binding_lookup_by_port_dev, ORIGIN_NWFILTER, ERR_NO_NWFILTER_BINDING,
           "no nwfilter binding for port dev '%s'", in->name)

/* ---- secrets */

EMPTY_COUNT (connect_num_of_secrets)
EMPTY_NAMES (connect_list_secrets, maxuuids, NAMES_MAX)
EMPTY_LIST (connect_list_all_secrets)
NOT_FOUND_UUID (secret_lookup_by_uuid, ORIGIN_SECRET, ERR_NO_SECRET, "secret")
NOT_FOUND (secret_lookup_by_usage, ORIGIN_SECRET, ERR_NO_SECRET,
           "no secret with matching usage '%s'", in->usageID)
