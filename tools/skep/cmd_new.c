/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* new: writes, checks and defines a domain. */
#include "busybox.h"
#include "cmd.h"
#include "newxml.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_DATA_DIR "/var/lib/skep/roots"
#define DEFAULT_MEMORY   (256U * 1024) /* KiB */
#define CONSOLES_MAX     64

static void
clear_bind (gpointer bind)
{
    new_bind_clear (bind);
}

/* What the options say, checked; the root and the binds are set by the caller. */
static gboolean
take_options (Shell *shell, const Args *args, NewDomain *domain)
{
    gint64 vcpus = args_number (args, "vcpus", 1), consoles = args_number (args, "console", 1);

    *domain = (NewDomain){
        .name = args_string (args, "name"),
        .init = args_string (args, "init") ? args_string (args, "init") : "/sbin/init",
        .initargs = args_list (args, "initarg"),
        .memory = args_size (args, "memory", DEFAULT_MEMORY),
        .vcpus = (unsigned) vcpus,
        .consoles = (unsigned) consoles,
        .idmap = args_number (args, "idmap", -1),
        .bridge = args_string (args, "net"),
        .privnet = args_flag (args, "privnet"),
        .readonly = args_flag (args, "readonly"),
    };
    if (args_flag (args, "busybox") == args_given (args, "rootfs"))
        shell_fail (shell, "one of --busybox and --rootfs is needed");
    else if (domain->bridge && domain->privnet)
        shell_fail (shell, "--net excludes --privnet: a bridged domain has its own network anyway");
    else if (vcpus < 1 || vcpus > 4096)
        shell_fail (shell, "--vcpus wants a number from 1 to 4096");
    else if (consoles < 1 || consoles > CONSOLES_MAX)
        shell_fail (shell, "--console wants a number from 1 to %d", CONSOLES_MAX);
    else if (args_given (args, "idmap")
             && (domain->idmap < 1 || domain->idmap > G_MAXUINT32 - NEW_IDS))
        shell_fail (shell, "--idmap wants the first id on the host, such as 100000");
    else if (*domain->init != '/')
        shell_fail (shell, "--init wants an absolute path inside the container");
    else if (!*domain->name || strchr (domain->name, '/') || *domain->name == '.')
        shell_fail (shell, "'%s' cannot be the name of a domain", domain->name);
    else
        return TRUE;
    return FALSE;
}

static gboolean
take_binds (Shell *shell, const Args *args, GArray *binds)
{
    for (const char *const *text = args_list (args, "bind"); *text; text++) {
        NewBind bind;

        if (!new_bind_parse (*text, &bind)) {
            shell_fail (shell, "--bind wants SRC:DST or SRC:DST:ro with absolute paths, not '%s'",
                        *text);
            return FALSE;
        }
        g_array_append_val (binds, bind);
    }
    return TRUE;
}

/* The absolute path of the root, made with --busybox (unless only the XML is wanted); NULL with an
 * error printed. */
static char *
take_root (Shell *shell, const Args *args, gboolean *ret_made)
{
    const char *name = args_string (args, "name"), *rootfs = args_string (args, "rootfs");
    const char *data = args_string (args, "data-dir"), *usual = g_getenv ("SKEP_ROOTS_DIR");
    g_autofree char *base = NULL, *root = NULL, *busybox = NULL, *why = NULL;
    char real[PATH_MAX];

    if (rootfs) {
        if (realpath (rootfs, real) && g_file_test (real, G_FILE_TEST_IS_DIR))
            return g_strdup (real);
        shell_fail (shell, "--rootfs: '%s' is no directory", rootfs);
        return NULL;
    }
    base = g_canonicalize_filename (data ? data : usual && *usual ? usual : DEFAULT_DATA_DIR, NULL);
    root = g_build_filename (base, name, NULL);
    if (args_flag (args, "print"))
        return g_steal_pointer (&root);
    busybox = busybox_find ();
    if (!busybox) {
        shell_fail (shell, "no statically linked busybox was found");
        shell_hint (shell, "install the package busybox-static, or name one in $SKEP_BUSYBOX");
        return NULL;
    }
    if (!busybox_root_make (busybox, root, name, &why)) {
        shell_fail (shell, "%s", why);
        if (g_file_test (root, G_FILE_TEST_IS_DIR))
            shell_hint (shell, "'--rootfs %s' uses what is there", root);
        return NULL;
    }
    *ret_made = TRUE;
    return g_steal_pointer (&root);
}

/* A domain that exists is not redefined by accident. */
static int
define (Shell *shell, const Args *args, const char *xml)
{
    autoerror error = { 0 };
    autodomain domain = skep_domain_by_name (shell->conn, args_string (args, "name"), NULL);

    if (domain)
        return shell_fail (shell, "domain '%s' exists already", domain->name);
    domain = skep_domain_define (shell->conn, xml, SKEP_DEFINE_VALIDATE, &error);
    if (!domain)
        return shell_fail_with (shell, &error, "cannot define domain '%s'",
                                args_string (args, "name"));
    shell_say (shell, "Domain '%s' defined", domain->name);
    return 0;
}

static int
finish (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = skep_domain_by_name (shell->conn, args_string (args, "name"), &error);

    if (!domain)
        return shell_fail_with (shell, &error, NULL);
    if (args_flag (args, "autostart") && !skep_domain_set_autostart (domain, true, &error))
        return shell_fail_with (shell, &error, "cannot mark domain '%s' as autostarted",
                                domain->name);
    if (!args_flag (args, "start")) {
        shell_hint (shell, "'start %s --console' starts it", domain->name);
        return 0;
    }
    if (!skep_domain_start (domain, NULL, 0, 0, &error))
        return shell_fail_with (shell, &error, "cannot start domain '%s'", domain->name);
    shell_say (shell, "Domain '%s' started", domain->name);
    return 0;
}

/* Whether users of the host may walk there. */
static gboolean
is_open_to_others (const char *root)
{
    g_autofree char *path = g_path_get_dirname (root);
    struct stat st;

    while (stat (path, &st) == 0 && (st.st_mode & S_IXOTH)) {
        char *parent;

        if (strcmp (path, "/") == 0)
            return TRUE;
        parent = g_path_get_dirname (path);
        g_free (path);
        path = parent;
    }
    return FALSE;
}

static int
run_new (Shell *shell, const Args *args)
{
    NewDomain domain;
    g_autoptr (GArray) binds = g_array_new (FALSE, FALSE, sizeof (NewBind));
    g_autofree char *root = NULL, *xml = NULL;
    gboolean made = FALSE;
    int code;

    g_array_set_clear_func (binds, clear_bind);
    if (!take_options (shell, args, &domain) || !take_binds (shell, args, binds)
        || (!args_flag (args, "print") && !shell_connection (shell))
        || !(root = take_root (shell, args, &made)))
        return 1;
    domain.root = root;
    domain.binds = (const NewBind *) (void *) binds->data;
    domain.n_binds = binds->len;
    xml = new_domain_xml (&domain);
    if (args_flag (args, "print")) {
        fputs (xml, shell->out);
        return 0;
    }
    code = define (shell, args, xml);
    if (code && made)
        busybox_root_remove (root);
    if (code == 0 && strcmp (root, "/") != 0 && is_open_to_others (root))
        shell_hint (shell, "every user of this host can run set-id programs that are made inside; a directory "
                    "of mode 0700 above '%s' keeps them out", root);
    return code ? code : finish (shell, args);
}

static const Option new_options[] = {
    { "name", OPT_STRING, OPT_REQUIRED, "name of the new domain", COMPLETE_NONE, NULL },
    FLAG ("busybox", "make a root with nothing but busybox in it"),
    { "rootfs", OPT_STRING, OPT_NAMED, "the root directory to use", COMPLETE_FILE, NULL },
    { "data-dir", OPT_STRING, OPT_NAMED, "where --busybox makes its root (" DEFAULT_DATA_DIR ")",
      COMPLETE_FILE, NULL },
    { "memory", OPT_SIZE, OPT_NAMED, "memory (256M)", COMPLETE_NONE, NULL },
    { "vcpus", OPT_NUMBER, OPT_NAMED, "number of CPUs (1)", COMPLETE_NONE, NULL },
    { "idmap", OPT_NUMBER, OPT_NAMED, "run in a user namespace: 65536 ids from this one on",
      COMPLETE_NONE, NULL },
    { "net", OPT_STRING, OPT_NAMED, "a network interface on this bridge", COMPLETE_NONE, NULL },
    FLAG ("privnet", "a network of its own with nothing but lo"),
    { "init", OPT_STRING, OPT_NAMED, "the first program (/sbin/init)", COMPLETE_NONE, NULL },
    { "initarg", OPT_STRING, OPT_NAMED | OPT_REPEATED, "an argument of it; may come several times",
      COMPLETE_NONE, NULL },
    { "console", OPT_NUMBER, OPT_NAMED, "number of consoles (1)", COMPLETE_NONE, NULL },
    FLAG ("readonly", "mount the root read-only"),
    { "bind", OPT_STRING, OPT_NAMED | OPT_REPEATED,
      "SRC:DST[:ro], a directory of the host; may come several times", COMPLETE_NONE, NULL },
    FLAG ("autostart", "start it at boot"),
    FLAG ("start", "start it now"),
    FLAG ("print", "print the XML and do nothing"),
    OPTIONS_END,
};

const Verb verbs_new[] = {
    { "new", GROUP_DOMAIN, VERB_OFFLINE, "write, check and define a new domain",
      "With --busybox the domain has a root of its own and a shell on its console; with --rootfs "
      "it runs what\n"
      "    the directory holds.",
      new_options, run_new },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
