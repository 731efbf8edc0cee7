#!/usr/bin/ruby
# SPDX-License-Identifier: LGPL-2.1-or-later
# What Foreman does with a host of containers, by fog-libvirt: looks at it, and has a server off and on.
require "fog/libvirt"

cloud = Fog::Compute.new(provider: "libvirt", libvirt_uri: ARGV[0])
node = cloud.nodes.all.first
puts "node #{node.type} #{node.cpus > 0}"
server = cloud.servers.all.find { |s| s.name == "fog" }
puts "server #{server.name} #{server.state} #{server.cpus} #{server.max_memory_size}"
server.shutdown
server.wait_for(300) { state == "shutoff" }
puts "shut down"
server.start
puts "started #{cloud.servers.get(server.uuid).state}"
server.reboot
server.wait_for(300) { ready? }
puts "rebooted"
server.poweroff
puts "off #{cloud.servers.get(server.uuid).state}"
puts "networks #{cloud.networks.all.size} pools #{cloud.pools.all.size} volumes #{cloud.volumes.all.size}"
server.destroy
puts "gone #{cloud.servers.all.none? { |s| s.name == 'fog' }}"
