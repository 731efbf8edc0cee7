#!/usr/bin/ruby
# SPDX-License-Identifier: LGPL-2.1-or-later
# The scenario of bindings.py by ruby-libvirt, with a console beside it.
require "libvirt"

uri, file = ARGV
xml = File.read(file)

def code(what)
  yield
  puts "#{what} code none"
rescue Libvirt::Error => e
  puts "#{what} code #{e.libvirt_code}"
end

conn = Libvirt.open(uri)
puts "type #{conn.type}"
puts "uri #{conn.uri == uri ? 'same' : conn.uri}"
dom = conn.define_domain_xml(xml)
puts "defined #{dom.name} #{dom.uuid} #{dom.active? ? 1 : 0}"
code("unknown") { conn.lookup_domain_by_name("none") }
code("destroy off") { dom.destroy }
dom.create
dom = conn.lookup_domain_by_name(dom.name)
puts "state #{dom.state[0]} #{dom.id > 0 ? 'id' : 'no id'}"
puts "info #{dom.info.max_mem} #{dom.info.nr_virt_cpu}"
puts "active #{conn.list_all_domains(Libvirt::Connect::LIST_DOMAINS_ACTIVE).map(&:name).join(' ')}"
dom.suspend
puts "suspended #{dom.state[0]}"
dom.resume
puts "resumed #{dom.state[0]}"
dom.autostart = true
puts "autostart #{dom.autostart? ? 1 : 0}"
puts "xml #{dom.xml_desc.include?('<init>/bin/sh</init>') ? 'init' : 'no init'}"
dom.memory_parameters = { "hard_limit" => 32768 }
puts "limit #{dom.memory_parameters['hard_limit']}"

stream = conn.stream
dom.open_console("console0", stream, 0)   # the binding takes no nil
stream.send("\recho con''sole\r")
seen = +""
seen << stream.recv(4096)[1] until seen.include?("\nconsole")
puts "console works"
stream.finish

dom.destroy
puts "destroyed #{dom.state[0]}"
dom.undefine
code("undefined") { dom.info }
