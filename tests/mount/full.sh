#!/bin/bash
# A disk that is full, a folder that cannot be written, a hypervisor that refuses: what is told, and what is left.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"
[ "$(id -u)" = 0 ] || { skip 'full: this needs root'; exit 0; }

# ---- the disk ----

mkdir -p "$T/etc" "$T/state"
if mount -t tmpfs -o size=256k,mode=755 domfs-test "$T/etc" 2>/dev/null; then
	daemon --backend sim
	define web1 'memory = 64' 'vcpus = 1' || exit 1
	head -c 1000000 /dev/zero >"$T/etc/ballast" 2>/dev/null
	{ cat "$T/web1.new"; head -c 100000 /dev/zero | tr '\0' '#'; echo; } >"$T/large"
	large() { not cp "$T/large" "$VM/web1/config" 2>"$T/said" && grep -qi 'no space left' "$T/said"; }
	old() { cmp "$T/web1.new" "$VM/web1/config" && cmp "$T/web1.new" "$T/etc/web1.cfg" && is "$(find "$T/etc" -maxdepth 1 -type f | wc -l)" 2; }
	mkdir_refused() { not mkdir "$VM/web2" 2>"$T/said" && [ ! -e "$VM/web2" ] && [ ! -e "$T/etc/web2.cfg" ]; }
	runs() { say "$VM/web1/ctl" start && state_is web1 running && say "$VM/web1/ctl" destroy; }
	room() { rm "$T/etc/ballast" && cp "$T/large" "$VM/web1/config" && cmp "$T/large" "$T/etc/web1.cfg"; }
	case_ 'cp onto config: ENOSPC' large
	case_ 'the old text stays, whole, and nothing else' old
	case_ 'the sentence is in history' grep -q " ENOSPC 'config'" "$VM/web1/history"
	case_ 'guests start all the same' runs
	case_ 'and there is room again' room
	head -c 1000000 /dev/zero >"$T/etc/ballast" 2>/dev/null
	: >"$T/none"
	case_ 'readers notice nothing' timeout 10 cat "$VM/web1/status" "$VM/web1/config" "$VM/list"
	mkdir_told() { mkdir "$VM/web3" 2>/dev/null || mkdir_refused; }
	case_ 'mkdir is done whole or not at all' mkdir_told
	stop_daemon TERM
	umount "$T/etc"
else
	skip 'a full disk: no tmpfs can be mounted'
fi
rm -rf "${T:?}/etc" "$T/state"

# ---- the hypervisor ----

faulty() { daemon --backend "sim:$1" && define web1 'memory = 64' 'maxmem = 128'; }
again() { # nothing is left, and the second time it works
	state_is web1 off && [ -z "$(cat "$VM/web1/id")" ] && say "$VM/web1/ctl" start && state_is web1 running
}
faulty fail=start:EREMOTEIO:1,fail=pause:EREMOTEIO:1,fail=destroy:EREMOTEIO:1,fail=set_memory:ENOMEM:1,fail=shutdown:ETIMEDOUT:1
case_ 'a start that the hypervisor refuses: EREMOTEIO' refused EREMOTEIO "$VM/web1/ctl" start
case_ 'and start works then' again
case_ 'a pause that it refuses' refused EREMOTEIO "$VM/web1/ctl" pause
case_ 'the guest runs on' state_is web1 running
case_ 'no memory: ENOMEM' refused ENOMEM "$VM/web1/mem" 96
case_ 'and mem is what it was' is "$(cat "$VM/web1/mem")" 64
case_ 'no answer: ETIMEDOUT' refused ETIMEDOUT "$VM/web1/ctl" shutdown
case_ 'a destroy that it refuses' refused EREMOTEIO "$VM/web1/ctl" destroy
case_ 'and the next one' say "$VM/web1/ctl" destroy
stop_daemon TERM

daemon --backend sim:total=256,fail=counters:ETIMEDOUT
big() { mkdir "$VM/big" && echo 'memory = 200' >"$VM/big/config" && refused ENOMEM "$VM/big/ctl" start; }
say "$VM/web1/ctl" start
case_ 'more memory than the host has left: ENOMEM, both figures' big
figures() { tail -n 1 "$VM/big/history" | grep -Eq '2[0-9]{2}.*MiB.*256'; }
case_ 'which the sentence gives' figures
case_ 'counters that cannot be asked are the last ones' timeout 5 cat "$VM/web1/counters"
hung() { # who does not answer is unresponsive, and delays nobody
	echo hang >"$VM/web1/console" && until_ 10 state_is web1 unresponsive && key_is web1/status reason hang &&
		timeout 5 cat "$VM/web1/counters" "$VM/list" "$VM/big/status" "$VM/web1/status" >/dev/null
}
case_ 'a guest that hangs' hung
case_ 'and is destroyed' say "$VM/web1/ctl" destroy
hangs_a_while() {
	say "$VM/web1/ctl" start && echo 'hang 300' >"$VM/web1/console" && until_ 10 state_is web1 unresponsive &&
		timeout 10 bash -c "echo 'wait running 10' >'$VM/web1/ctl'" && grep -q ' web1 responsive ' "$VM/events"
}
case_ 'one that comes back' hangs_a_while
died() { echo die >"$VM/web1/console" && until_ 10 state_is web1 crashed && [ -z "$(cat "$VM/web1/id")" ] && say "$VM/web1/ctl" start; }
case_ 'one whose process dies: crashed, and start works' died
vanished() { echo vanish >"$VM/web1/console" && until_ 10 state_is web1 off; }
case_ 'one that another tool destroys' vanished
