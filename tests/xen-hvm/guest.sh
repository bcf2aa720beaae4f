#!/bin/bash
# An HVM guest.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen-hvm.sh
. tests/lib-xen-hvm.sh
daemon

vcpus() { # they come by its hardware
	guest_says hvm cpus 1 && ctl hvm "vcpu-set 2" && guest_says hvm cpus 2 && agree && refusal hvm "vcpu-set 1" EOPNOTSUPP 'no way to give'
}
hvm() { # LINE...
	boot hvm "$@" && return
	tail -n 10 /var/log/xen/qemu-dm-hvm.log
	return 1
}
# Without that word Linux resets the hardware when it panics, which is a reboot.
case_ "an HVM guest starts" hvm "type = 'hvm'" "kernel = '$GUEST/vmlinuz'" "${devices[@]}" \
	"vif = ['bridge=xenbr0,mac=00:16:3e:77:00:04']" "extra = '$words domfs.name=hvm xen_legacy_crash'"
case_ "its display, which nobody chose a password for, is at a socket for root alone" eval '
	socket=$(cat "$VM/hvm/vnc") && socket=${socket#unix:} && [ -S "$socket" ] && is "$(stat -c %a "${socket%/*}")" 700 &&
	[ "$(socat -u -T 10 "UNIX-CONNECT:$socket" STDOUT | head -c 3)" = RFB ] && not as $NOBODY test -e "$socket"'
case_ "Xen says that it is one" eval 'xl list -l hvm | grep -q "\"type\": \"hvm\"" && guest_says hvm "cat /sys/hypervisor/guest_type" HVM'
case_ "hvm: its display keeps what it has" refusal hvm 'mem-set 8' EINVAL 'its display alone'
common hvm 00:16:3e:77:00:04 00:16:3e:77:00:14 1
