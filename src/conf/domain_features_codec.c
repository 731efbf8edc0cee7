/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* features and clock. */

#include "conf/domain_codec.h"
#include "conf/number.h"
#include "conf/passive.h"

STATIC_STRING_TABLE (caps_policy_names, CAPS_POLICY_LAST, "default", "allow", "deny");
STATIC_STRING_TABLE (clock_offset_names, CLOCK_LAST, "utc", "localtime", "variable", "timezone",
                     "absolute");
STRING_TABLE (timer_names, TIMER_LAST, "platform", "pit", "rtc", "hpet", "tsc", "kvmclock",
                     "hypervclock", "armvtimer");

/* Order in which capabilities are written: libvirt's, which is that of the names but for setfcap;
 * the four that it does not know are where their names belong. */
static const guint8 caps_order[CAPABILITY_LAST] = {
    30, 37, 29, 36, 39, 40, 0, 1,  2,  3,  4,  14, 15, 5,  28, 9,  33, 32, 27, 12, 10,
    11, 13, 38, 6,  31, 8,  7, 21, 22, 18, 16, 23, 20, 19, 17, 24, 25, 26, 34, 35,
};

/* Whether anything differs from an absent <capabilities>. */
static gboolean
caps_wanted (const DomainFeatures *features)
{
    gboolean wanted = features->caps_policy != CAPS_DEFAULT;

    for (guint i = 0; i < CAPABILITY_LAST; i++)
        wanted |= features->caps[i] != ON_OFF_ABSENT;
    return wanted;
}

static void
caps_codec (Codec *c, DomainFeatures *features)
{
    if (!codec_enter (c, "capabilities", caps_wanted (features)))
        return;
    codec_unknown (c, ERR_CONFIG_UNSUPPORTED, "unexpected capability feature '%s'");
    codec_enum (c, "policy", &features->caps_policy, &caps_policy_names, FIELD_KEEP_ZERO);
    for (guint i = 0; i < CAPABILITY_LAST; i++) {
        guint cap = caps_order[i];

        if (codec_enter (c, capability_names.name[cap], features->caps[cap] != ON_OFF_ABSENT)) {
            codec_enum (c, "state", &features->caps[cap], &on_off_names, 0);
            if (codec_reading (c) && features->caps[cap] == ON_OFF_ABSENT)
                features->caps[cap] = ON_OFF_ON;
            codec_leave (c);
        }
    }
    codec_leave (c);
}

/* libvirt goes through them one by one: of what is there again the last counts, or adds to it. */
static void
settle_repeated (Codec *c)
{
    static const char *const added[] = { "hyperv", "xen", "capabilities", "smm", "hpt" };

    if (codec_reading (c) && codec_repeated (c)) {
        for (guint i = 0; i < G_N_ELEMENTS (added); i++)
            codec_merge (c, NULL, added[i], TRUE);
        codec_last (c, NULL);
    }
    codec_last (c, "hyperv");
    codec_last (c, "kvm");
    codec_last (c, "xen");
    codec_last (c, "capabilities");
}

static void
features_codec (Codec *c, DomainFeatures *features)
{
    if (!codec_enter (c, "features",
                      features->privnet || features->passive || caps_wanted (features)))
        return;
    codec_unknown (c, ERR_CONFIG_UNSUPPORTED, "unexpected feature '%s'");
    settle_repeated (c);
    passive_codec (c, &features->passive, "acpi apic? pae hap viridian");
    codec_flag (c, "privnet", &features->privnet);
    passive_codec (c, &features->passive, "hyperv kvm? pvspinlock");
    caps_codec (c, features);
    passive_codec (
        c, &features->passive,
        "pmu vmport gic? smm ioapic hpt vmcoreinfo htm nested-hv msrs ccf-assist xen? cfpc "
        "sbbc ibs tcg");
    codec_leave (c);
}

static void
timer_codec (Codec *c, void *object)
{
    ClockTimer *timer = object;

    codec_enum (c, "name", &timer->name, &timer_names, FIELD_REQUIRED | FIELD_KEEP_ZERO);
    codec_enum (c, "present", &timer->present, &yes_no_names, 0);
    passive_attrs_codec (c, &timer->passive,
                         "tickpolicy:delay|catchup|merge|discard track:boot|guest|wall|realtime "
                         "frequency:U- mode:auto|native|emulate|paravirt|smpsafe");
    passive_codec (c, &timer->passive, "catchup");
}

static void
offset_codec (Codec *c, DomainClock *clock)
{
    g_autofree char *empty = codec_reading (c) ? codec_peek (c, "offset") : NULL;

    if (empty && !*empty) {     /* as good as absent */
        codec_ignore (c, "@offset");
        g_free (codec_take (c, "offset", 0));
        return;
    }
    codec_enum (c, "offset", &clock->offset, &clock_offset_names, FIELD_KEEP_ZERO | FIELD_CONFIG);
}

/* Numbers as they are written; what is none is none. */
static void
settle_numbers (Codec *c, DomainClock *clock)
{
    gboolean variable = clock->offset == CLOCK_VARIABLE;
    gint64 seconds;
    guint64 start;

    if (clock->adjustment && (variable || !g_str_equal (clock->adjustment, "reset"))) {
        g_autofree char *given = g_steal_pointer (&clock->adjustment);

        if (number_parse_signed (given, 10, G_MININT64, G_MAXINT64, &seconds))
            clock->adjustment = g_strdup_printf ("%" G_GINT64_FORMAT, seconds);
        else if (variable)
            codec_ignore (c, "@adjustment");
        else
            codec_fail (c, ERR_XML, "unknown clock adjustment '%s'", given);
    }
    if (clock->start) {
        g_autofree char *given = g_steal_pointer (&clock->start);

        if (number_parse_unsigned (given, 10, G_MAXUINT64, &start))
            clock->start = g_strdup_printf ("%" G_GUINT64_FORMAT, start);
    }
    if (clock->offset == CLOCK_TIMEZONE && !clock->timezone)
        codec_fail (c, ERR_INTERNAL, "missing 'timezone' attribute for clock with offset='timezone'");
    if (clock->offset == CLOCK_ABSOLUTE && !clock->start)
        codec_fail (c, ERR_INTERNAL, "missing 'start' attribute for clock with offset='absolute'");
}

static void
clock_codec (Codec *c, DomainClock *clock)
{
    char **texts[] = { &clock->adjustment, &clock->basis, &clock->timezone, &clock->start };

    if (!codec_enter (c, "clock", TRUE))
        return;
    offset_codec (c, clock);
    /* what does not fit the offset is ignored: libvirt */
    if (clock->offset <= CLOCK_VARIABLE)
        codec_string (c, "adjustment", &clock->adjustment, 0);
    if (clock->offset == CLOCK_VARIABLE)
        codec_string (c, "basis", &clock->basis, 0);
    if (clock->offset == CLOCK_TIMEZONE)
        codec_string (c, "timezone", &clock->timezone, 0);
    if (clock->offset == CLOCK_ABSOLUTE)
        codec_string (c, "start", &clock->start, 0);
    for (guint i = 0; codec_reading (c) && i < G_N_ELEMENTS (texts); i++)
        if (*texts[i] && !**texts[i])           /* as good as absent */
            g_clear_pointer (texts[i], g_free);
    if (codec_reading (c))
        settle_numbers (c, clock);
    codec_list (c, "timer", &clock->timers, sizeof (ClockTimer), timer_codec, clock_timer_free);
    codec_leave (c);
}

void
domain_features_codec (Codec *c, DomainDef *def)
{
    features_codec (c, &def->features);
}

void
domain_clock_codec (Codec *c, DomainDef *def)
{
    clock_codec (c, &def->clock);
}
