#!/bin/bash
# Disks: what the guest finds on them, and what comes back to the host.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon
D=$T/images
mkdir "$D"

raw() { printf 'this is %s\n' "$1" >"$D/$1" && truncate -s "${2:-4M}" "$D/$1"; }
qcow2() { raw "$1.raw" "$2" && printf 'this is %s\n' "$1" | dd of="$D/$1.raw" conv=notrunc status=none &&
	qemu-img convert -f raw -O qcow2 "$D/$1.raw" "$D/$1" && rm "$D/$1.raw"; }
raw ide; raw scsi; raw pv; raw reading; raw plain
qcow2 idecow 4M; qcow2 scsicow 4M; qcow2 pvcow 4M
mkdir "$D/tree" && echo 'in the image' >"$D/tree/file"
for image in ide scsi pv idecow scsicow pvcow; do
	chmod 644 "$D/$image"
done

case_ "a guest with seven disks and two cdroms starts" boot web "disk = [ 'file:$D/ide,hda,w', '$D/idecow,qcow2,hdb,rw', \
	'file:$D/scsi,sda,w', '$D/scsicow,qcow2,sdb,rw', '$D/pv,raw,xvda,rw', 'format=qcow2, vdev=xvdb, access=rw, target=$D/pvcow', \
	'$D/reading,raw,xvdc,ro', 'file:$GUEST/hvm.iso,hdc:cdrom,r', ',empty,hdd,cdrom' ]"
case_ "they are in the tree" eval '[ "$(ls "$VM/web/disks" | tr "\n" " ")" = "hda hdb hdc hdd sda sdb xvda xvdb xvdc " ] &&
	[ "$(cat "$VM/web/disks/xvdb/format")" = qcow2 ] && status_is web disks 9'

# find_disk TEXT: the guest's name of the disk that begins with it.
find_disk() { in_guest web "for d in /dev/sd? /dev/vd?; do grep -q '^this is $1\$' \$d && echo \$d; done" | tail -n 1; }
round() { # IMAGE FORMAT: found in the guest, written there, read here
	local dev
	dev=$(find_disk "$1")
	[ -n "$dev" ] || { echo "the guest has no such disk"; return 1; }
	in_guest web "echo from-the-guest-$1 | dd of=$dev bs=512 seek=100 conv=notrunc 2>/dev/null; sync" || return
	qemu-img dd -U -f "$2" -O raw bs=512 skip=100 count=101 if="$D/$1" of="$D/out" && grep -aq "from-the-guest-$1" "$D/out"
}
for image in ide scsi pv; do
	case_ "$image, raw: its content is in the guest, and the guest's on the host" round $image raw
	case_ "$image, qcow2: its content is in the guest, and the guest's on the host" round ${image}cow qcow2
done
case_ "a disk given read-only cannot be written" eval 'dev=$(find_disk reading) && [ -n "$dev" ] &&
	! in_guest web "echo no | dd of=$dev conv=notrunc 2>/dev/null" && head -n 1 "$D/reading" | grep -qx "this is reading"'
case_ "the cdrom can be mounted" guest_says web 'mount -t iso9660 -o ro /dev/sr0 /mnt && ls /mnt/vmlinuz; umount /mnt' /mnt/vmlinuz
case_ "the empty cdrom drive is there" guest_says web 'ls /dev/sr1' /dev/sr1
case_ "counters of a disk grow with the guest's reading" eval '
	before=$(key web/disks/xvda/counters read_bytes) dev=$(find_disk pv) &&
	in_guest web "echo 3 >/proc/sys/vm/drop_caches; dd if=$dev of=/dev/null bs=1M count=2 2>/dev/null" &&
	until_ $LIMIT eval "[ \"\$(key web/disks/xvda/counters read_bytes)\" -gt $((before + 1000000)) ]"'

case_ "an image that another guest writes is EBUSY, and is named with its user" eval \
	"define two \"disk = [ 'file:$D/pv,xvda,w' ]\" && refusal two start EBUSY \"$D/pv is in use by the domain web\""
ln "$D/pv" "$D/other-name"
case_ "under another name as well" eval "define two \"disk = [ 'file:$D/other-name,xvda,w' ]\" && ! ctl two start && state_is two off"
case_ "a cdrom may be shared" boot two "disk = [ 'file:$GUEST/hvm.iso,hdc:cdrom,r' ]"
case_ "two goes down" eval 'ctl two destroy'

case_ "an image that is not there is ENOENT and names it" eval \
	"define two \"disk = [ 'file:$D/none,xvda,w' ]\" && refusal two start ENOENT \"$D/none\""
qemu-img create -q -f qcow2 -b "$D/pv" -F raw "$D/backed" 4M
case_ "qcow2 with a backing file is refused" eval \
	"define two \"disk = [ '$D/backed,qcow2,xvda,w' ]\" && refusal two start EINVAL 'backing file'"
qemu-img create -q -f qcow2 -o data_file="$D/secret",data_file_raw=on "$D/split" 4M
case_ "qcow2 with a data file is refused" eval \
	"define two \"disk = [ '$D/split,qcow2,xvda,w' ]\" && refusal two start EINVAL 'data in another file'"
case_ "what is no qcow2 is refused" eval \
	"define two \"disk = [ '$D/plain,qcow2,xvda,w' ]\" && refusal two start EINVAL 'not a qcow2'"
cp "$D/backed" "$D/forged" && truncate -s 4M "$D/forged"
case_ "a raw image whose guest wrote a qcow2 header stays raw" eval "
	size=\$(stat -c %s '$D/forged') && boot two \"disk = [ 'file:$D/forged,xvda,w' ]\" &&
	guest_says two 'cat /sys/block/vda/size' \$((size / 512)) && ctl two destroy"
case_ "vhd is refused with what to do" eval \
	"define two \"disk = [ '$D/plain,vhd,xvda,w' ]\" && refusal two start EOPNOTSUPP 'convert'"
case_ "a named pipe is no disk, and is not waited for" eval \
	"mkfifo '$D/pipe' && define two \"disk = [ 'file:$D/pipe,xvda,w' ]\" && ! ctl two start && state_is two off"
if loop=$(losetup --find --show "$D/plain" 2>/dev/null); then
	case_ "a block device of the host" eval "boot two \"disk = [ 'phy:$loop,xvda,w' ]\" &&
		guest_says two 'head -n 1 /dev/vda' 'this is plain' && in_guest two 'echo from-the-guest >/dev/vda; sync' &&
		ctl two destroy && head -n 1 '$D/plain' | grep -qx from-the-guest"
	losetup --detach "$loop"
else
	skip "a block device of the host: there is no loop device here"
fi
case_ "nothing is left of the refused" eval '[ "$(folders | wc -l)" = 1 ] && no_qemu two'
