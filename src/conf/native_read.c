/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of native configurations: lines in, one definition out. */
#include <string.h>

#include "conf/native_private.h"

static void
line_free (gpointer data)
{
    NativeLine *line = data;

    g_free (line->key);
    g_free (line->value);
    g_free (line);
}

static void
native_init (Native *n, const NativeHost *host, const DomainDefaults *defaults)
{
    *n = (Native) { .host = host, .defaults = defaults };
    n->def = domain_def_new ();
    n->skep = n->def->skep = domain_skep_new ();
    n->notes = g_ptr_array_new_with_free_func (native_note_free);
    n->lines = g_ptr_array_new_with_free_func (line_free);
    n->files = g_ptr_array_new_with_free_func (g_free);
    n->nics = g_ptr_array_new_with_free_func (native_nic_free);
    n->mounts = g_ptr_array_new_with_free_func (native_mount_free);
    n->sysctls = g_ptr_array_new ();
}

static void
native_clear (Native *n)
{
    domain_def_free (n->def);
    g_clear_pointer (&n->notes, g_ptr_array_unref);
    g_ptr_array_unref (n->mounts);
    g_ptr_array_unref (n->nics);
    g_ptr_array_unref (n->sysctls);
    g_ptr_array_unref (n->lines);
    g_ptr_array_unref (n->files);
    g_free (n->console_log);
}

/* ---- what needs all lines */

/* Of no line. */
static void
note_plain (Native *n, const char *key, const char *reason)
{
    g_ptr_array_add (n->notes, native_note_new (NULL, 0, key, g_strdup (reason)));
}

/* The container's folder has its name: /var/lib/lxc/NAME/rootfs. */
static char *
name_of_root (const char *root)
{
    const char *path = strchr (root, ':') ? strchr (root, ':') + 1 : root;
    g_autofree char *parent = g_path_get_dirname (path);

    if (!g_str_has_suffix (path, "/rootfs") || g_str_equal (parent, "/"))
        return NULL;
    return g_path_get_basename (parent);
}

/* LXC's host name may be more than a name of a domain gives: <skep:hostname> then. */
static void
finish_name (Native *n)
{
    char *uts = n->def->name;

    if (n->host && n->host->name)
        n->def->name = g_strdup (n->host->name);
    else if (!uts && n->rootfs)
        n->def->name = name_of_root (n->rootfs->value);
    if (!n->def->name) {
        native_fail (n, NULL, ERR_INTERNAL, "lxc.uts.name is missing: a domain needs a name");
        return;
    }
    if (!uts)
        return;
    if (n->def->shares[SHARE_UTS].set)
        ;       /* the other's name stays, in LXC as well */
    else if (!g_str_equal (uts, n->def->name) || strspn (uts, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                         "0123456789-") != strlen (uts))
        n->skep->hostname = g_strdup (uts);
    if (uts != n->def->name)
        g_free (uts);
}

/* libvirt's converter, and what was written for it, has HOST CONTAINER COUNT. Such a map shows by the
 * container's root, which is nowhere in it otherwise. */
static void
turn_idmap (Native *n, GPtrArray *map, const char *what)
{
    gboolean root = FALSE, turned = FALSE;

    for (guint i = 0; i < map->len; i++) {
        root |= ((const IdmapEntry *) map->pdata[i])->start == 0;
        turned |= ((const IdmapEntry *) map->pdata[i])->target == 0;
    }
    if (root || !turned)
        return;
    for (guint i = 0; i < map->len; i++) {
        IdmapEntry *entry = map->pdata[i];

        *entry = (IdmapEntry) { entry->target, entry->start, entry->count };
    }
    note_plain (n, what, "the container's root is not mapped: read as HOST CONTAINER COUNT");
}

static void
finish_idmap (Native *n)
{
    turn_idmap (n, n->def->uid_map, "/domain/idmap/uid");
    turn_idmap (n, n->def->gid_map, "/domain/idmap/gid");
}

/* All but what is dropped, or nothing but what is kept. What an include that could not be read says is
 * not known: then Skep's default is the safer guess. */
static void
finish_caps (Native *n)
{
    DomainFeatures *features = &n->def->features;

    if ((!n->caps_seen && n->unread) || (!n->keep_seen && n->cap_drop == NATIVE_DEFAULT_DROPS))
        return;
    features->caps_policy = n->keep_seen ? CAPS_DENY : CAPS_ALLOW;
    for (guint i = 0; i < CAPABILITY_LAST; i++) {
        guint64 bit = G_GUINT64_CONSTANT (1) << i;

        if (n->keep_seen && (n->cap_keep & ~n->cap_drop & bit))
            features->caps[i] = ON_OFF_ON;
        else if (!n->keep_seen && (n->cap_drop & bit))
            features->caps[i] = ON_OFF_OFF;
    }
}

/* LXC's /dev/console is there without any terminal. */
static void
finish_consoles (Native *n)
{
    gboolean plain = !n->host || !n->host->memory;

    if (plain && n->ttys == 0)
        note_plain (n, "/domain/devices/console", "no terminals are configured: add one, a domain needs it to start");
    for (guint i = 0; i < (plain ? n->ttys : MAX (n->ttys, 1)); i++) {
        ConsoleDef *console = g_new0 (ConsoleDef, 1);

        console->type_pty = TRUE;
        console->type = g_strdup ("pty");
        if (i == 0)
            console->log_file = g_strdup (n->console_log);
        g_ptr_array_add (n->def->consoles, console);
    }
}

static void
finish_sysctls (Native *n)
{
    const DomainDef *def = n->def;
    gboolean own_net = def->nets->len > 0 || def->hostdevs->len > 0 || def->features.privnet;

    for (guint i = 0; i < n->sysctls->len; i++) {
        const NativeLine *line = n->sysctls->pdata[i];
        NameValue *sysctl;

        if (g_str_has_prefix (line->rest, "net") && !own_net) {
            native_note (n, line, "of the network, which is not the container's own");
            continue;
        }
        sysctl = g_new0 (NameValue, 1);
        sysctl->name = g_strdup (line->rest);
        sysctl->value = g_strdup (line->value);
        g_ptr_array_add (n->skep->sysctls, sysctl);
    }
}

static int
compare_notes (gconstpointer a, gconstpointer b)
{
    const NativeNote *one = *(const NativeNote *const *) a, *two = *(const NativeNote *const *) b;
    int files = g_strcmp0 (one->file, two->file);

    return files ? files : one->line < two->line ? -1 : one->line > two->line;
}

static void
native_finish (Native *n)
{
    finish_name (n);
    native_finish_init (n);
    native_finish_mounts (n);
    native_finish_nets (n);
    native_finish_cgroup (n);
    if (!n->memory && !n->unlimited && (!n->host || !n->host->memory))
        note_plain (n, "/domain/memory", "no limit is configured: 64 MiB are written, and they will hold");
    finish_idmap (n);
    finish_caps (n);
    finish_consoles (n);
    finish_sysctls (n);
    native_finish_label (n);
    if (n->start_auto)
        native_note (n, n->start_auto, "mark the domain when it is defined: skep autostart %s",
                     n->def->name ? n->def->name : "NAME");
    g_ptr_array_sort (n->notes, compare_notes);
    if (domain_skep_empty (n->skep)) {
        domain_skep_free (n->skep);
        n->def->skep = n->skep = NULL;
    }
}

DomainDef *
native_read (const char *text, gsize length, const NativeHost *host, const DomainDefaults *defaults,
             GPtrArray **ret_notes, GError **error)
{
    static const DomainDefaults none = { 0 };
    g_autoptr (DomainDef) def = NULL;
    g_autofree char *path = NULL, *xml = NULL;
    Native n;

    native_init (&n, host, defaults ? defaults : &none);
    native_lines (&n, NULL, text, length);
    if (!n.error)
        native_finish (&n);
    if (!n.error) {
        gboolean arch_given = n.def->os.arch != NULL;

        domain_default_fill (n.def, n.defaults);
        if (!arch_given)        /* any host's will do */
            g_clear_pointer (&n.def->os.arch, g_free);
        if (!domain_check (n.def, n.defaults, &path, &n.error) && path)
            g_prefix_error (&n.error, "%s: ", path);
    }
    if (n.error) {
        g_propagate_error (error, n.error);
    } else {
        /* what is returned can be defined */
        xml = domain_def_format (n.def, DOMAIN_FORMAT_INACTIVE);
        def = domain_def_parse (xml, strlen (xml), n.defaults, 0, error);
        if (def) {
            domain_def_free (def);
            def = g_steal_pointer (&n.def);
            *ret_notes = g_steal_pointer (&n.notes);
        }
    }
    native_clear (&n);
    return g_steal_pointer (&def);
}
