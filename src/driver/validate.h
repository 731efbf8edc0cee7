/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions that a client wants validated: a large one takes seconds, so it is a task. */
#pragma once

#include "conf/domain.h"
#include "driver/dispatch.h"

/* Goes on with the call on the main loop: takes @def, answers @call or leaves it to others who will. */
typedef void (*Validated) (Call *call, DomainDef *def, guint flags, wire_domain *handle);

/* Parses @xml, by the schema first, off the main loop; then @done, or the call fails. Whatever its client
 * calls meanwhile waits until @done has returned, so its calls keep their order. @flags and @handle, which
 * lives in the call, are for @done. The handler answers API_LATER. */
void validate_definition (Call *call, const char *xml, guint flags, wire_domain *handle, Validated done);
