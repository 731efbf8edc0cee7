/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/vcpus.h"

#include "driver/events.h"
#include "host/node.h"

guint
vcpus_online (const DomainDef *def)
{
    return def->vcpus_current ? def->vcpus_current : def->vcpus;
}

void
vcpus_tell (Call *call, Affect affect)
{
    g_autofree char *text = g_strdup_printf ("%u", vcpus_online (call->domain->def));
    GArray *params;

    if (!(affect & AFFECT_LIVE))
        return;
    params = params_new ();
    params_add_string (params, "vcpus.current", text);
    event_tunable (call->domain, params);
}

GArray *
vcpus_allowed (const Domain *domain, const DomainDef *def)
{
    g_autofree char *list = NULL;

    if (domain_active (domain) && def == domain->def) {
        Cgroup *cgroup = domain_cgroup (domain, NULL);

        list = cgroup ? cgroup_effective_cpus (cgroup, NULL) : NULL;
    }
    if (!list)
        list = g_strdup (def->cpuset);
    if (!list)
        list = node_read ("/sys/devices/system/cpu/online");
    return node_parse_list (list ? list : "0");
}

GArray *
vcpus_usage (const Domain *domain)
{
    Cgroup *cgroup = domain_cgroup (domain, NULL);

    return cgroup ? cgroup_cpu_usage_percpu (cgroup, NULL) : NULL;
}

guint64
vcpu_time (guint vcpu, guint n_vcpus, const GArray *allowed, const GArray *usage)
{
    guint64 sum = 0;

    for (guint i = vcpu; i < allowed->len; i += n_vcpus) {
        guint cpu = g_array_index (allowed, guint, i);

        if (cpu < usage->len)
            sum += g_array_index (usage, guint64, cpu);
    }
    return sum;
}

int
vcpu_cpu (guint vcpu, guint n_vcpus, const GArray *allowed)
{
    return vcpu < n_vcpus && vcpu < allowed->len ? (int) g_array_index (allowed, guint, vcpu) : -1;
}
