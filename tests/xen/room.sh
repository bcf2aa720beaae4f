#!/bin/bash
# Domain-0 gives up memory for a guest where xl.conf says so, or Xen was not told dom0_mem=, which it was here.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh

free_mib() { xl info free_memory; }
more() { echo "memory = $(($(free_mib) + $1))"; } # MIB: than is free
before=$(xl_mem Domain-0)

daemon
case_ "dom0_mem= was said: Domain-0 keeps its memory" eval '
	define big "${tiny[@]}" "$(more 50)" && refusal big start ENOMEM "are free" && is "$(xl_mem Domain-0)" "$before" && rmdir "$VM/big"'
stop_daemon TERM
echo 'autoballoon = "on"' >>/etc/xen/xl.conf
daemon
case_ "what it cannot give up is refused at once" eval '
	define huge "${tiny[@]}" "$(more "$before")" && refusal huge start ENOMEM "are free" && is "$(xl_mem Domain-0)" "$before" && rmdir "$VM/huge"'
case_ "a guest that needs more than is free has it" eval '
	define big "${tiny[@]}" "$(more 50)" && ctl big start && state_is big running && xl list &&
	is "$(xl_mem big)" "$(sed -n "s/^memory = //p" "$VM/big/config" | tail -n 1)" && [ "$(xl_mem Domain-0)" -lt "$before" ] && agree'
case_ "Domain-0 is left with what it lives on" [ "$(xl_mem Domain-0)" -ge 256 ]
case_ "two at once, for whom there is little" eval '
	for name in one two; do define $name "${tiny[@]}" "memory = 40"; done
	ctl one "start &" && ctl two start && until_ 60 state_is one running && state_is two running && xl list && agree'
case_ "it is over" eval 'for name in big one two; do ctl $name destroy && rmdir "$VM/$name" || exit; done && nothing_left'
