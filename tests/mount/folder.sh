#!/bin/bash
# The configuration folder: what is dropped in, changed, renamed and removed there, and the links of auto/.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

mkdir "$T/etc"
printf 'memory = 64\n' >"$T/etc/early.cfg"
printf 'memory = = 64\n' >"$T/etc/broken.cfg"
printf 'memory = 64\n' >"$T/etc/.hidden.cfg"
printf 'memory = 64\n' >"$T/etc/#auto.cfg"
printf 'memory = 64\n' >"$T/etc/backup.cfg~"
printf 'memory = 64\n' >"$T/etc/notes.txt"
printf 'memory = 64\n' >"$T/etc/9bad.cfg"
printf 'memory = 64\n' >"$T/outside"
ln -s "$T/outside" "$T/etc/linked.cfg"
mkfifo "$T/etc/fifo.cfg"
mkdir -p "$T/etc/auto"
ln -s ../early.cfg "$T/etc/auto/10-early.cfg"
ln -s /nowhere "$T/etc/auto/20-ghost.cfg"

daemon --backend sim
names() { is "$(find "$VM" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | paste -sd' ')" "$1"; }
has() { grep -qx "$2" "$VM/$1/config"; }
there() { [ -e "$VM/$1/config" ]; }
gone() { [ ! -e "$VM/$1" ]; }

# ---- what was there ----

case_ 'a domain for each NAME.cfg, and for nothing else' names 'broken early'
case_ 'what auto/ links is started' until_ 20 state_is early running
case_ 'autostart says on' is "$(cat "$VM/early/autostart")" on
case_ 'a broken one is there, off and rejected' key_is broken/status config rejected
case_ 'and its log says why' grep -q '1:' "$VM/broken/log"
repair() { echo 'memory = 64' >"$T/etc/broken.cfg" && until_ 10 key_is broken/status config current && say "$VM/broken/ctl" start; }
case_ 'it is repaired by a good text' repair
case_ 'the daemon'"'"'s log names what it did not take' grep -q '9bad' "$VM/log"

# ---- what comes ----

drop() { echo 'memory = 32' >"$T/etc/web1.cfg" && until_ 10 has web1 'memory = 32' && until_ 10 grep -q ' web1 define' "$VM/events"; }
whole() { # a file counts when its writer closes it
	exec 6>"$T/etc/slow.cfg"
	echo 'memory = 3' >&6
	mkdir "$VM/probe" && rmdir "$VM/probe" && gone slow && echo 'vcpus = 2' >&6
	exec 6>&-
	until_ 10 has slow 'vcpus = 2' && has slow 'memory = 3'
}
moved_in() { echo 'memory = 32' >"$T/in" && mv "$T/in" "$T/etc/moved.cfg" && until_ 10 there moved && is "$(stat -c %u "$VM/moved")" 0; }
change() { echo 'memory = 48' >"$T/etc/web1.cfg" && until_ 10 has web1 'memory = 48' && is "$(cat "$VM/web1/mem")" 48; }
edited() { sed -i 's/48/49/' "$T/etc/web1.cfg" && until_ 10 has web1 'memory = 49'; }
swap() { # what an editor leaves beside it is no domain
	cp "$T/etc/web1.cfg" "$T/etc/.web1.cfg.swp" && cp "$T/etc/web1.cfg" "$T/etc/web1.cfg~" && cp "$T/etc/web1.cfg" "$T/etc/4913" &&
		rm "$T/etc/4913" && echo 'memory = 50' >"$T/etc/web1.cfg" && until_ 10 has web1 'memory = 50' && ls "$VM" >"$T/ls" &&
		! grep -q 'swp\|~\|4913\|^\.' "$T/ls"
}
removed_and_written() { # within a second: the same domain
	local id
	id=$(cat "$VM/web1/uuid") && rm "$T/etc/web1.cfg" && echo 'memory = 51' >"$T/etc/web1.cfg" && until_ 10 has web1 'memory = 51' &&
		is "$(cat "$VM/web1/uuid")" "$id"
}
invalid() {
	echo 'memory = [' >"$T/etc/web1.cfg" && until_ 10 key_is web1/status config rejected && has web1 'memory = 51' &&
		echo 'memory = 52' >"$T/etc/web1.cfg" && until_ 10 key_is web1/status config current && has web1 'memory = 52'
}
running_changed() {
	say "$VM/web1/ctl" start && echo 'memory = 53' >"$T/etc/web1.cfg" && until_ 10 key_is web1/status config pending &&
		grep -q '^memory 52 -> 53$' "$VM/web1/pending" && state_is web1 running
}
case_ 'a file is dropped in' drop
case_ 'a file counts when it is closed' whole
case_ 'a file is moved in: root'"'"'s' moved_in
case_ 'a file is changed' change
case_ 'a file is replaced by sed -i' edited
case_ 'what editors leave is ignored' swap
case_ 'removed and written again is no removal' removed_and_written
case_ 'an invalid text leaves the valid one' invalid
case_ 'a running domain has the change pending' running_changed

# ---- what goes, and other names ----

rename() {
	local id
	id=$(cat "$VM/web1/uuid") && mv "$T/etc/web1.cfg" "$T/etc/web2.cfg" && until_ 10 there web2 && gone web1 &&
		is "$(cat "$VM/web2/uuid")" "$id" && state_is web2 running && grep -q ' web2 rename from=web1' "$VM/events"
}
orphan() { # a running domain whose file is gone runs on and leaves when it is off
	rm "$T/etc/web2.cfg" && until_ 10 grep -q ' web2 config config=removed' "$VM/events" && state_is web2 running &&
		say "$VM/web2/ctl" destroy && until_ 10 gone web2
}
remove() { rm "$T/etc/moved.cfg" && until_ 10 gone moved && grep -q ' moved undefine' "$VM/events"; }
both_ways() { # what is done through the tree is in the folder, and told once
	mkdir "$VM/tree" && [ -e "$T/etc/tree.cfg" ] && mv "$VM/tree" "$VM/tree2" && [ -e "$T/etc/tree2.cfg" ] && [ ! -e "$T/etc/tree.cfg" ] &&
		rmdir "$VM/tree2" && [ ! -e "$T/etc/tree2.cfg" ] && is "$(grep -c ' tree define' "$VM/events")" 1
}
autostart() {
	say "$VM/slow/autostart" on && [ -L "$T/etc/auto/slow.cfg" ] && mv "$VM/slow" "$VM/slower" && [ -L "$T/etc/auto/slower.cfg" ] &&
		[ ! -L "$T/etc/auto/slow.cfg" ] && ln -s ../broken.cfg "$T/etc/auto/05-broken.cfg" && until_ 10 says_on broken &&
		say "$VM/broken/autostart" off && [ ! -L "$T/etc/auto/05-broken.cfg" ] && rm "$T/etc/auto/10-early.cfg" && until_ 10 not says_on early
}
says_on() { [ "$(cat "$VM/$1/autostart")" = on ]; }
case_ 'a file is renamed: the domain is' rename
case_ 'a running domain outlives its file' orphan
case_ 'a file is removed' remove
case_ 'the tree and the folder agree' both_ways
case_ 'autostart is a link' autostart
case_ 'reload reads it all again' say "$VM/ctl" reload
burst() { # many at once
	local i
	for i in $(seq 60); do echo 'memory = 16' >"$T/etc/many$i.cfg"; done
	until_ 20 count 60 && rm "$T"/etc/many*.cfg && until_ 20 count 0
}
count() { [ "$(find "$VM" -maxdepth 1 -name 'many*' | wc -l)" = "$1" ]; }
case_ 'sixty come and go' burst

# ---- while no daemon ran ----

id=$(cat "$VM/slower/uuid")
stop_daemon TERM
echo 'memory = 77' >"$T/etc/late.cfg"
rm "$T/etc/broken.cfg"
echo 'memory = [' >"$T/etc/slower.cfg"
daemon --backend sim
case_ 'a file that came meanwhile' has late 'memory = 77'
case_ 'one that went' gone broken
case_ 'one that was spoiled: the last valid text is in force' is "$(cat "$VM/slower/mem") $(cat "$VM/slower/uuid")" "3 $id"
case_ 'autostart is for the start of the host, not of the daemon' state_is slower off
starts() { say "$VM/slower/ctl" start && state_is slower running && is "$(cat "$VM/slower/mem")" 3; }
case_ 'it starts with it' starts
