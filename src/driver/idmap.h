/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What skep-helper knows of id-mapped mounts. */
#pragma once

#include <glib.h>

#include "plan/monitor.h"

/* For tasks. Whether mounts of the file system at @path can be id-mapped. FALSE with error when that
 * cannot be found out. */
gboolean idmap_possible (const char *helper, const char *path, gboolean *ret, GError **error);

/* The answer that the helper has left in @sock before it ended; FALSE with errno of its step, or
 * ERR_INTERNAL where it said nothing. */
gboolean helper_answer (int sock, MonitorPacket *ret, GError **error);
