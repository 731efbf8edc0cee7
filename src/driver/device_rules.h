/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device rules of a running container, as a list that grows and shrinks with its devices. Kept as a
 * note of the instance, since v2 cannot be asked: "c1:3rwm b8:0rw a*:*m".
 */
#pragma once

#include <glib.h>

#include "driver/instance.h"
#include "host/cgroup.h"

#define NOTE_RULES "device-rules"
#define NOTE_NUMBERS "device-numbers"   /* which device of the host an alias is: "disk0=b7:0 hostdev0=c10:200" */

/* @rules and @more; @rules without one of each of @less. New lists. */
GArray *device_rules_plus (const GArray *rules, const GArray *more);
GArray *device_rules_minus (const GArray *rules, const GArray *less);

/* Writes @rules to the container's cgroup and notes them. */
gboolean device_rules_apply (Instance *instance, const GArray *rules, GError **error);
/* What is in force. ERR_OPERATION_UNSUPPORTED for a container that was started without the note. */
GArray *device_rules_now (const Instance *instance, GError **error);

/* Notes what the instance's facts say of the devices of the live definition, which have their aliases. */
void device_numbers_fill (Instance *instance);
/* Puts down in @dev, of a live definition, at which address a USB device was found that has only its vendor and
 * product. */
void device_usb_found (HostdevDef *dev, const PlanDevice *numbers);
/* @numbers NULL forgets. */
void device_numbers_set (Instance *instance, const char *alias, const PlanDevice *numbers);
/* Not set where none are noted. */
PlanDevice device_numbers_of (const Instance *instance, const char *alias);

/* "b7:0", "n5519110" of a network device, "-" for none; FALSE for what is no such text. */
char *device_number_format (const PlanDevice *numbers);
gboolean device_number_parse (const char *text, PlanDevice *ret);
