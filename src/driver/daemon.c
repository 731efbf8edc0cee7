/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/daemon.h"

Daemon daemon_state;
