#!/bin/bash
# A guest in a pool of CPUs that has another scheduler than Xen's usual one.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon
trap 'ctl web destroy; pool_end; finish_xen' EXIT

pool() { # SCHEDULER: another pool, of the second CPU
	printf '%s\n' 'name = "second"' "sched = \"$1\"" 'cpus = ["1"]' >"$T/pool.cfg"
	xl cpupool-cpu-remove Pool-0 1 && xl cpupool-create "$T/pool.cfg"
}
pool_end() { xl cpupool-destroy second && xl cpupool-cpu-add Pool-0 1; }
shares() { xl sched-credit -d "$1" | awk 'NR == 2 { print $3, $4 }'; } # NAME
sched() { paste -sd' ' "$VM/$1/sched"; } # NAME
in_pool() { xl list -c "$1" | awk 'NR == 2 { print $NF }'; } # NAME

case_ "a pool whose scheduler is credit" pool credit
case_ "a guest that is configured for it is in it" eval 'boot web "pool = \"second\"" "cpu_weight = 300" && is "$(in_pool web)" second'
case_ "its shares are as configured" eval 'is "$(shares web)" "300 0" && is "$(sched web)" "weight 300 cap 0"'
case_ "sched-credit: xl sees it" eval 'ctl web "sched-credit -w 512 -c 50" && is "$(shares web)" "512 50" && is "$(sched web)" "weight 512 cap 50"'
case_ "what xl does is seen" eval 'xl sched-credit -d web -w 400 -c 0 && until_ 20 eval "[ \"\$(sched web)\" = \"weight 400 cap 0\" ]"'
case_ "more than credit knows" refusal web 'sched-credit -c 9999' EINVAL 'cap'
case_ "moved to the usual one by xl: what is shared there is seen" eval '
	xl cpupool-migrate web Pool-0 && is "$(in_pool web)" Pool-0 && ctl web "sched-credit -w 700" && xl sched-credit2 -d web | grep -q " 700 " &&
	guest_says web "echo on" on'
case_ "it goes" eval 'ctl web destroy && pool_end'
case_ "nothing is left" nothing_left
trap finish_xen EXIT
