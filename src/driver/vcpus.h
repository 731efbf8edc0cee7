/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What "vcpu" means of a container: the CPUs of the host that it may use, dealt out like cards among
 * as many vcpus as the definition has. With as many vcpus as CPUs each is one CPU; with fewer some
 * stand for several; with more the last ones stand for none. So what the vcpus used always adds up
 * to what the container used.
 */
#pragma once

#include "driver/params.h"

/* Vcpus that are not offline by <vcpu current=>. */
guint vcpus_online (const DomainDef *def);
/* A TuneTell of a change of their number. */
void vcpus_tell (Call *call, Affect affect);

/* Of guint: the host's CPUs that the domain may use, ascending. Active: as the kernel has it, else what
 * @def says; without a restriction those that are online. */
GArray *vcpus_allowed (const Domain *domain, const DomainDef *def);

/* Of guint64 ns for each of the host's CPUs, of an active domain; NULL where the kernel does not count
 * by CPU (cgroup v2). */
GArray *vcpus_usage (const Domain *domain);

/* The time of one vcpu: the sum over its CPUs; and the first of them, -1 none. */
guint64 vcpu_time (guint vcpu, guint n_vcpus, const GArray *allowed, const GArray *usage);
int vcpu_cpu (guint vcpu, guint n_vcpus, const GArray *allowed);
