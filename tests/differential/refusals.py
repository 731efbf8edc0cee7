#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every reason for which libvirt's LXC driver refuses a definition, one by one: skepd refuses it with the same code
and the same text, and stock libvirtd says that they are.

  refusals.py            skepd        refusals.py --stock   stock libvirtd instead: is the table true?
  refusals.py --print    the rows as stock answers them

The rows are refusals.txt: a title, code and text, then a piece of a domain. A line '! code: text' behind the first
has our answer where we mean to differ.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import skeptest as t  # noqa: E402


def rows():
    """(title, stock's answer, our answer, flags, document)"""
    import hand
    for title, text in hand.pieces(os.path.join(HERE, "refusals.txt")):
        expected, _, piece = text.partition("\n")
        own = expected
        if piece.startswith("! "):
            own, _, piece = piece[2:].partition("\n")
        document = piece if title.endswith("(whole)") else hand.domain(piece)
        yield title, expected, own, 1 if title.startswith("schema") else 0, document


def ask(connection, document, flags):
    import libvirt
    try:
        connection.defineXMLFlags(document, flags).undefine()
        return "accepted"
    except libvirt.libvirtError as error:
        return normal(f"{error.get_error_code()}: {error.get_error_message()}")


def normal(text):
    """In one line; schema and document are elsewhere."""
    return text.partition(" doc against ")[0].replace("\n", "\\n")


def clash(checks, connection):
    """Names and uuids that are taken."""
    import hand
    import sense
    other = "c0ffee00-0000-4000-8000-00000000cafe"
    connection.defineXMLFlags(hand.domain(""), 0)
    for title, document, text in (
            ("a name that is taken", hand.domain(f"<uuid>{other}</uuid>"),
             f"9: operation failed: domain '{sense.NAME}' already exists with uuid {sense.UUID}"),
            ("a uuid that is taken", hand.domain("<name>other</name>"),
             f"9: operation failed: domain '{sense.NAME}' is already defined with uuid {sense.UUID}")):
        checks.equal(title, ask(connection, document, 0), text)
    connection.lookupByName(sense.NAME).undefine()


def main():
    stock = len(sys.argv) > 1
    t.enter_namespaces()
    try:
        import libvirt
    except ImportError:
        t.skip("needs python3-libvirt (tools/deps clients)")
    libvirt.registerErrorHandler(lambda *_: None, None)
    if stock and not t.StockLibvirtd.installed():
        t.skip("needs stock libvirtd (tools/deps clients)")
    kind = t.StockLibvirtd if stock else t.Skepd
    checks = t.Checks("refusals")
    with t.work_dir() as directory, kind(os.path.join(directory, "d")) as daemon:
        connection = libvirt.open(daemon.uri)
        for title, expected, own, flags, document in rows():
            found = ask(connection, document, flags)
            if "--print" in sys.argv:
                print(f"=== {title}\n{found}")
            checks.equal(title, found, expected if stock else own)
            checks.that(f"{title}: is refused", found != "accepted")
        clash(checks, connection)
    return checks.done()


sys.exit(main())
