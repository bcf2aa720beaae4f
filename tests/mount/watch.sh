#!/bin/bash
# Watching with the tools that people have: inotify, poll, select, epoll, tail -f, and the daemon killed in the middle of it.
# Whether something does not fire is asked by what comes after it: what would have come stands before that.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

WATCH=$(tool watch) POLL=$(tool poll) CROWD=$(tool crowd) STUCK=$(tool stuck)
mkdir -p "$T/etc" "$T/out"
mounted() { kill -0 "$PID" && timeout 20 cat "$VM/info" >/dev/null; } # attributes are known of a dead mount, too
daemon --backend sim:domains=4
define web1 'memory = 64' && say "$VM/web1/ctl" start || exit 1
define other 'memory = 64' && say "$VM/other/ctl" start || exit 1
G=$VM/web1

has() { grep -q -- "$2" "$T/out/$1"; }                                         # FILE PATTERN
lines_are() { [ "$(grep -c -- "$2" "$T/out/$1")" -ge "$3" ]; }                 # FILE PATTERN COUNT
exactly() { is "$(grep -c -- "$2" "$T/out/$1")" "$3" || { cat "$T/out/$1"; return 1; }; } # FILE PATTERN COUNT
by_guest() { echo "$2" >"$VM/$1/console"; }                                # NAME WORD: it does it by itself
background=()
begin() { # NAME COMMAND...: in the background; what it prints is in $T/out/NAME
	local name=$1
	shift
	rm -f "$T/out/$name" # of the one before
	"$@" >"$T/out/$name" 2>&1 &
	background+=($!)
	echo $! >>"$T/begun" # for who begins it in a case, which is a process of its own
}
# inotify NAME ARGUMENT...: inotifywait -m, up and watching.
inotify() {
	begin "$1" inotifywait -m --format '%w|%e|%f' "${@:2}"
	until_ 20 has "$1" 'Watches established'
}

# ---- inotify: domains come, go, are renamed ----

inotify root -e create,delete,move,delete_self "$VM"
comes() { until_ 20 has root "|CREATE,ISDIR|$1$" && [ -d "$VM/$1" ] && [ -e "$VM/$1/status" ]; }
goes() { until_ 20 has root "|DELETE,ISDIR|$1$" && [ ! -e "$VM/$1" ]; }
moves() { until_ 20 has root "|MOVED_TO,ISDIR|$2$" && has root "|MOVED_FROM,ISDIR|$1$" && [ ! -e "$VM/$1" ] && [ -e "$VM/$2/status" ]; }
by_mkdir() { mkdir "$VM/made" && comes made; }
by_create() { echo 'memory = 64' >"$T/created.cfg" && say "$VM/ctl" "create $T/created.cfg" && [ -e "$VM/created/state" ] && comes created; }
by_file() { echo 'memory = 64' >"$T/etc/dropped.cfg" && comes dropped; }
by_mv() { mv "$VM/made" "$VM/moved" && moves made moved; }
by_verb() { say "$VM/created/ctl" 'rename renamed' && moves created renamed; }
by_file_mv() { mv "$T/etc/dropped.cfg" "$T/etc/dragged.cfg" && moves dropped dragged; }
by_rmdir() { rmdir "$VM/moved" && goes moved; }
by_rm() { rm "$T/etc/dragged.cfg" && goes dragged; }
by_vanish() { by_guest vm4 vanish && goes vm4; }
by_destroy() { say "$VM/renamed/ctl" destroy && rmdir "$VM/renamed" && goes renamed; }
many() { # all of them, each once
	local i
	for i in $(seq 30); do echo 'memory = 16' >"$T/etc/many$i.cfg"; done
	until_ 30 lines_are root '|CREATE,ISDIR|many' 30 && rm "$T"/etc/many*.cfg && until_ 30 lines_are root '|DELETE,ISDIR|many' 30
}
once() { # every name that came came once and went once
	local name
	mkdir "$VM/last" && rmdir "$VM/last" && until_ 20 has root '|DELETE,ISDIR|last$' || return
	grep '|' "$T/out/root" | sort | uniq -d | grep . && { echo 'came twice'; return 1; }
	for name in made created dropped; do exactly root "|CREATE,ISDIR|$name$" 1 && exactly root "|MOVED_FROM,ISDIR|$name$" 1 || return; done
	for name in moved renamed dragged; do
		exactly root "|MOVED_TO,ISDIR|$name$" 1 && exactly root "|DELETE,ISDIR|$name$" 1 && exactly root "|CREATE,ISDIR|$name$" 0 || return
	done
	exactly root '|DELETE,ISDIR|vm4$' 1 && exactly root '|CREATE,ISDIR|many' 30 && exactly root '|DELETE,ISDIR|many' 30
}
if command -v inotifywait >/dev/null; then
	case_ 'inotify on /vm: mkdir' by_mkdir
	case_ 'create written to ctl' by_create
	case_ 'a file that is dropped into the configuration folder' by_file
	case_ 'mv' by_mv
	case_ 'rename written to ctl' by_verb
	case_ 'mv in the configuration folder' by_file_mv
	case_ 'rmdir' by_rmdir
	case_ 'a file that is removed from the configuration folder' by_rm
	case_ "a guest that another tool destroyed" by_vanish
	case_ 'destroy and rmdir' by_destroy
	case_ 'thirty at once' many
	case_ 'exactly one event each' once
else
	skip 'inotify: there is no inotifywait'
fi

# ---- inotify: state and status ----

inotify files -e modify,delete_self "$G/state" "$G/status" "$VM/other/state"
modified() { lines_are files "/$1|MODIFY|" "$2"; } # web1/state COUNT
poweroff() {
	inotifywait -e modify "$VM/other/state" >"$T/out/single" 2>&1 &
	local pid=$!
	until_ 20 has single 'Watches established' && by_guest other poweroff && wait $pid && has single 'MODIFY' &&
		[ "$(cat "$VM/other/state")" != running ] && until_ 20 state_is other off
}
own() { by_guest web1 pause && until_ 20 modified web1/state 1 && state_is web1 paused && until_ 20 modified web1/status 1; }
again() { say "$G/ctl" unpause && until_ 20 modified web1/state 2 && state_is web1 running; }
alone() { # other changed a few times above and here; that is nobody else's
	local before
	before=$(grep -c 'web1/state|MODIFY' "$T/out/files")
	say "$VM/other/ctl" start && say "$VM/other/ctl" pause && say "$VM/other/ctl" unpause && by_guest web1 'event custom a=1' &&
		cat "$G/counters" >/dev/null && echo 'red' >"$G/tags" && say "$G/ctl" pause && until_ 20 modified web1/state $((before + 1)) &&
		say "$G/ctl" unpause && until_ 20 modified web1/state $((before + 2)) && exactly files 'web1/state|MODIFY' $((before + 2))
}
since() { is "$(date -u -d "$(key web1/status since)" +%s)" "$(stat -c %Y "$G/status")"; }
recursive() { # a watch on the directory names the file
	inotify folder -e modify "$G" && say "$G/ctl" pause && until_ 20 has folder 'web1/|MODIFY|state' &&
		until_ 20 has folder 'web1/|MODIFY|status' && say "$G/ctl" unpause && not has folder '|MODIFY|uuid'
}
gone() { # the domain's file is removed
	echo 'memory = 64' >"$T/etc/brief.cfg" && until_ 20 [ -e "$VM/brief/state" ] && inotify brief -e modify,delete_self "$VM/brief/state" "$VM/brief/status" &&
		rm "$T/etc/brief.cfg" && until_ 20 has brief 'brief/state|DELETE_SELF' && until_ 20 has brief 'brief/status|DELETE_SELF' &&
		until_ 20 [ ! -e "$VM/brief" ]
}
if command -v inotifywait >/dev/null; then
	case_ 'inotifywait on state ends when the guest powers off by itself' poweroff
	case_ 'a guest that pauses by itself: state and status are modified' own
	case_ 'a verb: state is modified, once' again
	case_ 'not for another domain, another file, an event that changes nothing' alone
	case_ 'the touches leave the time of status: since' since
	case_ 'inotifywait on the directory' recursive
	case_ 'a watched domain vanishes: DELETE_SELF' gone
fi

# ---- POLLPRI ----

for how in poll select epoll; do
	begin "$how" "$WATCH" "$how" "$G/state"
	begin "$how.status" "$WATCH" "$how" "$VM/vm1/status"
	until_ 20 has "$how" '^ready running$' && until_ 20 has "$how.status" '^ready state running$'
done
pri_are() { [ "$(grep -c '^pri' "$T/out/$1")" -ge "$2" ]; }
all_pri() { local how; for how in poll select epoll; do pri_are "$how$1" "$2" || return 1; done; }
step() { say "$G/ctl" "$1" && until_ 20 all_pri '' "$2"; }
each_once() { # five changes, one after another: five wake-ups, each with its text; what is none wakes nobody
	step pause 1 && say "$VM/other/ctl" pause && say "$VM/other/ctl" unpause && step unpause 2 && by_guest web1 'event custom b=1' &&
		echo 'white' >"$G/tags" && cat "$G/domain.json" "$G/counters" >/dev/null && by_guest web1 pause && until_ 20 all_pri '' 3 &&
		step unpause 4 && step pause 5
	local rc=$?
	head "$T/out/poll" "$T/out/select" "$T/out/epoll"
	[ $rc = 0 ] || return
	for how in poll select epoll; do
		is "$(paste -sd' ' "$T/out/$how")" 'ready running pri paused pri running pri paused pri running pri paused' || return
	done
}
by_itself() { # one change of a status, of the guest's own will: one wake-up
	by_guest vm1 'event custom c=1' && by_guest vm1 pause && until_ 20 all_pri .status 1 && until_ 20 state_is vm1 paused &&
		say "$VM/vm1/ctl" unpause && until_ 20 last_is .status 'pri state running'
	local rc=$?
	head "$T"/out/*.status
	[ $rc = 0 ] || return
	for how in poll select epoll; do exactly "$how.status" 'pri state paused' 1 || exactly "$how.status" 'pri state paused' 2 || return; done
	not has poll.status other
}
last_is() { local how; for how in poll select epoll; do [ "$(tail -n 1 "$T/out/$how$1")" = "$2" ] || return 1; done; }
late() { # added to an epoll after the change that it has not read
	mkfifo "$T/out/go"
	"$WATCH" late "$VM/vm2/state" <"$T/out/go" >"$T/out/late" 2>&1 &
	background+=($!)
	exec 8>"$T/out/go"
	until_ 20 has late '^ready running' && say "$VM/vm2/ctl" pause && echo >&8 && until_ 20 has late '^pri paused'
	local rc=$?
	say "$VM/vm2/ctl" unpause && until_ 20 has late '^pri running' && exactly late '^pri' 2 || rc=1
	exec 8>&-
	return $rc
}
old() { # a descriptor that nobody polls is as fresh
	exec 7<"$G/status"
	tac <&7 >/dev/null && say "$G/ctl" unpause && tac <&7 | grep -qx 'state running' && say "$G/ctl" pause && tac <&7 | grep -qx 'state paused' &&
		say "$G/ctl" unpause
	local rc=$?
	exec 7<&-
	return $rc
}
case_ 'POLLPRI of state by poll, select and epoll: once a change, with the new text' each_once
case_ 'POLLPRI of status' by_itself
case_ 'an epoll that comes after the change' late
case_ 'an old descriptor, by lseek and read' old

# ---- streams ----

ready() { has "$1" '^waiting'; }
streamed() { # HOW FILE NAME WORD PATTERN
	rm -f "$T/out/polled" # of the one before
	"$POLL" "$1" "$2" >"$T/out/polled" 2>&1 &
	local pid=$!
	until_ 20 ready polled && kill -0 $pid && by_guest "$3" "$4" && wait $pid && has polled "$5" && return
	cat "$T/out/polled"
	return 1
}
for how in in epoll; do
	case_ "$how of the root's .events" streamed $how "$VM/.events" vm1 'event custom d=1' ' vm1 custom d=1$'
	case_ "$how of a domain's .events" streamed $how "$VM/vm1/.events" vm1 'event custom e=1' ' vm1 custom e=1$'
	case_ "$how of .console" streamed $how "$VM/vm1/.console" vm1 'word' 'word'
done
begin tail.events tail -n 0 -f "$VM/vm1/events"
begin tail.history tail -n 0 -f "$VM/vm1/history"
begin tail.console tail -n 0 -f "$VM/vm1/console"
begin tail.name tail -n 0 -F "$VM/events"
followed() { # what was written before tail looked first is not its own; so again until all have it
	say "$VM/vm1/ctl" pause && say "$VM/vm1/ctl" unpause && by_guest vm1 'print 1' && has tail.events ' vm1 paused ' &&
		has tail.history "'pause'" && has tail.console 'line 1' && has tail.name ' vm1 paused '
}
case_ 'tail -f of events, history and console, tail -F' until_ 20 followed
crowd() {
	begin crowd "$CROWD" "$VM/.events" 1000 200
	local pid=$! i
	until_ 30 has crowd '^ready' || return
	for i in $(seq 200); do echo "event custom n=$i"; done >"$VM/vm3/console"
	until_ 60 ended $pid
	wait $pid || { tail -n 5 "$T/out/crowd"; return 1; }
}
case_ 'a thousand readers of .events, each gets every line in order' crowd

# ---- a reader whose buffer is not there ----

stuck() { # NAME read|getdents PATH
	mkfifo "$T/out/$1.go"
	"$STUCK" "$2" "$3" <>"$T/out/$1.go" >"$T/out/$1" 2>&1 &
	background+=($!)
	until_ 30 has "$1" '^stuck$'
}
let_go() { echo >"$T/out/$1.go"; }
goes_on() { # verbs, events, wake-ups, what is known and what is not
	say "$G/ctl" pause && timeout 20 cat "$G/state" "$G/status" >/dev/null && state_is web1 paused && tail -n 1 "$G/events" | grep -q ' paused ' &&
		say "$G/ctl" unpause && state_is web1 running && timeout 20 ls "$G" >/dev/null && timeout 20 cat "$VM/vm1/state" >/dev/null
}
read_whole() { let_go reader && until_ 20 has reader '^tags' && exactly reader '^name web1$' 1 && not grep -qP '\0' "$T/out/reader"; }
dropped_meanwhile() { # its directory is published by the helper, who hangs; nobody else does
	echo 'memory = 64' >"$T/etc/meanwhile.cfg" && until_ 20 grep -q ' meanwhile define' "$VM/events" && goes_on
}
released() { let_go lister && until_ 20 has lister '^web1$' && until_ 20 [ -e "$VM/meanwhile/state" ] && timeout 20 ls "$VM" | grep -qx meanwhile; }
hangs=$("$STUCK" read "$VM/info" </dev/null | head -n 1)
if [ "$hangs" = stuck ]; then
	stuck reader read "$G/status"
	case_ 'a reader that hangs in the middle of a status: everything goes on' goes_on
	case_ 'and it gets one whole text' read_whole
	stuck lister getdents "$VM"
	case_ 'a reader that hangs in the middle of a listing: everything goes on' goes_on
	case_ 'also when a domain comes meanwhile' dropped_meanwhile
	case_ 'then the listing goes on, and the domain is there' released
else
	skip 'a reader that hangs: no userfaultfd here'
fi

# ---- killed in the middle ----

family() { # the daemon's processes, all of them
	local pid
	for pid in "$@"; do
		echo "$pid"
		# shellcheck disable=SC2046
		family $(pgrep -P "$pid")
	done
}
over() { [ ! -e "/proc/$1" ] || grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null; }
all_over() { local pid; for pid in "$@"; do over "$pid" || return 1; done; }
show_them() { # PID...: what holds up those that are left
	local pid
	for pid in "$@"; do
		over "$pid" || { tr '\0' ' ' <"/proc/$pid/cmdline"; grep '^State' "/proc/$pid/status"; cat "/proc/$pid"/task/*/stack; }
	done
}
clients() { # what is under way when it dies: kept in $waiting those that are asked to end by nobody
	waiting=()
	for how in poll epoll; do begin "end.$how" "$WATCH" "$how" "$G/state" && waiting+=($!); done
	begin end.select "$WATCH" select "$G/state" # select has no way to tell of an error among its exceptions: it waits on
	for file in "$VM/.events" "$G/.events" "$G/.console"; do begin end.cat cat "$file" && waiting+=($!) && until_ 20 blocked $!; done
	for how in in epoll; do begin "end.stream.$how" "$POLL" $how "$G/.console" && waiting+=($!); done
	begin end.crowd "$CROWD" "$VM/.events" 200 1 && waiting+=($!)
	for file in events history console; do begin "end.tail.$file" tail -f "$G/$file"; done # it goes on trying
	begin end.wait bash -c "echo 'wait crashed' >'$G/ctl'" && waiting+=($!)
	until_ 20 blocked $!
	for how in poll select epoll; do until_ 20 has "end.$how" '^ready' || return; done
	for how in in epoll; do until_ 20 ready "end.stream.$how" || return; done
	until_ 20 has end.crowd '^ready'
}
# Changes and readers at full speed; each says when it has come round once more. NAME COMMAND...
loop() { begin "$1" bash -c "while $2; do echo turn >&3; done 3>&1 >/dev/null"; }
load() {
	local name
	rmdir "$VM"/{brief,short} # of the round before
	loop load.write "echo pause >'$VM/vm1/ctl' && echo unpause >'$VM/vm1/ctl'"
	loop load.read "{ cat '$VM'/*/{status,state}; ls -l '$VM'; cat '$G/state'; }"
	loop load.make "mkdir '$VM/brief' && mv '$VM/brief' '$VM/short' && rmdir '$VM/short'"
	loop load.drop "echo 'memory = 16' >'$T/etc/d1.cfg' && mv '$T/etc/d1.cfg' '$T/etc/d2.cfg' && cat '$VM/ctl'"
	loads=("${background[@]: -4}")
	for name in write read make drop; do turned $name 3 || return; done
}
later() { local name; for name in write read make drop; do turned $name 6 || return; done; }
turned() { # NAME MORE: that loop comes round so many times more
	local before
	before=$(wc -l <"$T/out/load.$1")
	until_ 30 lines_are "load.$1" '^turn' $((before + $2)) || { tail "$T/out/load.$1"; return 1; }
}
holding() { # a reader hangs in a status, another one in the listing: whoever makes a directory waits for that
	rm -f "$T"/out/{reader,lister}{,.go}
	stuck reader read "$G/status" && stuck lister getdents "$VM"
}
helper_hangs() { # the helper that makes directories, too
	echo 'memory = 16' >"$T/etc/late.cfg"
	until_ 30 grep -q '^State:.D' "/proc/$(pgrep -P "$PID" -f domfs-herald)/status"
}
# What is under way, outside of a case, for it stays: WHAT...
middle() {
	local what
	say "$G/ctl" start >/dev/null 2>&1
	inotify end.inotify "$VM" "$G" && clients || return
	for what in "$@"; do "$what" || { echo "$what has failed"; return 1; }; done
	mapfile -t family < <(family "$PID")
	case " $* " in
	*' holding '*) [ ${#loads[@]} = 0 ] || { turned write 20 && waiting+=("${loads[0]}"); } ;; # the others wait for the listing
	*) waiting+=("${loads[@]}" "${family[@]}") ;;
	esac
	for what in "${loads[@]}"; do kill -0 "$what" || { echo 'a load has ended'; return 1; }; done
}
killed() {
	kill -KILL "$PID"
	[ "$1" = 0 ] || { cat "$T/middle"; return 1; }
	until_ 30 all_over "$PID" "${waiting[@]}" || { echo 'the daemon, or who used it, is not gone'; show_them "$PID" "${waiting[@]}"; return 1; }
	for how in poll epoll; do has "end.$how" '^error E\|^other' || { cat "$T/out/end.$how"; return 1; }; done
}
unkillable() { # the rest ends when it is told to, and the daemon's processes with it
	mapfile -t -O ${#background[@]} background <"$T/begun"
	: >"$T/begun"
	kill -KILL "${background[@]}" 2>/dev/null
	until_ 30 all_over "${background[@]}" "${family[@]}" || { show_them "${background[@]}" "${family[@]}"; return 1; }
}
successor() {
	timeout 20 ls -l "$VM" >/dev/null && [ -e "$G/status" ] && [ "$(grep -c " $VM " /proc/mounts)" = 1 ] && say "$VM/vm1/ctl" pause && state_is vm1 paused
}
rounds=('' load 'load later')
if [ "$hangs" = stuck ]; then rounds+=(holding 'holding helper_hangs' 'load holding'); else skip 'killed while readers hang: no userfaultfd here'; fi
for what in "${rounds[@]}"; do
	family=() loads=()
	# shellcheck disable=SC2086 # words
	middle $what >"$T/middle" 2>&1
	case_ "killed with readers and watchers${what:+, }${what// /, }: it is gone, and who waited for it is told" killed $?
	case_ 'nobody is left that cannot be killed' unkillable
	background=()
	wait "$PID" 2>/dev/null
	daemon --backend sim:domains=4
	case_ 'the next one comes, and works' successor
done
