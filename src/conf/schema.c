/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/schema.h"

#include <libxml/relaxng.h>

#include "conf/xml.h"
#include "config.h"
#include "util/lock.h"

/* Some seconds at worst; what is in use takes milliseconds. */
#define VALIDATION_COST_MAX 2.2e9

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *directory;         /* under lock */
static GHashTable *compiled;    /* under lock: name -> xmlRelaxNG; entries stay for good */
/* libxml2 does not say that two threads may use one compiled schema at a time. */
static pthread_mutex_t validating = PTHREAD_MUTEX_INITIALIZER;

void
schema_set_directory (const char *dir)
{
    autolock pthread_mutex_t *held = lock_take (&lock);

    g_free (directory);
    directory = g_strdup (dir);
    g_clear_pointer (&compiled, g_hash_table_unref);
}

static const char *
schema_directory (void)
{
    const char *dir = g_getenv ("SKEP_SCHEMA_DIR");

    return directory ? directory : dir && *dir ? dir : SKEP_DATA_DIR "/schemas";
}

/* Keeps the first problem. */
static void
keep_problem (void *data, xmlErrorPtr problem)
{
    GString *text = data;
    g_autofree char *message
        = g_strchomp (g_strdup (problem->message ? problem->message : "invalid"));

    if (text->len)
        return;
    g_string_append (text, message);
    if (problem->line > 0)
        g_string_append_printf (text, " (line %d)", problem->line);
    else if (problem->node)
        g_string_append_printf (text, " (line %ld)", xmlGetLineNo (problem->node));
}

static xmlRelaxNG *
compile (const char *path, GString *problem)
{
    xmlRelaxNGParserCtxt *context;
    xmlRelaxNG *schema;

    /* of a file that it cannot open libxml2 complains on standard error, whatever handler it has */
    if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return NULL;
    context = xmlRelaxNGNewParserCtxt (path);
    if (!context)
        return NULL;
    xmlRelaxNGSetParserStructuredErrors (context, keep_problem, problem);
    schema = xmlRelaxNGParse (context);
    xmlRelaxNGFreeParserCtxt (context);
    return schema;
}

static void
free_schema (void *schema)
{
    xmlRelaxNGFree (schema);
}

static xmlRelaxNG *
find_schema (const char *name, GError **error)
{
    autolock pthread_mutex_t *held = lock_take (&lock);
    g_autoptr (GString) problem = g_string_new (NULL);
    g_autofree char *path = NULL;
    xmlRelaxNG *schema;

    if (!compiled)
        compiled = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_schema);
    schema = g_hash_table_lookup (compiled, name);
    if (schema)
        return schema;
    path = g_strdup_printf ("%s/%s.rng", schema_directory (), name);
    schema = compile (path, problem);
    if (schema)
        g_hash_table_insert (compiled, g_strdup (name), schema);
    else
        error_set_from (error, ORIGIN_XML, ERR_INTERNAL, "Unable to parse the schema %s: %s", path,
                        problem->len ? problem->str : "no such file");
    return schema;
}

/* For each optional attribute that an element has libxml2 goes on with and without it, and compares
 * each of these states with each, for every state that the elements around it are in. */
static double
validation_cost (const xmlNode *node, guint attributes_around)
{
    guint attributes = 0;
    double cost;

    for (const xmlAttr *attr = node->properties; attr; attr = attr->next)
        attributes++;
    cost = (double) (G_GUINT64_CONSTANT (1) << MIN (attributes_around + 2 * attributes, 62));
    for (const xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            cost += validation_cost (child, attributes_around + attributes);
    return cost;
}

gboolean
schema_validate_document (const char *name, xmlDoc *doc, GError **error)
{
    xmlRelaxNG *schema = find_schema (name, error);
    g_autoptr (GString) problem = g_string_new (NULL);
    xmlRelaxNGValidCtxt *context;
    int result;

    if (!schema)
        return FALSE;
    if (validation_cost (xmlDocGetRootElement (doc), 0) > VALIDATION_COST_MAX)
        return error_set_from (error, ORIGIN_XML, ERR_XML_INVALID_SCHEMA,
                               "elements have too many attributes to be validated");
    context = xmlRelaxNGNewValidCtxt (schema);
    if (!context)
        g_error ("out of memory");
    xmlRelaxNGSetValidStructuredErrors (context, keep_problem, problem);
    {
        autolock pthread_mutex_t *held = lock_take (&validating);

        result = xmlRelaxNGValidateDoc (context, doc);
    }
    xmlRelaxNGFreeValidCtxt (context);
    if (result == 0)
        return TRUE;
    return error_set_from (error, ORIGIN_XML, ERR_XML_INVALID_SCHEMA,
                           "Unable to validate doc against %s/%s.rng: %s", schema_directory (),
                           name, problem->len ? problem->str : "invalid");
}

gboolean
schema_validate (const char *schema, const char *xml, gsize size, GError **error)
{
    g_autoptr (xmlDoc) doc = xml_document_parse (xml, size, schema, ORIGIN_XML, error);

    return doc && schema_validate_document (schema, doc, error);
}
