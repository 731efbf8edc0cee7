#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bindings of other languages go through one scenario, each as its users write it, and must tell the same:
Sys::Virt (Perl), ruby-libvirt, php-libvirt, libvirt-go (by cgo), and go-libvirt, which speaks the protocol without
libvirt's library.

  bindings.py [--oracle] perl|ruby|php|go|cgo
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import skeptest as t  # noqa: E402

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bindings")
UUID = "1f9cf5a4-0020-4b5c-9f53-5a6d4c2b1e30"
# virErrorNumber 42 NO_DOMAIN, 55 OPERATION_INVALID; states 1 running, 3 paused, 5 off; events of
# virDomainEventType: defined, started, suspended, resumed, stopped, undefined.
EXPECTED = f"""\
type LXC
uri same
defined bind {UUID} 0
unknown code 42
destroy off code 55
state 1 id
info 65536 1
active bind
suspended 3
resumed 1
autostart 1
xml init
limit 32768
console works
destroyed 5
no pool code 49
no network code 43
capabilities exe
made 1 0
undefine with flags code 8
unmade code 42
undefined code 42
events 0 2 3 4 5 1
""".splitlines()
WORDS = {"unknown code 42": "unknown code Domain not found", "destroy off code 55": "destroy off code not running",
         "undefined code 42": "undefined code Domain not found"}

# Terraform's provider's part, in its own language.
PROVISIONED = ("no pool", "no network", "capabilities", "made", "undefine with", "unmade")

# Where the package lies, and the scenario.
GO = {"go": ("digitalocean/go-libvirt", "scenario.go"), "cgo": ("libvirt/libvirt-go", "scenario_cgo.go")}


def expected(language):
    """All of it, but for what a binding does not have or the scenario leaves out."""
    missing = {"perl": (), "ruby": ("events",), "php": ("limit", "console", "events"), "go": ("limit",), "cgo": ()}[language]
    if language != "go":
        missing += PROVISIONED
    lines = [line for line in EXPECTED if not line.startswith(missing or ("-",))]
    return [WORDS.get(line, line) for line in lines] if language == "php" else lines


def command(language, directory, daemon, xml):
    if language in GO:
        package, source = GO[language]
        t.need_program("go")
        if not os.path.isdir(os.path.join("/usr/share/gocode/src/github.com", package)):
            t.skip(f"needs {package} for Go (tools/deps clients)")
        # The compiler's cache is kept: the second run takes a second.
        cache = os.path.join(os.environ.get("SKEP_CACHE_DIR") or os.path.join(t.BUILD, "cache"), "go")
        program = os.path.join(directory, "scenario")
        built = t.execute(["go", "build", "-o", program, os.path.join(SCENARIOS, source)], timeout=600,
                          env=dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode", GOCACHE=cache, GOFLAGS="-p=2"))
        if built.status:
            raise RuntimeError(built.err)
        path = daemon.uri.partition("socket=")[2]
        return [program, path, xml, daemon.uri]
    t.need_program(language)
    script = os.path.join(SCENARIOS, "scenario." + {"perl": "pl", "ruby": "rb", "php": "php"}[language])
    interpreter = {"perl": ["/usr/bin/perl"], "ruby": ["/usr/bin/ruby"], "php": ["php", "-d", "extension=libvirt-php.so"]}
    return [*interpreter[language], script, daemon.uri, xml]


def need_module(language):
    probe = {"perl": ["/usr/bin/perl", "-MSys::Virt", "-e1"], "ruby": ["/usr/bin/ruby", "-rlibvirt", "-e1"],
             "php": ["php", "-d", "extension=libvirt-php.so", "-r", "exit(function_exists('libvirt_connect') ? 0 : 1);"]}
    if language in probe and (not t.shutil.which(probe[language][0]) or t.execute(probe[language]).status):
        t.skip(f"needs libvirt's binding for {language} (tools/deps clients)")


def main():
    language = sys.argv[-1]
    need_module(language)
    t.enter_namespaces()
    checks = t.Checks(f"the binding for {language}")
    with t.judged() as (directory, daemon):
        root = t.busybox_root(os.path.join(directory, "root"))
        xml = os.path.join(directory, "bind.xml")
        with open(xml, "w", encoding="utf-8") as handle:
            handle.write(t.domain_xml("bind", root, init="/bin/sh", uuid=UUID))
        done = t.execute(command(language, directory, daemon, xml), timeout=600)
        checks.equal("status", done.status, 0)
        found = done.out.splitlines()
        for number, line in enumerate(expected(language)):
            checks.equal(f"line {number + 1}", found[number] if number < len(found) else None, line)
        checks.equal("and no more", found[len(expected(language)):], [])
        checks.equal("no complaint", done.err, "")
    sys.exit(checks.done())


if __name__ == "__main__":
    main()
