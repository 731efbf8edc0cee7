/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers of label.c's table. */
#pragma once

#include "security/label.h"

extern const LabelDriver label_driver_selinux;      /* built with libselinux only */
extern const LabelDriver label_driver_none;
