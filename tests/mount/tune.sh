#!/bin/bash
# What of the host a guest gets, by verbs and by files, while it runs and while it is off; and its core.
# shellcheck disable=SC2016 # cases are texts for eval
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

daemon --backend sim
define web1 'memory = 64 # little' 'maxmem = 96' 'vcpus = 2' 'maxvcpus = 4' || exit 1
G=$VM/web1
C=$G/ctl
shares() { is "$(paste -sd' ' "$G/sched")" "weight $1 cap $2"; }
config_says() { grep -qx -- "$1" "$G/config" || { cat "$G/config"; return 1; }; }
live_says() { grep -qx -- "$1" "$G/live" || { cat "$G/live"; return 1; }; }
same() { is "$(cat "$G/$1")" "$2"; } # FILE TEXT
event() { grep -q " web1 $1\$" "$G/events" || { tail -n 5 "$G/events"; return 1; }; }

# ---- off: the configuration ----

case_ 'off: what the configuration says' eval 'same vcpus 2 && shares 256 0'
case_ 'off: a file edits it' eval 'echo 3 >"$G/vcpus" && same vcpus 3 && config_says "vcpus = 3" && config_says "memory = 64 # little"'
case_ 'off: a verb edits it' eval 'say "$C" "vcpu-set 2" && say "$C" "mem-max 128" && config_says "vcpus = 2" && config_says "maxmem = 128"'
case_ 'off: shares edit it' eval 'echo "weight 300" >"$G/sched" && say "$C" "sched-credit -c 75" && shares 300 75 && config_says "cap = 75"'
case_ 'off: -n edits nothing' eval 'say "$C" "-n vcpu-set 1" && say "$C" "-n sched-credit -w 1" && same vcpus 2 && shares 300 75'
case_ 'off: more than maxvcpus' refused EINVAL "$C" 'vcpu-set 5'
case_ 'off: less than memory' refused EINVAL "$C" 'mem-max 63'
case_ 'off: no pins' refused EHOSTDOWN "$C" 'vcpu-pin 0 all 1'
case_ 'off: no core' refused EHOSTDOWN "$C" "dump-core $T/core"
case_ 'off: the host has none of it' eval 'for v in "mem-max 1" "vcpu-set 1" "sched-credit -w 1" "dump-core /tmp/x"; do
	! say "$VM/Domain-0/ctl" "$v" || exit 1; done'

# ---- on ----

say "$C" start
case_ 'on: what the configuration says' eval 'same vcpus 2 && shares 300 75 && same pending ""'
case_ 'vcpu-set' eval 'say "$C" "vcpu-set 4" && same vcpus 4 && is "$(key web1/status vcpus)" 4 && live_says "vcpus = 4" && event "vcpus target=4" &&
	event "vcpus online=4" && is "$(grep -c "^[0-9]* - - " "$G/vcpu-list")" 0 && same pending "vcpus 4 -> 2"'
case_ 'the file vcpus' eval 'echo 1 >"$G/vcpus" && same vcpus 1 && is "$(grep -c "^[0-9]* - - " "$G/vcpu-list")" 3'
case_ 'what is read can be written' eval 'n=$(grep -c . "$G/events"); cat "$G/vcpus" >"$T/v" && cat "$T/v" >"$G/vcpus" && cat "$G/sched" >"$T/s" && cat "$T/s" >"$G/sched" && is "$(grep -c . "$G/events")" "$n"'
case_ 'not a number' refused EINVAL "$G/vcpus" two
case_ 'none' refused EINVAL "$G/vcpus" 0
case_ 'more than maxvcpus' refused EINVAL "$G/vcpus" 5
case_ 'mem-max' eval 'say "$C" "mem-max 1G" && is "$(key web1/status maxmem_mib)" 1024 && live_says "maxmem = 1024" && event "mem max_mib=1024" && say "$C" "mem-set 512"'
case_ 'mem-max below what it has' refused EINVAL "$C" 'mem-max 511'
case_ 'shares' eval 'say "$C" "sched-credit -w 512 -c 150" && shares 512 150 && live_says "cpu_weight = 512" && event "sched weight=512 cap=150"'
case_ 'shares, by the file' eval 'printf "cap 20\nweight 100\n" >"$G/sched" && shares 100 20'
case_ 'a share that is no number' refused EINVAL "$G/sched" 'weight much'
case_ 'no such share' refused EINVAL "$G/sched" 'shares 5'
case_ 'no weight' refused EINVAL "$C" 'sched-credit -w 0'
case_ 'a cap beyond what it could use' refused EINVAL "$C" 'sched-credit -c 401'
case_ 'nothing to be done' refused EINVAL "$C" 'sched-credit'
case_ 'pins, hard and soft' eval 'say "$C" "vcpu-pin 0 0-3 1" && live_says "cpus_soft = \[ \"1\", \"all\", \"all\", \"all\" \]" && say "$C" "vcpu-pin 0 - all" &&
	live_says "cpus = \[ \"0-3\", \"all\", \"all\", \"all\" \]" && not grep -q cpus_soft "$G/live"'
case_ 'paused: it hears nothing of VCPUs' eval 'say "$C" pause && refused EINVAL "$C" "vcpu-set 2" && say "$C" unpause'
case_ '-n: nothing is done' eval 'cp "$G/live" "$T/live" && say "$C" "-n vcpu-set 3" && say "$C" "-n mem-max 700" && say "$C" "-n sched-credit -w 7" && say "$C" "-n vcpu-pin 0 5 5" && cmp "$T/live" "$G/live"'
case_ 'commit' eval 'say "$C" commit && same pending "" && config_says "memory = 512 # little" && config_says "maxmem = 1024" && config_says "vcpus = 1" &&
	config_says "maxvcpus = 4" && config_says "cpu_weight = 100" && config_says "cap = 20"'
case_ 'what is not said any more was not for ever' eval 'say "$C" "vcpu-set 3" && say "$C" "sched-credit -w 9" && say "$C" destroy && same vcpus 1 && shares 100 20'
say "$C" 'mem-max 2G' && echo 32 >"$G/mem" && say "$C" start

# ---- the core ----

header() { is "$(head -c 4 "$1" | tail -c 3)" ELF && is "$(stat -c '%s %a' "$1")" "$(((32 << 20) + 4096)) 600"; }
mkdir "$T/d"
case_ 'dump-core' eval 'say "$C" "dump-core $T/d/core" && header "$T/d/core"'
case_ 'a file that is there stays' eval 'echo mine >"$T/d/mine" && refused EEXIST "$C" "dump-core $T/d/mine" && is "$(cat "$T/d/mine")" mine'
case_ 'so does a link to nowhere' eval 'ln -s else "$T/d/link" && refused EEXIST "$C" "dump-core $T/d/link" && [ ! -e "$T/d/else" ]'
case_ '-n: nothing is made' eval 'say "$C" "-n dump-core $T/d/none" && [ ! -e "$T/d/none" ] && refused EEXIST "$C" "-n dump-core $T/d/mine"'
case_ 'a path from nowhere' refused EINVAL "$C" 'dump-core core'
case_ 'a folder that is not there' refused ENOENT "$C" "dump-core $T/no/core"
case_ 'a file system without such files: our own' refused EOPNOTSUPP "$C" "dump-core $VM/core"
case_ 'paused, and crashed' eval 'say "$C" pause && say "$C" "dump-core $T/d/paused" && header "$T/d/paused" && say "$C" unpause'
mkdir "$T/small" && mount -t tmpfs -o size=4m none "$T/small"
case_ 'no room: ENOSPC, and nothing is left' eval '
	refused ENOSPC "$C" "dump-core $T/small/core" && [ -z "$(ls -A "$T/small")" ] && is "$(df --output=used "$T/small" | tail -n 1 | tr -d " ")" 0'
umount "$T/small"

mkdir "$T/his" && chown "$NOBODY" "$T/his" && chmod 700 "$T/his" && chown "$NOBODY" "$G"
tenant() { as "$NOBODY" sh -c "echo '$1' >'$C'" 2>/dev/null; }
case_ 'a core is its caller'\''s, in his folder' eval 'tenant "dump-core $T/his/core" && header "$T/his/core" && is "$(stat -c %u "$T/his/core")" "$NOBODY"'
case_ 'nobody writes through us where he may not' eval '
	! tenant "dump-core $T/d/his" && tail -n 1 "$G/history" | grep -q " EACCES " && [ ! -e "$T/d/his" ] && ! tenant "dump-core /etc/core" && [ ! -e /etc/core ]'
chown 0 "$G"
rm -rf "$T/d" "$T/his"
stop_daemon

# ---- what takes its time, and what fails ----

daemon --backend sim:delay=2000,domains=1
G=$VM/vm1
C=$G/ctl
mkdir "$T/d"
begun() { grep -qx 'verb dump-core' "$G/job"; }
case_ 'cancelled: nothing is left' eval '
	say "$C" "dump-core $T/d/core &" && until_ 20 begun && say "$C" cancel && until_ 20 not begun && grep -q " ECANCELED .dump-core" "$G/history" && [ -z "$(ls -A "$T/d")" ]'
interrupted() {
	local writer
	sh -c "echo 'dump-core $T/d/core' >'$C'" 2>/dev/null &
	writer=$!
	until_ 20 begun && kill -TERM "$writer"
	! wait "$writer" && until_ 20 not begun && [ -z "$(ls -A "$T/d")" ]
}
case_ 'interrupted: nothing is left' interrupted
sh -c "echo 'dump-core $T/d/core' >'$C'" 2>/dev/null &
case_ 'another one begins' until_ 20 begun
stop_daemon KILL
wait $!
case_ 'the daemon is killed: nothing is left' is "$(ls -A "$T/d")" ''

daemon --backend sim:domains=1,fail=set_vcpus:ETIMEDOUT:1,fail=dump_core:EIO:1,fail=set_maxmem:EOPNOTSUPP:1
case_ 'what failed changed nothing' eval '
	cp "$G/live" "$T/live" && refused ETIMEDOUT "$G/vcpus" 1 && refused EIO "$C" "dump-core $T/d/core" && refused EOPNOTSUPP "$C" "mem-max 4G" &&
	cmp "$T/live" "$G/live" && [ -z "$(ls -A "$T/d")" ]'
case_ 'and goes the next time' eval 'say "$C" "dump-core $T/d/core" && [ -s "$T/d/core" ] && say "$C" "mem-max 4G"'
