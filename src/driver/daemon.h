/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the daemon has one of. Everything is owned by the main loop. */
#pragma once

#include <glib.h>

#include "conf/domain.h"
#include "driver/domains.h"
#include "driver/settings.h"
#include "rpc/server.h"
#include "security/label.h"

typedef struct {
    Settings *settings;             /* skepd.conf and lxc.conf */
    RpcServer *rpc;
    DomainList *domains;
    const LabelDriver *labels;
    DomainDefaults defaults;
    guint cap_last;
    char *host_uuid;
    GMainLoop *loop;
} Daemon;

extern Daemon daemon_state;         /* the one; handlers are given what they need from it */
