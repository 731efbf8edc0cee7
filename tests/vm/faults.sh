# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/start/faults.py for the steps that need systemd or AppArmor: each is made to fail, and daemon and
# controller die there. Nothing may be left, and the state must be true.
# shellcheck shell=bash
faulty_daemon
check "the daemon that can be made to fail" until_true 30 v uri

faulty_start () { # FAULT
    echo "$1" >/run/fault
    said=$(v start bee 2>&1)
    equal "$1: the start fails" $? 1
    test ! -e /run/fault
    report $? "$1: the fault was met" "$said"
    until_true 30 s uri
    nothing_left "$1"
}

for step in labels scope machine; do
    for place in before after; do
        faulty_start "fail $place $step"
        matches "fail $place $step: with the step's error" "$said" "$step: made to fail"
        equal "fail $place $step: state" "$(state bee)" "shut off (failed)"
        faulty_start "kill $place $step"
        matches "kill $place $step: state" "$(state bee)" "^shut off"
        [ $step != labels ] || continue     # there is no controller yet
        faulty_start "kill-controller $place $step"
        equal "kill-controller $place $step: state" "$(state bee)" "shut off (failed)"
    done
    check "start" v start bee
    echo "kill undo $step" >/run/fault
    v destroy bee >/dev/null 2>&1
    check "kill undo $step: the fault was met" test ! -e /run/fault
    until_true 30 s uri
    nothing_left "kill undo $step"
    matches "kill undo $step: state" "$(state bee)" "^shut off"
done
check "it starts after all that" v start bee
check "and ends" v destroy bee
nothing_left "after the faults"
usual_daemon
