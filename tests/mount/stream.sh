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
	followers=("${followers[@]:-$!}" $!)
	until_ 10 blocked $!
}

# ---- events ----

follow events cat "$VM/.events"
follow events1 cat "$G/.events"
head -n 1 "$G/.events" >"$T/head" 2>/dev/null & # it says on stderr that it cannot seek back
head=$!
until_ 10 blocked "$head"
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
selected() { # bash's read -t 0 is select
	exec 7<"$G/.events"
	not read -r -t 0 -u 7 && toggle && read -r -t 0 -u 7 && read -r -t 5 -u 7 line && [[ $line == *' web1 paused '* ]]
	local rc=$?
	exec 7<&-
	return $rc
}
case_ 'select' selected
polled() { # HOW FILE PATTERN
	"$POLL" "$1" "$2" >"$T/polled" 2>&1 &
	local pid=$!
	until_ 10 ready polled && kill -0 $pid && toggle && wait $pid && grep -q "$3" "$T/polled"
}
case_ 'poll of a stream' polled in "$G/.events" paused
case_ 'epoll of a stream' polled epoll "$VM/.events" paused

# ---- many readers ----

crowd() {
	local i before
	before=$(grep -c . "$T/events")
	for i in $(seq 60); do head -n 1 "$G/.events" >"$T/crowd.$i" & pids[i]=$!; done
	for i in "${pids[@]}"; do until_ 10 blocked "$i" || return 1; done
	timeout 10 cat "$G/status" >/dev/null && toggle && for i in "${pids[@]}"; do wait "$i" || return 1; done
	grep -l ' web1 ' "$T"/crowd.* | wc -l | grep -qx 60 && [ "$(grep -c . "$T/events")" -gt "$before" ]
}
case_ 'sixty blocked readers, and everybody else goes on' crowd
killed() {
	cat "$G/.console" >/dev/null &
	until_ 10 blocked $! && kill -KILL $! && not wait $!
}
case_ 'a blocked reader can be killed' killed

# ---- the console ----

typed() { # what the guest prints comes by every way
	echo 'hello there' >"$G/console" && until_ 10 lines console 'hello: not found' && until_ 10 lines tail 'hello: not found' &&
		until_ 10 grep -q 'hello: not found' "$G/console"
}
follow console cat "$G/.console"
tail -f "$G/console" >"$T/tail" 2>&1 &
followers+=($!)
tail -n 0 -f "$VM/events" >"$T/tail.events" 2>&1 &
followers+=($!)
busybox tail -f "$G/console" >"$T/tail.busybox" 2>&1 &
followers+=($!)
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
kill "${followers[@]}" 2>/dev/null
slow() { # a reader that does not read loses lines and is told; nobody waits for it
	exec 7<"$VM/.events"
	local i
	for i in $(seq 2600); do echo "event custom n=$i filler=$(printf '%0150d' "$i")"; done >"$T/burst"
	timeout 60 cp "$T/burst" "$G/console" && until_ 30 grep -q ' custom n=2600 ' "$VM/events" && timeout 10 cat "$G/status" >/dev/null &&
		read -r -t 5 -u 7 line && [[ $line == lost\ * ]] && [ "${line#lost }" -gt 0 ]
	local rc=$?
	exec 7<&-
	return $rc
}
case_ 'a slow reader loses the oldest lines and is told' slow

# ---- a listing that somebody keeps the kernel in ----

STUCK=$(tool stuck)
held() { # DIRECTORY COMMAND...: while a reader of what the kernel has kept of the listing hangs in its middle
	local rc=0 reader doer
	ls "$VM" "$1" >/dev/null && ls "$1" >/dev/null && mkfifo "$T/go"
	"$STUCK" getdents "$1" <>"$T/go" >"$T/hangs" 2>&1 &
	reader=$!
	until_ 20 lines hangs '^stuck$' || rc=1
	"${@:2}" &
	doer=$!
	until_ 20 ended $doer || rc=1
	echo >"$T/go"
	wait $reader && wait $doer && rm "$T/go" && return $rc
}
vanishes() { echo vanish >"$VM/vm1/console" && until_ 20 grep -q ' vm1 undefine$' "$VM/events" && toggle; }
attaches() { say "$G/ctl" 'block-attach /i/a.img,raw,xvda,w' && toggle; }
if [ "$("$STUCK" read "$VM/info" </dev/null | head -n 1)" = stuck ]; then
	case_ 'a listing of all domains that hangs, and one goes: everything goes on' held "$VM" vanishes
	case_ 'then it is listed no more' not grep -x vm1 <(ls "$VM")
	case_ 'a listing of the disks that hangs, and one comes: everything goes on' held "$G/disks" attaches
	case_ 'then it is listed' is "$(ls "$G/disks")" xvda
else
	skip 'a listing that hangs: no userfaultfd here'
fi

tail -c 100 "$G/console" >"$T/last"
say "$G/ctl" destroy
stop_daemon TERM
daemon --backend sim
case_ 'the console survives the daemon' grep -qF "$(tail -n 1 "$T/last" | tr -d '\r')" "$G/console"
case_ 'its last 64 KiB at least' [ "$(stat -c %s "$G/console")" -ge 60000 ]
mkdir "$VM/after"
case_ 'SEQ goes on after a restart' [ "$(tail -n 1 "$VM/events" | cut -d' ' -f1)" -gt "$(tail -n 1 "$T/events" | cut -d' ' -f1)" ]
