#!/bin/bash
# Every tool that writes, on ctl and on settings: shells, whole and partial lines, many at once, and what each is told.
# shellcheck disable=SC2016 # cases are texts for eval
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

daemon --backend sim
define web1 'memory = 64' 'maxmem = 256' || exit 1
G=$VM/web1
say "$G/ctl" start
count() { grep -c "$1" "$G/history"; }

# ---- the shells' own echo and printf tell of an error, and do what they are told ----

shell_does() { # SHELL
	$1 -c "echo pause >'$G/ctl'" && state_is web1 paused && $1 -c "printf 'unpause\n' >>'$G/ctl'" && state_is web1 running &&
		$1 -c "exec 3<>'$G/ctl'; echo pause >&3 && echo unpause >&3" && state_is web1 running
}
shell_told() {
	! $1 -c "echo pasue >'$G/ctl'" 2>"$T/told" && [ -s "$T/told" ] &&
		! $1 -c "set -e; printf 'nonsense\n' >'$G/ctl'; true" 2>/dev/null
}
and_then() { $1 -c "echo 'wait running 5' >'$G/ctl' && echo yes" | grep -q yes && ! $1 -c "echo bad >'$G/ctl' && echo no" 2>&1 | grep -qx no; }
for shell in bash dash 'busybox sh'; do
	case_ "$shell writes" shell_does "$shell"
	case_ "$shell is told of an error" shell_told "$shell"
	case_ "$shell's && means what it says" and_then "$shell"
done
case_ 'the error has its name' grep -q 'Device or resource busy' <(LC_ALL=C bash -c "echo start >'$G/ctl'" 2>&1)

# ---- the other tools ----

tool_does() { # COMMAND that reads its input and writes ctl
	local before
	before=$(count "ok 'mem-set")
	echo 'mem-set +1' | eval "$1" && is "$(count "ok 'mem-set")" $((before + 1))
}
tool_told() { not eval "echo pasue | $1" 2>/dev/null; }
while read -r name command; do
	case_ "$name writes" tool_does "$command"
	case_ "$name is told of an error" tool_told "$command"
done <<END
tee		tee "$G/ctl" >/dev/null
tee-a		tee -a "$G/ctl" >/dev/null
dd		dd of="$G/ctl" 2>/dev/null
dd-bs=1		dd bs=1 of="$G/ctl" 2>/dev/null
cat		cat >"$G/ctl"
cp		cp /dev/stdin "$G/ctl"
sed-w		sed -n "w $G/ctl"
awk		awk '{ print > "$G/ctl"; if (close("$G/ctl")) exit 1 }' 2>/dev/null
busybox-tee	busybox tee "$G/ctl" >/dev/null
busybox-dd	busybox dd of="$G/ctl" 2>/dev/null
END

# ---- lines ----

several() { # in one write
	printf 'pause\nunpause\n# a word to readers\n\n  pause  \n' | dd of="$G/ctl" bs=4096 2>/dev/null && state_is web1 paused &&
		say "$G/ctl" unpause
}
first_fails() { # what comes before is done, what comes after is not
	not dd of="$G/ctl" 2>/dev/null < <(printf 'pause\nbad\nunpause\n') && state_is web1 paused && say "$G/ctl" unpause
}
partial() { # a last line without newline counts when the writer closes
	printf pause >"$G/ctl" && state_is web1 paused && printf un >"$T/half" && printf pause >>"$T/half" &&
		dd bs=3 if="$T/half" of="$G/ctl" 2>/dev/null && state_is web1 running
}
partial_waits() { # and not before, nor when a child closes its copy
	{ printf pau && state_is web1 running && printf 'se\n' && state_is web1 paused; } >"$G/ctl" && say "$G/ctl" unpause
}
partial_told() { not bash -c "cat >'$G/ctl'" <<<"$(printf bad)" 2>/dev/null; }
words() {
	say "$G/ctl" "  'pau'\"se\"	" && state_is web1 paused && say "$G/ctl" 'un\pause' && state_is web1 running
}
long() { # LENGTH
	head -c "$1" /dev/zero | tr '\0' x
	echo
}
longest() { # 64 KiB is a line that is looked at, one more is refused outright; the daemon lives
	not dd of="$G/ctl" bs=128k < <(long 65536) 2>/dev/null && tail -n 1 "$G/history" | grep -q "EINVAL 'xxx" &&
		not dd of="$G/ctl" bs=200k iflag=fullblock < <(long 70000) 2>/dev/null &&
		not dd of="$G/ctl" bs=4096 < <(long 1000000) 2>/dev/null && say "$G/ctl" pause && say "$G/ctl" unpause
}
zero_byte() { not printf 'pause\0\n' >"$G/ctl" 2>/dev/null || state_is web1 running || say "$G/ctl" unpause; }
case_ 'several lines in one write' several
case_ 'the first that fails ends them' first_fails
case_ 'a last line without newline' partial
case_ "a line counts at its newline, not at a child's close" partial_waits
case_ "cat is told of a last line's error by close" partial_told
case_ 'quotes and backslashes' words
case_ 'a line of 64 KiB, and longer' longest
case_ 'a zero byte does no harm' zero_byte
case_ 'an empty write is nothing' dd of="$G/ctl" count=0
case_ 'truncate, chmod of a ctl mean nothing' truncate -s 0 "$G/ctl"
case_ 'a relative path: EINVAL' refused EINVAL "$VM/ctl" 'create web1.cfg'

# ---- the answer can be read where it was written ----

answer() {
	exec 8<>"$G/ctl"
	not echo pasue >&8 2>/dev/null && grep -q "did you mean pause" <&8 && echo pause >&8 && is "$(cat <&8)" '' &&
		not echo start >&8 2>/dev/null && grep -q 'paused already' <&8 && echo unpause >&8
	local rc=$?
	exec 8>&-
	return $rc
}
own_answer() { # another's error is not mine
	exec 8<>"$G/ctl"
	not echo pasue >&8 2>/dev/null && not say "$G/ctl" start && grep -q pasue <&8
	local rc=$?
	exec 8>&-
	return $rc
}
case_ 'the sentence is read from the same descriptor' answer
case_ 'by each his own' own_answer
case_ 'history quotes what was written' grep -q "EINVAL 'pasue' there is no verb 'pasue'" "$G/history"

# ---- settings ----

setting() { say "$G/mem" "$1" && is "$(cat "$G/mem")" "$2"; }
default() { say "$G/mem" 64; }
case_ 'MiB' setting 100 100
case_ 'with its unit' setting 128M 128
case_ 'KiB' setting 65536K 64
case_ 'more' setting +64 128
case_ 'less' setting -28 100
case_ 'back' default
case_ 'what is no size is refused' refused EINVAL "$G/mem" 12x
case_ 'two readers of one change' is "$(cat "$G/mem")$(busybox cat "$G/mem")" 6464
opens() { for _ in $(seq 2000); do : >"$G/autostart"; done; } # to truncate, and writes nothing
never_empty() {
	local n=0 empty=0
	opens &
	while kill -0 $! 2>/dev/null; do
		n=$((n + 1))
		[ -n "$(<"$G/autostart")" ] || empty=$((empty + 1))
	done
	echo "$n reads, $empty empty"
	[ "$n" -gt 20 ] && [ "$empty" = 0 ]
}
case_ 'who opens to truncate empties it for nobody' never_empty
WAYS=$(tool ways)
# Who waits for such a process, or looks at it, would be held up with it.
execs() { timeout 20 "$WAYS" exec "$1" "$2" & until_ 10 ended $! && wait $! && timeout 10 cat "$G/state"; }
case_ 'a text that exec closes is in force' eval 'execs "$G/notes" "by exec
" && is "$(cat "$G/notes")" "by exec"'
case_ 'a line that exec closes is carried out' eval 'execs "$G/ctl" pause && until_ 10 state_is web1 paused'
leaves() { "$WAYS" exit "$G/ctl" "wait crashed" & until_ 10 ended $!; }
case_ 'who ends does not wait for what he said last' leaves
case_ 'which is carried out' eval '"$WAYS" exit "$G/ctl" unpause && until_ 10 state_is web1 running'
case_ 'mv keeps the domain' mv "$G" "$VM/web2"
case_ 'and its history' grep -q pasue "$VM/web2/history"
case_ 'a name with every letter' mkdir "$VM/_A.b-c+9"

create() {
	printf 'memory = 64\n' >"$T/made.cfg"
	say "$VM/ctl" "create $T/made.cfg vcpus=2" && state_is made running && is "$(cat "$VM/made/vcpus")" 2 &&
		say "$VM/made/ctl" destroy && printf "memory = 96\nname = 'made'\n" >"$T/again.cfg" &&
		say "$VM/ctl" "create $T/again.cfg" && is "$(cat "$VM/made/mem")" 96 && is "$(cat "$VM/made/vcpus")" 1
}
shutdown_all() {
	say "$VM/ctl" 'shutdown-all -w 60' && state_is web2 off && state_is made off
}
case_ 'create defines and starts' create
case_ 'create of one that runs: EEXIST' refused EEXIST "$VM/ctl" "create $T/again.cfg"
case_ 'create of no file: ENOENT' refused ENOENT "$VM/ctl" "create $T/none.cfg"
case_ 'shutdown-all -w' shutdown_all
