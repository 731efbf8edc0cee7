# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by run, tools/private-skepd and tests: where the build is, and how its skepd is started so that
# everything it reads or writes lies below one directory.

skep_source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
skep_build=${SKEP_BUILD_DIR:-$skep_source/build}
[ ! -d "$skep_build" ] || skep_build=$(cd "$skep_build" && pwd)

skepd_program=${SKEPD_PROGRAM:-$skep_build/src/driver/skepd}
skep_libvirt_dir=/run/libvirt

# skepd_command ARRAY DIR [--libvirt-paths]: the command line, into the array variable of that name.
skepd_command () {
    local -n command_of=$1
    local dir=$2
    command_of=("$skepd_program"
        --config "$dir/skepd.conf" --lxc-config "$dir/lxc.conf"
        --config-dir "$dir/lxc" --run-dir "$dir" --log-dir "$dir/log" --data-dir "$skep_source/schemas"
        --controller "$skep_build/src/controller/skep-controller"
        --helper "${SKEP_HELPER:-$skep_build/src/controller/skep-helper}")
    if [ "${3-}" = --libvirt-paths ]; then
        command_of+=(--listen-libvirt --libvirt-dir "$skep_libvirt_dir")
    fi
}

# skep_private_uri DIR: what a libvirt client is given to reach it.
skep_private_uri () {
    echo "lxc+unix:///system?socket=$1/skep-sock"
}
