#!/bin/bash
# Disks and interfaces that come and go while a guest runs: what the tree says of them, at once, and of nobody else.
# shellcheck disable=SC2016,SC2012,SC2034 # cases are texts for eval, which use what shellcheck thinks unused; names are plain
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"
daemon --backend sim
G=$VM/web1
define web1 'memory = 64' "disk = [ '/i/a.img,raw,xvda,w', '/i/b.img,raw,xvdb,r' ]" \
	"vif = [ 'bridge=br0,mac=00:16:3e:00:00:01', 'bridge=br1,mac=00:16:3e:00:00:02' ]" || exit 1
disks() { is "$(ls "$G/disks" | paste -sd ' ')" "$1"; }
vifs() { is "$(ls "$G/vifs" | paste -sd ' ')" "$1"; }
event() { grep -q "web1 $1\$" "$G/events" || { cat "$G/events"; return 1; }; }
inode() { stat -c %i "$1"; }

case_ 'off: EHOSTDOWN' refused EHOSTDOWN "$G/ctl" 'block-attach /i/c.img,raw,xvdc,w'
echo start >"$G/ctl"

# ---- what comes ----

case_ 'block-attach' say "$G/ctl" 'block-attach "vdev=xvdc,format=raw,target=/i/c d.img"'
case_ 'the listing has it' disks 'xvda xvdb xvdc'
case_ 'its files have what was said' eval 'is "$(cat "$G/disks/xvdc/source")" "/i/c d.img" && is "$(cat "$G/disks/xvdc/mode")" w'
case_ 'status counts it' key_is web1/status disks 3
case_ 'live and pending have it' eval 'grep -q "vdev=xvdc" "$G/live" && grep -q "^disk .*xvdc.* -> " "$G/pending" && key_is web1/status config pending'
case_ 'the event' event 'disk-attach disk=xvdc text=/i/c d.img'
case_ 'in words, as xm had it' eval 'say "$G/ctl" "block-attach phy:x xvdd r" && is "$(cat "$G/disks/xvdd/source")" /dev/x && is "$(cat "$G/disks/xvdd/mode")" r'
case_ 'network-attach' eval 'say "$G/ctl" "network-attach mac=00:16:3e:00:00:03 bridge=br2" && vifs "0 1 2" && key_is web1/status vifs 3 && is "$(cat "$G/vifs/2/bridge")" br2'
case_ 'the event of it' event 'vif-attach vif=2 mac=00:16:3e:00:00:03'

# ---- what goes, and what stays ----

exec 7<"$G/disks/xvda/format" 8<"$G/disks/xvdb/format"
cat "$G/disks/xvda/format" "$G/disks/xvda/mode" "$G/disks/xvdb/mode" >/dev/null
b=$(inode "$G/disks/xvdb") c=$(inode "$G/disks/xvdc/mode")
here=$(cd "$G/disks/xvda" && {
	echo 'block-detach xvda' >"$G/ctl"
	cat mode 2>&1 || ls . 2>&1
})
case_ 'who is in the directory of one that goes finds nothing, and not another' eval 'printf "%s\n" "$here" | grep -q "Stale\|No such"'
case_ 'nor does who has a file of it open' eval '! cat <&7'
case_ 'who has one of another open reads that' eval 'is "$(cat <&8)" raw'
exec 7<&- 8<&-
case_ 'the listing' disks 'xvdb xvdc xvdd'
case_ 'the others keep their numbers' eval 'is "$(inode "$G/disks/xvdb")" "$b" && is "$(inode "$G/disks/xvdc/mode")" "$c"'
case_ 'and say what they said' eval 'is "$(cat "$G/disks/xvdb/mode")" r && is "$(cat "$G/disks/xvdb/source")" /i/b.img && is "$(cat "$G/disks/xvdc/source")" "/i/c d.img"'
case_ 'its name is no more' eval '! [ -e "$G/disks/xvda" ] && ! cat "$G/disks/xvda/mode"'
case_ 'the event of its end' event 'disk-detach disk=xvda'
case_ 'again: ENOENT' refused ENOENT "$G/ctl" 'block-detach xvda'
case_ 'another under its name is that one' eval 'say "$G/ctl" "block-attach /i/new.img,raw,xvda,r" && is "$(cat "$G/disks/xvda/source")" /i/new.img && is "$(cat "$G/disks/xvda/mode")" r'
case_ 'counters are of the disk that is meant' eval 'cat "$G/disks/"*/counters >/dev/null && grep -q ^read_bytes "$G/disks/xvda/counters"'
case_ 'network-detach by number: the others keep theirs' eval 'say "$G/ctl" "network-detach 0" && vifs "1 2" && is "$(cat "$G/vifs/1/mac")" 00:16:3e:00:00:02'
case_ 'by MAC' eval 'say "$G/ctl" "network-detach 00:16:3E:00:00:03" && vifs 1 && event "vif-detach vif=2 mac=00:16:3e:00:00:03"'
case_ 'domain.json has those that are there' eval 'is "$(grep -o "\"name\": \"[xv0-9][^\"]*\"" "$G/domain.json" | cut -d\" -f4 | paste -sd " ")" "xvda xvdb xvdc xvdd 1"'
case_ 'many, and no listing is old' eval '
	for i in 1 2 3 4 5 6 7 8 9 10; do
		echo "block-attach /i/n$i.img,raw,sd$(printf "\\$(printf %o $((96 + i)))"),w" >"$G/ctl" && is "$(ls "$G/disks" | wc -l)" $((i + 4)) || exit 1
	done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		name=sd$(printf "\\$(printf %o $((96 + i)))")
		is "$(cat "$G/disks/$name/source")" "/i/n$i.img" && echo "block-detach $name" >"$G/ctl" && ! [ -e "$G/disks/$name" ] && is "$(ls "$G/disks" | wc -l)" $((14 - i)) || exit 1
	done'

# ---- what is refused ----

case_ 'a name that is taken: EEXIST' refused EEXIST "$G/ctl" 'block-attach /i/x.img,raw,xvdb,w'
case_ 'a number that is taken: EEXIST' refused EEXIST "$G/ctl" 'network-attach devid=1'
case_ 'a MAC that is taken: EEXIST' refused EEXIST "$G/ctl" 'network-attach mac=00:16:3e:00:00:02'
case_ 'a relative path: EINVAL' refused EINVAL "$G/ctl" 'block-attach x.img,raw,xvde,w'
case_ 'and of a cdrom' refused EINVAL "$G/ctl" 'cd-insert hdc x.iso'
case_ 'a disk is no drive: EINVAL' refused EINVAL "$G/ctl" 'cd-insert xvdb /i/x.iso'
case_ 'no such interface: ENOENT' refused ENOENT "$G/ctl" 'network-detach 7'
case_ 'nothing said: EINVAL' refused EINVAL "$G/ctl" 'block-attach'
case_ '-n checks' eval 'say "$G/ctl" "-n block-attach /i/x.img,raw,xvde,w" && disks "xvda xvdb xvdc xvdd" && ! say "$G/ctl" "-n block-detach xvdq"'
define web2 'memory = 64' 'disk = [ "/i/t.img,raw,xvda,w" ]' && echo start >"$VM/web2/ctl"
case_ 'an image that another guest writes: EBUSY' refused EBUSY "$G/ctl" 'block-attach /i/t.img,raw,xvde,r'
case_ 'a MAC of another domain: EEXIST' refused EEXIST "$VM/web2/ctl" 'network-attach mac=00:16:3e:00:00:02'
case_ 'what was said to a guest alone counts too' eval 'say "$G/ctl" "network-attach mac=00:16:3e:00:00:09" && refused EEXIST "$VM/web2/ctl" "network-attach mac=00:16:3e:00:00:09"'

# ---- media ----

case_ 'a drive' say "$G/ctl" 'block-attach vdev=hdc,devtype=cdrom'
case_ 'is empty' eval 'is "$(cat "$G/disks/hdc/source")" "" && is "$(cat "$G/disks/hdc/format")" empty'
case_ 'cd-insert' eval 'cat "$G/disks/hdc/format" && say "$G/ctl" "cd-insert hdc /i/x.iso" && is "$(cat "$G/disks/hdc/source")" /i/x.iso && is "$(cat "$G/disks/hdc/format")" raw && event "media disk=hdc text=/i/x.iso"'
case_ 'cd-eject' eval 'say "$G/ctl" "cd-eject hdc" && is "$(cat "$G/disks/hdc/format")" empty && event "media disk=hdc"'

# ---- commit ----

case_ 'commit writes it down' eval 'say "$G/ctl" commit && [ ! -s "$G/pending" ] && key_is web1/status config current'
case_ 'and leaves what is not about devices' grep -qx 'memory = 64' "$G/config"
live=$(grep -E '^(disk|vif)' "$G/live")
case_ 'with it the next start is the same' eval 'say "$G/ctl" destroy && say "$G/ctl" start && is "$(grep -E "^(disk|vif)" "$G/live")" "$live"'
case_ 'without it, as configured' eval 'say "$G/ctl" "block-detach xvdb" && say "$G/ctl" destroy && disks "hdc xvda xvdb xvdc xvdd" && key_is web1/status disks 5'
case_ 'a configuration that changes while it is off does the same to its disks' eval '
	cd "$G/disks/xvdc" && sed -i "s/^disk.*/disk = [ \"\/i\/d.img,raw,xvdd,w\", \"\/i\/b.img,raw,xvdb,w\" ]/" "$G/config" && cd / &&
	disks "xvdb xvdd" && is "$(cat "$G/disks/xvdb/mode")" w && is "$(cat "$G/disks/xvdd/source")" /i/d.img'

# ---- a daemon is killed, and with it the guests of this hypervisor ----

kept() { grep -q '"unchanged": ' "$T/state/domains/web1/meta"; }
before=$(cat "$G/config")
case_ 'what a commit would write is on disk for a successor' eval 'say "$G/ctl" start && not kept && say "$G/ctl" "block-attach /i/k.img,raw,xvdk,w" && kept'
stop_daemon KILL
daemon --backend sim
case_ 'which finds the guest gone: the next one has nothing to commit' eval '
	kept && say "$G/ctl" start && not kept && disks "xvdb xvdd" && say "$G/ctl" commit && is "$(cat "$G/config")" "$before"'
case_ 'and of its own what is its own' eval '
	say "$G/ctl" "block-attach /i/l.img,raw,xvdl,w" && kept && say "$G/ctl" commit && not kept && grep -q l.img "$G/config" && not grep -q k.img "$G/config" &&
	say "$G/ctl" destroy && printf "%s\n" "$before" >"$G/config"'
case_ 'what has ended leaves nothing' eval 'say "$G/ctl" start && say "$G/ctl" "block-detach xvdb" && kept && say "$G/ctl" destroy && until_ 20 not kept'

# ---- whose rights ----

stop_daemon
daemon --backend sim
case_ 'a script or a name for the host'"'"'s interface is not for everyone: EPERM' eval '
	say "$G/ctl" start && chown $NOBODY "$G" && ! as $NOBODY sh -c "echo block-attach vdev=xvde,script=s,target=x >$G/ctl" && grep -q " EPERM .block-attach" "$G/history" &&
	! as $NOBODY sh -c "echo network-attach vifname=eth0 >$G/ctl" && grep -q " EPERM .network-attach" "$G/history"'
case_ 'who does not manage it: EACCES' eval '! as $STRANGER sh -c "echo block-detach xvdb >$G/ctl"'
stop_daemon
daemon --backend sim:fail=disk_attach:EREMOTEIO,fail=disk_detach:EBUSY
case_ 'what the hypervisor refuses has not happened' eval '
	say "$G/ctl" start && before=$(cat "$G/live") && ! say "$G/ctl" "block-attach /i/x.img,raw,xvdx,w" && ! say "$G/ctl" "block-detach xvdb" &&
	is "$(cat "$G/live")" "$before" && disks "xvdb xvdd" && [ ! -s "$G/pending" ]'
