#!/bin/bash
# on_poweroff, on_reboot and on_crash: what becomes of a guest that ended by itself.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon

case_ "three guests start" eval '
	define one "on_crash = \"restart\"" "on_poweroff = \"restart\"" &&
	define two "on_crash = \"preserve\"" "on_reboot = \"destroy\"" "on_poweroff = \"preserve\"" &&
	define three "on_crash = \"destroy\"" "on_reboot = \"preserve\"" &&
	ctl one start && ctl two start && ctl three start &&
	until_ $LIMIT up one 1 && until_ $LIMIT up two 1 && until_ $LIMIT up three 1'

# ends NAME WORD: typed, without waiting for an answer.
ends() { echo "$2" >"$VM/$1/console"; }
off() { until_ "$LIMIT" eval "[ \"\$(status $1 id)\" = - ]" && no_qemu "$1"; }
revived() { # NAME WORD: another boot in the same process
	local pid before n
	pid=$(qemus "$1") before=$(boot_id "$1") n=$(ups "$1")
	ends "$1" "$2" && until_ "$LIMIT" up "$1" $((n + 1)) || return
	state_is "$1" running && [ "$(qemus "$1")" = "$pid" ] && [ "$(boot_id "$1")" != "$before" ]
}
held() { # NAME STATE: it is that, its process is there and does nothing
	until_ "$LIMIT" state_is "$1" "$2" && pass 2 && state_is "$1" "$2" && [ -n "$(qemus "$1")" ] && ! status_is "$1" id -
}

case_ "on_crash=restart: a panic, and it is up again" revived one panic
case_ "on_poweroff=restart: it powers off, and is up again" revived one 'poweroff -f'
case_ "and it can end a second time" revived one panic
case_ "its policies are in its history" eval 'history_says one "on_crash=restart" && history_says one "on_poweroff=restart"'

case_ "on_reboot=destroy: it reboots, and is off" eval 'ends two "reboot -f"; off two && state_is two off'
case_ "it starts again" start two
case_ "on_poweroff=preserve: its memory is held" eval 'ends two "poweroff -f"; held two stopping'
case_ "preserved: destroy releases it" eval 'ctl two destroy && off two && state_is two off'
case_ "it starts again" start two
case_ "on_crash=preserve: crashed, with an id" eval 'ends two panic; held two crashed'
case_ "crashed: start is refused while its memory is held" refusal two start EBUSY crashed
case_ "crashed: destroy releases it" eval 'ctl two destroy && off two'
case_ "it starts again" start two

case_ "on_reboot=preserve: its memory is held" eval 'ends three "reboot -f"; held three stopping'
case_ "preserved: destroy releases it" eval 'ctl three destroy && off three'
case_ "it starts again" start three
case_ "on_crash=destroy: crashed, without an id, and nothing is left" eval \
	'ends three panic; until_ $LIMIT state_is three crashed && off three'
case_ "crashed without an id: start works" start three

case_ "on_reboot=destroy counts for the verb as well" eval 'ctl two reboot && off two && state_is two off'
case_ "it starts again" start two
case_ "reset of one whose on_reboot is destroy brings it up all the same" eval \
	'n=$(ups two) && ctl two reset && until_ $LIMIT up two $((n + 1)) && state_is two running'
case_ "and its own reboot is an end again" eval 'ends two "reboot -f"; off two && state_is two off'
case_ "events told every end" eval 'grep -q " one crashed" "$VM/events" && grep -q " two off" "$VM/events"'
case_ "shutdown-all: those whose policy is destroy are off" eval 'say "$VM/ctl" shutdown-all && until_ $LIMIT state_is three off'
