/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Native LXC configurations.
 *
 * in/NAME.conf is read as out/NAME.xml, with the notes of out/NAME.notes; written again it is
 * out/NAME.lxc, and that reads as the same XML. err/NAME.conf is refused as err/NAME.txt says. Files
 * that are included lie in include/. SKEP_TEST_REGENERATE=1 writes the results instead: look at the
 * difference before you commit it. Compared with libvirt's converter: tests/differential/native.py.
 */
#include <string.h>

#include "conf/domain_passive.h"
#include "conf/native.h"
#include "conf/schema.h"
#include "util/error.h"

static const DomainDefaults defaults = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };

static char *
file_of (const char *kind, const char *name, const char *suffix)
{
    return g_strconcat (SKEP_TEST_CORPUS "/", kind, "/", name, suffix, NULL);
}

static void
expect (const char *kind, const char *name, const char *suffix, const char *result)
{
    g_autofree char *path = file_of (kind, name, suffix), *expected = NULL;

    if (g_getenv ("SKEP_TEST_REGENERATE"))
        g_assert_true (g_file_set_contents (path, result, -1, NULL));
    g_assert_true (g_file_get_contents (path, &expected, NULL, NULL));
    g_assert_cmpstr (result, ==, expected);
}

/* /usr/share/lxc/config/NAME and /var/lib/lxc/X/NAME are include/NAME; nothing else may be read. */
static GPtrArray *
read_included (gpointer data, const char *path, GError **error)
{
    g_autofree char *name = g_path_get_basename (path), *real = file_of ("include", name, "");
    char *text = NULL;
    GPtrArray *files;

    g_assert_cmpstr (data, ==, "host");
    if ((!g_str_has_prefix (path, "/usr/share/lxc/config/") && !g_str_has_prefix (path, "/var/lib/lxc/"))
        || !g_file_get_contents (real, &text, NULL, NULL)) {
        error_set (error, ERR_OPERATION_DENIED, "'%s' must not be read", path);
        return NULL;
    }
    files = g_ptr_array_new_with_free_func (native_file_free);
    g_ptr_array_add (files, native_file_new (path, text));
    return files;
}

/* An fstab of as many lines as there may be, which are one too many after those of the configuration. */
static GPtrArray *
read_long_fstab (G_GNUC_UNUSED gpointer data, const char *path, G_GNUC_UNUSED GError **error)
{
    GPtrArray *files = g_ptr_array_new_with_free_func (native_file_free);
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < NATIVE_LINES_MAX; i++)
        g_string_append_printf (text, "/a %u none bind 0 0\n", i);
    g_ptr_array_add (files, native_file_new (path, g_string_free (text, FALSE)));
    return files;
}

/* On the host of these tests. */
static gboolean
is_file (gpointer data, const char *path)
{
    g_assert_cmpstr (data, ==, "host");
    return g_str_has_suffix (path, ".conf") || g_str_has_suffix (path, ".img") || g_str_has_suffix (path, "/tun");
}

static const NativeHost host = { .read = read_included, .data = (gpointer) "host", .memory = 8388608,
                                 .is_file = is_file };

static DomainDef *
read_text (const char *text, GPtrArray **notes)
{
    g_autoptr (GError) error = NULL;
    DomainDef *def = native_read (text, strlen (text), &host, &defaults, notes, &error);

    g_assert_no_error (error);
    return def;
}

/* What is drawn by lot is not compared. */
static char *
without_mac (const char *text)
{
    g_autoptr (GRegex) mac = g_regex_new ("52:54:00:[0-9a-f:]*", 0, 0, NULL);

    return g_regex_replace_literal (mac, text, -1, 0, "52:54:00:00:00:00", 0, NULL);
}

static char *
format (const DomainDef *def)
{
    g_autofree char *xml = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);
    g_autoptr (GRegex) uuid = g_regex_new ("<uuid>[^<]*</uuid>", 0, 0, NULL);
    g_autofree char *half = g_regex_replace_literal (uuid, xml, -1, 0, "<uuid/>", 0, NULL);

    return without_mac (half);
}

static char *
notes_text (const GPtrArray *notes)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < notes->len; i++) {
        const NativeNote *note = notes->pdata[i];

        g_string_append_printf (text, "%s%s%u %s: %s\n", note->file ? note->file : "", note->file ? ":" : "",
                                note->line, note->key, note->reason);
    }
    return g_string_free (text, FALSE);
}

static char *
read_input (const char *kind, const char *name)
{
    g_autofree char *path = file_of (kind, name, ".conf");
    char *text = NULL;

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    return text;
}

static void
test_read (gconstpointer name)
{
    g_autofree char *text = read_input ("in", name), *xml = NULL, *told = NULL;
    g_autoptr (GPtrArray) notes = NULL;
    g_autoptr (DomainDef) def = read_text (text, &notes);
    g_autoptr (GError) error = NULL;
    g_autofree char *whole = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);

    xml = format (def);
    told = notes_text (notes);
    expect ("out", name, ".xml", xml);
    expect ("out", name, ".notes", told);
    schema_validate ("domain", whole, strlen (whole), &error);
    g_assert_no_error (error);
}

/* A hard limit that is the domain's memory says nothing more: LXC has one word for both. */
static char *
without_double_limit (const char *xml)
{
    g_autoptr (GRegex) both
        = g_regex_new ("(<memory unit='KiB'>(\\d+)</memory>.*?)  <memtune>\\s*<hard_limit unit='KiB'>\\2"
                       "</hard_limit>\\s*</memtune>\n", G_REGEX_DOTALL, 0, NULL);

    return g_regex_replace (both, xml, -1, 0, "\\1", 0, NULL);
}

static void
test_round_trip (gconstpointer name)
{
    g_autofree char *text = read_input ("in", name), *xml = NULL, *again = NULL, *written = NULL;
    g_autofree char *shown = NULL;
    g_autofree char *first = NULL, *second = NULL;
    g_autoptr (GPtrArray) notes = NULL, left_out = NULL, lost = NULL;
    g_autoptr (DomainDef) def = read_text (text, &notes), back = NULL;

    written = native_write (def, &host, &left_out);
    shown = without_mac (written);
    expect ("out", name, ".lxc", shown);
    back = read_text (written, &lost);
    first = format (def);
    second = format (back);
    xml = without_double_limit (first);
    again = without_double_limit (second);
    g_assert_cmpstr (again, ==, xml);
    for (guint i = 0; i < lost->len; i++) {
        const NativeNote *note = lost->pdata[i];

        g_test_message ("%s: %s", note->key, note->reason);
        /* told, and nothing is lost */
        g_assert_true (g_str_has_prefix (note->reason, "kept as ") || g_str_has_prefix (note->reason, "proc:rw: "));
    }
}

static void
test_refused (gconstpointer name)
{
    g_autofree char *text = read_input ("err", name), *result = NULL;
    g_autoptr (GPtrArray) notes = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_null (native_read (text, strlen (text), &host, &defaults, &notes, &error));
    g_assert_nonnull (error);
    g_assert_null (notes);
    result = g_strdup_printf ("%d\n%s\n", error->code, error->message);
    expect ("err", name, ".txt", result);
}

/* ---- rules */

/* Keys of lxc.container.conf(5) of LXC 5 and those that LXC 1 and 2 had in their place: each is known,
 * whatever becomes of it. */
static const char *const keys[] = {
    "lxc.aa_allow_incomplete", "lxc.aa_profile", "lxc.apparmor.allow_incomplete",
    "lxc.apparmor.allow_nesting", "lxc.apparmor.profile", "lxc.apparmor.raw", "lxc.arch", "lxc.autodev",
    "lxc.autodev.tmpfs.size", "lxc.cap.drop", "lxc.cap.keep", "lxc.cgroup.cpuset.cpus", "lxc.cgroup.dir",
    "lxc.cgroup.dir.container", "lxc.cgroup.dir.container.inner", "lxc.cgroup.dir.monitor",
    "lxc.cgroup.dir.monitor.pivot", "lxc.cgroup.relative", "lxc.cgroup.use", "lxc.cgroup2.memory.high",
    "lxc.console", "lxc.console.buffer.size", "lxc.console.logfile", "lxc.console.path",
    "lxc.console.rotate", "lxc.console.size", "lxc.devttydir", "lxc.environment", "lxc.ephemeral",
    "lxc.execute.cmd", "lxc.group", "lxc.haltsignal", "lxc.hook.autodev", "lxc.hook.clone",
    "lxc.hook.destroy", "lxc.hook.mount", "lxc.hook.post-stop", "lxc.hook.pre-mount", "lxc.hook.pre-start",
    "lxc.hook.start", "lxc.hook.start-host", "lxc.hook.stop", "lxc.hook.version", "lxc.id_map", "lxc.idmap",
    "lxc.include", "lxc.init.cmd", "lxc.init.cwd", "lxc.init.gid", "lxc.init.uid", "lxc.init_cmd",
    "lxc.init_gid", "lxc.init_uid", "lxc.keyring.session", "lxc.kmsg", "lxc.limit.nofile", "lxc.log.file",
    "lxc.log.level", "lxc.log.syslog", "lxc.logfile", "lxc.loglevel", "lxc.monitor.signal.pdeath",
    "lxc.monitor.unshare", "lxc.mount", "lxc.mount.auto", "lxc.mount.entry", "lxc.mount.fstab",
    "lxc.namespace.clone", "lxc.namespace.keep", "lxc.namespace.share.net", "lxc.net", "lxc.net.0.flags",
    "lxc.net.0.hwaddr", "lxc.net.0.ipv4.address", "lxc.net.0.ipv4.gateway", "lxc.net.0.ipv6.address",
    "lxc.net.0.ipv6.gateway", "lxc.net.0.ipvlan.isolation", "lxc.net.0.ipvlan.mode", "lxc.net.0.l2proxy",
    "lxc.net.0.link", "lxc.net.0.macvlan.mode", "lxc.net.0.mtu", "lxc.net.0.name", "lxc.net.0.script.down",
    "lxc.net.0.script.up", "lxc.net.0.type", "lxc.net.0.veth.ipv4.route", "lxc.net.0.veth.ipv6.route",
    "lxc.net.0.veth.mode", "lxc.net.0.veth.pair", "lxc.net.0.veth.vlan.id",
    "lxc.net.0.veth.vlan.tagged.id", "lxc.net.0.vlan.id", "lxc.network", "lxc.network.type",
    "lxc.no_new_privs", "lxc.prlimit.nofile", "lxc.proc.oom_score_adj", "lxc.pts", "lxc.pty.max",
    "lxc.rebootsignal", "lxc.rootfs", "lxc.rootfs.backend", "lxc.rootfs.managed", "lxc.rootfs.mount",
    "lxc.rootfs.options", "lxc.rootfs.path", "lxc.sched.core", "lxc.se_context", "lxc.seccomp",
    "lxc.seccomp.allow_nesting", "lxc.seccomp.notify.cookie", "lxc.seccomp.notify.proxy",
    "lxc.seccomp.profile", "lxc.selinux.context", "lxc.selinux.context.keyring", "lxc.signal.halt",
    "lxc.signal.reboot", "lxc.signal.stop", "lxc.start.auto", "lxc.start.delay", "lxc.start.order",
    "lxc.stopsignal", "lxc.sysctl.net.ipv4.ip_forward", "lxc.syslog", "lxc.time.offset.boot",
    "lxc.time.offset.monotonic", "lxc.tty", "lxc.tty.dir", "lxc.tty.max", "lxc.uts.name", "lxc.utsname",
};

/* An empty value clears, for every key, and never fails. */
static void
test_keys_known (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
        g_autofree char *text = g_strdup_printf ("lxc.uts.name = x\nlxc.rootfs.path = /srv\n%s =\n"
                                                 "lxc.uts.name = x\nlxc.rootfs.path = /srv\n", keys[i]);
        g_autoptr (GPtrArray) notes = NULL;
        g_autoptr (DomainDef) def = read_text (text, &notes);
        g_autofree char *told = notes_text (notes);

        if (*told)
            g_test_message ("%s: %s", keys[i], told);
        g_assert_cmpstr (told, ==, "");
    }
}

/* A value that no key can have: either refused, or noted, or taken as text; never dropped. */
static void
test_nothing_is_dropped (void)
{
    static const char *const taken[] = { "lxc.utsname", "lxc.uts.name", "lxc.rootfs", "lxc.rootfs.path",
        "lxc.rootfs.backend", "lxc.rootfs.mount", "lxc.rootfs.managed", "lxc.tty.dir", "lxc.devttydir",
        "lxc.execute.cmd", "lxc.init.cmd", "lxc.init_cmd",
        "lxc.init.cwd", "lxc.group", "lxc.hook.pre-start", "lxc.hook.start-host", "lxc.hook.post-stop",
        "lxc.apparmor.profile", "lxc.aa_profile", "lxc.selinux.context", "lxc.se_context", "lxc.console.logfile",
        "lxc.namespace.share.net", "lxc.sysctl.net.ipv4.ip_forward", "lxc.cgroup.cpuset.cpus", "lxc.net",
        "lxc.network", NULL };

    for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
        g_autofree char *text = g_strdup_printf ("lxc.uts.name = x\nlxc.rootfs.path = /srv\n%s = some-thing\n",
                                                 keys[i]);
        g_autoptr (GPtrArray) notes = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (DomainDef) def = native_read (text, strlen (text), &host, &defaults, &notes, &error);

        if (g_strv_contains (taken, keys[i]))
            continue;
        if (def && notes->len == 0)
            g_test_message ("%s is dropped", keys[i]);
        g_assert_true (!def || notes->len > 0);
    }
}

/* libvirt's converter: no limit is 64 MiB, no terminals no console; both are said. */
static void
test_as_libvirt (void)
{
    static const char text[] = "lxc.uts.name = x\nlxc.rootfs.path = /srv\n";
    g_autoptr (GPtrArray) notes = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = native_read (text, strlen (text), NULL, &defaults, &notes, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (def->memory, ==, 65536);
    g_assert_cmpuint (def->consoles->len, ==, 0);
    g_assert_cmpuint (notes->len, ==, 2);
}

static void
test_name_given (void)
{
    static const char text[] = "lxc.uts.name = x\nlxc.rootfs.path = /srv\n";
    NativeHost named = host;
    g_autoptr (GPtrArray) notes = NULL;
    g_autoptr (DomainDef) def = NULL;

    named.name = "other";
    def = native_read (text, strlen (text), &named, &defaults, &notes, NULL);
    g_assert_cmpstr (def->name, ==, "other");
    g_assert_cmpstr (def->skep->hostname, ==, "x");
}

static void
test_bounds (void)
{
    static const char fstab[] = "lxc.uts.name = x\nlxc.rootfs.path = /srv\nlxc.mount.fstab = /f\n";
    NativeHost reader = host;
    g_autofree char *much = g_strnfill (NATIVE_TEXT_MAX + 1, '#');
    g_autoptr (GString) lines = g_string_new (NULL);
    g_autoptr (GPtrArray) notes = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_null (native_read (much, strlen (much), &host, &defaults, &notes, &error));
    g_assert_error (error, SKEP_ERROR, ERR_CONF_SYNTAX);
    g_clear_error (&error);
    for (guint i = 0; i <= NATIVE_LINES_MAX; i++)
        g_string_append (lines, "lxc.tty=1\n");
    g_assert_null (native_read (lines->str, lines->len, &host, &defaults, &notes, &error));
    g_assert_error (error, SKEP_ERROR, ERR_CONF_SYNTAX);
    g_clear_error (&error);
    reader.read = read_long_fstab;
    g_assert_null (native_read (fstab, strlen (fstab), &reader, &defaults, &notes, &error));
    g_assert_error (error, SKEP_ERROR, ERR_CONF_SYNTAX);
    g_assert_nonnull (strstr (error->message, "too many lines"));
    g_clear_error (&error);
    g_assert_null (native_read ("a\0b", 3, &host, &defaults, &notes, &error));
    g_assert_error (error, SKEP_ERROR, ERR_CONF_SYNTAX);
}

/* Whatever has no effect has a path and a reason, and nothing is said of a plain container. */
static void
test_without_effect (void)
{
    static const char plain[] = "<domain type='lxc'><name>x</name><memory>65536</memory><os><type>exe</type>"
                                "<init>/sbin/init</init></os><devices><filesystem><source dir='/srv'/>"
                                "<target dir='/'/></filesystem><console type='pty'/></devices></domain>";
    static const char much[] = "<domain type='lxc'><name>x</name><memory>65536</memory><os><type>exe</type>"
                               "<init>/sbin/init</init></os><features><acpi/></features><cpu mode='host-model'/>"
                               "<clock offset='timezone' timezone='CET'/>"
                               "<memtune><min_guarantee>1024</min_guarantee></memtune>"
                               "<devices><filesystem accessmode='mapped'><source dir='/srv'/><target dir='/'/>"
                               "<space_hard_limit unit='KiB'>5</space_hard_limit></filesystem><sound model='ac97'/>"
                               "<interface type='bridge'><source bridge='br0'/><vlan><tag id='7'/></vlan></interface>"
                               "<memballoon model='virtio'/></devices></domain>";
    static const char *const paths[] = { "/domain/features/acpi", "/domain/cpu", "/domain/clock/@offset",
                                         "/domain/memtune/min_guarantee", "/domain/devices/filesystem[1]/@accessmode",
                                         "/domain/devices/filesystem[1]/space_hard_limit", "/domain/devices/sound",
                                         "/domain/devices/interface[1]/vlan", "/domain/devices/memballoon" };
    g_autoptr (DomainDef) none = domain_def_parse (plain, strlen (plain), &defaults, 0, NULL);
    g_autoptr (DomainDef) some = domain_def_parse (much, strlen (much), &defaults, 0, NULL);
    g_autoptr (GPtrArray) nothing = domain_def_without_effect (none), notes = domain_def_without_effect (some);

    g_assert_cmpuint (nothing->len, ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
        gboolean found = FALSE;

        for (guint k = 0; k < notes->len; k++) {
            const NativeNote *note = notes->pdata[k];

            found |= g_str_equal (note->key, paths[i]);
            g_assert_true (note->reason && *note->reason);
        }
        if (!found)
            g_test_message ("%s is not named", paths[i]);
        g_assert_true (found);
    }
    g_assert_cmpuint (notes->len, ==, G_N_ELEMENTS (paths));
}

/* A domain with a label of a model that the host does not have would not start. */
static void
test_label_of_the_host (void)
{
    static const char *const texts[] = { "lxc.apparmor.profile = p\nlxc.selinux.context = c\n",
                                         "lxc.selinux.context = c\nlxc.apparmor.profile = p\n" };
    static const char *const models[] = { "apparmor", "selinux", "none" };

    for (guint i = 0; i < G_N_ELEMENTS (texts) * G_N_ELEMENTS (models); i++) {
        DomainDefaults there = defaults;
        g_autofree char *text = g_strconcat ("lxc.uts.name = x\nlxc.rootfs.path = /srv\n", texts[i % 2], NULL);
        const char *model = there.label_model = models[i / 2], *expected = model;
        g_autoptr (GPtrArray) notes = NULL;
        g_autoptr (DomainDef) def = native_read (text, strlen (text), &host, &there, &notes, NULL);

        if (g_str_equal (model, "none"))
            expected = i % 2 ? "apparmor" : "selinux";  /* the later */
        g_assert_cmpuint (def->seclabels->len, ==, 1);
        g_assert_cmpstr (((SeclabelDef *) def->seclabels->pdata[0])->model, ==, expected);
        g_assert_cmpuint (notes->len, ==, 1);
        g_assert_cmpstr (((NativeNote *) notes->pdata[0])->key, ==,
                         g_str_equal (expected, "selinux") ? "lxc.apparmor.profile" : "lxc.selinux.context");
    }
}

/* A root that LXC has no words for is named, not written as something else. */
static void
test_roots_unsaid (void)
{
    static const char *const roots[] = {
        "<filesystem type='volume'><source pool='p' volume='v'/><target dir='/'/></filesystem>",
        "<filesystem type='ram'><source usage='1024'/><target dir='/'/></filesystem>",
        "<filesystem type='template'><source name='t'/><target dir='/'/></filesystem>",
        "<filesystem type='bind'><source dir='/srv'/><target dir='/'/></filesystem>",
    };

    for (guint i = 0; i < G_N_ELEMENTS (roots); i++) {
        g_autofree char *xml = g_strdup_printf ("<domain type='lxc'><name>x</name><memory>65536</memory><os>"
                                                "<type>exe</type><init>/sbin/init</init></os><devices>%s"
                                                "</devices></domain>", roots[i]);
        g_autoptr (GPtrArray) notes = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (DomainDef) def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);
        g_autofree char *text = NULL;
        guint named = 0;

        g_assert_no_error (error);
        text = native_write (def, NULL, &notes);
        g_assert_null (strstr (text, "lxc.rootfs.path"));
        for (guint k = 0; k < notes->len; k++)
            named += g_str_equal (((NativeNote *) notes->pdata[k])->key, "/domain/devices/filesystem[1]");
        g_assert_cmpuint (named, ==, 1);
    }
}

/* Every definition of the XML corpus can be written, and what was written reads as a definition that
 * writes the same. */
static void
test_corpus_of_domains (void)
{
    g_autoptr (GDir) dir = g_dir_open (SKEP_XML_CORPUS, 0, NULL);
    const char *entry;
    guint count = 0;

    g_assert_nonnull (dir);
    while ((entry = g_dir_read_name (dir))) {
        g_autofree char *path = g_build_filename (SKEP_XML_CORPUS, entry, NULL), *xml = NULL;
        g_autofree char *first = NULL, *second = NULL;
        g_autoptr (GPtrArray) notes = NULL, lost = NULL, more = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (DomainDef) def = NULL, back = NULL;
        NativeHost named = host;

        if (!g_str_has_suffix (entry, ".xml") || !g_file_get_contents (path, &xml, NULL, NULL))
            continue;
        def = domain_def_parse (xml, strlen (xml), &defaults, 0, NULL);
        if (!def)
            continue;
        first = native_write (def, NULL, &notes);
        if (!strstr (first, "lxc.rootfs.path")) {
            /* LXC's containers without a root are no domains */
            g_autofree char *bare = g_steal_pointer (&first);

            first = g_strconcat ("lxc.rootfs.path = /srv/x\n", bare, NULL);
            g_clear_pointer (&notes, g_ptr_array_unref);
            g_clear_pointer (&def, domain_def_free);
            named.name = "corpus";
            def = native_read (first, strlen (first), &named, &defaults, &notes, &error);
            if (error)
                g_test_message ("%s: %s\n%s", entry, error->message, first);
            g_assert_no_error (error);
            g_free (first);
            g_clear_pointer (&notes, g_ptr_array_unref);
            first = native_write (def, NULL, &notes);
        }
        named.name = def->name;
        named.memory = def->memory;
        back = native_read (first, strlen (first), &named, &defaults, &lost, &error);
        if (error)
            g_test_message ("%s: %s\n%s", entry, error->message, first);
        g_assert_no_error (error);
        second = native_write (back, NULL, &more);
        if (strcmp (first, second) != 0)
            g_test_message ("%s", entry);
        g_assert_cmpstr (second, ==, first);
        count++;
    }
    g_assert_cmpuint (count, >, 20);
}

static void
add_tests (const char *kind, const char *what, GTestDataFunc test, guint at_least)
{
    g_autofree char *folder = file_of (kind, "", "");
    g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
    const char *entry;
    guint count = 0;

    g_assert_nonnull (dir);
    while ((entry = g_dir_read_name (dir))) {
        char *name;
        g_autofree char *path = NULL;

        if (!g_str_has_suffix (entry, ".conf"))
            continue;
        name = g_strndup (entry, strlen (entry) - 5);
        path = g_strdup_printf ("/native/%s/%s", what, name);
        g_test_add_data_func_full (path, name, test, g_free);
        count++;
    }
    g_assert_cmpuint (count, >, at_least);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    add_tests ("in", "read", test_read, 6);
    add_tests ("in", "round-trip", test_round_trip, 6);
    add_tests ("err", "refused", test_refused, 25);
    g_test_add_func ("/native/keys-known", test_keys_known);
    g_test_add_func ("/native/nothing-is-dropped", test_nothing_is_dropped);
    g_test_add_func ("/native/as-libvirt", test_as_libvirt);
    g_test_add_func ("/native/name-given", test_name_given);
    g_test_add_func ("/native/bounds", test_bounds);
    g_test_add_func ("/native/without-effect", test_without_effect);
    g_test_add_func ("/native/label-of-the-host", test_label_of_the_host);
    g_test_add_func ("/native/roots-unsaid", test_roots_unsaid);
    g_test_add_func ("/native/corpus-of-domains", test_corpus_of_domains);
    return g_test_run ();
}
