/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc/meminfo of the container: the host's, with the numbers of the container's memory group in the
 * lines that are about what a program may use.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MEMINFO_SIZE 4096

/* @group: the memory group's directory (O_PATH), of cgroup version 2 or 1. @text has room for
 * MEMINFO_SIZE. Its length; what cannot be read stays as it is on the host. */
size_t meminfo_format (int group, bool v2, char *text);
