#!/bin/bash
# 7 guest: the same guest through /vm and by the same QEMU command line by hand: start to prompt, disk, network
# shellcheck disable=SC2016,SC2119
if [ -z "${OWN_NETWORK:-}" ]; then
	# A bridge of our own in a network of our own; /sys shows the network that it was mounted in.
	OWN_NETWORK=1 exec unshare --net --mount bash -c 'mount -t sysfs sysfs /sys && exec bash "$0"' "$0"
fi
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
# shellcheck source=bench/lib.sh
. bench/lib.sh
# shellcheck source=bench/hand.sh
. bench/hand.sh
ip link set lo up
ip link add dbr0 type bridge && ip addr add 10.97.0.1/24 dev dbr0 && ip link set dbr0 up || exit 1
# In memory: the host's disk is not what is compared.
mkdir "$T/images" && mount -t tmpfs -o size=1g bench "$T/images" && chmod 755 "$T/images" || exit 1
truncate -s 256M "$T/images/web" "$T/images/hand"
daemon
define web "extra = 'quiet console=ttyS0 domfs.name=web domfs.ip=10.97.0.2/24'" "vif = [ 'bridge=dbr0' ]" \
	"disk = [ 'format=raw, vdev=xvda, access=rw, target=$T/images/web' ]"

# Its shell asks for the first command. Looked at without a process, which would take the processor from the guest.
wait_prompt() { # FILE
	local text='' end=$((SECONDS + LIMIT))
	until [[ $text == *'guest# '* ]]; do
		[ "$SECONDS" -lt "$end" ] || return 1
		read -r -t 0.005 <>"$T/never" || :
		IFS= read -r -d '' text <"$1" || :
	done
	return 0
}

start_domfs() { # both are looked at in the file that QEMU writes
	local before=$EPOCHREALTIME
	ctl web start || exit 1
	CONSOLE=$(folders)/ser.out
	wait_prompt "$CONSOLE" || exit 1
	figure domfs "$(msec "$before" "$EPOCHREALTIME")"
}
start_hand() {
	local before=$EPOCHREALTIME
	hand_start "$T/hand" || exit 1
	wait_prompt "$T/hand/ser.out" || { note "the guest by hand does not start"; cat "$T/hand/said"; exit 1; }
	figure qemu "$(msec "$before" "$EPOCHREALTIME")"
}
start_once() { # NAME
	if [ "$1" = domfs ]; then
		start_domfs && ctl web destroy
	else
		start_hand && hand_stop
	fi
}

# A tap that is there without a process, for the guest by hand.
ip tuntap add dev hand0 mode tap && ip link set hand0 master dbr0 && ip link set hand0 up || exit 1

rounds=${ROUNDS:-5}
ctl web start && wait_prompt "$(folders)/ser.out" || exit 1
hand_argv web "$T/hand" "$T/images/hand" hand0
ctl web destroy
in_turn "$rounds" start_once domfs qemu || exit 1
row 'start to the prompt of its shell' "$rounds" ms "domfs:$(of domfs)" "qemu:$(of qemu)"

start_domfs
hand_start "$T/hand" && wait_prompt "$T/hand/ser.out" || exit 1
in_hand "$T/hand" 'ip addr flush dev eth0; ip addr add 10.97.0.3/24 dev eth0' >/dev/null

guest() { # NAME COMMAND
	if [ "$1" = domfs ]; then in_guest web "$2"; else in_hand "$T/hand" "$2"; fi
}
disk() { # NAME WHAT DD-WORDS: 256 MiB, in MiB/s by the guest's own clock
	figure "$2.$1" "$(guest "$1" "time dd $3 bs=1M count=256 2>/dev/null" |
		sed -n 's/^ *\([0-9]*\)m\([0-9.]*\)s real.*/\1 \2/p' | awk '{ print 256 / ($1 * 60 + $2) }')"
}
net_in() { # NAME: the guest receives
	"$TOOLS/traffic" send 5001 8388608 >"$T/traffic" &
	until_ 5 grep -q ready "$T/traffic"
	guest "$1" 'nc 10.97.0.1 5001 </dev/null >/dev/null' >/dev/null
	wait $! && figure "net-in.$1" "$(tail -n 1 "$T/traffic")"
}
net_out() { # NAME: the guest sends
	"$TOOLS/traffic" recv 5001 >"$T/traffic" &
	until_ 5 grep -q ready "$T/traffic"
	guest "$1" 'dd if=/dev/zero bs=64k count=128 2>/dev/null | nc 10.97.0.1 5001' >/dev/null
	wait $! && figure "net-out.$1" "$(tail -n 1 "$T/traffic")"
}
io() { # WHAT.NAME
	local who=${1#*.}
	case ${1%.*} in
	write) disk "$who" write 'if=/dev/zero of=/dev/vda oflag=direct' ;;
	read) disk "$who" read 'if=/dev/vda of=/dev/null iflag=direct' ;;
	net-out) net_out "$who" ;;
	net-in) net_in "$who" ;;
	esac
	return 0 # a figure that is missing leaves the others
}
in_turn "$rounds" io write.domfs write.qemu read.domfs read.qemu net-out.domfs net-out.qemu net-in.domfs net-in.qemu
pair() { # LABEL WHAT
	row "$1" "$rounds" MiB/s "domfs:$(of "$2.domfs")" "qemu:$(of "$2.qemu")"
}
pair 'disk, written' write
pair 'disk, read' read
pair 'network, the guest sends' net-out
pair 'network, the guest receives' net-in
hand_stop
