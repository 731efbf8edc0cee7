/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* <capabilities>: the host's topology, read anew for each call, in the shape that conf writes. */
#include "conf/capabilities.h"
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/question.h"
#include "host/topology.h"

/* The arrays of HostCapabilities own what is in them. */

static void
cpu_free (gpointer data)
{
    HostCpu *cpu = data;

    g_free (cpu->siblings);
    g_free (cpu);
}

static void
cell_free (gpointer data)
{
    HostCell *cell = data;

    g_ptr_array_unref (cell->pages);
    g_ptr_array_unref (cell->distances);
    g_ptr_array_unref (cell->cpus);
    g_free (cell);
}

static void
cache_free (gpointer data)
{
    HostCache *cache = data;

    g_free (cache->type);
    g_free (cache->cpus);
    g_free (cache);
}

static void
secmodel_free (gpointer data)
{
    HostSecmodel *secmodel = data;

    g_free (secmodel->model);
    g_free (secmodel->doi);
    g_free (secmodel->baselabel);
    g_free (secmodel);
}

static HostCell *
cell_copy (const TopologyCell *from)
{
    HostCell *cell = g_new0 (HostCell, 1);

    cell->id = from->id;
    cell->memory = from->memory;
    cell->pages = g_ptr_array_new_with_free_func (g_free);
    cell->distances = g_ptr_array_new_with_free_func (g_free);
    cell->cpus = g_ptr_array_new_with_free_func (cpu_free);
    for (guint i = 0; i < from->pages->len; i++) {
        const TopologyPages *pages = &g_array_index (from->pages, TopologyPages, i);
        HostPages *copy = g_new (HostPages, 1);

        *copy = (HostPages){ pages->size, pages->count };
        g_ptr_array_add (cell->pages, copy);
    }
    for (guint i = 0; i < from->distances->len; i++) {
        const TopologyDistance *distance = &g_array_index (from->distances, TopologyDistance, i);
        HostDistance *copy = g_new (HostDistance, 1);

        *copy = (HostDistance){ distance->id, distance->value };
        g_ptr_array_add (cell->distances, copy);
    }
    for (guint i = 0; i < from->cpus->len; i++) {
        const TopologyCpu *cpu = from->cpus->pdata[i];
        HostCpu *copy = g_new (HostCpu, 1);

        *copy = (HostCpu){ cpu->id, cpu->socket_id, cpu->die_id, cpu->core_id,
                           g_strdup (cpu->siblings) };
        g_ptr_array_add (cell->cpus, copy);
    }
    return cell;
}

static void
add_secmodels (GPtrArray *secmodels, const LabelDriver *labels)
{
    HostSecmodel *secmodel = g_new0 (HostSecmodel, 1);

    secmodel->model = g_strdup (labels->model);
    secmodel->doi = g_strdup (labels->doi);
    if (labels->base_label)
        secmodel->baselabel = g_strdup (labels->base_label ());
    g_ptr_array_add (secmodels, secmodel);
}

static gpointer
host_read (gpointer input, GError **error)
{
    (void) input;
    (void) error;
    return topology_read ();
}

static void
host_free (gpointer topology)
{
    topology_free (topology);
}

static void
host_fill (void *reply, gpointer answer)
{
    connect_get_capabilities_ret *out = reply;
    g_autoptr (HostCapabilities) caps = g_new0 (HostCapabilities, 1);
    const Topology *topology = answer;

    caps->uuid = g_strdup (daemon_state.host_uuid);
    caps->arch = g_strdup (daemon_state.defaults.arch);
    caps->arch32 = g_strdup (daemon_state.defaults.arch32);
    caps->emulator = g_strdup (daemon_state.defaults.emulator);
    caps->iommu = topology->iommu;
    caps->pm_mem = topology->pm_mem;
    caps->pm_disk = topology->pm_disk;
    caps->pm_hybrid = topology->pm_hybrid;
    caps->cells = g_ptr_array_new_with_free_func (cell_free);
    for (guint i = 0; i < topology->cells->len; i++)
        g_ptr_array_add (caps->cells, cell_copy (topology->cells->pdata[i]));
    caps->caches = g_ptr_array_new_with_free_func (cache_free);
    for (guint i = 0; i < topology->caches->len; i++) {
        const TopologyCache *cache = topology->caches->pdata[i];
        HostCache *copy = g_new (HostCache, 1);

        *copy = (HostCache){ cache->level, g_strdup (cache->type), cache->id, cache->size,
                             g_strdup (cache->cpus) };
        g_ptr_array_add (caps->caches, copy);
    }
    caps->secmodels = g_ptr_array_new_with_free_func (secmodel_free);
    add_secmodels (caps->secmodels, daemon_state.labels);
    out->capabilities = capabilities_format (caps);
}

ApiResult
api_connect_get_capabilities (Call *call, const none *in, connect_get_capabilities_ret *out,
                              GError **error)
{
    static Question question = { .read = host_read, .fill = host_fill, .free_answer = host_free };

    (void) in;
    (void) out;
    (void) error;
    return question_ask (&question, call);
}
