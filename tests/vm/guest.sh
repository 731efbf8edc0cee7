#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What only a machine with systemd as PID 1, machined, auditd, a security module and pure cgroup version 2
# can show. Runs as root in the virtual machine of run.sh, once; prints each check and ends with their
# number.
#
#   guest.sh PART...        each is a file beside this one, in this order
set -u
. "$(dirname "$0")/lib.sh"
echo "the machine runs"
install_skep
for part in "$@"; do
    began=$SECONDS
    . "$share/$part.sh"
    nothing_left "the end"
    until_true 40 none_known
    equal "systemd and machined know of nothing that is left" "$(known)" ""
    echo "part $part: $((SECONDS - began)) s"
done
finish
