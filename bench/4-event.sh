#!/bin/bash
# 4 event: from a hypervisor's event, by its own time stamp, to who waits for it, beside a reader of a QMP socket of a QEMU by hand
# shellcheck disable=SC2119
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
# shellcheck source=bench/lib.sh
. bench/lib.sh
# shellcheck source=bench/hand.sh
. bench/hand.sh
daemon
boot web || { note "the guest does not start"; exit 1; }
hand_argv web "$T/hand"
hand_start "$T/hand"
until_ "$LIMIT" prompt "$T/hand/ser.out" || { note "the guest by hand does not start"; cat "$T/hand/said"; exit 1; }

rounds=${ROUNDS:-400}
run=$(folders)
"$TOOLS/event" "$rounds" "$run/ev.in" "$run/ev.out" "$VM/web/.events" "$VM/web/state" "$T/hand/qmp" "$T/hand/ev" >"$T/times" || exit 1
read -r -a raw <<<"$(grep '^qmp ' "$T/times")"
while read -r name lost p50 p90 p99 max; do
	case $name in
	read) what='read of .events' ;;
	poll) what='poll of state' ;;
	inotify) what='inotify of state' ;;
	*) continue ;;
	esac
	[ "$lost" -eq 0 ] || note "$what: $lost of $rounds events were not seen within a second"
	[ "$lost" -lt "$rounds" ] || continue
	row "event to $what: median" "$rounds" us "domfs:$p50:1000" "qmp:${raw[2]}"
	row "event to $what: 90 %" "$rounds" us "domfs:$p90" "qmp:${raw[3]}"
	row "event to $what: 99 %" "$rounds" us "domfs:$p99" "qmp:${raw[4]}"
	row "event to $what: slowest" "$rounds" us "domfs:$max" "qmp:${raw[5]}"
done <"$T/times"
hand_stop
