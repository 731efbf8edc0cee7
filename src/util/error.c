/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/error.h"

typedef struct {
    ErrorOrigin origin;
    int errnum;
    char *place;
} SkepErrorPrivate;

static void
skep_error_private_init (SkepErrorPrivate *priv)
{
    priv->origin = ORIGIN_LXC;
    priv->errnum = 0;
    priv->place = NULL;
}

static void
skep_error_private_copy (const SkepErrorPrivate *from, SkepErrorPrivate *to)
{
    *to = *from;
    to->place = g_strdup (from->place);
}

static void
skep_error_private_clear (SkepErrorPrivate *priv)
{
    g_free (priv->place);
}

G_DEFINE_EXTENDED_ERROR (SkepError, skep_error)

G_GNUC_PRINTF (5, 0)
static gboolean
error_set_valist (GError **error, ErrorOrigin origin, ErrorCode code, int errnum,
                  const char *format, va_list args)
{
    GError *made;
    SkepErrorPrivate *priv;

    if (!error)
        return FALSE;
    made = g_error_new_valist (SKEP_ERROR, (int) code, format, args);
    if (errnum) {
        g_autofree char *detail = g_steal_pointer (&made->message);

        made->message = g_strdup_printf ("%s: %s", detail, g_strerror (errnum));
    }
    priv = skep_error_get_private (made);
    priv->origin = origin;
    priv->errnum = errnum;
    g_propagate_error (error, made);
    return FALSE;
}

gboolean
error_set (GError **error, ErrorCode code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    error_set_valist (error, ORIGIN_LXC, code, 0, format, args);
    va_end (args);
    return FALSE;
}

gboolean
error_set_errno (GError **error, int errnum, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    error_set_valist (error, ORIGIN_LXC, ERR_SYSTEM, errnum, format, args);
    va_end (args);
    return FALSE;
}

gboolean
error_set_from (GError **error, ErrorOrigin origin, ErrorCode code, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    error_set_valist (error, origin, code, 0, format, args);
    va_end (args);
    return FALSE;
}

ErrorOrigin
error_origin (const GError *error)
{
    if (error->domain != SKEP_ERROR)
        return ORIGIN_NONE;
    return skep_error_get_private (error)->origin;
}

int
error_errno (const GError *error)
{
    if (error->domain != SKEP_ERROR)
        return 0;
    return skep_error_get_private (error)->errnum;
}

void
error_take_place (GError *error, char *place)
{
    SkepErrorPrivate *priv = skep_error_get_private (error);

    g_free (priv->place);
    priv->place = place;
}

const char *
error_place (const GError *error)
{
    const char *place
        = error->domain == SKEP_ERROR ? skep_error_get_private (error)->place : NULL;

    return place ? place : "";
}
