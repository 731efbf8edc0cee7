/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A GSource around the connection: the descriptor, events and timeout that sd-bus wants are asked for
 * anew before each poll, as its manual demands.
 */
#include "util/sdbus.h"

#include <time.h>

#include "util/error.h"

#define DISPATCH_MESSAGES_MAX 32    /* in one turn of the loop, so that a busy bus starves nobody */

typedef struct {
    GSource source;
    GPollFD poll;
    sd_bus *bus;
} BusSource;

static sd_bus *the_bus;
static GSource *the_source;

static gint
milliseconds_until (guint64 deadline_us)
{
    struct timespec ts;
    guint64 now;

    if (deadline_us == G_MAXUINT64)
        return -1;
    clock_gettime (CLOCK_MONOTONIC, &ts);
    now = (guint64) ts.tv_sec * G_USEC_PER_SEC + (guint64) ts.tv_nsec / 1000;
    if (deadline_us <= now)
        return 0;
    return (gint) MIN ((deadline_us - now + 999) / 1000, 60 * 1000);
}

static gboolean
bus_prepare (GSource *source, gint *timeout)
{
    BusSource *self = (BusSource *) source;
    guint64 deadline;
    int events = sd_bus_get_events (self->bus);

    if (events < 0 || sd_bus_get_timeout (self->bus, &deadline) < 0)
        return TRUE;    /* disconnected: dispatch finds out */
    self->poll.fd = sd_bus_get_fd (self->bus);
    self->poll.events = (gushort) events;
    *timeout = milliseconds_until (deadline);
    return *timeout == 0;
}

static gboolean
bus_check (GSource *source)
{
    BusSource *self = (BusSource *) source;
    guint64 deadline;

    if (self->poll.revents)
        return TRUE;
    return sd_bus_get_timeout (self->bus, &deadline) < 0 || milliseconds_until (deadline) == 0;
}

static void
forget_bus (void)
{
    if (the_source) {
        g_source_destroy (the_source);
        g_source_unref (the_source);
        the_source = NULL;
    }
    the_bus = sd_bus_close_unref (the_bus);
}

static gboolean
bus_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
    BusSource *self = (BusSource *) source;
    g_autoptr (GSource) keep = g_source_ref (source);
    int r = 0;

    (void) callback;
    (void) data;
    for (int i = 0; i < DISPATCH_MESSAGES_MAX; i++) {
        r = sd_bus_process (self->bus, NULL);
        if (r <= 0 || g_source_is_destroyed (source))
            break;
    }
    if (g_source_is_destroyed (source))
        return G_SOURCE_REMOVE;
    /* the pending calls were answered with the disconnection by sd_bus_process() */
    if (r < 0 || sd_bus_is_open (self->bus) <= 0) {
        forget_bus ();
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void
bus_finalize (GSource *source)
{
    BusSource *self = (BusSource *) source;

    sd_bus_unref (self->bus);
}

static GSourceFuncs bus_source_funcs = { bus_prepare, bus_check, bus_dispatch, bus_finalize };

sd_bus *
sdbus_system (GError **error)
{
    BusSource *self;
    int r;

    if (the_bus && sd_bus_is_open (the_bus) > 0)
        return the_bus;
    forget_bus ();
    r = sd_bus_open_system (&the_bus);
    if (r < 0) {
        the_bus = NULL;
        sdbus_set_error (error, r, NULL, "cannot connect to the system bus");
        return NULL;
    }
    the_source = g_source_new (&bus_source_funcs, sizeof (BusSource));
    self = (BusSource *) the_source;
    self->bus = sd_bus_ref (the_bus);
    self->poll.fd = sd_bus_get_fd (the_bus);
    g_source_add_poll (the_source, &self->poll);
    g_source_set_name (the_source, "system bus");
    g_source_attach (the_source, NULL);
    return the_bus;
}

void
sdbus_close (void)
{
    if (the_bus)
        sd_bus_flush (the_bus);
    forget_bus ();
}

gboolean
sdbus_set_error (GError **error, int r, const sd_bus_error *bus_error, const char *what)
{
    if (bus_error && sd_bus_error_is_set (bus_error))
        return error_set (error, ERR_OPERATION_FAILED, "%s: %s", what,
                          bus_error->message ? bus_error->message : bus_error->name);
    return error_set_errno (error, -r, "%s", what);
}
