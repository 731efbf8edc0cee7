/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launch plan as bytes and as text. No GLib: the controller links this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "plan/plan_xdr.h"      /* generated from plan.x */

#define PLAN_BYTES_MAX (4U << 20)

/* Writes @plan into a sealed (no write, no grow, no shrink, no seal) memfd. A string that is NULL is
 * written as "". The plan is not checked here: plan_check() does, and the controller does again.
 * fd, or -1 with errno (EMSGSIZE: above PLAN_BYTES_MAX or a bound of plan.x). */
int plan_to_memfd (const launch_plan *plan);

/* Encodes into @data: length, or 0 when it does not fit or breaks a bound. */
size_t plan_encode (const launch_plan *plan, void *data, size_t size);

/* Reads and checks a plan: size bound, seals, version, every index and path rule of plan.x that the
 * types cannot say (exactly one root mount first, node paths relative without "..", descriptors in
 * range). 0, or -1 with errno and a static sentence in *ret_why. Free with plan_free(). */
int plan_from_fd (int fd, launch_plan *plan, const char **ret_why);
int plan_decode (const void *data, size_t size, launch_plan *plan, const char **ret_why);
void plan_free (launch_plan *plan);

/* The rules alone: true, or false with a static sentence. Strings must not be NULL. */
bool plan_check (const launch_plan *plan, const char **ret_why);

/* The same for one device of a running container. */
int plan_device_to_memfd (const device_plan *plan);
int plan_device_from_fd (int fd, device_plan *plan, const char **ret_why);
void plan_device_free (device_plan *plan);
bool plan_device_check (const device_plan *plan, const char **ret_why);

/* Prints the plan for people, one step a line in order of execution: `skep domain-plan`. */
void plan_print (const launch_plan *plan, FILE *out);

/* Copies a program (skep-controller) into a sealed memfd to execute as /proc/self/fd/N. A container
 * without user namespace can then not reach the file on disk by way of /proc/PID/exe (attack A01);
 * one copy serves all containers of a daemon. fd, or -1 with errno. */
int plan_program_image (const char *path);
