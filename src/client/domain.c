/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding domains, their life and their state. */
#include "client/client_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- Handles ---- */

wire_domain
client_wire_domain (const SkepDomain *domain)
{
    wire_domain wire = { .name = domain->name, .id = domain->id };

    memcpy (wire.uuid, domain->uuid, sizeof wire.uuid);
    return wire;
}

SkepDomain *
client_domain_new (SkepConnection *conn, const wire_domain *wire)
{
    SkepDomain *domain = g_new0 (SkepDomain, 1);

    domain->conn = conn;
    domain->name = g_strdup (wire->name);
    memcpy (domain->uuid, wire->uuid, sizeof domain->uuid);
    domain->id = wire->id;
    return domain;
}

void
skep_domain_free (SkepDomain *domain)
{
    if (!domain)
        return;
    free (domain->name);
    free (domain);
}

void
skep_domain_uuid_text (const SkepDomain *domain, char ret_text[37])
{
    static const char dash_before[] = { 4, 6, 8, 10 };
    char *at = ret_text;

    for (unsigned i = 0; i < 16; i++) {
        if (memchr (dash_before, (int) i, sizeof dash_before))
            *at++ = '-';
        at += sprintf (at, "%02x", domain->uuid[i]);
    }
}

/* ---- Rows: the shapes of calls on one domain ---- */

#define DOMAIN_ACTION(function, PROC, wire)                                                        \
    bool function (SkepDomain *domain, SkepError *error)                                           \
    {                                                                                              \
        wire##_args in = { .dom = client_wire_domain (domain) };                                   \
                                                                                                   \
        return CLIENT_CALL_VOID (domain->conn, PROC, wire, &in, error);                            \
    }

/* Flags 0 take the older call, which every daemon has. */
#define DOMAIN_ACTION_OR_FLAGS(function, PROC, wire)                                               \
    bool function (SkepDomain *domain, unsigned flags, SkepError *error)                           \
    {                                                                                              \
        wire##_args old = { .dom = client_wire_domain (domain) };                                  \
        wire##_flags_args in = { .dom = client_wire_domain (domain), .flags = flags };             \
                                                                                                   \
        if (!flags)                                                                                \
            return CLIENT_CALL_VOID (domain->conn, PROC, wire, &old, error);                       \
        return CLIENT_CALL_VOID (domain->conn, PROC##_FLAGS, wire##_flags, &in, error);            \
    }

#define DOMAIN_NUMBER(function, PROC, wire, field)                                                 \
    int function (SkepDomain *domain, SkepError *error)                                            \
    {                                                                                              \
        wire##_args in = { .dom = client_wire_domain (domain) };                                   \
        wire##_ret out = { 0 };                                                                    \
                                                                                                   \
        return CLIENT_CALL (domain->conn, PROC, wire, &in, &out, error) ? out.field : -1;          \
    }

#define DOMAIN_STRING_FLAGS(function, PROC, wire, field)                                           \
    char *function (SkepDomain *domain, unsigned flags, SkepError *error)                          \
    {                                                                                              \
        wire##_args in = { .dom = client_wire_domain (domain), .flags = flags };                   \
        wire##_ret out = { 0 };                                                                    \
        char *text;                                                                                \
                                                                                                   \
        if (!CLIENT_CALL (domain->conn, PROC, wire, &in, &out, error))                             \
            return NULL;                                                                           \
        text = g_strdup (out.field);                                                               \
        CLIENT_FREE (wire, &out);                                                                  \
        return text;                                                                               \
    }

/* Calls that answer a domain handle. */
#define DOMAIN_FROM(PROC, wire, conn, in, error)                                                   \
    ({                                                                                             \
        wire##_ret out_ = { 0 };                                                                   \
        SkepDomain *made_ = NULL;                                                                  \
                                                                                                   \
        if (CLIENT_CALL (conn, PROC, wire, in, &out_, error)) {                                    \
            made_ = client_domain_new (conn, &out_.dom);                                           \
            CLIENT_FREE (wire, &out_);                                                             \
        }                                                                                          \
        made_;                                                                                     \
    })

/* clang-format off */
DOMAIN_ACTION (skep_domain_suspend, DOMAIN_SUSPEND, domain_suspend)
DOMAIN_ACTION (skep_domain_resume, DOMAIN_RESUME, domain_resume)
DOMAIN_ACTION_OR_FLAGS (skep_domain_shutdown, DOMAIN_SHUTDOWN, domain_shutdown)
DOMAIN_ACTION_OR_FLAGS (skep_domain_destroy, DOMAIN_DESTROY, domain_destroy)
DOMAIN_ACTION_OR_FLAGS (skep_domain_undefine, DOMAIN_UNDEFINE, domain_undefine)
DOMAIN_NUMBER (skep_domain_is_active, DOMAIN_IS_ACTIVE, domain_is_active, active)
DOMAIN_NUMBER (skep_domain_is_persistent, DOMAIN_IS_PERSISTENT, domain_is_persistent, persistent)
DOMAIN_NUMBER (skep_domain_autostart, DOMAIN_GET_AUTOSTART, domain_get_autostart, autostart)
DOMAIN_NUMBER (skep_domain_has_managed_save, DOMAIN_HAS_MANAGED_SAVE_IMAGE, domain_has_managed_save_image, result)
DOMAIN_STRING_FLAGS (skep_domain_xml, DOMAIN_GET_XML_DESC, domain_get_xml_desc, xml)
/* clang-format on */

bool
skep_domain_remove_managed_save (SkepDomain *domain, SkepError *error)
{
    domain_managed_save_remove_args in = { .dom = client_wire_domain (domain) };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_MANAGED_SAVE_REMOVE, domain_managed_save_remove, &in,
                             error);
}

bool
skep_domain_reboot (SkepDomain *domain, unsigned flags, SkepError *error)
{
    domain_reboot_args in = { .dom = client_wire_domain (domain), .flags = flags };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_REBOOT, domain_reboot, &in, error);
}

bool
skep_domain_set_autostart (SkepDomain *domain, bool on, SkepError *error)
{
    domain_set_autostart_args in = { .dom = client_wire_domain (domain), .autostart = on };

    return CLIENT_CALL_VOID (domain->conn, DOMAIN_SET_AUTOSTART, domain_set_autostart, &in, error);
}

char *
skep_domain_os_type (SkepDomain *domain, SkepError *error)
{
    domain_get_os_type_args in = { .dom = client_wire_domain (domain) };
    domain_get_os_type_ret out = { 0 };
    char *text;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_OS_TYPE, domain_get_os_type, &in, &out, error))
        return NULL;
    text = g_strdup (out.type);
    CLIENT_FREE (domain_get_os_type, &out);
    return text;
}

/* ---- Lists and look-ups ---- */

int
skep_list_domains (SkepConnection *conn, unsigned flags, SkepDomain ***ret_domains,
                   SkepError *error)
{
    connect_list_all_domains_args in = { .need_results = 1, .flags = flags };
    connect_list_all_domains_ret out = { 0 };
    unsigned n;

    if (!CLIENT_CALL (conn, CONNECT_LIST_ALL_DOMAINS, connect_list_all_domains, &in, &out, error))
        return -1;
    n = out.domains.domains_len;
    *ret_domains = g_new0 (SkepDomain *, n + 1);
    for (unsigned i = 0; i < n; i++)
        (*ret_domains)[i] = client_domain_new (conn, &out.domains.domains_val[i]);
    CLIENT_FREE (connect_list_all_domains, &out);
    return (int) n;
}

void
skep_domain_list_free (SkepDomain **domains)
{
    for (SkepDomain **domain = domains; domain && *domain; domain++)
        skep_domain_free (*domain);
    free (domains);
}

SkepDomain *
skep_domain_by_id (SkepConnection *conn, int id, SkepError *error)
{
    domain_lookup_by_id_args in = { .id = id };

    return DOMAIN_FROM (DOMAIN_LOOKUP_BY_ID, domain_lookup_by_id, conn, &in, error);
}

SkepDomain *
skep_domain_by_name (SkepConnection *conn, const char *name, SkepError *error)
{
    domain_lookup_by_name_args in = { .name = (char *) name };

    return DOMAIN_FROM (DOMAIN_LOOKUP_BY_NAME, domain_lookup_by_name, conn, &in, error);
}

SkepDomain *
skep_domain_by_uuid (SkepConnection *conn, const uint8_t uuid[16], SkepError *error)
{
    domain_lookup_by_uuid_args in;

    memcpy (in.uuid, uuid, sizeof in.uuid);
    return DOMAIN_FROM (DOMAIN_LOOKUP_BY_UUID, domain_lookup_by_uuid, conn, &in, error);
}

SkepDomain *
skep_domain_find (SkepConnection *conn, const char *text, SkepError *error)
{
    SkepDomain *domain = NULL;
    uint8_t uuid[16];
    guint64 id;

    if (*text && strspn (text, "0123456789") == strlen (text)
        && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &id, NULL))
        domain = skep_domain_by_id (conn, (int) id, NULL);
    if (!domain && client_uuid_bytes (text, uuid))
        domain = skep_domain_by_uuid (conn, uuid, NULL);
    return domain ? domain : skep_domain_by_name (conn, text, error);
}

/* ---- Making and starting ---- */

SkepDomain *
skep_domain_define (SkepConnection *conn, const char *xml, unsigned flags, SkepError *error)
{
    domain_define_xml_args old = { .xml = (char *) xml };
    domain_define_xml_flags_args in = { .xml = (char *) xml, .flags = flags };

    if (!flags)
        return DOMAIN_FROM (DOMAIN_DEFINE_XML, domain_define_xml, conn, &old, error);
    return DOMAIN_FROM (DOMAIN_DEFINE_XML_FLAGS, domain_define_xml_flags, conn, &in, error);
}

SkepDomain *
skep_domain_create_xml (SkepConnection *conn, const char *xml, const int *fds, unsigned n_fds,
                        unsigned flags, SkepError *error)
{
    domain_create_xml_args plain = { .xml_desc = (char *) xml, .flags = flags };
    domain_create_xml_with_files_args in = { .xml_desc = (char *) xml, .flags = flags };
    domain_create_xml_with_files_ret out = { 0 };
    SkepDomain *domain;

    if (!n_fds)
        return DOMAIN_FROM (DOMAIN_CREATE_XML, domain_create_xml, conn, &plain, error);
    if (!client_call (conn, RPC_PROGRAM_REMOTE, REMOTE_PROC_DOMAIN_CREATE_XML_WITH_FILES,
                      (xdrproc_t) xdr_domain_create_xml_with_files_args, &in,
                      (xdrproc_t) xdr_domain_create_xml_with_files_ret, &out, fds, n_fds, NULL,
                      error))
        return NULL;
    domain = client_domain_new (conn, &out.dom);
    CLIENT_FREE (domain_create_xml_with_files, &out);
    return domain;
}

bool
skep_domain_start (SkepDomain *domain, const int *fds, unsigned n_fds, unsigned flags,
                   SkepError *error)
{
    domain_create_with_flags_args plain = { .dom = client_wire_domain (domain), .flags = flags };
    domain_create_with_files_args in = { .dom = client_wire_domain (domain), .flags = flags };
    domain_create_with_flags_ret got = { 0 };
    domain_create_with_files_ret out = { 0 };

    if (!n_fds) {
        if (!CLIENT_CALL (domain->conn, DOMAIN_CREATE_WITH_FLAGS, domain_create_with_flags, &plain,
                          &got, error))
            return false;
        domain->id = got.dom.id;
        CLIENT_FREE (domain_create_with_flags, &got);
        return true;
    }
    if (!client_call (domain->conn, RPC_PROGRAM_REMOTE, REMOTE_PROC_DOMAIN_CREATE_WITH_FILES,
                      (xdrproc_t) xdr_domain_create_with_files_args, &in,
                      (xdrproc_t) xdr_domain_create_with_files_ret, &out, fds, n_fds, NULL, error))
        return false;
    domain->id = out.dom.id;
    CLIENT_FREE (domain_create_with_files, &out);
    return true;
}

/* ---- State ---- */

bool
skep_domain_state (SkepDomain *domain, int *ret_state, int *ret_reason, SkepError *error)
{
    domain_get_state_args in = { .dom = client_wire_domain (domain) };
    domain_get_state_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_STATE, domain_get_state, &in, &out, error))
        return false;
    *ret_state = out.state;
    if (ret_reason)
        *ret_reason = out.reason;
    return true;
}

bool
skep_domain_info (SkepDomain *domain, SkepDomainInfo *ret_info, SkepError *error)
{
    domain_get_info_args in = { .dom = client_wire_domain (domain) };
    domain_get_info_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_INFO, domain_get_info, &in, &out, error))
        return false;
    *ret_info = (SkepDomainInfo){ .state = out.state,
                                  .max_memory = out.maxMem,
                                  .memory = out.memory,
                                  .vcpus = out.nrVirtCpu,
                                  .cpu_time = out.cpuTime };
    return true;
}

bool
skep_domain_last_exit (SkepDomain *domain, int *ret_wait_status, char **ret_text, SkepError *error)
{
    skep_domain_get_last_exit_args in = { .dom = client_wire_domain (domain) };
    skep_domain_get_last_exit_ret out = { 0 };

    if (!CLIENT_CALL_SKEP (domain->conn, DOMAIN_GET_LAST_EXIT, skep_domain_get_last_exit, &in, &out,
                           error))
        return false;
    *ret_wait_status = out.status;
    *ret_text = g_strdup (out.reason);
    CLIENT_FREE (skep_domain_get_last_exit, &out);
    return true;
}

char *
skep_domain_plan (SkepDomain *domain, unsigned flags, SkepError *error)
{
    skep_domain_plan_args in = { .dom = client_wire_domain (domain), .flags = flags };
    skep_domain_plan_ret out = { 0 };
    char *text;

    if (!CLIENT_CALL_SKEP (domain->conn, DOMAIN_PLAN, skep_domain_plan, &in, &out, error))
        return NULL;
    text = g_strdup (out.text);
    CLIENT_FREE (skep_domain_plan, &out);
    return text;
}

bool
skep_domain_control_info (SkepDomain *domain, unsigned *ret_state, unsigned *ret_details,
                          unsigned *ret_since, SkepError *error)
{
    domain_get_control_info_args in = { .dom = client_wire_domain (domain) };
    domain_get_control_info_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_CONTROL_INFO, domain_get_control_info, &in, &out,
                      error))
        return false;
    *ret_state = out.state;
    *ret_details = out.details;
    *ret_since = (unsigned) out.stateTime;
    return true;
}

bool
skep_domain_security_label (SkepDomain *domain, char **ret_label, bool *ret_enforcing,
                            SkepError *error)
{
    domain_get_security_label_args in = { .dom = client_wire_domain (domain) };
    domain_get_security_label_ret out = { 0 };

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_SECURITY_LABEL, domain_get_security_label, &in, &out,
                      error))
        return false;
    *ret_label = client_chars (out.label.label_val, out.label.label_len);
    *ret_enforcing = out.enforcing;
    CLIENT_FREE (domain_get_security_label, &out);
    return true;
}

char **
skep_domain_messages (SkepDomain *domain, unsigned flags, SkepError *error)
{
    domain_get_messages_args in = { .dom = client_wire_domain (domain), .flags = flags };
    domain_get_messages_ret out = { 0 };
    char **text;

    if (!CLIENT_CALL (domain->conn, DOMAIN_GET_MESSAGES, domain_get_messages, &in, &out, error))
        return NULL;
    text = g_new0 (char *, out.msgs.msgs_len + 1);
    for (unsigned i = 0; i < out.msgs.msgs_len; i++)
        text[i] = g_strdup (out.msgs.msgs_val[i]);
    CLIENT_FREE (domain_get_messages, &out);
    return text;
}

void
skep_strings_free (char **strings)
{
    g_strfreev (strings);
}
