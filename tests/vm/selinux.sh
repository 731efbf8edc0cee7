# SPDX-License-Identifier: LGPL-2.1-or-later
#
# SELinux, enforcing: what runs has the label that it should have, seen from outside; what the policy keeps
# from containers is kept from it; nothing of the host is relabelled. (The machine's policy has libvirt's
# daemons permissive, see facts.md of the machine: not even stock libvirt starts a container otherwise.)
# shellcheck shell=bash
uuid=3a1f0c52-7d51-4a0e-9b0e-0123456789ab
two='s0:c[0-9]+,c[0-9]+'
label () { # XML of <seclabel>, for bee
    sed "/<seclabel/,/<.seclabel>/d; s|</domain>|$1</domain>|" /root/bee.now >/root/bee.label
    v define /root/bee.label >/dev/null
}
label_of () { # PID
    tr -d '\0' <"/proc/$1/attr/current"
}
denied () { # what containers were really denied
    ausearch -m AVC --raw 2>/dev/null | grep 'permissive=0' | grep -c 'scontext=[^ ]*:container_t:'
}
# By way of a file: containers may not write to pipes of ours.
say_inside () { # DOMAIN COMMAND
    rm -f $root/tmp/said
    inside "$1" /bin/sh -c "$2 >/tmp/said 2>&1" </dev/null >/dev/null 2>&1
    cat $root/tmp/said
}

equal "this machine enforces" "$(getenforce)" Enforcing
check "skepd.socket starts" systemctl start skepd.socket skepd-ro.socket
must define bee $uuid "" "$forever"
must define wasp 3a1f0c52-7d51-4a0e-9b0e-0123456789ac "" "$forever"
v dumpxml bee >/root/bee.now
matches "capabilities" "$(v capabilities | tr -d '\n')" "<secmodel> *<model>selinux</model> *<doi>0</doi> \
*<baselabel type='lxc'>system_u:system_r:container_t:s0</baselabel> *</secmodel>"
echo mine >$root/etc/file
before=$(find $root -printf '%p %Z\n' | sort)

# ---- dynamic
check "start without a seclabel" v start bee
init=$(init_of bee)
dynamic=$(label_of "$init")
matches "init has a label with two categories" "$dynamic" "^system_u:system_r:container_t:$two$"
equal "its controller has libvirt's" "$(label_of "$(v domid bee)")" "system_u:system_r:virtd_lxc_t:s0"
matches "dominfo has it" "$(v dominfo bee)" "Security label: +$dynamic \(enforcing\)"
level=${dynamic#*container_t:}
matches "live XML has it" "$(v dumpxml bee | tr -d '\n')" "<seclabel type='dynamic' model='selinux' relabel='yes'> \
*<label>$dynamic</label> *<imagelabel>system_u:object_r:container_file_t:$level</imagelabel>"
matches "/dev has the image's" "$(cat "/proc/$init/mountinfo")" " /dev .*context=\"system_u:object_r:container_file_t:$level\""
matches "and devpts" "$(cat "/proc/$init/mountinfo")" " /dev/pts .*context=\"system_u:object_r:container_file_t:$level\""
equal "nothing was denied" "$(denied)" 0
check "start another one" v start wasp
matches "it has a label" "$(label_of "$(init_of wasp)")" "^system_u:system_r:container_t:$two$"
check "with other categories" test "$(label_of "$(init_of wasp)")" != "$dynamic"
check "restart of the daemon" systemctl restart skepd
matches "it knows the label" "$(v dominfo bee)" "Security label: +$dynamic \(enforcing\)"
equal "who enters has it, too" "$(say_inside bee "cat /proc/self/attr/current" | tr -d '\0')" "$dynamic"
machine_ids () {
    ausearch --raw -m VIRT_MACHINE_ID -vm bee
}
recorded () {
    [ -n "$(machine_ids)" ]
}
until_true 30 recorded
matches "the audit record" "$(machine_ids)" "subj=system_u:system_r:virtd_t:s0 \
msg='virt=lxc vm=\"bee\" uuid=$uuid vm-ctx=$dynamic img-ctx=system_u:object_r:container_file_t:$level model=selinux \
exe=\"/usr/sbin/skepd\" hostname=\? addr=\? terminal=\? res=success'"
kill -KILL "$(v domid wasp)"
comes_to "a killed controller takes its container along" wasp "shut off (failed)"
until_true 10 can_end bee
check "shutdown" v shutdown bee
comes_to "orderly" bee "shut off (shutdown)"
nothing_left "dynamic"
check "start once more" v start bee
check "the categories are others" test "$(label_of "$(init_of bee)")" != "$dynamic"
v destroy bee

# ---- static, and what the policy denies
static=system_u:system_r:container_t:s0:c1,c2
label "<seclabel type='static' model='selinux' relabel='no'><label>$static</label></seclabel>"
for file in own other host; do
    echo "$file" >"$root/etc/$file"
done
chcon -t container_file_t -l s0:c1,c2 $root/etc/own
chcon -t container_file_t -l s0:c3,c4 $root/etc/other
chcon -t shadow_t $root/etc/host
check "start with a static label" v start bee
equal "it runs with it" "$(label_of "$(init_of bee)")" "$static"
equal "it reads its own files" "$(say_inside bee "cat /etc/own /etc/file" | tr '\n' ' ')" "own mine "
matches "not those of another container" "$(say_inside bee "cat /etc/other")" "Permission denied"
matches "nor of the host" "$(say_inside bee "cat /etc/host")" "Permission denied"
matches "nor may it mount" "$(say_inside bee "mount -t tmpfs none /tmp")" "(denied|not permitted)"
any_denied () { # auditd writes it down in its own time
    [ "$(denied)" -gt 0 ]
}
check "which the host logs" until_true 30 any_denied
v destroy bee
label "<seclabel type='static' model='selinux' relabel='yes'><label>$static</label></seclabel>"
check "start with relabel='yes'" v start bee
v destroy bee
label "<seclabel type='static' model='selinux' relabel='no'><label>system_u:system_r:nosuch_t:s0</label></seclabel>"
matches "an invalid label" "$(v start bee 2>&1)" "Invalid security label system_u:system_r:nosuch_t:s0"
equal "state after it" "$(state bee)" "shut off (failed)"

# ---- base label, none, another model
label "<seclabel type='dynamic' model='selinux'><baselabel>system_u:system_r:container_t:s0</baselabel></seclabel>"
check "start with a base label" v start bee
matches "which gets categories" "$(label_of "$(init_of bee)")" "^system_u:system_r:container_t:$two$"
matches "and is in the live XML" "$(v dumpxml bee)" "<baselabel>system_u:system_r:container_t:s0</baselabel>"
v destroy bee
label "<seclabel type='dynamic' model='selinux'><baselabel>nonsense</baselabel></seclabel>"
matches "an invalid base label" "$(v start bee 2>&1)" "Invalid security label nonsense"
label "<seclabel type='none' model='selinux'/>"
check "start with type none" v start bee
equal "it has its controller's label" "$(label_of "$(init_of bee)")" "system_u:system_r:virtd_lxc_t:s0"
v destroy bee
label "<seclabel type='static' model='apparmor' relabel='no'><label>x</label></seclabel>"
matches "a model that is not there" "$(v start bee 2>&1)" "Security driver model 'apparmor' is not available"

# ---- an image through nbd: served by a process with the daemon's label, its files labelled as the image has them
mkdir -p /root/tree $root/data
echo inside >/root/tree/greeting
truncate -s 8M /root/image.raw
mke2fs -q -t ext4 -O '^has_journal' -d /root/tree /root/image.raw
qemu-img convert -q -O qcow2 /root/image.raw /var/lib/image.qcow2
sed "/<seclabel/,/<.seclabel>/d; s|</devices>|<filesystem type='file'><driver type='nbd' format='qcow2'/>\
<source file='/var/lib/image.qcow2'/><target dir='/data'/></filesystem>&|" /root/bee.now >/root/bee.image
v define /root/bee.image >/dev/null
check "start with an image through nbd" v start bee
equal "qemu-nbd has the daemon's label" "$(label_of "$(pgrep qemu-nbd)")" "$(label_of "$(pgrep -x skepd)")"
matches "it is mounted" "$(cat "/proc/$(init_of bee)/mountinfo")" " /data .* ext4 /dev/nbd"
equal "who has no label reads it" "$(v lxc-enter-namespace bee --noseclabel -- /bin/cat /data/greeting)" inside
check "destroy" v destroy bee
until_true 40 sh -c '! pgrep qemu-nbd'
equal "no server is left" "$(pgrep -a qemu-nbd)" ""
rmdir $root/data
nothing_left "SELinux"
rm -f $root/etc/{own,other,host} $root/tmp/said
equal "nothing on disk was relabelled" "$(find $root -printf '%p %Z\n' | sort)" "$before"
