/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/tune_note.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "driver/tune_work.h"

/* Of a definition that is noted: a status file that is too long could not be read. */
#define SAVED_MAX (256U << 10)

/* ---- the kernel's part: blank separated words, KEY=VALUE[,VALUE...] */

#define U64 "%" G_GUINT64_FORMAT

G_GNUC_PRINTF (2, 3)
static void
word (GString *text, const char *format, ...)
{
    va_list args;

    if (text->len)
        g_string_append_c (text, ' ');
    va_start (args, format);
    g_string_append_vprintf (text, format, args);
    va_end (args);
}

char *
tune_work_format (const TuneWork *work)
{
    GString *text = g_string_new (NULL);

    if (work->cpus)
        word (text, "cpus=%s", work->cpus);
    if (work->mems)
        word (text, "mems=%s", work->mems);
    if (work->set_weight)
        word (text, "weight=%u", work->weight);
    if (work->set_memory)
        word (text, "memory=" U64 "," U64, work->memory.hard, work->memory.swap_hard);
    if (work->set_soft)
        word (text, "soft=" U64, work->memory.soft);
    if (work->set_shares)
        word (text, "shares=" U64, work->sched.shares);
    if (work->set_cfs)
        word (text, "cfs=" U64 ",%" G_GINT64_FORMAT, work->sched.period, work->sched.quota);
    if (work->emulator)
        word (text, "emulator=");
    for (guint i = 0; i < work->rules->len; i++) {
        const CgroupBlkio *rule = &g_array_index (work->rules, CgroupBlkio, i);

        word (text, "device=%u,%u,%u," U64 "," U64 "," U64 "," U64, major (rule->device), minor (rule->device),
              rule->weight, (guint64) rule->rbps, (guint64) rule->wbps, (guint64) rule->riops, (guint64) rule->wiops);
    }
    return g_string_free (text, FALSE);
}

/* All @n of @text. */
static gboolean
numbers (const char *text, guint64 *ret, guint n)
{
    g_auto (GStrv) parts = g_strsplit (text, ",", -1);
    gboolean good = g_strv_length (parts) == n;

    for (guint i = 0; good && i < n; i++)
        good = g_ascii_string_to_unsigned (parts[i], 10, 0, G_MAXUINT64, &ret[i], NULL);
    return good;
}

static gboolean
parse_cfs (const char *text, SchedLimits *ret)
{
    g_auto (GStrv) parts = g_strsplit (text, ",", -1);

    return g_strv_length (parts) == 2
           && g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXUINT64, &ret->period, NULL)
           && g_ascii_string_to_signed (parts[1], 10, G_MININT64, G_MAXINT64, &ret->quota, NULL);
}

static gboolean
parse_rule (const char *text, GArray *rules)
{
    guint64 value[7];
    CgroupBlkio rule;

    if (!numbers (text, value, G_N_ELEMENTS (value)))
        return FALSE;
    rule = (CgroupBlkio) { .device = makedev ((guint) value[0], (guint) value[1]), .weight = (guint) value[2],
                           .rbps = value[3], .wbps = value[4], .riops = value[5], .wiops = value[6] };
    g_array_append_val (rules, rule);
    return TRUE;
}

static gboolean
parse_list (const char *text, char **ret)
{
    g_free (*ret);
    *ret = g_strdup (text);
    return *text != '\0';
}

static gboolean
parse_word (const char *key, const char *value, TuneWork *work)
{
    guint64 two[2] = { 0 };

    if (!strcmp (key, "cpus"))
        return parse_list (value, &work->cpus);
    if (!strcmp (key, "mems"))
        return parse_list (value, &work->mems);
    if (!strcmp (key, "weight")) {
        work->set_weight = numbers (value, two, 1);
        work->weight = (guint) two[0];
        return work->set_weight;
    }
    if (!strcmp (key, "memory")) {
        work->set_memory = numbers (value, two, 2);
        work->memory.hard = two[0];
        work->memory.swap_hard = two[1];
        return work->set_memory;
    }
    if (!strcmp (key, "soft"))
        return work->set_soft = numbers (value, &work->memory.soft, 1);
    if (!strcmp (key, "shares"))
        return work->set_shares = numbers (value, &work->sched.shares, 1);
    if (!strcmp (key, "cfs"))
        return work->set_cfs = parse_cfs (value, &work->sched);
    if (!strcmp (key, "emulator"))
        return work->emulator = TRUE;
    return !strcmp (key, "device") && parse_rule (value, work->rules);
}

gboolean
tune_work_parse (const char *text, TuneWork *work)
{
    g_auto (GStrv) words = g_strsplit (text, " ", -1);

    for (guint i = 0; words[i]; i++) {
        char *equals = strchr (words[i], '=');

        if (!equals)
            return FALSE;
        *equals = '\0';
        if (!parse_word (words[i], equals + 1, work))
            return FALSE;
    }
    return TRUE;
}

/* ---- the notes */

gboolean
tune_note (Instance *instance, const TuneWork *back, const char *now, const char *then)
{
    g_autofree char *text = tune_work_format (back), *saved = NULL, *sum = NULL;

    if (now && strlen (now) <= SAVED_MAX) {
        sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, then, -1);
        saved = g_strconcat (sum, " ", now, NULL);
    }
    instance_set_note (instance, NOTE_LIMITS, *text ? text : NULL);
    instance_set_note (instance, NOTE_LIMITS_SAVED, saved);
    return *text || saved;
}

void
tune_unnote (Instance *instance)
{
    instance_set_note (instance, NOTE_LIMITS, NULL);
    instance_set_note (instance, NOTE_LIMITS_SAVED, NULL);
}
