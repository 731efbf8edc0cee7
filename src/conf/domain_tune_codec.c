/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits: blkiotune, memtune, vcpu, cputune, numatune. */
#include <string.h>

#include "conf/cpulist.h"
#include "conf/domain_codec.h"
#include "conf/number.h"
#include "conf/passive.h"

STATIC_STRING_TABLE (numa_mode_names, NUMA_LAST, "strict", "preferred", "interleave",
                     "restrictive");
STATIC_STRING_TABLE (placement_names, PLACEMENT_LAST, NULL, "static", "auto");
STATIC_STRING_TABLE (memory_placement_names, PLACEMENT_LAST, "default", "static", "auto");

/* As libvirt reads these: a number below zero is counted from the end, so that -1 is the highest. */
static void
blkio_number_codec (Codec *c, const char *element, guint64 *v, guint64 max)
{
    if (!codec_enter (c, element, *v != 0))
        return;
    if (codec_reading (c)) {
        g_autofree char *text = codec_take_text (c);
        const char *minus = text ? text + strspn (text, " \t\n\v\f\r") : "";
        guint64 below;

        if (*minus == '-' && g_ascii_isdigit (minus[1])
            && number_parse_unsigned (minus + 1, 10, max, &below))
            *v = below ? max - below + 1 : 0;
        else if (text && *text && !number_parse_unsigned (text, 10, max, v))
            codec_bad_text (c, text);
    } else {
        codec_text_uint64 (c, v);
    }
    codec_leave (c);
}

static void
blkio_uint_codec (Codec *c, const char *element, guint *v)
{
    guint64 n = *v;

    blkio_number_codec (c, element, &n, G_MAXUINT);
    *v = (guint) n;
}

static void
blkio_device_codec (Codec *c, void *object)
{
    BlkioDevice *device = object;

    codec_element_string (c, "path", &device->path);
    if (codec_reading (c) && !device->path)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "missing per-device path");
    blkio_uint_codec (c, "weight", &device->weight);
    blkio_uint_codec (c, "read_iops_sec", &device->read_iops_sec);
    blkio_uint_codec (c, "write_iops_sec", &device->write_iops_sec);
    blkio_number_codec (c, "read_bytes_sec", &device->read_bytes_sec, G_MAXUINT64);
    blkio_number_codec (c, "write_bytes_sec", &device->write_bytes_sec, G_MAXUINT64);
}

static gboolean
blkio_device_limits (const BlkioDevice *device)
{
    return device->weight || device->read_iops_sec || device->write_iops_sec
        || device->read_bytes_sec || device->write_bytes_sec;
}

/* Only those that have a limit are written. */
static void
blkio_devices_codec (Codec *c, GPtrArray **devices)
{
    if (codec_reading (c)) {
        codec_list (c, "device", devices, sizeof (BlkioDevice), blkio_device_codec,
                    blkio_device_free);
        return;
    }
    for (guint i = 0; *devices && i < (*devices)->len; i++) {
        BlkioDevice *device = g_ptr_array_index (*devices, i);

        if (codec_enter (c, "device", blkio_device_limits (device))) {
            blkio_device_codec (c, device);
            codec_leave (c);
        }
    }
}

static void
blkiotune_codec (Codec *c, DomainBlkiotune *tune)
{
    gboolean wanted = tune->weight != 0;

    for (guint i = 0; tune->devices && i < tune->devices->len; i++)
        wanted |= blkio_device_limits (g_ptr_array_index (tune->devices, i));
    if (!codec_enter (c, "blkiotune", wanted))
        return;
    if (codec_enter (c, "weight", tune->weight != 0)) {
        if (codec_reading (c)) {
            g_autofree char *text = codec_take_text (c);
            guint64 n;

            /* what is no number is none, as for libvirt */
            if (number_parse_unsigned (text ? text : "", 10, G_MAXUINT, &n))
                tune->weight = (guint) n;
            else if (text && *text)
                codec_ignore (c, "text()");
        } else {
            codec_text_uint (c, &tune->weight);
        }
        codec_leave (c);
    }
    blkio_devices_codec (c, &tune->devices);
    codec_leave (c);
}

static void
limit_codec (Codec *c, const char *element, guint64 *limit, gboolean *set)
{
    if (codec_reading (c))
        *limit = G_MAXUINT64;
    codec_size (c, element, limit, SIZE_KIB, *set);
    if (!codec_reading (c))
        return;
    /* "no limit" is as good as none */
    *set = *limit < MEMORY_UNLIMITED;
    *limit = *set ? *limit : 0;
}

static void
memtune_codec (Codec *c, DomainMemtune *tune)
{
    gboolean wanted = tune->hard_limit_set || tune->soft_limit_set || tune->swap_hard_limit_set
        || tune->min_guarantee_set;

    if (!codec_enter (c, "memtune", wanted))
        return;
    limit_codec (c, "hard_limit", &tune->hard_limit, &tune->hard_limit_set);
    limit_codec (c, "soft_limit", &tune->soft_limit, &tune->soft_limit_set);
    codec_size (c, "min_guarantee", &tune->min_guarantee, SIZE_KIB, tune->min_guarantee != 0);
    tune->min_guarantee_set = tune->min_guarantee != 0;     /* none is none */
    limit_codec (c, "swap_hard_limit", &tune->swap_hard_limit, &tune->swap_hard_limit_set);
    codec_leave (c);
}

void
domain_tune_codec (Codec *c, DomainDef *def)
{
    blkiotune_codec (c, &def->blkiotune);
    memtune_codec (c, &def->memtune);
}

void
codec_cpulist (Codec *c, const char *attr, char **v, FieldFlags flags)
{
    codec_string (c, attr, v, 0);
    if (!codec_reading (c))
        return;
    if (*v) {
        g_autoptr (GError) error = NULL;
        char *canonical = cpulist_canonical (*v, &error);

        if (!canonical)
            codec_fail (c, (ErrorCode) error->code, "%s", error->message);
        else if (!*canonical)
            codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Invalid value of '%s': %s", attr, *v);
        g_free (*v);
        *v = canonical;
    } else if (flags & FIELD_REQUIRED) {
        codec_fail (c, ERR_INTERNAL, "missing %s for %s", attr, codec_name (c));
    }
}

static void
vcpu_current_codec (Codec *c, DomainDef *def)
{
    if (codec_reading (c)) {
        g_autofree char *current = codec_peek (c, "current");

        codec_uint (c, "current", &def->vcpus_current, 0);
        def->vcpus_none = current && def->vcpus_current == 0;
    } else {
        codec_uint (c, "current", &def->vcpus_current, def->vcpus_none ? FIELD_KEEP_ZERO : 0);
    }
}

static void
vcpu_text_codec (Codec *c, DomainDef *def)
{
    if (codec_reading (c) && !codec_has_text (c))
        codec_bad_text (c, "");
    codec_text_uint (c, &def->vcpus);
}

static void
judge_vcpus (Codec *c, const DomainDef *def)
{
    /* with elements of their own it is these that count */
    if (def->vcpus_current > def->vcpus && !passive_has (def->passive, "vcpus"))
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    "maximum vCPU count must not be less than current vCPU count");
    else if (def->vcpus == 0)
        codec_fail (c, ERR_INTERNAL, "the number of vcpus must not be zero");
}

void
domain_vcpu_codec (Codec *c, DomainDef *def)
{
    if (!codec_enter (c, "vcpu", TRUE))
        return;
    if (codec_reading (c)) {    /* the first fault counts */
        vcpu_text_codec (c, def);
        vcpu_current_codec (c, def);
    }
    codec_enum (c, "placement", &def->vcpu_placement, &placement_names, 0);
    if (def->vcpu_placement != PLACEMENT_AUTO)      /* else it is ignored */
        codec_cpulist (c, "cpuset", &def->cpuset, 0);
    if (!codec_reading (c)) {
        vcpu_current_codec (c, def);
        vcpu_text_codec (c, def);
    } else {
        judge_vcpus (c, def);
    }
    codec_leave (c);
}

/* The guest's cells, which were read. */
static guint
count_cells (const DomainDef *def)
{
    const PassiveNode *numa = passive_child (passive_find_element (def->passive, "cpu"), "numa");

    return passive_count (numa, "cell");
}

static gboolean
bound_twice (const DomainDef *def, const NumaMemnode *node)
{
    for (guint i = 0; i < def->numatune.memnodes->len; i++) {
        const NumaMemnode *other = g_ptr_array_index (def->numatune.memnodes, i);

        if (other != node && other->cellid == node->cellid)
            return TRUE;
    }
    return FALSE;
}

static void
judge_cellid (Codec *c, const DomainDef *def, const NumaMemnode *node)
{
    if (node->cellid >= count_cells (def))
        codec_fail (c, ERR_XML,
                    "Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell");
    else if (bound_twice (def, node))
        codec_fail (c, ERR_XML, "Multiple memnode elements with cellid %u", node->cellid);
}

static void
memnode_codec (Codec *c, void *object)
{
    const DomainDef *def = codec_owner (c);
    NumaMemnode *node = object;

    codec_uint (c, "cellid", &node->cellid, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    if (codec_reading (c) && !codec_failed (c))
        judge_cellid (c, def, node);
    codec_enum (c, "mode", &node->mode, &numa_mode_names, FIELD_KEEP_ZERO);
    if (codec_reading (c) && def->numatune.mode == NUMA_RESTRICTIVE && node->mode != NUMA_RESTRICTIVE)
        codec_fail (c, ERR_XML,
                    "'restrictive' mode is required in memnode element when mode is 'restrictive' in "
                    "memory element");
    codec_cpulist (c, "nodeset", &node->nodeset, 0);
    if (codec_reading (c) && !node->nodeset)
        codec_fail (c, ERR_XML, "Missing required nodeset attribute in memnode element");
}

static void
memory_codec (Codec *c, DomainNumatune *tune)
{
    gboolean automatic = tune->placement == PLACEMENT_AUTO;

    if (codec_reading (c)) {
        g_autofree char *mode = codec_peek (c, "mode"), *placement = codec_peek (c, "placement");

        tune->set = mode || placement;
    }
    codec_enum (c, "mode", &tune->mode, &numa_mode_names, FIELD_KEEP_ZERO | FIELD_CONFIG);
    if (codec_reading (c))
        codec_enum (c, "placement", &tune->placement, &memory_placement_names, 0);
    codec_cpulist (c, "nodeset", &tune->nodeset, 0);
    /* "static" goes without saying where there is a nodeset */
    if (!codec_reading (c) && automatic)
        codec_enum (c, "placement", &tune->placement, &memory_placement_names, 0);
    /* without any it is as good as absent */
    if (codec_reading (c))
        tune->set |= tune->nodeset != NULL;
}

static void
memnodes_codec (Codec *c, DomainDef *def)
{
    DomainNumatune *tune = &def->numatune;

    if (codec_reading (c) && !codec_failed (c) && codec_count (c, "memnode")) {
        domain_default_numatune (def);
        if (tune->placement == PLACEMENT_AUTO)
            codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                        "Per-node binding is not compatible with automatic NUMA placement.");
        else if (count_cells (def) == 0)
            codec_fail (c, ERR_XML,
                        "Element 'memnode' is invalid without any guest NUMA cells");
    }
    codec_list (c, "memnode", &tune->memnodes, sizeof (NumaMemnode), memnode_codec,
                numa_memnode_free);
}

void
domain_numatune_codec (Codec *c, DomainDef *def)
{
    DomainNumatune *tune = &def->numatune;

    if (!codec_only (c, "numatune", tune->set || (tune->memnodes && tune->memnodes->len)))
        return;
    if (codec_enter (c, "memory", tune->set)) {
        memory_codec (c, tune);
        codec_leave (c);
    }
    memnodes_codec (c, def);
    codec_leave (c);
}
