/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seccomp profiles in LXC's syntax, compiled to the BPF program that travels in the launch plan.
 *
 *   2                          version; 1: an allowlist of plain numbers, one a line
 *   denylist [ACTION]          (blacklist) everything else is allowed; allowlist (whitelist):
 *                              everything else is killed. ACTION is a rule's when it names none
 *   reject_force_umount        umount2(2) with MNT_FORCE: EACCES
 *   [all]                      or the name of an architecture: the rules that follow are for it
 *   NAME [ACTION] [ARGS]       ACTION: errno N, kill, trap, allow, log
 *                              ARGS: [INDEX,VALUE,SCMP_CMP_EQ] or [INDEX,VALUE,SCMP_CMP_MASKED_EQ,MASK], ...
 *
 * A # begins a comment. A system call that libseccomp does not know is passed over, as in LXC: a profile
 * is written for many kernels; but the caller is told. Rules of a 32-bit sibling's section ([i386] on
 * x86_64) are for the native architecture too.
 */
#pragma once

#include <glib.h>

#define SECCOMP_POLICY_MAX 65536        /* bytes of text */

/* struct sock_filter[]. ERR_CONFIG_UNSUPPORTED with "WHAT:LINE: reason". *ret_unknown (which may be NULL):
 * "LINE: NAME, ..." of the calls passed over, or NULL. Any thread. */
GBytes *seccomp_compile (const char *policy, const char *what, char **ret_unknown, GError **error);

/* The profile of a container that names none: compiled once. The caller has a reference. */
GBytes *seccomp_compile_default (GError **error);
/* Its text, for documents and tests. */
const char *seccomp_default_policy (void);
