#!/bin/bash
# minutes: 3
# Ten domains come and go, again and again, two at a time: nothing of them is left anywhere. ROUNDS is how often; fifty take
# half an hour.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
: "${ROUNDS:=4}"

# Two that start with the host, which is what the first daemon after its boot takes for that.
mkdir -p "$T/etc/auto"
for name in first second; do guest_cfg "$name" "${tiny[@]}" >"$T/etc/$name.cfg"; done
ln -s ../first.cfg "$T/etc/auto/20-first.cfg"
ln -s ../second.cfg "$T/etc/auto/10-second.cfg"
daemon
case_ "what auto/ links is started with the host, in its order" eval '
	until_ 60 state_is first running && state_is second running && [ "$(xl_id second)" -lt "$(xl_id first)" ] && agree'
case_ "both are undefined" eval '
	for name in first second; do ctl $name "autostart off" && ctl $name destroy && rmdir "$VM/$name" || exit; done && nothing_left'

names=$(seq -f 'd%g' 0 9)
each() { printf '%s\n' "$names" | xargs -P 2 -I{} sh -c 'echo "$1" >"$VM/$2/ctl" || tail -n 1 "$VM/$2/history"' - "$1" {}; } # VERB
all() { local name; for name in $names; do state_is "$name" "$1" || { echo "$name is $(cat "$VM/$name/state")"; return 1; }; done; }
descriptors() { find "/proc/$PID/fd" -mindepth 1 | wc -l; }
quick=$(vif_script)
devices_of() { # NAME: an interface by Xen's script, or one that is soon there and a disk
	case $1 in
	*[13579]) echo "vif = ['bridge=xenbr0']" ;;
	*) echo "vif = ['bridge=xenbr0,script=$quick']; disk = ['format=raw,vdev=xvda,access=rw,target=$T/$1.img']" ;;
	esac
}
make_all() {
	local name
	for name in $names; do
		truncate -s 1M "$T/$name.img"
		define "$name" "${tiny[@]}" "$(devices_of "$name")" || return
	done
}
case_ "ten domains are defined" make_all
open=
for round in $(seq "$ROUNDS"); do
	case_ "round $round: all are started, paused" eval 'each "start -p" && all paused'
	[ "$round" != 1 ] || case_ "round $round: as xl says" agree
	case_ "round $round: all are destroyed" eval 'each destroy && all off'
	case_ "round $round: nothing is left" nothing_left
	[ -n "$open" ] || open=$(descriptors)
done
case_ "the daemon holds no more than after the first round" eval 'echo "$open, $(descriptors)"; until_ 30 eval "[ \$(descriptors) -le $open ]"'
