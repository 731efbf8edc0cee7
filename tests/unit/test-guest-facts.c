/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container says of itself is read with care: good, and not good at all. */
#include <glib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <utmp.h>

#include "driver/guest_facts.h"

static void
add (GString *sections, const char *name, const char *bytes, gssize size)
{
    if (size < 0)
        size = (gssize) strlen (bytes);
    g_string_append_printf (sections, "%s %zd\n", name, size);
    g_string_append_len (sections, bytes, size);
}

static GuestFacts *
parse_one (const char *name, const char *bytes, gssize size)
{
    g_autoptr (GString) sections = g_string_new (NULL);

    add (sections, name, bytes, size);
    return guest_facts_parse (sections->str, sections->len);
}

static void
test_os (void)
{
    g_autoptr (GuestFacts) facts = parse_one (
        "os-release", "ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION='12 (bookworm)'\n#x\nlower=1\n=2\nA\nEMPTY=\n"
                      "ESC=\x1b[31mred\nBAD=\xff\xfe\nSHELL=\"a \\\"b\\\" \\$c \\`d\\` \\\\ \\e\"\nRAW='\\$'\nONE=\"\n",
        -1);

    g_assert_cmpstr (g_hash_table_lookup (facts->os, "ID"), ==, "debian");
    g_assert_cmpstr (g_hash_table_lookup (facts->os, "NAME"), ==, "Debian GNU/Linux");
    g_assert_cmpstr (g_hash_table_lookup (facts->os, "VERSION"), ==, "12 (bookworm)");
    g_assert_cmpstr (g_hash_table_lookup (facts->os, "EMPTY"), ==, "");
    g_assert_cmpstr (g_hash_table_lookup (facts->os, "ESC"), ==, "?[31mred");
    g_assert_true (g_utf8_validate (g_hash_table_lookup (facts->os, "BAD"), -1, NULL));
    g_assert_cmpstr (g_hash_table_lookup (facts->os, "SHELL"), ==, "a \"b\" $c `d` \\ \\e");
    g_assert_cmpstr (g_hash_table_lookup (facts->os, "RAW"), ==, "\\$");
    g_assert_cmpstr (g_hash_table_lookup (facts->os, "ONE"), ==, "\"");
    g_assert_cmpuint (g_hash_table_size (facts->os), ==, 9);
}

static void
test_addresses (void)
{
    g_autoptr (GuestFacts) facts = parse_one (
        "addresses", "lo link 00:00:00:00:00:00 0\neth0 link 52:54:00:01:02:03 0\ntun0 link - 0\nlo ipv4 127.0.0.1 8\n"
                     "eth0 ipv6 fe80::1 64\nbroken\neth0 ipv4 192.0.2.1 24\n",
        -1);
    const GuestInterface *eth0;

    g_assert_cmpuint (facts->interfaces->len, ==, 3);
    eth0 = facts->interfaces->pdata[1];
    g_assert_cmpstr (eth0->name, ==, "eth0");
    g_assert_cmpstr (eth0->mac, ==, "52:54:00:01:02:03");
    g_assert_cmpuint (eth0->addresses->len, ==, 2);
    g_assert_true (g_array_index (eth0->addresses, GuestAddress, 0).ipv6);
    g_assert_cmpstr (g_array_index (eth0->addresses, GuestAddress, 1).text, ==, "192.0.2.1");
    g_assert_cmpuint (g_array_index (eth0->addresses, GuestAddress, 1).prefix, ==, 24);
    g_assert_null (((const GuestInterface *) facts->interfaces->pdata[2])->mac);
}

static void
test_timezone (void)
{
    static const struct {
        const char *name, *text, *expected;
    } cases[] = {
        { "timezone", "Europe/Berlin\n", "Europe/Berlin" },
        { "timezone", "../../etc/passwd\n", NULL },
        { "timezone", "/etc/passwd", NULL },
        { "timezone", "", NULL },
        { "localtime", "/usr/share/zoneinfo/America/Port-au-Prince", "America/Port-au-Prince" },
        { "localtime", "../usr/share/zoneinfo/Etc/GMT+1", "Etc/GMT+1" },
        { "localtime", "/usr/share/zoneinfo/", NULL },
        { "localtime", "/usr/share/zoneinfo/a/../b", NULL },
        { "localtime", "/usr/share/zoneinfo/a\nb", NULL },
        { "localtime", "/etc/other", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GuestFacts) facts = parse_one (cases[i].name, cases[i].text, -1);

        g_test_message ("%s", cases[i].text);
        g_assert_cmpstr (facts->timezone, ==, cases[i].expected);
    }
}

static void
test_users (void)
{
    struct utmp records[4];
    g_autoptr (GuestFacts) facts = NULL;
    const GuestUser *user;

    memset (records, 0, sizeof records);
    records[0].ut_type = BOOT_TIME;
    strcpy (records[0].ut_user, "reboot");
    records[1].ut_type = USER_PROCESS;
    memset (records[1].ut_user, 'a', sizeof records[1].ut_user);     /* without a NUL */
    records[1].ut_tv.tv_sec = 1700000000;
    records[1].ut_tv.tv_usec = 250000;
    records[2].ut_type = USER_PROCESS;                              /* nobody */
    records[3].ut_type = USER_PROCESS;
    strcpy (records[3].ut_user, "e\x01\xff");
    facts = parse_one ("utmp", (const char *) records, (gssize) sizeof records - 1);
    g_assert_cmpuint (facts->users->len, ==, 1);                    /* the last one is cut off */
    user = &g_array_index (facts->users, GuestUser, 0);
    g_assert_cmpuint (strlen (user->name), ==, 32);
    g_assert_cmpuint (user->login_ms, ==, G_GUINT64_CONSTANT (1700000000250));
    guest_facts_free (g_steal_pointer (&facts));
    facts = parse_one ("utmp", (const char *) records, (gssize) sizeof records);
    g_assert_cmpuint (facts->users->len, ==, 2);
    user = &g_array_index (facts->users, GuestUser, 1);
    g_assert_true (g_utf8_validate (user->name, -1, NULL) && g_str_has_prefix (user->name, "e?"));
}

static void
test_mounts (void)
{
    static const char table[]
        = "1 0 254:0 /root / rw - ext4 /dev/vda rw\n2 1 0:5 / /proc rw - proc proc rw\n"
          "3 1 8:1 / /mnt/a\\040b\\134 rw shared:1 master:2 - xfs /dev/sda1 rw\n"
          "4 1 0:9 / /proc/keys ro - tmpfs skep ro\nnonsense\n5 1 0:7 / /x rw\n6 1 x / /y rw - ext4 a b\n"
          "7 1 0:8 / /dev/shm rw - tmpfs tmpfs rw\n";
    g_autoptr (GString) sections = g_string_new (NULL);
    g_autoptr (GuestFacts) facts = NULL;
    const GuestMount *mount;

    add (sections, "mounts", table, -1);
    add (sections, "sizes", "100 50\n-\n7 3\n1 1\n-\n-\n-\n9 2\n8 8\n", -1);
    facts = guest_facts_parse (sections->str, sections->len);
    g_assert_cmpuint (facts->mounts->len, ==, 3);
    mount = facts->mounts->pdata[0];
    g_assert_cmpstr (mount->mountpoint, ==, "/");
    g_assert_true (mount->device == makedev (254, 0));
    g_assert_true (mount->sized && mount->total == 100 && mount->used == 50);
    mount = facts->mounts->pdata[1];
    g_assert_cmpstr (mount->mountpoint, ==, "/mnt/a b\\");
    g_assert_cmpstr (mount->fstype, ==, "xfs");
    g_assert_cmpstr (mount->source, ==, "/dev/sda1");
    g_assert_cmpuint (mount->total, ==, 7);
    mount = facts->mounts->pdata[2];
    g_assert_cmpstr (mount->mountpoint, ==, "/dev/shm");
    g_assert_cmpuint (mount->total, ==, 9);
}

/* Cut anywhere, and filled with anything: read without a fault, or not at all. */
static void
test_broken (void)
{
    static const char *const heads[]
        = { "hostname 5", "hostname 99999999999999999999\nx", "hostname -1\nx", "hostname\n", "\n\n\n", "x y z\n",
            "hostname 3 \nabc", "os-release 4\nID" };
    g_autoptr (GString) sections = g_string_new (NULL);
    g_autofree char *noise = g_malloc (4096);

    for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
        g_autoptr (GuestFacts) facts = guest_facts_parse (heads[i], strlen (heads[i]));

        g_assert_null (facts->os);
    }
    add (sections, "hostname", "web", -1);
    add (sections, "unknown", "1234", -1);
    add (sections, "os-release", "ID=a\n", -1);
    add (sections, "mounts", "1 0 254:0 /root / rw - ext4 /dev/vda rw\n", -1);
    for (gsize size = 0; size <= sections->len; size++) {
        g_autofree char *part = g_memdup2 (sections->str, size);
        g_autoptr (GuestFacts) facts = guest_facts_parse (part, size);

        g_assert_cmpstr (facts->hostname, ==, size >= strlen ("hostname 3\nweb") ? "web" : NULL);
    }
    for (guint round = 0; round < 2000; round++) {
        static const char *const names[] = { "hostname", "addresses", "os-release", "timezone", "localtime", "utmp",
                                             "mounts",   "sizes" };
        g_autoptr (GuestFacts) facts = NULL;

        g_string_truncate (sections, 0);
        for (guint i = 0; i < 4096; i++)
            noise[i] = (char) (g_test_rand_int_range (0, 4) ? g_test_rand_int_range (' ', 127)
                                                            : g_test_rand_int_range (0, 256));
        add (sections, names[round % G_N_ELEMENTS (names)], noise, g_test_rand_int_range (0, 4096));
        facts = guest_facts_parse (sections->str, sections->len);
        g_assert_nonnull (facts);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/guest-facts/os", test_os);
    g_test_add_func ("/guest-facts/addresses", test_addresses);
    g_test_add_func ("/guest-facts/timezone", test_timezone);
    g_test_add_func ("/guest-facts/users", test_users);
    g_test_add_func ("/guest-facts/mounts", test_mounts);
    g_test_add_func ("/guest-facts/broken", test_broken);
    return g_test_run ();
}
