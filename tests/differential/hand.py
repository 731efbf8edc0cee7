# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents made by hand: hand/domain*.txt (pieces of domains) and the others there
(of <devices>), whole documents that are
about XML itself, and what tests/xml has."""

import os
import xml.etree.ElementTree as ET

from sense import NAME, UUID

SKEP = "urn:skep:"
HERE = os.path.dirname(os.path.abspath(__file__))
USUAL = {"name": f"<name>{NAME}</name>", "uuid": f"<uuid>{UUID}</uuid>", "memory": "<memory unit='KiB'>65536</memory>",
         "os": "<os><type>exe</type><init>/sbin/init</init></os>"}


def pieces(path):
    """(title, text) of a file of pieces."""
    title, text = None, ""
    with open(path, encoding="utf-8") as handle:
        for line in handle:
            if line.startswith("=== "):
                if title:
                    yield title, text
                title, text = line[4:].strip(), ""
            elif title:
                text += line
    if title:
        yield title, text


def domain(text, **own):
    """A domain of the usual children and these; what is given here replaces the usual one."""
    try:
        given = {child.tag for child in ET.fromstring(f"<x>{text}</x>")}
    except ET.ParseError:       # as it should
        given = set()
    if "no-os" in given:
        given.add("os")
    usual = "".join(own.get(name, USUAL[name]) for name in USUAL if name not in given)
    return f"<domain type='lxc'>{usual}{text}</domain>"


def from_pieces():
    for name in sorted(os.listdir(os.path.join(HERE, "hand"))):
        of_domain = name.startswith("domain")
        for title, text in pieces(os.path.join(HERE, "hand", name)):
            yield f"{name[:-4]}: {title}", domain(text if of_domain else f"<devices>{text}</devices>")


def from_files(directory):
    for name in sorted(os.listdir(directory)):
        if name.endswith(".xml"):
            with open(os.path.join(directory, name), "rb") as handle:
                text = handle.read()
            try:
                yield os.path.basename(directory) + "/" + name, text.decode()
            except UnicodeDecodeError:
                continue        # no client can pass it on as text


def of_xml():
    """About the language itself."""
    plain = domain("")
    inside = plain[len("<domain type='lxc'>"):]
    name = USUAL["name"]

    def named(text):
        return plain.replace(name, f"<name>{text}</name>")

    yield from (
        ("declaration", "<?xml version='1.0'?>" + plain),
        ("declaration of utf-8", "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n" + plain),
        ("declaration of latin 1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + named("d\u00e4")),
        ("declaration of ascii with more", "<?xml version='1.0' encoding='US-ASCII'?>" + named("d\u00e4")),
        ("declaration of utf-16", "<?xml version='1.0' encoding='UTF-16'?>" + plain),
        ("declaration of an unknown encoding", "<?xml version='1.0' encoding='zz'?>" + plain),
        ("declaration of version 1.1", "<?xml version='1.1'?>" + plain),
        ("declaration after a blank", " <?xml version='1.0'?>" + plain),
        ("byte order mark", "\ufeff" + plain),
        ("blanks around", "\n\n  " + plain + "\n\n"),
        ("comment before", "<!-- c -->" + plain),
        ("comments inside", plain.replace("><", "><!-- c --><")),
        ("comment in a text", named("di<!-- c -->ff")),
        ("comment with dashes", "<!-- a -- b -->" + plain),
        ("processing instruction", "<?pi x?>" + plain.replace("<os>", "<?pi y?><os>")),
        ("cdata", named("<![CDATA[diff]]>")),
        ("cdata with markup", domain("<title><![CDATA[<a> & 'b']]></title>")),
        ("cdata in parts", domain("<description>a<![CDATA[b]]>c</description>")),
        ("cdata in an init", domain("", os="<os><type>exe</type><init>/s<![CDATA[bin]]>/init</init></os>")),
        ("character references", named("di&#102;&#x66;")),
        ("character reference to zero", named("a&#0;")),
        ("character reference to a control", domain("<title>a&#1;</title>")),
        ("character reference to DEL", domain("<title>a&#127;</title>")),
        ("character reference to a surrogate", domain("<title>&#xd800;</title>")),
        ("character reference high", domain("<title>&#x1f600;</title>")),
        ("entities", domain("<title>&lt;&gt;&amp;&apos;&quot;</title>")),
        ("unknown entity", domain("<title>&eacute;</title>")),
        ("ampersand alone", plain.replace(name, "<name>a & b</name>")),
        ("less than in an attribute", plain.replace("unit='KiB'", "unit='K<B'")),
        ("doctype", "<!DOCTYPE domain>" + plain),
        ("doctype with entity", "<!DOCTYPE domain [<!ENTITY e 'abc'>]>" + named("&e;")),
        ("doctype external", "<!DOCTYPE domain SYSTEM '/nowhere.dtd'>" + plain),
        ("double quotes", plain.replace("'", '"')),
        ("attribute twice", plain.replace("unit='KiB'", "unit='KiB' unit='KiB'")),
        ("attribute without value", plain.replace("unit='KiB'", "unit")),
        ("attribute without quotes", plain.replace("unit='KiB'", "unit=KiB")),
        ("attributes without a blank between", plain.replace("unit='KiB'", "unit='KiB'a='b'")),
        ("tags crossing", plain.replace("</init></os>", "</os></init>")),
        ("not closed", plain[:-len("</domain>")]),
        ("text behind", plain + "x"),
        ("second root", plain + plain),
        ("nothing", ""), ("blanks", "  \n"), ("text", "hello"), ("only a comment", "<!-- x -->"),
        ("other root", plain.replace("domain", "network")),
        ("root in capitals", plain.replace("domain", "DOMAIN")),
        ("root with default namespace", plain.replace("<domain ", "<domain xmlns='urn:x' ")),
        ("root with prefix", plain.replace("<domain ", "<d:domain xmlns:d='urn:x' ").replace("</domain", "</d:domain")),
        ("prefix not declared", plain.replace("<os>", "<d:x/><os>")),
        ("child in a namespace", plain.replace("<os>", "<os xmlns='urn:x'>")),
        ("child with a prefix", plain.replace("<name>", "<d:name xmlns:d='urn:d'>").replace("</name>", "</d:name>")),
        ("attribute with a prefix", plain.replace("unit=", "xmlns:d='urn:d' d:unit=")),
        ("attribute xml:space", plain.replace("<os>", "<os xml:space='preserve'>")),
        ("type of another driver", plain.replace("'lxc'", "'qemu'")),
        ("type unknown", plain.replace("'lxc'", "'zz'")),
        ("type in capitals", plain.replace("'lxc'", "'LXC'")),
        ("type missing", "<domain>" + inside),
        ("type empty", plain.replace("'lxc'", "''")),
        ("id", plain.replace("<domain ", "<domain id='7' ")),
        ("id negative", plain.replace("<domain ", "<domain id='-1' ")),
        ("id wrong", plain.replace("<domain ", "<domain id='x' ")),
        ("unknown attribute of the root", plain.replace("<domain ", "<domain zz='7' ")),
        ("elements in other order", plain.replace(name, "").replace("</domain>", name + "</domain>")),
        ("umlauts", named("d\u00e4\u00f6\u00fc") + "\n"),
        ("chinese and emoji", domain("<title>\u4e2d\u6587 \U0001f600</title><description>\u0301</description>")),
        ("carriage returns", plain.replace("><", ">\r\n<")),
        ("carriage return in a text", domain("<description>a\r\nb\rc</description>")),
        ("tab and new line in an attribute", domain("<devices><emulator>/a\tb</emulator><disk type='file'><source "
                                                   "file='/a\tb\nc'/><target dev='sda'/></disk></devices>")),
        ("references to white space in an attribute", domain("<devices><disk type='file'><source file='/a&#9;b&#10;c"
                                                             "&#13;'/><target dev='sda'/></disk></devices>")),
        ("name of 200 bytes", named("n" * 200)),
        ("name of 255 bytes", named("n" * 255)),
        ("name of a dot", named(".")), ("name of two dots", named("..")),
        ("deep", domain("<metadata>" + "<a:b xmlns:a='urn:a'>" * 40 + "</a:b>" * 40 + "</metadata>")),
        ("deeper than libxml2 goes", domain("<metadata>" + "<a>" * 300 + "</a>" * 300 + "</metadata>")),
        ("long text", domain("<description>" + "x" * 100000 + "</description>")),
        ("many attributes", plain.replace("<os>", "<os " + " ".join(f"a{i}='1'" for i in range(200)) + ">")),
        ("many elements", domain("<devices>" + "<console type='pty'/>" * 300 + "</devices>")),
    )


def documents():
    yield from from_pieces()
    for title, text in of_xml():
        yield "xml: " + title, text
    for kind in ("in", "err", "ignored"):
        for title, text in from_files(os.path.join(os.path.dirname(HERE), "xml", kind)):
            if SKEP not in text:        # libvirt has no such element
                yield title, text
