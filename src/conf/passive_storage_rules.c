/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of where a disk's data are: secrets, encryption, servers; in libvirt's words. */
#include "conf/passive_rules.h"

#include <string.h>

#include "conf/number.h"

void
rule_geometry (Codec *c, PassiveNode *node)
{
    (void) c;
    if (passive_number (node, "cyls", 0) <= 0 || passive_number (node, "heads", 0) <= 0
        || passive_number (node, "secs", 0) <= 0)
        passive_drop (node);
}

/* ---- secrets */

void
rule_secret (Codec *c, PassiveNode *node)
{
    const char *uuid = passive_attr (node, "uuid"), *usage = passive_attr (node, "usage");

    if (!uuid && !usage)
        codec_fail (c, ERR_XML, "missing secret uuid or usage attribute");
    else if (uuid && usage)
        codec_fail (c, ERR_XML, "either secret uuid or usage expected");
}

/* Of the only format of which libvirt reads a cipher, to refuse it. */
void
rule_encryption (Codec *c, PassiveNode *node)
{
    g_autofree char *name = codec_peek_child (c, "cipher", "name");
    g_autofree char *size = codec_peek_child (c, "cipher", "size");
    g_autofree char *ivgen = codec_peek_child (c, "ivgen", "name");
    guint64 n;

    passive_open (node);
    if (!codec_count (c, "cipher")) {
        if (codec_count (c, "ivgen"))
            codec_fail (c, ERR_XML, "ivgen element found, but cipher is missing");
        return;
    }
    if (!name || !*name)
        codec_fail (c, ERR_XML, "cipher info missing 'name' attribute");
    else if (!size)
        codec_fail (c, ERR_XML, "Missing required attribute 'size' in element 'cipher'");
    else if (!number_parse_unsigned (size, 10, G_MAXUINT32, &n))
        codec_fail (c, ERR_XML,
                    "Invalid value for attribute 'size' in element 'cipher': '%s'. Expected "
                    "non-negative integer value",
                    size);
    else if (codec_count (c, "ivgen") && (!ivgen || !*ivgen))
        codec_fail (c, ERR_XML, "missing ivgen info name string");
    else
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "supplying <cipher> for domain disk definition is unnecessary");
}

void
rule_reservations (Codec *c, PassiveNode *node)
{
    const PassiveNode *source = passive_child (node, "source");
    const char *type = passive_attr (source, "type"), *mode = passive_attr (source, "mode");

    if (!source && !passive_is (node, "managed", "no"))
        return;
    if (!type)
        codec_fail (c, ERR_XML, "missing connection type for <reservations/>");
    else if (!passive_attr (source, "path"))
        codec_fail (c, ERR_XML, "missing path for <reservations/>");
    else if (!mode)
        codec_fail (c, ERR_XML, "missing connection mode for <reservations/>");
    else if (strcmp (type, "unix") != 0)
        codec_fail (c, ERR_XML, "unsupported connection type for <reservations/>: %s", type);
    else if (strcmp (mode, "client") != 0)
        codec_fail (c, ERR_XML, "unsupported connection mode for <reservations/>: %s", mode);
}

/* ---- parts of a file, chains of files */

void
rule_slice (Codec *c, PassiveNode *node)
{
    if (!passive_is (node, "type", "storage"))
        passive_drop (node);
    else if (!passive_attr (node, "offset") || !passive_attr (node, "size"))
        codec_fail (c, ERR_XML, "missing offset or size attribute of slice");
}

/* Only the first one counts. */
void
rule_slices (Codec *c, PassiveNode *node)
{
    PassiveNode *first = passive_child (node, "slice"), *more;

    (void) c;
    while (first && (more = passive_next (node, first)))
        passive_remove_child (node, more);
}

void
rule_backing_store (Codec *c, PassiveNode *node)
{
    if (!passive_attr (node, "type"))
        return;                 /* the end of the chain */
    if (!passive_child (node, "format"))
        codec_fail (c, ERR_XML, "missing disk backing store format");
    else if (!passive_child (node, "source"))
        codec_fail (c, ERR_XML, "missing disk backing store source");
}

void
rule_max_size (Codec *c, PassiveNode *node)
{
    (void) c;
    if (!g_strcmp0 (passive_text (node), "0"))
        passive_set_text (node, NULL);
}

/* ---- kinds of sources */

void
rule_volume_source (Codec *c, PassiveNode *node)
{
    if (!passive_attr (node, "pool") != !passive_attr (node, "volume"))
        codec_fail (c, ERR_XML,
                    "'pool' and 'volume' must be specified together for 'pool' type source");
}

void
rule_nvme_source (Codec *c, PassiveNode *node)
{
    const char *type = passive_attr (node, "type");

    if (!type)
        codec_fail (c, ERR_XML, "missing 'type' attribute to disk source");
    else if (strcmp (type, "pci") != 0)
        codec_fail (c, ERR_XML, "unsupported source type '%s'", type);
    else if (!passive_attr (node, "namespace"))
        codec_fail (c, ERR_XML, "missing 'namespace' attribute to disk source");
    else if (!passive_child (node, "address"))
        codec_fail (c, ERR_XML, "NVMe disk source is missing address");
    else if (passive_is (node, "namespace", "0"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "NVMe namespace can't be zero");
}

void
rule_vhostuser_source (Codec *c, PassiveNode *node)
{
    const char *type = passive_attr (node, "type");

    if (!type)
        codec_fail (c, ERR_XML, "missing 'type' attribute for vhostuser disk source");
    else if (strcmp (type, "unix") != 0)
        codec_fail (c, ERR_XML, "invalid 'type' attribute for vhostuser disk source");
    else if (!passive_attr (node, "path"))
        codec_fail (c, ERR_XML, "missing 'path' attribute for vhostuser disk source");
}

/* ---- servers */

static const struct {
    const char *protocol, *port;
} ports[] = {
    { "nbd", "10809" }, { "sheepdog", "7000" }, { "gluster", "24007" }, { "iscsi", "3260" },
    { "http", "80" },   { "https", "443" },     { "ftp", "21" },        { "ftps", "990" },
    { "tftp", "69" },   { "ssh", "22" },        { "vxhs", "9999" },
};

static void
default_port (PassiveNode *host, const char *protocol)
{
    if (passive_attr (host, "port") || passive_attr (host, "transport"))
        return;
    for (guint i = 0; i < G_N_ELEMENTS (ports); i++)
        if (g_str_equal (ports[i].protocol, protocol))
            passive_set (host, "port", ports[i].port);
}

static void
check_port (Codec *c, PassiveNode *host)
{
    const char *port = passive_attr (host, "port");
    g_autofree char *canonical = NULL;
    guint64 n;

    if (!port)
        return;
    if (!number_parse_unsigned (port, 10, G_MAXUINT32, &n)) {
        codec_fail (c, ERR_INVALID_ARG, "failed to parse port number '%s'", port);
        return;
    }
    if (n > G_MAXUINT16)
        codec_fail (c, ERR_INVALID_ARG, "port '%s' out of range", port);
    canonical = g_strdup_printf ("%u", (guint) n);
    passive_set (host, "port", n ? canonical : NULL);
}

void
rule_storage_host (Codec *c, PassiveNode *node)
{
    g_autofree char *transport = codec_peek (c, "transport");

    if (passive_is (node, "transport", "unix")) {
        if (!passive_attr (node, "socket"))
            codec_fail (c, ERR_XML, "missing socket for unix transport");
        passive_set (node, "name", NULL);
        passive_set (node, "port", NULL);
    } else if (passive_attr (node, "socket")) {
        codec_fail (c, ERR_XML, "transport '%s' does not support socket attribute",
                    transport ? transport : "(null)");
    } else if (!passive_attr (node, "name")) {
        codec_fail (c, ERR_XML, "missing name for host");
    } else {
        check_port (c, node);
    }
}

void
rule_network_source (Codec *c, PassiveNode *node)
{
    const char *protocol = passive_attr (node, "protocol"), *name = passive_attr (node, "name");
    const char *slash = name ? strchr (name, '/') : NULL;

    if (!name && !g_str_equal (protocol, "nbd")) {
        codec_fail (c, ERR_XML, "missing name for disk source");
        return;
    }
    if ((g_str_equal (protocol, "gluster") || g_str_equal (protocol, "rbd"))
        && (!slash || slash == name)) {
        codec_fail (c, ERR_XML, "can't split path '%s' into pool name and image name", name);
        return;
    }
    if (g_str_equal (protocol, "iscsi") && !slash) {
        g_autofree char *first = g_strconcat (name, "/0", NULL);    /* the first unit */

        passive_set (node, "name", first);
    }
    for (PassiveNode *host = passive_child (node, "host"); host; host = passive_next (node, host))
        default_port (host, protocol);
}

/* ---- cookies */

#define CONTROLS                                                                                   \
    "\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\020\021\022\023\024\025\026\027\030"  \
    "\031\032\033\034\035\036\037\177"

static gboolean
cookie_value_valid (const char *value)
{
    gsize length = strlen (value);
    g_autofree char *bare = NULL;

    if (*value != '"')
        return !strpbrk (value, CONTROLS " \",;\\");
    if (length < 2 || value[length - 1] != '"')
        return FALSE;
    bare = g_strndup (value + 1, length - 2);
    return cookie_value_valid (bare);
}

void
rule_cookie (Codec *c, PassiveNode *node)
{
    const char *name = passive_attr (node, "name"), *value = passive_text (node);

    if (!value)
        codec_fail (c, ERR_XML, "missing value for cookie '%s'", name);
    else if (strpbrk (name, CONTROLS " ()<>@,;:\\\"/[]?={}"))
        codec_fail (c, ERR_XML, "cookie name '%s' contains invalid characters", name);
    else if (!cookie_value_valid (value))
        codec_fail (c, ERR_XML, "value of cookie '%s' contains invalid characters", name);
}

void
rule_cookies (Codec *c, PassiveNode *node)
{
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

    for (PassiveNode *cookie = passive_child (node, "cookie"); cookie;
         cookie = passive_next (node, cookie))
        if (!g_hash_table_add (seen, (char *) passive_attr (cookie, "name")))
            codec_fail (c, ERR_XML, "duplicate cookie '%s'", passive_attr (cookie, "name"));
}
