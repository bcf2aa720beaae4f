#!/bin/bash
# What commands cost, in requests to the daemon: figures without noise, so they are exact where they can be.
# shellcheck disable=SC2016 # commands are texts for the shells under test
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

N=100
export DOMFS_TALLY=$T/requests
TALLY=$(tool tally)
daemon --backend sim:domains=$N
if ! [ -s "$T/requests" ]; then
	case_ 'the daemon counts its requests' [ -s "$T/requests" ]
	exit 1
fi

# Nothing is under way any more: closing and the touches for inotify come after the command that made them.
still() {
	local last='' now same=0 looks=0
	while [ $same -lt 4 ] && [ $((looks += 1)) -lt $((300 * SLOW)) ]; do
		now=$("$TALLY" "$T/requests")
		if [ "$now" = "$last" ]; then same=$((same + 1)); else same=0; fi
		last=$now
		read -r -t 0.05 <>"$T/never" || :
	done
}

# count COMMAND...: the requests that it caused go to $T/counted, a line each; what the kernel forgets is its own affair.
count() {
	still
	"$TALLY" "$T/requests" zero >/dev/null
	"$@" >"$T/said" 2>"$T/said.errors" || { cat "$T/said.errors"; return 1; }
	still
	"$TALLY" "$T/requests" | grep -Ev '^(FORGET|BATCH_FORGET|INTERRUPT) ' >"$T/counted"
	return 0
}
counted() { sed -n "s/^$1 //p" "$T/counted" | grep . || echo 0; } # KIND
# What the kernel keeps it may drop for its memory, so a figure that is too high is asked for again.
again_() { # CHECK COMMAND...
	for _ in 1 2 3 4; do
		count "${@:2}" || return
		"$1" >"$T/verdict" && return
	done
	cat "$T/verdict"
	return 1
}
want=''
exact() { is "$(sort "$T/counted" | paste -sd' ')" "$(xargs -n 2 <<<"$want" | sort | paste -sd' ')"; }
at_most() {
	local kind n most
	cat "$T/counted"
	while read -r kind n; do
		[ -n "$kind" ] || continue
		most=$(grep -o " $kind [0-9]*" <<<" $want ") || { echo "$kind is not expected"; return 1; }
		[ "$n" -le "${most##* }" ] || { echo "$n are too many"; return 1; }
	done <<<"$(cat "$T/counted")"
}
# costs 'KIND N ...' COMMAND...: exactly these.
costs() {
	want=$1
	again_ exact "${@:2}"
}
# costs_most 'KIND N ...' COMMAND...: at most so many of these, and none of another kind.
costs_most() {
	want=$1
	again_ at_most "${@:2}"
}
by() { $1 -c "$2"; } # SHELL TEXT

# Twice: what READ and READDIR bring is followed by one question, for they change the access time.
warm() {
	for _ in 1 2 3; do
		find "$VM" -maxdepth 2 -name state && ls -l "$VM" "$VM/vm7" && cat "$VM"/*/{state,status} "$VM"/vm5/{id,uuid,name,owner,vcpus} &&
			stat "$VM"/*/{state,status,ctl} "$VM"/*
	done >/dev/null
}
warm

# ---- reading what has been read ----

# The host's growing and computed texts have no size that the kernel may keep: a question each, however many domains there are.
# bash asks what each of /vm/* is, dash does not.
HOST='GETATTR 6'
case_ 'ls /vm: nothing' costs '' ls "$VM"
case_ "ls -l /vm with $N domains: nothing for a domain" costs_most "$HOST" ls -l "$VM"
case_ 'busybox ls -l' costs_most "$HOST" busybox ls -l "$VM"
case_ 'cat /vm/*/status: open and close' costs "OPEN $N RELEASE $N" by dash 'cat "$VM"/*/status'
case_ 'and it has read them all' is "$(grep -c '^state running$' "$T/said")" "$N"
case_ 'by bash' costs_most "OPEN $N RELEASE $N $HOST" by bash 'cat "$VM"/*/status'
case_ 'cat /vm/*/state' costs "OPEN $N RELEASE $N" by dash 'cat "$VM"/*/state'
case_ 'and it has read them' is "$(sort "$T/said" | uniq -c | xargs)" "$N running"
case_ 'grep -l running /vm/*/status' costs "OPEN $N RELEASE $N" by dash 'grep -l running "$VM"/*/status'
case_ 'and it has found them' is "$(wc -l <"$T/said")" "$N"
case_ 'stat /vm/*/status: nothing' costs '' by dash 'stat "$VM"/*/status'
case_ 'stat /vm/vm*: nothing' costs '' by dash 'stat "$VM"/vm*'
case_ 'stat /vm/*/status /vm/*' costs_most "$HOST" by dash 'stat "$VM"/*/status "$VM"/*'
case_ 'test -e, test -w, test -s' costs '' by bash 'test -e "$VM/vm7/state" && test -w "$VM/vm7/ctl" && test -s "$VM/vm7/status"'
case_ 'busybox cat' costs 'OPEN 1 RELEASE 1' busybox cat "$VM/vm7/status"
case_ 'dd bs=1: a byte at a time' costs 'OPEN 1 RELEASE 1' dd "if=$VM/vm7/status" bs=1
again() { # one descriptor, read a hundred times; tac asks whether it is a terminal
	exec 8<"$VM/vm7/state"
	for _ in $(seq 100); do tac <&8 || return 1; done
	exec 8<&-
}
case_ 'a hundred readings of one open file' costs 'OPEN 1 RELEASE 1 IOCTL 100' again
case_ 'and each has read it' is "$(uniq -c "$T/said" | xargs)" '100 running'
case_ 'find: nothing for a domain' costs_most "$HOST" find "$VM" -maxdepth 2 -name state
case_ 'and it has found them' is "$(wc -l <"$T/said")" "$N"

# ---- writing ----

# By its helper process the daemon touches state, status and job where they changed, so that inotify sees it: SETATTR, besides
# what the caller pays. While that process stands still the caller's requests are all that there is. What it then makes up for is one
# touch of each file, however often it changed, and one that was asked for before it stopped.
TOUCHES=4
all() { sort "$T/counted" | paste -sd' '; }
frozen() { HERALD=$(pgrep -P "$PID" -f domfs-herald) && kill -STOP "$HERALD" && "$@"; }
writes() { # 'KIND N ...' COMMAND...: exactly these, and then the touches
	local rc=0
	count frozen "${@:2}" && is "$(all)" "$1" || rc=1
	kill -CONT "$HERALD"
	still
	"$TALLY" "$T/requests" | grep -v 'FORGET ' >"$T/counted"
	cat "$T/counted"
	[ $rc = 0 ] && is "$(all | sed 's/SETATTR [0-9]* //')" "$1" &&
		[ "$(counted SETATTR)" -ge 1 ] && [ "$(counted SETATTR)" -le $TOUCHES ]
}
beside() { # 'KIND N ...' MOST COMMAND...: the same while the touches come between
	count "${@:3}" && cat "$T/counted" && is "$(grep -v '^SETATTR ' "$T/counted" | sort | paste -sd' ')" "$1" && [ "$(counted SETATTR)" -le "$2" ]
}
ONE='FLUSH 2 OPEN 1 RELEASE 1 WRITE 1' # five
echo pause >"$VM/vm3/ctl"
echo unpause >"$VM/vm3/ctl"
# The first echo: bash asks, once, what its output is
for shell in bash dash 'busybox sh'; do
	case_ "echo pause > ctl by $shell: five requests" writes "$ONE" by "$shell" "echo; echo pause >'$VM/vm3/ctl'"
	case_ "echo unpause > ctl by $shell" writes "$ONE" by "$shell" "echo; echo unpause >'$VM/vm3/ctl'"
done
# One change of state, one of job to and fro, and status with each of these.
case_ 'and with the touches' beside "$ONE" 6 by dash "echo pause >'$VM/vm3/ctl'"
case_ 'likewise' beside "$ONE" 6 by dash "echo unpause >'$VM/vm3/ctl'"
# The loop of a program that keeps it open.
OPEN="for i in 1 2 3 4 5; do echo pause; echo unpause; done >'$VM/vm3/ctl'"
TEN="for i in 1 2 3 4 5; do echo pause >'$VM/vm3/ctl'; echo unpause >'$VM/vm3/ctl'; done"
case_ 'a ctl that is kept open: a request a line' writes 'FLUSH 2 OPEN 1 RELEASE 1 WRITE 10' by dash "$OPEN"
case_ 'ten commands, ten times as much' writes 'FLUSH 20 OPEN 10 RELEASE 10 WRITE 10' by dash "$TEN"
case_ 'and at most ten times the touches' beside 'FLUSH 20 OPEN 10 RELEASE 10 WRITE 10' 60 by dash "$TEN"

# ---- after a change ----

warm
# The first to read pays the size and the text; then once more the access time, which reading changed; then nobody anything.
after() { # DOMAIN WORD STATE
	want='OPEN 1 RELEASE 1 READ 1 GETATTR 1'
	echo "$2" >"$VM/$1/ctl" && count cat "$VM/$1/status" && at_most && is "$(counted READ)" 1 &&
		grep -qx "state $3" "$T/said" && costs_most 'OPEN 1 RELEASE 1 GETATTR 1' cat "$VM/$1/status" &&
		costs 'OPEN 1 RELEASE 1' cat "$VM/$1/status" && grep -qx "state $3" "$T/said"
}
case_ 'who reads a status that has changed pays GETATTR and READ, once' after vm5 pause paused
case_ 'stat of a state that has changed' costs_most 'GETATTR 1' stat "$VM/vm5/state"
case_ 'and a second time' costs '' stat "$VM/vm5/state"
case_ "another domain's are still there" costs 'OPEN 2 RELEASE 2' cat "$VM/vm6/status" "$VM/vm6/state"
echo unpause >"$VM/vm5/ctl"
case_ 'and so are files of this one that have not changed' costs 'OPEN 5 RELEASE 5' \
	cat "$VM/vm5"/{id,uuid,name,owner,vcpus}
own_will() { # a guest that changes by itself
	echo pause >"$VM/vm8/console" && until_ 20 state_is vm8 paused && cat "$VM"/vm8/{state,status} "$VM"/vm8/{state,status} >/dev/null &&
		costs 'OPEN 2 RELEASE 2' cat "$VM/vm8/state" "$VM/vm8/status" && grep -qx 'state paused' "$T/said"
}
case_ 'a guest that changed by itself is read once, too' own_will
cat "$VM"/vm9/{state,tags,status} "$VM"/vm9/{state,tags,status} >/dev/null
echo 'blue green' >"$VM/vm9/tags"
case_ 'new tags: a state is as it was' costs 'OPEN 1 RELEASE 1' cat "$VM/vm9/state"
case_ 'the tags are read once' costs_most 'OPEN 1 RELEASE 1 GETATTR 1 READ 1' cat "$VM/vm9/tags"
case_ 'and are the new ones' is "$(cat "$T/said")" 'blue green'
warm
mkdir "$VM/new"
relisted() { # the listing is read again, once
	want='GETATTR 1 READDIR 3 READDIRPLUS 3'
	count ls "$VM" && at_most && grep -qx new "$T/said" && costs_most 'GETATTR 1' ls "$VM" &&
		costs '' ls "$VM" && grep -qx new "$T/said"
}
case_ 'a new domain: the listing is read again, once' relisted
untouched() { # attributes may be asked for again, texts are not
	costs_most "OPEN $N RELEASE $N GETATTR $((2 * N))" by dash 'cat "$VM"/vm*/status' &&
		costs "OPEN $N RELEASE $N" by dash 'cat "$VM"/vm*/status'
}
case_ 'and every status is still there' untouched
