#!/bin/bash
# A real guest that changes by itself: inotify, POLLPRI and the line of the event tell of it, and what is read then agrees.
# shellcheck disable=SC2016,SC2119 # cases are texts for eval
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
WATCH=$(tool watch)
daemon

case_ "a guest is up" boot web
G=$VM/web
told() { grep -q -- "$2" "$T/$1.out"; }
follow() { # NAME COMMAND...
	"${@:2}" >"$T/$1.out" 2>&1 &
	followers="${followers:-} $!"
}
watchers() {
	cat "$G/state" "$G/status" >/dev/null
	follow single inotifywait -e modify "$G/state"
	single=$!
	follow many inotifywait -m --format '%w|%e' -e modify "$G/state" "$G/status"
	for how in poll select epoll; do follow "pri.$how" "$WATCH" "$how" "$G/state"; done
	# Whoever has read the line reads the state that it tells of, or a later one, by the old descriptor and by a new one.
	follow agrees bash -c 'exec 8<"$1/state" 9<"$1/.events"; echo ready
		while read -r line <&9; do case $line in *" state="*) ;; *) continue ;; esac
			echo "$line / $(tac <&8) / $(cat "$1/state") / $(sed -n "s/^state //p" "$1/status")"; done' follow "$G"
	agrees=$!
	until_ "$LIMIT" told single 'Watches established' && until_ "$LIMIT" told many 'Watches established' &&
		until_ "$LIMIT" told agrees ready && until_ "$LIMIT" blocked "$agrees" &&
		for how in poll select epoll; do until_ "$LIMIT" told "pri.$how" '^ready running' || return; done
}
watchers
case_ "it powers off by itself" eval 'echo "poweroff -f" >"$G/console" && until_ $LIMIT told agrees "state=off"'
case_ "inotifywait on its state ends" eval 'until_ $LIMIT ended '"$single"' && told single MODIFY'
case_ "status is modified as well" until_ "$LIMIT" told many 'web/status|MODIFY'
for how in poll select epoll; do
	case_ "POLLPRI by $how, and the old descriptor reads the new state" until_ "$LIMIT" told "pri.$how" '^pri off'
done
ranks() { # no reading lags behind its line: of the states on the way down none comes again
	awk -F' / ' 'BEGIN { rank["running"] = 1; rank["stopping"] = 2; rank["off"] = 3 }
		/ state=/ { line = $1; sub(/.* state=/, "", line); sub(/ .*/, "", line); n++
			for (i = 2; i <= 4; i++) if (rank[$i] < rank[line]) { print; bad = 1 } }
		END { exit bad || !n }' "$T/agrees.out"
}
case_ "the state that is read after each line is that line's, or a later one" ranks
case_ "and at the last line it is off, by every way" eval 'until_ $LIMIT told agrees "state=off .* / off / off / off$"'

case_ "it runs again" start web
case_ "POLLPRI told of that too" eval 'until_ $LIMIT told pri.poll "^pri running"'
watched_reboot() { # a reboot is an event, and leaves it running
	local before
	before=$(grep -c . "$T/agrees.out")
	echo 'reboot -f' >"$G/console" && until_ "$LIMIT" up web 3 && state_is web running && tail -n +"$((before + 1))" "$T/agrees.out" | grep -q .
}
case_ "a reboot of its own is told" watched_reboot
case_ "a crash of the hypervisor's process is told" eval \
	'kill -KILL $(qemus web) && until_ $LIMIT told pri.poll "^pri crashed" && until_ $LIMIT told agrees "state=crashed .* / crashed / crashed / crashed$"'
# shellcheck disable=SC2086
kill $followers 2>/dev/null
