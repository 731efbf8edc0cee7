/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd-bus on the GLib main loop. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* The system bus, attached to the default main context; NULL with error when there is none. The
 * connection is made on first use, kept, and made anew after a disconnect. */
sd_bus *sdbus_system (GError **error);
void sdbus_close (void);

/* ERR_SYSTEM / ERR_OPERATION_FAILED from an sd-bus return value and an optional sd_bus_error. */
gboolean sdbus_set_error (GError **error, int r, const sd_bus_error *bus_error, const char *what);
