/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The little of rtnetlink that a container's start needs. Not libnl: the controller stays resident
 * once per container, and this costs it a hundredth of the memory (docs/architecture.md, deviations).
 */
#pragma once

#include "controller/failure.h"
#include "plan/plan.h"

/* In the host's network namespace: moves the device into the one of @pid under its guest name. */
int links_move (const launch_plan *plan, pid_t pid, Failure *failure);

/* The same for one device and the namespace of a descriptor. */
int link_move_to (const plan_link *link, int netns, Failure *failure);
/* One device inside: addresses, state, routes. */
int link_configure_one (const plan_link *link, Failure *failure);
/* In the container's network namespace: deletes the macvlan, or moves the device to @host, the host's
 * namespace, under its host name. The name alone says nothing, the container can give it to any link:
 * what is moved is known by its identity (one of before they were noted: is hardware or hangs on a link of
 * the host), and one that is not found is an error, except for a macvlan where the container has none. */
int link_delete_here (const plan_link *link, int host, Failure *failure);
int link_return (const plan_link *link, int host, Failure *failure);

/* In the container's network namespace: loopback, then addresses, state and routes of each device. */
int links_configure (const launch_plan *plan, Failure *failure);
