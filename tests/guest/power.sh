#!/bin/bash
# Power verbs and settings, as a guest sees them itself.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon

case_ "start -p leaves the guest before its first instruction" eval \
	'define web "vcpus = 2" && ctl web "start -p" && state_is web paused && pass 2 && [ "$(ups web)" = 0 ]'
case_ "unpause: it boots" eval 'ctl web unpause && state_is web running && until_ $LIMIT up web 1'
case_ "the guest has the two VCPUs of its configuration" guest_says web cpus 2
case_ "the guest has the name of its configuration" guest_says web hostname web
case_ "the guest has the memory of its configuration" eval \
	'kib=$(in_guest web memfree | cut -d/ -f2) && [ "$kib" -gt 80000 ] && [ "$kib" -le 131072 ]'
case_ "what is typed is echoed, and answered" eval \
	'in_guest web "echo one two" | grep -qx "one two" && grep -q "guest# .*echo one two" "$VM/web/console"'
case_ "start of a guest that runs is EBUSY" refusal web start EBUSY 'running already'

# Twice a second the guest counts: in the eight seconds that it is paused it would come to sixteen.
stands_still() {
	local before after
	before=$(in_guest web counter) && ctl web pause && state_is web paused && pass 8 || return
	ctl web unpause && state_is web running && after=$(in_guest web counter) || return
	echo "before $before, after $after"
	[ "$after" -lt $((before + 12)) ] && until_ "$LIMIT" eval "[ \"\$(in_guest web counter)\" -gt $after ]"
}
case_ "paused: its counter stands still, and goes on" stands_still
case_ "paused: what is typed waits for it" eval 'ctl web pause && echo "echo la""ter" >"$VM/web/console" && pass 1 &&
	! grep -q "^later" "$VM/web/console" && ctl web unpause && until_ $LIMIT grep -q "^later" "$VM/web/console"'

# threads NAME: the CPUs that each VCPU's thread may run on, by /proc.
threads() {
	local task
	for task in /proc/"$(qemus "$1")"/task/*; do
		grep -q '^CPU ' "$task/comm" && sed -n 's/^Cpus_allowed_list:\t//p' "$task/status"
	done
}
cpus=$(threads web | head -n 1)
case_ "vcpu-pin: the VCPU's thread is bound, the other is not" eval \
	'ctl web "vcpu-pin 1 0" && [ "$(threads web | sort -u | wc -l)" = 2 ] && threads web | grep -qx 0 && threads web | grep -qx "$cpus"'
case_ "vcpu-pin all all: both are free again" eval 'ctl web "vcpu-pin all all" && [ "$(threads web | sort -u)" = "$cpus" ]'
case_ "vcpu-pin to a CPU that is not there" refusal web 'vcpu-pin 0 400' EINVAL 400

case_ "sysrq: the guest's kernel answers" eval 'ctl web "sysrq h" && until_ $LIMIT grep -q "HELP" "$VM/web/console"'
nmis() { in_guest web 'grep NMI: /proc/interrupts' | awk '{ print $2 + $3 }'; }
case_ "trigger nmi: the guest counts it" eval \
	'before=$(nmis) && ctl web "trigger nmi" && until_ $LIMIT eval "[ \$(nmis) -gt $before ]"'

# again NAME COMMAND: after it the same process holds another boot.
again() {
	local pid id before n
	pid=$(qemus "$1") id=$(status "$1" id) before=$(boot_id "$1") n=$(ups "$1")
	eval "$2" && until_ "$LIMIT" up "$1" $((n + 1)) || return
	state_is "$1" running && status_is "$1" id "$id" && [ "$(qemus "$1")" = "$pid" ] && [ "$(boot_id "$1")" != "$before" ]
}
case_ "reset: another boot" again web 'ctl web reset'
case_ "reboot -w: another boot" again web 'ctl web "reboot -w 120"'
case_ "the guest reboots itself: another boot" again web 'echo "reboot -f" >"$VM/web/console"'
case_ "trigger power: it goes down" eval 'ctl web "trigger power" && until_ $LIMIT state_is web off && no_qemu web'
case_ "off: nothing of it is left in the run folder" eval '[ -z "$(folders)" ]'
case_ "off: its console keeps its history" eval '[ "$(ups web)" = 4 ]'
case_ "off: verbs that need it on are EHOSTDOWN" refusal web pause EHOSTDOWN 'is off'

case_ "cpus= of the configuration binds the threads from the start" eval \
	'boot web "vcpus = 2" "cpus = \"0\"" && [ "$(threads web | sort -u)" = 0 ]'
case_ "shutdown -w: off, with the guest's own end" eval 'ctl web "shutdown -w" && state_is web off && no_qemu web'
case_ "start with key=value, one time only" eval \
	'start web vcpus=1 && guest_says web cpus 1 && grep -q "^vcpus = 2" "$VM/web/config"'
case_ "destroy: nothing of it is left" eval \
	'ctl web destroy && state_is web off && no_qemu web && [ -z "$(folders)" ] && status_is web reason destroyed'
case_ "destroy of one that is off is EHOSTDOWN" refusal web destroy EHOSTDOWN off
case_ "rmdir undefines it" eval 'rmdir "$VM/web" && [ ! -e "$VM/web" ] && ls "$T"/etc/.removed/web.*.cfg'
