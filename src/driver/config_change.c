/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/config_change.h"

#include <string.h>

#include "driver/daemon.h"
#include "driver/params.h"
#include "driver/store.h"
#include "driver/store_change.h"
#include "util/error.h"

static gboolean
changed_meanwhile (const Domain *domain, GError **error)
{
    return error_set (error, ERR_OPERATION_INVALID, "the saved definition of domain '%s' was changed meanwhile",
                      domain->def->name);
}

/* ---- any change */

typedef struct {
    Domain *domain;             /* a reference */
    DomainDef *def;             /* the pool thread's while it writes */
    ConfigMake make;
    ConfigDone done;
    gpointer data;
} Change;

static gboolean
change_begin (StoreWork *work, gpointer data, GError **error)
{
    Change *change = data;

    if (!change->domain->persistent)
        return changed_meanwhile (change->domain, error);
    change->def = change->make (change->domain, change->data, error);
    work->save = change->def;
    return change->def != NULL;
}

static void
change_done (const GError *error, gpointer data)
{
    g_autofree Change *change = data;
    g_autoptr (Domain) domain = change->domain;

    if (error)
        domain_def_free (change->def);
    else
        domain_list_set_config (daemon_state.domains, domain, change->def);
    change->done (domain, error, change->data);
}

void
config_change (Domain *domain, ConfigMake make, ConfigDone done, gpointer data)
{
    Change *change = g_new0 (Change, 1);

    *change = (Change) { domain_ref (domain), NULL, make, done, data };
    store_change (domain->def->uuid, domain->def->name, NULL, change_begin, change_done, change);
}

/* ---- a definition that is made already */

typedef struct {
    char *text;                 /* of the one that it replaces; NULL: known by @serial */
    guint serial;
    DomainDef *def;
    ConfigDone done;
    gpointer data;
} Ready;

char *
config_text (Domain *domain)
{
    return domain_def_format (domain_config_def (domain), DOMAIN_FORMAT_SAVED);
}

static gboolean
is_meant (const Ready *ready, Domain *domain)
{
    g_autofree char *now = ready->text ? config_text (domain) : NULL;

    return now ? strcmp (now, ready->text) == 0 : domain->config_serial == ready->serial;
}

static DomainDef *
ready_make (Domain *domain, gpointer data, GError **error)
{
    Ready *ready = data;

    if (!is_meant (ready, domain)) {
        changed_meanwhile (domain, error);
        return NULL;
    }
    return g_steal_pointer (&ready->def);
}

static void
ready_done (Domain *domain, const GError *error, gpointer data)
{
    g_autofree Ready *ready = data;

    ready->done (domain, error, ready->data);
    domain_def_free (ready->def);
    g_free (ready->text);
}

void
config_save (Domain *domain, const char *text, DomainDef *def, ConfigDone done, gpointer data)
{
    Ready *ready = g_new0 (Ready, 1);

    *ready = (Ready) { g_strdup (text), domain->config_serial, def, done, data };
    config_change (domain, ready_make, ready_done, ready);
}

gboolean
config_save_now (Domain *domain, DomainDef *def, GError **error)
{
    if (!store_save_now (def, error)) {
        domain_def_free (def);
        return FALSE;
    }
    domain_list_set_config (daemon_state.domains, domain, def);
    return TRUE;
}

/* ---- calls */

ApiResult
config_save_call (Call *call, DomainDef *def)
{
    job_yield (call->job);
    config_save (call->domain, NULL, def, domain_answer, call);
    return API_LATER;
}
