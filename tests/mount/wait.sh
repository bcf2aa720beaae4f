#!/bin/bash
# Verbs that last: two terminals on one ctl, Ctrl-C, what is no Ctrl-C, cancel, detaching.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

# Every changing verb takes an hour, so what ends here was ended by somebody; guests do not obey.
daemon --backend sim:delay=3600000,ignore=shutdown,ignore=reboot,domains=2
define web1 'memory = 64' || exit 1
G=$VM/web1 R=$VM/vm1
job_is() { key_is "$1/job" verb "$2"; }
no_job() { [ ! -s "$VM/$1/job" ]; }
writing() { [ -e "/proc/$1/fd/3" ] && blocked "$1"; } # one that begin began, past its open
count() { grep -c "$1" "$2/history"; }
begin() { # PATH LINE: by a process of its own that can be interrupted, $!; how it ended goes to $T/ended
	# shellcheck disable=SC2016
	env --default-signal dash -c 'exec 3<>"$1"; echo "$2" >&3; echo "status $?"; cat <&3' begin "$1" "$2" >"$T/ended" 2>&1 &
}

# ---- start, and a second terminal ----

begin "$G/ctl" start
first=$!
until_ 20 job_is web1 start
case_ 'while a verb is under way the state says so' until_ 10 state_is web1 starting
case_ 'job says who and what' grep -q '^by root' "$G/job"
case_ 'status names it' key_is web1/status job start
case_ 'a second start: EBUSY' refused EBUSY "$G/ctl" start
begin "$R/ctl" pause
pauser=$!
until_ 20 job_is vm1 pause
second() { # SHELL REDIRECTION
	not timeout 10 "$1" -c "echo unpause $2 '$R/ctl'" 2>/dev/null &&
		tail -n 1 "$R/history" | grep "EBUSY 'unpause' vm1: pause is under way since .*, by root.*cancel ends it"
}
for open in '>' '>>' '1<>'; do
	for shell in bash dash; do case_ "a second writer by $open in $shell is told EBUSY at once" second "$shell" "$open"; done
done
kill "$pauser"
case_ 'a writer that was killed lets go' until_ 10 no_job vm1
case_ 'readers of ctl are not held up' timeout 10 cat "$G/ctl" "$G/status" "$G/config" "$G/live"
case_ 'nor is ls -l' timeout 10 ls -lR "$G"
case_ 'nor mkdir beside it' timeout 10 mkdir "$VM/web2"
case_ 'nor a wait that is met' timeout 10 bash -c "echo 'wait starting' >'$G/ctl'"
many() { # a hundred opens of one ctl at the same time
	local i
	for i in $(seq 100); do timeout 20 bash -c "echo 'wait starting' >'$G/ctl'" & pids[i]=$!; done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
}
case_ 'a hundred writers' many
case_ 'cancel ends it' timeout 10 bash -c "echo cancel >'$G/ctl'"
wait "$first"
case_ 'the first one is told: ECANCELED, by whom' grep -q 'cancelled by root' "$T/ended"
case_ 'and history has it' grep -q " ECANCELED 'start'" "$G/history"
case_ 'a cancelled start leaves nothing' state_is web1 off
case_ 'nothing is under way' no_job web1

# ---- what interrupts ----

interrupt() { # SIGNAL
	begin "$G/ctl" start
	until_ 20 job_is web1 start && kill "-$1" $! && until_ 10 ended $! && until_ 10 no_job web1 && state_is web1 off &&
		tail -n 1 "$G/history" | grep -q " EINTR 'start'"
}
for signal in INT TERM HUP QUIT ALRM KILL; do case_ "SIG$signal undoes a start" interrupt "$signal"; done
wait_interrupted() {
	local before=$SECONDS
	begin "$R/ctl" 'wait off'
	until_ 20 writing $! && kill -INT $! && until_ 10 ended $! && [ $((SECONDS - before)) -lt 8 ] &&
		until_ 10 last_is "$R" "EINTR 'wait off'"
}
last_is() { tail -n 1 "$1/history" | grep -q "$2"; }
case_ 'SIGINT ends a wait at once' wait_interrupted
keys() { # a terminal, and a key
	coproc TERMINAL { script -qefc "bash --norc --noprofile -i" /dev/null 2>&1; }
	# shellcheck disable=SC2153
	local in=${TERMINAL[1]} out=${TERMINAL[0]} before
	before=$(count "EINTR 'wait paused'" "$R")
	# shellcheck disable=SC2016
	printf "echo 'wait paused' > %s/ctl\r" "$R" >&"$in"
	# shellcheck disable=SC2016
	until_ 10 writer_blocked && printf '\003' >&"$in" && until_ 10 more "$before" && printf '%s\r' 'echo go on $((6*7)); exit' >&"$in" &&
		timeout 10 grep -q 'go on 42' <&"$out"
}
more() { [ "$(count "EINTR 'wait paused'" "$R")" -gt "$1" ]; }
writer_blocked() { # whoever has the ctl as its output
	local at
	at=$(find /proc/[0-9]*/fd/1 -lname "$R/ctl" 2>/dev/null)
	[ -n "$at" ] && blocked "$(cut -d/ -f3 <<<"$at")"
}
case_ 'Ctrl-C in a terminal' keys

# ---- what does not ----

begin "$R/ctl" 'wait off 3000'
waiter=$!
until_ 20 writing "$waiter"
goes_on() { [ "$(count "'wait off 3000'" "$R")" = 0 ] && kill -0 "$waiter"; }
for signal in CHLD WINCH URG CONT; do
	kill "-$signal" "$waiter"
	case_ "SIG$signal does not end a wait" goes_on
done
kill -STOP "$waiter"
until_ 10 grep -q '^State:.[TD]' "/proc/$waiter/status"
kill -CONT "$waiter"
case_ 'stopping and going on does not' goes_on
mkfifo "$T/child"
for shell in bash dash; do
	$shell -c "cat '$T/child' >/dev/null & echo 'wait off 2000' >'$R/ctl'; echo status \$?" >"$T/$shell" 2>&1 &
	until_ 20 blocked $!
	echo end >"$T/child" # its child ends: SIGCHLD
	pids=("${pids[@]:-}" $!)
done
case_ 'nor does the end of a child' not grep -q . "$T/bash" "$T/dash"

# ---- shutdown that is ignored; several wait for one domain ----

begin "$VM/vm2/ctl" 'shutdown -w 3000'
until_ 20 job_is vm2 shutdown
case_ 'destroy goes before what is under way' timeout 10 bash -c "echo 'destroy &' >'$VM/vm2/ctl'"
echo 'clock 4000000' >"$R/console" # the simulator's hour passes
until_ 20 [ ! -e "$VM/vm2" ]
case_ 'its shutdown -w ends when it is gone' until_ 10 grep -q 'status' "$T/ended"
echo 'vanish' >"$R/console"
until_ 10 [ ! -e "$R" ]
case_ 'who waits for a guest that vanished is told' until_ 10 grep -q 'status' "$T/bash" "$T/dash"
stop_daemon TERM

# ---- quick verbs ----

daemon --backend sim:ignore=shutdown
G=$VM/web1
say "$G/ctl" start
begin "$G/ctl" 'shutdown -w'
first=$!
until_ 20 grep -qx 'reason shutdown-requested' "$G/status"
others() {
	timeout 10 bash -c "echo pause >'$G/ctl' && echo unpause >>'$G/ctl' && echo 'mem-set 64' 1<>'$G/ctl' && printf '+0\n' >'$G/mem'" &&
		timeout 10 cat "$G/status" >/dev/null && kill -0 "$first"
}
case_ 'a shutdown -w that waits holds nothing up' others
case_ 'cancel ends the waiting' timeout 10 bash -c "echo cancel >'$G/ctl'"
case_ 'and its writer is told' until_ 5 grep -q 'cancelled' "$T/ended"
kill -INT "$first" 2>/dev/null
wait "$first"
case_ 'it runs on' state_is web1 running
case_ 'shutdown -w in no time: ETIMEDOUT' refused ETIMEDOUT "$G/ctl" 'shutdown -w 0'
case_ 'with its reason' key_is web1/status reason shutdown-ignored
case_ 'shutdown -w -f destroys it then' say "$G/ctl" 'shutdown -w -f 0'
case_ 'it is off' state_is web1 off

detached() {
	timeout 10 bash -c "echo 'wait running 60 &' >'$G/ctl'" && not grep -q "'wait running" "$G/history" && say "$G/ctl" start &&
		until_ 10 grep -q "ok 'wait running 60 &'" "$G/history"
}
outlives() { # the writer is gone, the verb is not
	bash -c "echo 'wait paused 60 &' >'$G/ctl'; kill -KILL \$\$"
	say "$G/ctl" pause && until_ 10 grep -q "ok 'wait paused 60 &'" "$G/history"
}
once() { is "$(count "'wait paused 60 &'" "$G")" 1; }
case_ 'a last word & detaches' detached
case_ 'the verb outlives its writer' outlives
case_ 'and is carried out once' once
ssh_like() { # the line of the manual: wait, then what needs it
	bash -c "echo 'wait running 20' >'$G/ctl' && cat '$G/state'" >"$T/then" &
	until_ 10 blocked $! && say "$G/ctl" unpause && wait $! && is "$(cat "$T/then")" running
}
case_ 'wait && ...' ssh_like
