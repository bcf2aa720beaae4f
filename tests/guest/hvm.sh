#!/bin/bash
# Guests that a firmware boots, and their display.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon
cp "$GUEST/hvm.img" "$T/hvm.img"

hvm_cfg() { # NAME [LINE...]: of no kernel
	printf '%s\n' "builder = 'hvm'" "memory = 192" "serial = 'pty'" "${@:2}" >"$T/$1.cfg"
	[ -d "$VM/$1" ] || mkdir "$VM/$1" || return
	cp "$T/$1.cfg" "$VM/$1/config"
}
# The kernel was loaded from a cdrom or a disk: it is the same file, so the guest is asked which drives it has.
disk="'file:$T/hvm.img,hda,w'" cd="'file:$GUEST/hvm.iso,hdc:cdrom,r'" blank="'file:$T/blank,hda,w'"
truncate -s 8M "$T/blank"

case_ "it boots from its disk" eval 'hvm_cfg win "disk = [ $disk ]" && start win && guest_says win "ls /dev/sr0 2>/dev/null" ""'
case_ "it has a display without asking for one" eval '[ -s "$VM/win/vnc" ]'
case_ "destroy" ctl win destroy
case_ "boot=dc: from its cdrom, over an empty disk" eval \
	'hvm_cfg win "disk = [ $blank, $cd ]" "boot = \"dc\"" "vncpasswd = \"geheim\"" && start win'
case_ "reset boots it again" eval 'n=$(ups win) && ctl win reset && until_ $LIMIT up win $((n + 1))'
case_ "reboot -w boots it again" eval 'n=$(ups win) && ctl win "reboot -w 120" && until_ $LIMIT up win $((n + 1))'

address=$(cat "$VM/win/vnc")
case_ "vnc is on this host only" eval 'printf "%s\n" "$address" | grep -q "^127\.0\.0\.1:59[0-9][0-9]*$" &&
	ss -Hltnp | grep "pid=$(qemus win)," | grep -v " 127\.0\.0\.1:"; [ $? = 1 ]'
# rfb: what the server offers to a client of version 3.8: how many kinds of security, and which; 02 is the password.
rfb() {
	local hello kinds
	exec 8<>"/dev/tcp/${address%:*}/${address##*:}" || return
	hello=$(timeout 30 head -c 12 <&8)
	printf 'RFB 003.008\n' >&8
	kinds=$(timeout 30 head -c 2 <&8 | xxd -p)
	exec 8>&-
	echo "$hello $kinds"
	[ "$hello" = "RFB 003.008" ] && [ "$kinds" = 0102 ]
}
case_ "vnc speaks RFB and wants a password" rfb
case_ "the password is not in the command line of QEMU" eval '! grep -aq geheim "/proc/$(qemus win)/cmdline"'
case_ ".screen.png is a picture" eval \
	'cat "$VM/win/.screen.png" >"$T/screen" && [ "$(head -c 8 "$T/screen" | xxd -p)" = 89504e470d0a1a0a ]'
case_ "and another one after the guest wrote on its screen" eval 'in_guest win "seq 100 >/dev/tty1" &&
	until_ $LIMIT eval "cat \"\$VM/win/.screen.png\" >\"\$T/later\" && ! cmp -s \"\$T/screen\" \"\$T/later\""'
case_ "destroy" ctl win destroy
case_ "the address is gone with the guest" eval '[ ! -s "$VM/win/vnc" ] && ! (exec 8<>"/dev/tcp/${address%:*}/${address##*:}")'
case_ "off: there is no screen" eval '! cat "$VM/win/.screen.png"'

case_ "boot=cd: an empty disk is passed over" eval 'hvm_cfg win "disk = [ $blank, $cd ]" "boot = \"cd\"" && start win && ctl win destroy'
case_ "one time only: start boot=c from the disk, with a cdrom that is there" eval \
	'hvm_cfg win "disk = [ $disk, $cd ]" "boot = \"d\"" && start win boot=c && ctl win destroy'
case_ "boot=c with an empty disk does not boot from the cdrom" eval \
	'hvm_cfg win "disk = [ $blank, $cd ]" "boot = \"c\"" && n=$(ups win) && ctl win start && pass 15 && [ "$(ups win)" = "$n" ] &&
	state_is win running && ctl win destroy'
case_ "sdl is refused with its reason" eval 'hvm_cfg win "disk = [ $disk ]" "sdl = 1" && refusal win start EOPNOTSUPP vnc'
case_ "a kernel in an hvm domain is booted directly" eval \
	'hvm_cfg win "kernel = \"$GUEST/vmlinuz\"" "ramdisk = \"$GUEST/initramfs.gz\"" "cmdline = \"quiet console=ttyS0 domfs.name=direct\"" &&
	start win && guest_says win hostname direct && ctl win destroy'
