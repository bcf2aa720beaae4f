#!/bin/bash
# minutes: 2
# What of the host a guest gets is changed while it runs: VCPUs, memory at most, shares, CPUs; and its core.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon
D=$(mktemp -d /var/tmp/domfs-core.XXXXXX) # /tmp is memory here
chmod 755 "$D"
trap 'rm -rf "$D"; finish_xen' EXIT

live_says() { grep -qx "$2" "$VM/$1/live" || { cat "$VM/$1/live"; return 1; }; } # NAME LINE
pending_says() { grep -q "$2" "$VM/$1/pending" || { cat "$VM/$1/pending"; return 1; }; } # NAME PATTERN
said() { grep -q " $1 $2" "$VM/$1/events" || { tail -n 5 "$VM/$1/events"; return 1; }; } # NAME EVENT
base() { store "/local/domain/$(xl_id "$1")/$2"; } # NAME PATH

case_ "a guest starts" boot web "vcpus = 2" "maxvcpus = 3" "maxmem = 128"
case_ "what it gets is what was asked for" eval 'guest_says web cpus 2 && is "$(cat "$VM/web/vcpus")" 2 && is "$(cat "$VM/web/pending")" "" && agree'

# ---- VCPUs ----

case_ "vcpu-set 1: the guest has one, and xl says so" eval '
	ctl web "vcpu-set 1" && guest_says web cpus 1 && is "$(xl vcpu-list web | grep -c -- --p)" 2 && agree'
case_ "every file says so" eval '
	is "$(cat "$VM/web/vcpus")" 1 && is "$(status web vcpus)" 1 && is "$(status web maxvcpus)" 3 && live_says web "vcpus = 1" &&
	pending_says web "^vcpus 1 -> 2" && said web "vcpus target=1" && said web "vcpus online=1" &&
	is "$(grep -c "^[0-9]* - - " "$VM/web/vcpu-list")" 2'
case_ "-n: nothing is done" eval 'ctl web "-n vcpu-set 2" && guest_says web cpus 1'
case_ "the file vcpus: the guest has two again" eval 'echo 2 >"$VM/web/vcpus" && guest_says web cpus 2 && agree && is "$(cat "$VM/web/pending")" ""'
case_ "more than maxvcpus" refusal web 'vcpu-set 4' EINVAL 'which is 3'
case_ "none" refusal web 'vcpu-set 0' EINVAL 'one VCPU at least'
case_ "a paused guest hears nothing of it" eval 'ctl web pause && refusal web "vcpu-set 1" EINVAL "unpause it" && ctl web unpause && guest_says web cpus 2'

# ---- memory ----

case_ "mem-max: Xen and xl know it" eval '
	ctl web "mem-max 160" && is "$(base web memory/static-max)" 163840 && xl list -l web | grep -q "\"max_memkb\": 163840"'
case_ "the files say it" eval 'is "$(status web maxmem_mib)" 160 && live_says web "maxmem = 160" && pending_says web "^maxmem 160 -> 128" && said web "mem max_mib=160"'
case_ "mem-set goes as far" eval 'ctl web "mem-set 130" && until_ 20 key_is web/status mem_actual_mib 130 && agree && refusal web "mem-set 161" EINVAL 160'
case_ "less than it has" refusal web 'mem-max 120' EINVAL 'mem-set less first'
case_ "-n: nothing is done" eval 'ctl web "-n mem-max 200" && is "$(base web memory/static-max)" 163840'
case_ "xl mem-max: it holds here too" eval '
	xl mem-max web 176 && until_ 20 key_is web/status maxmem_mib 176 && live_says web "maxmem = 176" && pending_says web "^maxmem 176 -> 128" &&
	said web "mem max_mib=176" && ctl web "-n mem-set 176" && refusal web "mem-set 177" EINVAL 176'
case_ "back" eval 'ctl web "mem-set 96" && ctl web "mem-max 128" && is "$(base web memory/static-max)" 131072 && is "$(cat "$VM/web/pending")" "" && agree'

# ---- shares and CPUs ----

shares() { xl sched-credit2 -d "$1" | awk 'NR == 2 { print $3, $4 }'; } # NAME
sched() { paste -sd' ' "$VM/$1/sched"; } # NAME
case_ "the shares are the usual ones" eval 'is "$(shares web)" "256 0" && is "$(sched web)" "weight 256 cap 0"'
case_ "sched-credit: xl sees it" eval 'ctl web "sched-credit -w 512 -c 150" && is "$(shares web)" "512 150" && is "$(sched web)" "weight 512 cap 150"'
case_ "live and events have it" eval 'live_says web "cpu_weight = 512" && live_says web "cap = 150" && said web "sched weight=512 cap=150"'
case_ "the file sched" eval 'echo "cap 60" >"$VM/web/sched" && is "$(shares web)" "512 60" && is "$(sched web)" "weight 512 cap 60"'
case_ "what is read can be written" eval 'cat "$VM/web/sched" >"$T/sched" && cat "$T/sched" >"$VM/web/sched" && is "$(shares web)" "512 60"'
case_ "what xl does is seen" eval 'xl sched-credit2 -d web -w 300 -c 0 && until_ 20 eval "[ \"\$(sched web)\" = \"weight 300 cap 0\" ]" && said web "sched weight=300 cap=0"'
case_ "no such weight" refusal web 'sched-credit -w 0' EINVAL '1 to 65535'
case_ "not a line of it" eval '! say "$VM/web/sched" "wieght 5" >"$T/said" && grep -q "neither weight nor cap" "$T/said"'
case_ "-n: nothing is done" eval 'ctl web "-n sched-credit -w 700" && is "$(shares web)" "300 0"'
case_ "vcpu-pin, hard and soft" eval '
	ctl web "vcpu-pin 1 all 0" && xl vcpu-list web | grep -q " 1 .* all / 0" && live_says web "cpus_soft = .*\"0\".*" &&
	ctl web "vcpu-pin 1 1 -" && xl vcpu-list web | grep -q " 1 .* 1 / 0" && live_says web "cpus = .*\"1\".*" && agree'
pins() { xl vcpu-list "$1" | awk 'NR > 1 { print $7 }' | paste -sd' '; } # NAME: of each VCPU, whether it is online or not
case_ "vcpu-pin all: all that there can be" eval '
	ctl web "vcpu-pin all 1" && is "$(pins web)" "1 1 1" && agree && ctl web "vcpu-pin all all" && is "$(pins web)" "all all all" && agree'
case_ "one that is offline, by its number" eval '
	ctl web "vcpu-pin 2 0" && is "$(pins web)" "all all 0" && agree && refusal web "vcpu-pin 3 0" EINVAL "has 3"'
case_ "a CPU that is not there" refusal web 'vcpu-pin 0 all 400' EINVAL '0 to 1'

# ---- what outlives the daemon, and the configuration ----

case_ "changes" eval 'ctl web "vcpu-set 1" && ctl web "mem-max 150" && cp "$VM/web/live" "$T/live"'
kill_daemon
daemon
case_ "are in force under the next daemon" eval 'until_ 60 state_is web running &&
	diff "$T/live" "$VM/web/live" && is "$(cat "$VM/web/vcpus")" 1 && is "$(status web maxmem_mib)" 150 && is "$(sched web)" "weight 300 cap 0" && guest_says web cpus 1'
case_ "commit: they are the configuration" eval '
	ctl web "mem-max 140" && ctl web "sched-credit -c 90" && echo 2 >"$VM/web/vcpus" && ctl web "vcpu-pin all all all" && ctl web commit &&
	is "$(cat "$VM/web/pending")" "" && grep -qx "maxmem = 140" "$VM/web/config" && grep -qx "cpu_weight = 300" "$VM/web/config" &&
	grep -qx "cap = 90" "$VM/web/config"'

# ---- the core ----

elf() { # FILE MIB: a core in ELF's format, at least as long as the memory
	is "$(od -An -tx1 -N 20 "$1" | tr -d ' \n')" 7f454c4602010100010000000000000004003e00 || return
	[ "$(stat -c %s "$1")" -ge $(($2 << 20)) ]
}
case_ "dump-core, as it runs" eval 'ctl web "dump-core $D/run" && elf "$D/run" 96 && is "$(stat -c "%a %u" "$D/run")" "600 0" && guest_says web "echo on" on'
rm -f "$D/run"
case_ "paused: the same as xl's" eval '
	ctl web pause && ctl web "dump-core $D/ours" && xl dump-core web "$D/xls" >/dev/null && cmp "$D/ours" "$D/xls" && state_is web paused'
case_ "a file that is there stays" eval 'echo mine >"$D/mine" && refusal web "dump-core $D/mine" EEXIST "already" && is "$(cat "$D/mine")" mine'
case_ "so does a link to nowhere" eval 'ln -s "$D/else" "$D/link" && refusal web "dump-core $D/link" EEXIST "already" && [ ! -e "$D/else" ]'
case_ "-n: nothing is made" eval 'ctl web "-n dump-core $D/none" && [ ! -e "$D/none" ] && refusal web "-n dump-core $D/mine" EEXIST already'
case_ "a path from nowhere" refusal web 'dump-core core' EINVAL 'full path'
case_ "a folder that is not there" refusal web "dump-core $D/no/core" ENOENT 'folder'
rm -f "$D"/*
whole_or_not() { # it has its name when it is complete
	local writer size
	echo "dump-core $D/late" >"$VM/web/ctl" &
	writer=$!
	until_ "$LIMIT" eval '[ -e "$D/late" ] || ended "$writer"'
	size=$(stat -c %s "$D/late")
	wait "$writer" && is "$size" "$(stat -c %s "$D/late")" && elf "$D/late" 96
}
case_ "it is there as a whole" whole_or_not
rm -f "$D/late"
# Here it takes many seconds.
begun() { grep -qx 'verb dump-core' "$VM/web/job"; }
idle() { [ ! -s "$VM/web/job" ]; }
free_blocks() { sync "$D" && stat -f -c %f "$D"; }
cancelled() {
	local before
	before=$(free_blocks)
	ctl web "dump-core $D/core &" && until_ 60 begun && ctl web cancel && until_ "$LIMIT" idle &&
		history_says web " ECANCELED 'dump-core" && is "$(ls -A "$D")" '' && [ "$(free_blocks)" -ge $((before - 4096)) ]
}
interrupted() {
	local writer
	sh -c "echo 'dump-core $D/core' >'$VM/web/ctl'" &
	writer=$!
	until_ 60 begun && kill -TERM "$writer"
	! wait "$writer" && until_ "$LIMIT" idle && history_says web " EINTR 'dump-core" && is "$(ls -A "$D")" ''
}
case_ "cancelled: nothing is left" cancelled
case_ "interrupted: nothing is left" interrupted
mkdir "$D/small" && mount -t tmpfs -o size=8m none "$D/small"
case_ "no room: ENOSPC, and nothing is left" eval '
	refusal web "dump-core $D/small/core" ENOSPC "No space" && [ -z "$(ls -A "$D/small")" ] && is "$(df --output=used "$D/small" | tail -n 1 | tr -d " ")" 0'
umount "$D/small" && rmdir "$D/small"

case_ "one that has not begun has none, and that is said" eval '
	define small "${tiny[@]}" && ctl small "start -p" && refusal small "dump-core $D/small" EREMOTEIO "boot first" && [ -z "$(ls -A "$D")" ]'
case_ "xl gets none either, and it goes" eval 'not xl dump-core small "$D/xls" && rm -f "$D/xls" && ctl small destroy'

# ---- a tenant's ----

mkdir "$D/his" && chown "$NOBODY" "$D/his" && chmod 700 "$D/his"
chown "$NOBODY" "$VM/web"
tenant() { as "$NOBODY" sh -c "echo '$1' >'$VM/web/ctl'"; } # COMMAND
case_ "a tenant's core is his file, in his folder" eval 'tenant "dump-core $D/his/core" && is "$(stat -c "%a %u" "$D/his/core")" "600 $NOBODY" && elf "$D/his/core" 96'
case_ "nobody writes through us where he may not" eval '
	! tenant "dump-core $D/core" 2>/dev/null && history_says web " EACCES .dump-core" && [ ! -e "$D/core" ] &&
	! tenant "dump-core /root/core" 2>/dev/null && ! tenant "dump-core $VM/core" 2>/dev/null'
chown 0 "$VM/web"
rm -rf "$D/his"
case_ "it goes on, and down" eval 'ctl web unpause && guest_says web "echo on" on && ctl web "shutdown -w 200" && state_is web off'
case_ "off: it has no core" refusal web "dump-core $D/core" EHOSTDOWN 'start it'
case_ "off: the configuration is edited" eval '
	echo 1 >"$VM/web/vcpus" && ctl web "mem-max 200" && echo "weight 400" >"$VM/web/sched" && is "$(cat "$VM/web/vcpus")" 1 &&
	grep -qx "vcpus = 1" "$VM/web/config" && grep -qx "maxmem = 200" "$VM/web/config" && grep -qx "cpu_weight = 400" "$VM/web/config"'
case_ "and counts at the next start" eval 'start web && guest_says web cpus 1 && is "$(shares web)" "400 90" && is "$(base web memory/static-max)" 204800 && agree'
case_ "it goes" ctl web destroy

# ---- what has crashed ----

case_ "a guest that crashed and is held" eval 'boot bad "on_crash = \"preserve\"" && echo panic >"$VM/bad/console"; until_ $LIMIT state_is bad crashed'
case_ "has a core" eval 'ctl bad "dump-core $D/bad" && elf "$D/bad" 90 && state_is bad crashed'
rm -f "$D/bad"
case_ "and no VCPUs to be set" refusal bad 'vcpu-set 1' EINVAL 'stopped by itself'
case_ "it goes" ctl bad destroy
case_ "nothing is left" nothing_left
