/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Units, lists, names, metadata, what has no effect, capabilities, the schema runner. */
#include <string.h>

#include "conf/capabilities.h"
#include "conf/cpulist.h"
#include "conf/domain.h"
#include "conf/domain_metadata.h"
#include "conf/mac.h"
#include "conf/passive.h"
#include "conf/schema.h"
#include "conf/units.h"
#include "conf/xml.h"
#include "util/error.h"

static const DomainDefaults defaults = { "x86_64", "i686", "/usr/libexec/skep/skep-controller",
                                         "none" };

/* Frees @text, which must be @expected. */
static void
assert_take (char *text, const char *expected)
{
    g_assert_cmpstr (text, ==, expected);
    g_free (text);
}

static char *
document (const char *inner)
{
    return g_strconcat ("<domain type='lxc'><name>t</name><memory>65536</memory>"
                        "<os><type>exe</type><init>/i</init></os>",
                        inner, "</domain>", NULL);
}

static DomainDef *
parse_inner (const char *inner)
{
    g_autofree char *xml = document (inner);
    g_autoptr (GError) error = NULL;
    DomainDef *def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);

    g_assert_no_error (error);
    return def;
}

/* ---- units */

static void
test_units (void)
{
    static const struct {
        const char *text, *unit;
        guint64 bytes;
    } cases[] = {
        { "7", "b", 7 },
        { "7", "byte", 7 },
        { "7", "bytes", 7 },
        { "7", "KB", 7000 },
        { "7", "k", 7168 },
        { "7", "KiB", 7168 },
        { "7", "kib", 7168 },
        { "1", "MB", 1000000 },
        { "1", "M", 1048576 },
        { "1", "MiB", 1048576 },
        { "1", "GB", 1000000000 },
        { "1", "G", 1073741824 },
        { "1", "GiB", 1073741824 },
        { "1", "TB", 1000000000000 },
        { "1", "TiB", 1099511627776 },
        { "1", "PB", 1000000000000000 },
        { "1", "PiB", 1125899906842624 },
        { "1", "EB", 1000000000000000000 },
        { "7", "EiB", 8070450532247928832 },
        { "9007199254740991", "KiB", 9223372036854774784 },
        { "0", "T", 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        guint64 bytes = 12345;

        g_assert_true (unit_parse (cases[i].text, cases[i].unit, "b", FALSE, &bytes, NULL));
        g_assert_cmpuint (bytes, ==, cases[i].bytes);
    }
}

static void
assert_no_size (const char *text, const char *unit, int code, const char *message)
{
    g_autoptr (GError) error = NULL;
    guint64 bytes = 12345;

    g_assert_false (unit_parse (text, unit, "b", FALSE, &bytes, &error));
    g_assert_cmpuint (bytes, ==, 12345);
    g_assert_error (error, SKEP_ERROR, code);
    if (message)
        g_assert_cmpstr (error->message, ==, message);
}

static void
test_units_refused (void)
{
    static const char *const units[] = { "-",    "x",   "KK",  "KiBB", "i",
                                         "iB",   "bit", "ZiB", "K B",  " KiB" };
    static const char *const numbers[] = { "",    "1 ",   "-1",   " -1",
                                           "++1", "1.5",  "0x10", "99999999999999999999" };

    for (guint i = 0; i < G_N_ELEMENTS (units); i++) {
        g_autofree char *message = g_strdup_printf ("unknown suffix '%s'", units[i]);

        assert_no_size ("1", units[i], ERR_INVALID_ARG, message);
    }
    for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
        assert_no_size (numbers[i], "KiB", ERR_XML, NULL);
    assert_no_size ("8", "EiB", ERR_OVERFLOW, "value too large: 8EiB");
    assert_no_size ("18446744073709551615", "b", ERR_OVERFLOW, NULL);
}

/* ---- lists of CPUs */

static void
test_cpulist (void)
{
    CpuSet set;

    assert_take (cpulist_canonical ("0", NULL), "0");
    assert_take (cpulist_canonical ("3,2,1", NULL), "1-3");
    assert_take (cpulist_canonical (" 0-3 , ^2, 7 ", NULL), "0-1,3,7");
    assert_take (cpulist_canonical ("0-63,65", NULL), "0-63,65");
    assert_take (cpulist_canonical ("62-66,130", NULL), "62-66,130");
    assert_take (cpulist_canonical ("0-16383", NULL), "0-16383");
    assert_take (cpulist_canonical ("5,^5", NULL), "");
    assert_take (cpulist_canonical ("1 - 3", NULL), "1-3");
    assert_take (cpulist_canonical ("1,1,1-2", NULL), "1-2");
    g_assert_true (cpu_set_parse ("0-2,64,16383", &set, NULL));
    g_assert_cmpuint (cpu_set_count (&set), ==, 5);
    g_assert_true (cpu_set_contains (&set, 64));
    g_assert_false (cpu_set_contains (&set, 63));
    g_assert_false (cpu_set_contains (&set, 16384));
}

static void
test_cpulist_refused (void)
{
    static const char *const bad[] = {
        "",      " ",       ",",  "1,,", ",1",   "1-", "-1",  "a",  "1-a",
        "3-1",   "16384",   "^",  "1 2", "1-8,^2-3", "1--2", "^^1", "1;2", "0-16384", "99999999999999999999",
    };

    for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
        g_autofree char *message = g_strdup_printf ("Failed to parse bitmap '%s'", bad[i]);
        g_autoptr (GError) error = NULL;

        g_assert_null (cpulist_canonical (bad[i], &error));
        g_assert_error (error, SKEP_ERROR, ERR_INVALID_ARG);
        g_assert_cmpstr (error->message, ==, message);
    }
}

/* ---- uuid, mac, names */

static void
test_uuid (void)
{
    static const char *const bad[] = {
        "",
        "e369127c-faa2-4814-b98c-b75a360d7a1",
        "e369127c-faa2-4814-b98c-b75a360d7a19a",
        "e369127cf-aa2-4814-b98c-b75a360d7a19",
        "g369127c-faa2-4814-b98c-b75a360d7a19",
        "00112233445566778899aabbccddee-f",
        "00112233445566778899aabbccddeeff-",
        "00112233445566778899aabb\tccddeeff",
    };
    guint8 uuid[16], other[16];
    char text[37];

    g_assert_true (domain_uuid_parse ("E369127C-faa2-4814-b98c-b75a360d7a19", uuid));
    domain_uuid_format (uuid, text);
    g_assert_cmpstr (text, ==, "e369127c-faa2-4814-b98c-b75a360d7a19");
    g_assert_true (domain_uuid_parse ("00112233445566778899aabbccddeeff", uuid));
    g_assert_true (domain_uuid_parse (" -0011 223344--5566778899aabbccddeeff\n", uuid));
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_false (domain_uuid_parse (bad[i], uuid));
    domain_uuid_format (uuid, text);
    g_assert_cmpstr (text, ==, "00112233-4455-6677-8899-aabbccddeeff");
    domain_uuid_generate (uuid);
    domain_uuid_generate (other);
    g_assert_cmpint (memcmp (uuid, other, sizeof uuid), !=, 0);
    g_assert_cmpint (uuid[6] >> 4, ==, 4);
    g_assert_cmpint (uuid[8] >> 6, ==, 2);
}

static void
test_mac (void)
{
    static const char *const bad[] = {
        "",
        "52:54:00:aa:bb",
        "52:54:00:aa:bb:cc:",
        "52:54:00:aa:bb:ccc",
        "52-54-00-aa-bb-cc",
        "52:54::aa:bb:cc",
        "gg:54:00:aa:bb:cc",
    };
    g_autofree char *generated = mac_generate ();
    guint8 mac[6];

    g_assert_true (mac_parse ("52:54:0:AA:b:C", mac));
    assert_take (mac_format (mac), "52:54:00:aa:0b:0c");
    for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
        g_assert_false (mac_parse (bad[i], mac));
    g_assert_true (g_str_has_prefix (generated, "52:54:00:"));
}

static void
assert_bad_name (const char *name, int code, const char *message)
{
    g_autoptr (GError) error = NULL;

    g_assert_false (domain_name_check (name, &error));
    g_assert_error (error, SKEP_ERROR, code);
    if (message)
        g_assert_cmpstr (error->message, ==, message);
}

static void
test_name (void)
{
    g_autofree char *longest = g_strnfill (DOMAIN_NAME_MAX, 'x'),
                    *longer = g_strconcat (longest, "x", NULL);

    g_assert_true (domain_name_check ("web-1.example", NULL));
    g_assert_true (domain_name_check ("späm", NULL));
    g_assert_true (domain_name_check (longest, NULL));
    assert_bad_name (longer, ERR_XML, NULL);
    assert_bad_name ("", ERR_NO_NAME, NULL);
    assert_bad_name ("a/b", ERR_XML, "name a/b cannot contain '/'");
    assert_bad_name ("a\nb", ERR_XML_DETAIL, "invalid char in name: a newline");
    assert_bad_name ("a\tb", ERR_XML, NULL);
    assert_bad_name ("a\x7f", ERR_XML, NULL);
    assert_bad_name (".", ERR_XML, NULL);
    assert_bad_name ("..", ERR_XML, "name cannot be '..'");
    assert_bad_name ("\xff", ERR_XML, NULL);
}

static void
test_capability_names (void)
{
    g_assert_cmpstr (capability_names.name[0], ==, "chown");
    g_assert_cmpstr (capability_names.name[21], ==, "sys_admin");
    g_assert_cmpstr (capability_names.name[27], ==, "mknod");
    g_assert_cmpstr (capability_names.name[36], ==, "block_suspend");
    g_assert_cmpstr (capability_names.name[40], ==, "checkpoint_restore");
}

/* ---- metadata */

static void
assert_set (DomainDef *def, MetadataType type, const char *text, const char *key, const char *uri,
            int code)
{
    g_autoptr (GError) error = NULL;

    if (domain_metadata_set (def, type, text, key, uri, &error))
        g_assert_cmpint (code, ==, 0);
    else
        g_assert_error (error, SKEP_ERROR, code);
}

/* @expected NULL: there is none. */
static void
assert_get (const DomainDef *def, MetadataType type, const char *uri, const char *expected)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *text = domain_metadata_get (def, type, uri, &error);

    g_assert_cmpstr (text, ==, expected);
    if (!expected)
        g_assert_error (error, SKEP_ERROR, ERR_NO_DOMAIN_METADATA);
}

static void
assert_has (const DomainDef *def, const char *part, gboolean wanted)
{
    g_autofree char *xml = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);

    if ((strstr (xml, part) != NULL) != wanted)
        g_error ("'%s' is %sin\n%s", part, wanted ? "not " : "", xml);
}

static void
test_metadata_text (void)
{
    g_autoptr (DomainDef) def = parse_inner ("");

    assert_get (def, METADATA_TITLE, NULL, NULL);
    assert_set (def, METADATA_TITLE, "A <title>", NULL, NULL, 0);
    assert_get (def, METADATA_TITLE, NULL, "A <title>");
    assert_set (def, METADATA_TITLE, "two\nlines", NULL, NULL, ERR_INVALID_ARG);
    assert_set (def, METADATA_DESCRIPTION, "two\nlines", NULL, NULL, 0);
    assert_set (def, METADATA_DESCRIPTION, "bell\a", NULL, NULL, ERR_INVALID_ARG);
    assert_set (def, METADATA_DESCRIPTION, "\xff", NULL, NULL, ERR_INVALID_ARG);
    assert_get (def, METADATA_DESCRIPTION, NULL, "two\nlines");
    assert_set (def, METADATA_TITLE, "", NULL, NULL, 0);
    assert_get (def, METADATA_TITLE, NULL, NULL);
    assert_set (def, METADATA_DESCRIPTION, NULL, NULL, NULL, 0);
    assert_has (def, "description", FALSE);
}

static void
test_metadata_element (void)
{
    static const char subtree[] = "<derp xmlns:f=\"http://foo/\"><f:bar x=\"1\"/>text</derp>";
    g_autoptr (DomainDef) def
        = parse_inner ("<metadata><o:o xmlns:o='http://other/'>x</o:o></metadata>");
    g_autoptr (DomainDef) again = NULL;
    g_autofree char *xml = NULL;

    assert_get (def, METADATA_ELEMENT, "http://herp/", NULL);
    assert_set (def, METADATA_ELEMENT, subtree, "herp", "http://herp/", 0);
    assert_get (def, METADATA_ELEMENT, "http://herp/", subtree);
    assert_get (def, METADATA_ELEMENT, "http://other/", "<o>x</o>");
    assert_has (def, "<herp:derp xmlns:f=\"http://foo/\" xmlns:herp=\"http://herp/\">"
                     "<f:bar x=\"1\"/>text</herp:derp>", TRUE);
    xml = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);
    again = domain_def_parse (xml, strlen (xml), &defaults, 0, NULL);
    assert_take (domain_def_format (again, DOMAIN_FORMAT_INACTIVE), xml);
    assert_get (again, METADATA_ELEMENT, "http://herp/", subtree);
    /* replaced, not added */
    assert_set (again, METADATA_ELEMENT, "<new/>", "h", "http://herp/", 0);
    assert_get (again, METADATA_ELEMENT, "http://herp/", "<new/>");
    assert_has (again, "derp", FALSE);
    assert_set (again, METADATA_ELEMENT, NULL, NULL, "http://herp/", 0);
    assert_get (again, METADATA_ELEMENT, "http://herp/", NULL);
    assert_get (again, METADATA_ELEMENT, "http://other/", "<o>x</o>");
}

static void
test_metadata_first_element (void)
{
    g_autoptr (DomainDef) def = parse_inner ("");

    assert_set (def, METADATA_ELEMENT, NULL, NULL, "http://herp/", 0);
    assert_has (def, "metadata", FALSE);
    assert_set (def, METADATA_ELEMENT, "<a><b/></a>", "k", "http://herp/", 0);
    assert_has (def, "  <metadata>\n    <k:a xmlns:k=\"http://herp/\">\n      <k:b/>\n"
                     "    </k:a>\n  </metadata>\n", TRUE);
}

static void
test_metadata_refused (void)
{
    g_autoptr (DomainDef) def = parse_inner ("<title>x</title>");
    g_autofree char *before = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);
    g_autofree char *large = g_strnfill (XML_SIZE_MAX / 2, '&');
    g_autoptr (GString) deep = g_string_new (NULL);

    for (guint i = 0; i < 63; i++) {
        g_string_prepend (deep, "<a>");
        g_string_append (deep, "</a>");
    }
    assert_set (def, METADATA_ELEMENT, "<a/>", "k", NULL, ERR_INVALID_ARG);
    assert_set (def, METADATA_ELEMENT, "<a/>", NULL, "http://herp/", ERR_INVALID_ARG);
    assert_set (def, METADATA_ELEMENT, "<a/>", "k:k", "http://herp/", ERR_INVALID_ARG);
    assert_set (def, METADATA_ELEMENT, "<a/>", "", "http://herp/", ERR_INVALID_ARG);
    assert_set (def, METADATA_ELEMENT, "<a", "k", "http://herp/", ERR_XML_DETAIL);
    assert_set (def, METADATA_ELEMENT, "", "k", "http://herp/", ERR_XML_DETAIL);
    assert_set (def, METADATA_ELEMENT, "<!DOCTYPE a><a/>", "k", "http://herp/", ERR_XML);
    assert_set (def, METADATA_ELEMENT, "<x:a xmlns:x='http://x/'/>", "k", "http://herp/", ERR_XML);
    assert_set (def, METADATA_ELEMENT, "<x:a xmlns:x='http://x/'/>", "x", "http://herp/", ERR_XML);
    assert_set (def, METADATA_ELEMENT, deep->str, "k", "http://herp/", ERR_XML);
    assert_set (def, METADATA_DESCRIPTION, large, NULL, NULL, ERR_XML);
    assert_set (def, (MetadataType) 3, "x", NULL, NULL, ERR_INVALID_ARG);
    assert_take (domain_def_format (def, DOMAIN_FORMAT_INACTIVE), before);
}

/* As deep as a definition may be, and no deeper; beside it others still can be set. */
static void
test_metadata_bounds (void)
{
    g_autoptr (DomainDef) def = parse_inner (""), again = NULL;
    g_autoptr (GString) deep = g_string_new ("<a/>");
    g_autofree char *large = g_strnfill (XML_SIZE_MAX - 8192, 'x'), *small = g_strnfill (8000, 'x'), *xml = NULL;
    g_autoptr (GError) error = NULL;

    /* <domain>, <metadata> and <a/> */
    for (guint i = 3; i < XML_DEPTH_MAX; i++) {
        g_string_prepend (deep, "<a>");
        g_string_append (deep, "</a>");
    }
    assert_set (def, METADATA_ELEMENT, deep->str, "k", "http://herp/", 0);
    assert_set (def, METADATA_ELEMENT, "<b/>", "l", "http://derp/", 0);
    g_string_prepend (deep, "<a>");
    g_string_append (deep, "</a>");
    assert_set (def, METADATA_ELEMENT, deep->str, "k", "http://herp/", ERR_XML);
    assert_get (def, METADATA_ELEMENT, "http://derp/", "<b/>");
    assert_set (def, METADATA_ELEMENT, NULL, "k", "http://herp/", 0);
    assert_set (def, METADATA_DESCRIPTION, large, NULL, NULL, 0);
    /* each is small, together they are more than is read again */
    assert_set (def, METADATA_TITLE, small, NULL, NULL, ERR_XML);
    xml = domain_def_format (def, DOMAIN_FORMAT_SAVED);
    again = domain_def_parse (xml, strlen (xml), NULL, 0, &error);
    g_assert_no_error (error);
}

/* ---- what only a live definition shows */

static void
test_format_live (void)
{
    g_autoptr (DomainDef) def
        = parse_inner ("<devices><console type='pty'/><interface type='ethernet'>"
                       "<target dev='vnet7'/></interface></devices>");
    ConsoleDef *console = g_ptr_array_index (def->consoles, 0);
    NetDef *net = g_ptr_array_index (def->nets, 0);
    g_autofree char *live = NULL, *status = NULL;

    g_assert_null (net->ifname);
    def->id = 77;
    console->tty = g_strdup ("/dev/pts/1");
    net->ifname = g_strdup ("vnet0");
    net->guest_actual = g_strdup ("vnet1");
    live = domain_def_format (def, 0);
    status = domain_def_format (def, DOMAIN_FORMAT_STATUS);
    g_assert_nonnull (strstr (live, "<domain type='lxc' id='77'>"));
    g_assert_nonnull (strstr (live, "<console type='pty' tty='/dev/pts/1'>"));
    g_assert_nonnull (strstr (live, "<target dev='vnet0'/>"));
    g_assert_null (strstr (live, "actual"));
    g_assert_nonnull (strstr (status, "<guest actual='vnet1'/>"));
    assert_has (def, "id='77'", FALSE);
    assert_has (def, "tty", FALSE);
    assert_has (def, "vnet", FALSE);
}

/* ---- what has no effect */

static const PassiveRow *const all_rows[] = { passive_rows, passive_device_rows,
                                              passive_chardev_rows, passive_host_rows,
                                              passive_storage_rows, passive_graphics_rows };

static gboolean
has_row (const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS (all_rows); i++)
        for (const PassiveRow *row = all_rows[i]; row->element; row++) {
            const char *slash = strchr (row->element, '/'), *own = slash ? slash + 1 : row->element;
            gsize length = strcspn (own, "[");

            if (strlen (name) == length && strncmp (own, name, length) == 0)
                return TRUE;
        }
    return FALSE;
}

static void
check_words (const PassiveRow *row, const char *words, const char *pattern, gboolean children)
{
    g_auto (GStrv) split = g_strsplit (words ? words : "", " ", -1);

    for (guint i = 0; split[i]; i++) {
        const char *colon = strchr (split[i], ':'), *first = colon ? colon + 1 : split[i];
        g_autofree char *name = g_strndup (first, strcspn (first, "*!+?^&"));

        if (!*split[i])
            continue;
        if (!g_regex_match_simple (pattern, split[i], 0, 0))
            g_error ("row %s: '%s'", row->element, split[i]);
        if (children && !strchr (name, '$') && !has_row (name))
            g_error ("row %s: no row for its child '%s'", row->element, name);
    }
}

static void
test_passive_rows (void)
{
    static const char attr[]
        = "^[A-Za-z0-9_-]+(:((j/)?(uuid|[uUnNiIepaAqtJyockwMbljGK]|X1|[xh][1248]|H[14]|s[24]|"
          "~?[A-Za-z0-9_.-]*([|][A-Za-z0-9_.-]+)*)))?[*]?!?-?%?\\^?&?>?(=[^ ]+)?$";
    static const char child[] = "^[A-Za-z0-9_-]+(:[a-z$-]+)?[*]?!?[+]?[?]?\\^?&?$";
    g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

    for (guint i = 0; i < G_N_ELEMENTS (all_rows); i++)
        for (const PassiveRow *row = all_rows[i]; row->element; row++) {
            if (!g_hash_table_add (seen, (char *) row->element) || (row->children && row->text))
                g_error ("row %s", row->element);
            check_words (row, row->attrs, attr, FALSE);
            check_words (row, row->children, child, TRUE);
        }
    g_assert_cmpuint (g_hash_table_size (seen), >, 150);
}

static void
test_passive_list (void)
{
    static const char *const expected[] = { "/domain/cpu", "/domain/devices/sound",
                                            "/domain/features/acpi",
                                            "/domain/devices/disk/@snapshot",
                                            "/domain/devices/disk/serial" };
    g_autoptr (DomainDef) def = parse_inner (
        "<cpu mode='host-model'/><features><acpi/></features>"
        "<devices><sound model='ich6'/><disk type='block' snapshot='no'><source dev='/x'/>"
        "<target dev='sda'/><serial>x</serial></disk></devices>");
    g_autoptr (DomainDef) plain = parse_inner ("");
    g_autoptr (GPtrArray) paths = domain_def_passive (def), none = domain_def_passive (plain);

    g_assert_cmpuint (none->len, ==, 0);
    g_assert_cmpuint (paths->len, ==, G_N_ELEMENTS (expected));
    for (guint i = 0; i < paths->len; i++)
        g_assert_cmpstr (g_ptr_array_index (paths, i), ==, expected[i]);
}

/* ---- capabilities and the schema */

static void
test_capabilities (void)
{
    g_autoptr (HostCapabilities) caps = g_new0 (HostCapabilities, 1);

    caps->uuid = g_strdup ("u");
    caps->arch = g_strdup ("x86_64");
    caps->arch32 = g_strdup ("i686");
    caps->emulator = g_strdup ("/a&b");
    assert_take (capabilities_format (caps), "<capabilities>\n\n"
                                             "  <host>\n"
                                             "    <uuid>u</uuid>\n"
                                             "    <cpu>\n"
                                             "      <arch>x86_64</arch>\n"
                                             "    </cpu>\n"
                                             "    <power_management/>\n"
                                             "    <iommu support='no'/>\n"
                                             "  </host>\n\n"
                                             "  <guest>\n"
                                             "    <os_type>exe</os_type>\n"
                                             "    <arch name='x86_64'>\n"
                                             "      <wordsize>64</wordsize>\n"
                                             "      <emulator>/a&amp;b</emulator>\n"
                                             "      <domain type='lxc'/>\n"
                                             "    </arch>\n"
                                             "  </guest>\n\n"
                                             "  <guest>\n"
                                             "    <os_type>exe</os_type>\n"
                                             "    <arch name='i686'>\n"
                                             "      <wordsize>32</wordsize>\n"
                                             "      <emulator>/a&amp;b</emulator>\n"
                                             "      <domain type='lxc'/>\n"
                                             "    </arch>\n"
                                             "  </guest>\n\n"
                                             "</capabilities>\n");
}

static void
assert_invalid (const char *schema, const char *xml, int code, const char *part)
{
    g_autoptr (GError) error = NULL;

    g_assert_false (schema_validate (schema, xml, strlen (xml), &error));
    g_assert_error (error, SKEP_ERROR, code);
    g_assert_nonnull (strstr (error->message, part));
}

static void
test_schema (void)
{
    g_autofree char *xml = document ("\n<wibble/>");
    g_autoptr (GError) error = NULL;

    assert_invalid ("domain", xml, ERR_XML_INVALID_SCHEMA, "wibble");
    assert_invalid ("no-such-schema", xml, ERR_INTERNAL, "no-such-schema.rng");
    assert_invalid ("domain", "<a", ERR_XML_DETAIL, "(domain):1:");
    /* with the codec's help it also says where */
    g_assert_null (domain_def_parse (xml, strlen (xml), &defaults, DOMAIN_PARSE_VALIDATE, &error));
    g_assert_error (error, SKEP_ERROR, ERR_XML_INVALID_SCHEMA);
    g_assert_nonnull (strstr (error_place (error), "unknown element 'wibble' (line 2, /domain/wibble)"));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/conf/units", test_units);
    g_test_add_func ("/conf/units-refused", test_units_refused);
    g_test_add_func ("/conf/cpulist", test_cpulist);
    g_test_add_func ("/conf/cpulist-refused", test_cpulist_refused);
    g_test_add_func ("/conf/uuid", test_uuid);
    g_test_add_func ("/conf/mac", test_mac);
    g_test_add_func ("/conf/name", test_name);
    g_test_add_func ("/conf/capability-names", test_capability_names);
    g_test_add_func ("/conf/metadata-text", test_metadata_text);
    g_test_add_func ("/conf/metadata-element", test_metadata_element);
    g_test_add_func ("/conf/metadata-first-element", test_metadata_first_element);
    g_test_add_func ("/conf/metadata-refused", test_metadata_refused);
    g_test_add_func ("/conf/metadata-bounds", test_metadata_bounds);
    g_test_add_func ("/conf/format-live", test_format_live);
    g_test_add_func ("/conf/passive-rows", test_passive_rows);
    g_test_add_func ("/conf/passive-list", test_passive_list);
    g_test_add_func ("/conf/capabilities", test_capabilities);
    g_test_add_func ("/conf/schema", test_schema);
    return g_test_run ();
}
