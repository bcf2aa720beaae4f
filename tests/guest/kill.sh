#!/bin/bash
# The daemon is killed at every step of a start, a destroy, a definition, a renaming and its own recovery, and then at any
# moment: the next one has every guest and every configuration, and nothing half-done.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh

# dying POINT: a daemon that dies at that test point. Returns when it serves, or is dead already.
dying() {
	DOMFS_KILL_AT=$1 "$DOMFS" --foreground --config-dir "$T/etc" --state-dir "$T/state" --run-dir "$T/run" "$VM" \
		>>"$T/daemon.log" 2>&1 </dev/null &
	PID=$!
	until_ 60 eval 'head -c 1 "$VM/ctl" || ! kill -0 "$PID"' # of a dead mount the kernel still knows what there was
}
died() { # POINT: it did, by its own hand
	until_ 60 eval '! kill -0 "$PID"' || kill -KILL "$PID"
	wait "$PID" 2>/dev/null
	case_ "$1: the daemon is dead" test $? = 137
}

is_on() { ! status_is "$1" id -; }
settled() { case $(cat "$VM/$1/state") in off | running | paused) ;; *) return 1 ;; esac; }
quiet() { # DOMAIN: settled, and as many processes as it says
	until_ "$LIMIT" settled "$1" || { echo "$1 is $(cat "$VM/$1/state")"; return 1; }
	local n
	n=$(pgrep -fc -- "-uuid $(cat "$VM/$1/uuid") .*$T/run/qemu/") # its own name there may be an older one
	if is_on "$1"; then [ "$n" = 1 ]; else [ "$n" = 0 ]; fi || { echo "$1 is $(cat "$VM/$1/state") with $n processes"; return 1; }
}

# whole [NAME...]: these domains and the bystander are there, and nothing else; each has its configuration and at most one
# process, which has a folder.
whole() {
	local name on=0
	(cd "$VM" && printf '%s\n' */ | tr -d /) >"$T/there"
	printf '%s\n' bystander "$@" | LC_ALL=C sort | diff - "$T/there" || return
	for name in bystander "$@"; do
		quiet "$name" || return
		! is_on "$name" || on=$((on + 1))
		cmp "$VM/$name/config" "$T/$name.cfg" || return
	done
	if [ "$(qemus | wc -l)" != "$on" ] || [ "$(folders | wc -l)" != "$on" ]; then
		folders
		qemus
		return 1
	fi
	[ "$(qemus bystander)" = "$pid" ] && status_is bystander id "$id" && guest_says bystander bootid "$boot"
}

daemon
case_ "a guest starts that all of this must not touch" boot bystander
pid=$(qemus bystander) id=$(status bystander id) boot=$(in_guest bystander bootid)
define victim
stop_daemon

# Which verb reaches a point, and whether the guest runs afterwards. What began and never ran is there to be abandoned.
points='
model-start start off
start-folder start off
start-intent start off abandoned
start-opened start off abandoned
start-spawned start off abandoned
start-recorded start off abandoned
start-set-up start off abandoned
start-started start running
start-continued start running
model-destroy destroy running
destroy-begin destroy any
destroy-killed destroy off
destroy-removed destroy off
define-meta define any
undefine-removed undefine any
config-valid config any
config-written config any
rename-journal rename any
rename-written rename any
adopt-abandoned adopt any
adopt-appeared adopt any
adopt-asked adopt any
adopt-told adopt any
'
of() { printf '%s\n' "$points" | awk -v verb="$1" '$2 == verb { print $1 }'; }
case_ "every test point of the source is tried here" diff <(printf '%s\n' "$points" | cut -d' ' -f1 | sed '/^$/d' | sort) \
	<(grep -rhoE 'test_point\("[^"]+' backends/qemu hypervisor/model fs | sed 's/.*"//' | grep -v '^restart-' | sort) # those: with Xen
expected() { printf '%s\n' "$points" | awk -v point="$1" '$1 == point { print $3 }'; }
as_expected() { local want; want=$(expected "$1"); [ "$want" = any ] || state_is victim "$want"; }
recovery_killed() { # POINT AFTER
	dying "$1"
	if [ "$1" = adopt-abandoned ] && ! printf '%s\n' "$points" | grep -q "^$2 .*abandoned"; then
		kill_daemon
	else
		died "$2, $1"
	fi
}
works() { # it can be started, or is on, and can be destroyed
	if ! is_on victim; then ctl victim start && state_is victim running || return; fi
	ctl victim destroy && state_is victim off && quiet victim
}

# Each step of a start, and then each step of the recovery from it.
for point in $(of start); do
	for again in none $(of adopt); do
		dying "$point"
		ctl victim start >/dev/null 2>&1
		died "$point"
		[ "$again" = none ] || recovery_killed "$again" "$point"
		daemon
		case_ "$point, $again: all is there" eval 'whole victim && as_expected $point'
		[ "$point-$again" != start-started-none ] || case_ "$point: the guest boots" until_ "$LIMIT" up victim 1
		case_ "$point, $again: it works" works
		stop_daemon
	done
done

for point in $(of destroy); do
	for again in none $(of adopt); do
		daemon
		ctl victim start
		stop_daemon
		dying "$point"
		ctl victim destroy >/dev/null 2>&1
		died "$point"
		[ "$again" = none ] || recovery_killed "$again" "$point"
		daemon
		case_ "$point, $again: all is there" eval 'whole victim && as_expected $point'
		case_ "$point, $again: it works" works
		stop_daemon
	done
done

for point in $(of adopt); do
	[ "$point" != adopt-abandoned ] || continue
	dying "$point"
	died "$point"
	daemon
	case_ "$point: all is there" whole victim
	stop_daemon
done

for point in $(of define); do
	dying "$point"
	mkdir "$VM/new" 2>/dev/null
	died "$point"
	daemon
	: >"$T/new.cfg"
	case_ "$point: it is there or it is not" eval 'if [ -e "$VM/new" ]; then whole victim new; else whole victim && mkdir "$VM/new"; fi'
	case_ "$point: it can be used and removed" eval 'define new && cmp "$T/new.cfg" "$VM/new/config" && rmdir "$VM/new" && whole victim'
	stop_daemon
done

for point in $(of undefine); do
	daemon
	define new
	stop_daemon
	dying "$point"
	rmdir "$VM/new" 2>/dev/null
	died "$point"
	daemon
	case_ "$point: it is there or it is not" eval 'if [ -e "$VM/new" ]; then whole victim new && rmdir "$VM/new"; else whole victim; fi'
	case_ "$point: the name is free, and its text is kept" eval 'define new && rmdir "$VM/new" && grep -ls domfs.name=new "$T"/etc/.removed/new.*'
	stop_daemon
done

config_killed() { # the old text or the new one, whole, and in force
	! cmp -s "$T/changed" "$VM/victim/config" || cp "$T/changed" "$T/victim.cfg"
	whole victim && status_is victim config current && status_is victim mem_mib "$(sed -n 's/^memory = //p' "$T/victim.cfg")"
}
for point in $(of config); do
	dying "$point"
	sed 's/^memory = .*/memory = 112/' "$T/victim.cfg" >"$T/changed"
	cp "$T/changed" "$VM/victim/config" 2>/dev/null
	died "$point"
	daemon
	case_ "$point: the old text or the new one" config_killed
	case_ "$point: nothing half-written is left" eval '! find "$T/etc" "$T/state" -name "*.tmp-*" | grep .'
	cp "$T/changed" "$VM/victim/config" && cp "$T/changed" "$T/victim.cfg"
	case_ "$point: it can be written" config_killed
	stop_daemon
done

rename_killed() { # one of the two names, with the same UUID, text and notes
	local name
	case $(ls -d "$VM/old" "$VM/new" 2>/dev/null) in */old) name=old ;; */new) name=new ;; *) ls "$VM"; return 1 ;; esac
	guest_cfg old >"$T/$name.cfg"
	whole victim "$name" && [ "$(cat "$VM/$name/uuid")" = "$uuid" ] && grep -q 'to be kept' "$VM/$name/notes" &&
		state_is "$name" "$1"
}
for point in $(of rename); do
	for state in off running; do
		daemon
		define old
		echo 'to be kept' >"$VM/old/notes"
		uuid=$(cat "$VM/old/uuid")
		[ "$state" = off ] || ctl old start
		stop_daemon
		dying "$point"
		mv "$VM/old" "$VM/new" 2>/dev/null
		died "$point, $state"
		daemon
		case_ "$point, $state: it has one of the names" rename_killed "$state"
		for name in old new; do
			[ -d "$VM/$name" ] || continue
			[ "$state" = off ] || ctl $name destroy
			rmdir "$VM/$name"
		done
		stop_daemon
	done
done

# At any moment, while much is under way.
cp "$T/victim.cfg" "$T/a.cfg"
sed 's/memory = 128/memory = 144/' "$T/a.cfg" >"$T/b.cfg"
busy() {
	while head -c 1 "$VM/ctl" >/dev/null 2>&1; do
		ctl victim start
		cp "$T/a.cfg" "$VM/victim/config"
		ctl victim pause
		cp "$T/b.cfg" "$VM/victim/config"
		ctl victim destroy
		mkdir "$VM/new"
		mv "$VM/new" "$VM/newer"
		rmdir "$VM/new" "$VM/newer"
	done >/dev/null 2>&1
}
either() { # the configuration is the one or the other, and there is at most one of the two names
	cmp -s "$VM/victim/config" "$T/a.cfg" || cmp "$VM/victim/config" "$T/b.cfg" || return
	cp "$VM/victim/config" "$T/victim.cfg"
	rmdir "$VM/new" 2>/dev/null || rmdir "$VM/newer" 2>/dev/null
	whole victim
}
for round in $(seq 15); do
	daemon
	busy &
	work=$!
	read -r -t "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))" <>"$T/never"
	kill_daemon
	wait "$work"
	daemon
	case_ "killed at some moment, round $round: all is there" either
	case_ "round $round: it works" works
	stop_daemon
done
