#!/bin/bash
# The console: what the guest says reaches every reader, and nobody who reads slowly or types much stands in anybody's way.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon

case_ "the guest starts" boot web
cat "$VM/web/.console" >"$T/stream" &
stream=$!
tail -f -n 0 "$VM/web/console" >"$T/tail" 2>/dev/null &
tail=$!
case_ "readers are there" until_ 30 eval 'in_guest web "echo are you there" && grep -q "^are you there" "$T/stream" "$T/tail"'
case_ "a guest that says much" in_guest web 'seq 100000 159999'
case_ "the console's end is there" eval 'tail -n 5 "$VM/web/console" | grep -q 159999'
case_ "and no more than is kept" eval 'n=$(stat -c %s "$VM/web/console") && echo "$n" && [ "$n" -le 1100000 ]'
all_lines() { [ "$(tr -d '\r' <"$1" | grep -cE '^1[0-5][0-9]{4}$')" = 60000 ]; }
case_ "who read the stream has every line" until_ 60 all_lines "$T/stream"
case_ "who followed the file has every line" until_ 60 all_lines "$T/tail"
kill "$stream" "$tail"
wait "$stream" "$tail" 2>/dev/null
exec 7<"$VM/web/.console" # and nobody reads it
case_ "a guest is not held up by one that does not read" in_guest web 'seq 200000 259999'
case_ "who did not read is told what he lost, and has the end" eval \
	'timeout 5 cat <&7 >"$T/late"; grep -aq "lost [1-9]" "$T/late" && grep -aq 259999 "$T/late" && ! grep -aq 200000 "$T/late"'
exec 7<&-

case_ "Ctrl-C ends what runs in the guest" eval '
	echo "while :; do echo still; read -t 1 x; done; echo ne""ver" >"$VM/web/console" && until_ $LIMIT grep -q "^still" "$VM/web/console" &&
	printf "\003" >"$VM/web/console" && until_ $LIMIT at_prompt web && guest_says web "echo free" free'
case_ "a page that is typed at once arrives whole" eval '
	seq -f "line %04g of the page that is typed at once" 50 >"$T/page" && { echo "cat >/tmp/page"; cat "$T/page"; printf "\004"; } >"$VM/web/console" &&
	guest_says web "md5sum </tmp/page" "$(md5sum <"$T/page")"'
echo 'what the old daemon heard' >"$VM/web/console"
until_ "$LIMIT" grep -q 'not found' "$VM/web/console"
tail -n 50 "$VM/web/console" >"$T/before"
kill_daemon
daemon
case_ "after the daemon was killed its history is there, once" eval \
	'[ "$(grep -c "what the old daemon heard" "$VM/web/console")" = "$(grep -c "what the old daemon heard" "$T/before")" ] &&
	tail -n 50 "$VM/web/console" | diff "$T/before" -'

# 200 KiB: more than a guest takes that does not run.
case_ "too much typed to a paused guest holds up nobody but who types" eval '
	ctl web pause && head -c 200000 /dev/zero | tr "\0" "\n" >"$T/much"
	timeout -s INT 3 cp "$T/much" "$VM/web/console" 2>/dev/null; cp_rc=$?
	echo "cp: $cp_rc"; [ $cp_rc != 0 ] && state_is web paused && ctl web destroy && state_is web off'
case_ "its console outlives it" grep -q 'what the old daemon heard' "$VM/web/console"
