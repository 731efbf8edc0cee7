/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <libxml/tree.h>    /* C++ by way of ICU, so not below */

#include <regex>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "conf/capabilities.h"
#include "conf/cpulist.h"
#include "conf/domain.h"
#include "conf/domain_metadata.h"
#include "conf/mac.h"
#include "conf/passive.h"
#include "conf/schema.h"
#include "conf/units.h"
#include "conf/xml.h"
}

namespace {

const DomainDefaults defaults = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };

struct Result {
    int code = 0;
    std::string text;
};

Result
take (GError *error)
{
    Result result;

    if (error)
        result = { error->code, error->message };
    g_clear_error (&error);
    return result;
}

std::string
take (char *text)
{
    std::string copy = text ? text : "(null)";

    g_free (text);
    return copy;
}

/* ---- units */

guint64
bytes (const char *text, const char *unit)
{
    guint64 value = 12345;

    EXPECT_TRUE (unit_parse (text, unit, &value, nullptr)) << text << unit;
    return value;
}

Result
bad_bytes (const char *text, const char *unit)
{
    GError *error = nullptr;
    guint64 value = 12345;

    EXPECT_FALSE (unit_parse (text, unit, &value, &error));
    EXPECT_EQ (value, 12345u);
    return take (error);
}

TEST (Units, AllOfLibvirts)
{
    EXPECT_EQ (bytes ("7", "b"), 7u);
    EXPECT_EQ (bytes ("7", "byte"), 7u);
    EXPECT_EQ (bytes ("7", "bytes"), 7u);
    EXPECT_EQ (bytes ("7", "KB"), 7000u);
    EXPECT_EQ (bytes ("7", "k"), 7168u);
    EXPECT_EQ (bytes ("7", "KiB"), 7168u);
    EXPECT_EQ (bytes ("7", "kib"), 7168u);
    EXPECT_EQ (bytes ("1", "MB"), 1000000u);
    EXPECT_EQ (bytes ("1", "M"), 1048576u);
    EXPECT_EQ (bytes ("1", "MiB"), 1048576u);
    EXPECT_EQ (bytes ("1", "GB"), 1000000000u);
    EXPECT_EQ (bytes ("1", "GiB"), 1073741824u);
    EXPECT_EQ (bytes ("1", "TB"), 1000000000000u);
    EXPECT_EQ (bytes ("1", "TiB"), 1099511627776u);
    EXPECT_EQ (bytes ("1", "PB"), 1000000000000000u);
    EXPECT_EQ (bytes ("1", "PiB"), 1125899906842624u);
    EXPECT_EQ (bytes ("1", "EB"), 1000000000000000000u);
    EXPECT_EQ (bytes ("7", "EiB"), 8070450532247928832u);
    EXPECT_EQ (bytes ("9007199254740991", "KiB"), 9223372036854774784u);
}

TEST (Units, Refusals)
{
    for (const char *unit : { "", "x", "KK", "KiBB", "i", "iB", "bit", "ZiB", "K B", " KiB" }) {
        EXPECT_EQ (bad_bytes ("1", unit).code, ERR_INVALID_ARG) << unit;
        EXPECT_EQ (bad_bytes ("1", unit).text, std::string ("unknown suffix '") + unit + "'");
    }
    for (const char *text : { "", " 1", "1 ", "-1", "+1", "1.5", "0x10", "99999999999999999999" })
        EXPECT_EQ (bad_bytes (text, "KiB").code, ERR_XML) << text;
    EXPECT_EQ (bad_bytes ("8", "EiB").code, ERR_OVERFLOW);
    EXPECT_EQ (bad_bytes ("8", "EiB").text, "value too large: 8EiB");
    EXPECT_EQ (bad_bytes ("18446744073709551615", "b").code, ERR_OVERFLOW);
}

/* ---- lists of CPUs */

TEST (Cpulist, Canonical)
{
    EXPECT_EQ (take (cpulist_canonical ("0", nullptr)), "0");
    EXPECT_EQ (take (cpulist_canonical ("3,2,1", nullptr)), "1-3");
    EXPECT_EQ (take (cpulist_canonical (" 0-3 , ^2, 7 ", nullptr)), "0-1,3,7");
    EXPECT_EQ (take (cpulist_canonical ("0-63,65", nullptr)), "0-63,65");
    EXPECT_EQ (take (cpulist_canonical ("62-66,130", nullptr)), "62-66,130");
    EXPECT_EQ (take (cpulist_canonical ("0-16383", nullptr)), "0-16383");
    EXPECT_EQ (take (cpulist_canonical ("5,^4-6", nullptr)), "");
    EXPECT_EQ (take (cpulist_canonical ("1,1,1-2", nullptr)), "1-2");
}

TEST (Cpulist, Refusals)
{
    for (const char *text : { "", " ", ",", "1,", ",1", "1-", "-1", "a", "1-a", "3-1", "16384", "0-16384", "^", "1 2",
                              "1--2", "99999999999999999999", "1;2", "^^1" }) {
        GError *error = nullptr;

        EXPECT_EQ (cpulist_canonical (text, &error), nullptr) << text;
        Result result = take (error);
        EXPECT_EQ (result.code, ERR_INVALID_ARG);
        EXPECT_EQ (result.text, std::string ("Failed to parse bitmap '") + text + "'");
    }
}

TEST (Cpulist, Sets)
{
    CpuSet set;

    ASSERT_TRUE (cpu_set_parse ("0-2,64,16383", &set, nullptr));
    EXPECT_EQ (cpu_set_count (&set), 5u);
    EXPECT_TRUE (cpu_set_contains (&set, 64));
    EXPECT_FALSE (cpu_set_contains (&set, 63));
    EXPECT_FALSE (cpu_set_contains (&set, 16384));
}

/* ---- uuid, mac, names */

TEST (Uuid, ParseAndFormat)
{
    guint8 uuid[16];
    char text[37];

    ASSERT_TRUE (domain_uuid_parse ("E369127C-faa2-4814-b98c-b75a360d7a19", uuid));
    domain_uuid_format (uuid, text);
    EXPECT_STREQ (text, "e369127c-faa2-4814-b98c-b75a360d7a19");
    ASSERT_TRUE (domain_uuid_parse ("00112233445566778899aabbccddeeff", uuid));
    domain_uuid_format (uuid, text);
    EXPECT_STREQ (text, "00112233-4455-6677-8899-aabbccddeeff");
    for (const char *bad : { "", "e369127c-faa2-4814-b98c-b75a360d7a1", "e369127c-faa2-4814-b98c-b75a360d7a19a",
                             "e369127cf-aa2-4814-b98c-b75a360d7a19", "g369127c-faa2-4814-b98c-b75a360d7a19",
                             "00112233445566778899aabbccddee-f" })
        EXPECT_FALSE (domain_uuid_parse (bad, uuid)) << bad;
    domain_uuid_format (uuid, text);
    EXPECT_STREQ (text, "00112233-4455-6677-8899-aabbccddeeff");
}

TEST (Uuid, GeneratedIsVersion4)
{
    guint8 one[16], two[16];

    domain_uuid_generate (one);
    domain_uuid_generate (two);
    EXPECT_NE (0, memcmp (one, two, 16));
    EXPECT_EQ (one[6] >> 4, 4);
    EXPECT_EQ (one[8] >> 6, 2);
}

TEST (Mac, ParseFormatGenerate)
{
    guint8 mac[6];

    ASSERT_TRUE (mac_parse ("52:54:0:AA:b:C", mac));
    EXPECT_EQ (take (mac_format (mac)), "52:54:00:aa:0b:0c");
    for (const char *bad : { "", "52:54:00:aa:bb", "52:54:00:aa:bb:cc:", "52:54:00:aa:bb:ccc", "52-54-00-aa-bb-cc",
                             "52:54::aa:bb:cc", "gg:54:00:aa:bb:cc" })
        EXPECT_FALSE (mac_parse (bad, mac)) << bad;
    EXPECT_EQ (take (mac_generate ()).rfind ("52:54:00:", 0), 0u);
}

Result
name_error (const std::string &name)
{
    GError *error = nullptr;

    EXPECT_FALSE (domain_name_check (name.c_str (), &error));
    return take (error);
}

TEST (Name, Rules)
{
    EXPECT_TRUE (domain_name_check ("web-1.example", nullptr));
    EXPECT_TRUE (domain_name_check ("späm", nullptr));
    EXPECT_TRUE (domain_name_check (std::string (DOMAIN_NAME_MAX, 'x').c_str (), nullptr));
    EXPECT_EQ (name_error ("").code, ERR_NO_NAME);
    EXPECT_EQ (name_error ("a/b").code, ERR_XML);
    EXPECT_EQ (name_error ("a/b").text, "name a/b cannot contain '/'");
    EXPECT_EQ (name_error ("a\nb").code, ERR_XML_DETAIL);
    EXPECT_EQ (name_error ("a\tb").code, ERR_XML);
    EXPECT_EQ (name_error ("a\x7f").code, ERR_XML);
    EXPECT_EQ (name_error (".").code, ERR_XML);
    EXPECT_EQ (name_error ("..").text, "name cannot be '..'");
    EXPECT_EQ (name_error ("\xff").code, ERR_XML);
    EXPECT_EQ (name_error (std::string (DOMAIN_NAME_MAX + 1, 'x')).code, ERR_XML);
}

TEST (Capabilities, NamesAreTheKernels)
{
    EXPECT_STREQ (capability_names.name[0], "chown");
    EXPECT_STREQ (capability_names.name[21], "sys_admin");
    EXPECT_STREQ (capability_names.name[27], "mknod");
    EXPECT_STREQ (capability_names.name[36], "block_suspend");
    EXPECT_STREQ (capability_names.name[40], "checkpoint_restore");
}

/* ---- bad documents */

std::string
document (const std::string &inner)
{
    return "<domain type='lxc'><name>t</name><memory>65536</memory><os><type>exe</type><init>/i</init></os>" + inner
        + "</domain>";
}

DomainDef *
parse (const std::string &xml, Result *result = nullptr)
{
    GError *error = nullptr;
    DomainDef *def = domain_def_parse (xml.data (), xml.size (), &defaults, 0, &error);

    if (!result && error)
        ADD_FAILURE () << error->message;
    if (result)
        *result = { error ? error->code : 0, error ? error->message : "" };
    g_clear_error (&error);
    return def;
}

Result
refused (const std::string &xml)
{
    Result result;
    gint64 begin = g_get_monotonic_time ();
    g_autoptr (DomainDef) def = parse (xml, &result);

    EXPECT_EQ (def, nullptr);
    /* a bound that is looked at late is none: the main loop waits for this */
    EXPECT_LT (g_get_monotonic_time () - begin, 2 * G_USEC_PER_SEC);
    return result;
}

TEST (BadInput, Size)
{
    Result result = refused (std::string (100 * 1024 * 1024, ' '));

    EXPECT_EQ (result.code, ERR_XML);
    EXPECT_EQ (result.text, "(domain_definition): the document has 104857600 bytes, more than the limit of 1048576");
    result = refused (document ("<description>" + std::string (XML_SIZE_MAX / 2, '\'') + "</description>"));
    EXPECT_EQ (result.code, ERR_XML);
    EXPECT_NE (result.text.find ("when written out"), std::string::npos) << result.text;
}

TEST (BadInput, Depth)
{
    std::string deep;

    for (int i = 0; i < 10000; i++)
        deep += "<a>";
    Result result = refused (document ("<metadata>" + deep));
    EXPECT_EQ (result.code, ERR_XML);
    EXPECT_EQ (result.text, "(domain_definition):1: elements are nested more than 64 levels deep");
}

TEST (BadInput, Nul)
{
    std::string xml = document ("");

    EXPECT_EQ (refused (xml + std::string (1, '\0') + "<x/>").code, ERR_XML_DETAIL);
    EXPECT_EQ (refused ("\n" + std::string (1, '\0') + xml).text,
               "(domain_definition):2: the document contains a NUL byte");
    EXPECT_EQ (refused (std::string (1, '\0')).code, ERR_XML_DETAIL);
    xml.insert (xml.find ("<name>") + 7, 1, '\0');
    EXPECT_EQ (refused (xml).code, ERR_XML_DETAIL);
}

TEST (BadInput, Entities)
{
    std::string laughs = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\">";

    for (char c = 'b'; c <= 'k'; c++)
        laughs += std::string ("<!ENTITY ") + c + " \"" + [&] {
            std::string ten;

            for (int i = 0; i < 10; i++)
                ten += std::string ("&") + static_cast<char> (c - 1) + ";";
            return ten;
        } () + "\">";
    Result result = refused (laughs + "]>" + document ("<title a='&k;'>&k;</title>"));
    EXPECT_EQ (result.code, ERR_XML);
    EXPECT_EQ (result.text, "(domain_definition):1: a DOCTYPE is not allowed");
    EXPECT_EQ (refused ("<!DOCTYPE d SYSTEM 'file:///etc/passwd'>" + document ("")).code, ERR_XML);
}

TEST (BadInput, Many)
{
    std::string attributes, consoles, spaces;

    for (int i = 0; i < 90000; i++)
        attributes += " a" + std::to_string (i) + "=''";
    Result result = refused ("<domain" + attributes + "/>");
    EXPECT_EQ (result.text, "(domain_definition): an element has more than 256 attributes");
    for (int i = 0; i < 2000; i++)
        consoles += "<console type='pty'/>";
    result = refused (document ("<devices>" + consoles + "</devices>"));
    EXPECT_EQ (result.code, ERR_CONFIG_UNSUPPORTED);
    EXPECT_NE (result.text.find ("more than 1024 elements 'console'"), std::string::npos) << result.text;
    /* many '=' that are no attributes */
    g_autoptr (DomainDef) def = parse (document ("<description>" + std::string (5000, '=') + "<![CDATA[<"
                                                 + std::string (5000, '=') + "]]></description><!--<"
                                                 + std::string (5000, '=') + "-->"));
    EXPECT_NE (def, nullptr);
}

TEST (BadInput, NullAndEmpty)
{
    GError *error = nullptr;

    EXPECT_EQ (domain_def_parse ("", 0, &defaults, 0, &error), nullptr);
    EXPECT_EQ (take (error).code, ERR_XML_DETAIL);
    EXPECT_EQ (domain_def_parse ("", 0, nullptr, 0, nullptr), nullptr);
}

/* ---- metadata */

const char subtree[] = "<derp xmlns:f=\"http://foo/\"><f:bar x=\"1\"/>text</derp>";

std::string
get (const DomainDef *def, MetadataType type, const char *uri, int *code = nullptr)
{
    GError *error = nullptr;
    std::string text = take (domain_metadata_get (def, type, uri, &error));
    Result result = take (error);

    if (code)
        *code = result.code;
    return text;
}

int
set (DomainDef *def, MetadataType type, const char *text, const char *key = nullptr, const char *uri = nullptr)
{
    GError *error = nullptr;
    gboolean done = domain_metadata_set (def, type, text, key, uri, &error);
    int code = take (error).code;

    EXPECT_EQ (done, code == 0);
    return code;
}

std::string
format (const DomainDef *def)
{
    return take (domain_def_format (def, DOMAIN_FORMAT_INACTIVE));
}

TEST (Metadata, TitleAndDescription)
{
    g_autoptr (DomainDef) def = parse (document (""));
    int code;

    get (def, METADATA_TITLE, nullptr, &code);
    EXPECT_EQ (code, ERR_NO_DOMAIN_METADATA);
    EXPECT_EQ (set (def, METADATA_TITLE, "A <title>"), 0);
    EXPECT_EQ (get (def, METADATA_TITLE, nullptr), "A <title>");
    EXPECT_EQ (set (def, METADATA_TITLE, "two\nlines"), ERR_INVALID_ARG);
    EXPECT_EQ (set (def, METADATA_DESCRIPTION, "two\nlines"), 0);
    EXPECT_EQ (set (def, METADATA_DESCRIPTION, "bell\a"), ERR_INVALID_ARG);
    EXPECT_EQ (set (def, METADATA_DESCRIPTION, "\xff"), ERR_INVALID_ARG);
    EXPECT_EQ (get (def, METADATA_DESCRIPTION, nullptr), "two\nlines");
    EXPECT_EQ (set (def, METADATA_TITLE, ""), 0);
    get (def, METADATA_TITLE, nullptr, &code);
    EXPECT_EQ (code, ERR_NO_DOMAIN_METADATA);
    EXPECT_EQ (set (def, METADATA_DESCRIPTION, nullptr), 0);
    EXPECT_EQ (format (def).find ("description"), std::string::npos);
}

TEST (Metadata, Element)
{
    g_autoptr (DomainDef) def = parse (document ("<metadata><o:o xmlns:o='http://other/'>x</o:o></metadata>"));
    int code;

    get (def, METADATA_ELEMENT, "http://herp/", &code);
    EXPECT_EQ (code, ERR_NO_DOMAIN_METADATA);
    EXPECT_EQ (set (def, METADATA_ELEMENT, subtree, "herp", "http://herp/"), 0);
    EXPECT_EQ (get (def, METADATA_ELEMENT, "http://herp/"), subtree);
    EXPECT_EQ (get (def, METADATA_ELEMENT, "http://other/"), "<o>x</o>");
    EXPECT_NE (format (def).find ("<herp:derp xmlns:f=\"http://foo/\" xmlns:herp=\"http://herp/\"><f:bar x=\"1\"/>"
                                  "text</herp:derp>"),
               std::string::npos)
        << format (def);
    g_autoptr (DomainDef) again = parse (format (def));
    ASSERT_NE (again, nullptr);
    EXPECT_EQ (format (again), format (def));
    EXPECT_EQ (get (again, METADATA_ELEMENT, "http://herp/"), subtree);
    /* replaced, not added */
    EXPECT_EQ (set (again, METADATA_ELEMENT, "<new/>", "h", "http://herp/"), 0);
    EXPECT_EQ (get (again, METADATA_ELEMENT, "http://herp/"), "<new/>");
    EXPECT_EQ (format (again).find ("derp"), std::string::npos);
    EXPECT_EQ (set (again, METADATA_ELEMENT, nullptr, nullptr, "http://herp/"), 0);
    get (again, METADATA_ELEMENT, "http://herp/", &code);
    EXPECT_EQ (code, ERR_NO_DOMAIN_METADATA);
    EXPECT_EQ (get (again, METADATA_ELEMENT, "http://other/"), "<o>x</o>");
}

TEST (Metadata, ElementOfNone)
{
    g_autoptr (DomainDef) def = parse (document (""));
    std::string before = format (def);

    EXPECT_EQ (set (def, METADATA_ELEMENT, nullptr, nullptr, "http://herp/"), 0);
    EXPECT_EQ (format (def), before);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<a><b/></a>", "k", "http://herp/"), 0);
    EXPECT_NE (format (def).find ("  <metadata>\n    <k:a xmlns:k=\"http://herp/\">\n      <k:b/>\n    </k:a>\n"
                                  "  </metadata>\n"),
               std::string::npos)
        << format (def);
}

TEST (Metadata, Refusals)
{
    g_autoptr (DomainDef) def = parse (document ("<title>x</title>"));
    std::string before = format (def), deep, large (XML_SIZE_MAX / 2, '&');

    EXPECT_EQ (set (def, METADATA_ELEMENT, "<a/>", "k", nullptr), ERR_INVALID_ARG);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<a/>", nullptr, "http://herp/"), ERR_INVALID_ARG);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<a/>", "k:k", "http://herp/"), ERR_INVALID_ARG);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<a/>", "", "http://herp/"), ERR_INVALID_ARG);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<a", "k", "http://herp/"), ERR_XML_DETAIL);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "", "k", "http://herp/"), ERR_XML_DETAIL);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<!DOCTYPE a><a/>", "k", "http://herp/"), ERR_XML);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<x:a xmlns:x='http://x/'/>", "k", "http://herp/"), ERR_XML);
    EXPECT_EQ (set (def, METADATA_ELEMENT, "<x:a xmlns:x='http://x/'/>", "x", "http://herp/"), ERR_XML);
    for (int i = 0; i < 63; i++)
        deep = "<a>" + deep + "</a>";
    EXPECT_EQ (set (def, METADATA_ELEMENT, deep.c_str (), "k", "http://herp/"), ERR_XML);
    EXPECT_EQ (set (def, METADATA_DESCRIPTION, large.c_str ()), ERR_XML);
    EXPECT_EQ (set (def, static_cast<MetadataType> (3), "x"), ERR_INVALID_ARG);
    EXPECT_EQ (format (def), before);
}

/* ---- status file */

std::string
status_error (const std::string &xml, int *code)
{
    GError *error = nullptr;
    g_autoptr (DomainStatus) status = domain_status_parse (xml.data (), xml.size (), &defaults, &error);
    Result result = take (error);

    EXPECT_EQ (status, nullptr);
    *code = result.code;
    return result.text;
}

TEST (Status, RoundTrip)
{
    g_autoptr (DomainStatus) status = domain_status_new ();
    NameValue *fact = g_new0 (NameValue, 1);

    status->def = parse (document ("<devices><console type='pty'/><interface type='ethernet'/></devices>"));
    status->next = parse (document ("<title>next</title>"));
    status->def->id = 4242;
    ConsoleDef *console = static_cast<ConsoleDef *> (g_ptr_array_index (status->def->consoles, 0));
    console->tty = g_strdup ("/dev/pts/3");
    console->source_path = g_strdup ("/dev/pts/3");
    console->alias = g_strdup ("console0");
    NetDef *net = static_cast<NetDef *> (g_ptr_array_index (status->def->nets, 0));
    net->ifname = g_strdup ("vnet0");
    net->guest_actual = g_strdup ("vnet1");
    status->state = 1;
    status->reason = 0;
    status->pid = 4242;
    status->pid_start = G_MAXUINT64;
    status->init_pid = 4243;
    status->init_start = 7;
    status->steps_begun = G_MAXUINT64;
    status->start_time = 1700000000000000;
    status->autodestroy = TRUE;
    status->exit_status = 0;
    fact->name = g_strdup ("scope");
    fact->value = g_strdup ("a'b<c>&\n");
    g_ptr_array_add (status->facts, fact);
    g_ptr_array_add (status->cgroups, g_strdup ("memory:/machine/<t>"));

    std::string one = take (domain_status_format (status));
    g_autoptr (GError) error = nullptr;
    g_autoptr (DomainStatus) again = domain_status_parse (one.data (), one.size (), &defaults, &error);
    ASSERT_NE (again, nullptr) << error->message;
    EXPECT_EQ (take (domain_status_format (again)), one);
    EXPECT_EQ (again->state, 1);
    EXPECT_EQ (again->reason, 0);
    EXPECT_EQ (again->pid, 4242);
    EXPECT_EQ (again->pid_start, G_MAXUINT64);
    EXPECT_EQ (again->init_pid, 4243);
    EXPECT_EQ (again->steps_begun, G_MAXUINT64);
    EXPECT_EQ (again->exit_status, 0);
    EXPECT_TRUE (again->autodestroy);
    EXPECT_EQ (again->def->id, 4242);
    EXPECT_STREQ (static_cast<NameValue *> (g_ptr_array_index (again->facts, 0))->value, "a'b<c>&\n");
    EXPECT_STREQ (static_cast<NetDef *> (g_ptr_array_index (again->def->nets, 0))->guest_actual, "vnet1");
    EXPECT_STREQ (static_cast<ConsoleDef *> (g_ptr_array_index (again->def->consoles, 0))->tty, "/dev/pts/3");
    EXPECT_STREQ (again->next->title, "next");
    EXPECT_EQ (again->next->id, -1);
}

TEST (Status, Refusals)
{
    int code;

    EXPECT_EQ (status_error ("<domstatus version='2'/>", &code),
               "status file of version 2, this program knows version 1 (line 1, /domstatus)");
    EXPECT_EQ (code, ERR_CONFIG_UNSUPPORTED);
    EXPECT_EQ (status_error ("<domstatus/>", &code),
               "Missing required attribute 'version' in element 'domstatus' (line 1, /domstatus)");
    EXPECT_EQ (status_error ("<domstatus version='1'/>", &code),
               "missing element 'domain' in element 'domstatus' (line 1, /domstatus)");
    status_error ("<domstatus version='1' wibble='1'>" + document ("") + "</domstatus>", &code);
    EXPECT_EQ (code, ERR_XML);
    status_error ("<domstatus version='1'>" + document ("<wibble/>") + "</domstatus>", &code);
    EXPECT_EQ (code, ERR_XML);
    status_error ("<domstatus version='1'>" + document ("") + document ("") + "</domstatus>", &code);
    EXPECT_EQ (code, ERR_XML);
    status_error ("<domstatus version='1' pid='-5'>" + document ("") + "</domstatus>", &code);
    EXPECT_EQ (code, ERR_XML);
    status_error ("", &code);
    EXPECT_EQ (code, ERR_XML_DETAIL);
}

/* ---- what only a live definition shows */

TEST (Format, Live)
{
    g_autoptr (DomainDef) def = parse (document ("<devices><console type='pty'/><interface type='ethernet'>"
                                                 "<target dev='vnet7'/></interface></devices>"));
    ConsoleDef *console = static_cast<ConsoleDef *> (g_ptr_array_index (def->consoles, 0));
    NetDef *net = static_cast<NetDef *> (g_ptr_array_index (def->nets, 0));

    EXPECT_EQ (net->ifname, nullptr);
    def->id = 77;
    console->tty = g_strdup ("/dev/pts/1");
    net->ifname = g_strdup ("vnet0");
    net->guest_actual = g_strdup ("vnet1");
    std::string live = take (domain_def_format (def, 0)), inactive = format (def);
    EXPECT_NE (live.find ("<domain type='lxc' id='77'>"), std::string::npos);
    EXPECT_NE (live.find ("<console type='pty' tty='/dev/pts/1'>"), std::string::npos);
    EXPECT_NE (live.find ("<target dev='vnet0'/>"), std::string::npos);
    EXPECT_EQ (live.find ("actual"), std::string::npos);
    EXPECT_EQ (inactive.find ("id='77'"), std::string::npos);
    EXPECT_EQ (inactive.find ("tty"), std::string::npos);
    EXPECT_EQ (inactive.find ("vnet"), std::string::npos);
}

/* ---- capabilities */

TEST (HostCapabilities, Format)
{
    g_autoptr (HostCapabilities) caps = g_new0 (HostCapabilities, 1);

    caps->uuid = g_strdup ("u");
    caps->arch = g_strdup ("x86_64");
    caps->arch32 = g_strdup ("i686");
    caps->emulator = g_strdup ("/a&b");
    EXPECT_EQ (take (capabilities_format (caps)),
               "<capabilities>\n\n"
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

/* ---- what has no effect */

std::vector<std::string>
words_of (const char *text)
{
    std::vector<std::string> words;
    gchar **split = g_strsplit (text ? text : "", " ", -1);

    for (gchar **word = split; *word; word++)
        if (**word)
            words.push_back (*word);
    g_strfreev (split);
    return words;
}

TEST (Passive, RowsAreComplete)
{
    static const std::regex attribute (
        "[A-Za-z_-]+(:(u|i|y|o|c|k|m|U|-|x[1248]|~?[A-Za-z0-9_-]+([|][A-Za-z0-9_-]+)*))?!?(=[^ ]+)?");
    static const std::regex child ("[A-Za-z0-9_-]+[*]?!?[+]?");
    std::set<std::string> names, all;

    for (const PassiveRow *row = passive_rows; row->element; row++) {
        std::string name = row->element;

        EXPECT_TRUE (all.insert (name).second) << name << " twice";
        name = name.substr (name.find ('/') + 1);
        names.insert (name.substr (0, name.find ('[')));
    }
    for (const PassiveRow *row = passive_rows; row->element; row++) {
        EXPECT_FALSE (row->children && row->text) << row->element;
        for (const auto &word : words_of (row->attrs))
            EXPECT_TRUE (std::regex_match (word, attribute)) << row->element << ": " << word;
        for (const auto &word : words_of (row->children)) {
            EXPECT_TRUE (std::regex_match (word, child)) << row->element << ": " << word;
            EXPECT_EQ (names.count (word.substr (0, word.find_first_of ("*!+"))), 1u)
                << row->element << ": no row for " << word;
        }
    }
}

TEST (Passive, IsListed)
{
    g_autoptr (DomainDef) def = parse (document (
        "<cpu mode='host-model'/><features><acpi/></features>"
        "<devices><sound model='ich6'/><disk type='block' snapshot='no'><source dev='/x'/>"
        "<target dev='sda'/><serial>x</serial></disk></devices>"));
    g_autoptr (GPtrArray) paths = domain_def_passive (def);
    std::set<std::string> found;

    for (guint i = 0; i < paths->len; i++)
        found.insert (static_cast<char *> (g_ptr_array_index (paths, i)));
    EXPECT_EQ (found, (std::set<std::string> { "/domain/cpu", "/domain/features/acpi",
                                               "/domain/devices/sound", "/domain/devices/disk/@snapshot",
                                               "/domain/devices/disk/serial" }));
    g_autoptr (DomainDef) none = parse (document (""));
    g_autoptr (GPtrArray) empty = domain_def_passive (none);
    EXPECT_EQ (empty->len, 0u);
}

/* ---- schema */

TEST (Schema, ErrorsNameTheirPlace)
{
    std::string xml = document ("\n<sound/>");
    GError *error = nullptr;

    EXPECT_FALSE (schema_validate ("domain", xml.data (), xml.size (), &error));
    Result result = take (error);
    EXPECT_EQ (result.code, ERR_XML_INVALID_SCHEMA);
    EXPECT_NE (result.text.find ("line"), std::string::npos) << result.text;
    error = nullptr;
    EXPECT_FALSE (schema_validate ("no-such-schema", xml.data (), xml.size (), &error));
    EXPECT_EQ (take (error).code, ERR_INTERNAL);
    error = nullptr;
    EXPECT_FALSE (schema_validate ("domain", "<a", 2, &error));
    EXPECT_EQ (take (error).code, ERR_XML_DETAIL);
}

} // namespace
