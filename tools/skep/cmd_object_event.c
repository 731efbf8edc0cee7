/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nodedev-event and its kin: events of what is no domain, a row for each kind. */
#include "watch.h"

#include <string.h>

typedef struct {
    const char *verb;
    SkepKind kind;
    const char *option; /* which one to watch; the key in JSON */
    const char *words;  /* in lines for people */
    const char *missing;
} KindRow;

static const KindRow kinds[] = {
    { "nodedev-event", SKEP_NODE_DEVICES, "device", "node device", "Could not find matching device" },
    { "net-event", SKEP_NETWORKS, "network", "network", "failed to get network" },
    { "pool-event", SKEP_POOLS, "pool", "storage pool", "failed to get pool" },
    { "secret-event", SKEP_SECRETS, "secret", "secret", "failed to get secret" },
};

typedef struct {
    EventPrinter printer; /* comes first */
    const KindRow *row;
} ObjectPrinter;

/* People know a secret by its UUID. */
static const char *
object_name (const SkepObjectEvent *event)
{
    return event->kind == SKEP_SECRETS ? event->object->detail : event->object->name;
}

/* "Created" of a lifecycle event, else NULL. */
static const char *
lifecycle_word (const SkepObjectEvent *event)
{
    const SkepParam *which = event->event == 0 ? skep_params_find (event->values, "event") : NULL;

    return which ? skep_object_lifecycle_name (event->kind, which->value.i) : NULL;
}

static void
print_line (ObjectPrinter *data, const SkepObjectEvent *event)
{
    const char *word = lifecycle_word (event);
    g_autofree char *text = g_strdup_printf ("%s %s%s%s", data->row->words, object_name (event),
                                             word ? ": " : "", word ? word : "");

    event_begin_line (&data->printer, skep_object_event_name (event->kind, event->event));
    event_end_line (&data->printer, text);
}

static void
print_json (ObjectPrinter *data, const SkepObjectEvent *event)
{
    const char *word = lifecycle_word (event);
    Json json;

    event_begin_json (&json, skep_object_event_name (event->kind, event->event));
    json_key (&json, data->row->option);
    json_string (&json, object_name (event));
    if (event->object->detail && event->kind != SKEP_SECRETS) {
        json_key (&json, "uuid");
        json_string (&json, event->object->detail);
    }
    if (word) {
        json_key (&json, "lifecycle");
        json_string (&json, word);
    }
    for (size_t i = 0; !word && i < event->values->n; i++) {
        json_key (&json, event->values->item[i].name);
        json_param (&json, &event->values->item[i]);
    }
    event_end_json (&data->printer, &json);
}

static void
print_event (const SkepObjectEvent *event, void *data)
{
    ObjectPrinter *printer = data;

    if (event->kind != printer->row->kind)
        return;
    if (printer->printer.as_json)
        print_json (printer, event);
    else
        print_line (printer, event);
}

static int
watch (Shell *shell, const Args *args, const KindRow *row, int event, const SkepObject *object)
{
    ObjectPrinter data = { event_printer (shell, args), row };
    autoerror error = { 0 };
    int callback, code;

    skep_on_object_event (shell->conn, print_event, &data);
    callback = skep_object_event_register (shell->conn, row->kind, event, object, &error);
    if (callback >= 0)
        code = event_wait (&data.printer, args);
    else
        code = shell_fail_with (shell, &error, "cannot register for event '%s'",
                                skep_object_event_name (row->kind, event));
    if (callback >= 0 && skep_connection_alive (shell->conn))
        skep_object_event_deregister (shell->conn, row->kind, callback, NULL);
    skep_on_object_event (shell->conn, NULL, NULL);
    return code;
}

static int
list_events (Shell *shell, const Args *args, SkepKind kind)
{
    const char *names[8] = { NULL };

    for (int i = 0; i < 7 && (names[i] = skep_object_event_name (kind, i)); i++)
        ;
    return event_print_names (shell, args, names);
}

static int
run_object_event (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    const KindRow *row = kinds;
    const char *name = args_string (args, "event"), *one;
    SkepObject object = { 0 };
    int event, code;

    while (strcmp (row->verb, args_verb (args)->name) != 0)
        row++;
    one = args_string (args, row->option);
    if (args_flag (args, "list"))
        return list_events (shell, args, row->kind);
    if (!name)
        return shell_fail (shell, "either --list or --event <type> is required");
    if ((event = skep_object_event_by_name (row->kind, name)) < 0) {
        shell_fail (shell, "unknown event type %s", name);
        shell_hint (shell, "'%s --list' shows them", row->verb);
        return 1;
    }
    if (!event_timeout_good (shell, args))
        return 1;
    if (one && !skep_object_find (shell->conn, row->kind, one, &object, &error))
        return shell_fail_with (shell, &error, "%s '%s'", row->missing, one);
    code = watch (shell, args, row, event, one ? &object : NULL);
    skep_object_clear (&object);
    return code;
}

#define OBJECT_EVENT_OPTIONS(option, help, complete, words)                                        \
    {                                                                                              \
        { option, OPT_STRING, 0, help, complete, NULL },                                           \
            { "event", OPT_STRING, 0, "the kind of event to wait for", COMPLETE_WORDS, words },    \
            OPTIONS_EVENT, OPTIONS_END,                                                            \
    }
static const Option nodedev_options[]
    = OBJECT_EVENT_OPTIONS ("device", "events of this device only", COMPLETE_DEVICE, "lifecycle|update");
static const Option net_options[]
    = OBJECT_EVENT_OPTIONS ("network", "events of this network only", COMPLETE_NONE, "lifecycle|metadata-change");
static const Option pool_options[]
    = OBJECT_EVENT_OPTIONS ("pool", "events of this pool only", COMPLETE_NONE, "lifecycle|refresh");
static const Option secret_options[] = OBJECT_EVENT_OPTIONS (
    "secret", "events of the secret with this UUID only", COMPLETE_NONE, "lifecycle|value-changed");

#define NONE_HERE "skepd has none and never sends one; other daemons that speak libvirt's protocol do."

const Verb verbs_object_event[] = {
    { "nodedev-event", GROUP_EVENTS, VERB_JSON, "wait for events of devices of the host",
      "The exit code is 1 when none came in time. With --json each event is one line.", nodedev_options,
      run_object_event },
    { "net-event", GROUP_EVENTS, VERB_JSON, "wait for events of virtual networks", NONE_HERE, net_options,
      run_object_event },
    { "pool-event", GROUP_EVENTS, VERB_JSON, "wait for events of storage pools", NONE_HERE, pool_options,
      run_object_event },
    { "secret-event", GROUP_EVENTS, VERB_JSON, "wait for events of secrets", NONE_HERE, secret_options,
      run_object_event },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
