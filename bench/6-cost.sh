#!/bin/bash
# 6 cost: start-up and adoption, memory a domain, and how often the daemon wakes up when nothing happens
# shellcheck disable=SC2119
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
# shellcheck source=bench/lib.sh
. bench/lib.sh
mkfifo "$T/ask" "$T/tell"
exec 7<>"$T/ask" 8<>"$T/tell"

# Where configurations and what the daemon keeps lie: what an fsync costs is the disk's affair, so most is measured in memory.
mkdir "$T/memory" "$T/disk" && mount -t tmpfs -o size=90% bench "$T/memory" || exit 1
AT=$T/memory

# off_domains N: a configuration each, before a daemon is started
off_domains() {
	rm -rf "$AT/config" && mkdir "$AT/config" || exit 1
	(cd "$AT/config" && awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) {
		file = "vm" i ".cfg"
		printf "memory = 256\nvcpus = 2\nkernel = \"/sim/vmlinuz\"\nextra = \"console=ttyS0 ro\"\n" \
			"disk = [ \"file:/sim/vm%d.img,xvda,w\" ]\nvif = [ \"bridge=simbr0\" ]\n", i >file
		close(file)
	} }')
}

# took NAME OPTION...: the daemon is started; sets READY to the milliseconds until the mount answers and NAME is there.
took() {
	local name=$1 before=$EPOCHREALTIME
	shift
	LD_PRELOAD=$TOOLS/heap.so HEAP_ASK=$T/ask HEAP_TELL=$T/tell "$DOMFS" --foreground --config-dir "$AT/config" \
		--state-dir "$AT/state" --run-dir "$T/run" "$@" "$VM" >>"$T/daemon.log" 2>&1 </dev/null &
	PID=$!
	until [ -e "$VM/ctl" ] && { [ -z "$name" ] || [ -e "$VM/$name/state" ]; }; do read -r -t 0.001 <>"$T/never"; done
	READY=$(msec "$before" "$EPOCHREALTIME")
}
fresh() { rm -rf "$AT/state" "$T/run"; }

# ---- start-up ----

run_once() { # NAME OF-DOMAIN OPTION...
	took "$2" "${@:3}" && echo "$READY" >>"$T/start.$1" && stop_daemon
}
start_up() { # N ROUNDS [GOAL]
	local n=$1 round
	rm -f "$T"/start.*
	for ((round = 0; round < $2; round++)); do
		fresh && off_domains 0 && run_once empty '' --backend sim
		fresh && run_once running "vm$n" --backend "sim:domains=$n"
		fresh && off_domains "$n" && run_once new "vm$n" --backend sim
		run_once known "vm$n" --backend sim
	done
	row "start, adopting running domains; ${AT##*/}" "$n" ms "domfs:$(middle <"$T/start.running")${3:+:$3}" "none:$(middle <"$T/start.empty")"
	row "start, domains off, first time; ${AT##*/}" "$n" ms "domfs:$(middle <"$T/start.new")" "none:$(middle <"$T/start.empty")"
	row "start, domains off, known; ${AT##*/}" "$n" ms "domfs:$(middle <"$T/start.known")${3:+:$3}" "none:$(middle <"$T/start.empty")"
}
AT=$T/disk
start_up 1000 "${ROUNDS:-3}" 1000
AT=$T/memory
start_up 1000 "${ROUNDS:-5}" 1000
start_up 10000 "${ROUNDS:-3}"

# ---- memory ----

heap() { local n; echo >&7; read -r -t 20 n <&8 && echo "$n"; }
kib() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$PID/smaps_rollup"; }
measure() { # NAME: bytes of malloc, and KiB of memory, of the daemon that runs
	heap >"$T/heap.$1"
	kib Rss >"$T/rss.$1"
	kib Pss >"$T/pss.$1"
}
memory() { # KIND N OPTION...: before and after everything has been looked at once
	fresh && took "vm$2" "${@:3}"
	measure "$1.$2"
	find "$VM" -mindepth 2 -maxdepth 2 -name status -exec cat {} + >/dev/null
	find "$VM" >/dev/null
	measure "$1.seen.$2"
	stop_daemon
}
each() { # FILE KIND N BASE UNIT: bytes a domain
	awk -v n="$3" -v base="$4" -v unit="$5" 'NR == FNR { b = $1; next } { printf "%.0f\n", ($1 - b) * unit / (n - base) }' \
		"$T/$1.$2.$4" "$T/$1.$2.$3"
}
for n in 1 1000 10000; do
	off_domains "$n" && memory off "$n" --backend sim
	off_domains 0 && memory running "$n" --backend "sim:domains=$n"
done
for kind in off off.seen running running.seen; do
	for n in 1000 10000; do
		case $kind in off*) goal=8192 ;; *) goal= ;; esac
		row "memory of a domain, ${kind/./, }" "$n" bytes "pss:$(each pss $kind $n 1 1024):$goal" \
			"rss:$(each rss $kind $n 1 1024)" "malloc:$(each heap $kind $n 1 1)"
	done
done
row 'memory of the daemon with one domain' 1 KiB "pss:$(cat "$T/pss.off.1")" "rss:$(cat "$T/rss.off.1")" \
	"malloc:$(awk '{ print $1 / 1024 }' "$T/heap.off.1")"

# ---- nothing happens ----

tree_of() { # PID: it and its children that are not guests
	echo "$1"
	pgrep -P "$1" domfs
}
# Of each thread: how often it was switched away from, and how long it ran, in nanoseconds.
threads() { # PID...
	local pid at
	for pid; do
		for at in "/proc/$pid/task"/*; do
			awk -v tid="${at##*/}" 'FILENAME ~ /schedstat$/ { ran = $1 } /ctxt_switches/ { n += $2 } END { print tid, n, ran }' \
				"$at/status" "$at/schedstat" 2>/dev/null
		done
	done
}
SECONDS_IDLE=5
# idle PID...: wake-ups a second, and microseconds of a processor a second, of the threads that are there all the time
idle() {
	threads "$@" >"$T/threads"
	read -r -t "$SECONDS_IDLE" <>"$T/never"
	threads "$@" | awk -v over="$SECONDS_IDLE" '
		NR == FNR { there[$1] = 1; woke[$1] = $2; ran[$1] = $3; next }
		there[$1] { w += $2 - woke[$1]; r += $3 - ran[$1] }
		END { print w / over, r / 1000 / over }' "$T/threads" -
}
settle() { read -r -t 2 <>"$T/never"; }
nothing() { # LABEL N [PID-OF-QEMU]: the daemon that runs, beside what a guest's own process does
	local pids guest=(- -) own
	mapfile -t pids < <(tree_of "$PID")
	settle
	read -r -a own <<<"$(idle "${pids[@]}")"
	[ -z "${3:-}" ] || read -r -a guest <<<"$(idle "$3")"
	row "idle, wake-ups: $1" "$2" /s "domfs:${own[0]}" ${3:+"qemu:${guest[0]}"}
	row "idle, processor: $1" "$2" us/s "domfs:${own[1]}" ${3:+"qemu:${guest[1]}"}
}
off_domains 1000
fresh && took vm1000 --backend sim && nothing 'off' 1000 && stop_daemon
off_domains 0
fresh && took vm1000 --backend sim:domains=1000 && nothing 'running, simulated' 1000 && stop_daemon
fresh && daemon
boot a && nothing 'a guest of QEMU runs' 1 "$(qemus a)"
boot b && boot c && nothing 'guests of QEMU run' 3 "$(qemus a)"
