#!/bin/bash
# An HVM guest without an operating system, which does not do what it is asked.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon

case_ "an HVM guest without an operating system" eval 'define hvm "type = \"hvm\"" "kernel = \"\"" "ramdisk = \"\"" "extra = \"\"" "memory = 48" "vcpus = 2" "maxvcpus = 3" "vnc = 0" &&
	ctl hvm start && state_is hvm running'
case_ "gives no VCPU back" refusal hvm 'vcpu-set 1' EOPNOTSUPP 'no way to give'
case_ "and takes none: ETIMEDOUT, with what it has" refusal hvm 'vcpu-set 3' ETIMEDOUT 'VCPUs online'
case_ "it goes" ctl hvm destroy
case_ "nothing is left" nothing_left
