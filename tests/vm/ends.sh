# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Console, reboots from inside and outside, ends, failed starts, id map, autostart, undefine, and the events
# of all that.
# shellcheck shell=bash
virsh -c "$uri" event --all --loop >/run/events 2>&1 </dev/null &
watcher=$!
seen () { # PATTERN: such an event came
    until_true 20 grep -qE -- "$1" /run/events
    matches "$1" "$(cat /run/events)" "$1"
}

# ---- console: busybox init with a shell script on the console
cat >$root/talk <<'TALK'
while read -r line; do
    echo "heard $line on $(busybox tty)"
done
TALK
printf '::sysinit:/bin/sh -c "echo boot >>/tmp/boots"\n::respawn:-/bin/sh /talk\n' >$root/etc/inittab
talk=7b0e5c3a-7d51-4a0e-9b0e-0123456789ac
must define talk $talk "" :
sed -i 's|<init>.*|<init>/sbin/init</init></os>|; /<initarg>/d' /root/talk.xml
check "define a domain with busybox's init" v define /root/talk.xml
check "start" v start talk
listens () { # it says nothing when it has begun to
    v desc talk --live x
    grep -q "event 'metadata-change'" /run/events
}
check "events are heard" until_true 20 listens
mkfifo /run/typed
script -qefc "virsh -c '$uri' console talk" /run/screen <>/run/typed >/dev/null 2>&1 &
typist=$!
exec 7<>/run/typed
until_true 30 grep -q 'Escape character' /run/screen
# what is typed before the terminal is the console's is thrown away
answered () {
    printf 'hello\r' >&7
    sleep 0.5
    grep -q 'heard hello' /run/screen
}
until_true 30 answered
matches "console: both ways, by a terminal of the container" "$(cat /run/screen)" 'heard hello on /dev/(pts/0|console|tty1)'
matches "a second client is refused with --safe" "$(script -qec "virsh -q -c '$uri' console --safe talk" /dev/null </dev/null 2>&1)" \
    '(Active console session exists|busy|in use|exists for this domain)'
printf '\035' >&7
check "the escape character ends it" until_true 20 sh -c "! kill -0 $typist 2>/dev/null"
exec 7>&-

# ---- reboots
before=$(v domid talk)
inside talk /bin/reboot >/dev/null 2>&1      # which may see its own end
until_true 60 sh -c "[ \$(grep -c boot $root/tmp/boots) = 2 ]"
equal "reboot from inside: it has booted twice" "$(grep -c boot $root/tmp/boots)" 2
comes_to "it runs" talk "running (booted)"
seen "event 'reboot' for domain '?talk"
machines () {
    machinectl --no-legend list | awk '{print $1}'
}
only_new () {
    [ "$(machines)" = "lxc-$(v domid talk)-talk" ]
}
until_true 30 only_new
equal "machined knows it as the new one, and only once" "$(machines)" "lxc-$(v domid talk)-talk"
check "another controller serves it" test "$(v domid talk)" != "$before"
check "reboot from outside" v reboot talk
until_true 60 sh -c "[ \$(grep -c boot $root/tmp/boots) = 3 ]"
equal "it has booted three times" "$(grep -c boot $root/tmp/boots)" 3
comes_to "it runs again" talk "running (booted)"
until_true 30 inside talk /bin/true
inside talk /bin/poweroff >/dev/null 2>&1    # which may see its end
comes_to "power off from inside" talk "shut off (shutdown)" 60
seen "event 'lifecycle' for domain '?talk'?: Stopped Shutdown"
nothing_left "power off"
{ echo 'start talk --autodestroy'; until_true 100 grep -q '^domain talk runs' /run/talk.state; } | virsh -q -c "$uri" >/dev/null &
holder=$!
comes_to "start with --autodestroy" talk "running (booted)"
echo 'domain talk runs' >/run/talk.state
wait $holder
comes_to "its client went" talk "shut off (destroyed)" 60
nothing_left "autodestroy"

# ---- hooks: of the host and of the domain, without the daemon's place before the OOM killer
cat >/root/hook <<'HOOK'
#!/bin/sh
echo "$3 $(cat /proc/self/oom_score_adj)" >>/run/hooked
HOOK
mkdir -p /etc/skep/hooks
chmod 755 /root/hook
cp /root/hook /etc/skep/hooks/lxc
define hooked 7b0e5c3a-7d51-4a0e-9b0e-0123456789b0 "" "$forever" >/dev/null
sed -i -e "s|<domain |<domain xmlns:skep='urn:skep:domain:1' |" -e "s|</domain>|<skep:container>\
<skep:hooks><skep:hook on='pre-start'>/root/hook</skep:hook></skep:hooks></skep:container></domain>|" /root/hooked.xml
check "define one with hooks" v define /root/hooked.xml
check "start" v start hooked
check "destroy" v destroy hooked
equal "the daemon's own place" "$(cat "/proc/$(systemctl show skepd -p MainPID --value)/oom_score_adj")" -900
equal "the hooks'" "$(cut -d ' ' -f 2 /run/hooked | sort -u)" 0
matches "all of them ran" "$(cut -d ' ' -f 1 /run/hooked | tr '\n' ' ')" "^begin pre-start begin begin .*end"
rm /etc/skep/hooks/lxc
v undefine hooked
nothing_left "hooks"

# ---- an init that dies
must define dies 7b0e5c3a-7d51-4a0e-9b0e-0123456789ad "<on_crash>destroy</on_crash>" "sleep 3; exit 7"
check "start one that fails later" v start dies
comes_to "its end is a crash" dies "shut off (crashed)" 30
matches "its status is kept" "$(cat /var/log/skep/lxc/dies.log)" "exited with status 7"
seen "event 'lifecycle' for domain '?dies'?: Stopped Shutdown"

# ---- failed starts: refused before and after the scope is there
sed 's|<init>.*</init>|<init>/bin/nosuch</init>|' /root/dies.xml >/root/dies2.xml
v define /root/dies2.xml >/dev/null
said=$(v start dies 2>&1)
equal "a start without init fails" $? 1
matches "and names it" "$said" /bin/nosuch
equal "state after it" "$(state dies)" "shut off (failed)"
nothing_left "no init"
sed 's|<init>/bin/sh</init>|&<initdir>/nosuch</initdir>|' /root/dies.xml >/root/dies2.xml
v define /root/dies2.xml >/dev/null
said=$(v start dies 2>&1)
equal "a start that fails in the child fails" $? 1
matches "and says on what" "$said" /nosuch
equal "state after that" "$(state dies)" "shut off (failed)"
nothing_left "no initdir"

# ---- a user namespace
define mapped 7b0e5c3a-7d51-4a0e-9b0e-0123456789ae \
    "<idmap><uid start='0' target='100000' count='65536'/><gid start='0' target='100000' count='65536'/></idmap>" \
    "id -u &gt;/tmp/uid; $forever" >/dev/null
check "start with an id map" v start mapped
until_true 30 test -s $root/tmp/uid
comes_to "it runs" mapped "running (booted)"
init=$(init_of mapped)
equal "root inside" "$(cat $root/tmp/uid)" 0
equal "nobody outside" "$(stat -c %u "/proc/$init")" 100000
matches "the map" "$(cat "/proc/$init/uid_map")" "^ *0 +100000 +65536$"
equal "files on disk belong to the container's ids" "$(stat -c %u $root/tmp/uid)" 0
matches "its group is its own to use" "$(find /sys/fs/cgroup/machine.slice -path '*mapped*' -user 100000 -name cgroup.procs)" \
    "mapped.scope/"
matches "machined knows it" "$(machinectl --no-legend list)" "lxc-$(v domid mapped)-mapped"
check "destroy the mapped one" v destroy mapped
nothing_left "id map"

# ---- controllers that are killed
check "start one whose controller dies" v start mapped
init=$(init_of mapped)
kill -KILL "$(v domid mapped)"
comes_to "the controller's death ends it" mapped "shut off (failed)"
check "init went with it" until_true 10 test ! -d "/proc/$init"       # once systemd has looked after it
nothing_left "controller killed"
check "start one whose controller dies while there is no daemon" v start mapped
id=$(v domid mapped) init=$(init_of mapped)
must systemctl stop skepd.socket skepd-ro.socket skepd.service
kill -KILL "$id"
check "the kernel ends init" until_true 10 test ! -d "/proc/$init"
check "the daemon comes back" systemctl start skepd.socket skepd-ro.socket skepd.service
equal "and knows" "$(state mapped)" "shut off (failed)"
nothing_left "controller killed without daemon"

# ---- autostart: once a boot
check "autostart" v autostart mapped
must systemctl stop skepd.socket skepd-ro.socket skepd.service
rm /run/skep/domains/autostarted
check "skepd starts as at boot" systemctl start skepd.socket skepd-ro.socket skepd.service
comes_to "it was started" mapped "running (booted)"
check "destroy it" v destroy mapped
check "restart" systemctl restart skepd
equal "no second time" "$(state mapped)" "shut off (unknown)"
nothing_left "autostart"

# ---- undefine
for name in mapped dies talk; do
    check "undefine $name" v undefine $name
    check "$name has no file" test ! -e "/etc/skep/lxc/$name.xml" -a ! -e "/etc/skep/lxc/autostart/$name.xml"
done
equal "only bee is left" "$(v list --all --name)" bee
kill "$watcher" 2>/dev/null
