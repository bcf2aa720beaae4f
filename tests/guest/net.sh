#!/bin/bash
# Interfaces: on a bridge of this test's own, in a network of its own, and by the user network where no bridge is named.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
if [ -z "${OWN_NETWORK:-}" ]; then
	# /sys shows the network that it was mounted in.
	OWN_NETWORK=1 exec unshare --net --mount bash -c 'mount -t sysfs sysfs /sys && exec bash "$0"' "$0"
fi
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
ip link set lo up
daemon

case_ "a bridge that is not there is ENOENT and is named" eval \
	'define web "vif = [ \"bridge=dtbr0\" ]" && refusal web start ENOENT "bridge dtbr0"'
case_ "and leaves nothing" eval '[ -z "$(folders)" ] && no_qemu web && ! ip -br link | grep -q "^vif"'
ip link add dtbr0 type bridge && ip addr add 10.97.0.1/24 dev dtbr0 && ip link set dtbr0 up
net="domfs.ip=10.97.0"
case_ "an interface that is no bridge is refused" eval \
	'define web "vif = [ \"bridge=lo\" ]" && refusal web start EINVAL "no bridge"'

case_ "two guests on the bridge start" eval '
	define web "extra = \"quiet console=ttyS0 domfs.name=web $net.2/24\"" "vif = [ \"mac=00:16:3e:00:00:01,bridge=dtbr0\" ]" &&
	define db "extra = \"quiet console=ttyS0 domfs.name=db $net.3/24\"" "vif = [ \"bridge=dtbr0\" ]" &&
	ctl web start && ctl db start && until_ $LIMIT up web 1 && until_ $LIMIT up db 1'
case_ "the guest has the address of its configuration" guest_says web 'cat /sys/class/net/eth0/address' 00:16:3e:00:00:01
case_ "its interface is named by id and number and is on the bridge" eval \
	'ip -br link show master dtbr0 | grep -q "^vif$(status web id)\.0 "'
case_ "a guest pings the host" in_guest web 'ping -c 3 -W 5 10.97.0.1 >/dev/null'
case_ "the host reaches a guest" eval 'timeout 60 bash -c "exec 3<>/dev/tcp/10.97.0.2/9" 2>&1 | grep -q refused'
case_ "a guest pings the other" in_guest web 'ping -c 3 -W 5 10.97.0.3 >/dev/null'
case_ "counters are as the guest sees them: what it sent, and what came back" eval '
	n=$(key web/vifs/0/counters tx_bytes) r=$(key web/vifs/0/counters rx_bytes)
	in_guest web "ping -c 20 -i 0.1 -s 1400 10.97.0.1 >/dev/null"
	until_ $LIMIT eval "[ \"\$(key web/vifs/0/counters tx_bytes)\" -ge $((n + 28000)) ] && [ \"\$(key web/vifs/0/counters rx_bytes)\" -ge $((r + 28000)) ]"'
case_ "the interfaces are gone with the guests" eval \
	'ctl web destroy && ctl db destroy && until_ 60 eval "! ip -br link | grep -q ^vif"'

case_ "without a bridge there is the user network" eval '
	boot web "vif = [ \"\" ]" && in_guest web "ip addr add 10.0.2.15/24 dev eth0 && ping -c 2 -W 5 10.0.2.2 >/dev/null" &&
	! ip -br link | grep -q "^vif"'
case_ "destroy" ctl web destroy
case_ "a MAC address stays when the configuration names none" eval '
	boot web "vif = [ \"bridge=dtbr0\" ]" && a=$(in_guest web "cat /sys/class/net/eth0/address") && [ -n "$a" ] &&
	ctl web destroy && start web && b=$(in_guest web "cat /sys/class/net/eth0/address") && echo "$a $b" && [ "$a" = "$b" ] &&
	[ "$(cat "$VM/web/vifs/0/mac")" = "$a" ] && ctl web destroy'
