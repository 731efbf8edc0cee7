/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs about definitions: define, dumpxml, edit, desc, metadata. */
#include "cmd.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <string.h>
#include <unistd.h>

static int
run_define (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    const char *path = args_string (args, "file");
    g_autofree char *xml = read_text (shell, path);
    SkepNote *notes;

    if (!xml)
        return 1;
    domain = skep_domain_define (shell->conn, xml,
                                 args_flag (args, "validate") ? SKEP_DEFINE_VALIDATE : 0, &error);
    if (!domain)
        return shell_fail_with (shell, &error, "Failed to define domain from %s", path);
    shell_say (shell, "Domain '%s' defined from %s", domain->name, path);
    notes = skep_domain_notes (domain, &error);     /* none from other daemons */
    print_warnings (shell, notes);
    skep_notes_free (notes);
    return 0;
}

/* ---- dumpxml ---- */

static void
print_node (xmlDocPtr doc, xmlNodePtr node, gboolean indented, FILE *out)
{
    xmlBufferPtr buffer = xmlBufferCreate ();

    xmlNodeDump (buffer, doc, node, indented ? 1 : 0, 1);
    fprintf (out, "%s%s\n", indented ? "  " : "", (const char *) xmlBufferContent (buffer));
    xmlBufferFree (buffer);
}

static int
print_found (Shell *shell, xmlDocPtr doc, xmlXPathObjectPtr found, const char *xpath, gboolean wrap)
{
    if (found->type == XPATH_BOOLEAN || found->type == XPATH_NUMBER
        || found->type == XPATH_STRING) {
        xmlChar *text = xmlXPathCastToString (found);

        fprintf (shell->out, "%s\n", (const char *) text);
        xmlFree (text);
        return 0;
    }
    if (found->type != XPATH_NODESET || xmlXPathNodeSetIsEmpty (found->nodesetval))
        return shell_fail (shell, "nothing in the XML matches '%s'", xpath);
    if (wrap)
        fputs ("<nodes>\n", shell->out);
    for (int i = 0; i < found->nodesetval->nodeNr; i++)
        print_node (doc, found->nodesetval->nodeTab[i], wrap, shell->out);
    if (wrap)
        fputs ("</nodes>\n", shell->out);
    return 0;
}

int
print_xpath (Shell *shell, const char *xml, const char *xpath, gboolean wrap)
{
    xmlDocPtr doc = xmlReadMemory (xml, (int) strlen (xml), "domain.xml", NULL,
                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlXPathContextPtr context = doc ? xmlXPathNewContext (doc) : NULL;
    xmlXPathObjectPtr found = NULL;
    int code;

    if (context) {
        xmlXPathRegisterNs (context, BAD_CAST "lxc",
                            BAD_CAST "http://libvirt.org/schemas/domain/lxc/1.0");
        xmlXPathRegisterNs (context, BAD_CAST "skep", BAD_CAST "urn:skep:domain:1");
        found = xmlXPathEvalExpression (BAD_CAST xpath, context);
    }
    code = found
             ? print_found (shell, doc, found, xpath, wrap)
             : shell_fail (
                 shell, doc ? "'%s' is no XPath expression" : "the daemon's XML does not parse%.0s",
                 xpath);
    xmlXPathFreeObject (found);
    xmlXPathFreeContext (context);
    xmlFreeDoc (doc);
    return code;
}

static int
run_dumpxml (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    g_autofree char *xml = NULL;
    const char *xpath = args_string (args, "xpath");
    unsigned flags = (args_flag (args, "inactive") ? SKEP_XML_INACTIVE : 0)
                   | (args_flag (args, "security-info") ? SKEP_XML_SECURE : 0)
                   | (args_flag (args, "update-cpu") ? SKEP_XML_UPDATE_CPU : 0)
                   | (args_flag (args, "migratable") ? SKEP_XML_MIGRATABLE : 0);

    if (!(domain = shell_domain (shell, args)))
        return 1;
    xml = skep_domain_xml (domain, flags, &error);
    if (!xml)
        return shell_fail_with (shell, &error, NULL);
    if (xpath)
        return print_xpath (shell, xml, xpath, args_flag (args, "wrap"));
    fputs (xml, shell->out);
    if (!g_str_has_suffix (xml, "\n"))
        fputc ('\n', shell->out);
    return 0;
}

/* ---- edit ---- */

/* At a terminal a refused definition is not lost. */
static gboolean
wants_another_try (Shell *shell)
{
    char answer[16];

    if (!isatty (STDIN_FILENO))
        return FALSE;
    fputs ("Edit again? [Y/n] ", shell->out);
    fflush (shell->out);
    return fgets (answer, sizeof answer, stdin)
        && (*answer == '\n' || g_ascii_tolower (*answer) == 'y');
}

static int
run_edit (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autofree char *before = NULL, *text = NULL;
    unsigned flags = args_flag (args, "skip-validate") ? 0 : SKEP_DEFINE_VALIDATE;

    if (!domain)
        return 1;
    before = skep_domain_xml (domain, SKEP_XML_INACTIVE | SKEP_XML_SECURE, &error);
    if (!before)
        return shell_fail_with (shell, &error, NULL);
    text = g_strdup (before);
    for (;;) {
        g_autofree char *edited = edit_text (shell, text, ".xml");
        g_autofree char *now = NULL;
        SkepDomain *defined;

        if (!edited)
            return 1;
        if (strcmp (edited, before) == 0) {
            shell_say (shell, "Domain '%s' XML configuration not changed.", domain->name);
            return 0;
        }
        now = skep_domain_xml (domain, SKEP_XML_INACTIVE | SKEP_XML_SECURE, &error);
        if (!now || strcmp (now, before) != 0)
            return now ? shell_fail (shell, "somebody else changed domain '%s' meanwhile",
                                     domain->name)
                       : shell_fail_with (shell, &error, NULL);
        defined = skep_domain_define (shell->conn, edited, flags, &error);
        if (defined) {
            shell_say (shell, "Domain '%s' XML configuration edited.", defined->name);
            skep_domain_free (defined);
            return 0;
        }
        shell_fail_with (shell, &error, "Failed to define domain '%s'", domain->name);
        if (!wants_another_try (shell))
            return 1;
        g_free (text);
        text = g_steal_pointer (&edited);
    }
}

/* ---- desc ---- */

static int
set_description (Shell *shell, SkepDomain *domain, SkepMetadata type, const char *text,
                 unsigned flags)
{
    autoerror error = { 0 };
    const char *what = type == SKEP_METADATA_TITLE ? "title" : "description";

    if (!skep_domain_set_metadata (domain, type, *text ? text : NULL, NULL, NULL, flags, &error))
        return shell_fail_with (shell, &error, "cannot set the %s of domain '%s'", what,
                                domain->name);
    shell_say (shell, "Domain %s updated successfully", what);
    return 0;
}

static int
show_description (Shell *shell, const Args *args, SkepDomain *domain, const char *what,
                  const char *text)
{
    if (shell_wants_json (shell, args)) {
        g_autoptr (Record) record = record_new ();

        record_string (record, what, NULL, text ? text : "");
        record_print (record, 0, "", TRUE, shell->out);
    } else if (text) {
        fprintf (shell->out, "%s\n", text);
    } else {
        fprintf (shell->out, "No %s for domain: %s\n", what, domain->name);
    }
    return 0;
}

static int
run_desc (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    g_autofree char *old = NULL, *text = NULL;
    SkepMetadata type = args_flag (args, "title") ? SKEP_METADATA_TITLE : SKEP_METADATA_DESCRIPTION;
    const char *what = type == SKEP_METADATA_TITLE ? "title" : "description";
    int flags = affect_flags (shell, args);

    if (flags < 0 || !(domain = shell_domain (shell, args)))
        return 1;
    text = args_given (args, "new-desc") ? g_strjoinv (" ", (char **) args_list (args, "new-desc"))
                                         : NULL;
    if (text && !args_flag (args, "edit"))
        return set_description (shell, domain, type, text, (unsigned) flags);
    old = skep_domain_metadata (domain, type, NULL, (unsigned) flags & ~SKEP_AFFECT_LIVE, &error);
    if (!old && error.code != SKEP_ERROR_NO_METADATA)
        return shell_fail_with (shell, &error, NULL);
    if (!args_flag (args, "edit"))
        return show_description (shell, args, domain, what, old);
    g_free (text);
    text = edit_text (shell, old ? old : "", ".txt");
    if (!text)
        return 1;
    g_strchomp (text);
    if (g_strcmp0 (text, old ? old : "") == 0) {
        shell_say (shell, "Domain %s not changed", what);
        return 0;
    }
    return set_description (shell, domain, type, text, (unsigned) flags);
}

/* ---- metadata ---- */

static int
change_metadata (Shell *shell, const Args *args, SkepDomain *domain, const char *text,
                 unsigned flags)
{
    autoerror error = { 0 };

    if (!skep_domain_set_metadata (domain, SKEP_METADATA_ELEMENT, text,
                                   text ? args_string (args, "key") : NULL,
                                   args_string (args, "uri"), flags, &error))
        return shell_fail_with (shell, &error, NULL);
    shell_say (shell, text ? "Metadata modified" : "Metadata removed");
    return 0;
}

static int
run_metadata (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    g_autofree char *old = NULL, *edited = NULL;
    const char *set = args_string (args, "set");
    gboolean remove = args_flag (args, "remove"), edit = args_flag (args, "edit");
    int flags = affect_flags (shell, args);

    if (flags < 0)
        return 1;
    if (!!set + remove + edit > 1)
        return shell_fail (shell, "--set, --remove and --edit exclude each other");
    if ((set || edit) && !args_string (args, "key"))
        return shell_fail (shell, "--%s needs --key, the prefix of the namespace",
                           set ? "set" : "edit");
    if (!(domain = shell_domain (shell, args)))
        return 1;
    if (set || remove)
        return change_metadata (shell, args, domain, set, (unsigned) flags);
    old = skep_domain_metadata (domain, SKEP_METADATA_ELEMENT, args_string (args, "uri"),
                                (unsigned) flags, &error);
    if (!old && (!edit || error.code != SKEP_ERROR_NO_METADATA))
        return shell_fail_with (shell, &error, NULL);
    if (!edit)
        return print_string (shell, args, "metadata", old);
    edited = edit_text (shell, old ? old : "", ".xml");
    return edited ? change_metadata (shell, args, domain, edited, (unsigned) flags) : 1;
}

static int
run_domain_plan (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autofree char *plan = NULL;

    if (!domain)
        return 1;
    plan = skep_domain_plan (domain, 0, &error);
    if (!plan)
        return shell_fail_with (shell, &error, "cannot plan a start of domain '%s'", domain->name);
    fputs (plan, shell->out);
    return 0;
}

/* ---- Rows ---- */

static const Option define_options[] = {
    { "file", OPT_STRING, OPT_REQUIRED, "file with the domain's XML, - for standard input",
      COMPLETE_FILE, NULL },
    FLAG ("validate", "check the XML against the schema first"),
    OPTIONS_END,
};
static const Option dumpxml_options[] = {
    OPTION_DOMAIN,
    FLAG ("inactive", "the saved definition, also of a running domain"),
    FLAG ("security-info", "with what only writers may see"),
    FLAG ("update-cpu", "taken for virsh's sake"),
    FLAG ("migratable", "without what belongs to this host alone"),
    { "xpath", OPT_STRING, 0, "only the parts that this XPath expression finds", COMPLETE_NONE,
      NULL },
    FLAG ("wrap", "put the parts into one element <nodes>"),
    OPTIONS_END,
};
static const Option edit_options[] = {
    OPTION_DOMAIN,
    FLAG ("skip-validate", "do not check the XML against the schema"),
    OPTIONS_END,
};
static const Option desc_options[] = {
    OPTION_DOMAIN,
    { "live", OPT_FLAG, 0, "act on the running domain", COMPLETE_NONE, NULL },
    { "config", OPT_FLAG, 0, "act on the saved configuration", COMPLETE_NONE, NULL },
    { "current", OPT_FLAG, 0, "act on what the domain is now (the default)", COMPLETE_NONE, NULL },
    FLAG ("title", "the title instead of the description"),
    FLAG ("edit", "change it with $EDITOR"),
    { "new-desc", OPT_LIST, 0, "the new text; nothing removes it", COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option metadata_options[] = {
    OPTION_DOMAIN,
    { "uri", OPT_STRING, OPT_REQUIRED, "URI of the metadata's namespace", COMPLETE_NONE, NULL },
    { "live", OPT_FLAG, 0, "act on the running domain", COMPLETE_NONE, NULL },
    { "config", OPT_FLAG, 0, "act on the saved configuration", COMPLETE_NONE, NULL },
    { "current", OPT_FLAG, 0, "act on what the domain is now (the default)", COMPLETE_NONE, NULL },
    FLAG ("edit", "change it with $EDITOR"),
    { "key", OPT_STRING, 0, "prefix of the namespace", COMPLETE_NONE, NULL },
    { "set", OPT_STRING, 0, "the new element", COMPLETE_NONE, NULL },
    FLAG ("remove", "remove the element"),
    OPTIONS_END,
};
static const Option plan_options[] = { OPTION_DOMAIN, OPTIONS_END };

const Verb verbs_xml[] = {
    { "define", GROUP_DOMAIN, 0, "define a domain from an XML file, or change it",
      "The domain is not started; a domain of the same name and UUID gets the new definition.",
      define_options, run_define },
    { "dumpxml", GROUP_DOMAIN, 0, "print a domain as XML", NULL, dumpxml_options, run_dumpxml },
    { "edit", GROUP_DOMAIN, 0, "change a domain's definition with an editor",
      "Opens the saved XML in $VISUAL, $EDITOR or vi, and defines what comes back.", edit_options,
      run_edit },
    { "desc", GROUP_DOMAIN, VERB_JSON, "show or set the description or title", NULL, desc_options,
      run_desc },
    { "metadata", GROUP_DOMAIN, VERB_JSON, "show or set a domain's own XML metadata", NULL,
      metadata_options, run_metadata },
    { "domain-plan", GROUP_DOMAIN, 0, "print what a start would do, step by step",
      "The launch plan: namespaces, mounts, devices, cgroup, capabilities, command. Nothing is "
      "touched.",
      plan_options, run_domain_plan },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
