# shellcheck shell=bash
# What the scripts of tests/xen, xen-pvh and xen-hvm share. Each of them is carried into the lab's dom0 and runs there: sourced on
# the host, this takes the program and tests/ into the lab that LAB names, and is done with the script's own status. In dom0 it
# is tests/lib-guest.sh with the guests of Xen, and with what Xen's own tools say.
if [ -z "${IN_DOM0:-}" ]; then
	: "${LAB:?the folder that tools/xen-lab made}" "${DOMFS:?the program}"
	payload=$(mktemp -d /tmp/domfs-xen.XXXXXX)
	trap 'kill "$lab" 2>/dev/null; wait "$lab"; rm -rf "$payload"' EXIT
	trap 'exit 1' INT TERM
	cp -R tests examples backends hypervisor "$payload" && cp "$DOMFS" "$payload/domfs" || exit 1
	LIMIT=$((1400 * ${SLOW:-1})) tools/xen-lab run "$LAB" "$payload" \
		"IN_DOM0=1 GUEST=/guest SLOW=${SLOW:-1} ${ROUNDS:+ROUNDS=$ROUNDS} DOMFS=/payload/domfs bash $0" &
	lab=$!
	wait "$lab" # a signal is not held up by it
	exit
fi
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
# shellcheck disable=SC2034 # for the functions of lib-guest.sh, and the scripts
LIMIT=300 # seconds, for what takes ten on an idle machine: all is emulated here, by a machine that may have more to do

# What a guest's kernel is told: to look after no processor's flaws, which would be half of what it does, and neither to patch nor to
# test itself.
words='quiet console=hvc0 mitigations=off noreplace-smp cryptomgr.notests'

# A paravirtual guest, as the others do it: what a later line says again counts.
guest_cfg() { # NAME [LINE...]
	local name=$1
	shift
	printf '%s\n' "type = 'pv'" "kernel = '$GUEST/vmlinux'" "ramdisk = '$GUEST/initramfs.gz'" "memory = 96" \
		"extra = '$words domfs.name=$name'" "$@"
}

# In a guest's configuration: it is soon made, and does nothing.
# shellcheck disable=SC2034
tiny=("ramdisk = ''" "extra = ''" "kernel = '$GUEST/tiny'" "memory = 32")

# vif_script: a script for interfaces that is soon done, for guests that come and go all the time; Xen's own takes a second.
vif_script() {
	cat >"$T/vif-script" <<-'END'
		#!/bin/bash
		[ "$1" != online ] || { busybox brctl addif xenbr0 "$vif" && busybox ip link set "$vif" up && xenstore-write "$XENBUS_PATH/hotplug-status" connected; }
	END
	chmod 755 "$T/vif-script"
	echo "$T/vif-script"
}

# foreign NAME [LINE...]: made by xl, not by us. XL holds more options.
foreign() {
	{ guest_cfg "$@" && echo "name = '$1'"; } >"$T/xl-$1.cfg"
	# shellcheck disable=SC2086 # options are words
	xl create -q ${XL:-} "$T/xl-$1.cfg" 2>&1
}

listed() { xl domid "$1" >/dev/null 2>&1; } # NAME
column() { xl list "$1" 2>/dev/null | awk -v n="$2" 'END { if (NR > 1) print $n }'; } # NAME NUMBER
xl_id() { column "$1" 2; }
xl_mem() { column "$1" 3; }
xl_state() { column "$1" 5; } # rbpscd
xl_state_has() { case $(xl_state "$1") in *"$2"*) ;; *) xl list; return 1 ;; esac; }
no_domain() { ! listed "$1"; }
store() { xenstore-read "$@" 2>/dev/null; }

# Two ways, one truth: what xl prints and what the tree says, where neither moves by itself (running or blocked, time). What
# takes long here is to begin a program: xl is called once for all domains, and none is begun for each of them.
agree() {
	local id name ids=()
	if until_ 10 lists_agree; then
		while read -r name id _; do
			case $name in Name | Domain-0 | '#'*) ;; *) ids[id]=$name ;; esac
		done <"$VM/list"
		[ ${#ids[@]} -gt 0 ] || return 0
		vcpus_agree "${ids[@]}" && disks_agree && vifs_agree && return
	fi
	xl list
	cat "$VM/list"
	return 1
}
same() { # WHAT: $T/xl and $T/tree hold the same lines
	sort "$T/xl" | diff - <(sort "$T/tree") || { echo "$1: xl's are before, the tree's behind"; return 1; }
}
lists_agree() { xl list | facts >"$T/xl" && facts <"$VM/list" >"$T/tree" && same domains; }
facts() { awk 'NR > 1 && !/^#/ { sub(/^../, "", $5); print $1, $2, $3, $4, $5 }'; }
vcpus_agree() { # NAME...
	local name number affinity
	xl vcpu-list "$@" | awk 'NR > 1 { print $1, $3, $7 }' >"$T/xl"
	for name; do
		while read -r number _ _ _ affinity _; do
			case $number in [0-9]*) echo "$name $number $affinity" ;; esac
		done <"$VM/$name/vcpu-list"
	done >"$T/tree"
	same 'VCPUs and where they may run'
}
devices() { # KIND: "ID DEVICE" of each of IDS
	local id path
	for id in "${!ids[@]}"; do
		for path in "$VM/${ids[id]}/$1"/*; do
			[ ! -e "$path" ] || echo "$id ${path##*/}"
		done
	done
}
disks_agree() { # of IDS; xl knows their numbers, xenstore their names
	local paths
	xl block-list "${!ids[@]}" | awk 'NR > 1 { print $NF "/dev" }' >"$T/paths"
	mapfile -t paths <"$T/paths"
	{ [ ${#paths[@]} -eq 0 ] || store -p "${paths[@]}"; } | sed 's|^.*/\([0-9]*\)/[0-9]*/dev: |\1 |' >"$T/xl"
	devices disks >"$T/tree"
	same disks
}
vifs_agree() { # of IDS
	local id number mac
	xl network-list "${!ids[@]}" | awk 'NR > 1 { split($NF, path, "/"); print path[7], $1, $3 }' >"$T/xl"
	devices vifs | while read -r id number; do
		read -r mac <"$VM/${ids[id]}/vifs/$number/mac" && echo "$id $number $mac"
	done >"$T/tree"
	same interfaces
}

# What dom0 is like while a case takes long: what it waits for is gone when it has failed.
look() {
	local each
	echo "# it takes long:"
	ps -N --pid 2 --ppid 2 -o pid,ppid,stat,wchan:20,time,args | tail -n 20
	timeout 20 xl list
	timeout 20 xl vcpu-list
	for each in "$VM"/*/job; do
		[ ! -s "$each" ] || { echo "$each: $(paste -sd, "$each")" && tail -n 3 "${each%job}log"; }
	done
	tail -n 5 "$T/daemon.log" /var/log/xen/*/*
}
watch_cases() {
	local line
	while :; do
		read -r -t 120 -u "$BEGUN" && continue # another has begun
		# A line a write: sed would end a block within one, and a verdict behind that is not counted.
		look 2>&1 | while IFS= read -r line; do printf '  # %s\n' "$line"; done
		read -r -u "$BEGUN" # once is enough
	done
}
mkfifo "$T/begun" && exec {BEGUN}<>"$T/begun"
watch_cases &
WATCH=$!

NIL_UUID=00000000-0000-0000-0000-000000000000
# Nothing is left of any guest, anywhere.
nothing_left() {
	until_ 30 nothing_now && return
	xl list
	xenstore-ls -f / | grep -vE '^/(local/domain/0|tool|libxl/0|vm/0)' | head -n 50
	losetup -a
	find "$T/run/xen" /var/lib/xen -mindepth 1
	pgrep -af qemu-system
	ip -o link
	ls "$VM"
	(set -x && nothing_now) 2>&1 | tail -n 2
	return 1
}
OWN_VM=$(store /local/domain/0/vm)
nothing_now() {
	local line lines
	mapfile -t lines < <(xl list)
	[ ${#lines[@]} -eq 2 ] || return
	mapfile -t lines < <(xenstore-list /local/domain /vm /libxl)
	for line in "${lines[@]}"; do
		case $line in 0 | "${OWN_VM##*/}" | "$NIL_UUID") ;; *) return 1 ;; esac
	done
	! xenstore-ls /local/domain/0/backend 2>/dev/null | grep 'frontend =' || return
	[ -z "$(losetup -a)" ] || return
	! grep -l qemu-system /proc/[0-9]*/comm 2>/dev/null || return
	! find "$T/run/xen" /sys/class/net /var/lib/xen -path "$T/run/xen/*/*" -o -name 'vif*' -o -name 'userdata-*' ! -name '*.0.*' | grep .
}

# Under xl's guests there may be those that a failed case left.
finish_xen() {
	local name
	kill "$WATCH"
	for name in $(xl list | awk 'NR > 2 { print $1 }'); do
		xl destroy "$name" 2>/dev/null
	done
	finish
}
trap finish_xen EXIT
