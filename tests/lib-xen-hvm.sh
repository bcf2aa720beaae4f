# shellcheck shell=bash
# shellcheck disable=SC2034 # for the scripts
# What the scripts for the other two kinds of guest share beyond tests/lib-xen.sh: PVH, and HVM, whose device model is a QEMU in dom0.
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
. tests/contract/guest.sh

free_kib() { in_guest "$1" memfree | cut -d/ -f1; }
less_than() { local n; n=$(free_kib "$1") && echo "free: ${2:-?}, now $n KiB" && [ $((${2:-0} - n)) -gt 18000 ]; } # NAME KIB
as_much() { local n; n=$(free_kib "$1") && echo "free: ${2:?}, now $n KiB" && [ $(($2 - n)) -lt 12000 ]; } # NAME KIB
another_boot() { # NAME BOOT: up again, and it is not that one
	local now
	guest_ready "$1" && now=$(in_guest "$1" bootid) && echo "it was '$2', now it is '$now'" && [ -n "$2" ] && [ -n "$now" ] && [ "$now" != "$2" ]
}
common() { # NAME MAC OTHER-MAC VCPUS: what both do; vcpus() is the script's
	case_ "$1: it is as xl says" agree
	case_ "$1: what is typed is answered" guest_says "$1" hostname "$1"
	case_ "$1: pause and unpause" eval "ctl $1 pause && state_is $1 paused && xl_state_has $1 p && ctl $1 unpause && guest_says $1 'echo on' on"
	case_ "$1: the interface is the guest's" guest_says "$1" 'cat /sys/class/net/eth0/address' "$2"
	case_ "$1: the disk is the guest's" guest_says "$1" 'head -n 1 /dev/xvda' 'a message'
	free=$(free_kib "$1")
	case_ "$1: memory is taken" eval "ctl $1 'mem-set 104' && is \"\$(key $1/status mem_mib)\" 104 && agree && less_than $1 ${free:-}"
	case_ "$1: and given back" eval "ctl $1 'mem-set 128' && is \"\$(key $1/status mem_mib)\" 128 && agree && as_much $1 ${free:-}"
	case_ "$1: vcpu-pin" eval "ctl $1 'vcpu-pin 0 1' && agree && xl vcpu-list $1 | grep -q ' 0 .* 1 / all' && ctl $1 'vcpu-pin all all' && agree"
	case_ "$1: sysrq: its kernel answers" eval "ctl $1 'sysrq h' && until_ $LIMIT grep -qi 'sysrq.*help' $VM/$1/console"
	case_ "$1: network-attach, and what is sent over it arrives" eval "ctl $1 'network-attach mac=$3 bridge=xenbr0' && agree &&
		until_ 60 guest_says $1 'cat /sys/class/net/eth1/address' $3 &&
		in_guest $1 'ip link set eth1 up; ip addr add 192.168.77.14/24 dev eth1; ping -c 3 -W 10 192.168.77.1'"
	case_ "$1: network-detach" eval "ctl $1 'network-detach $3' && until_ 60 guest_says $1 '[ -e /sys/class/net/eth1 ] || echo gone' gone && agree"
	case_ "$1: reset, and another boot answers" eval "boot=\$(in_guest $1 bootid) && ctl $1 reset && state_is $1 running && another_boot $1 \"\$boot\" && agree"
	case_ "$1: reboot: it does so itself, and runs again" eval "boot=\$(in_guest $1 bootid) && ctl $1 'reboot -w $LIMIT' && another_boot $1 \"\$boot\""
	case_ "$1: on_crash=preserve: it is held" eval "echo panic >$VM/$1/console && until_ $LIMIT state_is $1 crashed && listed $1 && ctl $1 destroy && no_domain $1"
	case_ "$1: destroy while it runs" eval "ctl $1 start && state_is $1 running && listed $1 && ctl $1 destroy && state_is $1 off && no_domain $1"
	case_ "$1: it starts paused, and goes on" eval "ctl $1 'start -p vcpus=$4' && state_is $1 paused && xl_state_has $1 p && agree && ctl $1 unpause && state_is $1 running && guest_ready $1"
	case_ "$1: VCPUs go and come" vcpus
	case_ "$1: it goes down when asked" eval "ctl $1 'shutdown -w 300' && state_is $1 off && no_domain $1"
	case_ "$1: nothing is left" nothing_left
}
truncate -s 4M "$T/disk.img"
printf 'a message\n' | dd of="$T/disk.img" conv=notrunc status=none
devices=("memory = 128" "maxvcpus = 2" "on_crash = 'preserve'" "disk = ['format=raw,vdev=xvda,access=rw,target=$T/disk.img']")
