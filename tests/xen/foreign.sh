#!/bin/bash
# minutes: 2
# Guests that xl made, and guests that xl changes: one truth, whoever looks and whoever acts.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh

case_ "before the daemon there is a guest of xl's" foreign early "vcpus = 2" "vif = ['bridge=xenbr0,mac=00:16:3e:77:00:01']"
early=$(xl_id early)
daemon
case_ "the hypervisor was found" eval 'grep -qx "hypervisor xen" "$VM/info" && grep -q "^virt_caps .*hvm" "$VM/info"'
case_ "the guest that was there is there" eval '
	state_is early running && is "$(cat "$VM/early/id")" "$early" && key_is early/status backend xen &&
	is "$(cat "$VM/early/uuid")" "$(basename "$(store "/local/domain/$early/vm")")" && key_is early/status owner root'
case_ "it is as xl says" agree
case_ "its configuration is derived" eval 'grep -q "^memory *= *96" "$VM/early/live" && grep -q "^vcpus *= *2" "$VM/early/live"'

# Domain-0 as Xen has it.
case_ "Domain-0 has its real memory and VCPUs" eval '
	is "$(key Domain-0/status mem_mib)" "$(xl_mem Domain-0)" && is "$(key Domain-0/status vcpus)" "$(column Domain-0 4)" &&
	is "$(key Domain-0/status id)" 0'
case_ "the host has its real memory" eval '
	is "$(key info total_memory)" "$(xl info total_memory)" && is "$(key info nr_cpus)" "$(xl info nr_cpus)"'

# What Domain-0 uses grows: ours lies between two of xl's.
own_time() { awk '$1 == "Domain-0" { printf "%d\n", $NF * 10 + 0.5 }'; }
own_time_agrees() {
	local before ours after
	before=$(xl list | own_time) && ours=$(own_time <"$VM/list") && after=$(xl list | own_time)
	echo "$before, $ours, $after"
	[ "$before" -le "$ours" ] && [ "$ours" -le "$after" ]
}
case_ "Domain-0 has its real VCPUs and times" eval 'vcpus_agree Domain-0 && own_time_agrees'
case_ "xl vcpu-pin of Domain-0 is seen" eval '
	xl vcpu-pin 0 1 1 && vcpus_agree Domain-0 && grep -q "^1 .* 1$" "$VM/Domain-0/vcpu-list" &&
	xl vcpu-pin 0 1 all && vcpus_agree Domain-0 && grep -q "^1 .* all$" "$VM/Domain-0/vcpu-list"'
own_vcpus_are() { [ "$(column Domain-0 4)" = "$1" ] && key_is Domain-0/status vcpus "$1" && vcpus_agree Domain-0; }
own_returns() { echo 1 >/sys/devices/system/cpu/cpu1/online; } 2>/dev/null # nobody else here brings it online
if [ -e /sys/devices/system/cpu/cpu1/online ]; then
	case_ "xl vcpu-set of Domain-0 is seen: it has one, of two" eval '
		xl vcpu-set 0 1 && until_ 60 own_vcpus_are 1 && key_is Domain-0/status maxvcpus 2 && grep -q "^1 - - " "$VM/Domain-0/vcpu-list"'
	case_ "and two again" eval 'xl vcpu-set 0 2 && until_ 60 own_returns && until_ 60 own_vcpus_are 2'
fi
own=$(xl_mem Domain-0)
own_mem_is() { # -lt or -ge, than it had
	local now
	now=$(xl_mem Domain-0)
	test "$now" "$1" "$own" && key_is Domain-0/status mem_mib "$now" && [ "$(key Domain-0/status maxmem_mib)" -ge "$own" ]
}
case_ "xl mem-set of Domain-0 is seen, and that it can have more" eval '
	xl mem-set 0 $((own - 32)) && until_ 60 own_mem_is -lt && xl mem-set 0 "$own" && until_ 60 own_mem_is -ge'

case_ "and is told by the keys of xl info, with its values" eval '
	xl info | sed "s/ *: /=/" | while IFS="=" read -r key value; do is "${value:--}" "$(key info "$key")" || echo "$key"; done | not grep .'
case_ "what the hypervisor says of itself (xl dmesg) is in the log" eval '
	not grep -q "(XEN).*pressed" "$VM/log" && xl debug-keys h && until_ 10 grep -q "(XEN).*pressed" "$VM/log"'

cat "$VM/.events" >"$T/stream" &
streamer=$!
case_ "another is made by xl, paused" eval 'XL=-p foreign late "${tiny[@]}"'
case_ "it is there within a second or so" until_ 2 state_is late paused
case_ "as xl says" agree
case_ "xl unpause: it runs" eval 'xl unpause late && until_ 3 state_is late running && agree'
case_ "xl pause: it is paused, and events say so" eval 'xl pause late && until_ 3 state_is late paused && agree && grep -q " late paused " "$VM/events"'
case_ "unpause by the tree: xl sees it" eval 'ctl late unpause && state_is late running && not xl_state_has late p && agree'
case_ "pause by the tree: xl sees it" eval 'ctl late pause && state_is late paused && xl_state_has late p && agree'
case_ "xl rename: it has the other name" eval '
	xl rename late later && until_ 3 state_is later paused && [ ! -e "$VM/late" ] && agree && grep -q " later rename " "$VM/events"'
case_ "rename by the tree: xl sees it" eval 'ctl later "rename latest" && listed latest && no_domain later && agree'
case_ "xl vcpu-pin: seen in vcpu-list" eval 'xl vcpu-pin early 1 0 && until_ 3 vcpus_agree early && grep -q "^1 .* 0$" "$VM/early/vcpu-list"'
case_ "vcpu-pin by the tree: xl sees it" eval 'ctl early "vcpu-pin 1 all" && agree && grep -q "^1 .* all$" "$VM/early/vcpu-list"'
case_ "the host's list is xl's list to the letter of its heading" diff <(xl list | head -n 1) <(head -n 1 "$VM/list")

case_ "early's guest is up: its console was read from when the daemon came" until_ "$LIMIT" in_guest early true
case_ "what is typed in the tree reaches it" guest_says early hostname early
case_ "xl mem-set: the tree says so" eval '
	xl mem-set early 80 && until_ 60 key_is early/status mem_actual_mib 80 && is "$(cat "$VM/early/mem")" 80 && agree'
case_ "mem by the tree: xl says so" eval 'echo 96 >"$VM/early/mem" && until_ 30 eval "[ \"\$(xl_mem early)\" = 96 ]" && agree'
case_ "xl vcpu-set: the tree says so" eval '
	xl vcpu-set early 1 && until_ 60 key_is early/status vcpus 1 && guest_says early cpus 1'
case_ "its name is taken: mkdir is EEXIST" grep -q 'File exists' <(LC_ALL=C mkdir "$VM/early" 2>&1)
case_ "nobody removes it" eval 'not rmdir "$VM/early" && not rm -rf "$VM/early" && state_is early running'
case_ "xl destroy: it is gone within a second or so" eval 'xl destroy latest && until_ 2 eval "[ ! -e $VM/latest ]" && agree'
case_ "events told its end" grep -Eq ' latest (off|gone|undefine)' "$VM/events"
case_ "shutdown by the tree: it is gone" eval 'ctl early "shutdown -w 200" && until_ 5 eval "[ ! -e $VM/early ]" && no_domain early'
kill "$streamer"
wait "$streamer" 2>/dev/null
case_ "whoever followed .events saw it come and go" eval 'grep -q " late " "$T/stream" && grep -q " latest " "$T/stream"'

case_ "a domain of ours that is off" define taken "${tiny[@]}"
case_ "xl makes another of that name: both are there" eval '
	XL=-p foreign taken "${tiny[@]}" && until_ 3 eval "ls -d $VM/taken.*" && state_is taken off &&
	is "$(cat "$VM/taken.$(xl_id taken)/id")" "$(xl_id taken)"'
case_ "and goes" eval 'xl destroy taken && until_ 3 eval "[ \"\$(ls -d $VM/taken*)\" = $VM/taken ]" && state_is taken off'

case_ "ours: it is what xl sees" eval 'define ours "${tiny[@]}" && ctl ours "start -p" && agree && is "$(xl_id ours)" "$(cat "$VM/ours/id")"'
case_ "xl unpause of ours" eval 'xl unpause ours && until_ 3 state_is ours running && agree'
case_ "xl pause of ours" eval 'xl pause ours && until_ 3 state_is ours paused && agree'
case_ "rename of ours: xl sees it" eval 'mv "$VM/ours" "$VM/mine" && listed mine && no_domain ours && agree'
case_ "xl rename of ours: it is called so, and its configuration" eval '
	xl rename mine theirs && until_ 20 state_is theirs paused && [ ! -e "$VM/mine" ] && [ -e "$T/etc/theirs.cfg" ] && [ ! -e "$T/etc/mine.cfg" ] &&
	agree && grep -q " theirs rename from=mine" "$VM/events" && history_says theirs " ok .rename theirs"'
regained() { until_ 20 listed theirs && no_domain "$1" && state_is theirs paused && agree; } # NAME that it had a moment
case_ "by a name that is taken: it gets its own back" eval '
	xl rename theirs taken && regained taken && state_is taken off && grep -q "called the guest taken.*gets its name back" "$VM/theirs/log"'
case_ "by one that nothing can be called: likewise" eval 'xl rename theirs 9lives && regained 9lives && history_says theirs " EINVAL .rename 9lives"'
kill_daemon
case_ "xl rename while there is no daemon" xl rename theirs mine
daemon
case_ "is seen by the next" eval 'until_ 60 state_is mine paused && [ ! -e "$VM/theirs" ] && agree && is "$(cat "$VM/mine/id")" "$(xl_id mine)"'
case_ "which does not say again what Xen said to the one before" not grep -q "(XEN).*pressed" "$VM/log"
case_ "xl destroy of ours: off, and it can start again" eval '
	xl destroy mine && until_ 3 state_is mine off && ctl mine "start -p" && state_is mine paused && agree'
case_ "destroy: xl no longer has it" eval 'ctl mine destroy && no_domain mine && agree'
case_ "nothing is left" nothing_left
case_ "without a guest too it is seen what Xen says" eval 'xl debug-keys h && until_ 100 grep -q "(XEN).*pressed" "$VM/log"'
