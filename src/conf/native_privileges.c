/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container may do: capabilities, ids, limits, kernel parameters, labels, filters, hooks, shared
 * namespaces. */
#include <string.h>

#include "conf/native_private.h"
#include "util/sysctl.h"

/* ---- capabilities, ids, limits, kernel parameters */

static gboolean
capability_bit (Native *n, const NativeLine *line, const char *word, guint64 *ret)
{
    g_autofree char *name = g_ascii_strdown (word, -1);
    const char *plain = g_str_has_prefix (name, "cap_") ? name + 4 : name;
    int value = string_table_value (&capability_names, plain);
    guint64 number;

    if (value < 0 && g_ascii_string_to_unsigned (plain, 10, 0, CAPABILITY_LAST - 1, &number, NULL))
        value = (int) number;
    if (value < 0) {
        native_note (n, line, "unknown capability '%s'", word);
        return FALSE;
    }
    *ret = G_GUINT64_CONSTANT (1) << value;
    return TRUE;
}

static void
take_capabilities (Native *n, const NativeLine *line, guint64 *set)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);
    guint64 bit;

    n->caps_seen = TRUE;
    if (!*line->value)
        *set = 0;
    for (char **word = words; *word; word++) {
        if (set == &n->cap_keep && g_str_equal (*word, "none"))
            *set = 0;
        else if (**word && capability_bit (n, line, *word, &bit))
            *set |= bit;
    }
}

void
native_take_cap_drop (Native *n, const NativeLine *line)
{
    take_capabilities (n, line, &n->cap_drop);
}

void
native_take_cap_keep (Native *n, const NativeLine *line)
{
    n->keep_seen = *line->value != '\0';
    take_capabilities (n, line, &n->cap_keep);
}

static gboolean
id_field (Native *n, const NativeLine *line, const char *text, guint *ret)
{
    guint64 value;

    if (!native_number (n, line, text, G_MAXUINT32, &value))
        return FALSE;
    *ret = (guint) value;
    return TRUE;
}

/* "u 0 100000 65536": container's first id, host's, how many. */
void
native_take_idmap (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);
    const char *fields[5] = { NULL };
    guint count = 0;
    IdmapEntry entry;

    if (!*line->value) {
        g_ptr_array_set_size (n->def->uid_map, 0);
        g_ptr_array_set_size (n->def->gid_map, 0);
        return;
    }
    for (char **word = words; *word && count < 5; word++)
        if (**word)
            fields[count++] = *word;
    if (count != 4 || strlen (fields[0]) != 1 || !strchr ("ugb", *fields[0])) {
        native_fail (n, line, ERR_INTERNAL, "'%s' is not TYPE CONTAINER-ID HOST-ID COUNT", line->value);
        return;
    }
    if (!id_field (n, line, fields[1], &entry.start) || !id_field (n, line, fields[2], &entry.target)
        || !id_field (n, line, fields[3], &entry.count))
        return;
    if (*fields[0] != 'g')
        g_ptr_array_add (n->def->uid_map, g_memdup2 (&entry, sizeof entry));
    if (*fields[0] != 'u')
        g_ptr_array_add (n->def->gid_map, g_memdup2 (&entry, sizeof entry));
}

static gboolean
limit_value (Native *n, const NativeLine *line, const char *text, guint64 *ret)
{
    if (g_str_equal (text, "unlimited")) {
        *ret = SKEP_UNLIMITED;
        return TRUE;
    }
    if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, ret, NULL))
        return TRUE;
    return native_fail (n, line, ERR_INTERNAL, "'%s' is not a number up to %" G_GINT64_FORMAT, text, G_MAXINT64), FALSE;
}

/* "1024", "1024:4096", "unlimited" */
void
native_take_prlimit (Native *n, const NativeLine *line)
{
    int resource = string_table_value (&rlimit_names, line->rest);
    g_auto (GStrv) parts = g_strsplit (line->value, ":", 2);
    SkepRlimit limit = { .resource = (guint) resource };

    if (resource < 0) {
        native_note (n, line, "unknown resource limit '%s'", line->rest);
        return;
    }
    for (guint i = n->skep->rlimits->len; i > 0; i--)
        if (((const SkepRlimit *) n->skep->rlimits->pdata[i - 1])->resource == limit.resource)
            g_ptr_array_remove_index (n->skep->rlimits, i - 1);
    if (!*line->value || !limit_value (n, line, g_strstrip (parts[0]), &limit.soft))
        return;
    limit.hard = limit.soft;
    if (parts[1] && !limit_value (n, line, g_strstrip (parts[1]), &limit.hard))
        return;
    g_ptr_array_add (n->skep->rlimits, g_memdup2 (&limit, sizeof limit));
}

void
native_take_sysctl (Native *n, const NativeLine *line)
{
    g_autofree char *path = sysctl_path (line->rest);

    for (guint i = n->sysctls->len; i > 0; i--)
        if (g_str_equal (((const NativeLine *) n->sysctls->pdata[i - 1])->rest, line->rest))
            g_ptr_array_remove_index (n->sysctls, i - 1);
    if (!*line->value)
        return;
    if (sysctl_owner (path) == SYSCTL_HOST)
        native_note (n, line, "this kernel parameter belongs to no namespace: it would change the host");
    else
        g_ptr_array_add (n->sysctls, (gpointer) line);
}

void
native_take_proc (Native *n, const NativeLine *line)
{
    gint64 value = 0;

    if (!g_str_equal (line->rest, "oom_score_adj")) {
        if (*line->value)
            native_note (n, line, "of lxc.proc.*, oom_score_adj is honoured");
        return;
    }
    if (*line->value && !g_ascii_string_to_signed (line->value, 10, -1000, 1000, &value, NULL))
        native_fail (n, line, ERR_INTERNAL, "'%s' is not a number from -1000 to 1000", line->value);
    n->skep->oom_set = *line->value != '\0';
    n->skep->oom_score_adj = (int) value;
}

/* ---- security, hooks, namespaces */

/* LXC's own profiles are its default, so Skep's takes their place. */
void
native_take_apparmor (Native *n, const NativeLine *line)
{
    const char *value = line->value;

    n->apparmor = NULL;
    if (g_str_has_prefix (value, "lxc-container-default-with-"))
        native_note (n, line, "it allows more than Skep's default, which is taken: make a profile of yours");
    if (!*value || g_str_equal (value, "generated") || g_str_has_prefix (value, "lxc-container-default"))
        return;
    if (g_str_equal (value, "unchanged"))
        native_note (n, line, "the daemon's profile is not inherited: Skep's default is taken");
    else
        n->apparmor = n->last_label = line;
}

void
native_take_selinux (Native *n, const NativeLine *line)
{
    n->selinux = NULL;
    if (g_str_equal (line->value, "unchanged"))
        native_note (n, line, "the daemon's context is not inherited: Skep's default is taken");
    else if (*line->value)
        n->selinux = n->last_label = line;
}

/* LXC takes the label of the model that the host has; a domain with one of any other does not start. */
static const NativeLine *
choose_label (Native *n)
{
    const char *model = n->defaults->label_model;
    gboolean selinux = g_strcmp0 (model, "selinux") == 0;

    if (!n->apparmor || !n->selinux)
        return n->apparmor ? n->apparmor : n->selinux;
    if (!selinux && g_strcmp0 (model, "apparmor") != 0)
        selinux = n->last_label == n->selinux;
    native_note (n, selinux ? n->apparmor : n->selinux, "a container has one label: that of %s is taken",
                 selinux ? "SELinux" : "AppArmor");
    return selinux ? n->selinux : n->apparmor;
}

void
native_finish_label (Native *n)
{
    const NativeLine *line = choose_label (n);
    SeclabelDef *def;

    if (!line)
        return;
    def = g_new0 (SeclabelDef, 1);
    if (line == n->apparmor && g_str_equal (line->value, "unconfined")) {
        def->type = SECLABEL_NONE;
    } else {
        def->type = SECLABEL_STATIC;
        def->model = g_strdup (line == n->apparmor ? "apparmor" : "selinux");
        def->label = g_strdup (line->value);
    }
    g_ptr_array_add (n->def->seclabels, def);
}

void
native_take_seccomp (Native *n, const NativeLine *line)
{
    DomainSkep *skep = n->skep;

    /* LXC's common profile is in Skep's default */
    skep->seccomp_set = *line->value && !g_str_has_suffix (line->value, "/common.seccomp");
    skep->seccomp = skep->seccomp_set ? SECCOMP_FILE : SECCOMP_DEFAULT;
    native_replace (&skep->seccomp_file, skep->seccomp_set ? line->value : "");
    if (skep->seccomp_set && *line->value != '/') {
        native_note (n, line, "the file's path is not absolute: Skep's default profile is taken");
        skep->seccomp_set = FALSE;
        skep->seccomp = SECCOMP_DEFAULT;
        native_replace (&skep->seccomp_file, "");
    }
}

void
native_take_no_new_privs (Native *n, const NativeLine *line)
{
    n->skep->no_new_privs = native_is_on (n, line);
}

static void
clear_hooks (Native *n, int on)
{
    for (guint i = n->skep->hooks->len; i > 0; i--)
        if (on < 0 || ((const SkepHook *) n->skep->hooks->pdata[i - 1])->on == (guint) on)
            g_ptr_array_remove_index (n->skep->hooks, i - 1);
}

/* What to do instead of a hook that would run where the container's own programs may have been already. */
static const char *const hooks_inside[SKEP_HOOK_LAST] = {
    [SKEP_HOOK_PRE_MOUNT] = "nothing runs before the root is mounted: mount on the host in a hook pre-start",
    [SKEP_HOOK_MOUNT] = "nothing runs among the container's mounts: write them as lxc.mount.entry",
    [SKEP_HOOK_AUTODEV] = "nothing runs in the container's /dev: bind nodes by lxc.mount.entry, and allow them",
    [SKEP_HOOK_START] = "nothing runs inside before init: let init do it, or a script that ends with exec of it",
    [SKEP_HOOK_STOP] = "nothing runs when init has ended: a hook post-stop runs when all is gone",
};

void
native_take_hook (Native *n, const NativeLine *line)
{
    int on = string_table_value (&skep_hook_names, line->rest);
    SkepHook *hook;

    if (!*line->value) {
        clear_hooks (n, on);
    } else if (on == SKEP_HOOK_PRE_START || on == SKEP_HOOK_START_HOST || on == SKEP_HOOK_POST_STOP) {
        hook = g_new0 (SkepHook, 1);
        hook->on = (guint) on;
        hook->command = g_strdup (line->value);
        g_ptr_array_add (n->skep->hooks, hook);
    } else if (on == SKEP_HOOK_CLONE || on == SKEP_HOOK_DESTROY) {
        /* the one of LXC's common configuration */
        if (!g_str_has_suffix (line->value, "/clonehostname"))
            native_note (n, line, "for lxc-copy and lxc-destroy, which Skep does not have");
    } else if (on >= 0) {
        native_note (n, line, "%s", hooks_inside[on]);
    } else if (!g_str_equal (line->rest, "version") || !g_str_equal (line->value, "0")) {
        native_note (n, line, g_str_equal (line->rest, "version")
                                  ? "hooks get their words as arguments and as variables"
                                  : "unknown hook");
    }
}

void
native_take_hook_clear (Native *n, const NativeLine *line)
{
    (void) line;
    clear_hooks (n, -1);
}

static const char *
after_prefix (const char *text, const char *prefix)
{
    return g_str_has_prefix (text, prefix) ? text + strlen (prefix) : NULL;
}

/* A process, a file of a named network namespace, or another container. */
void
native_take_share (Native *n, const NativeLine *line)
{
    static const char *const names[SHARE_LAST] = { "net", "ipc", "uts" };
    const char *netns = after_prefix (line->value, "/run/netns/");
    NamespaceShare *share = NULL;

    for (guint i = 0; i < SHARE_LAST; i++)
        if (g_str_equal (names[i], line->rest))
            share = &n->def->shares[i];
    if (!share) {
        if (*line->value)
            native_note (n, line, "namespaces net, ipc and uts can be shared");
        return;
    }
    g_clear_pointer (&share->value, g_free);
    share->set = FALSE;
    if (!netns)
        netns = after_prefix (line->value, "/var/run/netns/");
    if (!*line->value)
        return;
    if (strchr (line->value, '/') && (!netns || share != &n->def->shares[SHARE_NET])) {
        native_note (n, line, "neither a process, a container nor a named network namespace");
        return;
    }
    share->set = TRUE;
    share->source = netns ? SHARE_SOURCE_NETNS
                          : g_ascii_string_to_unsigned (line->value, 10, 1, G_MAXINT, NULL, NULL)
                              ? SHARE_SOURCE_PID : SHARE_SOURCE_NAME;
    share->value = g_strdup (netns ? netns : line->value);
}

static gboolean
has_word (const char *text, const char *wanted)
{
    g_auto (GStrv) words = g_strsplit_set (text, " \t", -1);

    return g_strv_contains ((const char *const *) words, wanted);
}

void
native_take_namespace_keep (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);

    n->net_host |= has_word (line->value, "net");
    for (char **word = words; *word; word++)
        if (**word && !g_str_equal (*word, "net"))
            native_note (n, line, "a container always has its own namespace '%s'%s", *word,
                         g_str_equal (*word, "user") ? ", when there is an idmap" : "");
}

void
native_take_namespace_clone (Native *n, const NativeLine *line)
{
    static const char *const own[] = { "mount", "pid", "ipc", "uts", "cgroup" };

    if (!*line->value)
        return;
    n->net_host |= !has_word (line->value, "net");
    for (guint i = 0; i < G_N_ELEMENTS (own); i++)
        if (!has_word (line->value, own[i]) && !(i == 0 && has_word (line->value, "mnt")))
            native_note (n, line, "a container always has its own namespace '%s'", own[i]);
}
