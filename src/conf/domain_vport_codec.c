/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* virtualport of an interface. */
#include <string.h>

#include "conf/domain_codec.h"
#include "conf/number.h"
#include "util/text.h"

STATIC_STRING_TABLE (vport_names, VPORT_LAST, NULL, "802.1Qbg", "802.1Qbh", "openvswitch", "midonet");

#define PROFILE_ID_MAX 39       /* what fits into the kernel's message, without its NUL */

typedef enum {
    HAS_MANAGERID = 1 << 0,
    HAS_TYPEID = 1 << 1,
    HAS_TYPEIDVERSION = 1 << 2,
    HAS_INSTANCEID = 1 << 3,
    HAS_PROFILEID = 1 << 4,
    HAS_INTERFACEID = 1 << 5,
} VportParts;

static const struct { guint part; const char *name; } part_names[] = {
    { HAS_MANAGERID, "managerid" },   { HAS_TYPEID, "typeid" },       { HAS_TYPEIDVERSION, "typeidversion" },
    { HAS_INSTANCEID, "instanceid" }, { HAS_PROFILEID, "profileid" }, { HAS_INTERFACEID, "interfaceid" },
};

/* What each type has, what it must be given, and what is made up when it is not given. */
static const struct { guint all, needed; } kinds[VPORT_LAST] = {
    [0] = { HAS_MANAGERID | HAS_TYPEID | HAS_TYPEIDVERSION | HAS_INSTANCEID | HAS_PROFILEID
            | HAS_INTERFACEID, 0 },
    [VPORT_8021QBG] = { HAS_MANAGERID | HAS_TYPEID | HAS_TYPEIDVERSION | HAS_INSTANCEID,
                        HAS_MANAGERID | HAS_TYPEID | HAS_TYPEIDVERSION },
    [VPORT_8021QBH] = { HAS_PROFILEID, HAS_PROFILEID },
    [VPORT_OVS] = { HAS_PROFILEID | HAS_INTERFACEID, 0 },
    [VPORT_MIDONET] = { HAS_INTERFACEID, HAS_INTERFACEID },
};

static guint
parts_of (const NetVport *port)
{
    return (port->managerid_set ? HAS_MANAGERID : 0) | (port->typeid_set ? HAS_TYPEID : 0)
        | (port->typeidversion_set ? HAS_TYPEIDVERSION : 0) | (port->instanceid ? HAS_INSTANCEID : 0)
        | (port->profileid ? HAS_PROFILEID : 0) | (port->interfaceid ? HAS_INTERFACEID : 0);
}

static void
id_codec (Codec *c, const char *attr, guint *v, gboolean *set, guint max)
{
    g_autofree char *given = NULL;
    guint64 n;

    if (!codec_reading (c)) {
        if (*set)
            codec_uint (c, attr, v, FIELD_KEEP_ZERO);
        return;
    }
    given = codec_take (c, attr, 0);
    *set = given != NULL;
    if (!given)
        return;
    if (!number_parse_unsigned (given, 0, G_MAXUINT32, &n))
        codec_fail (c, ERR_XML, "cannot parse value of %s parameter", attr);
    else if (n > max)
        codec_fail (c, ERR_XML, "value %s %s out of range", g_str_equal (attr, "typeid") ? "for" : "of",
                    attr);
    else
        *v = (guint) n;
}

static void
uuid_codec (Codec *c, const char *attr, char **v)
{
    guint8 uuid[16];
    char text[37];

    codec_string (c, attr, v, 0);
    if (!codec_reading (c) || !*v)
        return;
    if (!domain_uuid_parse (*v, uuid)) {
        codec_fail (c, ERR_XML, "cannot parse %s parameter as a uuid", attr);
        return;
    }
    domain_uuid_format (uuid, text);
    text_replace (v, text);
}

static void
parameters_codec (Codec *c, NetVport *port)
{
    if (!codec_enter (c, "parameters", parts_of (port) != 0))
        return;
    id_codec (c, "managerid", &port->managerid, &port->managerid_set, 0xff);
    id_codec (c, "typeid", &port->typeid_, &port->typeid_set, 0xffffff);
    id_codec (c, "typeidversion", &port->typeidversion, &port->typeidversion_set, 0xff);
    uuid_codec (c, "instanceid", &port->instanceid);
    uuid_codec (c, "interfaceid", &port->interfaceid);
    codec_string (c, "profileid", &port->profileid, 0);
    if (codec_reading (c) && port->profileid && !*port->profileid)
        g_clear_pointer (&port->profileid, g_free);
    if (codec_reading (c) && port->profileid && strlen (port->profileid) > PROFILE_ID_MAX)
        codec_fail (c, ERR_XML, "profileid parameter too long");
    codec_leave (c);
}

static void
judge (Codec *c, const NetVport *port, gboolean network)
{
    guint parts = parts_of (port);
    const char *type = vport_names.name[port->type];

    if (!network && !port->type)
        codec_fail (c, ERR_XML, "missing required virtualport type");
    for (guint i = 0; i < G_N_ELEMENTS (part_names); i++)
        if (!network && kinds[port->type].needed & part_names[i].part & ~parts)
            codec_fail (c, ERR_XML, "missing %s in <virtualport type='%s'>", part_names[i].name, type);
    for (guint i = 0; i < G_N_ELEMENTS (part_names); i++)
        if (parts & part_names[i].part & ~kinds[port->type].all)
            codec_fail (c, ERR_XML, "extra %s unsupported in <virtualport type='%s'>",
                        part_names[i].name, type);
}

static gboolean
type_codec (Codec *c, NetVport *port)
{
    g_autofree char *type = NULL;
    int value;

    if (!codec_reading (c)) {
        codec_enum (c, "type", &port->type, &vport_names, 0);
        return TRUE;
    }
    type = codec_take (c, "type", 0);
    value = type ? string_table_value (&vport_names, type) : 0;
    if (value < 0)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "unknown virtualport type %s", type);
    else
        port->type = (guint) value;
    return value >= 0;
}

void
net_vport_codec (Codec *c, NetDef *net)
{
    gboolean supported = net->type == NET_NETWORK || net->type == NET_BRIDGE || net->type == NET_DIRECT
        || net->type == NET_HOSTDEV;
    NetVport *port = &net->vport;

    if (!codec_enter (c, "virtualport", port->set || port->type || parts_of (port)))
        return;
    port->set |= codec_reading (c);
    if (!supported)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "<virtualport> element unsupported for <interface type='%s'>",
                    net_type_names.name[net->type]);
    if (type_codec (c, port))
        parameters_codec (c, port);
    if (codec_reading (c))
        judge (c, port, net->type == NET_NETWORK);
    codec_leave (c);
}
