/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain is and how it is: none of these waits for its container. */
#include <string.h>

#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/instance.h"
#include "driver/params.h"

/* virDomainXMLFlags */
#define XML_SECURE 1u
#define XML_INACTIVE 2u
#define XML_MIGRATABLE 8u

ApiResult
api_domain_get_xml_desc (Call *call, const domain_get_xml_desc_args *in,
                         domain_get_xml_desc_ret *out, GError **error)
{
    gboolean inactive = (in->flags & XML_INACTIVE) != 0;
    const DomainDef *def = inactive ? domain_config_def (call->domain) : call->domain->def;
    guint flags = inactive ? DOMAIN_FORMAT_INACTIVE : 0;
    g_autoptr (DomainDef) simpler = NULL;

    (void) error;
    if (in->flags & XML_SECURE)
        flags |= DOMAIN_FORMAT_SECURE;
    if (in->flags & XML_MIGRATABLE) {
        def = simpler = domain_def_copy (def);
        domain_def_make_migratable (simpler);
    }
    out->xml = domain_def_format (def, flags);
    return API_DONE;
}

ApiResult
api_domain_get_os_type (Call *call, const domain_get_os_type_args *in, domain_get_os_type_ret *out,
                        GError **error)
{
    (void) in;
    (void) error;
    out->type = g_strdup (call->domain->def->os.type ? call->domain->def->os.type : "exe");
    return API_DONE;
}

ApiResult
api_domain_get_max_memory (Call *call, const domain_get_max_memory_args *in,
                           domain_get_max_memory_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->memory = call->domain->def->memory;
    return API_DONE;
}

/* A controller that is not mounted, or a group that ends just now, reads as nothing used. */
ApiResult
api_domain_get_info (Call *call, const domain_get_info_args *in, domain_get_info_ret *out,
                     GError **error)
{
    const Domain *domain = call->domain;
    guint64 memory = 0, cpu_time = 0;
    Cgroup *cgroup;

    (void) in;
    (void) error;
    out->state = (guint8) domain->state;
    out->maxMem = domain->def->memory;
    out->nrVirtCpu = (guint16) MIN (domain->def->vcpus, G_MAXUINT16);
    if (!domain_active (domain)) {
        out->memory = domain->def->current_memory;
        return API_DONE;
    }
    cgroup = domain_cgroup (domain, NULL);
    if (cgroup && cgroup_memory_usage (cgroup, &memory, NULL))
        out->memory = memory / 1024;
    if (cgroup && cgroup_cpu_usage (cgroup, &cpu_time, NULL, NULL, NULL))
        out->cpuTime = cpu_time;
    return API_DONE;
}

ApiResult
api_domain_get_state (Call *call, const domain_get_state_args *in, domain_get_state_ret *out,
                      GError **error)
{
    (void) in;
    (void) error;
    out->state = (int) call->domain->state;
    out->reason = call->domain->reason;
    return API_DONE;
}

/* virDomainControlState: 0 ok, 1 a job, 2 occupied, 3 error. Skep's control of a container is never
 * occupied, since nothing waits for it. */
ApiResult
api_domain_is_active (Call *call, const domain_is_active_args *in, domain_is_active_ret *out,
                      GError **error)
{
    (void) in;
    (void) error;
    out->active = domain_active (call->domain);
    return API_DONE;
}

ApiResult
api_domain_is_persistent (Call *call, const domain_is_persistent_args *in,
                          domain_is_persistent_ret *out, GError **error)
{
    (void) in;
    (void) error;
    out->persistent = call->domain->persistent;
    return API_DONE;
}

/* Says whether the definition of a running domain changed behind the client's back; it does not. */
ApiResult
api_domain_is_updated (Call *call, const domain_is_updated_args *in, domain_is_updated_ret *out,
                       GError **error)
{
    (void) call;
    (void) in;
    (void) error;
    out->updated = 0;
    return API_DONE;
}

ApiResult
api_domain_has_managed_save_image (Call *call, const domain_has_managed_save_image_args *in,
                                   domain_has_managed_save_image_ret *out, GError **error)
{
    (void) call;
    (void) in;
    (void) error;
    out->result = 0;
    return API_DONE;
}

/* The wire counts the closing NUL. */
static gboolean
label_read (const Domain *domain, domain_get_security_label_ret *out, GError **error)
{
    g_autofree char *label = NULL;
    gboolean enforcing = FALSE;

    if (domain_active (domain) && domain->instance && domain->instance->init_pid > 0
        && daemon_state.labels->process_label
        && !daemon_state.labels->process_label (domain->instance->init_pid, &label, &enforcing,
                                                error))
        return FALSE;
    if (label && strlen (label) >= REMOTE_SECURITY_LABEL_MAX)
        return error_set_from (error, ORIGIN_SECURITY, ERR_INTERNAL, "the security label is too long");
    out->label.label_val = label ? g_steal_pointer (&label) : g_strdup ("");
    out->label.label_len = (u_int) strlen (out->label.label_val) + 1;
    out->enforcing = enforcing;
    return TRUE;
}

ApiResult
api_domain_get_security_label (Call *call, const domain_get_security_label_args *in,
                               domain_get_security_label_ret *out, GError **error)
{
    (void) in;
    return label_read (call->domain, out, error) ? API_DONE : API_FAILED;
}

/* One for each security model: there is one at most. */
ApiResult
api_domain_get_security_label_list (Call *call, const domain_get_security_label_list_args *in,
                                    domain_get_security_label_list_ret *out, GError **error)
{
    (void) in;
    if (!domain_active (call->domain))
        return API_DONE;
    out->labels.labels_val = g_new0 (domain_get_security_label_ret, 1);
    if (!label_read (call->domain, out->labels.labels_val, error))
        return API_FAILED;
    out->labels.labels_len = 1;
    out->ret = 1;
    return API_DONE;
}
