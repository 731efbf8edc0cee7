/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where libvirt's words for a wrong value or an absent thing are not the usual ones: clients and
 * their users know them. The row's path is compared with the end of what is wrong; the first row
 * counts.
 */
#include <string.h>

#include "conf/domain_codec.h"

static const CodecWording rows[] = {
    { "interface/source/address@type", ERR_CONFIG_UNSUPPORTED,
      "unknown host device source address type '%s'" },
    { "interface/source/address@type!", ERR_XML, "missing source address type" },
    { "interface/link@state", ERR_CONFIG_UNSUPPORTED, "unknown interface link state '%s'" },
    { "interface/mtu@size", ERR_XML, "malformed mtu size" },
    { "tune/sndbuf", ERR_XML, "sndbuf must be a positive integer" },
    { "rx/frames@max", ERR_XML_DETAIL, "cannot parse value '%s' for coalesce parameter" },
    { "source/local!", ERR_XML, "'<local>' element missing for 'udp' socket interface" },
    { "hostdev/source/auth/secret!", ERR_XML, "Missing <secret> element in auth" },
    { "devices/hub@type", ERR_CONFIG_UNSUPPORTED, "unknown hub device type '%s'" },
};

const CodecWording *
domain_wording (const char *path)
{
    gsize length = strlen (path);

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        gsize end = strlen (rows[i].what);

        if (end < length && path[length - end - 1] == '/'
            && g_str_equal (path + length - end, rows[i].what))
            return &rows[i];
    }
    return NULL;
}
