/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AppArmor: each container gets a profile of its own, made of a template and loaded at its start, removed
 * after its end. Its name is libvirt's, libvirt-UUID: aa-remove-unknown spares profiles of such names, and
 * people's tools know them. The name is all of the template that differs, and nothing of it comes from the
 * definition but the UUID, so no text of a client gets into a profile.
 *
 * apparmor_parser compiles the text; the kernel's interface is libapparmor's.
 */
#include <errno.h>
#include <sys/apparmor.h>
#include <unistd.h>

#include "config.h"
#include "security/label_drivers.h"
#include "util/error.h"
#include "util/file.h"
#include "util/spawn.h"
#include "util/text.h"

#define TEMPLATE_MAX (256 * 1024)
#define PROFILES_MAX (16 * 1024 * 1024)
#define PARSER_MS    300000     /* the step has a deadline of its own: this one only ends what hangs */
#define PLACE        "PROFILE"

static const char *const parsers[] = { "/sbin/apparmor_parser", "/usr/sbin/apparmor_parser" };

/* Set once before there are threads. */
static char *own_template;

static const char *
find_parser (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (parsers); i++)
        if (access (parsers[i], X_OK) == 0)
            return parsers[i];
    return NULL;
}

/* The administrator's, where there is one; looked for at each start. */
static const char *
find_template (void)
{
    return own_template && access (own_template, F_OK) == 0 ? own_template
                                                            : SKEP_DATA_DIR "/apparmor/lxc.template";
}

/* A file of the kernel's policy interface, NULL without one (a container has none). */
static char *
policy_file (const char *name)
{
    char *mount = NULL, *path;

    if (aa_find_mountpoint (&mount) < 0)
        return NULL;
    path = g_strconcat (mount, "/", name, NULL);
    free (mount);
    return path;
}

void
label_apparmor_configure (const char *config_dir)
{
    g_free (own_template);
    own_template = g_build_filename (config_dir, "apparmor", "lxc.template", NULL);
}

static gboolean
apparmor_usable (void)
{
    g_autofree char *replace = NULL;

    if (!aa_is_enabled ())
        return FALSE;
    replace = policy_file (".replace");
    return replace && access (replace, W_OK) == 0 && find_parser () && access (find_template (), R_OK) == 0;
}

static gboolean
apparmor_generate (DomainDef *def, SeclabelDef *label, GError **error)
{
    char uuid[37];

    if (label->type == SECLABEL_NONE || label->type == SECLABEL_STATIC)
        return TRUE;
    if (label->baselabel)
        return error_set (error, ERR_CONFIG_UNSUPPORTED, "Cannot set a base label with AppArmor");
    if (label->label)
        return error_set (error, ERR_INTERNAL, "security label already defined for VM");
    domain_uuid_format (def->uuid, uuid);
    label->label = g_strconcat ("libvirt-", uuid, NULL);
    text_replace (&label->imagelabel, label->label);
    if (!label->model)
        label->model = g_strdup ("apparmor");
    return TRUE;
}

/* ---- pool threads */

static char *
profile_text (const char *path, const char *name, GError **error)
{
    g_autofree char *template = file_read (path, TEMPLATE_MAX, NULL, error);
    g_autoptr (GString) text = NULL;

    if (!template)
        return NULL;
    text = g_string_new (template);
    if (g_string_replace (text, PLACE, name, 0) > 0)
        return g_string_free (g_steal_pointer (&text), FALSE);
    error_set (error, ERR_INTERNAL, "the template '%s' of AppArmor profiles has no %s", path, PLACE);
    return NULL;
}

/* The first line of it that says why. */
static char *
parser_complaint (const char *said)
{
    g_auto (GStrv) lines = g_strsplit (said ? said : "", "\n", -1);

    for (guint i = 0; lines[i]; i++)
        if (*g_strstrip (lines[i]) && !g_str_has_prefix (lines[i], "Warning"))
            return g_strdup (lines[i]);
    return g_strdup ("apparmor_parser failed");
}

static gboolean
load_profile (const char *name, GError **error)
{
    const char *path = find_template (), *parser = find_parser ();
    const char *const argv[] = { parser, "--replace", "--skip-cache", "--quiet", NULL };
    g_autofree char *text = profile_text (path, name, error), *out = NULL, *err = NULL, *why = NULL;
    int status = 0;

    if (!text)
        return FALSE;
    if (!parser)
        return error_set (error, ERR_INTERNAL, "cannot load AppArmor profile '%s': no apparmor_parser", name);
    if (!spawn_run (&(SpawnArgs) { .argv = argv }, text, PARSER_MS, &status, &out, &err, error))
        return FALSE;
    if (status == 0)
        return TRUE;
    why = parser_complaint (err);
    return error_set (error, ERR_INTERNAL, "cannot load AppArmor profile '%s' made of '%s': %s", name, path,
                      why);
}

/* The kernel's list has lines "NAME (MODE)". */
static gboolean
check_loaded (const char *name, GError **error)
{
    g_autofree char *path = policy_file ("profiles");
    g_autofree char *wanted = g_strconcat (name, " (", NULL);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;

    text = path ? file_read (path, PROFILES_MAX, NULL, error) : NULL;
    if (!text)
        return path ? FALSE : error_set (error, ERR_INTERNAL, "cannot read the loaded AppArmor profiles");
    lines = g_strsplit (text, "\n", -1);
    for (guint i = 0; lines[i]; i++)
        if (g_str_has_prefix (lines[i], wanted))
            return TRUE;
    return error_set (error, ERR_XML, "Invalid security label '%s'", name);
}

static gboolean
apparmor_load (const SeclabelDef *label, GError **error)
{
    return label->type == SECLABEL_STATIC ? check_loaded (label->label, error)
                                          : load_profile (label->label, error);
}

static gboolean
apparmor_unload (const SeclabelDef *label, GError **error)
{
    aa_kernel_interface *kernel = NULL;
    int result, number;

    if (aa_kernel_interface_new (&kernel, NULL, NULL) < 0)
        return error_set_errno (error, errno, "cannot reach AppArmor");
    result = aa_kernel_interface_remove_policy (kernel, label->label);
    number = errno;
    aa_kernel_interface_unref (kernel);
    if (result == 0 || number == ENOENT)
        return TRUE;
    return error_set_errno (error, number, "cannot remove AppArmor profile '%s'", label->label);
}

/* ---- what runs */

static gboolean
apparmor_process_label (int pid, char **ret_label, gboolean *ret_enforcing, GError **error)
{
    char *label = NULL, *mode = NULL;   /* one allocation, @mode lies in it */

    if (aa_gettaskcon (pid, &label, &mode) < 0)
        return error_set_errno (error, errno, "unable to get PID %d security context", pid);
    *ret_label = g_strdup (label);
    *ret_enforcing = g_strcmp0 (mode, "enforce") == 0;
    free (label);
    return TRUE;
}

const LabelDriver label_driver_apparmor = {
    .model = "apparmor",
    .doi = "0",
    .usable = apparmor_usable,
    .generate = apparmor_generate,
    .load = apparmor_load,
    .unload = apparmor_unload,
    .process_label = apparmor_process_label,
};
