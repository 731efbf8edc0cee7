/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where libvirt's words for a wrong value or an absent thing are not the usual ones: clients and
 * their users know them. The row's path is compared with the end of what is wrong; the first row
 * counts.
 */
#include <string.h>

#include "conf/domain_codec.h"

static const CodecWording rows[] = {
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
