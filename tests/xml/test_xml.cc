/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The corpora of this directory.
 *
 * in/NAME.xml is read, and must be written as out/NAME.xml; that is read and written again without a change,
 * and both validate. err/NAME.xml is refused as err/NAME.txt says: code, whether the schema refuses it too
 * (what only a program can judge, it cannot), text. SKEP_TEST_REGENERATE=1 writes out/ and the .txt files
 * instead: look at the difference before you commit it.
 */
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "conf/domain.h"
#include "conf/schema.h"
}

namespace {

namespace fs = std::filesystem;

const DomainDefaults defaults = { "x86_64", "i686", "/usr/libexec/skep/skep-controller", "none" };
const fs::path corpus = SKEP_TEST_CORPUS;

bool
regenerate ()
{
    return g_getenv ("SKEP_TEST_REGENERATE") != nullptr;
}

std::string
slurp (const fs::path &path)
{
    std::ifstream file (path, std::ios::binary);
    std::ostringstream text;

    text << file.rdbuf ();
    return text.str ();
}

std::vector<std::string>
names (const char *kind)
{
    std::vector<std::string> found;

    for (const auto &entry : fs::directory_iterator (corpus / kind))
        if (entry.path ().extension () == ".xml")
            found.push_back (entry.path ().stem ().string ());
    std::sort (found.begin (), found.end ());
    return found;
}

struct Failure {
    int code = 0;
    std::string text;
};

DomainDef *
parse (const std::string &xml, guint flags, Failure *failure = nullptr)
{
    GError *error = nullptr;
    DomainDef *def = domain_def_parse (xml.data (), xml.size (), &defaults, flags, &error);

    EXPECT_EQ (def == nullptr, error != nullptr);
    if (failure && error)
        *failure = { error->code, error->message };
    else if (error)
        ADD_FAILURE () << error->message;
    g_clear_error (&error);
    return def;
}

std::string
format (const DomainDef *def, guint flags)
{
    char *xml = domain_def_format (def, flags);
    std::string text = xml;

    g_free (xml);
    return text;
}

bool
validates (const std::string &xml, std::string *why = nullptr)
{
    GError *error = nullptr;
    bool valid = schema_validate ("domain", xml.data (), xml.size (), &error);

    if (why && error)
        *why = error->message;
    g_clear_error (&error);
    return valid;
}

/* What is generated is different each time. */
std::string
without_random (const std::string &in, std::string out)
{
    if (in.find ("<uuid>") == std::string::npos)
        out = std::regex_replace (out, std::regex ("<uuid>.*</uuid>"), "<uuid>RANDOM</uuid>");
    if (in.find ("<mac ") == std::string::npos)
        out = std::regex_replace (out, std::regex ("52:54:00(:[0-9a-f]{2}){3}"), "52:54:00:RA:ND:OM");
    if (in.find ("interfaceid=") == std::string::npos)
        out = std::regex_replace (out, std::regex ("interfaceid='[^']*'"), "interfaceid='RANDOM'");
    return out;
}

class In : public testing::TestWithParam<std::string> {};
class Err : public testing::TestWithParam<std::string> {};

TEST_P (In, IsWrittenAsOut)
{
    std::string in = slurp (corpus / "in" / (GetParam () + ".xml"));
    fs::path path = corpus / "out" / (GetParam () + ".xml");
    g_autoptr (DomainDef) def = parse (in, 0);

    ASSERT_NE (def, nullptr);
    std::string out = without_random (in, format (def, DOMAIN_FORMAT_INACTIVE));
    if (regenerate ())
        std::ofstream (path, std::ios::binary) << out;
    EXPECT_EQ (slurp (path), out);
}

TEST_P (In, RoundTripIsStable)
{
    std::string in = slurp (corpus / "in" / (GetParam () + ".xml"));
    g_autoptr (DomainDef) def = parse (in, 0);

    ASSERT_NE (def, nullptr);
    std::string one = format (def, DOMAIN_FORMAT_INACTIVE);
    g_autoptr (DomainDef) again = parse (one, 0);
    ASSERT_NE (again, nullptr);
    EXPECT_EQ (one, format (again, DOMAIN_FORMAT_INACTIVE));
    g_autoptr (DomainDef) copy = domain_def_copy (def);
    EXPECT_EQ (one, format (copy, DOMAIN_FORMAT_INACTIVE));
}

TEST_P (In, LiveRoundTripIsStable)
{
    std::string in = slurp (corpus / "in" / (GetParam () + ".xml"));
    g_autoptr (DomainDef) def = parse (in, DOMAIN_PARSE_LIVE);

    ASSERT_NE (def, nullptr);
    std::string one = format (def, DOMAIN_FORMAT_STATUS);
    g_autoptr (DomainDef) again = parse (one, DOMAIN_PARSE_LIVE);
    ASSERT_NE (again, nullptr);
    EXPECT_EQ (one, format (again, DOMAIN_FORMAT_STATUS));
}

TEST_P (In, Validates)
{
    std::string in = slurp (corpus / "in" / (GetParam () + ".xml")), why;
    g_autoptr (DomainDef) def = parse (in, DOMAIN_PARSE_VALIDATE);

    ASSERT_NE (def, nullptr);
    EXPECT_TRUE (validates (format (def, DOMAIN_FORMAT_INACTIVE), &why)) << why;
    EXPECT_TRUE (validates (format (def, 0), &why)) << why;
}

TEST_P (Err, IsRefusedAsExpected)
{
    std::string xml = slurp (corpus / "err" / (GetParam () + ".xml"));
    fs::path path = corpus / "err" / (GetParam () + ".txt");
    Failure failure;
    g_autoptr (DomainDef) def = parse (xml, 0, &failure);

    ASSERT_EQ (def, nullptr) << "accepted";
    std::string result = std::to_string (failure.code) + "\n"
        + (validates (xml) ? "the schema accepts it\n" : "the schema refuses it\n") + failure.text + "\n";
    if (regenerate ())
        std::ofstream (path, std::ios::binary) << result;
    EXPECT_EQ (slurp (path), result);
}

std::string
test_name (const testing::TestParamInfo<std::string> &info)
{
    std::string name = info.param;

    std::replace (name.begin (), name.end (), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P (Xml, In, testing::ValuesIn (names ("in")), test_name);
INSTANTIATE_TEST_SUITE_P (Xml, Err, testing::ValuesIn (names ("err")), test_name);

/* An element or attribute that no document of in/ has is not tested at all. */
TEST (Corpus, HasEveryNameOfTheSchema)
{
    std::string all;
    std::regex declared ("<(element|attribute) name=\"([^\"]+)\"");
    std::set<std::string> missing;

    for (const auto &name : names ("in"))
        all += slurp (corpus / "in" / (name + ".xml"));
    for (const auto &entry : fs::directory_iterator (g_getenv ("SKEP_SCHEMA_DIR"))) {
        if (entry.path ().filename ().string ().rfind ("domain", 0) != 0)
            continue;
        std::string schema = slurp (entry.path ());

        for (std::sregex_iterator it (schema.begin (), schema.end (), declared), end; it != end; ++it) {
            std::string name = (*it)[2];
            bool element = (*it)[1] == "element";
            std::regex used (element ? "<(lxc:)?" + name + "[ />]" : "[ \n]" + name + "=['\"]");

            if (!std::regex_search (all, used))
                missing.insert ((element ? "<" : "@") + name);
        }
    }
    EXPECT_TRUE (missing.empty ()) << [&] {
        std::string text;

        for (const auto &name : missing)
            text += name + " ";
        return text;
    } ();
}

/* The error cases find every refusal of the schema's; without one, a test of them proves nothing. */
TEST (Corpus, HasEnoughCases)
{
    EXPECT_GT (names ("in").size (), 60u);
    EXPECT_GT (names ("err").size (), 150u);
}

} // namespace
