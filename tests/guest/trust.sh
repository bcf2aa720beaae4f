#!/bin/bash
# What a guest's process may do, and what a tenant's domain may open.
# shellcheck disable=SC2016,SC2034,SC2119 # cases are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib-guest.sh
. tests/lib-guest.sh
daemon
tenant=65534
group=$(id -g nobody)
as_tenant() { setpriv --reuid $tenant --regid "$group" --clear-groups "$@"; }

case_ "two guests start" eval 'define web && define db && ctl web start && ctl db start && until_ $LIMIT up web 1 && until_ $LIMIT up db 1'
proc() { sed -n "s/^$2:[\t ]*//p" "/proc/$(qemus "$1")/status"; } # NAME FIELD
case_ "QEMU runs under a user of its own, with all four ids" eval \
	'set -- $(proc web Uid) && [ "$1" != 0 ] && [ "$1" != "$(id -u nobody)" ] && [ "$1 $2 $3" = "$2 $3 $4" ]'
case_ "and no other guest's" eval '[ "$(proc web Uid)" != "$(proc db Uid)" ] && [ "$(proc web Gid)" != "$(proc db Gid)" ]'
case_ "it has no supplementary groups of root's" eval '[ -z "$(proc web Groups | tr -d " ")" ] || ! proc web Groups | grep -qw 0'
case_ "it is in its sandbox" eval '[ "$(proc web Seccomp)" = 2 ]'
case_ "it can gain nothing" eval '[ "$(proc web NoNewPrivs)" = 1 ] && [ "$(proc web CapEff)" = 0000000000000000 ] &&
	[ "$(proc web CapBnd)" = "$(proc db CapBnd)" ] && [ "$(proc web CapPrm)" = 0000000000000000 ]'
case_ "it has none of the daemon's descriptors" eval '! ls -l "/proc/$(qemus web)/fd" | grep -E "/dev/fuse|/etc/|/state/"'
case_ "it has a session of its own and no environment of the daemon's" eval \
	'pid=$(qemus web) && [ "$(ps -o sid= -p "$pid" | tr -d " ")" = "$pid" ] && ! tr "\0" "\n" <"/proc/$pid/environ" | grep -q "^DOMFS"'
case_ "its folder is closed to others" eval '! as_tenant ls "$T/run/qemu/"*/ 2>/dev/null'
folder_of() { tr '\0' '\n' <"/proc/$(qemus "$1")/cmdline" | sed -n 's/^pipe,id=ev,path=\(.*\)\/ev$/\1/p'; }
as_guest() { setpriv --reuid "$(proc "$1" Uid | cut -f1)" --regid "$(proc "$1" Gid | cut -f1)" --clear-groups "${@:2}"; }
reaches() { as_guest "$1" sh -c ': <"$0"/ev.in || : >>"$0"/ser.out || : >>"$0"/stderr || cat "$0"/run "$0"/config' "$(folder_of "$2")" 2>/dev/null; }
case_ "neither guest's user can reach the other's files" eval '[ -d "$(folder_of db)" ] && ! reaches web db && ! reaches db web'
case_ "nor the socket by which QEMU takes commands" eval \
	'! as_guest web socat -u "UNIX-CONNECT:$(folder_of web)/qmp" - 2>/dev/null && ! as_guest web socat -u "UNIX-CONNECT:$(folder_of db)/qmp" - 2>/dev/null'

mkdir "$T/private" "$T/open"
cp "$GUEST/vmlinuz" "$GUEST/initramfs.gz" "$T/private"
truncate -s 4M "$T/private/disk" "$T/open/disk" "$T/open/readable" "$T/open/mine"
chmod 700 "$T/private"
chmod 600 "$T/open/disk"
chmod 644 "$T/open/readable"
chown $tenant "$T/open/mine"
ctl db destroy

mine() { define db "$@" && chown $tenant:"$group" "$VM/db"; }
case_ "a tenant's domain has a kernel that he can read" eval 'mine && as_tenant cat "$VM/db/status" >/dev/null && start db &&
	ctl db destroy'
case_ "his domain may not read a kernel that he could not" eval \
	'mine "kernel = \"$T/private/vmlinuz\"" && refusal db start EACCES "$T/private/vmlinuz"'
case_ "nor a ramdisk" eval 'mine "ramdisk = \"$T/private/initramfs.gz\"" && refusal db start EACCES "$T/private/initramfs.gz"'
case_ "nor a file of a FUSE server, which could hold the daemon" eval \
	'mine "kernel = \"$VM/db/status\"" && refusal db start EINVAL "$VM/db/status"'
case_ "nor a disk" eval "mine \"disk = [ 'file:$T/open/disk,xvda,w' ]\" && refusal db start EACCES '$T/open/disk'"
case_ "nor write one that he can only read" eval \
	"mine \"disk = [ 'file:$T/open/readable,xvda,w' ]\" && refusal db start EACCES '$T/open/readable'"
case_ "whoever says start: he himself" eval \
	'! as_tenant sh -c "echo start >\"\$0\"" "$VM/db/ctl" 2>/dev/null && state_is db off && history_says db "EACCES .start"'
ln -s "$T/open/disk" "$T/open/link"
case_ "a link leads him no further" eval "mine \"disk = [ 'file:$T/open/link,xvda,w' ]\" && ! ctl db start && state_is db off"
case_ "nor /proc" eval "mine \"disk = [ 'file:/proc/self/fd/0,xvda,w' ]\" && ! ctl db start && state_is db off"
case_ "nothing is left of the refused" eval '[ "$(folders | wc -l)" = 1 ] && no_qemu db'
case_ "what he can write, he may give" eval "mine \"disk = [ 'file:$T/open/mine,xvda,w' ]\" && start db &&
	in_guest db 'echo written >/dev/vda; sync' && head -c 7 '$T/open/mine' | grep -q written && ctl db destroy"
case_ "host keys are not for him" eval \
	'! mine "device_model_args = [ \"-s\" ]" && history_says db "EPERM .config" && ! grep -q device_model "$VM/db/config"'
case_ "nor one time only" eval '! as_tenant sh -c "echo \"start vnclisten=0.0.0.0 vnc=1\" >\"\$0\"" "$VM/db/ctl" 2>/dev/null && state_is db off'
