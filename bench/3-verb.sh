#!/bin/bash
# 3 verb: pause and unpause of a real guest, beside stop and cont by QMP in a QEMU by hand, and two FUSE writes that do nothing
# shellcheck disable=SC2119
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
# shellcheck source=bench/lib.sh
. bench/lib.sh
# shellcheck source=bench/hand.sh
. bench/hand.sh
daemon
boot web || { note "the guest does not start"; exit 1; }
mkdir "$T/source" "$T/hand" && cat "$VM/web/ctl" >"$T/source/ctl"
nullfs_start "$T/source" "$T/null"
hand_argv web "$T/hand"
hand_start "$T/hand"
until_ "$LIMIT" prompt "$T/hand/ser.out" || { note "the guest by hand does not start"; cat "$T/hand/said"; exit 1; }

rounds=${ROUNDS:-200}
read -r raw null ctl null_echo ctl_echo <<<"$("$TOOLS/verb" "$rounds" "$T/hand/qmp" "$VM/web/ctl" "$T/null/ctl")"
sum() { awk -v a="$1" -v b="$2" 'BEGIN { print a + b }'; }
row 'pause, unpause: write(2) to an open ctl' "$rounds" us "domfs:$ctl" "qmp+write:$(sum "$raw" "$null"):1.3" "qmp:$raw" "write:$null"
row 'pause, unpause: open, write, close' "$rounds" us "domfs:$ctl_echo" "qmp+echo:$(sum "$raw" "$null_echo"):1.3" "qmp:$raw" \
	"echo:$null_echo"
hand_stop
nullfs_stop "$T/null"
