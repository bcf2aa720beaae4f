#!/bin/bash
# What grows and what streams: tail -f, head -1, timeout, O_NONBLOCK, select, poll, epoll, inotify, slow readers.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

daemon --backend sim:domains=1
define web1 'memory = 64' || exit 1
G=$VM/web1
say "$G/ctl" start
POLL=$(tool poll)
lines() { grep -q "$2" "$T/$1"; }
ready() { grep -q waiting "$T/$1"; }
toggle() { say "$G/ctl" pause && say "$G/ctl" unpause; }
# follow NAME COMMAND...: in the background; what it prints is in $T/NAME, its pid in $!.
follow() {
	local name=$1
	shift
	"$@" >"$T/$name" 2>&1 &
	until_ 10 blocked $!
}

# ---- events ----

follow events timeout 60 cat "$VM/.events"
follow events1 timeout 60 cat "$G/.events"
follow head timeout 60 head -n 1 "$G/.events"
head=$!
first_line() { wait "$head" && is "$(wc -l <"$T/head")" 1; }
quiet() { [ ! -s "$T/events" ]; }
case_ 'a stream begins now' quiet
case_ 'verbs that change something' toggle
case_ 'a reader of the stream sees them' until_ 10 lines events ' web1 unpaused state=running reason=unpaused$'
case_ 'another reader too' until_ 10 lines events1 ' web1 paused state=paused reason=paused$'
case_ 'head -1 ends with the first' first_line
case_ 'a line is SEQ TIME DOMAIN EVENT' not grep -Evq '^[0-9]+ [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z [^ ]+ [a-z-]+( |$)' "$T/events"
rising() { cut -d' ' -f1 "$VM/events" | sort -nuc; }
case_ 'SEQ grows' rising
case_ 'events end when they are read' timeout 10 cat "$VM/events"
case_ 'and hold what the stream had' grep -qF "$(head -n 1 "$T/events")" "$VM/events"
case_ 'timeout cat: 124' is "$(timeout 0.3 cat "$VM/.events" >/dev/null; echo $?)" 124
case_ 'busybox timeout head' is "$(busybox timeout 1 head -n 1 "$G/.console" >/dev/null; echo $?)" 143
told() { say "$G/ctl" pause; tail -n 1 "$T/events" | grep -q paused && is "$(cat "$G/state")" paused && say "$G/ctl" unpause; }
case_ 'who was told of a change reads it' told

# ---- without waiting ----

nonblock() { dd if="$1" iflag=nonblock 2>&1 | grep -q 'Resource temporarily unavailable'; }
case_ '.events opened O_NONBLOCK: EAGAIN' nonblock "$VM/.events"
case_ '.console opened O_NONBLOCK: EAGAIN' nonblock "$G/.console"
case_ 'grep -r of the names with a dot ends' is "$(timeout 10 grep -r paused "$G/.events" "$G/.console" >/dev/null 2>&1; echo $?)" 2
selected() { # bash's read -t 0 is select
	exec 7<"$G/.events"
	not read -r -t 0 -u 7 && toggle && read -r -t 0 -u 7 && read -r -t 5 -u 7 line && [[ $line == *' web1 paused '* ]]
	local rc=$?
	exec 7<&-
	return $rc
}
case_ 'select' selected
polled() { # HOW FILE PATTERN
	"$POLL" "$1" "$2" >"$T/poll" 2>&1 &
	local pid=$!
	until_ 10 ready poll && kill -0 $pid && toggle && wait $pid && grep -q "$3" "$T/poll"
}
case_ 'poll of a stream' polled in "$G/.events" paused
case_ 'epoll of a stream' polled epoll "$VM/.events" paused
case_ 'POLLPRI of state' polled pri "$G/state" '^running\|^paused'
case_ 'POLLPRI of status' polled pri "$G/status" '^state '
unchanged() { # another domain's change is nobody else's
	"$POLL" pri "$VM/vm1/state" >"$T/other" 2>&1 &
	local pid=$!
	until_ 10 ready other && toggle && kill -0 $pid && say "$VM/vm1/ctl" pause && wait $pid && grep -q '^paused' "$T/other"
}
case_ 'and only when it changed' unchanged

# ---- many readers ----

crowd() {
	local i before
	before=$(grep -c . "$T/events")
	for i in $(seq 60); do timeout 60 head -n 1 "$G/.events" >"$T/crowd.$i" & pids[i]=$!; done
	for i in "${pids[@]}"; do until_ 10 blocked "$i" || return 1; done
	timeout 10 cat "$G/status" >/dev/null && toggle && for i in "${pids[@]}"; do wait "$i" || return 1; done
	grep -l ' web1 ' "$T"/crowd.* | wc -l | grep -qx 60 && [ "$(grep -c . "$T/events")" -gt "$before" ]
}
case_ 'sixty blocked readers, and everybody else goes on' crowd
killed() {
	timeout 60 cat "$G/.console" >/dev/null &
	until_ 10 pgrep -P $! && kill -KILL "$(pgrep -P $!)" && not wait $!
}
case_ 'a blocked reader can be killed' killed

# ---- the console ----

typed() { # what the guest prints comes by every way
	echo 'hello there' >"$G/console" && until_ 10 lines console 'hello: not found' && until_ 10 lines tail 'hello: not found' &&
		until_ 10 grep -q 'hello: not found' "$G/console"
}
follow console timeout 60 cat "$G/.console"
timeout 60 tail -f "$G/console" >"$T/tail" 2>&1 &
timeout 60 tail -n 0 -f "$VM/events" >"$T/tail.events" 2>&1 &
timeout 60 busybox tail -f "$G/console" >"$T/tail.busybox" 2>&1 &
until_ 10 lines tail booted
case_ 'the stream, tail -f and cat show the guest' typed
case_ 'busybox tail -f' until_ 10 lines tail.busybox 'hello: not found'
toggle
case_ 'tail -f of events' until_ 10 lines tail.events " web1 paused "
terminal() { # both ways over one descriptor, as socat has it
	(printf 'free\r'; until_ 10 lines socat 'memory 64') | timeout 20 socat -,ignoreeof "$G/.console" >"$T/socat" 2>&1 &
	until_ 10 lines socat 'memory 64 MiB'
}
case_ 'socat on .console' terminal
bytewise() { printf 'typed\n' | dd bs=1 of="$G/console" 2>/dev/null && until_ 10 grep -q 'typed: not found' "$G/console"; }
case_ 'keys one by one' bytewise
exact() { is "$(stat -c %s "$G/console")" "$(wc -c <"$G/console")"; }
burst() { echo 'print 20000' >"$G/console" && until_ 20 grep -q 'line 20000' "$G/console"; }
case_ 'a guest that prints much' burst
case_ 'the console keeps its last 256 KiB or so' [ "$(stat -c %s "$G/console")" -lt 1000000 ]
case_ 'its size is what is read' exact
slow() { # a reader that does not read loses lines and is told; nobody waits for it
	exec 7<"$VM/.events"
	local i
	for i in $(seq 4000); do echo "event custom n=$i filler=$(printf '%0120d' "$i")"; done >"$T/burst"
	timeout 60 cp "$T/burst" "$G/console" && until_ 30 grep -q ' custom n=4000 ' "$VM/events" && timeout 10 cat "$G/status" >/dev/null &&
		head -n 1 <&7 | grep -Eq '^lost [0-9]+$'
	local rc=$?
	exec 7<&-
	return $rc
}
case_ 'a slow reader loses the oldest lines and is told' slow

tail -c 100 "$G/console" >"$T/last"
size=$(stat -c %s "$G/console")
say "$G/ctl" destroy
stop_daemon TERM
daemon --backend sim
case_ 'the console survives the daemon' grep -qF "$(tail -n 1 "$T/last" | tr -d '\r')" "$G/console"
case_ 'as much of it' [ "$(stat -c %s "$G/console")" -ge $((size / 2)) ]
case_ 'SEQ goes on after a restart' [ "$(tail -n 1 "$VM/events" | cut -d' ' -f1)" -gt "$(tail -n 1 "$T/events" | cut -d' ' -f1)" ]

# ---- inotify ----

if command -v inotifywait >/dev/null; then
	watching() { grep -q 'Watches established' "$T/inotify"; }
	seen() { grep -q "$1" "$T/inotify"; }
	timeout 60 inotifywait -m "$VM" "$G" >"$T/inotify" 2>&1 &
	until_ 20 watching
	say "$G/ctl" start
	case_ 'inotify: state is modified' until_ 10 seen "web1/ MODIFY state"
	case_ 'inotify: status is modified' until_ 10 seen "web1/ MODIFY status"
	mkdir "$VM/fresh"
	case_ 'inotify: mkdir' until_ 10 seen 'vm/ CREATE,ISDIR fresh'
	mv "$VM/fresh" "$VM/older"
	case_ 'inotify: mv' until_ 10 seen 'vm/ MOVED_TO,ISDIR older'
	rmdir "$VM/older"
	case_ 'inotify: rmdir' until_ 10 seen 'vm/ DELETE,ISDIR older'
	echo 'memory = 64' >"$T/etc/dropped.cfg"
	case_ 'inotify: a file was dropped into the folder' until_ 10 seen 'vm/ CREATE,ISDIR dropped'
	rm "$T/etc/dropped.cfg"
	case_ 'inotify: and removed' until_ 10 seen 'vm/ DELETE,ISDIR dropped'
else
	skip 'inotify: there is no inotifywait'
fi
