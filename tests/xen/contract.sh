#!/bin/bash
# minutes: 2
# The contract's list over Xen.
# shellcheck disable=SC2119 # not meant
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
. tests/contract/contract.sh
. tests/contract/guest.sh

daemon
contract web1
case_ 'nothing is left of it' nothing_left
