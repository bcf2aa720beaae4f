#!/bin/bash
# 6 cost: start-up, memory a domain, and how often the daemon wakes up when nothing happens
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

# off_domains N: a configuration each, in $AT/config.N, before a daemon is started
off_domains() {
	rm -rf "$AT/config.$1" && mkdir "$AT/config.$1" || exit 1
	(cd "$AT/config.$1" && awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) {
		file = "vm" i ".cfg"
		printf "memory = 256\nvcpus = 2\nkernel = \"/sim/vmlinuz\"\nextra = \"console=ttyS0 ro\"\n" \
			"disk = [ \"file:/sim/vm%d.img,xvda,w\" ]\nvif = [ \"bridge=simbr0\" ]\n", i >file
		close(file)
	} }')
}

# took CONFIG STATE NAME OPTION...: the daemon is started on these folders; sets READY to the milliseconds until the mount answers
# and NAME is there.
took() {
	local config=$1 state=$2 name=$3 before
	shift 3
	rm -rf "$T/run"
	[ "$state" = known ] || rm -rf "${AT:?}/$state"
	sync -f "$AT" # what the one before left to be written is not this one's
	before=$EPOCHREALTIME
	LD_PRELOAD=$TOOLS/heap.so HEAP_ASK=$T/ask HEAP_TELL=$T/tell "$DOMFS" --foreground --config-dir "$AT/config.$config" \
		--state-dir "$AT/$state" --run-dir "$T/run" "$@" "$VM" >>"$T/daemon.log" 2>&1 </dev/null &
	PID=$!
	until [ -e "$VM/ctl" ] && { [ -z "$name" ] || [ -e "$VM/$name/state" ]; }; do read -r -t 0.001 <>"$T/never"; done
	READY=$(msec "$before" "$EPOCHREALTIME")
}

# ---- start-up ----

started() { # KIND: what is known has been started once before, in the round that is thrown away
	case $1 in
	none) took 0 state '' --backend sim ;;
	running) took 0 state "vm$N" --backend "sim:domains=$N" ;;
	new) took "$N" state "vm$N" --backend sim ;;
	known) took "$N" known "vm$N" --backend sim ;;
	esac
	stop_daemon
	figure "$1" "$READY"
}
start_up() { # N ROUNDS [GOAL]
	N=$1
	rm -rf "$AT/known"
	off_domains 0 && off_domains "$N"
	in_turn "$2" started none running new known
	row "start, simulated domains run; ${AT##*/}" "$N" ms "domfs:$(of running)${3:+:$3}" "none:$(of none)"
	row "start, domains off, first time; ${AT##*/}" "$N" ms "domfs:$(of new)" "none:$(of none)"
	row "start, domains off, known; ${AT##*/}" "$N" ms "domfs:$(of known)${3:+:$3}" "none:$(of none)"
}
AT=$T/disk
start_up 1000 "${ROUNDS:-3}" 1000
AT=$T/memory
start_up 1000 "${ROUNDS:-5}" 1000
start_up 10000 "${ROUNDS:-3}"

# ---- memory ----

heap() { local n; echo >&7; read -r -t 20 n <&8 && echo "$n"; }
kib() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$PID/smaps_rollup"; }
measure() { # NAME: bytes of malloc, and of memory, of the daemon that runs
	figure "heap.$1" "$(heap)"
	figure "rss.$1" $(($(kib Rss) * 1024))
	figure "pss.$1" $(($(kib Pss) * 1024))
}
memory() { # KIND.N: before and after everything has been looked at once
	local n=${1#*.}
	case ${1%.*} in
	off) took "$n" state "vm$n" --backend sim ;;
	running) took 0 state "vm$n" --backend "sim:domains=$n" ;;
	esac
	measure "$1"
	find "$VM" -mindepth 2 -maxdepth 2 -name status -exec cat {} + >/dev/null
	find "$VM" >/dev/null
	measure "seen.$1"
	stop_daemon
	return 0
}
a_domain() { # FILE KIND N: bytes, beyond those of a daemon with one
	awk -v all="$(of "$1.$2.$3")" -v one="$(of "$1.$2.1")" -v n="$3" 'BEGIN { printf "%.0f\n", (all - one) / (n - 1) }'
}
off_domains 1
rounds=${ROUNDS:-3}
FIRST=1 in_turn "$rounds" memory off.1 running.1 off.1000 running.1000
memory off.10000 && memory running.10000 # once: it takes long, and bytes hardly differ
for kind in off seen.off running seen.running; do
	for n in 1000 10000; do
		case $kind in *off) goal=8192 ;; *) goal= ;; esac
		case $kind in seen.*) label="${kind#*.}, seen" ;; *) label=$kind ;; esac
		row "memory of a domain, $label" "$n" bytes "pss:$(a_domain pss $kind $n):$goal" \
			"rss:$(a_domain rss $kind $n)" "malloc:$(a_domain heap $kind $n)"
	done
done
of_kib() { awk -v bytes="$(of "$1")" 'BEGIN { print bytes / 1024 }'; }
row 'memory of the daemon with one domain' 1 KiB "pss:$(of_kib pss.off.1)" "rss:$(of_kib rss.off.1)" "malloc:$(of_kib heap.off.1)"

# ---- nothing happens ----

tree_of() { # PID: it and its children that are not guests
	echo "$1"
	pgrep -P "$1" domfs
}
# Of each thread of these processes: how often it was switched away from, and how long it ran, in nanoseconds.
threads() { # NAME PID...
	local name=$1 pid
	shift
	for pid; do
		grep -sH -e ctxt_switches -e '^[0-9]' "/proc/$pid/task"/*/status "/proc/$pid/task"/*/schedstat
	done | awk -F'[/: \t]+' -v name="$name" '
		$6 == "status" { n[$5] += $8 }
		$6 == "schedstat" { ran[$5] = $7 }
		END { for (tid in ran) print name, tid, n[tid], ran[tid] }'
}
everybody() {
	# shellcheck disable=SC2086 # lists of processes
	threads domfs $DAEMONS && threads null "$NULL" && { [ -z "$GUEST_PID" ] || threads qemu "$GUEST_PID"; }
}
# What the pool of threads keeps for ten seconds after the last command is to have ended.
SETTLE=11 WINDOW=3
# A window, of all at once: wake-ups a second, and microseconds of a processor a second. A thread that was not there before
# counts from its beginning; of one that has ended it is known only that it woke up.
window() {
	local before=$EPOCHREALTIME name woke ran
	everybody >"$T/threads"
	read -r -t "$WINDOW" <>"$T/never"
	while read -r name woke ran; do
		figure "woke.$name" "$woke"
		figure "ran.$name" "$ran"
	done < <(everybody | awk -v over="$(msec "$before" "$EPOCHREALTIME")" '
		{ key = $1 " " $2 }
		NR == FNR { there[key] = 1; woke[key] = $3; ran[key] = $4; w[$1] += 0; next }
		{ w[$1] += $3 - woke[key]; r[$1] += $4 - ran[key]; delete there[key] }
		END {
			for (key in there) {
				split(key, part, " ")
				w[part[1]]++
			}
			for (name in w)
				print name, w[name] * 1000 / over, r[name] / over
		}' "$T/threads" -)
}
nothing() { # LABEL N GOAL [PID-OF-QEMU]: the daemon that runs, beside one that does nothing and what a guest's own process does
	GUEST_PID=${4:-}
	DAEMONS=$(tree_of "$PID" | tr '\n' ' ')
	read -r -t "$SETTLE" <>"$T/never"
	FIRST=1 in_turn "$rounds" window all
	row "idle, wake-ups: $1" "$2" /s "domfs:$(of woke.domfs):$3" "null:$(of woke.null)" ${GUEST_PID:+"qemu:$(of woke.qemu)"}
	row "idle, processor: $1" "$2" us/s "domfs:$(of ran.domfs):$3" "null:$(of ran.null)" ${GUEST_PID:+"qemu:$(of ran.qemu)"}
}
mkdir "$T/source" && echo >"$T/source/ctl" && nullfs_start "$T/source" "$T/null" || exit 1
took 1000 state vm1000 --backend sim && nothing 'off' 1000 0
stop_daemon
took 0 state vm1000 --backend sim:domains=1000 && nothing 'simulated domains run' 1000 0
stop_daemon
daemon
boot a && nothing 'a guest of QEMU runs' 1 '' "$(qemus a)"
boot b && boot c && nothing 'guests of QEMU run' 3 '' "$(qemus a)"
nullfs_stop "$T/null"
