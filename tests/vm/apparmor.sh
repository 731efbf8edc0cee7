# SPDX-License-Identifier: LGPL-2.1-or-later
#
# AppArmor: what runs is confined, what the profile denies is denied (and works without it), profiles come
# and go with their containers, and a profile that cannot be loaded fails the start.
# shellcheck shell=bash
uuid=3a1f0c52-7d51-4a0e-9b0e-0123456789ab
profiles=/sys/kernel/security/apparmor/profiles
label () { # XML of <seclabel>, for bee
    sed "/<seclabel/,/<.seclabel>/d; s|</domain>|$1</domain>|" /root/bee.now >/root/bee.label
    v define /root/bee.label
}
v dumpxml bee >/root/bee.now

check "capabilities" sh -c "virsh -q -c '$uri' capabilities | tr -d '\n ' |
    grep -q '<secmodel><model>apparmor</model><doi>0</doi></secmodel>'"
check "start without a seclabel" v start bee
init=$(init_of bee)
equal "init is confined" "$(cat "/proc/$init/attr/current")" "libvirt-$uuid (enforce)"
equal "its controller is not" "$(cat "/proc/$(v domid bee)/attr/current")" unconfined
matches "dominfo" "$(v dominfo bee)" "Security label: +libvirt-$uuid \(enforcing\)"
matches "live XML" "$(v dumpxml bee | tr -d '\n')" \
    "<seclabel type='dynamic' model='apparmor' relabel='yes'> *<label>libvirt-$uuid</label> *<imagelabel>libvirt-$uuid</imagelabel>"
equal "who enters is confined, too" "$(inside bee /bin/cat /proc/self/attr/current)" "libvirt-$uuid (enforce)"
check "no seclabel in the stored definition" sh -c "! grep -q seclabel /etc/skep/lxc/bee.xml"

# each does something that is refused; the same without a profile comes next
cat >$root/deeds <<'DEEDS'
mkdir -p /tmp/m
try () {
    name=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "$name: done"; else echo "$name: refused"; fi
    umount /tmp/m 2>/dev/null
}
kick () { mount -o remount,rw,bind /proc/sysrq-trigger && echo h >/proc/sysrq-trigger; }
tune () { mount -o remount,rw,bind /proc/sys && echo 1 >/proc/sys/kernel/printk_ratelimit; }
try proc mount -t proc proc /tmp/m
try debugfs mount -t debugfs none /tmp/m
try securityfs mount -t securityfs none /tmp/m
try bind mount --bind /proc/sys /tmp/m
try sysrq kick
try sysctl tune
try security ls /sys/kernel/security
echo ---
try tmpfs mount -t tmpfs none /tmp/m
try own-bind mount --bind /bin /tmp/m
try hostname hostname bumble
try write touch /etc/written
try read cat /proc/meminfo /proc/1/status
DEEDS
deeds () {
    inside bee /bin/sh /deeds 2>/dev/null
}
equal "denied, and allowed" "$(deeds | tr '\n' ' ')" "proc: refused debugfs: refused securityfs: refused bind: refused \
sysrq: refused sysctl: refused security: refused --- tmpfs: done own-bind: done hostname: done write: done read: done "
check "destroy" v destroy bee
nothing_left "dynamic"

label "<seclabel type='none' model='apparmor'/>" >/dev/null
check "start with type none" v start bee
equal "it is unconfined" "$(cat "/proc/$(init_of bee)/attr/current")" unconfined
equal "and may do all of it" "$(deeds | grep -c ': done')" 12
check "destroy" v destroy bee

cat >/etc/apparmor.d/own <<'PROFILE'
profile own-profile flags=(attach_disconnected) { file, capability, network, mount, umount, pivot_root, signal, ptrace, deny /tmp/secret rw, }
PROFILE
must apparmor_parser -q -r /etc/apparmor.d/own
label "<seclabel type='static' model='apparmor' relabel='no'><label>own-profile</label></seclabel>" >/dev/null
check "start with a static label" v start bee
equal "it runs with that profile" "$(cat "/proc/$(init_of bee)/attr/current")" "own-profile (enforce)"
check "destroy" v destroy bee
nothing_left "static"
matches "a profile that is not ours stays" "$(cat $profiles)" "^own-profile "
label "<seclabel type='static' model='apparmor' relabel='no'><label>nosuch</label></seclabel>" >/dev/null
matches "a static label that is not loaded" "$(v start bee 2>&1)" "Invalid security label 'nosuch'"
equal "its state" "$(state bee)" "shut off (failed)"
label "<seclabel type='dynamic' model='apparmor' relabel='yes'><baselabel>x</baselabel></seclabel>" >/dev/null
matches "no base label" "$(v start bee 2>&1)" "Cannot set a base label with AppArmor"
label "<seclabel type='static' model='selinux' relabel='no'><label>a:b:c:s0</label></seclabel>" >/dev/null
matches "a model that is not there" "$(v start bee 2>&1)" "Security driver model 'selinux' is not available"
nothing_left "refused"
v define /root/bee.now >/dev/null

# ---- the administrator's
mkdir -p /etc/skep/apparmor
echo 'profile PROFILE { nonsense }' >/etc/skep/apparmor/lxc.template
matches "a template that does not compile" "$(v start bee 2>&1)" \
    "cannot load AppArmor profile 'libvirt-$uuid' made of '/etc/skep/apparmor/lxc.template': AppArmor parser error"
equal "state after it" "$(state bee)" "shut off (failed)"
echo 'profile other { file, }' >/etc/skep/apparmor/lxc.template
matches "a template without the name" "$(v start bee 2>&1)" "has no PROFILE"
nothing_left "bad templates"
rm /etc/skep/apparmor/lxc.template
echo 'deny /tmp/secret rw,' >"/etc/apparmor.d/local/libvirt-$uuid"
echo hidden >$root/tmp/secret
check "start with rules of its own" v start bee
equal "they hold" "$(inside bee /bin/cat /tmp/secret 2>/dev/null)" ""
check "destroy" v destroy bee
rm "/etc/apparmor.d/local/libvirt-$uuid"
printf 'security_require_confined = yes\n' >>/etc/skep/lxc.conf
must systemctl restart skepd
label "<seclabel type='none' model='apparmor'/>" >/dev/null
matches "type none where confinement is required" "$(v start bee 2>&1)" "Unconfined guests are not allowed on this host"
sed -i /security_require_confined/d /etc/skep/lxc.conf
must systemctl restart skepd
v define /root/bee.now >/dev/null
nothing_left "AppArmor"
