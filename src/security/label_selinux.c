/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sVirt for containers: each gets a process and a file context that differ from all others' by two
 * categories, so that the policy's MCS rules keep them apart. Nothing on the host is relabelled; the
 * file context goes to the container's /dev and devpts as a mount option.
 *
 * The contexts come from the policy's lxc_contexts file; user and role from our own context, as the
 * policy constrains who may start what as whom, unless the policy does not allow that combination.
 */
#include <errno.h>
#include <selinux/context.h>
#include <selinux/selinux.h>
#include <string.h>

#include "security/categories.h"
#include "security/label_drivers.h"
#include "util/error.h"
#include "util/file.h"

/* Values of lxc_contexts; both set once it was read. Main loop only, as all of this file. */
static char *process_context, *file_context;

static void
context_clear (context_t *context)
{
    if (*context)
        context_free (*context);
}
#define auto_context __attribute__ ((cleanup (context_clear))) context_t

static void
con_clear (char **con)
{
    freecon (*con);
}
#define auto_con __attribute__ ((cleanup (con_clear))) char *

/* ---- the policy's contexts */

/* `key = "value"`, or without quotes. */
static char *
contexts_value (const char *text, const char *key)
{
    g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        char *line = g_strstrip (lines[i]), *equals = strchr (line, '=');
        gsize length;

        if (*line == '#' || !equals)
            continue;
        *equals++ = '\0';
        if (!g_str_equal (g_strchomp (line), key))
            continue;
        equals = g_strstrip (equals);
        length = strlen (equals);
        if (length >= 2 && (*equals == '"' || *equals == '\'') && equals[length - 1] == *equals)
            return g_strndup (equals + 1, length - 2);
        return g_strdup (equals);
    }
    return NULL;
}

static gboolean
selinux_usable (void)
{
    g_autofree char *text = NULL, *content = NULL;

    if (is_selinux_enabled () <= 0)
        return FALSE;
    if (process_context && file_context)
        return TRUE;
    text = file_read (selinux_lxc_contexts_path (), 65536, NULL, NULL);
    if (!text)
        return FALSE;
    process_context = contexts_value (text, "process");
    file_context = contexts_value (text, "file");
    content = contexts_value (text, "content");     /* libvirt asks for all three */
    if (!process_context || !file_context || !content)
        return FALSE;
    /* Debian's policy names types here that it does not have: no container could start with them */
    if (security_check_context (process_context) == 0 && security_check_context (file_context) == 0)
        return TRUE;
    g_clear_pointer (&process_context, g_free);
    return FALSE;
}

static const char *
selinux_base_label (void)
{
    return process_context;
}

/* ---- levels */

static const char *
categories_of (const SeclabelDef *label)
{
    /* user:role:type:sensitivity:categories */
    const char *at = label->label;

    for (guint i = 0; i < 4 && at; i++) {
        at = strchr (at, ':');
        at = at ? at + 1 : NULL;
    }
    return at && *at ? at : NULL;
}

static void
selinux_reserve (const SeclabelDef *label)
{
    const char *categories = categories_of (label);

    if (categories)
        categories_take (categories);
}

static void
selinux_release (const SeclabelDef *label)
{
    const char *categories = categories_of (label);

    if (categories)
        categories_give_back (categories);
}

/* ---- labels */

static char *
context_with (const char *base, const char *user, const char *role, const char *range, GError **error)
{
    auto_context context = context_new (base);
    const char *text;

    if (!context || (user && context_user_set (context, user) < 0)
        || (role && context_role_set (context, role) < 0) || context_range_set (context, range) < 0
        || !(text = context_str (context))) {
        error_set_errno (error, errno, "unable to make a security context of '%s'", base);
        return NULL;
    }
    return g_strdup (text);
}

static char *
process_label_of (const char *base, context_t own, const char *range, GError **error)
{
    g_autofree char *label = context_with (base, context_user_get (own), context_role_get (own), range, error);

    if (!label || security_check_context_raw (label) == 0)
        return g_steal_pointer (&label);
    return context_with (base, NULL, NULL, range, error);
}

/* Objects have the role object_r, which the base context brings. */
static char *
image_label_of (context_t own, const char *range, GError **error)
{
    g_autofree char *label = context_with (file_context, own ? context_user_get (own) : NULL, NULL, range, error);

    if (!label || security_check_context_raw (label) == 0)
        return g_steal_pointer (&label);
    return context_with (file_context, NULL, NULL, range, error);
}

static gboolean
generate_dynamic (SeclabelDef *label, context_t own, GError **error)
{
    g_autofree char *sensitivity = NULL, *categories = NULL, *range = NULL;
    g_autofree char *process = NULL, *image = NULL;
    guint first, last;

    if (label->label)
        return error_set (error, ERR_INTERNAL, "security label already defined for VM");
    if (label->baselabel && security_check_context (label->baselabel) < 0)
        return error_set (error, ERR_XML, "Invalid security label %s", label->baselabel);
    categories_parse_range (context_range_get (own), &sensitivity, &first, &last);
    categories = categories_choose (first, last, error);
    if (!categories)
        return FALSE;
    range = g_strconcat (sensitivity, ":", categories, NULL);
    process = process_label_of (label->baselabel ? label->baselabel : process_context, own, range, error);
    image = process ? image_label_of (own, range, error) : NULL;
    if (!image) {
        categories_give_back (categories);
        return FALSE;
    }
    g_free (label->imagelabel);
    label->label = g_steal_pointer (&process);
    label->imagelabel = g_steal_pointer (&image);
    return TRUE;
}

static gboolean
generate_static (SeclabelDef *label, GError **error)
{
    auto_context context = NULL;

    if (!label->label || security_check_context (label->label) < 0)
        return error_set (error, ERR_XML, "Invalid security label %s", label->label ? label->label : "");
    context = context_new (label->label);
    if (!context || !context_range_get (context))
        return error_set (error, ERR_XML, "Invalid security label %s", label->label);
    g_free (label->imagelabel);
    label->imagelabel = image_label_of (NULL, context_range_get (context), error);
    return label->imagelabel != NULL;
}

static gboolean
generate_none (SeclabelDef *label, context_t own, GError **error)
{
    g_autofree char *sensitivity = NULL;
    guint first, last;

    categories_parse_range (context_range_get (own), &sensitivity, &first, &last);
    g_free (label->imagelabel);
    label->imagelabel = image_label_of (own, sensitivity, error);
    return label->imagelabel != NULL;
}

static gboolean
selinux_generate (DomainDef *def, SeclabelDef *label, GError **error)
{
    auto_con con = NULL;
    auto_context own = NULL;

    (void) def;
    if (label->model && !g_str_equal (label->model, "selinux"))
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "Security driver model '%s' is not available",
                          label->model);
    if (getcon_raw (&con) < 0)
        return error_set_errno (error, errno, "unable to get current process SELinux context");
    own = context_new (con);
    if (!own || !context_range_get (own))
        return error_set (error, ERR_INTERNAL, "unable to use the SELinux context '%s'", con);
    if (!label->model)
        label->model = g_strdup ("selinux");
    switch ((SeclabelType) label->type) {
    case SECLABEL_STATIC:
        return generate_static (label, error);
    case SECLABEL_NONE:
        return generate_none (label, own, error);
    case SECLABEL_DEFAULT:
    case SECLABEL_DYNAMIC:
    case SECLABEL_LAST:
        break;
    }
    return generate_dynamic (label, own, error);
}

static gboolean
selinux_process_label (int pid, char **ret_label, gboolean *ret_enforcing, GError **error)
{
    auto_con con = NULL;

    if (getpidcon_raw (pid, &con) < 0)
        return error_set_errno (error, errno, "unable to get PID %d security context", pid);
    *ret_label = g_strdup (con);
    *ret_enforcing = security_getenforce () == 1;
    return TRUE;
}

/* Overwritten by the next call. The quotes keep the comma of the categories in the value. */
static const char *
selinux_mount_options (const SeclabelDef *label)
{
    static char *options;

    if (!label->imagelabel)
        return NULL;
    g_free (options);
    options = g_strdup_printf ("context=\"%s\"", label->imagelabel);
    return options;
}

const LabelDriver label_driver_selinux = {
    .model = "selinux",
    .doi = "0",
    .by_file = TRUE,
    .usable = selinux_usable,
    .base_label = selinux_base_label,
    .generate = selinux_generate,
    .reserve = selinux_reserve,
    .release = selinux_release,
    .process_label = selinux_process_label,
    .mount_options = selinux_mount_options,
};
