/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a device fits a definition, or which one of it is meant; with libvirt's codes and texts. */
#pragma once

#include "conf/domain_device.h"

typedef enum { MATCH_LIVE, MATCH_CONFIG } MatchWhere;

/* @device can come to @def. */
gboolean device_match_new (const DomainDef *def, const DomainDevice *device, MatchWhere where,
                           GError **error);
/* The index of the device of @def that is meant, -1 with error. */
int device_match_old (const DomainDef *def, const DomainDevice *device, MatchWhere where, GError **error);
