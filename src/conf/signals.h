/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of signals: SIGPWR, SIGRTMIN+3, SIGRTMAX-1; numbers are read too. */
#pragma once

#include <glib.h>

/* The number, 0 when @text names no signal. The prefix SIG may be absent. */
guint signal_number (const char *text);
/* The caller frees. */
char *signal_format (guint number);
