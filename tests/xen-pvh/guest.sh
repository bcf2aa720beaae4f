#!/bin/bash
# A PVH guest.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen-hvm.sh
. tests/lib-xen-hvm.sh
daemon

vcpus() { # they go and come as a paravirtual guest's
	guest_says pvh cpus 2 && ctl pvh "vcpu-set 1" && guest_says pvh cpus 1 && agree && ctl pvh "vcpu-set 2" && guest_says pvh cpus 2 && agree
}
case_ "a PVH guest starts" boot pvh "type = 'pvh'" "${devices[@]}" "vif = ['bridge=xenbr0,mac=00:16:3e:77:00:03']"
case_ "Xen says that it is one" eval 'xl list -l pvh | grep -q "\"type\": \"pvh\"" && guest_says pvh "cat /sys/hypervisor/guest_type" PVH'
case_ "it has no power button" refusal pvh "trigger power" EOPNOTSUPP HVM
common pvh 00:16:3e:77:00:03 00:16:3e:77:00:13 2
