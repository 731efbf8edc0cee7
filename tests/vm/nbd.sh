# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images through the kernel's nbd: raw and qcow2, root, file system and disk, written and read-only; every end of a
# container, of its controller and of the daemon. Nothing may be left, and what was written is in the image.
# shellcheck shell=bash
must systemctl start skepd.socket skepd-ro.socket
images=/var/lib/images
mkdir -p $images/tree
echo "from the image" >$images/tree/greeting
image () { # FILE FORMAT TREE
    local raw=$images/making
    rm -f $raw
    truncate -s 24M $raw
    must mke2fs -q -t ext4 -O '^has_journal' -d "$3" $raw
    must qemu-img convert -q -O "$2" $raw "$1"
}
image $images/data.qcow2 qcow2 $images/tree
image $images/data.raw raw $images/tree
image $images/root.qcow2 qcow2 $root
cp $images/data.qcow2 $images/seen.qcow2

served () { # what may be left of images
    local file line
    processes qemu-nbd
    for file in /sys/block/nbd*/pid; do
        ! read -r line 2>/dev/null <"$file" || echo "$file: $line"
    done
    compgen -G '/run/skep/nbd/*'
    compgen -G '/sys/fs/cgroup/*/skep-nbd-*'
}
none_served () {
    [ -z "$(served)" ]
}
all_gone () { # NAME
    until_true 40 none_served
    equal "$1: no image is left" "$(served)" ""
    nothing_left "$1"
}
kill_daemon () {
    local before
    before=$(systemctl show -p MainPID --value skepd)
    systemctl kill -s KILL --kill-who=main skepd
    # not at once when it waits for a device
    until_true 90 sh -c "[ \"\$(systemctl show -p MainPID --value skepd)\" != $before ]"
    until_true 30 sh -c '[ "$(systemctl is-active skepd)" = active ]'
    until_true 30 s uri
}

# ---- before the first use: offered, since the module can be loaded
check "no module yet" test ! -e /sys/module/nbd
offered=$(v domcapabilities)
matches "domcapabilities: the driver" "$offered" "<value>nbd</value>"
matches "domcapabilities: a format" "$offered" "<value>qcow2</value>"

# ---- one container with all kinds
fs () { # FILE FORMAT TARGET [TAGS]
    echo "<filesystem type='file'><driver type='nbd' format='$2'/><source file='$images/$1'/><target dir='$3'/>${4-}</filesystem>"
}
disk="<disk type='file' device='disk'><driver name='nbd' type='qcow2' cache='none'/><source file='$images/seen.qcow2'/><target dev='vda'/><readonly/></disk>"
mkdir -p $root/data $root/seen $root/raw
define pic 7b0e5c3a-7d51-4a0e-9b0e-0123456789c0 "<on_poweroff>restart</on_poweroff>" "$forever" >/dev/null
with () { # DEVICES: the domain has these beside its root
    sed "s|<console type='pty'/>|$1&|" /root/pic.xml >/root/pic2.xml
    v define /root/pic2.xml >/dev/null
}
with "$(fs data.qcow2 qcow2 /data)$(fs data.raw raw /raw)$(fs seen.qcow2 qcow2 /seen '<readonly/>')$disk"
check "start" v start pic
equal "three file systems" "$(inside pic /bin/cat /data/greeting /raw/greeting /seen/greeting | sort -u)" "from the image"
check "one is written" inside pic /bin/sh -c 'echo kept >/data/kept; echo kept >/raw/kept'
inside pic /bin/sh -c 'echo no >/seen/no' 2>/dev/null
equal "one is read-only" "$(inside pic /bin/ls /seen | tr '\n' ' ')" "greeting lost+found "
matches "and mounted so" "$(inside pic /bin/cat /proc/self/mounts)" "^/dev/nbd[0-9]+ /seen ext4 ro"
equal "the disk is a device" "$(inside pic /bin/busybox stat -c '%F %a' /dev/vda)" "block special file 700"
equal "it can be read" "$(inside pic /bin/busybox dd if=/dev/vda bs=2 skip=540 count=1 2>/dev/null | od -An -tx1)" " 53 ef"
inside pic /bin/busybox dd if=/dev/zero of=/dev/vda bs=512 count=1 2>/dev/null
report $((! $?)) "and not be written"
equal "four servers" "$(pgrep -c qemu-nbd)" 4
equal "each in a scope of its own" "$(systemctl list-units --no-legend --plain 'skep-nbd-*.scope' | wc -l)" 4
matches "as the control groups have them" "$(served)" "^/sys/fs/cgroup/machine.slice/skep-nbd-[0-9]+.scope"
equal "none in the container's group" "$(find /sys/fs/cgroup/machine.slice/machine-lxc* -name cgroup.procs -exec cat {} + | sort >/run/in;
    pgrep qemu-nbd | sort | comm -12 - /run/in)" ""
matches "domblkinfo knows it" "$(v domblkinfo pic /data)" "Capacity: +25165824"
matches "domblkstat too" "$(v domblkstat pic /data)" "wr_bytes [1-9]"
matches "its file systems" "$(v domfsinfo pic)" "/data"

# ---- daemons that come and go
check "restart of the daemon" systemctl restart skepd
equal "it runs on" "$(state pic)" "running (booted)"
check "and writes" inside pic /bin/sh -c 'echo more >>/data/kept'
kill_daemon
check "after the daemon's death too" inside pic /bin/sh -c 'echo most >>/data/kept'
before=$(v domid pic)
inside pic /bin/kill -TERM 1
another () {
    [[ $(s domid pic) =~ ^[0-9]+$ ]] && [ "${BASH_REMATCH[0]}" != "$before" ]
}
until_true 60 another
until_true 60 inside pic /bin/true
equal "started again, it has its images again" "$(inside pic /bin/cat /data/kept | tr '\n' ' ')" "kept more most "
check "suspend" v suspend pic
check "destroy" v destroy pic
all_gone "destroy"
check "all is on disk: start" v start pic
equal "what was written" "$(inside pic /bin/cat /data/kept /raw/kept | tr '\n' ' ')" "kept more most kept "
until_true 10 can_end pic
check "the orderly end" v shutdown pic
comes_to "it ends" pic "shut off (shutdown)"
all_gone "shutdown"
check "the image is sound" qemu-img check -q $images/data.qcow2

# ---- the controller dies
check "start for the controller's death" v start pic
kill -KILL "$(v domid pic)"
comes_to "its end" pic "shut off (failed)"
all_gone "controller killed"

# ---- starts that fail
refused () { # NAME PATTERN
    local said
    said=$(v start pic 2>&1)
    equal "$1: the start fails" $? 1
    matches "$1: and says why" "$said" "$2"
    all_gone "$1"
}
sed -i 's|<init>/bin/sh</init>|&<initdir>/nosuch</initdir>|' /root/pic.xml
with "$(fs data.qcow2 qcow2 /data)"
refused "no initdir" /nosuch
sed -i 's|<initdir>.*</initdir>||' /root/pic.xml
with "$(fs data.raw qcow2 /data)"
refused "wrong format" "Unable to attach $images/data.raw: qemu-nbd: .*not in qcow2 format"
truncate -s 1M $images/empty.raw
with "$(fs data.qcow2 qcow2 /data)$(fs empty.raw raw /raw)"
refused "no file system" "Unable to detect filesystem for /dev/nbd"
with "$(fs data.qcow2 qcow2 /data)$(fs data.qcow2 qcow2 /raw)"
refused "one image twice" "Failed to get \"write\" lock"
rm /dev/nbd*       # connected already, and taken back then
with "$(fs data.qcow2 qcow2 /data)"
refused "no node" "Unable to open /dev/nbd[0-9]+: No such file"
for device in /sys/block/nbd*; do
    IFS=: read -r major minor <"$device/dev"
    mknod -m 660 "/dev/${device##*/}" b "$major" "$minor"
done
printf 'qemu_nbd = "/nosuch"\n' >>/etc/skep/lxc.conf
must systemctl restart skepd
with "$(fs data.qcow2 qcow2 /data)"
refused "no qemu-nbd" "image '$images/data.qcow2' needs qemu-nbd, which is not installed"
equal "which is not offered then" "$(v domcapabilities | grep -c nbd)" 0

# ---- one that hangs: cancelled, and left by a daemon that dies
cat >/root/slow-nbd <<'SLOW'
#!/bin/sh
echo $$ >/run/slow
while [ -e /run/hold ]; do sleep 0.1; done
exec qemu-nbd "$@"
SLOW
chmod +x /root/slow-nbd
sed -i 's|^qemu_nbd.*|qemu_nbd = "/root/slow-nbd"|' /etc/skep/lxc.conf
must systemctl restart skepd
touch /run/hold
v start pic >/run/said 2>&1 &
starter=$!
until_true 60 test -s /run/slow
check "destroy cancels it" v destroy pic
wait $starter
equal "that start fails" $? 1
all_gone "cancelled"
check "and its program was ended" until_true 60 test ! -e "/proc/$(cat /run/slow)"
rm /run/slow
v start pic >/run/said 2>&1 &
starter=$!
until_true 60 test -s /run/slow
kill_daemon
wait $starter
check "the next daemon ends what that has left" until_true 60 test ! -e "/proc/$(cat /run/slow)"
all_gone "left behind"
rm /run/hold

# ---- one that hangs when the kernel asks it for something: the daemon stands between connecting and tying then
cat >/root/hung-nbd <<'HUNG'
#!/bin/sh
exec qemu-nbd --image-opts driver=null-co,size=16777216,read-zeroes=on,latency-ns=3600000000000
HUNG
chmod +x /root/hung-nbd
sed -i 's|^qemu_nbd.*|qemu_nbd = "/root/hung-nbd"|' /etc/skep/lxc.conf
echo 'start_deadline = 30000' >>/etc/skep/lxc.conf
must systemctl restart skepd
connected () {
    cat /sys/block/nbd*/pid
}
connected_or_over () {
    connected || ! kill -0 $starter
}
# Begins what hangs, and ends it while it does. A host that stands still may use up the deadline: then once more.
ended_while_it_hangs () { # NAME END BEGIN...
    local name=$1 end=$2 attempt
    shift 2
    for attempt in 1 2 3 4; do
        v "$@" >/run/said 2>&1 &
        starter=$!
        until_true 60 connected_or_over
        if connected >/dev/null 2>&1 && $end >/run/ended 2>&1; then
            wait $starter
            equal "$name: and it fails" $? 1
            return
        fi
        wait $starter
        until_true 40 none_served
    done
    report 1 "$name" "$(cat /run/said /run/ended)"
}
cancel () {
    v destroy pic
}
ended_while_it_hangs "a start, cancelled" cancel start pic
all_gone "cancelled while the device hangs"
ended_while_it_hangs "a start whose daemon is killed" kill_daemon start pic
all_gone "daemon killed while the device hangs"
with ""
check "start without images, for one that hangs" v start pic
fs data.qcow2 qcow2 /data >/root/fs.xml
ended_while_it_hangs "attached to what runs, which is destroyed" cancel attach-device pic /root/fs.xml --live
all_gone "destroyed while an attach hangs"
sed -i '/^start_deadline/d' /etc/skep/lxc.conf
with "$(fs data.qcow2 qcow2 /data)"

# ---- the daemon dies exactly there: a fifo in the device's place holds it up
sed -i '/^qemu_nbd/d' /etc/skep/lxc.conf
must systemctl restart skepd
with "$(fs seen.qcow2 qcow2 /seen '<readonly/>')"
for device in /sys/block/nbd*; do
    mv "/dev/${device##*/}" "/dev/kept-${device##*/}"
    mkfifo "/dev/${device##*/}"
done
v start pic >/run/said 2>&1 &
starter=$!
check "connected, not tied" until_true 60 connected
kill_daemon
wait $starter
for device in /sys/block/nbd*; do
    mv "/dev/kept-${device##*/}" "/dev/${device##*/}"
done
all_gone "daemon killed between connecting and tying"
with "$(fs data.qcow2 qcow2 /data)"
check "the image is free" v start pic
check "destroy" v destroy pic
all_gone "after all that"

# ---- each end of the step
faulty_daemon
for fault in "fail after devices" "kill before devices" "kill after devices" "kill after controller"; do
    echo "$fault" >/run/fault
    v start pic >/dev/null 2>&1
    equal "$fault: the start fails" $? 1
    check "$fault: was met" test ! -e /run/fault
    until_true 30 s uri
    all_gone "$fault"
done
check "start" v start pic
echo "kill undo devices" >/run/fault
v destroy pic >/dev/null 2>&1
check "kill undo devices: was met" test ! -e /run/fault
until_true 30 s uri
all_gone "kill undo devices"
usual_daemon

# ---- while it runs
with ""
check "start without images" v start pic
echo "$disk" >/root/disk.xml
fs data.qcow2 qcow2 /data >/root/fs.xml
check "attach a disk" v attach-device pic /root/disk.xml --live
equal "it is there" "$(inside pic /bin/busybox stat -c %F /dev/vda)" "block special file"
check "attach a file system" v attach-device pic /root/fs.xml --live
equal "it can be read" "$(inside pic /bin/cat /data/greeting)" "from the image"
equal "two servers" "$(pgrep -c qemu-nbd)" 2
kill_daemon
check "detach the file system" v detach-device pic /root/fs.xml --live
check "detach the disk" v detach-device pic /root/disk.xml --live
until_true 30 sh -c '! pgrep qemu-nbd'
equal "no server" "$(pgrep -a qemu-nbd)" ""
check "attach again" v attach-device pic /root/fs.xml --live
check "destroy with it" v destroy pic
all_gone "hot-plugged"

# ---- a root in an image, with ids of its own; without a driver the format tells
define deep 7b0e5c3a-7d51-4a0e-9b0e-0123456789c1 \
    "<idmap><uid start='0' target='100000' count='65536'/><gid start='0' target='100000' count='65536'/></idmap>" "echo x &gt;/tmp/x; $forever" >/dev/null
sed -i "s|<filesystem type='mount'>.*</filesystem>|<filesystem type='file'><driver format='qcow2'/><source file='$images/root.qcow2'/><target dir='/'/></filesystem>|" /root/deep.xml
check "define a root in an image" v define /root/deep.xml
check "start it" v start deep
until_true 30 inside deep /bin/busybox test -s /tmp/x
equal "it is writable, and its root's" "$(inside deep /bin/busybox stat -c %u /tmp/x)" 0
check "destroy it" v destroy deep
all_gone "a root in an image"
v undefine deep
v undefine pic
