/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one GError domain of Skep.
 *
 * The code of an error is a libvirt error number (virErrorNumber, facts/wire/enums.tsv), its message
 * holds the detail only: rpc/error_wire.c alone knows the templates such as "Domain not found: %s".
 * Besides code and message an error carries the libvirt origin (virErrorDomain) and, for
 * ERR_SYSTEM, the errno.
 *
 * Library rooms return errors and do not log them; dispatch and the step runner log each one once.
 */
#pragma once

#include <glib.h>

typedef enum {
    ERR_INTERNAL = 1,
    ERR_NO_MEMORY = 2,
    ERR_NO_SUPPORT = 3,
    ERR_NO_CONNECT = 5,
    ERR_INVALID_ARG = 8,
    ERR_OPERATION_FAILED = 9,
    ERR_OS_TYPE = 16,
    ERR_NO_SOURCE = 19,
    ERR_NO_TARGET = 20,
    ERR_NO_NAME = 21,
    ERR_XML = 27,
    ERR_DOM_EXIST = 28,
    ERR_OPERATION_DENIED = 29,
    ERR_CONF_SYNTAX = 33,
    ERR_XML_DETAIL = 35,
    ERR_SYSTEM = 38,
    ERR_RPC = 39,
    ERR_NO_DOMAIN = 42,
    ERR_NO_NETWORK = 43,
    ERR_INVALID_MAC = 44,
    ERR_AUTH_FAILED = 45,
    ERR_NO_STORAGE_POOL = 49,
    ERR_NO_STORAGE_VOL = 50,
    ERR_NO_NODE_DEVICE = 53,
    ERR_OPERATION_INVALID = 55,
    ERR_NO_INTERFACE = 57,
    ERR_MULTIPLE_INTERFACES = 59,
    ERR_NO_NWFILTER = 62,
    ERR_NO_SECRET = 66,
    ERR_CONFIG_UNSUPPORTED = 67,
    ERR_OPERATION_TIMEOUT = 68,
    ERR_HOOK_SCRIPT_FAILED = 70,
    ERR_NO_DOMAIN_SNAPSHOT = 72,
    ERR_ARGUMENT_UNSUPPORTED = 74,
    ERR_OPERATION_ABORTED = 78,
    ERR_AUTH_CANCELLED = 79,
    ERR_NO_DOMAIN_METADATA = 80,
    ERR_OVERFLOW = 82,
    ERR_OPERATION_UNSUPPORTED = 84,
    ERR_RESOURCE_BUSY = 87,
    ERR_ACCESS_DENIED = 88,
    ERR_XML_INVALID_SCHEMA = 92,
    ERR_AUTH_UNAVAILABLE = 94,
    ERR_NO_CLIENT = 96,
    ERR_DEVICE_MISSING = 99,
    ERR_NO_NWFILTER_BINDING = 101,
    ERR_NO_HOSTNAME = 108,
    ERR_MULTIPLE_DOMAINS = 110,
} ErrorCode;

/* virErrorDomain numbers that Skep uses. */
typedef enum {
    ORIGIN_NONE = 0,
    ORIGIN_XML = 5,
    ORIGIN_RPC = 7,
    ORIGIN_CONF = 9,
    ORIGIN_REMOTE = 13,
    ORIGIN_LXC = 17,
    ORIGIN_STORAGE = 18,
    ORIGIN_NETWORK = 19,
    ORIGIN_DOMAIN = 20,
    ORIGIN_NODEDEV = 22,
    ORIGIN_SECURITY = 24,
    ORIGIN_INTERFACE = 26,
    ORIGIN_SECRET = 30,
    ORIGIN_NWFILTER = 33,
    ORIGIN_SNAPSHOT = 35,
    ORIGIN_STREAMS = 38,
    ORIGIN_EVENT = 40,
    ORIGIN_URI = 45,
    ORIGIN_AUTH = 46,
    ORIGIN_CGROUP = 54,
    ORIGIN_ACCESS = 55,
    ORIGIN_POLKIT = 60,
    ORIGIN_CHECKPOINT = 69,
} ErrorOrigin;

#define SKEP_ERROR (skep_error_quark ())
GQuark skep_error_quark (void);

/* Sets *error (which may be NULL) to @code with the formatted detail; origin ORIGIN_LXC.
 * Always returns FALSE, so that a failing function can end in `return error_set (...)`. */
gboolean error_set (GError **error, ErrorCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* As error_set() with ERR_SYSTEM; the message gets ": " and the text of @errnum appended. */
gboolean error_set_errno (GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* As error_set() with another origin than ORIGIN_LXC. */
gboolean error_set_from (GError **error, ErrorOrigin origin, ErrorCode code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* The origin of an error (ORIGIN_NONE for a GError of another domain) and its errno (0 when none). */
ErrorOrigin error_origin (const GError *error);
int error_errno (const GError *error);

/* Where in a document the error is, " (line 12, /domain/devices/disk)", or "": not part of the
 * message, which libvirt's clients compare. Logs and our own shell put it behind. Takes @place. */
void error_take_place (GError *error, char *place);
const char *error_place (const GError *error);
