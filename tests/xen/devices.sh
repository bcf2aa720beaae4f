#!/bin/bash
# A disk and an interface as the guest has them, memory and pause as it feels them, and its console.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon

truncate -s 16M "$T/disk.img"
head -c 1048576 /dev/urandom >"$T/block"
dd if="$T/block" of="$T/disk.img" conv=notrunc status=none
case_ "a guest with a disk and an interface starts" boot web "vcpus = 2" "memory = 112" \
	"disk = ['format=raw,vdev=xvda,access=rw,target=$T/disk.img']" "vif = ['bridge=xenbr0,mac=00:16:3e:77:00:02']" \
	"extra = '$words domfs.name=web domfs.ip=192.168.77.2/24'"
case_ "it is as xl says" agree
case_ "the guest has the two VCPUs of its configuration" guest_says web cpus 2
case_ "and the name" guest_says web hostname web
case_ "the guest reads what is on the disk" eval 'guest_says web "head -c 1048576 /dev/xvda | md5sum" "$(md5sum <"$T/block")"'
case_ "what the guest writes is on the disk" eval '
	in_guest web "tr x Z </dev/zero | head -c 0; echo written by the guest | dd of=/dev/xvda bs=1M seek=8 conv=fsync" &&
	tail -c +8388609 "$T/disk.img" | head -n 1 | grep -ax "written by the guest"'
case_ "the guest's size is the image's" guest_says web 'cat /sys/block/xvda/size' 32768
case_ "the disk counts it" eval 'until_ 10 eval "[ \"\$(key web/disks/xvda/counters read_bytes)\" -ge 1048576 ]"'
case_ "the guest answers on the bridge" until_ 60 ping -c 1 -W 2 192.168.77.2
case_ "and reaches the host" in_guest web 'ping -c 1 -W 5 192.168.77.1'
case_ "its MAC is the configured one" guest_says web 'cat /sys/class/net/eth0/address' 00:16:3e:77:00:02
case_ "the interface counts it" eval 'until_ 10 eval "[ \"\$(key web/vifs/0/counters rx_packets)\" -ge 1 ]"'
case_ "counters: it uses a CPU" eval '[ "$(key web/counters cpu_usec)" -gt 1000000 ]'
case_ "an image in use is not given to another" eval '
	define thief memory=64 "disk = [\"format=raw,vdev=xvda,access=rw,target=$T/disk.img\"]" && refusal thief start EBUSY disk.img'

free_kib() { in_guest web memfree | cut -d/ -f1; }
free=$(free_kib)
case_ "mem 88: the guest has 24 MiB less, and xl agrees" eval '
	echo 88 >"$VM/web/mem" && key_is web/status mem_actual_mib 88 && agree && n=$(free_kib) && echo "$free, now $n" &&
	[ $((free - n)) -gt 18000 ]'
case_ "mem 112: it has them back" eval 'ctl web "mem-set 112" && n=$(free_kib) && echo "$free, now $n" && [ $((free - n)) -lt 8000 ] && agree'
case_ "more than maxmem is refused with the figure" refusal web 'mem-set 512' EINVAL 112

# Twice a second the guest counts: in the eight seconds that it is paused it would come to sixteen.
stands_still() {
	local before after
	before=$(in_guest web counter) && ctl web pause && state_is web paused && xl_state_has web p && pass 8 || return
	ctl web unpause && state_is web running && after=$(in_guest web counter) || return
	echo "before $before, after $after"
	[ "$after" -lt $((before + 12)) ] && until_ "$LIMIT" eval "[ \"\$(in_guest web counter)\" -gt $after ]"
}
case_ "paused: its counter stands still, and goes on" stands_still
case_ "vcpu-pin: xl sees it" eval 'ctl web "vcpu-pin 1 0" && agree && xl vcpu-list web | grep -q " 1 .* 0 / all" && ctl web "vcpu-pin all all" && agree'
case_ "vcpu-pin to a CPU that is not there" refusal web 'vcpu-pin 0 400' EINVAL '0 to 1'
case_ "sysrq: the guest's kernel answers" eval 'ctl web "sysrq h" && until_ $LIMIT grep -qi "sysrq.*help" "$VM/web/console"'
nmis() { in_guest web "awk '/NMI:/ { print \$2 }' /proc/interrupts"; }
case_ "trigger nmi: the guest's processor gets one" eval 'n=$(nmis) && ctl web "trigger nmi" && until_ 60 eval "[ \"\$(nmis)\" -gt $n ]" && state_is web running'
case_ "trigger power: it has no such button" refusal web 'trigger power' EOPNOTSUPP 'HVM'
case_ "trigger init: Xen has none" refusal web 'trigger init' EOPNOTSUPP INIT
case_ "a trigger that nobody has" refusal web 'trigger nim' EINVAL 'did you mean nmi'

cat "$VM/web/.console" >"$T/heard" &
reader=$!
case_ "the stream of its console" until_ 60 eval 'in_guest web "echo are you there" && grep -q "^are you there" "$T/heard"'
case_ "a guest that says much" in_guest web 'seq 100000 109999'
case_ "who read the stream has every line" until_ 60 eval '[ "$(tr -d "\r" <"$T/heard" | grep -cE "^10[0-9]{4}$")" = 10000 ]'
case_ "the history ends with it" eval 'tail -n 5 "$VM/web/console" | grep -q 109999'
kill "$reader"
wait "$reader" 2>/dev/null
case_ "Ctrl-C ends what runs in the guest" eval '
	echo "while :; do echo still; read -t 1 x; done; echo ne""ver" >"$VM/web/console" && until_ $LIMIT grep -q "^still" "$VM/web/console" &&
	printf "\003" >"$VM/web/console" && until_ $LIMIT at_prompt web && guest_says web "echo free" free'
case_ "a page that is typed at once arrives whole" eval '
	seq -f "line %04g of the page that is typed at once" 50 >"$T/page" && { echo "cat >/tmp/page"; cat "$T/page"; printf "\004"; } >"$VM/web/console" &&
	guest_says web "md5sum </tmp/page" "$(md5sum <"$T/page")"'
case_ "it goes down when asked" eval 'ctl web "shutdown -w 200" && state_is web off && no_domain web'
case_ "its console outlives it" grep -q 109999 "$VM/web/console"
case_ "nothing is left" nothing_left
