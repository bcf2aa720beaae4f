# shellcheck shell=bash
# What the scripts of tests/xen and tests/xen-hvm share. Each of them is carried into the lab's dom0 and runs there: sourced on
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

# A paravirtual guest, as the others do it: what a later line says again counts.
guest_cfg() { # NAME [LINE...]
	local name=$1
	shift
	printf '%s\n' "type = 'pv'" "kernel = '$GUEST/vmlinux'" "ramdisk = '$GUEST/initramfs.gz'" "memory = 96" \
		"extra = 'quiet console=hvc0 domfs.name=$name'" "$@"
}

# In a guest's configuration: a boot loader without anything to load. It is soon made, and does nothing.
# shellcheck disable=SC2034
tiny=("ramdisk = ''" "extra = ''" "kernel = '$GUEST/tiny'" "memory = 32")

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

# Two ways, one truth: what xl prints and what the tree says, where neither moves by itself (running or blocked, time).
agree() {
	if until_ 10 lists_agree && each_agrees; then return; fi
	xl list
	cat "$VM/list"
	return 1
}
lists_agree() { diff <(xl list | facts) <(facts <"$VM/list"); }
facts() { awk 'NR > 1 && !/^#/ { sub(/^../, "", $5); print $1, $2, $3, $4, $5 }' | sort; }
each_agrees() {
	local name
	for name in $(xl list | awk 'NR > 2 { print $1 }'); do
		vcpus_agree "$name" && disks_agree "$name" && vifs_agree "$name" || return
	done
}
same() { diff "$1" "$2" || { echo "$3: xl's are before, the tree's behind"; return 1; }; }
vcpus_agree() {
	xl vcpu-list "$1" | awk 'NR > 1 { print $3, $7 }' >"$T/one"
	awk '/^[0-9]/ { print $1, $5 }' "$VM/$1/vcpu-list" >"$T/other"
	same "$T/one" "$T/other" "$1: VCPUs and where they may run"
}
disks_agree() { # xl knows numbers, xenstore the names
	local path
	xl block-list "$1" | awk 'NR > 1 { print $NF }' | while read -r path; do store "$path/dev"; done | sort >"$T/one"
	find "$VM/$1/disks" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort >"$T/other"
	same "$T/one" "$T/other" "$1: disks"
}
vifs_agree() {
	xl network-list "$1" | awk 'NR > 1 { print $1, $3 }' | sort >"$T/one"
	find "$VM/$1/vifs" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | while read -r n; do
		echo "$n $(cat "$VM/$1/vifs/$n/mac")"
	done >"$T/other"
	same "$T/one" "$T/other" "$1: interfaces"
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
	while :; do
		read -r -t 120 -u "$BEGUN" && continue # another has begun
		look 2>&1 | sed 's/^/  # /'
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
nothing_now() {
	[ "$(xl list | wc -l)" = 2 ] && [ "$(xenstore-list /local/domain)" = 0 ] || return
	! xenstore-list /vm | grep -vxF -e "$(basename "$(store /local/domain/0/vm)")" -e "$NIL_UUID" || return # Domain-0's own
	! xenstore-list /libxl | grep -vx 0 || return
	! xenstore-ls /local/domain/0/backend 2>/dev/null | grep 'frontend =' || return
	! pgrep -f 'qemu-system.*-xen-domid' || return
	[ -z "$(losetup -a)" ] && [ -z "$(find "$T/run/xen" -mindepth 2 2>/dev/null)" ] || return
	! find /sys/class/net /var/lib/xen -name 'vif*' -o -name 'userdata-*' ! -name '*.0.*' | grep .
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
