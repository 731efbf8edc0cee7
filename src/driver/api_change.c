/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Name, lifecycle actions, and what cannot be changed. */
#include <string.h>

#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/lifecycle.h"
#include "driver/params.h"
#include "driver/store_change.h"
#include "driver/tune.h"
#include "util/log.h"
#include "util/text.h"

/* ---- the name */

static gboolean
check_rename (const Domain *domain, const char *name, GError **error)
{
    if (domain_active (domain) || domain->instance)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "cannot rename active domain");
    if (!domain->persistent)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "cannot rename a transient domain");
    if (!domain_name_check (name ? name : "", error))
        return FALSE;
    if (strcmp (name, domain->def->name) == 0)
        return error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG, "Can't rename domain to itself");
    if (domain_list_find_name (daemon_state.domains, name))
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID,
                               "domain with name '%s' already exists", name);
    return TRUE;
}

typedef struct {
    Call *call;
    DomainDef *def;
} Rename;

static gboolean
rename_begin (StoreWork *work, gpointer data, GError **error)
{
    const Rename *rename = data;
    const Domain *domain = rename->call->domain;

    work->save = rename->def;
    work->autostart = domain->autostart ? g_strdup (rename->def->name) : NULL;
    work->autostart_on = TRUE;
    work->remove = g_strdup (domain->def->name);
    /* again: somebody may have taken the name while this waited for its turn */
    return check_rename (domain, rename->def->name, error);
}

static void
rename_done (const GError *error, gpointer data)
{
    g_autofree Rename *rename = data;
    Call *call = rename->call;
    Domain *domain = call->domain;

    if (error) {
        domain_def_free (rename->def);
    } else {
        lifecycle_apply (domain, LIFE_RENAMING);
        domain_def_free (domain_list_rename (daemon_state.domains, domain, rename->def));
        lifecycle_apply (domain, LIFE_RENAMED);
        log_info ("domain '%s' was renamed by client %" G_GUINT64_FORMAT, domain->def->name, call->client->id);
    }
    domain_answer (domain, error, call);
}

ApiResult
api_domain_rename (Call *call, const domain_rename_args *in, domain_rename_ret *out, GError **error)
{
    Domain *domain = call->domain;
    const char *name = wire_text (in->new_name);
    Rename *rename;

    if (!check_rename (domain, name, error))
        return API_FAILED;
    rename = g_new0 (Rename, 1);
    rename->call = call;
    rename->def = domain_def_copy (domain->def);
    text_replace (&rename->def->name, name);
    out->retcode = 0;
    store_change (domain->def->uuid, domain->def->name, name, rename_begin, rename_done, rename);
    return API_LATER;
}

/* ---- what happens at its end */

typedef struct {
    guint type, action;
} ActionRequest;

static gboolean
edit_action (DomainDef *def, gconstpointer data, GError **error)
{
    const ActionRequest *request = data;
    guint *actions[] = { &def->on_poweroff, &def->on_reboot, &def->on_crash };  /* virDomainLifecycle */

    if (request->type >= G_N_ELEMENTS (actions))
        return error_set (error, ERR_INVALID_ARG, "invalid lifecycle type '%u'", request->type);
    if (request->action >= ACTION_LAST)
        return error_set (error, ERR_INVALID_ARG, "invalid lifecycle action '%u'", request->action);
    *actions[request->type] = request->action;
    return TRUE;
}

ApiResult
api_domain_set_lifecycle_action (Call *call, const domain_set_lifecycle_action_args *in, none *out,
                                 GError **error)
{
    const ActionRequest request = { in->type, in->action };
    Affect affect;

    (void) out;
    if (!affect_resolve (call->domain, in->flags, &affect, error))
        return API_FAILED;
    return tune_change (call, affect, edit_action, &request, NULL, error);
}

/* ---- refused */

ApiResult
api_domain_set_user_password (Call *call, const domain_set_user_password_args *in, none *out,
                              GError **error)
{
    (void) call;
    (void) in;
    (void) out;
    error_set (error, ERR_OPERATION_UNSUPPORTED,
               "the container's user database is its own: nothing on the host writes to it");
    return API_FAILED;
}
