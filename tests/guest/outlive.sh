#!/bin/bash
# Guests outlive the daemon; what they did meanwhile is known; one that does not answer is nobody else's trouble.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon

case_ "three guests start" eval '
	define web && define db "on_reboot = \"destroy\"" && define ci "on_crash = \"restart\"" &&
	ctl web start && ctl db start && ctl ci start && until_ $LIMIT up web 1 && until_ $LIMIT up db 1 && until_ $LIMIT up ci 1'
chown 65534 "$VM/web"
echo 'of the web' >"$VM/web/notes"
in_guest web 'echo before the end' >/dev/null

# facts NAME: all that must be the same under the next daemon.
facts() { grep -E '^(name|id|uuid|state|started|mem_mib|mem_actual_mib|vcpus|owner|config) ' "$VM/$1/status"; }
same() { # as "$T/facts", $pid and $id were put down; the owner's name is looked up behind the scenes
	until_ "$LIMIT" status_is web owner nobody && facts web >"$T/now" && diff "$T/facts" "$T/now" && [ "$(qemus web)" = "$pid" ] &&
		guest_says web bootid "$id" && grep -q 'before the end' "$VM/web/console" && [ "$(stat -c %u "$VM/web")" = 65534 ] &&
		grep -q 'of the web' "$VM/web/notes"
}
# A process, or a child of it, sleeps in a request to the mount.
blocked_in() { cat "/proc/$1/wchan" "/proc/$1/task/$1/children" 2>/dev/null | grep -q request_wait_answer; }
pid=$(qemus web) id=$(in_guest web bootid)
facts web >"$T/facts"

(say "$VM/web/ctl" "wait off" >/dev/null 2>&1; echo $? >"$T/waited") &
waiter=$!
until_ 30 blocked_in "$waiter"
stop_daemon
wait "$waiter"
case_ "who waited is let go with an error" test "$(cat "$T/waited")" = 1
case_ "the daemon is gone, its guests are not" eval '! mountpoint -q "$VM" && [ "$(qemus | wc -l)" = 3 ]'
daemon
case_ "after SIGTERM: the same guest, with its console, its owner and its notes" same
n=$(in_guest web counter)
kill_daemon
pass 4
daemon
case_ "after SIGKILL: the same guest" same
case_ "it ran on meanwhile" eval '[ "$(in_guest web counter)" -gt $((n + 2)) ]'

# while_dead NAME WORD EVENT: the daemon is killed and then the word typed, into the pipe that QEMU reads; QEMU's own list of
# events says when it was done.
while_dead() {
	local folder before
	folder=$(tr '\0' '\n' <"/proc/$(qemus "$1")/cmdline" | sed -n "s/^pipe,id=ev,path=//p")
	kill_daemon
	before=$(grep -ac "\"$3\"" "$folder.out")
	echo "$2" >"${folder%/ev}/ser.in"
	until_ "$LIMIT" eval "[ \"\$(grep -ac '\"$3\"' '$folder.out')\" -gt $before ]"
}
before=$(boot_id web) n=$(ups web)
while_dead web 'reboot -f' RESET
daemon
case_ "it rebooted while nobody watched: another boot, the same run" eval \
	'until_ $LIMIT up web $((n + 1)) && [ "$(boot_id web)" != "$before" ] && state_is web running && [ "$(qemus web)" = "$pid" ]'
while_dead db 'reboot -f' SHUTDOWN
daemon
case_ "on_reboot=destroy while nobody watched: it is off" eval 'until_ $LIMIT state_is db off && no_qemu db'
n=$(ups ci)
while_dead ci panic GUEST_PANICKED
daemon
case_ "on_crash=restart while nobody watched: it is restarted" eval 'until_ $LIMIT up ci $((n + 1)) && state_is ci running'
while_dead web 'poweroff -f' SHUTDOWN
daemon
case_ "it powered off while nobody watched: off, and nothing is left" eval \
	'until_ $LIMIT state_is web off && no_qemu web && status_is web reason poweroff'
kill_daemon
qemus ci | xargs -r kill -KILL
until_ 60 no_qemu ci
daemon
case_ "its QEMU was killed while nobody watched: crashed" eval 'until_ $LIMIT state_is ci crashed && [ -z "$(folders)" ]'

case_ "two guests start" eval 'start web && start db'
reads() { # how many times a second all statuses can be read
	local end=$((SECONDS + 3)) n=0
	while [ "$SECONDS" -lt "$end" ]; do
		cat "$VM"/*/status >/dev/null
		n=$((n + 1))
	done
	echo "$n"
}
reads >/dev/null
quick=$(reads)
n=$(in_guest db counter) pid=$(qemus db)
kill -STOP "$pid"
case_ "a QEMU that hangs makes its domain unresponsive" eval 'until_ $LIMIT state_is db unresponsive && status_is db reason running'
case_ "and no other" state_is web running
case_ "the other answers" in_guest web true
slow=$(reads)
case_ "and all statuses are read as fast as before" eval 'echo "$quick $slow"; [ "$slow" -ge $((quick / 3)) ]'
case_ "a verb on it fails in time, and not the other's" eval '! timeout 100 bash -c "echo pause >\"\$0\"" "$VM/db/ctl" 2>/dev/null; ctl web pause && ctl web unpause'
kill_daemon
daemon
case_ "a new daemon finds it unresponsive, and the other well" eval \
	'until_ $LIMIT state_is db unresponsive && state_is web running && [ "$(qemus db)" = "$pid" ]'
kill -CONT "$pid"
case_ "it answers again, and is what it was" eval 'until_ $LIMIT eval "state_is db running || state_is db paused"; ctl db unpause; until_ $LIMIT state_is db running'
case_ "the guest went on where it was" eval '[ "$(in_guest db counter)" -ge '"$n"' ] && guest_says db hostname db'
kill -STOP "$pid"
case_ "destroy of one that hangs" eval 'until_ $LIMIT state_is db unresponsive && ctl db destroy && no_qemu db && [ "$(folders | wc -l)" = 1 ]'

qemus web | xargs -r kill -KILL
case_ "a QEMU that is killed leaves crashed" eval 'until_ $LIMIT state_is web crashed && status_is web id - && [ -z "$(folders)" ]'
case_ "and it starts again" start web
qemus web | xargs -r kill -KILL
case_ "of a child of this daemon the log says how it died" eval \
	'until_ $LIMIT state_is web crashed && grep -q "killed by signal 9" "$VM/web/log"'
