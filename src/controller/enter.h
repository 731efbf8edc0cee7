/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Into the namespaces of a container's init, for short work there: by skep-helper and by errands of the controller. */
#pragma once

/* Becomes root of the user namespace that the process is in, without any groups. 0, or -1 with errno. */
int enter_as_root (void);

/* @namespaces of the process of @pidfd (CLONE_NEW*); in its user namespace as its root, in its tree at "/".
 * 0, or -1 with errno. */
int enter_namespaces (int pidfd, int namespaces);
