/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container starts, lxc.init.cmd and lxc.execute.cmd, both ways. lxc-start cuts the first at every
 * blank and knows no quotes; lxc-execute takes a word in quotes, of either kind, as one, but only where the
 * quote begins it. Neither knows a backslash, variables or patterns.
 */
#include <string.h>

#include "conf/native_private.h"

/* Looks a program up in PATH, as LXC does, and touches none of its words. busybox's shell has programs of its own,
 * so this is for roots that cannot be looked into. */
#define BY_PATH "exec \"$0\" \"$@\""

#define LXC_PATH "/sbin:/usr/sbin:/bin:/usr/bin"
#define OUR_PATH "/bin:/sbin"       /* libvirt's */

/* ---- reading */

static void
split_blanks (const char *value, GPtrArray *words)
{
    g_auto (GStrv) parts = g_strsplit (value, " ", -1);

    for (char **part = parts; *part; part++)
        if (**part)
            g_ptr_array_add (words, g_strdup (*part));
}

static void
split_quoted (const char *value, GPtrArray *words)
{
    const char *at = value;

    while (*(at += strspn (at, " \t\v\f"))) {
        const char *end = strchr ("\"'", *at) ? strchr (at + 1, *at) : NULL;

        if (end) {
            g_ptr_array_add (words, g_strndup (at + 1, (gsize) (end - at) - 1));
            at = end + 1;
        } else if (strchr ("\"'", *at)) {
            return;             /* the quote never ends: LXC drops it */
        } else {
            gsize length = strcspn (at, " \t\v\f");

            g_ptr_array_add (words, g_strndup (at, length));
            at += length;
        }
    }
}

static const char *
path_variable (const Native *n)
{
    const GPtrArray *env = n->def->os.initenv;

    for (guint i = 0; i < env->len; i++)
        if (g_str_equal (((const NameValue *) env->pdata[i])->name, "PATH"))
            return ((const NameValue *) env->pdata[i])->value;
    return LXC_PATH;
}

/* Where @word is in the container; NULL: not known. The caller frees. */
static char *
find_program (const Native *n, const char *word)
{
    g_auto (GStrv) dirs = g_strsplit (path_variable (n), ":", -1);
    const char *kind, *root = n->rootfs ? native_root (n, &kind) : "";

    if (*word == '/')
        return g_strdup (word);
    if (strchr (word, '/'))
        return n->def->os.initdir ? NULL : g_strconcat ("/", word, NULL);
    for (char **dir = dirs; *dir && *root == '/' && n->host && n->host->is_file; dir++) {
        g_autofree char *path = g_build_filename ("/", *dir, word, NULL), *full = g_build_filename (root, path, NULL);

        if (n->host->is_file (n->host->data, full))
            return g_steal_pointer (&path);
    }
    return NULL;
}

static void
set_command (Native *n, const NativeLine *line, gboolean quotes)
{
    g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
    DomainOs *os = &n->def->os;
    guint first = 0;

    (quotes ? split_quoted : split_blanks) (line->value, words);
    if (words->len == 0 || !*(const char *) words->pdata[0]) {
        native_fail (n, line, ERR_INTERNAL, "'%s' names no program", line->value);
        return;
    }
    os->init = find_program (n, words->pdata[0]);
    if (os->init) {
        first = 1;
    } else {
        os->init = g_strdup ("/bin/sh");
        g_ptr_array_add (os->initargs, g_strdup ("-c"));
        g_ptr_array_add (os->initargs, g_strdup (BY_PATH));
    }
    for (guint i = first; i < words->len; i++) {
        if (*(const char *) words->pdata[i])
            g_ptr_array_add (os->initargs, g_strdup (words->pdata[i]));
        else
            native_note (n, line, "an empty argument is left out");
    }
}

/* What a program finds by its name is the same: LXC's PATH, where a program is named at all, since an init
 * sets its own. Our own is what is written for the absence of one. */
static void
set_path (Native *n)
{
    GPtrArray *env = n->def->os.initenv;
    NameValue *path;

    for (guint i = 0; i < env->len; i++) {
        path = env->pdata[i];
        if (!g_str_equal (path->name, "PATH"))
            continue;
        if (g_str_equal (path->value, OUR_PATH))
            g_ptr_array_remove_index (env, i);
        return;
    }
    if ((!n->init && !n->execute) || !n->host || !n->host->memory)
        return;
    path = g_new0 (NameValue, 1);
    path->name = g_strdup ("PATH");
    path->value = g_strdup (LXC_PATH);
    g_ptr_array_add (env, path);
}

void
native_finish_init (Native *n)
{
    if (n->init)
        set_command (n, n->init, FALSE);
    else if (n->execute)
        set_command (n, n->execute, TRUE);
    else
        n->def->os.init = g_strdup ("/sbin/init");
    if (n->init && n->execute)
        native_note (n, n->execute, "lxc.init.cmd is what starts");
    n->def->os.type = g_strdup ("exe");
    set_path (n);
}

/* ---- writing */

/* init and its arguments, without the shell that reading put before them. */
static GPtrArray *
command_words (const DomainOs *os)
{
    GPtrArray *words = g_ptr_array_new ();
    guint first = 0;

    if (g_strcmp0 (os->init, "/bin/sh") == 0 && os->initargs->len > 2 && g_str_equal (os->initargs->pdata[0], "-c")
        && g_str_equal (os->initargs->pdata[1], BY_PATH) && *(const char *) os->initargs->pdata[2] != '/')
        first = 2;
    else
        g_ptr_array_add (words, os->init ? os->init : (char *) "/sbin/init");
    for (guint i = first; i < os->initargs->len; i++)
        g_ptr_array_add (words, os->initargs->pdata[i]);
    return words;
}

static gboolean
has_path (const DomainDef *def)
{
    const GPtrArray *lists[] = { def->os.initenv, def->skep ? def->skep->env : NULL };

    for (guint list = 0; list < G_N_ELEMENTS (lists); list++)
        for (guint i = 0; lists[list] && i < lists[list]->len; i++)
            if (g_str_equal (((const NameValue *) lists[list]->pdata[i])->name, "PATH"))
                return TRUE;
    return FALSE;
}

/* FALSE: there are no quotes for such a word. */
static gboolean
append_quoted (GString *line, const char *word)
{
    const char *quote = !*word || strpbrk (word, " \t\v\f") || strchr ("\"'", *word) ? "\"" : "";

    if (*quote && strchr (word, '"'))
        quote = "'";
    if (*quote && strchr (word, *quote))
        return FALSE;
    g_string_append_printf (line, "%s%s%s%s", line->len ? " " : "", quote, word, quote);
    return TRUE;
}

void
native_write_init (NativeWriter *w)
{
    g_autoptr (GPtrArray) words = command_words (&w->def->os);
    g_autoptr (GString) plain = g_string_new (NULL), quoted = g_string_new (NULL);
    gboolean blanks = FALSE, good = TRUE;

    for (guint i = 0; i < words->len; i++) {
        blanks |= !*(const char *) words->pdata[i] || strchr (words->pdata[i], ' ') != NULL;
        good = good && append_quoted (quoted, words->pdata[i]);
        g_string_append_printf (plain, "%s%s", i ? " " : "", (const char *) words->pdata[i]);
    }
    if (blanks && good) {
        native_cannot (w, "/domain/os/initarg", "lxc.init.cmd has no arguments with blanks: start it by lxc-execute");
        native_put (w, "lxc.execute.cmd", "%s", quoted->str);
    } else if (blanks) {
        native_cannot (w, "/domain/os/initarg", "LXC has no arguments with blanks and both kinds of quotes");
    } else if (!g_str_equal (plain->str, "/sbin/init")) {
        native_put (w, "lxc.init.cmd", "%s", plain->str);
    }
    if (!g_str_equal (plain->str, "/sbin/init") && !has_path (w->def))
        native_put (w, "lxc.environment", "PATH=%s", OUR_PATH);
}
