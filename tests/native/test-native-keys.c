/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every key that LXC's parsers have had, one a row: a line with it is converted, is what Skep does in any case, or
 * is told with its number and a reason. And what can be said on both sides is the same after a way there and back,
 * for drawn configurations and for drawn domains.
 */
#include <string.h>

#include "conf/native.h"
#include "util/error.h"

static const DomainDefaults defaults = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };
static const NativeHost host = { .memory = 8388608 };

#define TOLD NULL           /* not converted: told */
#define AS_ALWAYS ""        /* says what every container of Skep is */
#define KEPT_TOLD "!"       /* before what is in the XML, but without effect, which is told */

typedef struct {
    const char *key, *value;
    const char *shown;      /* in the XML; or the above */
    const char *old;        /* a key that means the same with the same value, lxc.network.* aside; NULL */
} KeyRow;

static const KeyRow rows[] = {
    { "lxc.arch", "i686", "<type arch='i686'>", NULL },
    { "lxc.arch", "m68k", TOLD, NULL },
    { "lxc.uts.name", "other-name", "<name>other-name</name>", "lxc.utsname" },
    { "lxc.signal.halt", "SIGRTMIN+3", "<skep:signals halt='SIGRTMIN+3'/>", "lxc.haltsignal" },
    { "lxc.signal.reboot", "SIGHUP", "<skep:signals reboot='SIGHUP'/>", "lxc.rebootsignal" },
    { "lxc.signal.stop", "SIGKILL", AS_ALWAYS, "lxc.stopsignal" },
    { "lxc.signal.stop", "SIGTERM", TOLD, "lxc.stopsignal" },
    { "lxc.execute.cmd", "/bin/app 'a b'", "<initarg>a b</initarg>", NULL },
    { "lxc.init.cmd", "/bin/app -x", "<initarg>-x</initarg>", "lxc.init_cmd" },
    { "lxc.init.cwd", "/srv", "<initdir>/srv</initdir>", NULL },
    { "lxc.init.uid", "1000", "<inituser>1000</inituser>", "lxc.init_uid" },
    { "lxc.init.gid", "1001", "<initgroup>1001</initgroup>", "lxc.init_gid" },
    { "lxc.init.groups", "4,5", TOLD, NULL },
    { "lxc.sched.core", "0", AS_ALWAYS, NULL },
    { "lxc.sched.core", "1", TOLD, NULL },
    { "lxc.proc.oom_score_adj", "-7", "<skep:oom adjust='-7'/>", NULL },
    { "lxc.proc.timerslack_ns", "1", TOLD, NULL },
    { "lxc.ephemeral", "0", AS_ALWAYS, NULL },
    { "lxc.ephemeral", "1", TOLD, NULL },
    { "lxc.pty.max", "1024", AS_ALWAYS, "lxc.pts" },
    { "lxc.pty.max", "9999", TOLD, "lxc.pts" },
    { "lxc.console.buffer.size", "1MB", TOLD, NULL },
    { "lxc.console.size", "1MB", TOLD, NULL },
    { "lxc.console.buffer.logfile", "/var/log/ring", TOLD, NULL },
    { "lxc.console.rotate", "0", AS_ALWAYS, NULL },
    { "lxc.console.rotate", "1", TOLD, NULL },
    { "lxc.console.logfile", "/var/log/c.log", "<log file='/var/log/c.log'/>", NULL },
    { "lxc.console.path", "none", TOLD, "lxc.console" },
    { "lxc.tty.max", "3", "port='2'/>", "lxc.tty" },
    { "lxc.tty.dir", "lxc", AS_ALWAYS, "lxc.devttydir" },
    { "lxc.autodev", "1", AS_ALWAYS, NULL },
    { "lxc.autodev", "0", TOLD, NULL },
    { "lxc.autodev.tmpfs.size", "1000000", TOLD, NULL },
    { "lxc.kmsg", "0", AS_ALWAYS, NULL },
    { "lxc.kmsg", "1", TOLD, NULL },
    { "lxc.mount.entry", "/srv/a mnt/a none bind 0 0", "<target dir='/mnt/a'/>", NULL },
    { "lxc.mount.entry", "/srv/a mnt/a none bind,nosuid 0 0", "target='/mnt/a' options='bind,nosuid'/>", NULL },
    { "lxc.mount.auto", "proc:mixed sys:ro cgroup:mixed", AS_ALWAYS, NULL },
    { "lxc.mount.auto", "sys:rw", TOLD, NULL },
    { "lxc.mount.auto", "shmounts:/srv:/mnt", TOLD, NULL },
    { "lxc.rootfs.path", "/dev/vg/root", "<source dev='/dev/vg/root'/>", "lxc.rootfs" },
    { "lxc.rootfs.backend", "btrfs", AS_ALWAYS, NULL },
    { "lxc.rootfs.mount", "/mnt/root", AS_ALWAYS, NULL },
    { "lxc.rootfs.managed", "0", AS_ALWAYS, NULL },
    { "lxc.rootfs.options", "ro", "<readonly/>", NULL },
    { "lxc.rootfs.options", "noatime", TOLD, NULL },
    { "lxc.pivotdir", "old", AS_ALWAYS, NULL },
    { "lxc.cgroup.memory.limit_in_bytes", "512M", "<hard_limit unit='KiB'>524288</hard_limit>",
      "lxc.cgroup2.memory.max" },
    { "lxc.cgroup.memory.soft_limit_in_bytes", "256M", "<soft_limit unit='KiB'>262144</soft_limit>",
      "lxc.cgroup2.memory.high" },
    { "lxc.cgroup.memory.swappiness", "0", TOLD, NULL },
    { "lxc.cgroup2.memory.low", "1M", TOLD, NULL },
    { "lxc.cgroup.cpu.shares", "512", "<shares>512</shares>", NULL },
    { "lxc.cgroup2.cpu.weight", "100", "<shares>2598</shares>", NULL },
    { "lxc.cgroup2.cpu.max", "50000 100000", "<quota>50000</quota>", NULL },
    { "lxc.cgroup.cpuset.cpus", "0-1,3", "cpuset='0-1,3'", "lxc.cgroup2.cpuset.cpus" },
    { "lxc.cgroup.cpuset.mems", "0", "<memory mode='strict' nodeset='0'/>", "lxc.cgroup2.cpuset.mems" },
    { "lxc.cgroup.blkio.weight", "200", "<weight>200</weight>", "lxc.cgroup2.io.weight" },
    { "lxc.cgroup2.io.max", "8:0 rbps=1048576", "<read_bytes_sec>1048576</read_bytes_sec>", NULL },
    { "lxc.cgroup.pids.max", "99", "<skep:tasks max='99'/>", "lxc.cgroup2.pids.max" },
    { "lxc.cgroup.devices.allow", "c 10:200 rw", "<skep:allow type='c' major='10' minor='200' access='rw'/>",
      "lxc.cgroup2.devices.allow" },
    { "lxc.cgroup.devices.allow", "c 1:3 rwm", AS_ALWAYS, "lxc.cgroup2.devices.allow" },
    { "lxc.cgroup.devices.deny", "a", AS_ALWAYS, "lxc.cgroup2.devices.deny" },
    { "lxc.cgroup.devices.deny", "c 1:3 rwm", TOLD, "lxc.cgroup2.devices.deny" },
    { "lxc.cgroup.dir", "lxc/x", TOLD, NULL },
    { "lxc.cgroup.dir.container", "c", TOLD, NULL },
    { "lxc.cgroup.dir.container.inner", "i", TOLD, NULL },
    { "lxc.cgroup.dir.monitor", "m", TOLD, NULL },
    { "lxc.cgroup.dir.monitor.pivot", "p", TOLD, NULL },
    { "lxc.cgroup.relative", "1", TOLD, NULL },
    { "lxc.cap.drop", "sys_time", "<sys_time state='off'/>", NULL },
    { "lxc.cap.keep", "net_admin", "<net_admin state='on'/>", NULL },
    { "lxc.namespace.clone", "mnt pid ipc uts cgroup", "<features>", NULL },
    { "lxc.namespace.keep", "net", "<features>", NULL },
    { "lxc.namespace.keep", "ipc", TOLD, NULL },
    { "lxc.namespace.share.ipc", "1", "<lxc:shareipc type='pid' value='1'/>", "lxc.namespace.ipc" },
    { "lxc.namespace.share.uts", "other", "<lxc:shareuts type='name' value='other'/>", "lxc.namespace.uts" },
    { "lxc.namespace.share.pid", "other", TOLD, NULL },
    { "lxc.time.offset.boot", "0s", AS_ALWAYS, NULL },
    { "lxc.time.offset.boot", "1h", TOLD, NULL },
    { "lxc.time.offset.monotonic", "1h", TOLD, NULL },
    { "lxc.prlimit.nofile", "10:20", "<skep:rlimit name='nofile' soft='10' hard='20'/>", "lxc.limit.nofile" },
    { "lxc.prlimit.nonsense", "1", TOLD, NULL },
    { "lxc.sysctl.kernel.msgmax", "4096", "<skep:sysctl name='kernel.msgmax' value='4096'/>", NULL },
    { "lxc.sysctl.net.ipv4.ip_forward", "1", "<skep:sysctl name='net.ipv4.ip_forward' value='1'/>", NULL },
    { "lxc.sysctl.vm.swappiness", "1", TOLD, NULL },
    { "lxc.apparmor.profile", "unconfined", "<seclabel type='none' model='none'/>", "lxc.aa_profile" },
    { "lxc.apparmor.profile", "generated", AS_ALWAYS, "lxc.aa_profile" },
    { "lxc.apparmor.profile", "lxc-container-default-with-mounting", TOLD, "lxc.aa_profile" },
    { "lxc.apparmor.allow_incomplete", "0", AS_ALWAYS, "lxc.aa_allow_incomplete" },
    { "lxc.apparmor.allow_incomplete", "1", TOLD, "lxc.aa_allow_incomplete" },
    { "lxc.apparmor.allow_nesting", "1", TOLD, NULL },
    { "lxc.apparmor.raw", "mount,", TOLD, NULL },
    { "lxc.selinux.context", "u:r:t:s0", "<label>u:r:t:s0</label>", "lxc.se_context" },
    { "lxc.selinux.context.keyring", "u:r:t:s0", TOLD, NULL },
    { "lxc.keyring.session", "0", AS_ALWAYS, NULL },
    { "lxc.keyring.session", "1", TOLD, NULL },
    { "lxc.seccomp.profile", "/etc/p", "<skep:seccomp profile='file' file='/etc/p'/>", "lxc.seccomp" },
    { "lxc.seccomp.profile", "/usr/share/lxc/config/common.seccomp", AS_ALWAYS, "lxc.seccomp" },
    { "lxc.seccomp.allow_nesting", "1", TOLD, NULL },
    { "lxc.seccomp.notify.cookie", "x", TOLD, NULL },
    { "lxc.seccomp.notify.proxy", "unix:/x", TOLD, NULL },
    { "lxc.no_new_privs", "1", "<skep:nonewprivs/>", NULL },
    { "lxc.idmap", "u 0 100000 1000\nlxc.idmap = g 0 100000 1000",
      "<uid start='0' target='100000' count='1000'/>", "lxc.id_map" },
    { "lxc.hook.pre-start", "/bin/h a", "<skep:hook on='pre-start'>/bin/h a</skep:hook>", NULL },
    { "lxc.hook.start-host", "/bin/h", "<skep:hook on='start-host'>/bin/h</skep:hook>", NULL },
    { "lxc.hook.post-stop", "/bin/h", "<skep:hook on='post-stop'>/bin/h</skep:hook>", NULL },
    { "lxc.hook.pre-mount", "/bin/h", TOLD, NULL },
    { "lxc.hook.mount", "/bin/h", TOLD, NULL },
    { "lxc.hook.autodev", "/bin/h", TOLD, NULL },
    { "lxc.hook.start", "/bin/h", TOLD, NULL },
    { "lxc.hook.stop", "/bin/h", TOLD, NULL },
    { "lxc.hook.clone", "/bin/h", TOLD, NULL },
    { "lxc.hook.destroy", "/bin/h", TOLD, NULL },
    { "lxc.hook.version", "0", AS_ALWAYS, NULL },
    { "lxc.hook.version", "1", TOLD, NULL },
    { "lxc.log.level", "1", TOLD, "lxc.loglevel" },
    { "lxc.log.file", "/x", TOLD, "lxc.logfile" },
    { "lxc.log.syslog", "daemon", TOLD, "lxc.syslog" },
    { "lxc.start.auto", "0", AS_ALWAYS, NULL },
    { "lxc.start.auto", "1", TOLD, NULL },
    { "lxc.start.delay", "5", "<skep:autostart delay='5'/>", NULL },
    { "lxc.start.order", "7", "<skep:autostart order='7'/>", NULL },
    { "lxc.group", "a b", "<skep:group>b</skep:group>", NULL },
    { "lxc.monitor.unshare", "0", AS_ALWAYS, NULL },
    { "lxc.monitor.unshare", "1", TOLD, NULL },
    { "lxc.monitor.signal.pdeath", "SIGKILL", TOLD, NULL },
    { "lxc.environment", "A=b", "<initenv name='A'>b</initenv>", "lxc.environment.runtime" },
    { "lxc.environment", "EMPTY=", "<skep:variable name='EMPTY' value=''/>", "lxc.environment.runtime" },
    { "lxc.environment", "TERM", TOLD, NULL },
    { "lxc.environment.hooks", "A=b", TOLD, NULL },
    /* of the second device of the configuration, lxc.net.1 */
    { "net.link", "br9", "<source bridge='br9'/>", NULL },
    { "net.flags", "up", "<link state='up'/>", NULL },
    { "net.hwaddr", "52:54:00:11:22:33", "<mac address='52:54:00:11:22:33'/>", NULL },
    { "net.mtu", "1400", "<mtu size='1400'/>", NULL },
    { "net.name", "lan0", "<guest dev='lan0'/>", NULL },
    { "net.ipv4.address", "10.0.0.5/24", "<ip address='10.0.0.5' family='ipv4' prefix='24'/>", "ipv4" },
    { "net.ipv4.gateway", "10.0.0.1", "gateway='10.0.0.1'/>", NULL },
    { "net.ipv4.gateway", "auto", TOLD, NULL },
    { "net.ipv6.address", "fd00::5/64", "<ip address='fd00::5' family='ipv6' prefix='64'/>", "ipv6" },
    { "net.ipv6.gateway", "fd00::1", "gateway='fd00::1'/>", NULL },
    { "net.ipv6.gateway", "dev", TOLD, NULL },
    { "net.veth.pair", "host0", "<target dev='host0'/>", NULL },
    { "net.veth.mode", "bridge", AS_ALWAYS, NULL },
    { "net.veth.mode", "router", TOLD, NULL },
    { "net.veth.vlan.id", "20", KEPT_TOLD "<tag id='20'/>", NULL },
    { "net.veth.vlan.id", "none", TOLD, NULL },
    { "net.veth.vlan.tagged.id", "21", KEPT_TOLD "<vlan trunk='yes'>", NULL },
    { "net.veth.ipv4.route", "10.9.0.0/24", TOLD, NULL },
    { "net.veth.ipv6.route", "fd09::/64", TOLD, NULL },
    { "net.veth.n_rxqueues", "2", TOLD, NULL },
    { "net.veth.n_txqueues", "2", TOLD, NULL },
    { "net.script.up", "/bin/up", TOLD, NULL },
    { "net.script.down", "/bin/down", TOLD, NULL },
    { "net.l2proxy", "0", AS_ALWAYS, NULL },
    { "net.l2proxy", "1", TOLD, NULL },
    { "net.macvlan.mode", "bridge", TOLD, NULL },           /* of a veth */
    { "net.type", "macvlan", "<source dev='br1' mode='private'/>", NULL },
};

#define LINES_BEFORE 6
static const char before[] = "lxc.uts.name = x\nlxc.rootfs.path = /srv/x\nlxc.net.0.type = empty\n"
                             "lxc.net.1.type = veth\nlxc.net.1.link = br1\nlxc.net.1.hwaddr = 52:54:00:00:00:01\n";
static const char before_old[] = "lxc.utsname = x\nlxc.rootfs = /srv/x\nlxc.network.type = empty\n"
                                 "lxc.network.type = veth\nlxc.network.link = br1\n"
                                 "lxc.network.hwaddr = 52:54:00:00:00:01\n";

/* Without what is another each time: uuid. */
static char *
format (const DomainDef *def)
{
    g_autofree char *xml = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);
    g_autoptr (GRegex) uuid = g_regex_new ("<uuid>[^<]*</uuid>", 0, 0, NULL);

    return g_regex_replace_literal (uuid, xml, -1, 0, "<uuid/>", 0, NULL);
}

static char *
read_config (const char *text, const NativeHost *of, GPtrArray **notes)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = native_read (text, strlen (text), of, &defaults, notes, &error);

    if (error)
        g_test_message ("%s", text);
    g_assert_no_error (error);
    return format (def);
}

/* ---- one line */

static char *
full_key (const char *key, gboolean old)
{
    return g_str_has_prefix (key, "net.") ? g_strconcat (old ? "lxc.network." : "lxc.net.1.", key + 4, NULL)
                                          : g_strdup (key);
}

static void
check_line (const char *head, const char *key, const KeyRow *row)
{
    g_autofree char *text = g_strdup_printf ("%s%s = %s\n", head, key, row->value);
    g_autoptr (GPtrArray) none = NULL, notes = NULL;
    g_autofree char *without = read_config (head, &host, &none), *with = read_config (text, &host, &notes);
    gboolean told = row->shown == TOLD || *row->shown == *KEPT_TOLD;
    const char *shown = told && row->shown ? row->shown + 1 : row->shown;

    g_test_message ("%s = %s: %s", key, row->value,
                    notes->len ? ((const NativeNote *) notes->pdata[0])->reason : "no note");
    g_assert_cmpuint (none->len, ==, 0);
    g_assert_cmpuint (notes->len, ==, told ? 1 : 0);
    if (!shown || !*shown) {
        g_assert_cmpstr (with, ==, without);
    } else {
        g_assert_null (strstr (without, shown));
        g_assert_nonnull (strstr (with, shown));
    }
    if (told) {
        const NativeNote *note = notes->pdata[0];

        g_assert_cmpuint (note->line, ==, LINES_BEFORE + 1);
        g_assert_cmpstr (note->key, ==, key);
        g_assert_nonnull (note->reason);
        g_assert_cmpuint (strlen (note->reason), >, 10);
    }
}

static gboolean
is_features (const KeyRow *row)
{
    return row->shown && g_str_equal (row->shown, "<features>");
}

static void
test_every_key (void)
{
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        const KeyRow *row = &rows[i];
        gboolean net = g_str_has_prefix (row->key, "net.");
        g_autofree char *key = full_key (row->key, FALSE), *old_key = full_key (row->key, TRUE);

        if (is_features (row))
            continue;
        check_line (before, key, row);
        if (row->old && !net)
            check_line (before_old, row->old, row);
        if (net && !g_str_equal (row->key, "net.type")) {
            g_autofree char *name = row->old ? g_strconcat ("lxc.network.", row->old, NULL) : g_strdup (old_key);

            check_line (before_old, name, row);
        }
    }
}

/* Whose network it is shows without a device only. */
static void
test_network_of_the_host (void)
{
    static const char bare[] = "lxc.uts.name = x\nlxc.rootfs.path = /srv/x\n";

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (GPtrArray) notes = NULL, none = NULL;
        g_autofree char *with = NULL, *own = NULL, *text = NULL;

        if (!is_features (&rows[i]))
            continue;
        text = g_strdup_printf ("%s%s = %s\n", bare, rows[i].key, rows[i].value);
        own = read_config (bare, &host, &none);
        with = read_config (text, &host, &notes);
        g_assert_nonnull (strstr (own, "<privnet/>"));
        g_assert_null (strstr (with, "<privnet/>"));
        g_assert_cmpuint (notes->len, ==, 0);
    }
}

/* ---- there and back */

static void
expect_nothing (const GPtrArray *notes, const char *text)
{
    for (guint i = 0; i < notes->len; i++)
        g_test_message ("%s: %s\n%s", ((const NativeNote *) notes->pdata[i])->key,
                        ((const NativeNote *) notes->pdata[i])->reason, text);
    g_assert_cmpuint (notes->len, ==, 0);
}

/* LXC has one word for the memory and its limit. */
static char *
without_limit (const char *xml)
{
    g_autoptr (GRegex) limit = g_regex_new ("(<memory unit='KiB'>(\\d+)</memory>.*?)    <hard_limit unit='KiB'>\\2"
                                            "</hard_limit>\n", G_REGEX_DOTALL, 0, NULL);
    g_autoptr (GRegex) empty = g_regex_new ("  <memtune>\\s*</memtune>\n", 0, 0, NULL);
    g_autofree char *half = g_regex_replace (limit, xml, -1, 0, "\\1", 0, NULL);

    return g_regex_replace_literal (empty, half, -1, 0, "", 0, NULL);
}

static void
expect_same (const char *one, const char *two, const char *text)
{
    g_autofree char *a = without_limit (one), *b = without_limit (two);
    g_auto (GStrv) lines = g_strsplit (a, "\n", -1), others = g_strsplit (b, "\n", -1);
    guint i = 0;

    while (lines[i] && g_strcmp0 (lines[i], others[i]) == 0)
        i++;
    if (lines[i] || others[i])
        g_test_message ("%s", text);
    g_assert_cmpstr (others[i], ==, lines[i]);
}

/* Says what others of the table say, too, or need. */
static gboolean
is_of_others (const char *key)
{
    return g_str_has_prefix (key, "lxc.namespace") || g_str_has_prefix (key, "lxc.execute")
           || g_str_equal (key, "net.type") || strstr (key, "selinux") || strstr (key, "sysctl.kernel");
}

/* Some of the rows that are converted, in any order; what lies in the way of another is left out. */
static char *
draw_config (GRand *rand)
{
    GString *text = g_string_new (before);
    g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
        gboolean out = !rows[i].shown || !*rows[i].shown || *rows[i].shown == *KEPT_TOLD || is_of_others (rows[i].key);
        g_autofree char *key = full_key (rows[i].key, FALSE);

        if (out || g_rand_int_range (rand, 0, 3) > 0)
            continue;
        g_ptr_array_insert (lines, g_rand_int_range (rand, 0, (gint) lines->len + 1),
                            g_strdup_printf ("%s = %s\n", key, rows[i].value));
    }
    for (guint i = 0; i < lines->len; i++)
        g_string_append (text, lines->pdata[i]);
    return g_string_free (text, FALSE);
}

static void
test_configurations_there_and_back (void)
{
    g_autoptr (GRand) rand = g_rand_new_with_seed (20261122);

    for (guint i = 0; i < 400; i++) {
        g_autofree char *text = draw_config (rand), *written = NULL, *first = NULL, *second = NULL;
        g_autoptr (GPtrArray) notes = NULL, left = NULL, lost = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (DomainDef) def = native_read (text, strlen (text), &host, &defaults, &notes, &error);

        if (error)
            g_test_message ("%s", text);
        g_assert_no_error (error);
        expect_nothing (notes, text);
        first = format (def);
        written = native_write (def, NULL, &left);
        second = read_config (written, &host, &lost);
        expect_nothing (left, text);
        expect_nothing (lost, written);
        expect_same (first, second, written);
    }
}

typedef enum { IN_OS, IN_TOP, IN_FEATURES, IN_DEVICES, IN_SKEP } Place;

/* What both sides can say, as the format has it. */
static const struct {
    Place place;
    const char *xml;
} pieces[] = {
    { IN_TOP, "<vcpu placement='static' cpuset='1-2'>1</vcpu>" },
    { IN_TOP, "<cputune><shares>700</shares><period>50000</period><quota>20000</quota></cputune>" },
    { IN_TOP, "<numatune><memory mode='strict' nodeset='0'/></numatune>" },
    { IN_TOP, "<blkiotune><weight>300</weight><device><path>/dev/block/8:16</path><write_iops_sec>50</write_iops_sec>"
              "</device></blkiotune>" },
    { IN_TOP, "<idmap><uid start='0' target='200000' count='5'/><uid start='7' target='7' count='1'/>"
              "<gid start='0' target='200000' count='9'/></idmap>" },
    { IN_OS, "<initarg>--a=\"b'</initarg><initarg>\\</initarg>" },
    { IN_OS, "<initdir>/srv/a b</initdir>" },
    { IN_OS, "<inituser>0</inituser><initgroup>12</initgroup>" },
    { IN_OS, "<initenv name='A'> b=&quot;c&quot; </initenv>" },
    { IN_FEATURES, "<capabilities policy='deny'><net_admin state='on'/><mknod state='on'/></capabilities>" },
    { IN_DEVICES, "<filesystem type='mount'><source dir='/a b'/><target dir='/c d'/><readonly/></filesystem>" },
    { IN_DEVICES, "<filesystem type='ram'><source usage='2048' units='KiB'/><target dir='/tmp'/></filesystem>" },
    { IN_DEVICES, "<filesystem type='bind'><source dir='/in'/><target dir='/out'/></filesystem>" },
    { IN_DEVICES, "<interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='b0'/>"
                  "<ip address='10.0.0.1' family='ipv4' prefix='31'/><ip address='fd00::1' family='ipv6' prefix='127'/>"
                  "<route family='ipv4' address='0.0.0.0' gateway='10.0.0.0'/><target dev='h0'/><guest dev='g0'/>"
                  "<link state='up'/><mtu size='9000'/></interface>" },
    { IN_DEVICES, "<interface type='ethernet'><mac address='52:54:00:00:00:02'/><link state='down'/></interface>" },
    { IN_DEVICES, "<interface type='direct'><mac address='52:54:00:00:00:03'/><source dev='e0' mode='passthrough'/>"
                  "<link state='up'/></interface>" },
    { IN_DEVICES, "<hostdev mode='capabilities' type='net'><source><interface>e1</interface></source>"
                  "<ip address='10.1.0.1' family='ipv4' prefix='24'/></hostdev>" },
    { IN_SKEP, "<skep:signals halt='SIGUSR1' reboot='SIGRTMIN+5'/>" },
    { IN_SKEP, "<skep:autostart order='3' delay='4'><skep:group>g</skep:group></skep:autostart>" },
    { IN_SKEP, "<skep:environment><skep:variable name='E' value=''/></skep:environment>" },
    { IN_SKEP, "<skep:rlimits><skep:rlimit name='core' soft='0' hard='unlimited'/></skep:rlimits>" },
    { IN_SKEP, "<skep:tasks max='77'/>" },
    { IN_SKEP, "<skep:oom adjust='500'/>" },
    { IN_SKEP, "<skep:sysctls><skep:sysctl name='net.ipv4.ping_group_range' value=' 1 2 '/></skep:sysctls>" },
    { IN_SKEP, "<skep:seccomp profile='file' file='/p q'/>" },
    { IN_SKEP, "<skep:nonewprivs/>" },
    { IN_SKEP, "<skep:devices><skep:allow type='b' major='7' minor='*' access='rw'/></skep:devices>" },
    { IN_SKEP, "<skep:mounts><skep:mount type='tmpfs' source='x y' target='/t \\' options='size=50%'/></skep:mounts>" },
    { IN_SKEP, "<skep:hooks><skep:hook on='post-stop'>sh -c 'a; b'</skep:hook></skep:hooks>" },
};

static char *
draw_domain (GRand *rand)
{
    char *parts[IN_SKEP + 1] = { NULL }, *xml;
    gboolean net, caps;

    for (guint place = 0; place <= IN_SKEP; place++) {
        GString *part = g_string_new (NULL);

        for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
            if (pieces[i].place == place && g_rand_boolean (rand))
                g_string_append (part, pieces[i].xml);
        parts[place] = g_string_free (part, FALSE);
    }
    net = strstr (parts[IN_DEVICES], "<interface") || strstr (parts[IN_DEVICES], "<hostdev");
    caps = *parts[IN_FEATURES] != '\0';
    xml = g_strdup_printf (
        "<domain type='lxc' xmlns:skep='urn:skep:domain:1'><name>x</name><memory>65536</memory>%s<os>"
        "<type arch='x86_64'>exe</type><init>/bin/i</init>%s</os><features>%s%s%s</features><devices>"
        "<filesystem type='mount'><source dir='/r'/><target dir='/'/></filesystem>%s<console type='pty'/></devices>"
        "<skep:container>%s</skep:container></domain>",
        parts[IN_TOP], parts[IN_OS], net ? "" : "<privnet/>", parts[IN_FEATURES],
        caps ? "" : "<capabilities policy='allow'/>", parts[IN_DEVICES], parts[IN_SKEP]);
    for (guint place = 0; place <= IN_SKEP; place++)
        g_free (parts[place]);
    return xml;
}

static void
test_domains_there_and_back (void)
{
    g_autoptr (GRand) rand = g_rand_new_with_seed (4711);

    for (guint i = 0; i < 400; i++) {
        g_autofree char *xml = draw_domain (rand), *written = NULL, *first = NULL, *second = NULL;
        g_autoptr (GPtrArray) left = NULL, lost = NULL;
        g_autoptr (GError) error = NULL;
        g_autoptr (DomainDef) def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);

        if (error)
            g_test_message ("%s", xml);
        g_assert_no_error (error);
        written = native_write (def, NULL, &left);
        expect_nothing (left, written);
        second = read_config (written, &host, &lost);
        expect_nothing (lost, written);
        first = format (def);
        expect_same (first, second, written);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/native-keys/every-key", test_every_key);
    g_test_add_func ("/native-keys/network-of-the-host", test_network_of_the_host);
    g_test_add_func ("/native-keys/configurations-there-and-back", test_configurations_there_and_back);
    g_test_add_func ("/native-keys/domains-there-and-back", test_domains_there_and_back);
    return g_test_run ();
}
