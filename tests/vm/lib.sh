# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the parts of guest.sh share: checks, Skep as installed by "meson install", a busybox root, domains. A program
# that is run costs a tenth of a second here, virsh more than half of one: what is done often does without.
# shellcheck shell=bash
share=$(dirname "$0")
uri='lxc+unix:///system?socket=/run/skep/skep-sock'
root=/var/lib/hive
passed=0 failed=0 part=

report () { # OK NAME DETAIL...
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        # what has failed is to stand at the top
        [ -z "${VERBOSE-}" ] || echo "ok: $part: $2"
    else
        failed=$((failed + 1))
        printf 'FAILED: %s: %s (%s s)\n' "$part" "$2" "$SECONDS"
        shift 2
        printf '    %s\n' "${@//$'\n'/$'\n'    }"
    fi
}

# What is no check, but must be done for the next one.
must () { # COMMAND...
    local said status
    said=$("$@" 2>&1)
    status=$?
    [ $status = 0 ] || report $status "$*" "status $status" "$said"
}

check () { # NAME COMMAND...: the command succeeds
    local name=$1 said status
    shift
    said=$("$@" 2>&1)
    status=$?
    report $status "$name" "$*" "$said"
}

equal () { # NAME FOUND EXPECTED
    [ "$2" = "$3" ]
    report $? "$1" "found    $2" "expected $3"
}

matches () { # NAME TEXT PATTERN: in one of its lines
    local line found=1
    while IFS= read -r line; do
        [[ $line =~ $3 ]] && found=0 && break
    done <<<"$2"
    report $found "$1" "no /$3/ in:" "$2"
}

# The clock of an emulated machine on a loaded host runs far ahead of what the machine gets done, and on while the host
# stands still. Only what fails waits so long.
patience=30
until_true () { # SECONDS COMMAND...
    local end=$((SECONDS + $1 * patience))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

v () {
    virsh -q -c "$uri" "$@"
}

# Whether the init of a container has its handler for the last of the signals of an orderly end: what comes before is lost.
can_end () { # NAME
    local caught
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$(init_of "$1")/status") && (( (0x$caught >> 29) & 1 ))     # SIGPWR
}

# The same question by our own shell, where virsh is not what is tested: a third of the time.
s () {
    skep -q -c "$uri" "$@"
}

state () {
    s domstate "$1" --reason 2>&1
}

# Waits for a state with its reason, and checks it.
comes_to () { # NAME DOMAIN STATE [SECONDS]
    local end=$((SECONDS + ${4:-30} * patience)) now
    until now=$(state "$2"); [ "$now" = "$3" ] || [ $SECONDS -ge $end ]; do
        sleep 0.1
    done
    equal "$1" "$now" "$3"
}

# The first process of a running container.
init_of () {
    local id child
    id=$(s domid "$1")
    read -r child _ <"/proc/$id/task/$id/children"
    echo "$child"
}

inside () { # DOMAIN COMMAND...
    local name=$1
    shift
    v lxc-enter-namespace "$name" -- "$@"
}

processes () { # NAME
    local file name
    for file in /proc/[0-9]*/comm; do
        ! read -r name 2>/dev/null <"$file" || [ "$name" != "$1" ] || echo "process ${file//[!0-9]/}: $name"
    done
}

# What containers may leave behind: processes, scopes, machines, status, mounts, AppArmor profiles. (Called as $(residue).)
residue () {
    local file line lines profiles=/sys/kernel/security/apparmor/profiles
    shopt -s dotglob globstar
    processes skep-controller
    compgen -G '/sys/fs/cgroup/machine.slice/machine-lxc*'
    # what systemd and machined know has a file; guest.sh asks themselves at the end of each part
    compgen -G '/run/systemd/transient/machine-lxc*.scope'
    compgen -G '/run/systemd/machines/*lxc-*'
    for file in /run/skep/domains/**; do
        case ${file##*/} in
        '' | autostarted | stage) ;;
        *) echo "$file" ;;
        esac
    done
    mapfile -t lines </proc/self/mountinfo
    for line in "${lines[@]}"; do
        [[ ($line != *" $root"* && $line != */run/skep/*) || $line == *' /mnt/'* ]] || echo "$line"
    done
    [ ! -e $profiles ] || mapfile -t lines <$profiles
    for line in "${lines[@]}"; do
        [[ $line != libvirt-* ]] || echo "$line"
    done
}

known () {
    systemctl list-units --all --no-legend --plain 'machine-lxc*.scope'
    machinectl --no-legend list
}

none_known () {
    [ -z "$(known)" ]
}

nothing_left () { # NAME
    local end=$((SECONDS + 40 * patience)) left
    until left=$(residue); [ -z "$left" ] || [ $SECONDS -ge $end ]; do
        sleep 0.2
    done
    equal "$1: nothing is left" "$left" ""
}

# A domain of the busybox root: TAGS lie in <domain>, ARG... is what /bin/sh does.
define () { # NAME UUID TAGS COMMAND
    cat >"/root/$1.xml" <<XML
<domain type='lxc'>
  <name>$1</name>
  <uuid>$2</uuid>
  <memory unit='MiB'>128</memory>
  <os><type>exe</type><init>/bin/sh</init><initarg>-c</initarg>
    <initarg>$4</initarg></os>
  $3
  <devices>
    <filesystem type='mount'><source dir='$root'/><target dir='/'/></filesystem>
    <console type='pty'/>
  </devices>
</domain>
XML
    v define "/root/$1.xml"
}
forever="trap 'exit 0' TERM PWR; while :; do sleep 1; done"

# The daemon that can be made to fail, by what stands in /run/fault (tests/start), and back.
faulty_daemon () {
    must mount --bind "$share/skepd-fault" /usr/sbin/skepd
    must systemctl set-environment SKEP_FAULT_FILE=/run/fault
    must systemctl restart skepd
}

usual_daemon () {
    must umount -l /usr/sbin/skepd
    must systemctl unset-environment SKEP_FAULT_FILE
    must systemctl restart skepd
}

system_patience='[Manager]
DefaultTimeoutStartSec=1200
DefaultTimeoutStopSec=1200
DefaultTimeoutAbortSec=1200
DefaultDeviceTimeoutSec=1200
'

# ---- installed as by "meson install"
install_skep () {
    local library name applet
    cp -a "$share/root/." /
    for library in "$share"/lib/*; do
        name=/usr/lib/x86_64-linux-gnu/${library##*/}
        [ -e "$name" ] || cp "$library" "$name"
    done
    ldconfig
    # as dpkg does; the daemon may give away contexts if it has the type of libvirt's (docs/security.md)
    if selinuxenabled 2>/dev/null; then
        { find "$share/root" -mindepth 1 -printf '/%P\n'; find "$share/lib" -type f -printf '/usr/lib/x86_64-linux-gnu/%P\n'; } |
            restorecon -F -i -f -
        restorecon -F /etc/ld.so.cache
        chcon -t virtd_exec_t /usr/sbin/skepd
        chcon -t virtd_lxc_exec_t /usr/libexec/skep/skep-controller
    fi
    mkdir -p $root/{bin,sbin,dev,proc,sys,etc,tmp}
    cp /bin/busybox $root/bin/
    for applet in sh sleep cat ls echo ps hostname kill id head mkdir touch mount umount reboot poweroff true tty; do
        ln -s busybox $root/bin/$applet
    done
    ln -s ../bin/busybox $root/sbin/init
    # (see patience)
    printf 'start_deadline = 600000\ndestroy_deadline = 120000\n' >>/etc/skep/lxc.conf
    ! selinuxenabled 2>/dev/null || chcon -R -t container_file_t $root
    # it is killed often
    mkdir -p /run/systemd/system/skepd.service.d
    printf '[Unit]\nStartLimitIntervalSec=0\n' >/run/systemd/system/skepd.service.d/test.conf
    # neither systemd nor its clients are to lose their patience
    mkdir -p /run/systemd/system.conf.d
    printf '%s' "$system_patience" >/run/systemd/system.conf.d/test.conf
    export SYSTEMD_BUS_TIMEOUT=1200
    # once, for all of it: each time takes seconds
    must systemctl daemon-reload
    must systemctl set-environment SYSTEMD_BUS_TIMEOUT=1200
}

finish () {
    if [ $failed -gt 0 ]; then
        echo "--- journal of skepd"
        journalctl -u skepd --no-pager -n 50
    fi
    echo "vm: $passed checks passed, $failed failed (${SECONDS} s)"
    exit $((failed > 0))
}
