# shellcheck shell=bash
# The same QEMU by hand: the command line that domfs gave a guest, with files and sockets of our own in the place of what it
# hands on as open descriptors. To be read after tests/lib-guest.sh and bench/lib.sh.

# hand_argv NAME DIR [IMAGE [TAP]]: sets ARGV from the running guest NAME. SERIAL=socket: its console is a socket, DIR/ser;
# else, as under domfs, a pipe for what is typed and a file, DIR/ser.in and DIR/ser.out.
hand_argv() {
	local dir=$2 image=${3:-} tap=${4:-} words word i
	mapfile -d '' words <"/proc/$(qemus "$1")/cmdline"
	ARGV=("${words[0]}")
	for ((i = 1; i < ${#words[@]}; i++)); do
		word=${words[i]}
		case $word in
		-S) continue ;;
		-add-fd) i=$((i + 1)); continue ;;
		guest=*) word=guest=hand,${word#*,} ;;
		socket,id=mon,*) word=socket,id=mon,path=$dir/qmp,server=on,wait=off ;;
		pipe,id=ev,*) word=socket,id=ev,path=$dir/ev,server=on,wait=off ;;
		pipe,id=ser0,*)
			word=pipe,id=ser0,path=$dir/ser
			[ "${SERIAL:-}" != socket ] || word=socket,id=ser0,path=$dir/ser,server=on,wait=off ;;
		esac
		case ${words[i - 1]} in
		-kernel) word=$GUEST/vmlinuz ;;
		-initrd) word=$GUEST/initramfs.gz ;;
		-netdev) [ -z "$tap" ] || word=$(printf '%s' "$word" | sed -E "s/\"fds?\":\"[^\"]*\"/\"ifname\":\"$tap\",\"script\":\"no\",\"downscript\":\"no\"/") ;;
		esac
		# Two on a bridge with one address would take each other's packets.
		[ -z "$tap" ] || word=$(printf '%s' "$word" | sed -E 's/("mac":")[^"]*/\100:16:3e:62:65:6e/')
		ARGV+=("${word//\/dev\/fdset\/[0-9]/$image}")
	done
}

# hand_start DIR: runs ARGV in a session of its own, as domfs does (the scheduler counts by sessions); its process is $HAND.
hand_start() {
	mkdir -p "$1"
	if [ "${SERIAL:-}" != socket ]; then
		rm -f "$1/ser.in" "$1/ser.out"
		mkfifo "$1/ser.in" && : >"$1/ser.out"
	fi
	setsid "${ARGV[@]}" </dev/null >"$1/said" 2>&1 &
	HAND=$!
	HANDS+=("$HAND")
}
hand_stop() { kill -KILL "$HAND" 2>/dev/null; wait "$HAND" 2>/dev/null || :; }

HANDS=()
hands_finish() {
	local pid
	for pid in "${HANDS[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	finish
}
trap hands_finish EXIT

prompt() { grep -q 'guest# ' "$1"; } # FILE
# What a shell of a guest by hand is told, and what it answers: as in_guest, by files.
in_hand() { # DIR COMMAND
	local mark=$BASHPID.$RANDOM.$RANDOM
	echo "echo '<'$mark; $2; echo '>'$mark.\$?" 1<>"$1/ser.in" >&1
	until_ "$LIMIT" grep -q "^>$mark\.[0-9]" "$1/ser.out" || return 124
	tr -d '\r' <"$1/ser.out" | sed -n "/^\(guest# \)*<$mark\$/,/^>$mark\./p" | sed '1d;$d'
}
