# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One domain from start to stop: units, scope, limits, suspend, daemons that come and go.
# shellcheck shell=bash
printf 'pids_max = 300\n' >>/etc/skep/lxc.conf
cat >/root/bee.xml <<XML
<domain type='lxc'>
  <name>bee</name>
  <uuid>3a1f0c52-7d51-4a0e-9b0e-0123456789ab</uuid>
  <memory unit='MiB'>128</memory>
  <memtune><soft_limit unit='MiB'>64</soft_limit></memtune>
  <cputune><shares>512</shares><period>100000</period><quota>50000</quota></cputune>
  <os><type>exe</type><init>/bin/sh</init><initarg>-c</initarg>
    <initarg>trap 'exit 0' TERM PWR; cat /proc/self/cgroup >/tmp/cgroup; while :; do sleep 1; done</initarg></os>
  <devices>
    <filesystem type='mount'><source dir='$root'/><target dir='/'/></filesystem>
    <console type='pty'/>
  </devices>
</domain>
XML

equal "this machine has cgroup version 2 alone" "$(stat -f -c %T /sys/fs/cgroup)" cgroup2fs

# ---- units
check "the units are well-formed" systemd-analyze verify --man=no skepd.service skepd.socket skepd-ro.socket
check "skepd.socket starts" systemctl start skepd.socket skepd-ro.socket
equal "the service does not run yet" "$(systemctl is-active skepd.service)" inactive
equal "a client starts it" "$(v uri)" "lxc+unix:///system?socket=/run/skep/skep-sock"
equal "the service runs" "$(systemctl is-active skepd.service)" active
equal "the socket's mode" "$(stat -c %a /run/skep/skep-sock)" 700
equal "the read-only socket's mode" "$(stat -c %a /run/skep/skep-sock-ro)" 777
equal "anybody may look" "$(setpriv --reuid 65534 --regid 65534 --clear-groups \
    virsh -q -r -c 'lxc+unix:///system?socket=/run/skep/skep-sock-ro' list --all 2>&1)" ""

# ---- start
check "define" v define /root/bee.xml
check "start" v start bee
until_true 10 v lxc-enter-namespace bee --noseclabel /bin/true
id=$(v domid bee)
init=$(init_of bee)
equal "state" "$(v domstate bee --reason)" "running (booted)"
matches "machinectl shows it" "$(machinectl --no-legend list)" "^lxc-$id-bee +container +libvirt-lxc"
matches "it is this domain" "$(machinectl show "lxc-$id-bee" -p Id -p Leader)" "Id=3a1f0c527d514a0e9b0e0123456789ab"
equal "its leader is init" "$(machinectl show "lxc-$id-bee" -p Leader --value)" "$init"
scope=$(machinectl show "lxc-$id-bee" -p Unit --value)
matches "the scope has libvirt's name" "$scope" "^machine-lxc.x2d$id.x2dbee.scope$"
equal "the scope is in machine.slice" "$(systemctl show "$scope" -p Slice --value)" machine.slice
equal "the scope is delegated" "$(systemctl show "$scope" -p Delegate --value)" yes

# ---- limits, wherever in the scope they are
limits () {
    find "/sys/fs/cgroup/machine.slice/$scope" -name "$1" -exec cat {} + | sort -u | tr '\n' ' '
}
matches "memory.max" "$(limits memory.max)" "\b134217728\b"
matches "memory.high" "$(limits memory.high)" "\b67108864\b"
matches "cpu.max" "$(limits cpu.max)" "\b50000 100000\b"
matches "cpu.weight" "$(limits cpu.weight)" "\b(20|512|50)\b"
matches "pids.max" "$(limits pids.max)" "\b300\b"
equal "out of memory ends an application as a whole" \
    "$(cat "/sys/fs/cgroup/machine.slice/$scope/skep/guest/memory.oom.group")" 1
matches "/proc/meminfo" "$(v lxc-enter-namespace bee --noseclabel /bin/cat /proc/meminfo)" "MemTotal: +131072 kB"
check "setmem --live" v setmem bee 100M --live
matches "memory.max follows" "$(limits memory.max)" "\b104857600\b"
matches "/proc/meminfo follows" "$(v lxc-enter-namespace bee --noseclabel /bin/cat /proc/meminfo)" "MemTotal: +102400 kB"
check "schedinfo --live" v schedinfo bee --live --set vcpu_quota=25000
matches "cpu.max follows" "$(limits cpu.max)" "\b25000 100000\b"
matches "memtune reads back" "$(v memtune bee)" "hard_limit *: 102400"
# (as init saw it: lxc-enter-namespace enters the namespaces that libvirt knows, and cgroup is none of them)
until_true 10 test -s $root/tmp/cgroup
equal "only the own control group is seen" "$(cat $root/tmp/cgroup)" "0::/"

# ---- what stock libvirt 9 cannot do on version 2
check "suspend" v suspend bee
equal "state paused" "$(v domstate bee --reason)" "paused (user)"
matches "the freezer holds" "$(limits cgroup.freeze)" 1
check "resume" v resume bee
equal "state resumed" "$(v domstate bee)" running
equal "lxc-enter-namespace" "$(v lxc-enter-namespace bee --noseclabel /bin/echo inside)" inside
equal "hostname inside" "$(v lxc-enter-namespace bee --noseclabel /bin/hostname)" bee

# ---- the daemon comes and goes
check "systemctl restart skepd" systemctl restart skepd
equal "it still runs" "$(v domstate bee)" running
equal "as the same process" "$(v domid bee) $(init_of bee)" "$id $init"
check "suspend, then restart" v suspend bee
check "restart while paused" systemctl restart skepd
equal "paused stays paused" "$(v domstate bee)" paused
check "resume after the restart" v resume bee
must kill -KILL "$(systemctl show skepd -p MainPID --value)"
until_true 15 s uri
equal "kill -9 of the daemon leaves it running" "$(v domid bee)" "$id"
check "systemctl stop skepd" systemctl stop skepd.socket skepd-ro.socket skepd.service
check "init lives without a daemon" kill -0 "$init"
check "start again" systemctl start skepd.socket skepd-ro.socket
equal "found again" "$(v domid bee)" "$id"
check "systemctl reload" systemctl reload skepd
must systemctl stop skepd.socket skepd-ro.socket skepd.service
truncate -s 100 /run/skep/domains/bee.xml
check "start with a damaged status file" systemctl start skepd.socket skepd-ro.socket
equal "found all the same" "$(v domid bee) $(v domstate bee)" "$id running"
equal "with its label" "$(v dumpxml bee | grep -c "<label>libvirt-3a1f0c52-7d51-4a0e-9b0e-0123456789ab</label>")" 1
check "its group too" v memtune bee --live --soft-limit 40000
matches "which takes limits" "$(limits memory.high)" "\b40960000\b"
rm -f /run/skep/domains/bee.xml.bad-*

# ---- stop
until_true 10 can_end bee
check "shutdown" v shutdown bee
comes_to "orderly" bee "shut off (shutdown)"
nothing_left "shutdown"
check "start and destroy" virsh -q -c "$uri" 'start bee; destroy bee'
equal "destroyed" "$(state bee)" "shut off (destroyed)"
nothing_left "destroy"
