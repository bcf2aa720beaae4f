#!/bin/bash
# Every tool that reads, on every listed file: nothing blocks, and stat's size is what is read.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

daemon --backend sim:domains=2
define web1 'memory = 64' 'vcpus = 2' "disk = [ 'file:/sim/web1.img,xvda,w', 'file:/sim/cd.iso,hdc:cdrom,r' ]" \
	"vif = [ 'mac=00:16:3e:7f:00:01,bridge=br0', 'bridge=br1' ]" || exit 1
say "$VM/web1/ctl" start
define cold 'memory = 32' "disk = [ '/sim/cold.img,raw,xvda,w' ]"

files() { find "$VM" -type f; }
sizes() {
	local f bytes size bad=0 n=0
	while read -r f; do
		bytes=$(timeout 10 cat "$f" | wc -c)
		size=$(stat -c %s "$f")
		# the daemon's own log and the histories may have grown between
		[ "$bytes" -eq "$size" ] || [ "$(stat -c %s "$f")" -eq "$(timeout 10 cat "$f" | wc -c)" ] ||
			{ echo "$f: stat says $size, read gives $bytes"; bad=1; }
		n=$((n + 1))
	done < <(files)
	echo "$n files"
	[ "$bad" -eq 0 ] && [ "$n" -gt 100 ]
}
copy() { # COMMAND...: into $T/copy, which then holds what the tree holds
	rm -rf "$T/copy"
	mkdir "$T/copy" && timeout 60 "$@" && same "$T/copy/web1" && same "$T/copy/cold"
}
same() { # what does not change by itself
	local f
	for f in state status config live mem vcpus name uuid owner notes events disks/xvda/status; do
		cmp "$VM/${1##*/}/$f" "$1/$f" || return 1
	done
	[ -s "$1/counters" ] && [ -s "$1/domain.json" ]
}
through_tar() { tar -C "$VM" -cf "$T/vm.tar" web1 cold && tar -C "$T/copy" -xf "$T/vm.tar"; }
copy_tar() { copy true || rm -rf "$T/copy" && mkdir -p "$T/copy" && through_tar && same "$T/copy/web1"; }

case_ 'stat says what is read, for every file' sizes
case_ 'grep -r over the whole tree ends' timeout 60 grep -rq 'state running' "$VM"
case_ 'and finds nothing that is not there' not timeout 60 grep -r 'no such word 7' "$VM/web1" "$VM/list"
case_ 'find -exec' timeout 60 find "$VM" -name state -exec grep -q running {} \;
case_ 'cp -r' copy cp -r "$VM/web1" "$VM/cold" "$T/copy"
case_ 'cp -a' copy cp -a "$VM/web1" "$VM/cold" "$T/copy"
case_ 'busybox cp -r' copy busybox cp -r "$VM/web1" "$VM/cold" "$T/copy"
case_ 'rsync -a' copy rsync -a "$VM/web1" "$VM/cold" "$T/copy"
case_ 'tar' copy_tar
case_ 'busybox tar' busybox tar -C "$VM" -cf "$T/busybox.tar" web1

# ---- names ----

hidden() {
	! find "$VM" -mindepth 1 -name '.*' | grep . || return 1
	[ -e "$VM/.events" ] && [ -e "$VM/web1/.events" ] && [ -e "$VM/web1/.console" ] && [ -d "$VM/Domain-0" ] &&
		! find "$VM" -maxdepth 1 -name Domain-0 | grep .
}
directories() { is "$(find "$VM" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | paste -sd' ')" 'cold vm1 vm2 web1'; }
all_states() { is "$(cd "$VM" && cat ./*/state | sort | uniq -c | awk '{ print $2 $1 }' | paste -sd' ')" 'off1 running3'; }
long_listing() {
	ls -l "$VM" "$VM/web1" >"$T/ls" && grep -q '^drwxr-xr-x.* web1$' "$T/ls" && grep -q '^-rw-r--r--.* ctl$' "$T/ls" &&
		grep -q '^-r--r--r--.* status$' "$T/ls"
}
case_ 'what begins with a dot, and Domain-0, are reached and not listed' hidden
case_ 'directories are guests' directories
case_ 'a glob reads them all' all_states
case_ 'ls -l' long_listing
case_ 'ls of a name that is not there' not ls "$VM/nobody"
case_ 'busybox ls -la' busybox ls -la "$VM/web1"
case_ 'a second listing shows the same' cmp <(ls -R "$VM") <(busybox ls -R "$VM")
case_ 'devices as directories' [ -d "$VM/web1/disks/xvda" ]
case_ 'a vif by its number' is "$(cat "$VM/web1/vifs/0/mac")" 00:16:3e:7f:00:01
case_ 'a vif without a MAC has one' grep -Eq '^00:16:3e(:[0-9a-f]{2}){3}$' "$VM/web1/vifs/1/mac"
case_ 'no third vif' [ ! -e "$VM/web1/vifs/2" ]

# ---- how it is read ----

bytewise() { is "$(dd if="$VM/web1/status" bs=1 2>/dev/null)" "$(cat "$VM/web1/status")"; }
backwards() { is "$(tac "$VM/web1/status" | tac)" "$(cat "$VM/web1/status")"; }
fresh() { # what was open before a change shows the new state, at once, to everybody
	exec 7<"$VM/web1/state"
	is "$(cat <&7)" running && say "$VM/web1/ctl" pause && is "$(cat "$VM/web1/state")" paused &&
		is "$(dd if=/dev/fd/7 2>/dev/null)" paused && say "$VM/web1/ctl" unpause && is "$(cat "$VM/web1/state")" running
}
since() { is "$(date -u -d "$(key web1/status since)" +%s)" "$(stat -c %Y "$VM/web1/status")"; }
sorted_keys() { cut -d' ' -f1 "$VM/web1/status" | sort | uniq -d | grep -c . | grep -qx 0; }
json() { timeout 10 jq -e "$1" "$2"; }
shells() { is "$($1 -c "read -r word <'$VM/web1/state'; echo \$word")" running; }
help() {
	local verb
	for verb in start shutdown pause rename wait 'vcpu-pin' cancel; do grep -q "^# $verb " "$VM/web1/ctl" || return 1; done
	not grep -qv '^#' "$VM/web1/ctl" && grep -q '^# create FILE' "$VM/ctl"
}
case_ 'dd bs=1' bytewise
case_ 'tac, which reads from the end' backwards
case_ 'head -1' is "$(head -n 1 "$VM/web1/status")" 'name web1'
case_ 'wc -c' is "$(wc -c <"$VM/web1/state")" 8
case_ 'cmp' cmp "$VM/web1/config" "$T/etc/web1.cfg"
case_ 'reading is never stale' fresh
case_ "status' time is that of the state" since
case_ 'no key twice' sorted_keys
for shell in bash dash 'busybox sh'; do case_ "$shell reads a state" shells "$shell"; done
case_ 'a ctl lists its verbs behind #' help
case_ 'test -s pending' not [ -s "$VM/web1/pending" ]
case_ 'info names the tree' grep -qx 'tree 1' "$VM/info"
if command -v jq >/dev/null; then
	case_ 'domain.json is JSON' json .status.name "$VM/web1/domain.json"
	case_ 'domains.json is an array of them' json 'length == 4' "$VM/domains.json"
else
	skip 'JSON: there is no jq'
fi
case_ 'no two guests have one id' is "$(cat "$VM"/*/id | grep . | sort | uniq -d)" ''
case_ 'list has the host first, then what runs, by id' is "$(awk 'NR > 1 && !/^#/ { print $1 }' "$VM/list" | paste -sd' ')" \
	'Domain-0 vm1 vm2 web1'
case_ 'a status cannot be written' not as "$NOBODY" bash -c "echo x >'$VM/web1/status'" 2>/dev/null

# ---- what must not destroy ----

find_delete() { not find "$VM" -delete 2>/dev/null && [ -e "$VM/web1/status" ] && state_is web1 running; }
case_ 'find -delete ends no guest' find_delete
case_ 'nor does mv out of the tree' not mv "$VM/vm1" "$T/out"
