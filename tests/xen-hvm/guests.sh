#!/bin/bash
# The other two kinds of guest: PVH, and HVM, whose device model is a QEMU in dom0.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
# Emulated hardware virtualization within emulation: a minute for a boot, and now and then the processor resets on the way.
LIMIT=600
daemon

free_kib() { in_guest "$1" memfree | cut -d/ -f1; }
less_than() { local n; n=$(free_kib "$1") && echo "free: ${2:-?}, now $n KiB" && [ $((${2:-0} - n)) -gt 18000 ]; } # NAME KIB
answers() { # NAME: which boot this is nobody knows; the shell that answers is the one
	local mark=$BASHPID.$RANDOM.$RANDOM
	echo "echo '<'$mark" >"$VM/$1/console" && until_ 5 grep -q "^<$mark" "$VM/$1/console"
}
up_again() { until_ "$LIMIT" answers "$1"; }
running() { grep -c " $1 running " "$VM/events"; }
ran_since() { [ "$(running "$1")" -gt "$2" ] && state_is "$1" running; } # NAME HOW-OFTEN
ends() { # NAME WORD COMMAND: the guest does it by itself, then the command, which may ask how often it ran before
	local before
	before=$(running "$1") && echo "$2" >"$VM/$1/console" && eval "$3"
}
common() { # NAME MAC: what both do
	case_ "$1: it is as xl says" agree
	case_ "$1: what is typed is answered" guest_says "$1" hostname "$1"
	case_ "$1: pause and unpause" eval "ctl $1 pause && state_is $1 paused && xl_state_has $1 p && ctl $1 unpause && guest_says $1 'echo on' on"
	case_ "$1: the interface is the guest's" guest_says "$1" 'cat /sys/class/net/eth0/address' "$2"
	case_ "$1: the disk is the guest's" guest_says "$1" 'head -n 1 /dev/xvda' 'a message'
	free=$(free_kib "$1")
	case_ "$1: memory is taken" eval "ctl $1 'mem-set 104' && is \"\$(key $1/status mem_mib)\" 104 && agree && less_than $1 ${free:-}"
	case_ "$1: reset, and another boot answers" eval "boot=\$(in_guest $1 bootid) && ctl $1 reset && state_is $1 running &&
		up_again $1 && not guest_says $1 bootid \"\$boot\" && agree"
	case_ "$1: on_reboot=restart: it runs again" ends "$1" 'reboot -f' "until_ $LIMIT ran_since $1 \$before && up_again $1"
	case_ "$1: on_crash=preserve: it is held" ends "$1" panic "until_ $LIMIT state_is $1 crashed && listed $1 && ctl $1 destroy && no_domain $1"
	case_ "$1: and starts again" start "$1"
	case_ "$1: it goes down when asked" eval "ctl $1 'shutdown -w 300' && state_is $1 off && no_domain $1"
	case_ "$1: nothing is left" nothing_left
}
truncate -s 4M "$T/disk.img"
printf 'a message\n' | dd of="$T/disk.img" conv=notrunc status=none
devices=("memory = 128" "on_crash = 'preserve'" "disk = ['format=raw,vdev=xvda,access=rw,target=$T/disk.img']")

case_ "a PVH guest starts" boot pvh "type = 'pvh'" "${devices[@]}" "vif = ['bridge=xenbr0,mac=00:16:3e:77:00:03']"
case_ "Xen says that it is one" eval 'xl list -l pvh | grep -q "\"type\": \"pvh\"" && guest_says pvh "cat /sys/hypervisor/guest_type" PVH'
common pvh 00:16:3e:77:00:03

hvm() { # LINE...
	boot hvm "$@" && return
	tail -n 10 /var/log/xen/qemu-dm-hvm.log
	return 1
}
# Without that word Linux resets the hardware when it panics, which is a reboot.
case_ "an HVM guest starts" hvm "type = 'hvm'" "kernel = '$GUEST/vmlinuz'" "${devices[@]}" \
	"vif = ['bridge=xenbr0,mac=00:16:3e:77:00:04']" "extra = 'quiet console=hvc0 domfs.name=hvm xen_legacy_crash'"
case_ "its display, which nobody chose a password for, is at a socket for root alone" eval '
	socket=$(cat "$VM/hvm/vnc") && socket=${socket#unix:} && [ -S "$socket" ] && is "$(stat -c %a "${socket%/*}")" 700 &&
	[ "$(socat -u -T 10 "UNIX-CONNECT:$socket" STDOUT | head -c 3)" = RFB ] && not as $NOBODY test -e "$socket"'
case_ "Xen says that it is one" eval 'xl list -l hvm | grep -q "\"type\": \"hvm\"" && guest_says hvm "cat /sys/hypervisor/guest_type" HVM'
common hvm 00:16:3e:77:00:04
