/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the table of settings for man.py: file, key, type and default, with tabs between. */
#include <stdio.h>

#include "driver/settings.h"

int
main (void)
{
    static const char *const types[] = {
        [SETTING_BOOL] = "bool",     [SETTING_UINT] = "number",  [SETTING_INT] = "number",
        [SETTING_UINT64] = "number", [SETTING_OCTAL] = "string", [SETTING_STRING] = "string",
    };

    for (const SettingRow *row = setting_rows; row->key; row++)
        printf ("%s\t%s\t%s\t%s\n", row->file, row->key, types[row->type], row->initial);
    return 0;
}
