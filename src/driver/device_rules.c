/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/device_rules.h"

#include <stdio.h>
#include <string.h>

#include "util/error.h"

static void
append_number (GString *text, gint64 number)
{
    if (number < 0)
        g_string_append_c (text, '*');
    else
        g_string_append_printf (text, "%" G_GINT64_FORMAT, number);
}

static char *
device_rules_format (const GArray *rules)
{
    GString *text = g_string_new (NULL);

    for (guint i = 0; i < rules->len; i++) {
        const CgroupDeviceRule *rule = &g_array_index (rules, CgroupDeviceRule, i);

        g_string_append_printf (text, "%s%c", i ? " " : "", rule->type);
        append_number (text, rule->major);
        g_string_append_c (text, ':');
        append_number (text, rule->minor);
        g_string_append_printf (text, "%.*s", (int) sizeof rule->access, rule->access);
    }
    return g_string_free (text, FALSE);
}

static gboolean
take_number (const char **at, gint64 *ret)
{
    char *end;

    if (**at == '*') {
        *ret = -1;
        (*at)++;
        return TRUE;
    }
    if (!g_ascii_isdigit (**at))
        return FALSE;
    *ret = g_ascii_strtoll (*at, &end, 10);
    *at = end;
    return TRUE;
}

static gboolean
parse_rule (const char *at, CgroupDeviceRule *ret)
{
    *ret = (CgroupDeviceRule) { .type = *at };
    if (!*at || !strchr ("abc", *at++) || !take_number (&at, &ret->major) || *at++ != ':'
        || !take_number (&at, &ret->minor))
        return FALSE;
    return g_strlcpy (ret->access, at, sizeof ret->access) < sizeof ret->access
           && strspn (at, "rwm") == strlen (at);
}

/* NULL for what device_rules_format() does not write. */
static GArray *
device_rules_parse (const char *text)
{
    g_auto (GStrv) words = g_strsplit (text, " ", -1);
    g_autoptr (GArray) rules = g_array_new (FALSE, TRUE, sizeof (CgroupDeviceRule));

    for (guint i = 0; words[i]; i++) {
        CgroupDeviceRule rule;

        if (!parse_rule (words[i], &rule))
            return NULL;
        g_array_append_val (rules, rule);
    }
    return g_steal_pointer (&rules);
}

GArray *
device_rules_plus (const GArray *rules, const GArray *more)
{
    GArray *sum = g_array_copy ((GArray *) rules);

    if (more->len > 0)
        g_array_append_vals (sum, more->data, more->len);
    return sum;
}

static gboolean
same_rule (const CgroupDeviceRule *one, const CgroupDeviceRule *two)
{
    return one->type == two->type && one->major == two->major && one->minor == two->minor
           && strncmp (one->access, two->access, sizeof one->access) == 0;
}

GArray *
device_rules_minus (const GArray *rules, const GArray *less)
{
    GArray *rest = g_array_copy ((GArray *) rules);

    for (guint i = 0; i < less->len; i++) {
        /* the last one: what the start gave stands before what came later */
        for (guint k = rest->len; k-- > 0;) {
            if (!same_rule (&g_array_index (rest, CgroupDeviceRule, k),
                            &g_array_index (less, CgroupDeviceRule, i)))
                continue;
            g_array_remove_index (rest, k);
            break;
        }
    }
    return rest;
}

gboolean
device_rules_apply (Instance *instance, const GArray *rules, GError **error)
{
    g_autofree char *text = device_rules_format (rules);

    if (!cgroup_set_devices (instance->cgroup, (const CgroupDeviceRule *) (const void *) rules->data,
                             rules->len, error))
        return FALSE;
    instance_set_note (instance, NOTE_RULES, text);
    return TRUE;
}

GArray *
device_rules_now (const Instance *instance, GError **error)
{
    const char *text = instance_note (instance, NOTE_RULES);
    GArray *rules = text ? device_rules_parse (text) : NULL;

    if (!rules)
        error_set (error, ERR_OPERATION_UNSUPPORTED,
                   "the container was started by a version of skepd that cannot change its devices");
    return rules;
}

/* ---- numbers of devices */

char *
device_number_format (const PlanDevice *numbers)
{
    if (numbers->link)
        return g_strdup_printf ("n%" G_GUINT64_FORMAT, numbers->link);
    if (!numbers->set)
        return g_strdup ("-");
    return g_strdup_printf ("%c%u:%u", numbers->block ? 'b' : 'c', numbers->major, numbers->minor);
}

gboolean
device_number_parse (const char *text, PlanDevice *ret)
{
    char type;

    *ret = (PlanDevice) { 0 };
    if (g_str_equal (text, "-"))
        return TRUE;
    if (*text == 'n')
        return g_ascii_string_to_unsigned (text + 1, 10, 1, G_MAXUINT64, &ret->link, NULL);
    if (sscanf (text, "%c%u:%u", &type, &ret->major, &ret->minor) != 3 || (type != 'b' && type != 'c'))
        return FALSE;
    ret->block = type == 'b';
    ret->set = TRUE;
    return TRUE;
}

PlanDevice
device_numbers_of (const Instance *instance, const char *alias)
{
    const char *note = instance_note (instance, NOTE_NUMBERS);
    g_auto (GStrv) words = g_strsplit (note ? note : "", " ", -1);
    gsize length = strlen (alias);
    PlanDevice numbers = { 0 };

    for (guint i = 0; words[i]; i++)
        if (strncmp (words[i], alias, length) == 0 && words[i][length] == '='
            && !device_number_parse (words[i] + length + 1, &numbers))
            numbers = (PlanDevice) { 0 };
    return numbers;
}

void
device_numbers_set (Instance *instance, const char *alias, const PlanDevice *numbers)
{
    const char *note = instance_note (instance, NOTE_NUMBERS);
    g_auto (GStrv) words = g_strsplit (note ? note : "", " ", -1);
    g_autoptr (GString) text = g_string_new (NULL);
    gsize length = strlen (alias);

    for (guint i = 0; words[i]; i++)
        if (*words[i] && (strncmp (words[i], alias, length) != 0 || words[i][length] != '='))
            g_string_append_printf (text, "%s%s", text->len ? " " : "", words[i]);
    if (numbers && (numbers->set || numbers->link)) {
        g_autofree char *number = device_number_format (numbers);

        g_string_append_printf (text, "%s%s=%s", text->len ? " " : "", alias, number);
    }
    instance_set_note (instance, NOTE_NUMBERS, text->len ? text->str : NULL);
}

void
device_usb_found (HostdevDef *dev, const PlanDevice *numbers)
{
    if (dev->type != HOSTDEV_USB || !numbers->set || !dev->vendor || (dev->bus && !dev->auto_address))
        return;
    dev->bus = PLAN_USB_BUS (numbers->minor);
    dev->device = PLAN_USB_DEVICE (numbers->minor);
    dev->auto_address = TRUE;
}

void
device_numbers_fill (Instance *instance)
{
    const DomainDef *def = instance->domain->def;
    const PlanFacts *facts = instance->facts;

    instance_set_note (instance, NOTE_NUMBERS, NULL);
    for (guint i = 0; i < def->disks->len; i++)
        device_numbers_set (instance, ((const DiskDef *) def->disks->pdata[i])->alias,
                            &g_array_index (facts->disks, PlanDevice, i));
    for (guint i = 0; i < def->hostdevs->len; i++) {
        const PlanDevice *numbers = &g_array_index (facts->hostdevs, PlanDevice, i);
        HostdevDef *dev = def->hostdevs->pdata[i];

        device_usb_found (dev, numbers);
        device_numbers_set (instance, dev->alias, numbers);
    }
    for (guint i = 0; i < def->filesystems->len; i++)
        device_numbers_set (instance, ((const FsDef *) def->filesystems->pdata[i])->alias,
                            &g_array_index (facts->fs, PlanFs, i).numbers);
}
