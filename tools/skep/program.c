/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include <stddef.h>

const ProgramOption program_options[] = {
    { 'c', "connect", "URI",
      "URI of the daemon (default: $SKEP_SOCKET, $SKEP_URI, lxc:///system)" },
    { LONG_SOCKET, "socket", "PATH", "socket of the daemon instead of a URI" },
    { 'r', "readonly", NULL, "open a read-only connection" },
    { 'q', "quiet", NULL, "leave out headers, notes and hints" },
    { LONG_JSON, "json", NULL, "print the results of reading verbs as JSON" },
    { 'e', "escape", "CHAR", "escape character of the console (default: ^])" },
    { 't', "timing", NULL, "print how long each command took" },
    { LONG_NO_COLOUR, "no-colour", NULL, "no colours on a terminal (or set NO_COLOR)" },
    { 'k', "keepalive-interval", "NUM",
      "taken for virsh's sake: a UNIX socket tells at once that its daemon is gone" },
    { 'K', "keepalive-count", "NUM", "taken for virsh's sake" },
    { 'd', "debug", "NUM", "taken for virsh's sake" },
    { 'l', "log", "FILE", "taken for virsh's sake" },
    { 'v', NULL, NULL, "print the version number and exit" },
    { 'V', NULL, NULL, "print the version with its particulars and exit" },
    { LONG_VERSION, "version", "[=TYPE]", "print the version (TYPE short or long) and exit" },
    { 'h', "help", NULL, "print this help and exit" },
    { 0, NULL, NULL, NULL },
};

_Static_assert(sizeof program_options / sizeof *program_options <= PROGRAM_OPTIONS_MAX, "too many");
