#!/bin/bash
# Memory: the balloon as the guest sees it, and the host's limits.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon

free_kib() { in_guest web memfree | cut -d/ -f1; }
total_kib() { in_guest web memfree | cut -d/ -f2; }

case_ "the guest starts" boot web "memory = 256" "maxmem = 256"
full=$(total_kib) free=$(free_kib)
case_ "mem 160: the guest has 96 MiB less, and the status says so" eval \
	'echo 160 >"$VM/web/mem" && status_is web mem_mib 160 && status_is web mem_actual_mib 160 &&
	[ $(('"$free"' - $(free_kib))) -gt 80000 ] && echo "$(total_kib) of $full"'
case_ "mem-set +32" eval 'ctl web "mem-set +32" && [ "$(cat "$VM/web/mem")" = 192 ] && status_is web mem_actual_mib 192'
case_ "mem-set 256M: all is back" eval \
	'ctl web "mem-set 256M" && status_is web mem_actual_mib 256 && [ $(('"$free"' - $(free_kib))) -lt 20000 ]'
case_ "more than it was started with is refused with the figure" refusal web 'mem-set 512' EINVAL 256
case_ "a paused guest cannot give memory, and says so" eval \
	'ctl web pause && refusal web "mem-set 160" EINVAL paused; rc=$?; ctl web unpause; [ $rc = 0 ]'
case_ "the guest works on" guest_says web 'dirty 20 && echo dirty' dirty
case_ "commit puts the target into the configuration" eval \
	'ctl web "mem-set 200" && ctl web commit && grep -q "^memory = 200" "$VM/web/config"'
case_ "counters: it uses memory and CPU, and costs the host some" eval '
	until_ $LIMIT eval "[ \"\$(key web/counters mem_used_bytes)\" -gt 1000000 ]" &&
	[ "$(key web/counters mem_host_bytes)" -gt 50000000 ] && [ "$(key web/counters cpu_usec)" -gt 100000 ]'

total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
case_ "a start that the host has no memory for is ENOMEM, with both figures" eval \
	'define big "memory = $((total + 1000))" && refusal big start ENOMEM "needs $((total + 1032)) MiB, [0-9]* of the host.s $total MiB"'
case_ "and leaves nothing" eval 'state_is big off && no_qemu big && [ "$(folders | wc -l)" = 1 ]'
