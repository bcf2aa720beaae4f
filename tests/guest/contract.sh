#!/bin/bash
# The contract's list over QEMU.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
. tests/contract/contract.sh
. tests/contract/guest.sh

daemon
contract web1
