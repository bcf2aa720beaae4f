#!/bin/bash
# Two users that are not root, and root: who reads, who manages, who owns.
# shellcheck disable=SC2016 # cases are texts for eval
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"
[ "$(id -u)" = 0 ] || { skip 'users: this needs root'; exit 0; }

daemon --backend sim
define web1 'memory = 64' "vncpasswd = 'secret'" 'vnc = 1' || exit 1
G=$VM/web1
say "$G/ctl" start
ana() { as "$NOBODY" "$@"; }
ben() { as "$STRANGER" "$@"; }
# shellcheck disable=SC2016
ana_says() { ana bash -c 'echo "$2" >"$1"' says "$1" "$2"; }
# shellcheck disable=SC2016
ben_says() { ben bash -c 'echo "$2" >"$1"' says "$1" "$2"; }
denied() { not "$@" 2>"$T/denied" && grep -qi 'permission denied\|not permitted' "$T/denied"; }
mode() { is "$(stat -c '%A %u %g' "$1")" "$2"; }

# ---- what is kept for everybody holds nothing that is not for everybody ----

WAYS=$(tool ways)
no_page() { not "$WAYS" splice "$1" 2>"$T/said" && grep -q Invalid "$T/said"; }
case_ 'a page of what has a password: EINVAL' no_page "$G/config"
case_ 'in force, too' no_page "$G/live"
case_ 'of what each sees as he may' eval 'no_page "$VM/list" && no_page "$VM/domains.json"'
case_ 'a page of facts' eval '"$WAYS" splice "$G/status" | grep -q "^name web1"'
case_ 'a page of a configuration without' eval 'define open "memory = 64" && is "$("$WAYS" splice "$VM/open/config")" "memory = 64" && rmdir "$VM/open"'
case_ 'cp has it all the same' eval 'cp "$G/config" "$T/copied" && grep -q secret "$T/copied"'

# ---- root's domain ----

case_ 'anybody reads facts' ana cat "$G/state" "$G/status" "$G/counters" "$G/events" "$G/domain.json"
case_ 'anybody lists' ana ls -l "$VM" "$G"
case_ 'nobody else writes ctl' denied ana_says "$G/ctl" pause
case_ 'nor a setting' denied ana_says "$G/mem" 32
case_ 'nor the configuration' denied ana_says "$G/config" 'memory = 32'
case_ 'nor keys' denied ana_says "$G/console" poweroff
for file in config live console log history .console; do case_ "nobody else reads $file" denied ana cat "$G/$file"; done
case_ 'nor the root'"'"'s events and history' denied ana cat "$VM/events" "$VM/history"
case_ 'nor defines: the root is 0755' denied ana mkdir "$VM/ana1"
case_ 'nor undefines' denied ana rmdir "$G"
case_ 'nor renames' denied ana mv "$G" "$VM/mine"
case_ 'nor takes it over' denied ana chown "$NOBODY" "$G"
case_ 'nor opens it to others' denied ana chmod 777 "$G"
case_ 'the root verbs are for root' denied ana_says "$VM/ctl" reload
case_ 'it still runs' state_is web1 running
secret_hidden() { not grep -rs secret <(ana grep -rs . "$G"); }
case_ 'a password is shown to no reader' secret_hidden

# ---- chmod ----

case_ 'chmod 750 of the directory' chmod 750 "$G"
case_ 'others are shut out' denied ana cat "$G/state"
ana_list() { not ana grep -q web1 "$VM/list" && not ana grep -q web1 "$VM/domains.json" && grep -q web1 "$VM/list"; }
case_ 'and see it in no table' ana_list
group_reads() { chgrp "$NOBODY" "$G" && ana cat "$G/state" "$G/config" >/dev/null && denied ana_says "$G/ctl" pause; }
case_ 'the group reads, config too' group_reads
case_ 'but no password' not ana grep -q secret "$G/config"
group_manages() { chmod 770 "$G" && ana_says "$G/ctl" pause && state_is web1 paused && ana_says "$G/ctl" unpause; }
case_ 'w for the group: it manages' group_manages
case_ 'and sees the password' ana grep -q secret "$G/config"
manager_configures() { # root's files would be opened for her
	printf 'memory = 64\ndisk = [ "/etc/shadow,raw,xvda,r" ]\n' >"$T/hers.cfg"
	chmod 644 "$T/hers.cfg"
	not ana cp "$T/hers.cfg" "$G/config" 2>/dev/null && tail -n 1 "$G/history" | grep -q "EPERM 'config' .*its owner" &&
		grep -q secret "$G/config"
}
case_ 'but the configuration is its owner'"'"'s' manager_configures
case_ 'its name is in history' grep -Eq " (nobody|$NOBODY)[^ ]* [0-9]+ ok 'pause'" "$G/history"
no_gift() { denied ana chown "$STRANGER" "$G" && denied ana chmod 777 "$G"; }
case_ 'a manager is no owner' no_gift
case_ 'chmod 755 again' chmod 755 "$G"
case_ 'mode and group are seen' mode "$G" "drwxr-xr-x 0 $NOBODY"

# ---- chown ----

case_ 'chown' chown "$NOBODY:$NOBODY" "$G"
case_ 'is seen by ls' mode "$G" "drwxr-xr-x $NOBODY $NOBODY"
case_ 'and in owner' grep -Eqx "nobody|$NOBODY" "$G/owner"
case_ 'and in status' grep -Eqx "owner (nobody|$NOBODY)" "$G/status"
owner_manages() { ana_says "$G/ctl" pause && ana_says "$G/ctl" unpause && ana_says "$G/mem" 32 && ana_says "$G/mem" 64 && ana_says "$G/tags" hers; }
case_ 'the owner manages' owner_manages
case_ 'another user does not' denied ben_says "$G/ctl" pause
case_ 'the owner opens it' ana chmod 775 "$G"
case_ 'and closes it' ana chmod 755 "$G"
case_ 'the owner does not give it away' denied ana chown "$STRANGER" "$G"
case_ 'nor by the file owner' denied ana_says "$G/owner" root
case_ 'nor to a group that is not hers' denied ana chgrp 0 "$G"
case_ 'root does' say "$G/group" root
ana_configures() {
	printf 'memory = 48\n' >"$T/ana.cfg" && chmod 644 "$T/ana.cfg" && ana cp "$T/ana.cfg" "$G/config" && ana cmp "$T/ana.cfg" "$G/config" &&
		ana sed -i 's/48/49/' "$G/config" && ana grep -q 'memory = 49' "$G/config"
}
case_ 'the owner writes the configuration' ana_configures
root_only() { # TEXT: a key that reaches the host is for root's domains
	printf 'memory = 48\n%s\n' "$1" >"$T/reach.cfg" && not ana cp "$T/reach.cfg" "$G/config" 2>/dev/null &&
		grep -q 'memory = 49' "$G/config" && tail -n 1 "$G/history" | grep -E "E(PERM|ACCES|INVAL) 'config'"
}
for text in 'pci = [ "00:01.0" ]' 'bios_path_override = "/etc/shadow"' 'serial = "file:/etc/cron.d/x"' 'device_model_args = [ "-x" ]' \
	'vif = [ "script=/tmp/x" ]' 'vnclisten = "0.0.0.0"'; do
	case_ "a tenant may not say ${text%% *}" root_only "$text"
done
no_undefine() { say "$G/ctl" destroy && denied ben rmdir "$G"; }
case_ 'the root directory is 0755: nobody else removes it' no_undefine
case_ "and neither does its owner" denied ana rmdir "$G"
case_ 'another user'"'"'s scratch file is his own' not ls "$G/.x"

# ---- what a verb names is opened as who says it ----

paths() {
	printf 'memory = 64\n' >"$T/private.cfg"
	chmod 600 "$T/private.cfg"
	denied ana_says "$VM/ctl" "create $T/private.cfg"
}
case_ 'create opens the file as the caller' paths
id=$(stat -c '%A %u %g' "$G")
stop_daemon TERM

# ---- a root where users define ----

daemon --backend sim --define users
case_ 'owner, group and mode survive the daemon' mode "$G" "$id"
case_ 'the root is 1777' is "$(stat -c %a "$VM")" 1777
defines() { ana mkdir "$VM/ana1" && mode "$VM/ana1" "drwxr-xr-x $NOBODY $NOBODY" && ana cp "$T/ana.cfg" "$VM/ana1/config"; }
case_ 'a user defines' defines
case_ 'starts' ana_says "$VM/ana1/ctl" start
case_ 'renames' ana mv "$VM/ana1" "$VM/ana2"
case_ 'another user does not remove it' denied ben rmdir "$VM/ana2"
case_ 'nor rename it' denied ben mv "$VM/ana2" "$VM/ben"
case_ 'nor start his own over it' not ben mkdir "$VM/ana2"
creates() { chmod 644 "$T/private.cfg" && ben_says "$VM/ctl" "create $T/private.cfg" && mode "$VM/private" "drwxr-xr-x $STRANGER $STRANGER"; }
case_ 'create makes it the caller'"'"'s' creates
half() { # what cannot start leaves nothing
	printf 'memory = 99999999\n' >"$T/huge.cfg" && chmod 644 "$T/huge.cfg" && not ben_says "$VM/ctl" "create $T/huge.cfg" 2>/dev/null &&
		[ ! -e "$VM/huge" ]
}
case_ 'a create that fails leaves no domain' half
ends() { ana_says "$VM/ana2/ctl" destroy && ana rmdir "$VM/ana2" && [ ! -e "$VM/ana2" ]; }
case_ 'the owner undefines' ends
nameless() { as 64999 mkdir "$VM/nameless" && mode "$VM/nameless" 'drwxr-xr-x 64999 64999' && is "$(cat "$VM/nameless/owner")" 64999; }
case_ 'a user without a name' nameless
both() { # two users, at the same time
	local a b
	for _ in 1 2 3 4 5; do
		ana_says "$G/ctl" start & a=$!
		ben_says "$VM/private/ctl" pause & b=$!
		wait $a && wait $b || return 1
		ana_says "$G/ctl" destroy & a=$!
		ben_says "$VM/private/ctl" unpause & b=$!
		wait $a && wait $b || return 1
	done
}
case_ 'two users at once' both

# ---- who sees another tree of files names no path in it ----

elsewhere() { # in a mount namespace of its own, root as he may be
	! unshare --mount --propagation unchanged sh -c "echo 'create $T/own.cfg' >'$VM/ctl'" 2>/dev/null &&
		tail -n 1 "$VM/history" | grep -q " EPERM 'create .*mount namespace"
}
printf 'memory = 64\n' >"$T/own.cfg"
case_ 'create from another mount namespace: EPERM' elsewhere
case_ 'and nothing came of it' not test -e "$VM/own"
