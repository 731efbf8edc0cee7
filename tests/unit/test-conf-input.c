/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents that are too large, too deep, damaged; status files. */
#include <string.h>

#include "conf/domain.h"
#include "conf/domain_device.h"
#include "conf/xml.h"
#include "util/error.h"

static const DomainDefaults defaults = { "x86_64", "i686", "/usr/libexec/skep/skep-controller",
                                         "none" };

static char *
document (const char *inner)
{
    return g_strconcat ("<domain type='lxc'><name>t</name><memory>65536</memory>"
                        "<os><type>exe</type><init>/i</init></os>",
                        inner, "</domain>", NULL);
}

/* @message NULL: whatever it says. */
static void
assert_refused (const char *xml, gsize size, int code, const char *message)
{
    g_autoptr (GError) error = NULL;
    clock_t begin = clock ();

    g_assert_null (domain_def_parse (xml, size, &defaults, 0, &error));
    g_assert_error (error, SKEP_ERROR, code);
    if (message && !g_pattern_match_simple (message, error->message))
        g_error ("'%s' is not '%s'", error->message, message);
    /* a bound that is looked at late is none. Generous, and of this process alone: valgrind and a
     * loaded machine are slow, what is quadratic takes minutes. */
    g_assert_cmpint ((clock () - begin) / CLOCKS_PER_SEC, <, 30);
}

static void
assert_inner_refused (const char *inner, int code, const char *message)
{
    g_autofree char *xml = document (inner);

    assert_refused (xml, strlen (xml), code, message);
}

/* @part, @n times, between @begin and @end. */
static char *
repeat (const char *begin, const char *part, guint n, const char *end)
{
    GString *text = g_string_new (begin);

    for (guint i = 0; i < n; i++)
        g_string_append (text, part);
    g_string_append (text, end);
    return g_string_free (text, FALSE);
}

static void
test_size (void)
{
    g_autofree char *blanks = g_strnfill (100 * 1024 * 1024, ' ');
    g_autofree char *quotes
        = repeat ("<description>", "''''''''", XML_SIZE_MAX / 16, "</description>");

    assert_refused (blanks, 100 * 1024 * 1024, ERR_XML,
                    "(domain_definition): the document has 104857600 bytes, more than the limit of "
                    "1048576");
    assert_inner_refused (quotes, ERR_XML, "the definition has * bytes when written out, *");
}

static void
test_depth (void)
{
    g_autofree char *deep = repeat ("<metadata>", "<a>", 10000, "");

    assert_inner_refused (deep, ERR_XML,
                          "(domain_definition):1: elements are nested more than 64 levels deep");
}

/* Second copies are merged: the bound of one element holds for what becomes of all. */
static void
test_merged_attributes (void)
{
    g_autoptr (GString) clocks = g_string_new (NULL);

    for (guint i = 0; i < 100; i++) {
        g_string_append (clocks, "<clock");
        for (guint j = 0; j < 200; j++)
            g_string_append_printf (clocks, " a%u=''", 200 * i + j);
        g_string_append (clocks, "/>");
    }
    assert_inner_refused (clocks->str, ERR_XML, "elements 'clock' have more than 256 attributes");
}

/* Walks over many siblings are linear. */
static void
test_many_siblings (void)
{
    g_autofree char *comments = repeat ("<devices>", "<!-- -->", 75000, "");
    g_autofree char *devices = repeat (comments, "<sound model='ac97'/><rng model='virtio'><backend model='random'>"
                                       "/dev/random</backend></rng>", 1024, "</devices>");
    g_autofree char *xml = document (devices);
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = NULL;
    clock_t begin = clock ();

    def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);
    g_assert_no_error (error);
    g_assert_cmpint ((clock () - begin) / CLOCKS_PER_SEC, <, 30);
}

/* Of capabilities the last word counts, whatever stands between. */
static void
test_last_capability (void)
{
    g_autofree char *caps = repeat ("<features><capabilities policy='allow'><mknod state='on'/>", "<!-- -->", 3000,
                                    "<mknod state='off'/></capabilities></features>");
    g_autofree char *xml = document (caps);
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);
    g_autofree char *dump = NULL;

    g_assert_no_error (error);
    dump = domain_def_format (def, 0);
    g_assert_nonnull (strstr (dump, "<mknod state='off'/>"));
    g_assert_null (strstr (dump, "<mknod state='on'/>"));
}

static void
test_nul (void)
{
    g_autofree char *xml = document ("");
    gsize size = strlen (xml);

    assert_refused ("\0", 1, ERR_XML_DETAIL, NULL);
    assert_refused ("<a/>\n\0<b/>", 11, ERR_XML_DETAIL,
                    "(domain_definition):2: the document contains a NUL byte");
    assert_refused (xml, size + 1, ERR_XML_DETAIL, "*NUL byte");
    *strstr (xml, "t</name>") = '\0';
    assert_refused (xml, size, ERR_XML_DETAIL, "*NUL byte");
}

static void
test_entities (void)
{
    g_autoptr (GString) laughs = g_string_new ("<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\">");
    g_autofree char *xml = document ("<title a='&k;'>&k;</title>"), *external = NULL;

    for (char c = 'b'; c <= 'k'; c++) {
        g_string_append_printf (laughs, "<!ENTITY %c \"", c);
        for (guint i = 0; i < 10; i++)
            g_string_append_printf (laughs, "&%c;", c - 1);
        g_string_append (laughs, "\">");
    }
    g_string_append_printf (laughs, "]>%s", xml);
    assert_refused (laughs->str, laughs->len, ERR_XML,
                    "(domain_definition):1: a DOCTYPE is not allowed");
    external = g_strconcat ("<!DOCTYPE d SYSTEM 'file:///etc/passwd'>", xml, NULL);
    assert_refused (external, strlen (external), ERR_XML, "*a DOCTYPE is not allowed");
}

static void
test_many (void)
{
    g_autoptr (GString) attributes = g_string_new ("<domain");
    g_autofree char *consoles = repeat ("<devices>", "<console type='pty'/>", 2000, "</devices>");
    g_autofree char *sounds = repeat ("<devices>", "<sound model='ich6'/>", 2000, "</devices>");

    for (guint i = 0; i < 90000; i++)
        g_string_append_printf (attributes, " a%u=''", i);
    g_string_append (attributes, "/>");
    assert_refused (attributes->str, attributes->len, ERR_XML,
                    "(domain_definition): an element has more than 256 attributes");
    assert_inner_refused (consoles, ERR_CONFIG_UNSUPPORTED, "more than 1024 elements 'console'*");
    assert_inner_refused (sounds, ERR_CONFIG_UNSUPPORTED, "more than 1024 elements 'sound'*");
}

/* What the document has few of, defaults make many of. */
static void
test_many_by_default (void)
{
    g_autoptr (GString) channels = g_string_new ("<devices>");

    assert_inner_refused ("<vcpu>2000</vcpu><cputune><vcpusched vcpus='0-1999' scheduler='idle'/>"
                          "</cputune>",
                          ERR_CONFIG_UNSUPPORTED, "more than 1024 elements 'vcpusched'*");
    for (guint i = 0; i < 1024; i++)
        g_string_append_printf (channels, "<channel type='pty'><target type='virtio' name='n%u'/>"
                                "<address type='virtio-serial' controller='%u'/></channel>", i, i);
    g_string_append (channels, "<smartcard mode='host'/></devices>");
    assert_inner_refused (channels->str, ERR_CONFIG_UNSUPPORTED,
                          "more than 1024 elements 'controller'*");
}

/* '=' that are no attributes do not count as such. */
static void
test_many_signs (void)
{
    g_autofree char *signs = g_strnfill (5000, '=');
    g_autofree char *inner = g_strconcat ("<description>", signs, "<![CDATA[<", signs,
                                          "]]></description><!--<", signs, "--><title>'<!-- ' -->",
                                          signs, "</title>", NULL);
    g_autofree char *xml = document (inner);
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (strlen (def->description), ==, 10001);
}

/* An element that may be within its own kind, @n times. */
static char *
backing_chain (guint n)
{
    g_autofree char *begin = repeat ("", "<backingStore type='file'><format type='raw'/>"
                                         "<source file='/i'/>", n, "");
    g_autofree char *end = repeat ("", "</backingStore>", n, "");
    g_autofree char *disk = g_strconcat ("<devices><disk type='file' device='disk'>"
                                         "<source file='/i'/><target dev='vda'/>", begin, end,
                                         "</disk></devices>", NULL);

    return document (disk);
}

static void
test_nested_rows (void)
{
    g_autofree char *some = backing_chain (40), *many = backing_chain (45);
    g_autoptr (GError) error = NULL;
    g_autoptr (DomainDef) def = domain_def_parse (some, strlen (some), &defaults, 0, &error), copy = NULL;

    g_assert_no_error (error);
    copy = domain_def_copy (def);
    g_assert_nonnull (copy);
    assert_refused (many, strlen (many), ERR_XML, "*is nested more than 48 levels deep*");
}

/* Alone it is not too deep, but in the definition it would be. */
static void
test_nested_device (void)
{
    g_autofree char *xml = backing_chain (46), *plain = document ("");
    g_autoptr (DomainDef) def = domain_def_parse (plain, strlen (plain), &defaults, 0, NULL);
    g_autoptr (GError) error = NULL;
    char *disk = strstr (xml, "<disk ");
    DomainDevice device;

    strstr (disk, "</devices>")[0] = '\0';
    g_assert_false (domain_device_parse (disk, def, &defaults, 0, NULL, &device, &error));
    g_assert_error (error, SKEP_ERROR, ERR_INTERNAL);
    g_assert_nonnull (strstr (error->message, "the definition cannot be kept: "));
}

/* As in a definition; what nobody knows may be a misspelt <readonly/>. */
static void
test_ignored_in_device (void)
{
    static const char known[]
        = "<filesystem type='mount' colour='red'><source dir='/a'/><target dir='/b' depth='2'/>"
          "</filesystem>",
        misspelt[] = "<filesystem type='mount'><source dir='/a'/><target dir='/b'/><readonyl/>"
                     "</filesystem>";
    g_autofree char *plain = document ("");
    g_autoptr (DomainDef) def = domain_def_parse (plain, strlen (plain), &defaults, 0, NULL);
    g_autoptr (GPtrArray) ignored = g_ptr_array_new_with_free_func (g_free);
    g_auto (DomainDevice) device = { .kind = DEVICE_OTHER }, none = { .kind = DEVICE_OTHER };
    g_autoptr (GError) error = NULL;

    g_assert_true (domain_device_parse (known, def, &defaults, 0, ignored, &device, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (ignored->len, ==, 2);
    g_assert_cmpstr (ignored->pdata[0], ==, "/filesystem/target/@depth");
    g_assert_cmpstr (ignored->pdata[1], ==, "/filesystem/@colour");
    g_assert_false (domain_device_parse (misspelt, def, &defaults, 0, ignored, &none, &error));
    g_assert_error (error, SKEP_ERROR, ERR_XML);
}

/* A target says which disk or file system is meant, but does not make one. */
static void
test_meant_device (void)
{
    static const char *const texts[] = {
        "<filesystem><target dir='/b'/></filesystem>",
        "<filesystem type='block'><target dir='/b'/></filesystem>",
        "<filesystem type='file'><driver type='nbd' format='qcow2'/><target dir='/b'/></filesystem>",
        "<filesystem type='bind'><target dir='/b'/></filesystem>",
        "<filesystem type='ram'><target dir='/b'/></filesystem>",
        "<filesystem type='volume'><target dir='/b'/></filesystem>",
        "<disk type='file'><target dev='vda'/></disk>",
    };
    g_autofree char *with = document ("<devices><filesystem type='mount'><source dir='/a'/><target dir='/b'/>"
                                      "</filesystem><disk type='file'><source file='/a'/><target dev='vda'/></disk>"
                                      "</devices>");
    g_autoptr (DomainDef) def = domain_def_parse (with, strlen (with), &defaults, 0, NULL);

    for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_auto (DomainDevice) device = { .kind = DEVICE_OTHER }, whole = { .kind = DEVICE_OTHER };
        g_autoptr (GError) error = NULL;

        g_assert_true (domain_device_parse (texts[i], def, &defaults, DOMAIN_PARSE_MEANT, NULL, &device, &error));
        g_assert_no_error (error);
        g_assert_cmpint (domain_device_find (def, device.kind, device.item), ==, 0);
        g_assert_false (domain_device_parse (texts[i], def, &defaults, 0, NULL, &whole, &error));
        g_assert_cmpint (error->code, ==, strstr (texts[i], "'ram'") ? ERR_XML : ERR_NO_SOURCE);
    }
}

/* What is read must be written as something that is read again. */
static void
test_large_values (void)
{
    assert_inner_refused ("<devices><redirfilter><usbdev vendor='-2' allow='yes'/></redirfilter>"
                          "</devices>", ERR_XML, "*Expected non-negative value*");
    assert_inner_refused ("<devices><channel type='pty'><target type='virtio' name='n'/><address "
                          "type='virtio-serial' controller='4294967291'/></channel></devices>",
                          ERR_XML, "controller 4294967291 of a device is above*");
    assert_inner_refused ("<devices><smartcard mode='host'><address type='ccid' slot='0' "
                          "controller='4294967291'/></smartcard></devices>",
                          ERR_XML, "controller 4294967291 of a device is above*");
    assert_inner_refused ("<currentMemory unit='b'>9223372036854775807</currentMemory>",
                          ERR_OVERFLOW, "*size value too large*");
    assert_inner_refused ("<devices><controller type='pci' model='pci-root'><pcihole64 unit='b'>"
                          "9223372036854775807</pcihole64></controller></devices>",
                          ERR_OVERFLOW, "*size value too large*");
}

/* Each gets the first place that is free, in no time. */
static void
test_many_places (void)
{
    g_autofree char *cards = repeat ("<devices>", "<smartcard mode='host'/>", 1024, "");
    g_autoptr (GString) devices = g_string_new (cards);
    g_autofree char *xml = NULL, *out = NULL;
    g_autoptr (DomainDef) def = NULL;
    g_autoptr (GError) error = NULL;
    clock_t begin;

    for (guint i = 0; i < 1024; i++)
        g_string_append_printf (devices, "<hostdev mode='subsystem' type='scsi'><source><adapter "
                                "name='scsi_host0'/><address bus='0' target='0' unit='%u'/></source>"
                                "</hostdev>", i);
    g_string_append (devices, "</devices>");
    xml = document (devices->str);
    begin = clock ();
    def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);
    g_assert_no_error (error);
    g_assert_cmpint ((clock () - begin) / CLOCKS_PER_SEC, <, 30);
    out = domain_def_format (def, 0);
    g_assert_nonnull (strstr (out, "<address type='ccid' controller='0' slot='1023'/>"));
    g_assert_nonnull (strstr (out, "controller='146' bus='0' target='0' unit='1'/>"));
}

static void
test_nothing (void)
{
    assert_refused ("", 0, ERR_XML_DETAIL, NULL);
    g_assert_null (domain_def_parse ("", 0, NULL, 0, NULL));
}

/* ---- status files */

static DomainStatus *
running (void)
{
    DomainStatus *status = domain_status_new ();
    g_autofree char *def
        = document ("<devices><console type='pty'/><interface type='ethernet'/></devices>");
    g_autofree char *next = document ("<title>next</title>");
    NameValue *fact = g_new0 (NameValue, 1);
    ConsoleDef *console;
    NetDef *net;

    status->def = domain_def_parse (def, strlen (def), &defaults, 0, NULL);
    status->next = domain_def_parse (next, strlen (next), &defaults, 0, NULL);
    status->def->id = 4242;
    console = g_ptr_array_index (status->def->consoles, 0);
    console->tty = g_strdup ("/dev/pts/3");
    console->source_path = g_strdup ("/dev/pts/3");
    console->alias = g_strdup ("console0");
    net = g_ptr_array_index (status->def->nets, 0);
    net->ifname = g_strdup ("vnet0");
    net->guest_actual = g_strdup ("vnet1");
    status->state = 1;
    status->reason = 0;
    status->pid = 4242;
    status->pid_start = G_MAXUINT64;
    status->init_pid = 4243;
    status->init_start = 7;
    status->steps_begun = G_MAXUINT64;
    status->start_time = 1700000000000000;
    status->autodestroy = TRUE;
    status->exit_status = 0;
    fact->name = g_strdup ("scope");
    fact->value = g_strdup ("a'b<c>&\n");
    g_ptr_array_add (status->facts, fact);
    g_ptr_array_add (status->cgroups, g_strdup ("memory:/machine/<t>"));
    return status;
}

static void
test_status (void)
{
    g_autoptr (DomainStatus) status = running (), again = NULL;
    g_autofree char *one = domain_status_format (status), *two = NULL;
    g_autoptr (GError) error = NULL;

    again = domain_status_parse (one, strlen (one), &defaults, &error);
    g_assert_no_error (error);
    two = domain_status_format (again);
    g_assert_cmpstr (one, ==, two);
    g_assert_cmpint (again->state, ==, 1);
    g_assert_cmpint (again->reason, ==, 0);
    g_assert_cmpint (again->pid, ==, 4242);
    g_assert_cmpuint (again->pid_start, ==, G_MAXUINT64);
    g_assert_cmpint (again->init_pid, ==, 4243);
    g_assert_cmpuint (again->init_start, ==, 7);
    g_assert_cmpuint (again->steps_begun, ==, G_MAXUINT64);
    g_assert_cmpuint (again->start_time, ==, 1700000000000000);
    g_assert_cmpint (again->exit_status, ==, 0);
    g_assert_true (again->autodestroy);
    g_assert_cmpint (again->def->id, ==, 4242);
    g_assert_cmpstr (((NameValue *) g_ptr_array_index (again->facts, 0))->value, ==, "a'b<c>&\n");
    g_assert_cmpstr (g_ptr_array_index (again->cgroups, 0), ==, "memory:/machine/<t>");
    g_assert_cmpstr (((NetDef *) g_ptr_array_index (again->def->nets, 0))->guest_actual, ==,
                     "vnet1");
    g_assert_cmpstr (((ConsoleDef *) g_ptr_array_index (again->def->consoles, 0))->tty, ==,
                     "/dev/pts/3");
    g_assert_cmpstr (again->next->title, ==, "next");
    g_assert_cmpint (again->next->id, ==, -1);
}

static void
assert_bad_status (const char *begin, const char *inner, const char *end, int code,
                   const char *message)
{
    g_autofree char *xml = g_strconcat (begin, inner, end, NULL);
    g_autoptr (GError) error = NULL;

    g_assert_null (domain_status_parse (xml, strlen (xml), &defaults, &error));
    g_assert_error (error, SKEP_ERROR, code);
    if (message) {
        g_autofree char *whole = g_strconcat (error->message, error_place (error), NULL);

        g_assert_cmpstr (whole, ==, message);
    }
}

/* A definition as deep as any is not too deep for a status file. */
static void
test_status_depth (void)
{
    g_autofree char *begin = repeat ("<metadata><a xmlns='urn:a'>", "<b>", 61, "");
    g_autofree char *end = repeat ("", "</b>", 61, "</a></metadata>");
    g_autofree char *inner = g_strconcat (begin, end, NULL), *xml = document (inner), *text = NULL;
    g_autoptr (DomainStatus) status = domain_status_new (), again = NULL;
    g_autoptr (GError) error = NULL;

    status->def = domain_def_parse (xml, strlen (xml), &defaults, 0, &error);
    g_assert_no_error (error);
    status->state = 1;
    text = domain_status_format (status);
    again = domain_status_parse (text, strlen (text), &defaults, &error);
    g_assert_no_error (error);
    g_assert_nonnull (again);
}

static void
test_status_refused (void)
{
    g_autofree char *good = document (""), *bad = document ("<wibble/>");
    g_autofree char *twice = g_strconcat (good, good, NULL);

    assert_bad_status (
        "<domstatus version='2'/>", "", "", ERR_CONFIG_UNSUPPORTED,
        "status file of version 2, this program knows version 1 (line 1, /domstatus)");
    assert_bad_status ("<domstatus/>", "", "", ERR_XML,
                       "Missing required attribute 'version' in element 'domstatus' (line 1, "
                       "/domstatus)");
    assert_bad_status ("<domstatus version='1'/>", "", "", ERR_XML,
                       "missing element 'domain' in element 'domstatus' (line 1, /domstatus)");
    assert_bad_status ("<domstatus version='1' wibble='1'>", good, "</domstatus>", ERR_XML, NULL);
    assert_bad_status ("<domstatus version='1'>", bad, "</domstatus>", ERR_XML, NULL);
    assert_bad_status ("<domstatus version='1'>", twice, "</domstatus>", ERR_XML, NULL);
    assert_bad_status ("<domstatus version='1' pid='-5'>", good, "</domstatus>", ERR_XML, NULL);
    assert_bad_status ("<domstatus version='1'>", good, "", ERR_XML_DETAIL, NULL);
    assert_bad_status ("", "", "", ERR_XML_DETAIL, NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/conf-input/size", test_size);
    g_test_add_func ("/conf-input/depth", test_depth);
    g_test_add_func ("/conf-input/merged-attributes", test_merged_attributes);
    g_test_add_func ("/conf-input/many-siblings", test_many_siblings);
    g_test_add_func ("/conf-input/last-capability", test_last_capability);
    g_test_add_func ("/conf-input/nul", test_nul);
    g_test_add_func ("/conf-input/entities", test_entities);
    g_test_add_func ("/conf-input/many", test_many);
    g_test_add_func ("/conf-input/many-by-default", test_many_by_default);
    g_test_add_func ("/conf-input/many-signs", test_many_signs);
    g_test_add_func ("/conf-input/nested-rows", test_nested_rows);
    g_test_add_func ("/conf-input/nested-device", test_nested_device);
    g_test_add_func ("/conf-input/ignored-in-device", test_ignored_in_device);
    g_test_add_func ("/conf-input/meant-device", test_meant_device);
    g_test_add_func ("/conf-input/large-values", test_large_values);
    g_test_add_func ("/conf-input/many-places", test_many_places);
    g_test_add_func ("/conf-input/nothing", test_nothing);
    g_test_add_func ("/conf-input/status", test_status);
    g_test_add_func ("/conf-input/status-depth", test_status_depth);
    g_test_add_func ("/conf-input/status-refused", test_status_refused);
    return g_test_run ();
}
