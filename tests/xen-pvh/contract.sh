#!/bin/bash
# The contract's list over PVH guests.
# shellcheck disable=SC2034,SC2119 # for the functions of lib-guest.sh; not meant
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
. tests/contract/contract.sh
. tests/contract/guest.sh
config_text() { guest_cfg "$1" "type = 'pvh'" "memory = $MEM" "maxmem = $MEM" 'vcpus = 1'; }

daemon
contract pvh1
case_ 'nothing is left of it' nothing_left
