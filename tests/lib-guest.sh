# shellcheck shell=bash
# What the scripts of tests/guest share beyond tests/lib.sh: the daemon over QEMU, guests, and what is typed on their consoles.
# GUEST names the folder that tools/make-guest made. Cases run in subshells: what they leave behind is on disk.
# shellcheck source=tests/lib.sh
. tests/lib.sh
: "${GUEST:?the folder that tools/make-guest made}"
LIMIT=120 # seconds, for what takes three on an idle machine

# The configuration of a guest, with more lines; what a later line says again counts.
guest_cfg() { # NAME [LINE...]
	local name=$1
	shift
	printf '%s\n' "kernel = '$GUEST/vmlinuz'" "ramdisk = '$GUEST/initramfs.gz'" "memory = 128" \
		"extra = 'quiet console=ttyS0 domfs.name=$name'" "$@"
}

define() { # NAME [LINE...]
	guest_cfg "$@" >"$T/$1.cfg"
	[ -d "$VM/$1" ] || mkdir "$VM/$1" || return
	cp "$T/$1.cfg" "$VM/$1/config"
}

ctl() { say "$VM/$1/ctl" "$2"; }                 # NAME COMMAND
status() { key "$1/status" "$2"; }               # NAME KEY
status_is() { [ "$(status "$1" "$2")" = "$3" ]; } # NAME KEY VALUE

# ups NAME: how often its shell has come up, by its console's history.
ups() { awk '/DOMFS-GUEST-UP/ { n++ } /guest# / { shell = n } END { print shell + 0 }' "$VM/$1/console"; }
up() { [ "$(ups "$1")" -ge "$2" ]; }
# at_prompt NAME: its shell waits. What is typed before, behind a Ctrl-C, may still be read by what that ends.
at_prompt() { tail -n 1 "$VM/$1/console" | grep -q '^guest# *$'; }
boot_id() { tr -d '\r' <"$VM/$1/console" | sed -n 's/.*DOMFS-GUEST-UP boot_id=\([^ ]*\).*/\1/p' | tail -n 1; }

# start NAME [WORD...]: and wait for its shell.
start() {
	local before
	before=$(ups "$1")
	ctl "$1" "start ${*:2}" && until_ "$LIMIT" up "$1" $((before + 1))
}
boot() { define "$@" && start "$1"; } # NAME [LINE...]

# in_guest NAME COMMAND: typed on its console. Prints what it says there; the status is its own, 124 without an answer.
in_guest() {
	local mark=$BASHPID.$RANDOM.$RANDOM text
	echo "echo '<'$mark; $2; echo '>'$mark.\$?" >"$VM/$1/console" || return
	until_ "$LIMIT" grep -q "^>$mark\.[0-9]" "$VM/$1/console" || return 124
	text=$(tr -d '\r' <"$VM/$1/console")
	printf '%s\n' "$text" | sed -n "/^\(guest# \)*<$mark\$/,/^>$mark\./p" | sed '1d;$d'
	return "$(printf '%s\n' "$text" | sed -n "s/^>$mark\.//p")"
}
guest_says() { # NAME COMMAND TEXT
	local said
	said=$(in_guest "$1" "$2")
	[ "$said" = "$3" ] || { echo "the guest says '$said', not '$3'"; return 1; }
}

# The QEMU processes of this test, all or a guest's: by this test's own folder in their command line.
qemus() { pgrep -f "guest=${1:-[^,]*},.*$T/run/qemu/"; }
no_qemu() { ! qemus "$1"; }
folders() { find "$T/run/qemu" -mindepth 1 -maxdepth 1 -type d; }
history_says() { grep -q -- "$2" "$VM/$1/history" || { tail -n 5 "$VM/$1/history"; return 1; } } # NAME PATTERN
refusal() { # NAME COMMAND ERRNO-NAME PATTERN: it fails like that, and the sentence says so
	local said
	! said=$(ctl "$1" "$2") || { echo "it succeeded"; return 1; }
	echo "$said"
	history_says "$1" " $3 '" && printf '%s\n' "$said" | grep -q -- "$4"
}

# The daemon is killed, and the next one comes. What it mounted is removed by its successor.
kill_daemon() { stop_daemon KILL; }

elapsed() { [ "$SECONDS" -ge "$1" ]; }
pass() { until_ $(($1 + 60)) elapsed $((SECONDS + $1)); } # SECONDS in which something must not happen
