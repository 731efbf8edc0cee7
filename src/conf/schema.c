/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/schema.h"

#include <libxml/relaxng.h>
#include <string.h>
#include <time.h>

#include "conf/xml.h"
#include "config.h"
#include "util/lock.h"
#include "util/text.h"

/* Some seconds at worst; what is in use takes milliseconds. */
#define VALIDATION_COST_MAX 2.2e9

/* libxml2 does not say that two threads may use one compiled schema at a time: who validates has it alone. One that is
 * in use for so long is not waited for: another is compiled, which takes some 20 ms. */
#define COPY_WAIT_NS 100000000
#define COPIES_MAX 4            /* of one schema */

typedef struct {
    char *name;
    xmlRelaxNG *schema;
    gboolean taken;
    gboolean stale;             /* of a directory that is not the one any more */
} Compiled;

/* Also held while one is compiled: libxml2 sets its types up in passing. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given_back = PTHREAD_COND_INITIALIZER;
static char *directory;         /* under lock */
static GPtrArray *compiled;     /* under lock: of Compiled; one of each name stays for good */

static void
compiled_free (gpointer data)
{
    Compiled *one = data;

    xmlRelaxNGFree (one->schema);
    g_free (one->name);
    g_free (one);
}

void
schema_set_directory (const char *dir)
{
    autolock pthread_mutex_t *held = lock_take (&lock);

    text_replace (&directory, dir);
    for (guint i = compiled ? compiled->len : 0; i-- > 0;) {
        Compiled *one = g_ptr_array_index (compiled, i);

        one->stale = TRUE;
        if (!one->taken)
            g_ptr_array_remove_index_fast (compiled, i);
    }
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

/* One of @name that nobody uses, or NULL; and how many there are. */
static Compiled *
find_idle (const char *name, guint *ret_count)
{
    Compiled *idle = NULL;

    *ret_count = 0;
    for (guint i = 0; i < compiled->len; i++) {
        Compiled *one = g_ptr_array_index (compiled, i);

        if (one->stale || strcmp (one->name, name) != 0)
            continue;
        ++*ret_count;
        if (!one->taken)
            idle = one;
    }
    return idle;
}

static Compiled *
compile_another (const char *name, GError **error)
{
    g_autofree char *path = g_strdup_printf ("%s/%s.rng", schema_directory (), name);
    g_autoptr (GString) problem = g_string_new (NULL);
    xmlRelaxNG *schema = compile (path, problem);
    Compiled *one;

    if (!schema) {
        error_set_from (error, ORIGIN_XML, ERR_INTERNAL, "Unable to parse the schema %s: %s", path,
                        problem->len ? problem->str : "no such file");
        return NULL;
    }
    one = g_new0 (Compiled, 1);
    one->name = g_strdup (name);
    one->schema = schema;
    g_ptr_array_add (compiled, one);
    return one;
}

/* The caller's alone until it is given back. */
static Compiled *
schema_take (const char *name, GError **error)
{
    autolock pthread_mutex_t *held = lock_take (&lock);
    struct timespec deadline;
    gboolean in_time = TRUE;
    Compiled *one;
    guint count;

    clock_gettime (CLOCK_MONOTONIC, &deadline);
    deadline.tv_nsec += COPY_WAIT_NS;
    deadline.tv_sec += deadline.tv_nsec / 1000000000;
    deadline.tv_nsec %= 1000000000;
    if (!compiled)
        compiled = g_ptr_array_new_with_free_func (compiled_free);
    while (!(one = find_idle (name, &count))) {
        if (count == 0 || (!in_time && count < COPIES_MAX)) {
            one = compile_another (name, error);
            break;
        }
        if (in_time)
            in_time = pthread_cond_clockwait (&given_back, &lock, CLOCK_MONOTONIC, &deadline) == 0;
        else
            pthread_cond_wait (&given_back, &lock);
    }
    if (one)
        one->taken = TRUE;
    return one;
}

static void
schema_give_back (Compiled *one)
{
    autolock pthread_mutex_t *held = lock_take (&lock);
    guint count;

    if (one->stale || find_idle (one->name, &count))
        g_ptr_array_remove_fast (compiled, one);
    else
        one->taken = FALSE;
    pthread_cond_broadcast (&given_back);
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
    Compiled *schema = NULL;
    g_autoptr (GString) problem = g_string_new (NULL);
    xmlRelaxNGValidCtxt *context;
    int result;

    if (validation_cost (xmlDocGetRootElement (doc), 0) > VALIDATION_COST_MAX)
        return error_set_from (error, ORIGIN_XML, ERR_XML_INVALID_SCHEMA,
                               "elements have too many attributes to be validated");
    schema = schema_take (name, error);
    if (!schema)
        return FALSE;
    context = xmlRelaxNGNewValidCtxt (schema->schema);
    if (!context)
        g_error ("out of memory");
    xmlRelaxNGSetValidStructuredErrors (context, keep_problem, problem);
    result = xmlRelaxNGValidateDoc (context, doc);
    xmlRelaxNGFreeValidCtxt (context);
    schema_give_back (schema);
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
