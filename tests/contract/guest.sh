# shellcheck shell=bash
# What the contract's list asks of a real guest with Linux in it. Sourced after tests/lib-guest.sh or tests/lib-xen.sh.
# shellcheck disable=SC2034
MEM=128 MEM_LESS=104 ONE_TIME=memory=112
config_text() { guest_cfg "$1" "memory = $MEM" "maxmem = $MEM" 'vcpus = 1'; }
# Which boot this is nobody knows: the shell that answers is the one. One that is off may be on its way back.
guest_ready() { until_ "$LIMIT" guest_answers "$1"; }
guest_answers() {
	local mark=$BASHPID.$RANDOM.$RANDOM
	echo "echo '<'$mark" >"$VM/$1/console" && until_ 3 grep -q "^<$mark" "$VM/$1/console"
}
guest_do() {
	case $2 in
	crash) echo panic >"$VM/$1/console" ;;
	*) echo "$2 -f" >"$VM/$1/console" ;;
	esac
}
guest_echo() { guest_says "$1" "echo $2" "$2"; }
