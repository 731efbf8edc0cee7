/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "conf/xml.h"
#include "conf/codec.h"
#include "conf/domain_skep.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <string.h>

#define CONTEXT_MAX 1024        /* bytes: of a longer line nobody wants to see all */

/* What the callbacks below find; the first finding counts. */
typedef struct {
    const char *what;
    gsize size_max;
    int depth_max;
    ErrorOrigin origin;
    GError *error;
} Watch;

static void
watch_doctype (void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    xmlParserCtxt *context = data;
    Watch *watch = context->_private;

    (void) name;
    (void) external;
    (void) system;
    if (!watch->error)
        error_set_from (&watch->error, watch->origin, ERR_XML,
                        "(%s):%d: a DOCTYPE is not allowed", watch->what,
                        xmlSAX2GetLineNumber (context));
    xmlStopParser (context);
}

static void
watch_element (void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
               int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
               const xmlChar **attributes)
{
    xmlParserCtxt *context = data;
    Watch *watch = context->_private;

    if (context->nodeNr >= watch->depth_max) {
        if (!watch->error)
            error_set_from (&watch->error, watch->origin, ERR_XML,
                            "(%s):%d: elements are nested more than %d levels deep", watch->what,
                            xmlSAX2GetLineNumber (context), watch->depth_max);
        xmlStopParser (context);
        return;
    }
    xmlSAX2StartElementNs (data, name, prefix, uri, n_namespaces, namespaces, n_attributes,
                           n_defaulted, attributes);
}

static gboolean
is_line_end (char c)
{
    return c == '\n' || c == '\r';
}

/* The line that the parser has come to, and an arrow below the place, as libvirt has it. */
static void
add_context (GString *text, const xmlParserInput *input)
{
    const char *base = (const char *) input->base, *cur = (const char *) input->cur, *begin = cur;
    g_autofree char *line = NULL;
    gsize length;

    while (begin > base && is_line_end (*begin))
        begin--;
    while (begin > base && !is_line_end (*begin))
        begin--;
    begin += is_line_end (*begin);
    for (length = 0; begin + length < (const char *) input->end && !is_line_end (begin[length]); length++)
        if (length == CONTEXT_MAX)
            return;
    if (length == 0)
        return;
    line = g_utf8_make_valid (begin, (gssize) length);
    g_string_append_printf (text, "\n%s\n", line);
    for (gsize i = 0; begin + i < cur; i++)
        g_string_append_c (text, i < length && begin[i] == '\t' ? '\t' : '-');
    g_string_append_c (text, '^');
}

static void
watch_error (void *data, xmlErrorPtr problem)
{
    xmlParserCtxt *context = data;
    Watch *watch = context->_private;
    g_autoptr (GString) text = NULL;

    /* namespace errors are recoverable for libxml2, but an undeclared prefix has no meaning for
     * us */
    if (watch->error || problem->level < XML_ERR_ERROR)
        return;
    text = g_string_new (problem->message ? problem->message : "not well-formed");
    g_string_truncate (text, strlen (g_strchomp (text->str)));
    if (context->input && problem->level == XML_ERR_FATAL)
        add_context (text, context->input);
    error_set_from (&watch->error, watch->origin, ERR_XML_DETAIL, "(%s):%d: %s", watch->what,
                    problem->line, text->str);
}

/* Where @p, which begins markup that is no element's start tag, ends: a comment, CDATA, an
 * instruction. */
static const char *
skip_markup (const char *p, const char *end)
{
    static const struct {
        const char *begin, *end;
    } kinds[] = { { "<!--", "-->" }, { "<![CDATA[", "]]>" }, { "<?", "?>" } };

    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
        gsize length = strlen (kinds[i].begin);

        if ((gsize) (end - p) > length && memcmp (p, kinds[i].begin, length) == 0) {
            const char *found = memmem (p + length, (gsize) (end - p) - length, kinds[i].end,
                                        strlen (kinds[i].end));

            return found ? found + strlen (kinds[i].end) : end;
        }
    }
    return NULL;
}

/* Counts '=' outside of quotes from @p, just behind a '<', to the tag's '>', which it returns. */
static const char *
count_attributes (const char *p, const char *end, guint *ret_count)
{
    guint count = 0;

    for (; p < end && *p != '>' && *p != '<'; p++) {
        count += *p == '=';
        if (*p == '\'' || *p == '"')
            p = memchr (p + 1, *p, (gsize) (end - p) - 1);
        if (!p)
            break;
    }
    *ret_count = count;
    return p ? p : end;
}

/* Whether @text has more than @max '='. */
static gboolean
has_more (const char *text, gsize size, guint max)
{
    const char *end = text + size, *p = memchr (text, '=', size);
    guint n = 0;

    for (; p && n <= max; p = memchr (p + 1, '=', (gsize) (end - p) - 1))
        n++;
    return n > max;
}

/* Before libxml2 sees the text: it is quadratic in the attributes of an element. Of text that is
 * not well-formed this may count wrongly, but then libxml2 stops there, too. */
static gboolean
check_attributes (const char *text, gsize size, Watch *watch)
{
    const char *end = text + size, *p = text;

    if (!has_more (text, size, XML_ATTRIBUTES_MAX))
        return TRUE;
    while (p && p < end && (p = memchr (p, '<', (gsize) (end - p)))) {
        const char *after = skip_markup (p, end);
        guint count = 0;

        p = after ? after : count_attributes (p + 1, end, &count);
        if (count > XML_ATTRIBUTES_MAX)
            return error_set_from (&watch->error, watch->origin, ERR_XML,
                                   "(%s): an element has more than %d attributes", watch->what,
                                   XML_ATTRIBUTES_MAX);
    }
    return TRUE;
}

static gboolean
check_bytes (const char *text, gsize size, Watch *watch)
{
    const char *nul;

    if (size > watch->size_max)
        return error_set_from (&watch->error, watch->origin, ERR_XML,
                               "(%s): the document has %" G_GSIZE_FORMAT
                               " bytes, more than the limit of %" G_GSIZE_FORMAT,
                               watch->what, size, watch->size_max);
    /* libxml2 takes a NUL after the root element for the end of its input */
    nul = size > 0 ? memchr (text, '\0', size) : NULL;
    if (nul) {
        guint line = 1;

        for (const char *p = text; p < nul; p++)
            line += *p == '\n';
        return error_set_from (&watch->error, watch->origin, ERR_XML_DETAIL,
                               "(%s):%u: the document contains a NUL byte", watch->what, line);
    }
    return TRUE;
}

static xmlDoc *
parse (const char *text, gsize size, gboolean own, const char *what, ErrorOrigin origin, GError **error)
{
    Watch watch = { .what = what,
                    .size_max = own ? XML_OWN_SIZE_MAX : XML_SIZE_MAX,
                    .depth_max = own ? XML_OWN_DEPTH_MAX : XML_DEPTH_MAX,
                    .origin = origin };
    xmlParserCtxt *context;
    g_autofree char *copy = NULL;
    g_autoptr (xmlDoc) doc = NULL;

    if (check_bytes (text, size, &watch) && (own || check_attributes (text, size, &watch))) {
        context = xmlNewParserCtxt ();
        if (!context)
            g_error ("out of memory");
        context->_private = &watch;
        context->sax->internalSubset = watch_doctype;
        context->sax->startElementNs = watch_element;
        context->sax->serror = watch_error;
        /* as a string, which is UTF-8 whatever it declares, as for libvirt */
        copy = g_strndup (text, size);
        doc = xmlCtxtReadDoc (context, (const xmlChar *) copy, NULL, NULL,
                              XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING
                                  | XML_PARSE_NOBLANKS | XML_PARSE_BIG_LINES
                                  | XML_PARSE_COMPACT);
        xmlFreeParserCtxt (context);
        if (!watch.error && (!doc || !xmlDocGetRootElement (doc)))
            error_set_from (&watch.error, origin, ERR_XML_DETAIL, "(%s):1: the document is empty",
                            what);
    }
    if (watch.error) {
        g_propagate_error (error, watch.error);
        return NULL;
    }
    return g_steal_pointer (&doc);
}

xmlDoc *
xml_document_parse (const char *text, gsize size, const char *what, ErrorOrigin origin,
                    GError **error)
{
    return parse (text, size, FALSE, what, origin, error);
}

xmlDoc *
xml_own_document_parse (const char *text, gsize size, const char *what, ErrorOrigin origin,
                        GError **error)
{
    return parse (text, size, TRUE, what, origin, error);
}

char *
xml_node_place (xmlNode *node)
{
    xmlChar *path = xmlGetNodePath (node);
    char *place = g_strdup_printf (" (line %ld, %s)", xmlGetLineNo (node), (const char *) path);

    xmlFree (path);
    return place;
}

static xmlNode *
find_path (xmlDoc *doc, const char *path)
{
    xmlXPathContext *context = xmlXPathNewContext (doc);
    xmlXPathObject *found;
    xmlNode *node = NULL;

    if (!context)
        return NULL;
    xmlXPathRegisterNs (context, (const xmlChar *) "lxc", (const xmlChar *) LXC_NAMESPACE);
    xmlXPathRegisterNs (context, (const xmlChar *) "skep", (const xmlChar *) SKEP_NAMESPACE);
    found = xmlXPathEval ((const xmlChar *) path, context);
    if (found && found->type == XPATH_NODESET && !xmlXPathNodeSetIsEmpty (found->nodesetval))
        node = found->nodesetval->nodeTab[0];
    xmlXPathFreeObject (found);
    xmlXPathFreeContext (context);
    return node;
}

char *
xml_path_place (xmlDoc *doc, const char *path)
{
    g_autofree char *rest = g_strdup (path);
    char *cut;

    do {
        xmlNode *node = find_path (doc, rest);

        if (node)
            return g_strdup_printf (" (line %ld, %s)", xmlGetLineNo (node), path);
        cut = strrchr (rest, '/');
        if (cut)
            *cut = '\0';
    } while (cut && *rest);
    return g_strdup_printf (" (%s)", path);
}

gboolean
xml_text_valid (const char *text)
{
    while (((guint8) *text >= 0x20 && (guint8) *text < 0x80) || *text == '\t' || *text == '\n'
           || *text == '\r')
        text++;                 /* ASCII, mostly all of it */
    if (!*text)
        return TRUE;
    if (!g_utf8_validate (text, -1, NULL))
        return FALSE;
    for (const char *p = text; *p; p = g_utf8_next_char (p)) {
        gunichar c = g_utf8_get_char (p);

        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff)
            return FALSE;
    }
    return TRUE;
}

static const char *
escape_of (char c, gboolean attribute)
{
    if (c > '>')                /* letters, mostly */
        return NULL;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\'':
        return "&apos;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    case '\n':
        return attribute ? "&#10;" : NULL;
    case '\t':
        return attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

void
xml_escape (GString *out, const char *text, gboolean attribute)
{
    const char *start = text;

    for (const char *p = text; *p; p++) {
        const char *escape = escape_of (*p, attribute);

        if (!escape)
            continue;
        g_string_append_len (out, start, p - start);
        g_string_append (out, escape);
        start = p + 1;
    }
    g_string_append (out, start);
}
