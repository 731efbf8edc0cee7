/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words for libvirt's numbers: states, reasons, lifecycle events. */
#include "client/client_private.h"

#include "util/strtab.h"

STRING_TABLE (state_names, 8, "no state", "running", "idle", "paused", "in shutdown", "shut off",
              "crashed", "pmsuspended");

STRING_TABLE (nostate_reasons, 1, "unknown");
STRING_TABLE (running_reasons, 12, "unknown", "booted", "migrated", "restored", "from snapshot",
              "unpaused", "migration canceled", "save canceled", "event wakeup", "crashed",
              "post-copy", "post-copy failed");
STRING_TABLE (paused_reasons, 14, "unknown", "user", "migrating", "saving", "dumping", "I/O error",
              "watchdog", "from snapshot", "shutting down", "creating snapshot", "crashed",
              "starting up", "post-copy", "post-copy failed");
STRING_TABLE (shutdown_reasons, 2, "unknown", "user");
STRING_TABLE (shutoff_reasons, 9, "unknown", "shutdown", "destroyed", "crashed", "migrated",
              "saved", "failed", "from snapshot", "daemon");
STRING_TABLE (crashed_reasons, 2, "unknown", "panicked");

static const StringTable *const reasons_of_state[] = {
    &nostate_reasons,  &running_reasons, &nostate_reasons, &paused_reasons,
    &shutdown_reasons, &shutoff_reasons, &crashed_reasons, &nostate_reasons,
};

STRING_TABLE (lifecycle_names, 9, "Defined", "Undefined", "Started", "Suspended", "Resumed",
              "Stopped", "Shutdown", "PMSuspended", "Crashed");

STRING_TABLE (defined_details, 4, "Added", "Updated", "Renamed", "Snapshot");
STRING_TABLE (undefined_details, 2, "Removed", "Renamed");
STRING_TABLE (started_details, 5, "Booted", "Migrated", "Restored", "Snapshot", "Event wakeup");
STRING_TABLE (suspended_details, 9, "Paused", "Migrated", "I/O Error", "Watchdog", "Restored",
              "Snapshot", "API error", "Post-copy", "Post-copy Error");
STRING_TABLE (resumed_details, 5, "Unpaused", "Migrated", "Snapshot", "Post-copy",
              "Post-copy Error");
STRING_TABLE (stopped_details, 7, "Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed",
              "Snapshot");
STRING_TABLE (shutdown_details, 3, "Finished", "Finished after guest request",
              "Finished after host request");
STRING_TABLE (pmsuspended_details, 2, "Memory", "Disk");
STRING_TABLE (crashed_details, 2, "Panicked", "Crashloaded");

static const StringTable *const details_of_lifecycle[] = {
    &defined_details,   &undefined_details,   &started_details,
    &suspended_details, &resumed_details,     &stopped_details,
    &shutdown_details,  &pmsuspended_details, &crashed_details,
};

static const char *
name_or (const StringTable *table, int value, const char *otherwise)
{
    const char *name = value >= 0 ? string_table_name (table, (unsigned) value) : NULL;

    return name ? name : otherwise;
}

const char *
skep_state_name (int state)
{
    return name_or (&state_names, state, "no state");
}

const char *
skep_state_reason_name (int state, int reason)
{
    if (state < 0 || state >= (int) G_N_ELEMENTS (reasons_of_state))
        return "unknown";
    return name_or (reasons_of_state[state], reason, "unknown");
}

const char *
skep_lifecycle_name (int event)
{
    return name_or (&lifecycle_names, event, "unknown");
}

const char *
skep_lifecycle_detail_name (int event, int detail)
{
    if (event < 0 || event >= (int) G_N_ELEMENTS (details_of_lifecycle))
        return "unknown";
    return name_or (details_of_lifecycle[event], detail, "unknown");
}
