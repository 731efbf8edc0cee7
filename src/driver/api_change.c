/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Name, lifecycle actions, and what cannot be changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/lifecycle.h"
#include "driver/store.h"
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

/* The new files are complete before the old ones go. */
static gboolean
move_files (const Domain *domain, const DomainDef *def, GError **error)
{
    g_autofree char *log = store_log_path (domain->def->name), *new_log = store_log_path (def->name);

    if (!store_save_config (def, error))
        return FALSE;
    if ((domain->autostart && !store_set_autostart (def->name, TRUE, error))
        || !store_remove_config (domain->def->name, error)) {
        store_remove_config (def->name, NULL);
        return FALSE;
    }
    if (rename (log, new_log) < 0 && errno != ENOENT)
        log_warning ("cannot rename '%s': %s", log, g_strerror (errno));
    return TRUE;
}

ApiResult
api_domain_rename (Call *call, const domain_rename_args *in, domain_rename_ret *out, GError **error)
{
    Domain *domain = call->domain;
    const char *name = wire_text (in->new_name);
    g_autoptr (DomainDef) def = NULL;

    if (!check_rename (domain, name, error))
        return API_FAILED;
    def = domain_def_copy (domain->def);
    text_replace (&def->name, name);
    if (!move_files (domain, def, error))
        return API_FAILED;
    lifecycle_apply (domain, LIFE_RENAMING);
    domain_def_free (domain_list_rename (daemon_state.domains, domain, g_steal_pointer (&def)));
    lifecycle_apply (domain, LIFE_RENAMED);
    log_info ("domain '%s' was renamed by client %" G_GUINT64_FORMAT, name, call->client->id);
    out->retcode = 0;
    return API_DONE;
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
