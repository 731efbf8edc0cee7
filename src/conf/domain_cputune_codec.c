/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iothreads and cputune. */
#include "conf/cpulist.h"
#include "conf/domain_codec.h"
#include "conf/number.h"
#include "conf/passive.h"

STATIC_STRING_TABLE (sched_names, POLICY_LAST, NULL, "batch", "idle", "fifo", "rr");

/* ---- iothreads */

static void
iothread_codec (Codec *c, void *object)
{
    IothreadDef *thread = object;

    codec_uint (c, "id", &thread->id, FIELD_REQUIRED | FIELD_POSITIVE);
    codec_int (c, "thread_pool_min", &thread->pool_min, -1);
    codec_int (c, "thread_pool_max", &thread->pool_max, -1);
}

/* Whether the ids say more than the number does. */
static gboolean
ids_wanted (const GPtrArray *threads)
{
    for (guint i = 0; threads && i < threads->len; i++) {
        const IothreadDef *thread = g_ptr_array_index (threads, i);

        if (!thread->made || thread->pool_min >= 0 || thread->pool_max >= 0)
            return TRUE;
    }
    return FALSE;
}

void
domain_iothreads_codec (Codec *c, DomainDef *def)
{
    codec_element_uint (c, "iothreads", &def->iothreads);
    if (codec_enter (c, "iothreadids", ids_wanted (def->iothread_ids))) {
        codec_list (c, "iothread", &def->iothread_ids, sizeof (IothreadDef), iothread_codec, g_free);
        codec_leave (c);
    }
    if (codec_reading (c))
        domain_default_iothreads (def);     /* pins are of these */
    passive_codec (c, &def->passive, "defaultiothread");
}

/* ---- cputune */

static void
quota_codec (Codec *c, const char *kind, guint64 *period, gint64 *quota)
{
    g_autofree char *period_name = g_strconcat (kind, "period", NULL);
    g_autofree char *quota_name = g_strconcat (kind, "quota", NULL);

    codec_element_uint64 (c, period_name, period);
    if (codec_enter (c, quota_name, *quota != 0)) {
        codec_text_int64 (c, quota);
        codec_leave (c);
    }
}

/* Whether another pin is of the same id. */
static gboolean
pinned_twice (const GPtrArray *pins, const CpuPin *pin)
{
    for (guint i = 0; i < pins->len; i++) {
        const CpuPin *other = g_ptr_array_index (pins, i);

        if (other != pin && other->id == pin->id)
            return TRUE;
    }
    return FALSE;
}

static void
vcpupin_codec (Codec *c, void *object)
{
    const DomainDef *def = codec_owner (c);
    CpuPin *pin = object;

    codec_uint (c, "vcpu", &pin->id, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    if (codec_reading (c) && !codec_failed (c) && pinned_twice (def->cputune.vcpupins, pin)) {
        g_autofree char *given = codec_peek (c, "cpuset");

        if (given)
            codec_fail (c, ERR_INTERNAL, "duplicate vcpupin for vcpu '%u'", pin->id);
    }
    codec_cpulist (c, "cpuset", &pin->cpuset, FIELD_REQUIRED);
}

static void
iothreadpin_codec (Codec *c, void *object)
{
    const DomainDef *def = codec_owner (c);
    CpuPin *pin = object;

    codec_uint (c, "iothread", &pin->id, FIELD_REQUIRED | FIELD_POSITIVE);
    if (codec_reading (c) && !codec_failed (c) && iothread_place (def, pin->id) < 0)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED, "Cannot find 'iothread' : %u", pin->id);
    codec_cpulist (c, "cpuset", &pin->cpuset, FIELD_REQUIRED);
    if (codec_reading (c) && !codec_failed (c) && pinned_twice (def->cputune.iothreadpins, pin))
        codec_fail (c, ERR_INTERNAL, "duplicate iothreadpin for same iothread '%u'", pin->id);
}

static void
sched_codec (Codec *c, SchedDef *sched)
{
    codec_enum (c, "scheduler", &sched->policy, &sched_names, FIELD_REQUIRED);
    if (sched->policy == POLICY_FIFO || sched->policy == POLICY_RR)
        codec_signed (c, "priority", &sched->priority, FIELD_REQUIRED);
}

/* The numbers of vcpus, or of iothreads, that there are and a list can name. */
static void
list_all (const DomainDef *def, gboolean vcpus, CpuSet *all)
{
    *all = (CpuSet) { 0 };
    if (vcpus)
        cpu_set_put_range (all, 0, CLAMP (def->vcpus, 1, CPULIST_MAX) - 1);
    for (guint i = 0; !vcpus && i < def->iothread_ids->len; i++)
        cpu_set_put (all, ((const IothreadDef *) g_ptr_array_index (def->iothread_ids, i))->id);
}

static void
judge_ids (Codec *c, const char *ids, gboolean vcpus)
{
    CpuSet all, set;
    guint id;

    list_all (codec_owner (c), vcpus, &all);
    if (!cpu_set_parse (ids, &set, NULL))
        return;                 /* it is ours */
    cpu_set_remove (&set, &all);
    id = cpu_set_next (&set, 0);
    if (id < CPULIST_MAX)
        codec_fail (c, ERR_CONFIG_UNSUPPORTED,
                    vcpus ? "vCPU '%u' is not present in domain definition" : "Cannot find 'iothread' : %u", id);
}

static void
sched_ids_codec (Codec *c, SchedDef *sched, const char *attr)
{
    g_autofree char *given = codec_reading (c) ? codec_take (c, attr, 0) : NULL;

    if (!codec_reading (c)) {
        codec_put (c, attr, sched->ids);
    } else if (!given) {
        codec_fail (c, ERR_XML, "Missing attribute '%s' in element '%s'", attr, codec_name (c));
    } else {
        g_autoptr (GError) error = NULL;

        sched->ids = cpulist_canonical (given, &error);
        if (!sched->ids)
            codec_fail (c, (ErrorCode) error->code, "%s", error->message);
        else if (!*sched->ids)
            codec_fail (c, ERR_CONFIG_UNSUPPORTED, "'%s' scheduler bitmap '%s' is empty", attr,
                        given);
    }
    sched_codec (c, sched);
    if (codec_reading (c) && !codec_failed (c))
        judge_ids (c, sched->ids, *attr == 'v');
}

static void
vcpusched_codec (Codec *c, void *object)
{
    sched_ids_codec (c, object, "vcpus");
}

static void
iothreadsched_codec (Codec *c, void *object)
{
    sched_ids_codec (c, object, "iothreads");
}

/* Whether there is no such vcpu, of @data. */
static gboolean
no_vcpu (const char *value, gconstpointer data)
{
    const DomainDef *def = data;
    guint64 id;

    return number_parse_unsigned (value, 10, G_MAXUINT, &id) && id >= MAX (def->vcpus, 1);
}

static void
pins_codec (Codec *c, DomainDef *def)
{
    DomainCputune *tune = &def->cputune;

    if (codec_reading (c))
        codec_forget (c, "vcpupin", "vcpu", no_vcpu, def);
    codec_list (c, "vcpupin", &tune->vcpupins, sizeof (CpuPin), vcpupin_codec, cpu_pin_free);
    if (codec_only (c, "emulatorpin", tune->emulatorpin != NULL)) {
        codec_cpulist (c, "cpuset", &tune->emulatorpin, FIELD_REQUIRED);
        codec_leave (c);
    }
    codec_list (c, "iothreadpin", &tune->iothreadpins, sizeof (CpuPin), iothreadpin_codec,
                cpu_pin_free);
    if (codec_only (c, "emulatorsched", tune->emulatorsched.policy != POLICY_NONE)) {
        sched_codec (c, &tune->emulatorsched);
        codec_leave (c);
    }
    codec_list (c, "vcpusched", &tune->vcpuscheds, sizeof (SchedDef), vcpusched_codec,
                sched_def_free);
    codec_list (c, "iothreadsched", &tune->iothreadscheds, sizeof (SchedDef), iothreadsched_codec,
                sched_def_free);
}

static gboolean
cputune_wanted (const DomainCputune *tune)
{
    return tune->shares_set || tune->period || tune->quota || tune->global.period
        || tune->global.quota || tune->emulator.period || tune->emulator.quota
        || tune->iothread.period || tune->iothread.quota || tune->emulatorpin
        || tune->emulatorsched.policy || (tune->passive && tune->passive->len)
        || (tune->vcpupins && tune->vcpupins->len)
        || (tune->iothreadpins && tune->iothreadpins->len)
        || (tune->vcpuscheds && tune->vcpuscheds->len)
        || (tune->iothreadscheds && tune->iothreadscheds->len);
}

void
domain_cputune_codec (Codec *c, DomainDef *def)
{
    DomainCputune *tune = &def->cputune;

    if (!codec_enter (c, "cputune", cputune_wanted (tune)))
        return;
    if (codec_enter (c, "shares", tune->shares_set)) {
        if (codec_reading (c))
            tune->shares_set = codec_has_text (c);
        codec_text_uint64 (c, &tune->shares);
        codec_leave (c);
    }
    quota_codec (c, "", &tune->period, &tune->quota);
    quota_codec (c, "global_", &tune->global.period, &tune->global.quota);
    quota_codec (c, "emulator_", &tune->emulator.period, &tune->emulator.quota);
    quota_codec (c, "iothread_", &tune->iothread.period, &tune->iothread.quota);
    pins_codec (c, def);
    if (codec_reading (c))
        domain_resctrl_forget (c, def);
    passive_codec (c, &tune->passive, "cachetune* memorytune*");
    if (codec_reading (c) && !codec_failed (c))
        domain_resctrl_settle (c, def);
    codec_leave (c);
}
