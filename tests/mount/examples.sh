#!/bin/bash
# Each file of examples/, run as people would.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"
E=$(realpath "$HERE/../examples")
PATH=$E:$PATH
said() { grep -q "$1" "$T/said"; }

case_ 'every example is run here' is "$(cd "$E" && ls)" 'backup-configs
domfs.conf
monitor
rolling-pause
vm
wait-for-shutdown
web1.cfg
win1.cfg'
taken() { # the daemon reads it where the manual says that it lies, and finds no fault
	mkdir "$T/conf" && cp "$E/domfs.conf" "$T/conf/" && touch "$T/file" && ! timeout 20 "$DOMFS" --foreground --config-dir "$T/conf" \
		--state-dir "$T/file" "$T/m" >"$T/said" 2>&1 && ! said domfs.conf
}
case_ 'domfs.conf is taken' taken
daemon --backend sim

# ---- vm ----

cd "$T" || exit 1
sed '/^kernel\|^ramdisk/d' "$E/web1.cfg" >web1.cfg
table() { vm | head -n 2 | grep -q '^Domain-0'; }
create() { vm create web1.cfg memory=128 && state_is web1 running && is "$(cat "$VM/web1/mem")" 128; }
reason() { not vm web1 "$@" 2>"$T/said" && is "$(wc -l <"$T/said")" 1; }
spaces() { printf 'memory = 32\n' >"it's one.cfg" && not vm create "./it's one.cfg" 2>"$T/said" && said "it's one"; }
case_ 'vm: the table' table
case_ 'vm create FILE, from here' create
case_ 'vm NAME: its status' is "$(vm web1)" "$(cat "$VM/web1/status")"
case_ 'vm NAME VERB' vm web1 pause
case_ 'vm NAME VERB ARGUMENT' vm web1 wait paused 5
case_ 'vm says the reason' reason start
case_ 'in words' said 'paused'
case_ 'vm NAME unpause' vm web1 unpause
case_ 'vm of no domain' not vm nobody pause
case_ 'vm with quotes in a name' spaces
console() { # in a terminal, until Ctrl-]
	mkfifo "$T/keys"
	exec 8<>"$T/keys"
	script -qefc 'vm web1 console' /dev/null <"$T/keys" >"$T/said" 2>&1 &
	until_ 20 typed && printf '\035' >&8 && until_ 10 ended $!
}
typed() { printf 'help\r' >&8 && said poweroff; }
if command -v socat >/dev/null; then case_ 'vm NAME console' console; else skip 'vm console: there is no socat'; fi

# ---- the others ----

for name in a b; do define "$name" 'memory = 32' && say "$VM/$name/ctl" start; done
say "$VM/b/ctl" pause
monitor_once() {
	monitor -1 >"$T/said" && said '^NAME ' && said '^a  *running' && said '^b  *paused' && is "$(wc -l <"$T/said")" 4
}
monitor_on() { not timeout 2 monitor 0.2 >"$T/said" && [ "$(grep -c NAME "$T/said")" -gt 1 ]; }
rolling() {
	is "$(rolling-pause 0 | paste -sd' ')" 'a web1' && state_is b paused && state_is a running && state_is web1 running &&
		grep -q "ok 'pause'" "$VM/a/history"
}
interrupted() { # by Ctrl-C: what is in hand goes on
	setsid env --default-signal rolling-pause 60 >/dev/null &
	until_ 10 state_is a paused && kill -INT -- -$! && until_ 10 state_is a running
}
backup() {
	into=$(backup-configs "$T/backups") && is "$(cd "$into" && echo *)" 'a.cfg b.cfg web1.cfg' && cmp "$into/a.cfg" "$VM/a/config" &&
		is "$(stat -c %a "$into")" 700
}
restored() { # the copy brings the domain back
	say "$VM/a/ctl" destroy && rmdir "$VM/a" && vm create "$T"/backups/*/a.cfg && state_is a running
}
not_whole() { not as "$NOBODY" env VM="$VM" "$E/backup-configs" "$T/open" 2>/dev/null && is "$(ls "$T/open")" ''; }
mkdir -m 777 "$T/open"
down() {
	say "$VM/b/ctl" unpause && is "$(wait-for-shutdown -t 20 a b web1 | sort | cut -d' ' -f1 | paste -sd' ')" 'a b web1' &&
		state_is a off && state_is b off && state_is web1 off
}
case_ 'monitor -1' monitor_once
case_ 'monitor' monitor_on
case_ 'rolling-pause' rolling
case_ 'rolling-pause that is ended' interrupted
case_ 'backup-configs' backup
case_ 'its copy brings a domain back' restored
case_ 'backup-configs is whole or not there' not_whole
case_ 'wait-for-shutdown' down
case_ 'wait-for-shutdown of one that is off' is "$(wait-for-shutdown a | cut -d' ' -f1)" a
case_ 'without a name: usage' is "$(wait-for-shutdown 2>&1 >/dev/null | cut -c1-6)" usage:
stop_daemon TERM
daemon --backend sim:ignore=shutdown
say "$VM/a/ctl" start
case_ 'wait-for-shutdown destroys who does not obey' wait-for-shutdown -t 0 a
case_ 'it is off' state_is a off
for config in web1 win1; do case_ "$config.cfg is a configuration" "$DOMFS" --check-config "$E/$config.cfg"; done
