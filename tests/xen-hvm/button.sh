#!/bin/bash
# An HVM guest whose kernel has no drivers for Xen: all that it can be asked by is its power button.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon

again() { # BOOT UPS: it came up since then, and is another
	local now
	until_ "$LIMIT" up hvm $(($2 + 1)) && now=$(in_guest hvm bootid) && echo "it was '$1', now it is '$now'" &&
		[ -n "$1" ] && [ -n "$now" ] && [ "$now" != "$1" ]
}
case_ "a guest starts" boot hvm "type = 'hvm'" "kernel = '$GUEST/vmlinuz'" "memory = 128" "vnc = 0" "extra = '${words/hvc0/ttyS0} domfs.name=hvm nopv'"
case_ "it knows nothing of Xen" guest_says hvm 'cat /sys/hypervisor/type 2>/dev/null || echo nothing' nothing
case_ "reboot: it goes down by its button, and is started again" eval '
	boot=$(in_guest hvm bootid) && n=$(ups hvm) && id=$(xl_id hvm) && ctl hvm "reboot -w $LIMIT" && again "$boot" "$n" && not is "$(xl_id hvm)" "$id" &&
	grep -q " hvm .*reason=reboot\$" "$VM/events"'
case_ "shutdown: it goes down, and stays down" eval 'ctl hvm "shutdown -w $LIMIT" && state_is hvm off && no_domain hvm && pass 3 && state_is hvm off'
case_ "nothing is left" nothing_left
