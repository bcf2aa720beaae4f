#!/bin/bash
# minutes: 2
# Disks and interfaces that a guest gets and gives back while it runs, by us and by xl beside us.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon

image() { # NAME TEXT
	truncate -s 4M "$T/$1" && printf '%s\n' "$2" | dd of="$T/$1" conv=notrunc status=none
}
image root.img root
image data.img 'the data'
image look.img 'to look at'
image own.img "root's own"
chmod 600 "$T/own.img"
chmod 755 "$T"
events() { grep -c "$1" "$VM/web/events"; }
has_event() { grep -q "$1" "$VM/web/events" || { cat "$VM/web/events"; return 1; }; }
gone_in_guest() { until_ 60 guest_says web "[ -e $1 ] || echo gone" gone; } # by its own word: one that hangs says nothing
loops() { losetup -n -O BACK-FILE | sort | xargs -rn1 basename | paste -sd ' '; }
loops_are() { until_ 60 eval "[ \"\$(loops)\" = '$1' ]" || { losetup -a; return 1; }; }

case_ "a guest with a disk and an interface starts" boot web "disk = ['format=raw,vdev=xvda,access=rw,target=$T/root.img']" \
	"vif = ['bridge=xenbr0,mac=00:16:3e:77:00:12']" "extra = '$words domfs.name=web domfs.ip=192.168.77.12/24'"
case_ "it has what it shall have" eval '[ ! -s "$VM/web/pending" ] && agree'

# ---- disks ----

case_ "block-attach in xl's words" ctl web "block-attach format=raw,vdev=xvdb,access=rw,target=$T/data.img"
case_ "the guest reads it" guest_says web "head -n 1 /dev/xvdb" "the data"
case_ "the guest writes it" in_guest web "echo from the guest | dd of=/dev/xvdb bs=1M seek=1 conv=fsync"
case_ "what it wrote is in the image" eval 'tail -c +1048577 "$T/data.img" | head -n 1 | grep -ax "from the guest"'
case_ "xl says the same" agree
case_ "so do status, live, pending and the events" eval '
	key_is web/status disks 2 && grep -q "vdev=xvdb" "$VM/web/live" && grep -q "^disk " "$VM/web/pending" &&
	key_is web/status config pending && has_event "disk-attach disk=xvdb text=$T/data.img"'
case_ "its files are there" eval '
	is "$(cat "$VM/web/disks/xvdb/source")" "$T/data.img" && is "$(cat "$VM/web/disks/xvdb/mode")" w &&
	until_ 20 eval "[ \"\$(key web/disks/xvdb/counters write_ops)\" -ge 1 ]"'
case_ "again: EEXIST" refusal web "block-attach vdev=xvdb,target=$T/look.img" EEXIST xvdb
case_ "in xm's words, read-only" ctl web "block-attach file:$T/look.img xvdc r"
case_ "the guest reads that too" guest_says web "head -n 1 /dev/xvdc" "to look at"
case_ "and cannot write it" eval 'guest_says web "blockdev --getro /dev/xvdc" 1 && guest_says web "echo x | dd of=/dev/xvdc conv=fsync 2>/dev/null || echo refused" refused'
case_ "a block device of the host" eval '
	dev=$(losetup -f --show "$T/own.img") && echo "$dev" >"$T/dev" && ctl web "block-attach phy:$dev xvdd w" &&
	guest_says web "head -n 1 /dev/xvdd" "root'\''s own"'
case_ "each file has its loop device" loops_are "data.img look.img own.img root.img"
case_ "xl says the same of four" agree

# ---- who goes ----

exec 8<"$VM/web/disks/xvdb/format"
case_ "block-detach" ctl web "block-detach xvdb"
case_ "the guest has it no more" gone_in_guest /dev/xvdb
case_ "the others are what they were" eval '
	guest_says web "head -n 1 /dev/xvdc" "to look at" && is "$(cat "$VM/web/disks/xvdc/source")" "$T/look.img" && agree'
case_ "who had a file of it open is told" not cat <&8
exec 8<&-
case_ "its loop device goes" loops_are "look.img own.img root.img"
case_ "again: ENOENT, and what there is" refusal web "block-detach xvdb" ENOENT "xvda, xvdc"
case_ "the event" has_event "disk-detach disk=xvdb"
case_ "it comes back under its name" eval 'ctl web "block-attach $T/look.img,raw,xvdb,r" && guest_says web "head -n 1 /dev/xvdb" "to look at"'
case_ "and goes" eval 'ctl web "block-detach xvdb" && gone_in_guest /dev/xvdb'
case_ "a guest that is paused cannot let go" eval 'ctl web pause && refusal web "block-detach xvda" EINVAL unpause; rc=$?; ctl web unpause; exit $rc'
case_ "but is given one, which it finds when it goes on" eval '
	ctl web pause && ctl web "block-attach $T/data.img,raw,xvdb,r" && ctl web unpause && until_ 60 guest_says web "head -n 1 /dev/xvdb" "the data" &&
	ctl web "block-detach xvdb" && gone_in_guest /dev/xvdb'
case_ "the disk that it was started with" eval 'ctl web "block-detach xvda" && gone_in_guest /dev/xvda && agree'

# ---- what is refused ----

case_ "no such image: ENOENT" refusal web "block-attach vdev=xvde,target=$T/none.img" ENOENT none.img
case_ "a relative path: EINVAL" refusal web "block-attach vdev=xvde,target=none.img" EINVAL 'full path'
case_ "an image that another guest writes: EBUSY" eval '
	define tiny "${tiny[@]}" "disk = [\"$T/data.img,raw,xvda,w\"]" && ctl tiny start && refusal web "block-attach $T/data.img,raw,xvde,r" EBUSY tiny'
case_ "a guest without drivers is given one, and loses it" eval '
	ctl tiny "block-attach $T/root.img,raw,xvdb,w" && agree && ctl tiny "block-detach xvdb" && agree'
case_ "once that has gone: given" eval 'ctl tiny destroy && ctl web "block-attach $T/data.img,raw,xvde,r" && ctl web "block-detach xvde"'
case_ "to who cannot read it himself: EACCES" eval '
	chown $NOBODY "$VM/web" && ! as $NOBODY sh -c "echo block-attach $T/own.img,raw,xvde,r >$VM/web/ctl" && history_says web " EACCES .block-attach"
	rc=$?; chown 0 "$VM/web"; exit $rc'
case_ "a script: not for him" eval '
	chown $NOBODY "$VM/web" && ! as $NOBODY sh -c "echo block-attach vdev=xvde,script=block-nbd,target=x >$VM/web/ctl" && history_says web " EPERM .block-attach"
	rc=$?; chown 0 "$VM/web"; exit $rc'
case_ "-n says so and does nothing" eval 'ctl web "-n block-attach $T/look.img,raw,xvde,r" && [ ! -e "$VM/web/disks/xvde" ] && agree'
case_ "nothing of all that is left" loops_are "look.img own.img"

# ---- interfaces ----

case_ "network-attach" ctl web "network-attach mac=00:16:3e:77:00:13 bridge=xenbr0"
case_ "the guest has it, with its MAC" guest_says web "cat /sys/class/net/eth1/address" 00:16:3e:77:00:13
case_ "the host has it at the bridge" eval '[ -e "/sys/class/net/xenbr0/brif/vif$(xl domid web).1" ] && agree'
case_ "what is sent over it arrives" eval '
	in_guest web "ip link set eth1 up; ip addr add 192.168.77.13/24 dev eth1; arping -c 2 -I eth1 192.168.77.1 || ping -c 2 -I eth1 192.168.77.1"'
case_ "its counters" until_ 20 eval '[ "$(key web/vifs/1/counters tx_packets)" -ge 1 ]'
case_ "a MAC that is in use: EEXIST" refusal web "network-attach mac=00:16:3e:77:00:12" EEXIST 00:16:3e:77:00:12
case_ "without words it gets a MAC of its own" eval 'ctl web network-attach && agree && is "$(key web/status vifs)" 3'
case_ "network-detach by its MAC" eval 'ctl web "network-detach 00:16:3e:77:00:13" && gone_in_guest /sys/class/net/eth1'
case_ "the other keeps its number" eval '[ -d "$VM/web/vifs/2" ] && [ ! -e "$VM/web/vifs/1" ] && agree && ctl web "network-detach 2" && agree'

# ---- commit ----

case_ "commit" eval 'ctl web commit && [ ! -s "$VM/web/pending" ] && cat "$VM/web/config" && ! grep -q xvda "$VM/web/config" && grep -q "vdev=xvdc" "$VM/web/config"'

# ---- another tool beside ----

seen() { [ -e "$VM/web/disks/xvdf" ]; }
case_ "xl block-attach: it is seen" eval '
	dev=$(losetup -f --show "$T/data.img") && echo "$dev" >"$T/dev2" && xl block-attach web "phy:$dev,xvdf,w" && until_ 5 seen && agree && has_event "disk-attach disk=xvdf"'
case_ "with its source and mode" eval 'is "$(cat "$VM/web/disks/xvdf/source")" "$(cat "$T/dev2")" && is "$(cat "$VM/web/disks/xvdf/mode")" w'
case_ "we can take it away" eval 'ctl web "block-detach xvdf" && gone_in_guest /dev/xvdf && agree'
case_ "xl block-detach: it is seen" eval 'xl block-detach web xvdc && until_ 5 eval "[ ! -e \$VM/web/disks/xvdc ]" && agree && has_event "disk-detach disk=xvdc"'
case_ "xl network-attach and -detach: seen" eval '
	xl network-attach web mac=00:16:3e:77:00:19 bridge=xenbr0 && until_ 5 grep -qs 00:16:3e:77:00:19 "$VM"/web/vifs/*/mac && agree && has_event "vif-attach vif=1 mac=00:16:3e:77:00:19" &&
	xl network-detach web 00:16:3e:77:00:19 && until_ 5 eval "! grep -qs 00:16:3e:77:00:19 \$VM/web/vifs/*/mac" && agree && has_event "vif-detach vif=1"'
case_ "a guest of xl's gets a disk by us" eval '
	foreign other "disk = [\"$T/look.img,raw,xvda,r\"]" && until_ 60 eval "[ -d \$VM/other/disks/xvda ]" && until_ $LIMIT up other 1 &&
	ctl other "block-attach $T/data.img,raw,xvdb,w" && guest_says other "head -n 1 /dev/xvdb" "the data" && agree && ctl other "block-detach xvdb" && agree && xl destroy other'

# What xl is told may begin where xl runs.
image rel.img 'a relative'
image late.img 'a late one'
ln -s "$GUEST/tiny" "$T/tiny"
case_ "one of xl's, with paths that are not full ones: what cannot be told is left out alone" eval '
	cd "$T" && foreign rel "${tiny[@]}" "kernel = \"tiny\"" "disk = [\"rel.img,raw,xvda,w\", \"$T/look.img,raw,xvdb,r\"]" \
		"vif = [\"devid=3,bridge=xenbr0,mac=00:16:3e:77:00:1a\"]" && until_ 60 state_is rel running && agree && [ -d "$VM/rel/vifs/3" ] &&
	cat "$VM/rel/live" && not grep -q "^kernel" "$VM/rel/live" && until_ 10 grep -q "left out here: kernel: \"tiny\" is not a full path" "$VM/rel/log"'
case_ "its image is known by its full path, and given to nobody else" eval '
	is "$(cat "$VM/rel/disks/xvda/source")" "$T/rel.img" && refusal web "block-attach $T/rel.img,raw,xvde,r" EBUSY rel'
case_ "so is one that it is given later" eval '
	cd "$T" && xl block-attach rel "late.img,raw,xvdc,w" && until_ 20 [ -d "$VM/rel/disks/xvdc" ] && is "$(cat "$VM/rel/disks/xvdc/source")" "$T/late.img" && agree'
case_ "it goes" eval 'cd "$T" && xl destroy rel && until_ 5 eval "[ ! -e \$VM/rel ]"'

# ---- the daemon's end ----

case_ "attached, and the daemon is killed" eval 'ctl web "block-attach $T/data.img,raw,xvdb,w" && agree'
kill_daemon
daemon
case_ "its successor knows it" eval 'until_ 60 state_is web running && is "$(cat "$VM/web/disks/xvdb/source")" "$T/data.img" && agree'
case_ "and commits what was changed before" eval 'ctl web commit && grep -q "vdev=xvdb" "$VM/web/config" && [ ! -s "$VM/web/pending" ]'
case_ "and takes it away" eval 'ctl web "block-detach xvdb" && gone_in_guest /dev/xvdb && agree'
case_ "it goes down when asked" eval 'ctl web "shutdown -w 200" && state_is web off && no_domain web'
losetup -d "$(cat "$T/dev")" "$(cat "$T/dev2")"
case_ "nothing is left" nothing_left
