# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Socket activation with the units of docs/examples: the first connection starts a Debian with systemd, in
# a network of its own, and both its services and the AppArmor profile let it work as it should.
# shellcheck shell=bash
debian=/run/debian
mkdir -p $debian/{upper,work,root}
check "a Debian root: this machine's own, copied on write" \
    mount -t overlay -o "lowerdir=/,upperdir=$debian/upper,workdir=$debian/work" overlay $debian/root
echo greeter >$debian/root/etc/hostname
units=$debian/root/etc/systemd/system
# what is masked here for the sake of a quick boot is as in Debian there; audit is the host's
find $units -maxdepth 1 -lname /dev/null ! -name '*getty*' ! -name 'apt-*' ! -name '*.timer' -exec rm {} +
mkdir -p $debian/root/etc/systemd/system.conf.d
printf '%s' "$system_patience" >$debian/root/etc/systemd/system.conf.d/test.conf
for unit in auditd.service skepd.service skepd.socket skepd-ro.socket var-lib-machines.mount; do
    ln -sf /dev/null "$units/$unit"
done
cp "$share"/examples/guest/* $units/
check "enable the unit inside" systemctl --root=$debian/root enable greet.socket
cp "$share"/examples/host/* /etc/systemd/system/
must systemctl daemon-reload
check "the units are well-formed" systemd-analyze verify --man=no greeter.socket greeter.service
cat >/root/greeter.xml <<XML
<domain type='lxc'>
  <name>greeter</name>
  <memory unit='MiB'>256</memory>
  <os><type>exe</type><init>/sbin/init</init></os>
  <features><privnet/></features>
  <devices>
    <filesystem type='mount'><source dir='$debian/root'/><target dir='/'/></filesystem>
    <console type='pty'/>
  </devices>
</domain>
XML
check "define" v define /root/greeter.xml
check "the host listens" systemctl start greeter.socket
equal "nothing runs" "$(state greeter)" "shut off (unknown)"

greeting () { # what a client is told
    exec 8<>/dev/tcp/127.0.0.1/2323
    timeout 3000 cat <&8
    exec 8>&-
}
matches "the first connection is answered" "$(greeting)" "^Hello from greeter, connection 0-"
equal "by a container that it has started" "$(state greeter)" "running (booted)"
equal "for its unit" "$(systemctl is-active greeter.service)" active
matches "the second connection has a process of its own" "$(greeting)" "^Hello from greeter, connection 1-"
init=$(init_of greeter)
check "its network is not the host's" test "$(readlink "/proc/$init/ns/net")" != "$(readlink /proc/self/ns/net)"
matches "init was told of the socket" "$(tr '\0' '\n' <"/proc/$init/environ")" "^LISTEN_FDS=1$"

# ---- the system in it
in_it () {
    inside greeter "$@" 2>&1
}
equal "it runs, confined as it is" "$(in_it /bin/systemctl is-system-running --wait)" running
matches "no unit has failed" "$(in_it /bin/systemctl --failed --no-legend --plain)" "^(-- No entries --)?$"
label=$(cat "/proc/$init/attr/current")
matches "by a profile" "$label" "^libvirt-[0-9a-f-]{36} \(enforce\)$"
equal "services with sandboxes of systemd work" "$(in_it /bin/systemd-run --pipe --wait -q -p PrivateTmp=yes \
    -p ProtectSystem=strict -p ProtectHome=yes -p PrivateDevices=yes -p ProtectKernelTunables=yes \
    -p ProtectControlGroups=yes -p ProtectProc=invisible /bin/cat /proc/self/attr/current)" "$label"
matches "debugfs shows nothing" "$(in_it /bin/ls /sys/kernel/debug)" "Permission denied"
check "stop the unit" systemctl stop greeter.service
equal "the container went with it" "$(state greeter)" "shut off (destroyed)"
equal "the host listens on" "$(systemctl show greeter.socket -p SubState --value)" listening
systemctl stop greeter.socket
check "undefine" v undefine greeter
umount $debian/root
nothing_left "activation"
