/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launch plan as bytes and as text. No GLib: the controller links this. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "plan/plan_xdr.h"      /* generated from plan.x */

#define PLAN_BYTES_MAX (4U << 20)

/* Writes @plan into a sealed (no write, no grow, no shrink, no seal) memfd. fd, or -1 with errno. */
int plan_to_memfd (const launch_plan *plan);

/* Reads and checks a plan: size bound, seals, version, every index and path rule of plan.x that the
 * types cannot say (exactly one root mount first, node paths relative without "..", descriptors in
 * range). 0, or -1 with errno and a static sentence in *ret_why. Free with plan_free(). */
int plan_from_fd (int fd, launch_plan *plan, const char **ret_why);
int plan_decode (const void *data, size_t size, launch_plan *plan, const char **ret_why);
void plan_free (launch_plan *plan);

/* Prints the plan for people, one step a line in order of execution: `skep domain-plan`. */
void plan_print (const launch_plan *plan, FILE *out);
