#!/bin/bash
# The daemon as a process: its options, a second one, its end and its death with readers and writers in the middle.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

# ---- options ----

ends_with() { # STATUS OPTION...: what it says is in $T/said
	local want=$1
	shift
	timeout 20 "$DOMFS" "$@" >"$T/said" 2>&1 </dev/null
	is $? "$want" && [ -s "$T/said" ]
}
says() { grep -q -- "$1" "$T/said" || { cat "$T/said"; return 1; }; }
usage() { ends_with 2 "$@" && is "$(wc -l <"$T/said")" 1; }
near() { usage "$1" && says "$2"; }
case_ '--help' ends_with 0 --help
every_option() {
	local option
	"$DOMFS" --help >"$T/said"
	for option in backend config-dir state-dir run-dir foreground check-config dump-config version define; do says "--$option" || return 1; done
}
case_ 'names every option' every_option
case_ '--version' ends_with 0 --version
case_ 'an unknown option: 2, and the near one' near --stat-dir state-dir
case_ 'another' near --backed=sim backend
case_ 'an option without its value: 2' usage --state-dir
case_ 'two mount points: 2' usage "$T/a" "$T/b"
case_ 'a log level that there is not: 2' near --log-level=loud 'error, warn'
refusal() { not timeout 20 "$DOMFS" --foreground --config-dir "$T/e" --state-dir "$T/s" --run-dir "$T/r" "$@" "$T/m" >"$T/said" 2>&1 </dev/null; }
backend() { refusal --backend "$1" && says "$2"; }
case_ 'a backend that there is not: the near one' backend simm 'did you mean sim'
case_ 'an option of the simulator that there is not' backend sim:delai=3 delay
case_ 'a fault of no errno' backend sim:fail=start:EWRONG EWRONG
configuration() { # WORDS of domfs.conf, STATUS
	mkdir -p "$T/conf"
	printf '%b' "$1" >"$T/conf/domfs.conf"
	timeout 20 "$DOMFS" --config-dir "$T/conf" --foreground --state-dir "$T/s" >"$T/said" 2>&1 </dev/null
	is $? "$2" && says "$3"
}
case_ 'domfs.conf with an unknown key: 2, its line, the near one' configuration '# mine\nbackedn = sim\n' 2 'backend'

good() { "$DOMFS" --check-config "$@" >"$T/said" 2>&1; }
bad() { printf '%b' "$1" >"$T/bad.cfg"; ends_with 1 --check-config "$T/bad.cfg" && says "bad.cfg:$2"; }
printf 'memory = 64\nvcpus = 2\n' >"$T/good.cfg"
case_ '--check-config of a good one' good "$T/good.cfg"
case_ 'of a bad one: FILE:LINE:COLUMN' bad 'memory = 64\nvcpus = = 3\n' 2:9
case_ 'of one that is bad at its end' bad 'memory = [ 1' 1:
case_ 'of several: one bad is bad' not good "$T/good.cfg" "$T/bad.cfg" "$T/good.cfg"
case_ 'of none there' ends_with 1 --check-config "$T/none.cfg"
for example in "$HERE"/../examples/*.cfg; do case_ "--check-config ${example##*/}" good "$example"; done
dump() { ends_with 0 --dump-config "$T/good.cfg" && { ! command -v jq >/dev/null || is "$(jq -r .memory "$T/said")" 64; }; }
case_ '--dump-config' dump
case_ '--dump-config of a bad one' ends_with 1 --dump-config "$T/bad.cfg"

# ---- in the background, and its end ----

background() {
	"$DOMFS" --backend sim --config-dir "$T/etc" --state-dir "$T/state" --run-dir "$T/run" "$VM" </dev/null && [ -e "$VM/ctl" ]
}
case_ 'without --foreground it returns when the mount answers' background
case_ 'and logs into log' grep -q 'serving' "$VM/log"
second() {
	not timeout 20 "$DOMFS" --foreground --backend sim --config-dir "$T/etc" --state-dir "$T/state" --run-dir "$T/run2" "$T/vm2" \
		>"$T/said" 2>&1 </dev/null && is "$(wc -l <"$T/said")" 1 && not mountpoint -q "$T/vm2" && [ -e "$VM/ctl" ]
}
case_ 'a second daemon over the same state is refused' second
case_ 'the second one did no harm' timeout 10 mkdir "$VM/web1"
unmounted() { umount "$VM" && until_ 10 free_again; }
free_again() { flock -n "$T/state" true && ! pgrep -f -- "--state-dir $T/state" >/dev/null; }
case_ 'umount ends it' unmounted

daemon --backend sim:delay=3600000,domains=3
case_ 'what was defined is there' state_is web1 off

# ---- SIGTERM, SIGKILL: nobody hangs ----

hold() { # readers and a writer that block; their pids are in $held
	held=()
	cat "$VM/.events" >/dev/null 2>&1 &
	held+=($!)
	cat "$VM/vm1/.console" >/dev/null 2>&1 &
	held+=($!)
	echo 'wait off' >"$VM/vm1/ctl" 2>/dev/null &
	held+=($!)
	echo pause >"$VM/vm2/ctl" 2>/dev/null &
	held+=($!)
	local pid
	for pid in "${held[@]}"; do until_ 10 blocked "$pid" || return 1; done
}
let_go() {
	local pid
	for pid in "${held[@]}"; do until_ 10 ended "$pid" || { cat "/proc/$pid/wchan"; return 1; }; done
}
hold
before=$SECONDS
stop_daemon TERM
case_ 'SIGTERM with readers and writers in the middle ends at once' [ $((SECONDS - before)) -lt $((10 * SLOW)) ]
case_ 'they all end' let_go
case_ 'the mount is gone' not mountpoint -q "$VM"
case_ 'and the mount point is a folder' rmdir "$VM"

daemon --backend sim:delay=3600000,domains=3
hold
stop_daemon KILL
case_ 'SIGKILL: they all end' let_go
dead() { not timeout 10 cat "$VM/info" 2>"$T/said" && says 'not connected'; }
case_ 'the mount says ENOTCONN' dead
daemon --backend sim
case_ 'a new daemon takes the dead mount away' [ "$(grep -c " $VM fuse" /proc/mounts)" = 1 ]
case_ 'and serves' state_is web1 off
one_family() { # only the daemon and its children run this program over this state
	local pid
	for pid in $(pgrep -f -- "$T/state"); do
		[ "$pid" = "$PID" ] || [ "$(awk '{ print $4 }' "/proc/$pid/stat")" = "$PID" ] || [ "$pid" = $$ ] || return 1
	done
}
case_ 'helpers of the dead one are gone' until_ 10 one_family
killed_often() { # SIGKILL while verbs run: everything that was answered is there afterwards
	local i
	for i in 1 2 3 4 5 6 7 8; do
		mkdir "$VM/k$i" && echo "memory = $((i + 30))" >"$VM/k$i/config" && echo "n$i" >"$VM/k$i/tags" || return 1
		(mkdir "$VM/late$i"; mv "$VM/k$i" "$VM/m$i"; echo start >"$VM/late$i/ctl") 2>/dev/null &
		kill -KILL "$PID"
		wait "$PID" $! 2>/dev/null
		daemon --backend sim
		[ -e "$VM/k$i" ] || mv "$VM/m$i" "$VM/k$i" || return 1
		is "$(cat "$VM/k$i/tags") $(cat "$VM/k$i/mem")" "n$i $((i + 30))" || return 1
	done
}
killed_often >"$T/killed" 2>&1
case_ 'killed eight times under way: what was answered is there' [ $? -eq 0 ]
not_twice() { is "$(find "$VM" -maxdepth 1 -name '[km]?' | wc -l)" 8; }
case_ 'and nothing twice' not_twice
busy() { # an open file keeps nothing alive for ever
	exec 7<"$VM/web1/state"
	stop_daemon TERM
	not cat <&7 2>/dev/null
	exec 7<&-
	not mountpoint -q "$VM"
}
busy
case_ 'a daemon ends while a file is open' [ $? -eq 0 ]
