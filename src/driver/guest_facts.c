/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/guest_facts.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <utmp.h>

#include "driver/errand.h"
#include "plan/monitor.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/task.h"
#include "util/text.h"

#define SECTIONS_MAX (2 << 20)
#define INTERFACES_MAX 1024
#define ADDRESSES_MAX 4096
#define USERS_MAX 1024
#define MOUNTS_MAX 1024
#define OS_LINES_MAX 64
#define TEXT_MAX 1024           /* of one value */

/* ---- texts of the guest */

/* What is no printable UTF-8 becomes '?', what is too long is cut. */
static char *
clean (const char *bytes, gsize size)
{
    g_autofree char *part = g_strndup (bytes, MIN (size, TEXT_MAX));
    char *text = g_utf8_make_valid (part, -1);

    for (char *c = text; *c; c++)
        if ((guchar) *c < ' ' || *c == 0x7f)
            *c = '?';
    return text;
}

/* The next line, cut out of @at; NULL at the end. */
static char *
next_line (char **at)
{
    char *line = *at, *end;

    if (!line || !*line)
        return NULL;
    end = strchr (line, '\n');
    if (end)
        *end = '\0';
    *at = end ? end + 1 : NULL;
    return line;
}

/* ---- sections */

static void
hostname_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    if (size > 0)
        facts->hostname = clean (bytes, size);
}

static void
interface_free (gpointer data)
{
    GuestInterface *interface = data;

    g_free (interface->name);
    g_free (interface->mac);
    g_array_unref (interface->addresses);
    g_free (interface);
}

static GuestInterface *
interface_of (GPtrArray *interfaces, const char *name)
{
    GuestInterface *interface;

    for (guint i = 0; i < interfaces->len; i++) {
        interface = interfaces->pdata[i];
        if (strcmp (interface->name, name) == 0)
            return interface;
    }
    if (interfaces->len == INTERFACES_MAX)
        return NULL;
    interface = g_new0 (GuestInterface, 1);
    interface->name = clean (name, strlen (name));
    interface->addresses = g_array_new (FALSE, FALSE, sizeof (GuestAddress));
    g_ptr_array_add (interfaces, interface);
    return interface;
}

static void
addresses_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    g_autofree char *copy = g_strndup (bytes, size);
    char *at = copy, *line;
    guint n = 0;

    facts->interfaces = g_ptr_array_new_with_free_func (interface_free);
    while ((line = next_line (&at)) && n++ < ADDRESSES_MAX) {
        char name[33], kind[5];
        GuestAddress address = { 0 };
        GuestInterface *interface;

        if (sscanf (line, "%32s %4s %45s %u", name, kind, address.text, &address.prefix) != 4)
            continue;
        interface = interface_of (facts->interfaces, name);
        if (!interface)
            continue;
        if (strcmp (kind, "link") == 0) {
            if (strcmp (address.text, "-") != 0 && !interface->mac)
                interface->mac = g_strdup (address.text);
        } else {
            address.ipv6 = strcmp (kind, "ipv6") == 0;
            g_array_append_val (interface->addresses, address);
        }
    }
}

GuestFacts *
guest_facts_new (void)
{
    GuestFacts *facts = g_new0 (GuestFacts, 1);

    facts->interfaces = g_ptr_array_new_with_free_func (interface_free);
    return facts;
}

void
guest_facts_add_address (GuestFacts *facts, const char *name, const char *mac, gboolean ipv6,
                         const char *text, guint prefix)
{
    GuestInterface *interface = interface_of (facts->interfaces, name);
    GuestAddress address = { .ipv6 = ipv6, .prefix = prefix };

    if (!interface)
        return;
    if (!interface->mac)
        interface->mac = g_strdup (mac);
    g_strlcpy (address.text, text, sizeof address.text);
    g_array_append_val (interface->addresses, address);
}

/* Takes the backslashes away that a shell takes away between double quotes, in place. */
static void
shell_unescape (char *at)
{
    char *to = at;

    for (; *at; at++) {
        if (*at == '\\' && at[1] && strchr ("\\\"$`", at[1]))
            at++;
        *to++ = *at;
    }
    *to = '\0';
}

/* KEY=value, KEY="value", KEY='value'; no expansions, which os-release(5) forbids anyway. */
static void
os_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    g_autofree char *copy = g_strndup (bytes, size);
    char *at = copy, *line;
    guint n = 0;

    facts->os = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    while ((line = next_line (&at)) && n++ < OS_LINES_MAX) {
        char *value = strchr (line, '=');
        gsize length;

        if (!value || value == line || strspn (line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != (gsize) (value - line))
            continue;
        *value++ = '\0';
        length = strlen (value);
        if (length >= 2 && (*value == '"' || *value == '\'') && value[length - 1] == *value) {
            value[length - 1] = '\0';
            if (*value++ == '"')
                shell_unescape (value);
            length = strlen (value);
        }
        g_hash_table_replace (facts->os, g_strdup (line), clean (value, length));
    }
}

/* A name of the time zone data base: it may become part of a path. */
static gboolean
zone_is_name (const char *zone)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";

    return *zone && *zone != '/' && strlen (zone) < 64 && !zone[strspn (zone, letters)];
}

static void
timezone_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    g_autofree char *zone = g_strstrip (g_strndup (bytes, MIN (size, TEXT_MAX)));

    if (!facts->timezone && zone_is_name (zone))
        facts->timezone = g_steal_pointer (&zone);
}

/* The target of /etc/localtime is what counts; it comes after /etc/timezone. */
static void
localtime_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    g_autofree char *target = g_strndup (bytes, MIN (size, TEXT_MAX));
    const char *zone = strstr (target, "zoneinfo/");

    if (!zone || !zone_is_name (zone + strlen ("zoneinfo/")))
        return;
    text_replace (&facts->timezone, zone + strlen ("zoneinfo/"));
}

static void
users_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    facts->users = g_array_new (FALSE, FALSE, sizeof (GuestUser));
    for (; size >= sizeof (struct utmp) && facts->users->len < USERS_MAX;
         bytes += sizeof (struct utmp), size -= sizeof (struct utmp)) {
        g_autofree char *name = NULL;
        struct utmp record;
        GuestUser user = { 0 };

        memcpy (&record, bytes, sizeof record);
        if (record.ut_type != USER_PROCESS || record.ut_user[0] == '\0')
            continue;
        name = clean (record.ut_user, strnlen (record.ut_user, sizeof record.ut_user));
        g_strlcpy (user.name, name, sizeof user.name);
        if (!g_utf8_validate (user.name, -1, NULL))
            continue;               /* cut within a character */
        user.login_ms = (guint64) (guint32) record.ut_tv.tv_sec * 1000
                        + (guint32) record.ut_tv.tv_usec / 1000;
        g_array_append_val (facts->users, user);
    }
}

/* ---- mounts */

static void
mount_free (gpointer data)
{
    GuestMount *mount = data;

    if (!mount)
        return;
    g_free (mount->mountpoint);
    g_free (mount->source);
    g_free (mount->fstype);
    g_free (mount);
}

/* Views of the kernel, which hold nobody's files. */
static gboolean
kernels_own (const char *fstype)
{
    static const char *const types[]
        = { "proc",      "sysfs",   "cgroup",     "cgroup2",   "devpts",   "mqueue",      "devtmpfs",
            "securityfs", "debugfs", "tracefs",    "pstore",    "bpf",      "fusectl",     "hugetlbfs",
            "configfs",  "nsfs",    "binfmt_misc", "autofs",    "selinuxfs", "rpc_pipefs", "efivarfs",
            "fuse.lxcfs", "pidfs" };

    for (guint i = 0; i < G_N_ELEMENTS (types); i++)
        if (strcmp (types[i], fstype) == 0)
            return TRUE;
    return FALSE;
}

/* "\040" and its like are a byte each. */
static char *
unescape (const char *word)
{
    g_autofree char *bytes = g_strcompress (word);

    return clean (bytes, strlen (bytes));
}

/* 36 35 98:0 /root /mnt options [tags] - type source options. NULL: not one to show. */
static GuestMount *
mount_parse (const char *line)
{
    g_auto (GStrv) words = g_strsplit (line, " ", 64);
    guint n = g_strv_length (words), dash = 6, major_number, minor_number;
    GuestMount *mount;

    while (dash < n && strcmp (words[dash], "-") != 0)
        dash++;
    if (dash + 2 >= n || sscanf (words[2], "%u:%u", &major_number, &minor_number) != 2
        || kernels_own (words[dash + 1]))
        return NULL;
    if (g_str_has_prefix (words[4], "/proc/") || g_str_has_prefix (words[4], "/sys/"))
        return NULL;                /* masks over them */
    mount = g_new0 (GuestMount, 1);
    mount->mountpoint = unescape (words[4]);
    mount->fstype = clean (words[dash + 1], strlen (words[dash + 1]));
    mount->source = unescape (words[dash + 2]);
    mount->device = makedev (major_number, minor_number);
    return mount;
}

static void
mounts_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    g_autofree char *copy = g_strndup (bytes, size);
    char *at = copy, *line;

    /* those not to be shown are kept as NULL until the sizes have come, line by line */
    facts->mounts = g_ptr_array_new_with_free_func (mount_free);
    while ((line = next_line (&at)) && facts->mounts->len < MOUNTS_MAX)
        g_ptr_array_add (facts->mounts, mount_parse (line));
}

static void
sizes_parse (GuestFacts *facts, const char *bytes, gsize size)
{
    g_autofree char *copy = g_strndup (bytes, size);
    char *at = copy, *line;

    for (guint i = 0; facts->mounts && i < facts->mounts->len && (line = next_line (&at)); i++) {
        GuestMount *mount = facts->mounts->pdata[i];

        if (mount)
            mount->sized = sscanf (line, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &mount->total,
                                   &mount->used) == 2;
    }
}

/* ---- all of it */

GuestFacts *
guest_facts_parse (const char *sections, gsize size)
{
    static const struct {
        const char *name;
        void (*parse) (GuestFacts *facts, const char *bytes, gsize size);
    } known[] = {
        { "hostname", hostname_parse }, { "addresses", addresses_parse }, { "os-release", os_parse },
        { "timezone", timezone_parse }, { "localtime", localtime_parse }, { "utmp", users_parse },
        { "mounts", mounts_parse },     { "sizes", sizes_parse },
    };
    GuestFacts *facts = g_new0 (GuestFacts, 1);
    const char *end = sections + size;

    while (sections < end) {
        const char *newline = memchr (sections, '\n', (gsize) (end - sections));
        gsize length = 0;
        char name[17];

        if (!newline || newline - sections > 40 || sscanf (sections, "%16s %zu", name, &length) != 2
            || length > (gsize) (end - newline - 1))
            break;
        for (guint i = 0; i < G_N_ELEMENTS (known); i++)
            if (strcmp (known[i].name, name) == 0)
                known[i].parse (facts, newline + 1, length);
        sections = newline + 1 + length;
    }
    for (guint i = facts->mounts ? facts->mounts->len : 0; i > 0; i--)
        if (!facts->mounts->pdata[i - 1])
            g_ptr_array_remove_index (facts->mounts, i - 1);
    return facts;
}

void
guest_facts_free (GuestFacts *facts)
{
    if (!facts)
        return;
    g_free (facts->hostname);
    g_free (facts->timezone);
    g_clear_pointer (&facts->interfaces, g_ptr_array_unref);
    g_clear_pointer (&facts->os, g_hash_table_unref);
    g_clear_pointer (&facts->users, g_array_unref);
    g_clear_pointer (&facts->mounts, g_ptr_array_unref);
    g_free (facts);
}

/* ---- asking */

typedef struct {
    ErrandTarget target;
    char *what;
} Question;

typedef struct {
    GuestFactsDone done;
    gpointer data;
} Asker;

static void
question_free (gpointer data)
{
    Question *question = data;

    errand_target_clear (&question->target);
    g_free (question->what);
    g_free (question);
}

/* A helper that was killed may have said something before. */
static gpointer
question_ask (gpointer data, GError **error)
{
    const Question *question = data;
    char number[16];
    const char *words[] = { "facts", number, question->what, NULL };
    autofd int file = memfd_create ("skep-facts", MFD_CLOEXEC);
    g_autofree char *sections = NULL;
    MonitorPacket answer;
    ssize_t n;

    if (file < 0) {
        error_set_errno (error, errno, "cannot make a file in memory");
        return NULL;
    }
    g_snprintf (number, sizeof number, "%d", ERRAND_FD_FIRST);
    if (!errand_run (&question->target, words, &file, 1, ERRAND_DEADLINE_MS, &answer, error))
        return NULL;
    sections = g_malloc0 (SECTIONS_MAX + 1);
    n = lseek (file, 0, SEEK_SET) < 0 ? -1 : fd_read_all (file, sections, SECTIONS_MAX);
    if (n < 0) {
        error_set_errno (error, errno, "cannot read what skep-helper found");
        return NULL;
    }
    return guest_facts_parse (sections, (gsize) n);
}

static void
question_answered (gpointer result, GError *error, gpointer data)
{
    g_autoptr (GuestFacts) facts = result;
    g_autofree Asker *asker = data;

    asker->done (facts, error, asker->data);
}

gboolean
guest_facts_ask (const Domain *domain, const char *what, GuestFactsDone done, gpointer data,
                 GError **error)
{
    Question *question = g_new0 (Question, 1);
    Asker *asker;

    if (!errand_target (domain, &question->target, error)) {
        question_free (question);
        return FALSE;
    }
    question->what = g_strdup (what);
    asker = g_new (Asker, 1);
    *asker = (Asker){ done, data };
    task_run_waiting (domain->def->name, question_ask, question, question_free, question_answered, asker);
    return TRUE;
}
