# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The records of one life and of a failed start, read back with ausearch; their fields as libvirt writes them.
# shellcheck shell=bash
uuid=3a1f0c52-7d51-4a0e-9b0e-0123456789ab
about="vm=\"bee\" uuid=$uuid"
tail='exe="/usr/sbin/skepd" hostname=\? addr=\? terminal=\? res=success'
records () {
    ausearch --raw -m VIRT_MACHINE_ID,VIRT_RESOURCE,VIRT_CONTROL -vm bee 2>/dev/null
}
before=$(records | wc -l)
check "start" v start bee
id=$(v domid bee) init=$(init_of bee)
check "destroy" v destroy bee
v dumpxml bee >/root/bee.now
sed 's|/bin/sh|/bin/nosuch|' /root/bee.now >/root/bee.bad
v define /root/bee.bad >/dev/null
v start bee 2>/dev/null
v define /root/bee.now >/dev/null
said () {
    records | tail -n "+$((before + 1))"
}
all_said () { # auditd writes them down in its own time
    [ "$(said | wc -l)" -ge 13 ]
}
until_true 30 all_said
all=$(said)
matches "start" "$all" "^type=VIRT_CONTROL .*pid=[0-9]+ uid=0 auid=4294967295 .*msg='virt=lxc op=start reason=booted $about vm-pid=$id $tail'"
matches "init" "$all" "^type=VIRT_CONTROL .*virt=lxc op=init $about vm-pid=$id init-pid=$init pid-ns=[0-9]+ $tail"
matches "destroy" "$all" "^type=VIRT_CONTROL .*virt=lxc op=stop reason=destroyed $about vm-pid=0 $tail"
matches "failed start" "$all" "^type=VIRT_CONTROL .*virt=lxc op=start reason=booted $about vm-pid=0 ${tail%success}failed"
matches "file system" "$all" "^type=VIRT_RESOURCE .*virt=lxc resrc=fs reason=start $about old-fs=\"\?\" new-fs=\"$root\" $tail"
matches "console" "$all" "^type=VIRT_RESOURCE .*virt=lxc resrc=chardev reason=start $about old-chardev=\"\?\" new-chardev=\"[^\"]*\" $tail"
matches "memory" "$all" "^type=VIRT_RESOURCE .*virt=lxc resrc=mem reason=start $about old-mem=0 new-mem=131072 $tail"
matches "processors" "$all" "^type=VIRT_RESOURCE .*virt=lxc resrc=vcpu reason=start $about old-vcpu=0 new-vcpu=1 $tail"
matches "label" "$all" "^type=VIRT_MACHINE_ID .*virt=lxc $about vm-ctx=libvirt-$uuid img-ctx=libvirt-$uuid model=apparmor $tail"
order=$(sed "s/.*virt=lxc \(op=[a-z]*\|resrc=[a-z]*\|vm=\).*/\1/" <<<"$all" | tr '\n' ' ')
equal "their order" "$order" "vm= resrc=fs resrc=chardev resrc=mem resrc=vcpu op=start op=init op=stop \
resrc=fs resrc=chardev resrc=mem resrc=vcpu op=start "
matches "ausearch finds them by UUID" "$(ausearch --raw -m VIRT_CONTROL -uu $uuid 2>/dev/null)" "op=init $about"
check "nothing failed on this machine" sh -c "test -z \"\$(systemctl --failed --no-legend --plain | grep -i skep)\""
