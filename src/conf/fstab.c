/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/fstab.h"

#include <string.h>

typedef struct {
    const char *name;
    gsize set, clear;           /* offsets in MountOptions of what becomes TRUE, FALSE; 0: none */
} OptionRow;

#define NOTHING G_MAXSIZE
#define SETS(name, member) { name, G_STRUCT_OFFSET (MountOptions, member), NOTHING }
#define CLEARS(name, member) { name, NOTHING, G_STRUCT_OFFSET (MountOptions, member) }
#define MEANS_NOTHING(name) { name, NOTHING, NOTHING }

static const OptionRow rows[] = {
    SETS ("bind", bind), SETS ("ro", readonly), SETS ("nosuid", nosuid), SETS ("nodev", nodev),
    SETS ("noexec", noexec), SETS ("optional", optional), SETS ("create=dir", create_dir),
    SETS ("create=file", create_file), SETS ("relative", relative),
    CLEARS ("rw", readonly), CLEARS ("suid", nosuid), CLEARS ("dev", nodev), CLEARS ("exec", noexec),
    MEANS_NOTHING ("defaults"), MEANS_NOTHING ("auto"), MEANS_NOTHING ("noauto"),
    MEANS_NOTHING ("nofail"), MEANS_NOTHING ("rprivate"), MEANS_NOTHING ("private"),
    MEANS_NOTHING ("relatime"),     /* the kernel's default */
};

/* What the kernel or LXC knows of any mount and we do not do yet. */
static const char *const refused[] = {
    "noatime", "nodiratime", "strictatime", "atime", "lazytime", "sync", "dirsync", "mand",
    "nosymfollow", "remount", "move", "shared", "rshared", "slave", "rslave", "unbindable",
    "runbindable", "loop", "user", "users", "group", "owner", NULL,
};

static gboolean
take_option (MountOptions *options, const char *text)
{
    if (g_str_equal (text, "rbind")) {
        options->bind = options->recursive = TRUE;
        return TRUE;
    }
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        if (!g_str_equal (rows[i].name, text))
            continue;
        if (rows[i].set != NOTHING)
            G_STRUCT_MEMBER (gboolean, options, rows[i].set) = TRUE;
        if (rows[i].clear != NOTHING)
            G_STRUCT_MEMBER (gboolean, options, rows[i].clear) = FALSE;
        return TRUE;
    }
    return FALSE;
}

void
mount_options_parse (const char *text, MountOptions *ret)
{
    g_auto (GStrv) words = g_strsplit (text ? text : "", ",", -1);
    g_autoptr (GString) rest = g_string_new (NULL);

    *ret = (MountOptions) { 0 };
    for (char **word = words; *word; word++) {
        g_strstrip (*word);
        if (!**word || take_option (ret, *word))
            continue;
        if (g_strv_contains (refused, *word) || g_str_has_prefix (*word, "idmap=")) {
            if (!ret->refused)
                ret->refused = g_strdup (*word);
            continue;
        }
        g_string_append_printf (rest, "%s%s", rest->len ? "," : "", *word);
    }
    if (rest->len > 0)
        ret->rest = g_strdup (rest->str);
}

void
mount_options_clear (MountOptions *options)
{
    g_clear_pointer (&options->rest, g_free);
    g_clear_pointer (&options->refused, g_free);
}

/* \040 for a blank and so on: any backslash with three octal digits. In place. */
static void
unescape (char *text)
{
    char *to = text;

    for (const char *from = text; *from; to++) {
        guint value = 0, n = 0;

        if (*from == '\\')
            for (; n < 3 && from[n + 1] >= '0' && from[n + 1] <= '7'; n++)
                value = value * 8 + (guint) (from[n + 1] - '0');
        if (n == 3 && value > 0 && value < 256) {
            *to = (char) value;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

char **
fstab_split (const char *line, guint least)
{
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
    g_auto (GStrv) words = g_strsplit_set (line, " \t", -1);
    guint n = 0;

    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        unescape (*word);
        g_strv_builder_add (builder, *word);
        n++;
    }
    return n < least ? NULL : g_strv_builder_end (builder);
}

char *
fstab_escape (const char *field)
{
    GString *text = g_string_new (NULL);

    for (; *field; field++) {
        if (strchr (" \t\n\\", *field))
            g_string_append_printf (text, "\\%03o", (guint) (guchar) *field);
        else
            g_string_append_c (text, *field);
    }
    return g_string_free (text, FALSE);
}
