/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/domains.h"

#include <string.h>

#include "driver/job_past.h"
#include "util/error.h"

struct DomainList {
    GHashTable *by_name;        /* key is def->name of the domain */
    GHashTable *by_uuid;        /* key is def->uuid */
    GHashTable *by_id;
    GSequence *ordered;         /* of Domain, by name; holds the list's reference */
};

static guint
uuid_hash (gconstpointer key)
{
    guint hash;

    memcpy (&hash, (const guint8 *) key + 12, sizeof hash);
    return hash;
}

static gboolean
uuid_equal (gconstpointer a, gconstpointer b)
{
    return memcmp (a, b, 16) == 0;
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer data)
{
    (void) data;
    return strcmp (((const Domain *) a)->def->name, ((const Domain *) b)->def->name);
}

DomainList *
domain_list_new (void)
{
    DomainList *list = g_new0 (DomainList, 1);

    list->by_name = g_hash_table_new (g_str_hash, g_str_equal);
    list->by_uuid = g_hash_table_new (uuid_hash, uuid_equal);
    list->by_id = g_hash_table_new (NULL, NULL);
    list->ordered = g_sequence_new ((GDestroyNotify) domain_unref);
    return list;
}

void
domain_list_free (DomainList *list)
{
    if (!list)
        return;
    g_hash_table_destroy (list->by_name);
    g_hash_table_destroy (list->by_uuid);
    g_hash_table_destroy (list->by_id);
    g_sequence_free (list->ordered);
    g_free (list);
}

Domain *
domain_list_find_name (const DomainList *list, const char *name)
{
    return g_hash_table_lookup (list->by_name, name);
}

Domain *
domain_list_find_uuid (const DomainList *list, const guint8 uuid[16])
{
    return g_hash_table_lookup (list->by_uuid, uuid);
}

Domain *
domain_list_find_id (const DomainList *list, int id)
{
    return id > 0 ? g_hash_table_lookup (list->by_id, GINT_TO_POINTER (id)) : NULL;
}

guint
domain_list_size (const DomainList *list)
{
    return g_hash_table_size (list->by_name);
}

void
domain_list_each (const DomainList *list, void (*each) (Domain *domain, gpointer data), gpointer data)
{
    /* a copy, because @each may add and remove domains */
    g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) domain_unref);

    for (GSequenceIter *i = g_sequence_get_begin_iter (list->ordered); !g_sequence_iter_is_end (i);
         i = g_sequence_iter_next (i))
        g_ptr_array_add (all, domain_ref (g_sequence_get (i)));
    for (guint i = 0; i < all->len; i++)
        each (all->pdata[i], data);
}

Domain *
domain_list_add (DomainList *list, DomainDef *def, gboolean persistent)
{
    Domain *domain = g_new0 (Domain, 1);

    domain->ref_count = 1;
    domain->def = def;
    domain->persistent = persistent;
    domain->state = STATE_SHUTOFF;
    domain->last_exit = -1;
    g_hash_table_insert (list->by_name, def->name, domain);
    g_hash_table_insert (list->by_uuid, def->uuid, domain);
    g_sequence_insert_sorted (list->ordered, domain, compare_names, NULL);
    return domain;
}

gboolean
domain_list_check (const DomainList *list, const DomainDef *def, GError **error)
{
    const Domain *domain = domain_list_find_uuid (list, def->uuid);
    char uuid[37];

    if (domain && strcmp (domain->def->name, def->name) != 0) {
        domain_uuid_format (def->uuid, uuid);
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_FAILED,
                               "domain '%s' is already defined with uuid %s", domain->def->name, uuid);
    }
    domain = domain_list_find_name (list, def->name);
    if (domain && memcmp (domain->def->uuid, def->uuid, sizeof def->uuid) != 0) {
        domain_uuid_format (domain->def->uuid, uuid);
        return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_FAILED,
                               "domain '%s' already exists with uuid %s", def->name, uuid);
    }
    return TRUE;
}

void
domain_list_remove (DomainList *list, Domain *domain)
{
    GSequenceIter *at = g_sequence_lookup (list->ordered, domain, compare_names, NULL);

    if (!at || g_sequence_get (at) != domain)
        return;
    domain->removing = TRUE;
    g_hash_table_remove (list->by_name, domain->def->name);
    g_hash_table_remove (list->by_uuid, domain->def->uuid);
    if (domain->def->id > 0)
        g_hash_table_remove (list->by_id, GINT_TO_POINTER (domain->def->id));
    g_sequence_remove (at);     /* drops the list's reference: last */
}

void
domain_list_set_id (DomainList *list, Domain *domain, int id)
{
    if (domain->def->id > 0
        && g_hash_table_lookup (list->by_id, GINT_TO_POINTER (domain->def->id)) == domain)
        g_hash_table_remove (list->by_id, GINT_TO_POINTER (domain->def->id));
    domain->def->id = id;
    if (id > 0)
        g_hash_table_insert (list->by_id, GINT_TO_POINTER (id), domain);
}

/* The indexes borrow name and uuid from the definition, so they move with it. */
void
domain_list_set_def (DomainList *list, Domain *domain, DomainDef *def)
{
    if (!domain->removing) {
        g_hash_table_replace (list->by_name, def->name, domain);
        g_hash_table_replace (list->by_uuid, def->uuid, domain);
    }
    domain->def = def;
}

void
domain_list_set_config (DomainList *list, Domain *domain, DomainDef *def)
{
    DomainDef *old = domain->instance ? domain->next : domain->def;

    domain->config_serial++;
    if (domain->instance)
        domain->next = def;
    else
        domain_list_set_def (list, domain, def);
    domain_def_free (old);
}

DomainDef *
domain_list_rename (DomainList *list, Domain *domain, DomainDef *def)
{
    GSequenceIter *at = g_sequence_lookup (list->ordered, domain, compare_names, NULL);
    DomainDef *old = domain->def;

    g_hash_table_remove (list->by_name, old->name);
    domain_list_set_def (list, domain, def);
    g_sequence_sort_changed (at, compare_names, NULL);
    return old;
}

Domain *
domain_ref (Domain *domain)
{
    domain->ref_count++;
    return domain;
}

void
domain_unref (Domain *domain)
{
    if (!domain || --domain->ref_count > 0)
        return;
    job_queue_clear (&domain->jobs);
    domain_def_free (domain->def);
    if (domain->next)
        domain_def_free (domain->next);
    g_free (domain->last_error);
    job_past_free (domain->past);
    g_free (domain);
}

gboolean
domain_active (const Domain *domain)
{
    return domain->state != STATE_SHUTOFF && domain->state != STATE_NOSTATE;
}

DomainDef *
domain_config_def (Domain *domain)
{
    return domain->next ? domain->next : domain->def;
}
