#!/bin/bash
# The contract's list over the simulator.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=tests/contract/contract.sh
. "${0%/*}/../contract/contract.sh"

# shellcheck disable=SC2034
MEM=128 MEM_LESS=96 ONE_TIME=memory=64
config_text() { printf 'memory = %s\nmaxmem = %s\nvcpus = 1\n' "$MEM" "$MEM"; }
guest_ready() { until_ 10 console_has "$1" booted; }
guest_do() { echo "$2" >"$VM/$1/console"; }
guest_echo() { echo "$2" >"$VM/$1/console" && until_ 10 console_has "$1" "$2: not found"; }
console_has() { grep -q "$2" "$VM/$1/console"; }

daemon --backend sim
contract web1
