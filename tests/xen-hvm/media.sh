#!/bin/bash
# An HVM guest's cdrom drive, whose medium changes while it runs, disks that QEMU serves, and its power button.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-xen.sh
. tests/lib-xen.sh
daemon

image() { # NAME TEXT
	truncate -s 4M "$T/$1" && printf '%s\n' "$2" | dd of="$T/$1" conv=notrunc status=none
}
image root.img root
image one.iso 'the first'
image two.iso 'the second'
image data.img 'the data'
loops() { losetup -n -O BACK-FILE | sort | xargs -rn1 basename | paste -sd ' '; }
loops_are() { until_ 60 eval "[ \"\$(loops)\" = '$1' ]" || { losetup -a; return 1; }; }
is_empty() { [ "$(cat "$VM/hvm/disks/hdc/format")" = empty ]; }
reads() { until_ "$LIMIT" guest_says hvm "head -n 1 /dev/sr0" "$1"; }

case_ "an HVM guest with a drive starts" boot hvm "type = 'hvm'" "kernel = '$GUEST/vmlinuz'" "memory = 128" "vnc = 0" \
	"disk = ['format=raw,vdev=xvda,access=rw,target=$T/root.img', 'format=raw,vdev=hdc,devtype=cdrom,access=ro,target=$T/one.iso']"
case_ "it reads what is in it" reads 'the first'
case_ "cd-insert" ctl hvm "cd-insert hdc $T/two.iso"
case_ "the guest reads the other" reads 'the second'
case_ "the tree says so" eval '
	is "$(cat "$VM/hvm/disks/hdc/source")" "$T/two.iso" && grep -q "media disk=hdc text=$T/two.iso" "$VM/hvm/events" && [ -s "$VM/hvm/pending" ]'
case_ "no loop device keeps either" loops_are root.img
case_ "cd-eject" ctl hvm "cd-eject hdc"
case_ "the guest reads nothing" until_ "$LIMIT" guest_says hvm 'head -c 1 /dev/sr0 2>/dev/null | grep -q . || echo nothing' nothing
case_ "the drive is there, and empty" eval 'is "$(cat "$VM/hvm/disks/hdc/format")" empty && agree && loops_are root.img'
case_ "no such file: ENOENT" refusal hvm "cd-insert hdc $T/none.iso" ENOENT none.iso
case_ "a disk is no drive: EINVAL" refusal hvm "cd-insert xvda $T/one.iso" EINVAL 'no cdrom drive'
case_ "cd-insert into the empty one" eval 'ctl hvm "cd-insert hdc $T/one.iso" && reads "the first"'
case_ "xl cd-eject beside: it is seen" eval '
	xl cd-eject hvm hdc && until_ 10 is_empty && tail -n 1 "$VM/hvm/events" | grep -q "media disk=hdc$"'
case_ "a disk by the guest's own drivers" eval '
	ctl hvm "block-attach $T/data.img,raw,xvdb,w" && until_ 60 guest_says hvm "head -n 1 /dev/xvdb" "the data" && ctl hvm "block-detach xvdb"'
case_ "what QEMU refuses to serve: said, and nothing of it stays" eval '
	refusal hvm "block-attach format=raw,vdev=xvdd,access=ro,backendtype=qdisk,target=$T/data.img" EREMOTEIO qemu-dm && agree && loops_are root.img'
case_ "one that QEMU serves" eval '
	ctl hvm "block-attach format=raw,vdev=xvdc,access=rw,backendtype=qdisk,target=$T/data.img" && until_ 60 guest_says hvm "head -n 1 /dev/xvdc" "the data" && agree'
case_ "and that goes" eval 'ctl hvm "block-detach xvdc" && until_ 120 guest_says hvm "[ -e /dev/xvdc ] || echo gone" gone && agree && loops_are root.img'
case_ "its power button: it goes down" eval 'ctl hvm "trigger power" && until_ "$LIMIT" state_is hvm off && no_domain hvm'
case_ "nothing is left" nothing_left
