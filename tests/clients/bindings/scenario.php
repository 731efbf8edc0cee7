<?php
# SPDX-License-Identifier: LGPL-2.1-or-later
# The scenario of bindings.py by php-libvirt. It tells no error numbers, only texts.
[, $uri, $file] = $argv;

function code($what, $result, $text) {
    echo "$what code ", $result !== false ? "none" : (str_contains(libvirt_get_last_error(), $text) ? $text : libvirt_get_last_error()), "\n";
}

libvirt_logfile_set("/dev/null", 0);
$conn = libvirt_connect($uri, false);
if (!$conn)
    die("cannot connect: " . libvirt_get_last_error() . "\n");
echo "type ", libvirt_connect_get_hypervisor($conn)["hypervisor"], "\n";
echo "uri ", libvirt_connect_get_uri($conn) == $uri ? "same" : libvirt_connect_get_uri($conn), "\n";
$dom = libvirt_domain_define_xml($conn, file_get_contents($file));
echo "defined ", libvirt_domain_get_name($dom), " ", libvirt_domain_get_uuid_string($dom), " ",
    libvirt_domain_is_active($dom) ? 1 : 0, "\n";
code("unknown", @libvirt_domain_lookup_by_name($conn, "none"), "Domain not found");
code("destroy off", @libvirt_domain_destroy($dom), "not running");
libvirt_domain_create($dom);
$info = libvirt_domain_get_info($dom);
echo "state ", $info["state"], " ", libvirt_domain_get_id($dom) > 0 ? "id" : "no id", "\n";
echo "info ", $info["maxMem"], " ", $info["nrVirtCpu"], "\n";
echo "active ", implode(" ", libvirt_list_active_domains($conn)), "\n";
libvirt_domain_suspend($dom);
echo "suspended ", libvirt_domain_get_info($dom)["state"], "\n";
libvirt_domain_resume($dom);
echo "resumed ", libvirt_domain_get_info($dom)["state"], "\n";
libvirt_domain_set_autostart($dom, true);
echo "autostart ", libvirt_domain_get_autostart($dom) ? 1 : 0, "\n";
echo "xml ", str_contains(libvirt_domain_get_xml_desc($dom, NULL), "<init>/bin/sh</init>") ? "init" : "no init", "\n";
libvirt_domain_destroy($dom);
echo "destroyed ", libvirt_domain_get_info($dom)["state"], "\n";
libvirt_domain_undefine($dom);
code("undefined", @libvirt_domain_get_info($dom), "Domain not found");
