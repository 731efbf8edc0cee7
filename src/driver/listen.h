/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sockets that skepd listens on: passed by systemd, else made here. */
#pragma once

#include "driver/daemon.h"

/* Listens on what systemd passed and makes the rest: run_dir/skep-sock and skep-sock-ro, with
 * listen_libvirt also libvirt_dir/virtlxcd-sock and virtlxcd-sock-ro. */
gboolean daemon_listen (Daemon *daemon, GError **error);
