/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc.rootfs.* and mounts. A mount that <filesystem> says in full becomes one; any other, and whatever
 * lies below it, becomes a <skep:mount>, which come after the <filesystem>s.
 */
#include <string.h>

#include "conf/fstab.h"
#include "conf/native_private.h"
#include "conf/xml.h"

void
native_mount_free (gpointer data)
{
    NativeMount *mount = data;

    g_free (mount->text);
    g_free (mount);
}

static void
add_mount (Native *n, const NativeLine *line, const char *text)
{
    NativeMount *mount = g_new0 (NativeMount, 1);

    mount->line = line;
    mount->text = g_strdup (text);
    g_ptr_array_add (n->mounts, mount);
}

void
native_take_mount_entry (Native *n, const NativeLine *line)
{
    if (*line->value)
        add_mount (n, line, line->value);
    else
        g_ptr_array_set_size (n->mounts, 0);
}

/* What Skep mounts anyway says nothing new. */
void
native_take_mount_auto (Native *n, const NativeLine *line)
{
    static const char *const same[] = { "proc", "proc:mixed", "sys", "sys:mixed", "sys:ro", "cgroup",
                                        "cgroup:mixed", "cgroup:mixed:force", "cgroup:ro",
                                        "cgroup:ro:force", "cgroup:rw", "cgroup:rw:force",
                                        "cgroup:force", NULL };
    g_auto (GStrv) words = g_strsplit_set (line->value, " \t", -1);

    for (char **word = words; *word; word++) {
        if (!**word || g_strv_contains (same, *word))
            continue;
        if (g_str_has_prefix (*word, "cgroup"))
            native_note (n, line, "%s: a container sees its own control groups only", *word);
        else if (g_str_equal (*word, "proc:rw") || g_str_equal (*word, "sys:rw"))
            native_note (n, line, "%s: /proc/sys and /sys stay read-only, but /proc/sys/net", *word);
        else
            native_note (n, line, "%s: not supported", *word);
    }
}

void
native_take_rootfs_options (Native *n, const NativeLine *line)
{
    g_auto (GStrv) words = g_strsplit (line->value, ",", -1);

    n->readonly_root = FALSE;
    for (char **word = words; *word; word++) {
        g_strstrip (*word);
        if (g_str_equal (*word, "ro"))
            n->readonly_root = TRUE;
        else if (**word && !g_str_equal (*word, "rw") && !g_str_equal (*word, "defaults")
                 && !g_str_equal (*word, "idmap=container"))
            native_note (n, line, "option '%s' of the root is not known", *word);
    }
}

/* ---- root */

static FsDef *
add_fs (Native *n, FsType type, const char *source, const char *target)
{
    FsDef *fs = g_new0 (FsDef, 1);

    fs->type = type;
    fs->source = g_strdup (source);
    fs->target = g_strdup (target);
    g_ptr_array_add (n->def->filesystems, fs);
    return fs;
}

static void
image_root (FsDef *fs, FsDriver driver, StorageFormat format)
{
    fs->driver = driver;
    fs->format = format;
}

/* "/lower:/upper". LXC's work directory lies beside the upper one. */
static void
overlay_root (Native *n, const char *path)
{
    g_auto (GStrv) layers = g_strsplit (path, ":", -1);
    g_autofree char *parent = NULL;

    if (g_strv_length (layers) != 2 || *layers[0] != '/' || *layers[1] != '/') {
        native_fail (n, n->rootfs, ERR_CONFIG_UNSUPPORTED, "a root of layers is overlay:/LOWER:/UPPER");
        return;
    }
    add_fs (n, FS_MOUNT, layers[0], "/")->readonly = n->readonly_root;
    parent = g_path_get_dirname (layers[1]);
    n->skep->overlay_upper = g_strdup (layers[1]);
    n->skep->overlay_work = g_build_filename (parent, "olwork", NULL);
}

/* Why such a root cannot be; NULL: it can. */
static const char *
root_reason (const char *kind, const char *path)
{
    if (g_str_equal (kind, "aufs"))
        return "aufs is not supported: mount it on the host and name that directory";
    if (g_str_equal (kind, "nbd") && strchr (path, ':'))
        return "a partition of an image is not mounted: copy it to an image of its own";
    if (*path == '/')
        return NULL;
    if (g_str_equal (kind, "zfs"))
        return "a dataset of ZFS is not mounted: mount it on the host and name that directory";
    if (g_str_equal (kind, "rbd") || g_str_equal (kind, "ceph"))
        return "a device of Ceph is not mapped: map it on the host and name its node in /dev";
    if (g_str_equal (kind, "lvm"))
        return "a volume is named by its node in /dev";
    return "a root is named by its absolute path";
}

const char *
native_root (const Native *n, const char **kind)
{
    static const char *const prefixes[] = { "dir", "lvm", "btrfs", "loop", "nbd", "zfs", "overlay",
                                            "overlayfs", "aufs", "rbd", "ceph" };
    const char *path = n->rootfs->value;

    for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++) {
        gsize length = strlen (prefixes[i]);

        if (strncmp (path, prefixes[i], length) == 0 && path[length] == ':') {
            *kind = prefixes[i];
            return path + length + 1;
        }
    }
    *kind = n->backend ? n->backend->value : "";
    return path;
}

static void
finish_root (Native *n)
{
    const char *kind, *path = native_root (n, &kind), *reason;
    FsDef *fs;

    if (g_str_has_prefix (kind, "overlay")) {
        overlay_root (n, path);
        return;
    }
    reason = root_reason (kind, path);
    if (reason) {
        native_fail (n, n->rootfs, ERR_CONFIG_UNSUPPORTED, "%s", reason);
        return;
    }
    if (!*kind && !g_str_has_prefix (path, "/dev/") && n->host && n->host->is_file
        && n->host->is_file (n->host->data, path))
        kind = "loop";          /* LXC looks as well */
    fs = add_fs (n, g_str_has_prefix (path, "/dev/") ? FS_BLOCK : FS_MOUNT, path, "/");
    fs->readonly = n->readonly_root;
    if (g_str_equal (kind, "loop") || g_str_equal (kind, "nbd"))
        fs->type = FS_FILE;
    if (g_str_equal (kind, "loop"))
        image_root (fs, FS_DRIVER_LOOP, FORMAT_RAW);
    if (g_str_equal (kind, "nbd"))
        image_root (fs, FS_DRIVER_NBD, g_str_has_suffix (path, ".qcow2") ? FORMAT_QCOW2 : FORMAT_RAW);
}

/* ---- mounts */

static gboolean
below (const char *path, const char *directory)
{
    gsize length = strlen (directory);

    return strncmp (path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* What follows /var/lib/lxc/NAME/rootfs: so the place of a root on a device is named; NULL: it is another path. */
static const char *
behind_folder (const char *target)
{
    const char *name = target + strlen ("/var/lib/lxc/"), *rest;

    if (!g_str_has_prefix (target, "/var/lib/lxc/"))
        return NULL;
    rest = name + strcspn (name, "/");
    return rest > name && below (rest, "/rootfs") ? rest + strlen ("/rootfs") : NULL;
}

/* As seen inside: relative to the root, or with the root's own path before it. NULL: an absolute path that is
 * not below the root, which LXC passes over. */
static char *
inner_target (const Native *n, const char *target)
{
    static const char *const roots[] = { "/usr/lib/lxc/rootfs", "/usr/lib/x86_64-linux-gnu/lxc/rootfs" };
    const char *value = n->rootfs->value, *rest = *target == '/' ? NULL : target;
    g_autofree char *clean = g_canonicalize_filename (target + (target[0] == '/' && target[1] == '/'), "/");
    g_autofree char *root = NULL, *path = NULL;

    if (strchr (value, ':'))
        value = strchr (value, ':') + 1;
    root = g_canonicalize_filename (value, "/");
    if (!rest && *value == '/' && root[1] && below (clean, root))
        rest = clean + strlen (root);
    for (guint i = 0; !rest && i < G_N_ELEMENTS (roots); i++)
        if (below (clean, roots[i]))
            rest = clean + strlen (roots[i]);
    if (!rest)
        rest = behind_folder (clean);
    if (!rest)
        return NULL;
    path = g_strconcat ("/", rest + strspn (rest, "/"), NULL);
    return g_canonicalize_filename (path, "/");
}

/* Mounted by Skep in any case, and as the container's own. */
static gboolean
is_base (const char *type, const char *target)
{
    static const char *const targets[] = { "/proc", "/sys", "/dev", "/dev/pts", "/dev/mqueue",
                                           "/sys/fs/cgroup", "/proc/sys", "/sys/kernel/security",
                                           "/sys/fs/selinux", NULL };
    static const char *const types[] = { "proc", "sysfs", "devpts", "cgroup", "cgroup2", "mqueue",
                                         "devtmpfs", "securityfs", "selinuxfs", "none", "tmpfs", NULL };

    return g_strv_contains (targets, target) && g_strv_contains (types, type);
}

/* "size=64m" as bytes; 0 when it is no plain size. */
static guint64
tmpfs_size (const char *rest)
{
    const char *text = rest && g_str_has_prefix (rest, "size=") ? rest + 5 : "";
    guint64 value;
    char *end;

    value = g_ascii_strtoull (text, &end, 10);
    if (end == text || !g_ascii_isdigit (*text) || (*end && end[1]))
        return 0;
    switch (g_ascii_tolower (*end)) {
    case '\0':
        return value;
    case 'k':
        return value < G_MAXUINT32 ? value << 10 : 0;
    case 'm':
        return value < G_MAXUINT32 ? value << 20 : 0;
    case 'g':
        return value < G_MAXUINT32 ? value << 30 : 0;
    default:
        return 0;
    }
}

static gboolean
under_own (const Native *n, const char *target)
{
    for (guint i = 0; i < n->skep->mounts->len; i++)
        if (below (target, ((const SkepMount *) n->skep->mounts->pdata[i])->target))
            return TRUE;
    return FALSE;
}

/* nosuid and nodev are what a ram filesystem always has; its mode is 1777, any other is another mount. */
static FsDef *
as_ram (Native *n, const char *target, const MountOptions *options)
{
    g_auto (GStrv) words = g_strsplit (options->rest ? options->rest : "", ",", -1);
    guint64 size = 0;
    FsDef *fs;

    for (char **word = words; *word; word++) {
        if (g_str_equal (*word, "mode=1777") || g_str_equal (*word, "mode=01777"))
            continue;
        if (size || !(size = tmpfs_size (*word)))
            return NULL;
    }
    if (!size || size % 1024 || options->noexec)
        return NULL;
    fs = add_fs (n, FS_RAM, NULL, target);
    fs->usage = size;
    return fs;
}

/* What is to be made at the target need not be said: Skep makes what the source is. */
static gboolean
as_filesystem (Native *n, char **fields, const char *target, const MountOptions *options)
{
    gboolean plain = !options->rest && !options->nosuid && !options->nodev && !options->noexec
                  && !options->recursive && !options->optional;
    FsDef *fs = NULL;

    if (under_own (n, target))
        return FALSE;
    if (g_str_equal (fields[2], "tmpfs")) {
        fs = as_ram (n, target, options);
    } else if (plain && options->bind && options->relative) {
        g_autofree char *source = g_strconcat ("/", fields[0] + strspn (fields[0], "/"), NULL);

        fs = add_fs (n, FS_BIND, source, target);
    } else if (plain && options->bind) {
        fs = add_fs (n, FS_MOUNT, fields[0], target);
    } else if (plain && !options->create_file && g_str_has_prefix (fields[0], "/dev/")) {
        fs = add_fs (n, FS_BLOCK, fields[0], target);
    }
    if (!fs)
        return FALSE;
    fs->readonly = options->readonly;
    return TRUE;
}

static gboolean
is_bind (const char *text)
{
    MountOptions options;
    gboolean bind;

    mount_options_parse (text, &options);
    bind = options.bind;
    mount_options_clear (&options);
    return bind;
}

/* The options without those that we cannot honour, which are noted. */
static char *
kept_options (Native *n, const NativeLine *line, const char *text)
{
    g_auto (GStrv) words = g_strsplit (text, ",", -1);
    GString *kept = g_string_new (NULL);
    gboolean bind = is_bind (text);

    for (char **word = words; *word; word++) {
        MountOptions one;

        mount_options_parse (g_strstrip (*word), &one);
        if (one.refused)
            native_note (n, line, "option '%s' of a mount is not supported", *word);
        else if (bind && one.rest)
            native_note (n, line, "option '%s' has no effect on a bind", *word);
        else if (**word && !g_str_equal (*word, "defaults"))
            g_string_append_printf (kept, "%s%s", kept->len ? "," : "", *word);
        mount_options_clear (&one);
    }
    return g_string_free (kept, FALSE);
}

static void
as_own_mount (Native *n, const NativeLine *line, char **fields, const char *target, gboolean bind,
              const char *text)
{
    SkepMount *mount = g_new0 (SkepMount, 1);
    g_autoptr (GError) why = NULL;

    mount->type = g_strdup (bind ? "none" : fields[2]);
    mount->source = g_strdup (fields[0]);
    mount->target = g_strdup (target);
    mount->options = *text ? g_strdup (text) : NULL;
    g_ptr_array_add (n->skep->mounts, mount);
    if (!skep_mount_check (mount, &why)) {
        native_note (n, line, "%s", why->message);
        g_ptr_array_set_size (n->skep->mounts, (gint) n->skep->mounts->len - 1);
    }
}

/* What is mounted over what every container has. */
static void
note_base (Native *n, const NativeLine *line, const char *target, gboolean bind)
{
    if (bind)
        native_note (n, line, "a container has a %s of its own, not the host's", target);
}

static void
finish_mount (Native *n, const NativeMount *mount)
{
    g_auto (GStrv) fields = fstab_split (mount->text, 3);
    g_autofree char *target = fields ? inner_target (n, fields[1]) : NULL;
    g_autofree char *text = NULL;
    gboolean bind = fields && is_bind (fields[3]);
    MountOptions options;

    if (!fields) {
        native_fail (n, mount->line, ERR_INTERNAL, "'%s' has fewer than three fields", mount->text);
        return;
    }
    if (!target) {
        native_note (n, mount->line, "'%s' is not below the root: LXC passes over it, too; leave the first / out",
                     fields[1]);
        return;
    }
    if (is_base (bind ? "none" : fields[2], target)) {      /* a bind has no type, whatever is written there */
        note_base (n, mount->line, target, bind);
        return;
    }
    text = kept_options (n, mount->line, fields[3] ? fields[3] : "");
    mount_options_parse (text, &options);
    if (g_str_equal (target, "/"))
        native_note (n, mount->line, "mounts over the root itself");
    else if (options.bind && *fields[0] != '/' && !options.relative)
        native_note (n, mount->line, "source '%s' is not an absolute path", fields[0]);
    else if (!options.bind && g_str_equal (fields[2], "none") && !g_str_has_prefix (fields[0], "/dev/"))
        native_note (n, mount->line, "neither a bind nor a file system");
    else if (as_filesystem (n, fields, target, &options))
        ;
    else if (options.relative)
        native_note (n, mount->line, "a mount from inside has no options but ro");
    else
        as_own_mount (n, mount->line, fields, target, options.bind, text);
    mount_options_clear (&options);
}

/* The file's lines stand before the entries, as LXC mounts them. */
static void
read_fstab (Native *n)
{
    g_autoptr (GPtrArray) entries = g_steal_pointer (&n->mounts);
    g_autoptr (GPtrArray) files = NULL;
    g_autoptr (GError) why = NULL;
    const NativeFile *file;
    g_auto (GStrv) lines = NULL;

    n->mounts = g_ptr_array_new_with_free_func (native_mount_free);
    if (n->host && n->host->read)
        files = n->host->read (n->host->data, n->fstab->value, &why);
    if (!files || files->len != 1) {
        native_fail (n, n->fstab, ERR_ARGUMENT_UNSUPPORTED, "%s; use lxc.mount.entry lines instead",
                     why ? why->message : "there are no files here");
        n->mounts = (g_ptr_array_unref (n->mounts), g_steal_pointer (&entries));
        return;
    }
    file = files->pdata[0];
    g_ptr_array_add (n->files, g_strdup (file->path));
    if (strlen (file->text) > NATIVE_TEXT_MAX || !xml_text_valid (file->text))
        native_fail (n, n->fstab, ERR_CONF_SYNTAX, "%s: %s", file->path,
                     strlen (file->text) > NATIVE_TEXT_MAX ? "the file is too long" : "the file is not text");
    lines = g_strsplit (n->error ? "" : file->text, "\n", -1);
    for (guint i = 0; lines[i] && !n->error; i++) {
        NativeLine *line;

        g_strstrip (lines[i]);
        if (!*lines[i] || *lines[i] == '#')
            continue;
        if (n->lines->len >= NATIVE_LINES_MAX) {
            native_fail (n, n->fstab, ERR_CONF_SYNTAX, "%s: too many lines", file->path);
            break;
        }
        line = g_new0 (NativeLine, 1);
        line->file = n->files->pdata[n->files->len - 1];
        line->number = i + 1;
        line->key = g_strdup (n->fstab->key);
        line->value = g_strdup (lines[i]);
        line->rest = "";
        g_ptr_array_add (n->lines, line);
        add_mount (n, line, lines[i]);
    }
    g_ptr_array_extend_and_steal (n->mounts, g_steal_pointer (&entries));
}

void
native_finish_mounts (Native *n)
{
    if (!n->rootfs)
        native_fail (n, NULL, ERR_INTERNAL, "lxc.rootfs.path is missing: a container needs a root");
    else
        finish_root (n);
    if (n->fstab && !n->error)
        read_fstab (n);
    for (guint i = 0; i < n->mounts->len && !n->error; i++)
        finish_mount (n, n->mounts->pdata[i]);
}
