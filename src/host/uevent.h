/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel says of devices that come and go, to this network namespace. */
#pragma once

#include <glib.h>

/* A descriptor to be polled; -1 with error. */
int uevent_open (GError **error);
/* Reads all that is there. TRUE: a device came, went or got another name; or more was said than the kernel kept. */
gboolean uevent_read (int fd);
