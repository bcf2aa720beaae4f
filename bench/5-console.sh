#!/bin/bash
# 5 console: what a guest prints, through .console with one reader and with ten, beside a reader of the socket of a QEMU by hand
# shellcheck disable=SC2119
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
# shellcheck source=bench/lib.sh
. bench/lib.sh
# shellcheck source=bench/hand.sh
. bench/hand.sh
LINES_PRINTED=5000
daemon
boot web || { note "the guest does not start"; exit 1; }
SERIAL=socket
hand_argv web "$T/hand"
hand_start "$T/hand"
until_ 10 [ -S "$T/hand/ser" ]
# Nobody reads the socket until the guest is up: its words are dropped. One line is asked for until it comes.
until_ "$LIMIT" timeout 3 "$TOOLS/drain" 1 1 "$T/hand/ser" || { note "the guest by hand does not start"; cat "$T/hand/said"; exit 1; }

rate() { # NAME: KiB/s a reader
	local out bytes seconds missed
	case $1 in
	hand) out=$("$TOOLS/drain" "$LINES_PRINTED" 1 "$T/hand/ser") || exit 1 ;;
	one) out=$("$TOOLS/drain" "$LINES_PRINTED" 1 "$VM/web/.console" "$VM/web/console") || exit 1 ;;
	ten) out=$("$TOOLS/drain" "$LINES_PRINTED" 10 "$VM/web/.console" "$VM/web/console") || exit 1 ;;
	esac
	read -r bytes seconds missed <<<"$out"
	figure "$1" "$(awk -v b="$bytes" -v s="$seconds" 'BEGIN { print b / 1024 / s }')"
	[ "$ROUND" -eq 0 ] || echo "$missed" >>"$T/missed.$1"
}
rounds=${ROUNDS:-5}
in_turn "$rounds" rate hand one ten
row 'console, 1 reader' "$rounds" KiB/s "domfs:$(of one)" "socket:$(of hand)"
row 'console, 10 readers, each' "$rounds" KiB/s "domfs:$(of ten)" "socket:$(of hand)"
for name in hand one ten; do
	missed=$(awk '{ n += $1 } END { print n }' "$T/missed.$name")
	[ "$missed" = 0 ] || note "$name: $missed bytes were missed"
done
hand_stop
