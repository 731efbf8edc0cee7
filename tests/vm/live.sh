# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Changes of what runs, on control groups of version 2: devices with the program that decides on them,
# limits as the kernel has them, memory that runs out; across restarts of the daemon and reboots from inside.
# shellcheck shell=bash
must modprobe -a loop null_blk bfq
check "skepd listens" systemctl start skepd.socket skepd-ro.socket
must ip link add livebr type bridge
truncate -s 4M /root/live.image
loop=$(losetup --find --show /root/live.image)
number_of () { # NODE
    printf '%d:%d' "0x$(stat -c %t "$1")" "0x$(stat -c %T "$1")"
}
number=$(number_of "$loop")
mkdir -p $root/mnt /root/live.host
echo "of the host" >/root/live.host/file
for applet in ln mknod dd tail ip umount; do
    ln -sf busybox $root/bin/$applet
done
cat >$root/live <<'INIT'
trap 'exec reboot -f' USR1
trap 'exec tail /dev/zero' USR2
echo . >>/tmp/live.boots
while :; do sleep 1000 & wait $!; done
INIT
define live 5d1f0c52-7d51-4a0e-9b0e-0123456789ab "<vcpu>2</vcpu><features><privnet/></features>" "exec sh /live" >/dev/null
check "start" v start live
until_true 30 test -s $root/tmp/live.boots

# Of the running container: its first process, its control group, and the one above that has the limits.
meet () {
    init=$(init_of live)
    guest=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$init/cgroup")
    base=${guest%/guest*}
}
meet

# A program in the container's namespaces and, unlike lxc-enter-namespace, in its control group.
within () {
    # shellcheck disable=SC2016
    sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec nsenter -t "$@"' sh "$guest" "$init" -m -u -i -n -p "$@" 2>&1
}

changed () { # DEVICE attach|detach XML
    echo "$3" >/root/live.device
    check "$1: $2" v "$2-device" live /root/live.device --live
}

# A file of the group that has the limits, as one line.
limit () { # FILE
    tr '\n' ' ' <"$base/$1"
}

# ---- devices
control="<hostdev mode='capabilities' type='misc'><source><char>/dev/loop-control</char></source></hostdev>"
open_it="exec 3</dev/loop-control && echo opened"
matches "a device of the host is refused" "$(within /bin/sh -c "mknod /tmp/control c 10 237")" "not permitted"
# the rule comes before the node: who waits for it can open it at once
within /bin/sh -c "until [ -e /dev/loop-control ]; do :; done; $open_it" >/run/live.opened &
waiting=$!
changed "character device" attach "$control"
until_true 20 sh -c "! kill -0 $waiting 2>/dev/null" || kill $waiting
wait $waiting
equal "character device: can be opened as soon as it is there" "$(cat /run/live.opened)" opened
within /bin/ln /dev/loop-control /dev/kept
changed "character device" detach "$control"
check "character device: the node is gone" test ! -e "/proc/$init/root/dev/loop-control"
matches "character device: a link that was kept is refused" "$(within /bin/sh -c "exec 3</dev/kept && echo opened")" "not permitted"

storage="<hostdev mode='capabilities' type='storage'><source><block>$loop</block></source></hostdev>"
changed "storage" attach "$storage"
equal "storage: can be read" "$(within /bin/dd "if=$loop" of=/dev/null bs=512 count=1 | grep -c '1+0 records out')" 1
within /bin/ln "$loop" /dev/kept2
changed "storage" detach "$storage"
matches "storage: a link that was kept is refused" "$(within /bin/dd if=/dev/kept2 of=/dev/null count=1)" "not permitted"

directory="<filesystem type='mount'><source dir='/root/live.host'/><target dir='/mnt'/></filesystem>"
changed "directory" attach "$directory"
equal "directory: is seen" "$(within /bin/cat /mnt/file)" "of the host"
changed "directory" detach "$directory"
equal "directory: gone" "$(within /bin/ls /mnt)" ""

mac=52:54:00:11:e0:01
link="<interface type='bridge'><mac address='$mac'/><source bridge='livebr'/><ip address='192.0.2.7' prefix='24'/></interface>"
changed "interface" attach "$link"
matches "interface: is up and has its address" "$(within /bin/ip addr show eth0 | tr '\n' ' ')" "UP.*inet 192.0.2.7/24"
changed "interface" detach "$link"
equal "interface: gone" "$(within /bin/ls /sys/class/net; ls /sys/class/net/livebr/brif)" lo

# It has no end on the host by which it could be told from one that the container has made.
modprobe dummy
ip link add livedum type dummy
virtual="<hostdev mode='capabilities' type='net'><source><interface>livedum</interface></source></hostdev>"
changed "dummy" attach "$virtual"
within /bin/ip link set livedum name mine
within /bin/ip link add livedum type dummy
changed "dummy" detach "$virtual"
check "dummy: is the host's again, under its name" ip link show livedum
equal "dummy: the container's own stays" "$(within /bin/ls /sys/class/net | tr '\n' ' ')" "livedum lo "
within /bin/ip link del livedum
ip link del livedum

# What a start has mounted is locked in a user namespace; it goes all the same.
define livemap 5d1f0c52-7d51-4a0e-9b0e-0123456789ac "<idmap><uid start='0' target='100000' count='65536'/>\
<gid start='0' target='100000' count='65536'/></idmap><features><privnet/></features>" "exec sleep 100000" >/dev/null
echo "$directory" >/root/live.device
check "idmap: attach for the start" v attach-device livemap /root/live.device --config
check "idmap: start" v start livemap
mapped () {
    nsenter -t "$(init_of livemap)" -m -U -S 0 -G 0 "$@" 2>&1
}
equal "idmap: directory of the start" "$(mapped /bin/cat /mnt/file)" "of the host"
matches "idmap: not the container's to take away" "$(mapped /bin/umount /mnt)" "umount"
check "idmap: detach" v detach-device livemap /root/live.device --live --config
equal "idmap: gone" "$(mapped /bin/ls /mnt)" ""
check "idmap: destroy" v 'destroy livemap; undefine livemap'

# ---- limits, as commands say them and as the kernel has them
check "attach-disk, blkdeviotune" v "attach-disk live $loop sda --live; blkdeviotune live sda --write-iops-sec 77 --read-bytes-sec 1048576 --live"
equal "io.max" "$(limit io.max)" "$number rbps=1048576 wbps=max riops=max wiops=77 "
null=$(number_of /dev/nullb0)
echo bfq >/sys/block/nullb0/queue/scheduler
check "blkiotune, memtune, schedinfo, vcpupin, numatune" v "blkiotune live --weight 700 --device-weights /dev/nullb0,500 \
--device-write-bytes-sec /dev/nullb0,2097152 --live; memtune live --hard-limit 98304 --soft-limit 65536 --swap-hard-limit 131072 --live; \
schedinfo live --live --set cpu_shares=512 --set vcpu_period=50000 --set vcpu_quota=20000; \
vcpupin live 0 1 --live; vcpupin live 1 1 --live; numatune live --nodeset 0 --live"
equal "io.weight" "$(limit io.weight)" "default 700 "
equal "memory.max, memory.high, memory.swap.max" "$(limit memory.max)$(limit memory.high)$(limit memory.swap.max)" \
    "100663296 67108864 33554432 "
equal "cpu.max, cpu.weight" "$(limit cpu.max)$(limit cpu.weight)" "20000 50000 20 "
equal "cpuset" "$(limit cpuset.cpus)$(limit cpuset.cpus.effective)$(limit cpuset.mems)$(limit cpuset.mems.effective)" "1 1 0 0 "
equal "the guest reads the same" "$(cat "$guest"/{memory.max,memory.high,cpu.max,cpu.weight,cpuset.cpus} | tr '\n' ' ')" \
    "100663296 67108864 20000 50000 20 1 "
matches "virsh reads them back" "$(v 'blkdeviotune live sda; blkiotune live; memtune live; schedinfo live' | tr -s ' \n' ' ')" \
"read_bytes_sec ?: 1048576 .*write_iops_sec ?: 77 .*weight ?: 700 .*/dev/nullb0,500 .*hard_limit ?: 98304 soft_limit ?: 65536 \
swap_hard_limit ?: 131072 .*cpu_shares ?: 512 vcpu_period ?: 50000 vcpu_quota ?: 20000"
# All that was set: wanted, in effect, and in the kernel; and what was attached can be used.
all_of_them () { # NAME
    equal "$1: skep limits" "$(skep limits live --json | tr -d ' \n"' | grep -o 'name:[^,]*,wanted:[0-9][^,]*,effective:[^,]*' | grep -v pids)" \
"name:memory.limit,wanted:98304,effective:98304
name:memory.soft_limit,wanted:65536,effective:65536
name:memory.swap_limit,wanted:131072,effective:131072
name:cpu.shares,wanted:512,effective:512
name:cpu.period,wanted:50000,effective:50000
name:cpu.quota,wanted:20000,effective:20000
name:cpu.cpus,wanted:1,effective:1
name:numa.nodes,wanted:0,effective:0
name:blkio.weight,wanted:700,effective:700"
    equal "$1: the kernel's" "$(sort "$base/io.max" "$base/io.bfq.weight" | tr '\n' ' ')" \
        "$null 500 $null rbps=max wbps=2097152 riops=max wiops=max $number rbps=1048576 wbps=max riops=max wiops=77 default 700 "
    equal "$1: disk and node are open to it" "$(within /bin/sh -c "dd if=/dev/sda of=/dev/null bs=512 count=1; $open_it" |
        grep -E '^1.0 records out|opened' | tr '\n' ' ')" "1+0 records out opened "
}
changed "a device that stays" attach "$control"
all_of_them "as set"
check "the daemon restarts" systemctl restart skepd
all_of_them "after a restart of the daemon"
check "reboot from inside" v send-process-signal live 1 usr1
until_true 60 sh -c "[ \$(wc -l <$root/tmp/live.boots) = 2 ]"
equal "it has booted twice" "$(wc -l <$root/tmp/live.boots)" 2
comes_to "it runs" live "running (booted)"
meet
all_of_them "after a reboot from inside"

# ---- frozen
check "suspend" v suspend live
matches "the kernel says frozen" "$(cat "$guest/cgroup.events")" "frozen 1"
check "a limit is changed meanwhile" v 'schedinfo live --live --set vcpu_quota=30000; resume live'
equal "cpu.max" "$(limit cpu.max)" "30000 50000 "
matches "the kernel says thawed" "$(cat "$guest/cgroup.events")" "frozen 0"

# ---- taken back
within /bin/ln /dev/loop-control /dev/kept
changed "character device, after all that" detach "$control"
matches "it is refused again" "$(within /bin/sh -c "exec 3</dev/kept && echo opened")" "not permitted"
check "detach-disk" v detach-disk live sda --live
equal "its limit is gone" "$(limit io.max)" "$null rbps=max wbps=2097152 riops=max wiops=max "
check "limits to nothing" v 'blkiotune live --weight 100 --device-weights /dev/nullb0,0 --device-write-bytes-sec /dev/nullb0,0 --live; \
memtune live --soft-limit -1 --swap-hard-limit -1 --live; schedinfo live --live --set vcpu_quota=-1'
equal "none is left" "$(limit io.max)$(limit io.bfq.weight)$(limit memory.high)$(limit memory.swap.max)$(limit cpu.max)" \
    "default 100 max max max 50000 "

# ---- memory that runs out: told before the end that it brings
virsh -c "$uri" event live --all --loop >/run/live.events 2>&1 </dev/null &
watcher=$!
listens () { # it says nothing when it has begun to
    v desc live --live x
    grep -q metadata /run/live.events
}
check "events are heard" until_true 20 listens
check "memory runs out" v send-process-signal live 1 usr2
comes_to "that is a crash" live "shut off (crashed)" 60
until_true 20 grep -q Stopped /run/live.events
matches "memory-failure, then the end" "$(tr '\n' ' ' </run/live.events)" "memory-failure.*Stopped"
kill $watcher
nothing_left "changes of what runs"
check "undefine" v undefine live
losetup -d "$loop"
ip link del livebr
