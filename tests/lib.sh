# shellcheck shell=bash
# What the scripts of tests/mount and tests/guest share: a daemon of their own in a folder of their own, waiting for events,
# and one line a case: "ok NAME", "not ok NAME", "skip NAME: why". DOMFS names the program under test.
set -u
: "${DOMFS:=build/domfs}"
DOMFS=$(realpath "$DOMFS")
HERE=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
T=$(mktemp -d /tmp/domfs-test.XXXXXX)
VM=$T/vm
export VM
chmod 755 "$T"
mkfifo "$T/never"
# shellcheck disable=SC2034 # for the scripts: two users that are not root
NOBODY=65534 STRANGER=1
: "${SLOW:=1}" # times as patient: with a program that a sanitizer slows down
for options in ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS; do
	export "$options=${!options:+${!options}:}log_path=$T/report"
done

# case_ NAME COMMAND...: the command's status is the result; its output is shown when it fails.
case_() {
	local name=$1 out
	shift
	[ -z "${BEGUN:-}" ] || echo >&"$BEGUN" # for who watches that it ends
	if out=$("$@" 2>&1); then
		echo "ok $name"
	else
		echo "not ok $name: $*"
		printf '%s\n' "$out" | tail -n 20 | sed 's/^/  # /'
		[ ! -s "$T/daemon.log" ] || tail -n 10 "$T/daemon.log" | sed 's/^/  # daemon: /'
	fi
}

skip() { echo "skip $1"; }

# daemon [OPTION...]: in the foreground, in the background of the test; returns when the mount answers. Its pid is $PID.
daemon() {
	"$DOMFS" --foreground --config-dir "$T/etc" --state-dir "$T/state" --run-dir "$T/run" "$@" "$VM" \
		>>"$T/daemon.log" 2>&1 </dev/null &
	PID=$!
	until_ 60 mounted || { echo "not ok the daemon did not mount"; cat "$T/daemon.log"; exit 1; }
}
mounted() { kill -0 "$PID" && head -c 1 "$VM/ctl"; } # of a dead mount the kernel still knows what there was

# stop_daemon [SIGNAL]: and wait until it is gone.
stop_daemon() {
	kill "-${1:-TERM}" "$PID" 2>/dev/null
	wait "$PID" 2>/dev/null
}

# until_ SECONDS COMMAND...: again and again until it succeeds; generous limits, looked at twenty times a second and, when it
# takes longer, twice: where all is emulated, looking is a good part of the work.
until_() {
	local end=$((SECONDS + $1 * SLOW)) msec=50 pause
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		printf -v pause '0.%03d' "$msec"
		read -r -t "$pause" <>"$T/never" || :
		msec=$((msec < 400 ? msec * 5 / 4 : 500))
	done
}

# Without a process each: they are asked again and again.
state_is() { local state && read -r state <"$VM/$1/state" && [ "$state" = "$2" ]; }
key() { # key web1/status reason
	local line lines
	mapfile -t lines <"$VM/$1"
	for line in "${lines[@]}"; do
		case $line in "$2 "*) printf '%s\n' "${line#"$2 "}" ;; esac
	done
}
key_is() {
	local line lines
	mapfile -t lines <"$VM/$1"
	for line in "${lines[@]}"; do [ "$line" != "$2 $3" ] || return 0; done
	return 1
}
is() { [ "$1" = "$2" ] || { printf "'%s' is not '%s'\n" "$1" "$2"; return 1; }; }
not() { if "$@"; then return 1; fi; }

# say PATH LINE: write LINE and print the sentence of its error; the status is the write's.
say() {
	local rc=0
	exec 9<>"$1" || return 1
	printf '%s\n' "$2" >&9 2>/dev/null || rc=1
	[ "$rc" -eq 0 ] || cat <&9
	exec 9>&-
	return "$rc"
}

# refused ERRNO-NAME PATH LINE: the write fails, with a sentence, and history ends with that error and that sentence.
refused() {
	local sentence last
	! sentence=$(say "$2" "$3") || { echo "'$3' was not refused"; return 1; }
	[ -n "$sentence" ] || { echo "'$3' was refused without a sentence"; return 1; }
	last=$(tail -n 1 "${2%/*}/history")
	printf '%s\n' "$last"
	case $last in *" $1 '"*"$sentence") ;; *) echo "expected $1 and: $sentence"; return 1 ;; esac
}

# as UID COMMAND...: as that user, in no other group.
as() {
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}

# define NAME [LINE...]: a domain with that configuration, by the ways of the tree.
define() {
	local name=$1
	shift
	mkdir "$VM/$name" && printf '%s\n' "$@" >"$T/$name.new" && cp "$T/$name.new" "$VM/$name/config"
}

# Is the process asleep in a request to the mount?
blocked() { grep -q request_wait_answer "/proc/$1/wchan"; }
ended() { ! kill -0 "$1" 2>/dev/null; }

# tool NAME: the program that tests/tools/NAME.c makes, in the test's folder.
tool() {
	[ -x "$T/$1" ] || ${CC:-cc} -D_GNU_SOURCE -O1 -Wall -o "$T/$1" "$HERE/tools/$1.c" || exit 1
	echo "$T/$1"
}

# What a sanitizer said of any process of the program; those without an environment (helpers) said it in the daemon's log.
sanitizers() {
	local said
	said=$(cat "$T"/report.* "$T/daemon.log" 2>/dev/null | grep -E -A 60 'Sanitizer:|runtime error:') || return 0
	echo 'not ok a sanitizer found something'
	printf '%s\n' "$said" | head -n 300 | sed 's/^/  # /'
}

finish() {
	local at left
	[ -z "${PID:-}" ] || stop_daemon TERM
	sanitizers
	cut -d' ' -f2 /proc/mounts | grep "^$T/" | while read -r at; do umount -l "$at"; done
	if [ -d "$T/run/qemu" ]; then # guests that a failed case left behind: known by this test's own folder
		for at in /proc/[0-9]*; do
			left=$( (tr "\0" " " <"$at/cmdline") 2>/dev/null) || continue
			case $left in *"$T/run/qemu/"*) kill -KILL "${at#/proc/}" ;; esac
		done
	fi
	rm -rf "$T"
}
trap finish EXIT
trap 'exit 1' INT TERM
