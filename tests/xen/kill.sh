#!/bin/bash
# minutes: 4
# The daemon is killed: the guests run on, and the next one has all of them, with what happened meanwhile.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon

truncate -s 4M "$T/disk.img"
case_ "three guests of ours, and one of xl's" eval '
	boot web "vif = [\"bridge=xenbr0\"]" "disk = [\"format=raw,vdev=xvda,access=rw,target=$T/disk.img\"]" "on_crash = \"preserve\"" &&
	define kept "${tiny[@]}" && ctl kept "start -p" && define lost "${tiny[@]}" && ctl lost "start -p" &&
	XL=-p foreign other "${tiny[@]}" && until_ 3 state_is other paused && agree'
boot=$(in_guest web bootid)
until_ 10 eval 'tail -n 1 "$VM/web/console" | grep -q "guest# $"'
for name in web kept lost other; do eval "id_$name=$(xl_id $name)"; done
head -n 50 "$VM/web/console" >"$T/before"
kill_daemon
case_ "all run on without the daemon" eval 'for name in web kept lost other; do listed $name || echo $name; done | not grep .'
xl destroy lost
xl unpause kept
daemon
case_ "after the daemon was killed its console's history is there, once" eval 'head -n 50 "$VM/web/console" | diff "$T/before" -'
case_ "its successor has them: the one that ran" eval 'state_is web running && is "$(cat "$VM/web/id")" "$id_web" && guest_says web bootid "$boot"'
case_ "the one that was unpaused meanwhile" eval 'until_ 5 state_is kept running && is "$(cat "$VM/kept/id")" "$id_kept" && ctl kept pause'
case_ "the one that was destroyed meanwhile" eval 'state_is lost off && grep -q " lost off" "$VM/events"'
case_ "and the one of xl's" eval 'state_is other paused && is "$(cat "$VM/other/id")" "$id_other"'
case_ "they are as xl says" agree
case_ "the configuration in force is that of the start" eval 'grep -q disk.img "$VM/web/live" && [ ! -s "$VM/web/pending" ]'
case_ "its policies hold for the successor: on_crash=preserve" eval '
	echo panic >"$VM/web/console" && until_ $LIMIT state_is web crashed && is "$(cat "$VM/web/id")" "$id_web" && ctl web destroy && no_domain web'

# A guest that ended while nobody watched.
case_ "one that is up" start web
kill_daemon
xl trigger web nmi 2>/dev/null
xl sysrq web c
case_ "it crashes while there is no daemon" until_ "$LIMIT" xl_state_has web c
daemon
case_ "the successor says so, and holds it" eval 'until_ 10 state_is web crashed && ! key_is web/status id -'
case_ "and releases it" eval 'ctl web destroy && no_domain web && ctl kept destroy && xl destroy other'
case_ "nothing is left" nothing_left
stop_daemon

# Each step of a start and of a destroy.
dying() { # POINT
	DOMFS_KILL_AT=$1 "$DOMFS" --foreground --config-dir "$T/etc" --state-dir "$T/state" --run-dir "$T/run" "$VM" \
		>>"$T/daemon.log" 2>&1 </dev/null &
	PID=$!
	until_ 60 eval '[ -e "$VM/ctl" ] || ! kill -0 "$PID"'
}
died() { # POINT: it did, by its own hand
	until_ 60 eval '! kill -0 "$PID"' || kill -KILL "$PID"
	wait "$PID" 2>/dev/null
	case_ "$1: the daemon is dead" test $? = 137
}
settled() { case $(cat "$VM/$1/state") in off | running | paused) ;; *) return 1 ;; esac; }
# One that was to run and is built does: what it was, not only that it is there.
finished() {
	case $1 in
	xen-started | xen-unpaused) key_is kept/status reason adopted && until_ 10 state_is kept running && until_ 10 not xl_state_has kept p ;;
	esac
}
whole() { # kept is off or on, xl agrees, and on or off it has what it should
	until_ "$LIMIT" settled kept || { echo "kept is $(cat "$VM/kept/state")"; return 1; }
	agree || return
	if listed kept; then not key_is kept/status id -; else key_is kept/status id - && nothing_left; fi
}
works() {
	if ! listed kept; then ctl kept "start -p" && state_is kept paused || return; fi
	ctl kept destroy && state_is kept off && nothing_left
}
points='
xen-intent start
xen-built start
xen-started start
xen-unpaused start
xen-destroy destroy
xen-attached attach
xen-appeared adopt
restart-saved reset
restart-released reset
'
case_ "every test point of the source is tried here" diff <(printf '%s\n' "$points" | cut -d' ' -f1 | sed '/^$/d' | sort) \
	<(grep -rhoE 'test_point\("[^"]+' backends/xen hypervisor/model/policy.c | sed 's/.*"//' | sort)
of() { printf '%s\n' "$points" | awk -v verb="$1" '$2 == verb { print $1 }'; }

vif="vif = ['bridge=xenbr0,script=$(vif_script)']"
disk="disk = ['format=raw,vdev=xvda,access=rw,target=$T/disk.img']"
configure() { # LINE...: what kept has
	daemon
	define kept "${tiny[@]}" "$@"
	stop_daemon
}
configure "$vif" "$disk"
for point in $(of start); do
	for again in none $(of adopt); do
		dying "$point"
		ctl kept start >/dev/null 2>&1
		died "$point"
		if [ "$again" != none ]; then
			dying "$again"
			case $point in xen-intent | xen-built) kill_daemon ;; *) died "$point, $again" ;; esac
		fi
		daemon
		case_ "$point, $again: it is off, or runs whole" whole
		case_ "$point, $again: what was begun is finished" finished "$point"
		case_ "$point, $again: it works" works
		stop_daemon
	done
done
for point in $(of destroy); do
	daemon
	ctl kept "start -p"
	stop_daemon
	dying "$point"
	ctl kept destroy >/dev/null 2>&1
	died "$point"
	daemon
	case_ "$point: it is off" eval 'state_is kept off && no_domain kept && nothing_left'
	case_ "$point: it works" works
	stop_daemon
done
# A guest that is ended only to be started again comes again, whoever does it.
configure "$vif"
for point in $(of reset) $(of destroy) $(of start); do
	daemon
	ctl kept "start -p" && ctl kept unpause
	stop_daemon
	dying "$point"
	ctl kept reset >/dev/null 2>&1
	died "$point"
	daemon
	case_ "$point in a reset: it runs" eval 'until_ "$LIMIT" state_is kept running && agree'
	case_ "$point in a reset: it works" works
	stop_daemon
done
truncate -s 1M "$T/other.img"
for point in $(of attach); do
	daemon
	ctl kept "start -p"
	stop_daemon
	dying "$point"
	ctl kept "block-attach format=raw,vdev=xvdb,access=rw,target=$T/other.img" >/dev/null 2>&1
	died "$point"
	daemon
	case_ "$point: the tree has the disks that xl has" eval 'state_is kept paused && agree'
	case_ "$point: it works" works
	stop_daemon
done

configure "$vif" "$disk"
# At any moment, while it starts and ends all the time.
busy() {
	while kill -0 "$PID"; do
		ctl kept "start -p"
		ctl kept destroy
	done >/dev/null 2>&1
}
for round in 1 2 3 4 5; do
	daemon
	busy &
	work=$!
	pass_=$((RANDOM % 3)).$((RANDOM % 10))
	read -r -t "$pass_" <>"$T/never"
	kill_daemon
	wait "$work"
	daemon
	case_ "killed at some moment, round $round ($pass_ s): all is there" whole
	case_ "round $round: it works" works
	stop_daemon
done
daemon
case_ "nothing is left of anything" nothing_left
