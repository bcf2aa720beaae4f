#!/bin/bash
# One of the host's CPUs is offline when the daemon comes: it has its number all the same, and may come back.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
trap 'xen-hptool cpu-online 1 >/dev/null 2>&1; finish_xen' EXIT

affinity() { awk '$1 == 0 { print $5 }' "$VM/$1/vcpu-list"; } # NAME

case_ "the second CPU is taken offline" eval 'xen-hptool cpu-offline 1 && is "$(xl info nr_cpus)" 1'
daemon
case_ "the host is told of as xl has it" eval 'is "$(key info nr_cpus)" 1 && is "$(key info max_cpu_id)" "$(xl info max_cpu_id)"'
case_ "a guest" eval 'define web "${tiny[@]}" && ctl web "start -p" && agree && is "$(affinity web)" all'
case_ "the CPU comes back" eval 'xen-hptool cpu-online 1 && until_ 20 eval "[ \"\$(xl info nr_cpus)\" = 2 ]" && key_is info nr_cpus 2'
case_ "a VCPU that xl puts on it is seen there" eval 'xl vcpu-pin web 0 1 && agree && is "$(affinity web)" 1'
case_ "anywhere, by the tree, is there too" eval 'ctl web "vcpu-pin 0 all" && agree && is "$(affinity web)" all'
case_ "it can be put there by the tree" eval 'ctl web "vcpu-pin 0 1" && agree && is "$(affinity web)" 1 && refusal web "vcpu-pin 0 900" EINVAL "none of the CPUs"'
case_ "it goes" eval 'ctl web destroy && nothing_left'
