/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schemas/domain-rows.rng says what the rows of src/conf/passive*_rows.c say: it is written from them. */
#pragma once

#include <glib.h>

/* Collects from now on what the codec functions ask for. */
void schema_rows_watch (void);
/* The schema of all that was asked for since. */
char *schema_rows_text (void);
