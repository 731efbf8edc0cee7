/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at the program before it is executed, so that a failure names its true cause. */
#pragma once

#include "controller/failure.h"

/* In the container's root (@root): exists, is a file one may execute, is built for this machine, and
 * its interpreters (script, ELF loader) are so too. Also refuses an interpreter reached by a magic
 * link such as /proc/self/exe, which would execute the controller itself inside (attack A01). */
int program_check (int root, const char *path, Failure *failure);
