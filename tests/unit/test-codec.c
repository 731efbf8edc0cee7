/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies through the codec: what the text between would not survive is refused. */

#include "conf/codec.h"
#include "conf/xml.h"

typedef struct {
    char *name, *text, *markup;
    gboolean declared, twice, late;     /* what the writer does */
} Thing;

static void
thing_codec (Codec *c, void *object)
{
    Thing *thing = object;
    gboolean writing = !codec_reading (c);

    codec_string (c, "name", &thing->name, 0);
    if (writing && thing->twice)
        codec_put (c, "name", "again");
    if (writing && thing->declared)
        codec_put (c, "xmlns:lxc", LXC_NAMESPACE);
    codec_element_string (c, "lxc:text", &thing->text);
    if (writing && thing->late)
        codec_put (c, "late", "1");
    if (writing && thing->markup)
        codec_put_document (c, thing->markup);
    if (!writing && codec_take_child (c, "markup"))
        thing->markup = g_strdup ("read");
}

static const CodecGrammar grammar = { .root = "thing", .origin = ORIGIN_DOMAIN };

static void
thing_clear (Thing *thing)
{
    g_free (thing->name);
    g_free (thing->text);
    g_free (thing->markup);
}

/* The same by way of the text. */
static gboolean
read_text (const Thing *from, Thing *to, gsize *ret_size)
{
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (xmlDoc) doc = NULL;

    codec_write (text, 0, &grammar, 0, thing_codec, from);
    *ret_size = text->len;
    doc = xml_own_document_parse (text->str, text->len, "thing", ORIGIN_DOMAIN, NULL);
    return doc && codec_read (xmlDocGetRootElement (doc), &grammar, 0, thing_codec, to, NULL, NULL);
}

static void
test_copies (void)
{
    static const Thing cases[] = {
        { .name = (char *) "n" },
        { .name = (char *) "", .text = (char *) "  ", .declared = TRUE },
        { .name = (char *) "&<>'\"\t\r\n\"", .text = (char *) "a\r\n&<>'\"]]>\t", .declared = TRUE },
        { .name = (char *) "\xc3\xa4\xf0\x9f\x90\x9d", .markup = (char *) "<markup x='1'><y/>t</markup>" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        Thing copy = { 0 }, read = { 0 };
        gsize most, size;

        g_assert_true (codec_copy (&grammar, 0, thing_codec, &cases[i], &copy, &most, &error));
        g_assert_no_error (error);
        g_assert_true (read_text (&cases[i], &read, &size));
        g_assert_cmpstr (copy.name, ==, read.name);
        g_assert_cmpstr (copy.name, ==, cases[i].name);
        g_assert_cmpstr (copy.text, ==, read.text);
        g_assert_cmpstr (copy.text, ==, cases[i].text);
        g_assert_cmpstr (copy.markup, ==, read.markup);
        g_assert_cmpuint (size, <=, most);
        thing_clear (&copy);
        thing_clear (&read);
    }
}

static void
test_refused (void)
{
    static const struct {
        Thing thing;
        const char *why;
    } cases[] = {
        { { .name = (char *) "\001" }, "characters that XML cannot hold in 'name'" },
        { { .name = (char *) "\xff" }, "characters that XML cannot hold in 'name'" },
        { { .text = (char *) "\x1b", .declared = TRUE }, "characters that XML cannot hold in 'lxc:text'" },
        { { .text = (char *) "t" }, "no namespace for 'lxc:text'" },
        { { .name = (char *) "n", .twice = TRUE }, "a second attribute 'name'" },
        { { .text = (char *) "t", .declared = TRUE, .late = TRUE }, "content before the attribute 'late'" },
        { { .markup = (char *) "<markup>" }, NULL },
        { { .markup = (char *) "<x:markup/>" }, NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (GError) error = NULL;
        Thing copy = { 0 };
        gsize size;

        g_assert_false (codec_copy (&grammar, 0, thing_codec, &cases[i].thing, &copy, NULL, &error));
        g_assert_nonnull (error);
        if (cases[i].why)
            g_assert_cmpstr (error->message, ==, cases[i].why);
        g_assert_false (read_text (&cases[i].thing, &copy, &size));
        thing_clear (&copy);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/codec/copies", test_copies);
    g_test_add_func ("/codec/refused", test_refused);
    return g_test_run ();
}
