#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs guest.sh in a throw-away virtual machine: systemd as PID 1, machined, auditd, pure cgroup version 2.
# Skep is installed into a directory with "meson install", and that directory is given to the machine.
#
#   run.sh apparmor|selinux [PART...]       parts of guest.sh, all of them without
#
# SKEP_VM_SCRIPT is the program that runs the machine (default ../shared/vm/vmtest.sh beside the tree):
# vmtest.sh --selinux|--apparmor --share DIR:MOUNTPOINT --timeout S -- COMMAND...
set -euo pipefail
. "$(dirname "$0")/../../tools/private.sh"

kind=$1
shift
if [ $# = 0 ]; then
    case $kind in
    apparmor) set -- lifecycle ends live audit faults nbd apparmor activation ;;
    selinux) set -- selinux ;;
    esac
fi

script=${SKEP_VM_SCRIPT:-$skep_source/../shared/vm/vmtest.sh}
skip () {
    echo "skipped: $*"
    [ "${MUST_WORK:-0}" != 1 ] || exit 1
    exit 77
}
[ -x "$script" ] || skip "no virtual machine script (SKEP_VM_SCRIPT)"
[ "$(id -u)" = 0 ] || skip "needs root"
command -v qemu-system-x86_64 >/dev/null || skip "needs qemu-system-x86 (tools/deps vm)"

share=$(mktemp -d /tmp/skep-vm.XXXXXX)
trap 'rm -rf "$share" "$share.out"' EXIT
mkdir -p "$share/root" "$share/lib"
DESTDIR=$share/root meson install -C "$skep_build" --no-rebuild --quiet
mkdir -p "$share/root/usr/bin"
for tool in qemu-nbd qemu-img; do
    command -v "$tool" >/dev/null || skip "needs $tool (tools/deps vm)"
    cp "$(command -v "$tool")" "$share/root/usr/bin/"
done
# The machine is a Debian of the same version as this host, but with fewer libraries.
{ find "$share/root" -type f -perm /111 -exec ldd {} + 2>/dev/null || true; } |
    awk '$2 == "=>" && $3 ~ /^\// && $3 !~ /\/lib(c|m|pthread|dl|rt)\.so/ {print $3}' | sort -u |
    xargs -r cp -L -t "$share/lib"
cp "$(dirname "$0")"/*.sh "$share/"
cp -r "$skep_source/docs/examples/socket-activation" "$share/examples"
cp "$skep_build/tests/start/skepd-fault" "$share/"

# 125 is a machine that failed. Before anything of ours ran in it (no image, since a mirror did not answer; no boot) that is tried
# again.
for pause in 15 60 end; do
    set +e
    "$script" "--$kind" --share "$share:/mnt/share" --mem 1024 --timeout 5400 -- bash /mnt/share/guest.sh "$@" | tee "$share.out"
    status=${PIPESTATUS[0]}
    set -e
    if [ "$status" != 125 ] || [ -s "$share.out" ] || [ $pause = end ]; then
        exit "$status"
    fi
    echo "the machine failed before it ran anything: once more in $pause s"
    sleep $pause
done
