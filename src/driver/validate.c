/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/validate.h"

#include <string.h>

#include "driver/daemon.h"
#include "util/task.h"

typedef struct {
    char *xml;
    DomainDefaults defaults;    /* its strings live as long as the daemon */
} Input;

typedef struct {
    Call *call;
    Client *client;             /* held, which keeps it */
    guint flags;
    wire_domain *handle;
    Validated done;
} Validation;

static void
input_free (gpointer data)
{
    Input *input = data;

    g_free (input->xml);
    g_free (input);
}

static gpointer
parse (gpointer data, GError **error)
{
    const Input *input = data;

    return domain_def_parse (input->xml, strlen (input->xml), &input->defaults, DOMAIN_PARSE_VALIDATE, error);
}

static void
parsed (gpointer def, GError *error, gpointer data)
{
    g_autofree Validation *validation = data;

    if (def)
        validation->done (validation->call, def, validation->flags, validation->handle);
    else
        call_failed (validation->call, g_error_copy (error));
    client_release (validation->client);
}

void
validate_definition (Call *call, const char *xml, guint flags, wire_domain *handle, Validated done)
{
    Input *input = g_new0 (Input, 1);
    Validation *validation = g_new0 (Validation, 1);

    input->xml = g_strdup (xml);
    input->defaults = daemon_state.defaults;
    *validation = (Validation) { call, call->client, flags, handle, done };
    client_hold (call->client);
    /* not among the short tasks, which starts of containers wait for */
    task_run_waiting ("validation", parse, input, input_free, parsed, validation);
}
