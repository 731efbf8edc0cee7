/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One object beside domains: finding it, and what is told of node devices and interfaces. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- By name, UUID or address ---- */

/* One look-up with arguments @in_value; @name_of and @detail_of are expressions of what is found, `at`. */
#define FIND(PROC, wire, in_value, field, name_of, detail_of, error)                               \
    ({                                                                                             \
        wire##_args in_ = in_value;                                                                \
        wire##_ret out_ = { 0 };                                                                   \
        bool found_ = CLIENT_CALL (conn, PROC, wire, &in_, &out_, error);                          \
                                                                                                   \
        if (found_) {                                                                              \
            __typeof__ (out_.field) *at = &out_.field;                                             \
                                                                                                   \
            *ret_object = (SkepObject){ g_strdup (name_of), detail_of };                           \
            CLIENT_FREE (wire, &out_);                                                             \
        }                                                                                          \
        found_;                                                                                    \
    })

/* By UUID, if @text is one and an object has it; else by name. */
#define FIND_NAMED(KIND, kind, field)                                                              \
    ({                                                                                             \
        kind##_lookup_by_uuid_args by_uuid_ = { 0 };                                               \
                                                                                                   \
        (client_uuid_bytes (text, by_uuid_.uuid)                                                   \
         && FIND (KIND##_LOOKUP_BY_UUID, kind##_lookup_by_uuid, by_uuid_, field, at->name,         \
                  client_uuid_text (at->uuid), NULL))                                              \
            || FIND (KIND##_LOOKUP_BY_NAME, kind##_lookup_by_name,                                 \
                     ((kind##_lookup_by_name_args){ .name = (char *) text }), field, at->name,     \
                     client_uuid_text (at->uuid), error);                                          \
    })

/* A name, or "WWNN,WWPN" of a Fibre Channel host. */
static bool
find_node_device (SkepConnection *conn, const char *text, SkepObject *ret_object, SkepError *error)
{
    g_auto (GStrv) wwn = g_strsplit (text, ",", 2);
    node_device_lookup_scsi_host_by_wwn_args by_wwn = { .wwnn = wwn[0], .wwpn = wwn[0] ? wwn[1] : NULL };

    for (char **at = wwn; by_wwn.wwpn && *at; at++)
        if (strlen (*at) != 16 || strspn (*at, "0123456789abcdefABCDEF") != 16)
            return client_fail_with (error, ERR_INTERNAL, ORIGIN_NONE, "internal error: Malformed wwn: %s",
                                     *at);
    if (by_wwn.wwpn)
        return FIND (NODE_DEVICE_LOOKUP_SCSI_HOST_BY_WWN, node_device_lookup_scsi_host_by_wwn, by_wwn,
                     dev, at->name, NULL, error);
    return FIND (NODE_DEVICE_LOOKUP_BY_NAME, node_device_lookup_by_name,
                 ((node_device_lookup_by_name_args){ .name = (char *) text }), dev, at->name, NULL, error);
}

/* Secrets have no names. */
static bool
find_secret (SkepConnection *conn, const char *text, SkepObject *ret_object, SkepError *error)
{
    secret_lookup_by_uuid_args in = { 0 };

    if (!client_uuid_bytes (text, in.uuid))
        return client_fail_with (error, ERR_INVALID_ARG, ORIGIN_SECRET, "'%s' is no UUID of a secret", text);
    return FIND (SECRET_LOOKUP_BY_UUID, secret_lookup_by_uuid, in, secret, at->usageID,
                 client_uuid_text (at->uuid), error);
}

bool
skep_interface_find (SkepConnection *conn, const char *name, SkepObject *ret_object, SkepError *error)
{
    if (strchr (name, ':'))
        return FIND (INTERFACE_LOOKUP_BY_MAC_STRING, interface_lookup_by_mac_string,
                     ((interface_lookup_by_mac_string_args){ .mac = (char *) name }), iface, at->name,
                     g_strdup (at->mac), error);
    return FIND (INTERFACE_LOOKUP_BY_NAME, interface_lookup_by_name,
                 ((interface_lookup_by_name_args){ .name = (char *) name }), iface, at->name,
                 g_strdup (at->mac), error);
}

bool
skep_object_find (SkepConnection *conn, SkepKind kind, const char *text, SkepObject *ret_object,
                  SkepError *error)
{
    switch (kind) {
    case SKEP_NETWORKS:
        return FIND_NAMED (NETWORK, network, net);
    case SKEP_POOLS:
        return FIND_NAMED (STORAGE_POOL, storage_pool, pool);
    case SKEP_NWFILTERS:
        return FIND_NAMED (NWFILTER, nwfilter, nwfilter);
    case SKEP_NWFILTER_BINDINGS:
        return FIND (NWFILTER_BINDING_LOOKUP_BY_PORT_DEV, nwfilter_binding_lookup_by_port_dev,
                     ((nwfilter_binding_lookup_by_port_dev_args){ .name = (char *) text }), nwfilter,
                     at->portdev, g_strdup (at->filtername), error);
    case SKEP_NODE_DEVICES:
        return find_node_device (conn, text, ret_object, error);
    case SKEP_INTERFACES:
        return skep_interface_find (conn, text, ret_object, error);
    case SKEP_SECRETS:
        return find_secret (conn, text, ret_object, error);
    }
    return client_fail_with (error, ERR_INVALID_ARG, ORIGIN_DOMAIN, "objects of kind %d", kind);
}

void
skep_object_clear (SkepObject *object)
{
    if (!object)
        return;
    free (object->name);
    free (object->detail);
    *object = (SkepObject){ 0 };
}

/* ---- Node devices and interfaces ---- */

#define STRING_CALL(conn, PROC, wire, in, field)                                                   \
    ({                                                                                             \
        wire##_ret out_ = { 0 };                                                                   \
        char *text_ = NULL;                                                                        \
                                                                                                   \
        if (CLIENT_CALL (conn, PROC, wire, in, &out_, error)) {                                    \
            text_ = g_strdup (out_.field);                                                         \
            CLIENT_FREE (wire, &out_);                                                             \
        }                                                                                          \
        text_;                                                                                     \
    })

char *
skep_node_device_xml (SkepConnection *conn, const char *name, SkepError *error)
{
    node_device_lookup_by_name_args found = { .name = (char *) name };
    node_device_lookup_by_name_ret device = { 0 };
    node_device_get_xml_desc_args in = { .name = (char *) name };

    if (!CLIENT_CALL (conn, NODE_DEVICE_LOOKUP_BY_NAME, node_device_lookup_by_name, &found, &device,
                      error))
        return NULL;
    CLIENT_FREE (node_device_lookup_by_name, &device);
    return STRING_CALL (conn, NODE_DEVICE_GET_XML_DESC, node_device_get_xml_desc, &in, xml);
}

char *
skep_node_device_parent (SkepConnection *conn, const char *name, SkepError *error)
{
    node_device_get_parent_args in = { .name = (char *) name };
    node_device_get_parent_ret out = { 0 };
    char *parent;

    if (!CLIENT_CALL (conn, NODE_DEVICE_GET_PARENT, node_device_get_parent, &in, &out, error))
        return NULL;
    parent = out.parentName ? g_strdup (*out.parentName) : NULL;
    CLIENT_FREE (node_device_get_parent, &out);
    return parent;
}

char *
skep_interface_xml (SkepConnection *conn, const SkepObject *interface, unsigned flags,
                    SkepError *error)
{
    interface_get_xml_desc_args in = { .iface = { interface->name, interface->detail },
                                       .flags = flags };

    return STRING_CALL (conn, INTERFACE_GET_XML_DESC, interface_get_xml_desc, &in, xml);
}

int
skep_interface_is_active (SkepConnection *conn, const SkepObject *interface, SkepError *error)
{
    interface_is_active_args in = { .iface = { interface->name, interface->detail } };
    interface_is_active_ret out = { 0 };

    return CLIENT_CALL (conn, INTERFACE_IS_ACTIVE, interface_is_active, &in, &out, error)
             ? out.active
             : -1;
}
