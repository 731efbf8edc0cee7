/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be done to a domain beside its life and its limits; much of it a daemon may refuse. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

bool
skep_domain_reset (SkepDomain *domain, SkepError *error)
{
    domain_reset_args in = { .dom = client_wire_domain (domain) };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_RESET, domain_reset, &in, error);
}

bool
skep_domain_set_vcpu (SkepDomain *domain, const char *list, bool on, unsigned flags, SkepError *error)
{
    domain_set_vcpu_args in = { .dom = client_wire_domain (domain), .cpumap = (char *) list, .state = on,
                                .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_VCPU, domain_set_vcpu, &in, error);
}

bool
skep_domain_guest_vcpus (SkepDomain *domain, SkepParams *ret_params, SkepError *error)
{
    domain_get_guest_vcpus_args in = { .dom = client_wire_domain (domain) };
    domain_get_guest_vcpus_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_GUEST_VCPUS, domain_get_guest_vcpus, &in, &out, error))
        return false;
    client_params_from_wire (out.params.params_val, out.params.params_len, ret_params);
    CLIENT_FREE (domain_get_guest_vcpus, &out);
    return true;
}

bool
skep_domain_set_guest_vcpus (SkepDomain *domain, const char *list, bool on, SkepError *error)
{
    domain_set_guest_vcpus_args in = { .dom = client_wire_domain (domain), .cpumap = (char *) list, .state = on };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_GUEST_VCPUS, domain_set_guest_vcpus, &in, error);
}

bool
skep_domain_trim (SkepDomain *domain, const char *mountpoint, uint64_t minimum, SkepError *error)
{
    char *text = (char *) mountpoint;
    domain_fstrim_args in = { .dom = client_wire_domain (domain), .mountPoint = CLIENT_STRING (text),
                              .minimum = minimum };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_FSTRIM, domain_fstrim, &in, error);
}

/* How many disks there are, without their errors, tells how many errors there can be. */
int
skep_domain_disk_errors (SkepDomain *domain, SkepDiskError **ret_errors, SkepError *error)
{
    domain_get_disk_errors_args in = { .dom = client_wire_domain (domain) };
    domain_get_disk_errors_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_DISK_ERRORS, domain_get_disk_errors, &in, &out, error))
        return -1;
    in.maxerrors = (unsigned) out.nerrors;
    CLIENT_FREE (domain_get_disk_errors, &out);
    out = (domain_get_disk_errors_ret){ 0 };
    if (in.maxerrors
        && !CLIENT_CALL (domain->conn, DOMAIN_GET_DISK_ERRORS, domain_get_disk_errors, &in, &out, error))
        return -1;
    n = out.errors.errors_len;
    *ret_errors = g_new0 (SkepDiskError, n + 1);
    for (unsigned i = 0; i < n; i++)
        (*ret_errors)[i] = (SkepDiskError){ g_strdup (out.errors.errors_val[i].disk),
                                            out.errors.errors_val[i].error };
    CLIENT_FREE (domain_get_disk_errors, &out);
    return (int) n;
}

void
skep_disk_errors_free (SkepDiskError *errors, int n)
{
    for (int i = 0; i < n; i++)
        free (errors[i].disk);
    free (errors);
}

bool
skep_domain_set_user_password (SkepDomain *domain, const char *user, const char *password, unsigned flags,
                               SkepError *error)
{
    char *name = (char *) user, *secret = (char *) password;
    domain_set_user_password_args in = { .dom = client_wire_domain (domain), .user = CLIENT_STRING (name),
                                         .password = CLIENT_STRING (secret), .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_USER_PASSWORD, domain_set_user_password, &in, error);
}

bool
skep_node_suspend (SkepConnection *conn, unsigned target, uint64_t duration, SkepError *error)
{
    node_suspend_for_duration_args in = { .target = target, .duration = duration };

    return CLIENT_CALL_VOID (conn, NODE_SUSPEND_FOR_DURATION, node_suspend_for_duration, &in, error);
}
