/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is looked up inside a container, long work, devices, and bulk statistics. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- Bulk statistics ---- */

int
skep_stats (SkepConnection *conn, SkepDomain *const *domains, unsigned n_domains, unsigned groups,
            unsigned flags, SkepStats **ret_stats, SkepError *error)
{
    g_autofree wire_domain *wire = g_new0 (wire_domain, n_domains + 1);
    connect_get_all_domain_stats_args in = { .doms = { n_domains, wire },
                                             .stats = groups,
                                             .flags = flags };
    connect_get_all_domain_stats_ret out = { 0 };
    unsigned n;

    for (unsigned i = 0; i < n_domains; i++)
        wire[i] = client_wire_domain (domains[i]);
    if (!CLIENT_CALL (conn, CONNECT_GET_ALL_DOMAIN_STATS, connect_get_all_domain_stats, &in, &out,
                      error))
        return -1;
    n = out.retStats.retStats_len;
    *ret_stats = g_new0 (SkepStats, n + 1);
    for (unsigned i = 0; i < n; i++) {
        const wire_domain_stats_record *record = &out.retStats.retStats_val[i];

        (*ret_stats)[i].domain = client_domain_new (conn, &record->dom);
        client_params_from_wire (record->params.params_val, record->params.params_len,
                                 &(*ret_stats)[i].values);
    }
    CLIENT_FREE (connect_get_all_domain_stats, &out);
    return (int) n;
}

void
skep_stats_free (SkepStats *stats, int n)
{
    for (int i = 0; i < n; i++) {
        skep_domain_free (stats[i].domain);
        skep_params_clear (&stats[i].values);
    }
    free (stats);
}

bool
skep_domain_block_info (SkepDomain *domain, const char *disk, SkepBlockInfo *ret_info,
                        SkepError *error)
{
    domain_get_block_info_args in = { .dom = client_wire_domain (domain), .path = (char *) disk };
    domain_get_block_info_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_BLOCK_INFO, domain_get_block_info, &in, &out, error))
        return false;
    *ret_info = (SkepBlockInfo){ out.capacity, out.allocation, out.physical };
    return true;
}

/* ---- Addresses, names, file systems ---- */

int
skep_domain_interfaces (SkepDomain *domain, unsigned source, SkepInterface **ret_interfaces,
                        SkepError *error)
{
    domain_interface_addresses_args in = { .dom = client_wire_domain (domain), .source = source };
    domain_interface_addresses_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL (domain->conn, DOMAIN_INTERFACE_ADDRESSES, domain_interface_addresses, &in,
                      &out, error))
        return -1;
    n = out.ifaces.ifaces_len;
    *ret_interfaces = g_new0 (SkepInterface, n + 1);
    for (unsigned i = 0; i < n; i++) {
        const wire_domain_interface *from = &out.ifaces.ifaces_val[i];
        SkepInterface *to = &(*ret_interfaces)[i];

        to->name = g_strdup (from->name);
        to->mac = from->hwaddr ? g_strdup (*from->hwaddr) : NULL;
        to->n_addresses = from->addrs.addrs_len;
        to->addresses = g_new0 (SkepAddress, to->n_addresses + 1);
        for (unsigned a = 0; a < to->n_addresses; a++) {
            const wire_domain_ip_addr *address = &from->addrs.addrs_val[a];

            to->addresses[a]
                = (SkepAddress){ address->type, address->prefix, g_strdup (address->addr) };
        }
    }
    CLIENT_FREE (domain_interface_addresses, &out);
    return (int) n;
}

void
skep_interfaces_free (SkepInterface *interfaces, int n)
{
    for (int i = 0; i < n; i++) {
        for (unsigned a = 0; a < interfaces[i].n_addresses; a++)
            free (interfaces[i].addresses[a].text);
        free (interfaces[i].addresses);
        free (interfaces[i].name);
        free (interfaces[i].mac);
    }
    free (interfaces);
}

char *
skep_domain_hostname (SkepDomain *domain, unsigned flags, SkepError *error)
{
    domain_get_hostname_args in = { .dom = client_wire_domain (domain), .flags = flags };
    domain_get_hostname_ret out = { 0 };
    char *name;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_HOSTNAME, domain_get_hostname, &in, &out, error))
        return NULL;
    name = g_strdup (out.hostname);
    CLIENT_FREE (domain_get_hostname, &out);
    return name;
}

bool
skep_domain_guest_info (SkepDomain *domain, unsigned types, SkepParams *ret_params,
                        SkepError *error)
{
    domain_get_guest_info_args in = { .dom = client_wire_domain (domain), .types = types };
    domain_get_guest_info_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_GUEST_INFO, domain_get_guest_info, &in, &out, error))
        return false;
    client_params_from_wire (out.params.params_val, out.params.params_len, ret_params);
    CLIENT_FREE (domain_get_guest_info, &out);
    return true;
}

int
skep_domain_filesystems (SkepDomain *domain, SkepFilesystem **ret_filesystems, SkepError *error)
{
    domain_get_fsinfo_args in = { .dom = client_wire_domain (domain) };
    domain_get_fsinfo_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_FSINFO, domain_get_fsinfo, &in, &out, error))
        return -1;
    n = out.info.info_len;
    *ret_filesystems = g_new0 (SkepFilesystem, n + 1);
    for (unsigned i = 0; i < n; i++) {
        const wire_domain_fsinfo *from = &out.info.info_val[i];
        SkepFilesystem *to = &(*ret_filesystems)[i];

        to->mountpoint = g_strdup (from->mountpoint);
        to->name = g_strdup (from->name);
        to->type = g_strdup (from->fstype);
        to->targets = g_new0 (char *, from->dev_aliases.dev_aliases_len + 1);
        for (unsigned d = 0; d < from->dev_aliases.dev_aliases_len; d++)
            to->targets[d] = g_strdup (from->dev_aliases.dev_aliases_val[d]);
    }
    CLIENT_FREE (domain_get_fsinfo, &out);
    return (int) n;
}

void
skep_filesystems_free (SkepFilesystem *filesystems, int n)
{
    for (int i = 0; i < n; i++) {
        free (filesystems[i].mountpoint);
        free (filesystems[i].name);
        free (filesystems[i].type);
        skep_strings_free (filesystems[i].targets);
    }
    free (filesystems);
}

int
skep_domain_freeze (SkepDomain *domain, const char *const *mountpoints, unsigned n,
                    SkepError *error)
{
    domain_fsfreeze_args in = { .dom = client_wire_domain (domain),
                                .mountpoints = { n, (char **) mountpoints } };
    domain_fsfreeze_ret out = { 0 };

    return CLIENT_CALL (domain->conn, DOMAIN_FSFREEZE, domain_fsfreeze, &in, &out, error)
             ? out.filesystems
             : -1;
}

int
skep_domain_thaw (SkepDomain *domain, const char *const *mountpoints, unsigned n, SkepError *error)
{
    domain_fsthaw_args in = { .dom = client_wire_domain (domain),
                              .mountpoints = { n, (char **) mountpoints } };
    domain_fsthaw_ret out = { 0 };

    return CLIENT_CALL (domain->conn, DOMAIN_FSTHAW, domain_fsthaw, &in, &out, error)
             ? out.filesystems
             : -1;
}

bool
skep_domain_time (SkepDomain *domain, int64_t *ret_seconds, unsigned *ret_nseconds,
                  SkepError *error)
{
    domain_get_time_args in = { .dom = client_wire_domain (domain) };
    domain_get_time_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_TIME, domain_get_time, &in, &out, error))
        return false;
    *ret_seconds = out.seconds;
    *ret_nseconds = out.nseconds;
    return true;
}

bool
skep_domain_set_time (SkepDomain *domain, int64_t seconds, unsigned nseconds, unsigned flags,
                      SkepError *error)
{
    domain_set_time_args in = { .dom = client_wire_domain (domain),
                                .seconds = seconds,
                                .nseconds = nseconds,
                                .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_TIME, domain_set_time, &in, error);
}

/* ---- Long work ---- */

bool
skep_domain_job (SkepDomain *domain, unsigned flags, int *ret_type, SkepParams *ret_params,
                 SkepError *error)
{
    domain_get_job_stats_args in = { .dom = client_wire_domain (domain), .flags = flags };
    domain_get_job_stats_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_JOB_STATS, domain_get_job_stats, &in, &out, error))
        return false;
    *ret_type = out.type;
    client_params_from_wire (out.params.params_val, out.params.params_len, ret_params);
    CLIENT_FREE (domain_get_job_stats, &out);
    return true;
}

bool
skep_domain_abort_job (SkepDomain *domain, SkepError *error)
{
    domain_abort_job_args in = { .dom = client_wire_domain (domain) };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_ABORT_JOB, domain_abort_job, &in, error);
}

/* ---- Devices and other changes ---- */

#define DEVICE_CALL(function, PROC, wire, field)                                                   \
    bool function (SkepDomain *domain, const char *what, unsigned flags, SkepError *error)         \
    {                                                                                              \
        wire##_args in = { .dom = client_wire_domain (domain),                                     \
                           .field = (char *) what,                                                 \
                           .flags = flags };                                                       \
                                                                                                   \
        return CLIENT_CALL_VOID (domain->conn, PROC, wire, &in, error);                            \
    }

/* clang-format off */
DEVICE_CALL (skep_domain_attach_device, DOMAIN_ATTACH_DEVICE_FLAGS, domain_attach_device_flags, xml)
DEVICE_CALL (skep_domain_detach_device, DOMAIN_DETACH_DEVICE_FLAGS, domain_detach_device_flags, xml)
DEVICE_CALL (skep_domain_detach_alias, DOMAIN_DETACH_DEVICE_ALIAS, domain_detach_device_alias, alias)
DEVICE_CALL (skep_domain_update_device, DOMAIN_UPDATE_DEVICE_FLAGS, domain_update_device_flags, xml)
/* clang-format on */

bool
skep_domain_rename (SkepDomain *domain, const char *name, SkepError *error)
{
    char *text = (char *) name;
    domain_rename_args in = { .dom = client_wire_domain (domain), .new_name = &text };
    domain_rename_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_RENAME, domain_rename, &in, &out, error))
        return false;
    free (domain->name);
    domain->name = g_strdup (name);
    return true;
}

bool
skep_domain_set_lifecycle_action (SkepDomain *domain, unsigned event, unsigned action,
                                  unsigned flags, SkepError *error)
{
    domain_set_lifecycle_action_args in = { .dom = client_wire_domain (domain),
                                            .type = event,
                                            .action = action,
                                            .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_LIFECYCLE_ACTION, domain_set_lifecycle_action,
                             &in, error);
}
