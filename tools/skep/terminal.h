/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The user's terminal: made raw for a while, or relayed to another one. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Makes standard input's terminal raw until terminal_leave(); a deadly signal restores it too. */
bool terminal_make_raw (void);
void terminal_leave (void);
/* The same, with another screen, which terminal_leave() takes away, and no cursor. Ctrl + C stays a signal. */
bool terminal_open_screen (void);
/* For a signal's handler: restores the terminal and ends skep by that signal. */
void terminal_die (int signum);

/* Copies between the user's terminal (those of descriptors 0, 1 and 2 that are one) and the
 * pseudo-terminal @master, sizes too, until its other side is closed or process @pid has ended. The
 * terminal is raw meanwhile. */
void terminal_relay (int master, pid_t pid);
