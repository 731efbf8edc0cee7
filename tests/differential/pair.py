# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asks a daemon about a document, and tells how two answers differ.

An answer is what a client of libvirt sees of define, dumpxml --inactive and undefine: ("ok", dump) or
(code, text). A difference is a list of lines as deviations.txt has them.
"""

import difflib
import os
import re
import sys

import libvirt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

GONE = (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_INTERNAL_ERROR)


class Asked:
    """A daemon that answers. What it dies of is an answer, too; @twice: if it dies of it again, as what it was asked
    before may have broken it (stock libvirtd's memory; ours has no such excuse)."""

    def __init__(self, daemon, twice=False):
        self.daemon, self.twice = daemon, twice
        self.connection = None

    def connect(self):
        libvirt.registerErrorHandler(lambda *_: None, None)
        self.connection = libvirt.open(self.daemon.uri)

    def renew(self):
        """Another process of the same daemon."""
        self.daemon.stop()
        self.daemon.start()
        self.connect()

    def ask(self, document, how="define"):
        """What @how, a method of ours that gives a normalised document, comes to."""
        answer = self.ask_once(document, how)
        return self.ask_once(document, how) if self.twice and answer[0] == "died" else answer

    def ask_once(self, document, how):
        try:
            return "ok", getattr(self, how)(document)
        except libvirt.libvirtError as error:
            if error.get_error_code() in GONE and not self.alive():
                self.renew()
                return "died", ""
            return str(error.get_error_code()), self.normal_error(error.get_error_message())
        except (UnicodeError, ValueError, TypeError) as error:
            return "client", str(type(error))

    def define(self, document):
        domain = self.connection.defineXMLFlags(document, 0)
        try:
            return self.normal(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), document)
        finally:
            domain.undefine()

    def convert(self, config):
        return self.normal(self.connection.domainXMLFromNative("lxc-tools", config, 0), config)

    def alive(self):
        try:
            self.connection.numOfDefinedDomains()
            return True
        except libvirt.libvirtError:
            return False

    @staticmethod
    def normal_error(text):
        """Ours end in the place that they are about."""
        return re.sub(r" \(line \d+(, [^()]*)?\)$", "", text)

    @staticmethod
    def normal(dump, document):
        text = document if isinstance(document, str) else document.decode(errors="replace")
        dump = re.sub(r"<emulator>[^<]*/(libvirt_lxc|skep-controller)</emulator>",
                      "<emulator>CONTROLLER</emulator>", dump)
        dump = re.sub(r"52:54:00(:[0-9a-f]{2}){3}", "52:54:00:RA:ND:OM", dump) if "52:54:00" not in text else dump
        for name in ("uuid", "genid"):
            if not re.search(f"<{name}>[^<]", text):
                dump = re.sub(f"<{name}>[^<]*</{name}>", f"<{name}>RANDOM</{name}>", dump)
        for name in ("interfaceid", "instanceid", "typeidversion"):
            if f"{name}=" not in text:
                dump = re.sub(f"{name}='[^']*'", f"{name}='RANDOM'", dump)
        return dump


def differences(stock, ours):
    """(stock, ours) pairs: one for outcomes that differ, one for each place where the dumps do."""
    if stock[0] != "ok" or ours[0] != "ok":
        if stock == ours:
            return []
        kind = "text" if stock[0] == ours[0] else "code"
        return [(f"{kind} {outcome(stock)}", outcome(ours))]
    if stock[1] == ours[1]:
        return []
    left, right = stock[1].splitlines(), ours[1].splitlines()
    found = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal":
            found.append((f"dump {lines(left[a:b])}", lines(right[c:d])))
    return found or [("dump white space", "differs")]


def lines(some):
    return " ".join(line.strip() for line in some) or "nothing"


def outcome(answer):
    if answer[0] == "died":
        return "died"
    return "ok" if answer[0] == "ok" else f"{answer[0]}: {answer[1]}".replace("\n", "\\n")
