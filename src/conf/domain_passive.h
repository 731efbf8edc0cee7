/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a definition says and a container ignores, with the reason. */
#pragma once

#include "conf/native.h"

/* Of NativeNote: key is the path, line 0. The paths are those of domain_def_passive() and those of what
 * has a member in the definition, but nobody who reads it. */
GPtrArray *domain_def_without_effect (const DomainDef *def);
