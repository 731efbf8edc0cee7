/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The saved definition of a persistent domain becomes another one: on disk (store_change.h), then in memory, where it
 * is what the next start uses; both or neither. The caller has a job of the domain, but a define takes none, and may
 * come while a change waits for the disk or for anything else.
 */
#pragma once

#include "driver/dispatch.h"

typedef void (*ConfigDone) (Domain *domain, const GError *error, gpointer data);

/* At its turn: the definition that shall be, made from the one that is. NULL with error: the change fails. */
typedef DomainDef *(*ConfigMake) (Domain *domain, gpointer data, GError **error);

/* @done is called once, perhaps before this returns. */
void config_change (Domain *domain, ConfigMake make, ConfigDone done, gpointer data);

/* The text by which a saved definition is known. */
char *config_text (Domain *domain);

/* Saves @def (taken), if the saved definition is still the one that has @text, or the one of now (NULL); else
 * ERR_OPERATION_INVALID. */
void config_save (Domain *domain, const char *text, DomainDef *def, ConfigDone done, gpointer data);

/* The same at once, while there are no clients yet who would wait. */
gboolean config_save_now (Domain *domain, DomainDef *def, GError **error);

/* ---- as the last thing that a call does: it is answered after it. A destroy need not wait for the disk. */

/* What the handler returns. Takes @def. */
ApiResult config_save_call (Call *call, DomainDef *def);
