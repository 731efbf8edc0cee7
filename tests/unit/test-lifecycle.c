/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table as it stands, so that a change of what clients see is a decision (docs/lifecycle.md). States
 * are bits: 1 running 0x2, paused 0x8, shutdown 0x10, shutoff 0x20, crashed 0x40, no state 0x1. */
#include <glib.h>

#include "driver/daemon.h"
#include "driver/lifecycle.h"
#include "driver/settings.h"

static const char expected[] =
    "defined: from 0x7b to -1 reason -1 event 0/0 audit -\n"
    "redefined: from 0x7b to -1 reason -1 event 0/1 audit -\n"
    "undefined: from 0x7b to -1 reason -1 event 1/0 audit -\n"
    "renaming: from 0x21 to -1 reason -1 event 1/1 audit -\n"
    "renamed: from 0x21 to -1 reason -1 event 0/2 audit -\n"
    "started: from 0x21 to 1 reason 1 event 2/0 audit booted\n"
    "start failed: from 0x21 to 5 reason 6 event -1/0 audit booted\n"
    "readopted: from 0x21 to 1 reason 0 event -1/0 audit -\n"
    "readopted paused: from 0x21 to 3 reason 1 event -1/0 audit -\n"
    "readopted after a crash: from 0x21 to 6 reason 0 event -1/0 audit -\n"
    "suspended: from 0x2 to 3 reason 1 event 3/0 audit -\n"
    "resumed: from 0x8 to 1 reason 5 event 4/0 audit -\n"
    "shut down: from 0xa to 5 reason 1 event 5/0 audit shutdown\n"
    "crashed: from 0xa to 5 reason 3 event 5/0 audit shutdown\n"
    "destroyed: from 0x5a to 5 reason 2 event 5/1 audit destroyed\n"
    "controller died: from 0xa to 5 reason 6 event 5/5 audit failed\n"
    "rebooted: from 0xa to 1 reason 1 event -2/0 audit reboot\n"
    "reboot failed: from 0xa to 5 reason 6 event 5/5 audit reboot\n"
    "preserved: from 0xa to 6 reason 0 event 8/0 audit shutdown\n";

static void
test_table (void)
{
    g_autofree char *text = lifecycle_table_text ();

    g_assert_cmpstr (text, ==, expected);
}

/* An event that does not fit changes nothing; a transient domain leaves the list with its end. */
static void
test_apply (void)
{
    DomainDef *def = domain_def_new ();
    Domain *domain;

    daemon_state.settings = settings_new ();
    g_free (daemon_state.settings->run_dir);
    daemon_state.settings->run_dir = g_strdup ("/nonexistent");
    daemon_state.domains = domain_list_new ();
    def->name = g_strdup ("t");
    def->id = -1;
    domain = domain_ref (domain_list_add (daemon_state.domains, def, FALSE));
    g_assert_false (lifecycle_apply (domain, LIFE_SUSPENDED));
    g_assert_cmpint (domain->state, ==, STATE_SHUTOFF);
    g_assert_true (lifecycle_apply (domain, LIFE_READOPTED));
    g_assert_true (domain_active (domain));
    domain_list_set_id (daemon_state.domains, domain, 7);
    g_assert_true (domain_list_find_id (daemon_state.domains, 7) == domain);
    g_assert_true (lifecycle_apply (domain, LIFE_CRASHED));
    g_assert_cmpint (domain->reason, ==, 3);
    g_assert_cmpint (domain->def->id, ==, -1);
    g_assert_true (domain->removing);
    g_assert_null (domain_list_find_name (daemon_state.domains, "t"));
    g_assert_null (domain_list_find_id (daemon_state.domains, 7));
    domain_unref (domain);
    domain_list_free (daemon_state.domains);
    settings_free (daemon_state.settings);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/lifecycle/table", test_table);
    g_test_add_func ("/lifecycle/apply", test_apply);
    return g_test_run ();
}
