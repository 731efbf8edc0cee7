// SPDX-License-Identifier: LGPL-2.1-or-later
// skep.h stands alone, for C++ too, and the library exports what it declares and nothing else.
#include "client/skep.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <regex>
#include <set>
#include <string>

static std::set<std::string>
declared ()
{
    std::ifstream file (SKEP_HEADER);
    std::string text ((std::istreambuf_iterator<char> (file)), std::istreambuf_iterator<char> ());
    std::regex function ("\\b(skep_\\w+) \\([A-Za-z]");
    std::set<std::string> names;

    text = std::regex_replace (text, std::regex ("/\\*[^]*?\\*/"), "");
    for (std::sregex_iterator at (text.begin (), text.end (), function), end; at != end; ++at)
        names.insert ((*at)[1]);
    return names;
}

static std::set<std::string>
exported (const char *library)
{
    std::string command = std::string ("nm -D --defined-only '") + library + "'";
    FILE *pipe = popen (command.c_str (), "r");
    std::set<std::string> names;
    char address[64], kind[8], name[256];

    while (pipe && fscanf (pipe, "%63s %7s %255s", address, kind, name) == 3)
        if (kind[0] == 'T')
            names.insert (std::string (name).substr (0, std::string (name).find ('@')));
    if (pipe)
        pclose (pipe);
    return names;
}

TEST (SkepHeader, LibraryExportsWhatItDeclares)
{
    const char *library = getenv ("LIBSKEP");

    ASSERT_NE (library, nullptr);
    EXPECT_GT (declared ().size (), 80u);
    EXPECT_EQ (declared (), exported (library));
}

TEST (SkepHeader, WorksFromCxx)
{
    SkepError error = {};
    SkepParams params = {};

    EXPECT_EQ (skep_connect_socket ("/nonexistent/skep-sock", 0, &error), nullptr);
    EXPECT_EQ (error.code, SKEP_ERROR_SYSTEM);
    skep_error_clear (&error);
    skep_params_add_number (&params, "n", SKEP_ULLONG, 3);
    EXPECT_EQ (skep_params_find (&params, "n")->value.ul, 3u);
    skep_params_clear (&params);
}
