#!/bin/bash
# A thousand and ten thousand domains. Requests are not timed here but bounded: what should be quick ends long before the limit.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

count() { find "$VM" -mindepth 1 -maxdepth 1 -type d | wc -l; }
running() { (cd "$VM" && cat ./*/state) | sort | uniq -c | awk '{ print $1, $2 }'; }
rows() { grep -c '^vm[0-9]' "$VM/list"; }
statuses() { (cd "$VM" && cat ./*/status) | grep -c '^state running$'; }
within() { # SECONDS COMMAND...
	local end=$((SECONDS + $1 * SLOW))
	shift
	"$@" && [ "$SECONDS" -le "$end" ]
}

daemon --backend sim:domains=1000
case_ '1000: ls' is "$(count)" 1000
case_ '1000: ls -l' within 5 ls -l "$VM"
case_ '1000: cat */state' is "$(running)" '1000 running'
case_ '1000: cat */status' is "$(statuses)" 1000
case_ '1000: list' is "$(rows)" 1000
case_ '1000: list has the size that stat says' is "$(wc -c <"$VM/list")" "$(stat -c %s "$VM/list")"
case_ '1000: domains.json' is "$(grep -o '"state": "running"' "$VM/domains.json" | wc -l)" 1000
case_ '1000: a glob of names' is "$(cd "$VM" && echo vm99*)" 'vm99 vm990 vm991 vm992 vm993 vm994 vm995 vm996 vm997 vm998 vm999'
pause_all() {
	local ctl
	for ctl in "$VM"/vm*/ctl; do echo pause >"$ctl" || return 1; done
	is "$(running)" '1000 paused'
}
case_ '1000: each is paused' within 20 pause_all
# shellcheck disable=SC2016
all_at_once() { printf '%s\n' "$VM"/vm*/ctl | xargs -P 16 -n 20 bash -c 'for ctl; do echo unpause >"$ctl" || exit 1; done' each && is "$(running)" '1000 running'; }
case_ '1000: and goes on, sixteen at a time' within 20 all_at_once
defined() {
	local i
	for i in $(seq 100); do mkdir "$VM/d$i" || return 1; done
	is "$(count)" 1100 && rmdir "$VM"/d[0-9]* && is "$(count)" 1000
}
case_ '100 defined and undefined beside them' within 30 defined
storm() { # readers, writers, and a listing, all at once
	local i pids=()
	for i in $(seq 8); do
		(cd "$VM" && for _ in 1 2 3; do cat ./vm"$i"*/status >/dev/null || exit 1; ls -l >/dev/null || exit 1; done) & pids+=($!)
		(for _ in $(seq 30); do echo pause >"$VM/vm$i/ctl" || exit 1; echo unpause >"$VM/vm$i/ctl" || exit 1; done) & pids+=($!)
		(for _ in $(seq 10); do cat "$VM/list" "$VM/vm$i/counters" >/dev/null || exit 1; done) & pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || return 1; done
	is "$(running)" '1000 running'
}
case_ 'readers, writers and listings at once' within 40 storm
stop_daemon TERM

daemon --backend sim:domains=10000
case_ '10000: ls' is "$(count)" 10000
case_ '10000: cat */state' within 20 is "$(running)" '10000 running'
case_ '10000: list' within 10 is "$(rows)" 10000
case_ '10000: one among them' within 2 grep -qx 'state running' "$VM/vm9999/status"
# A sanitizer, with which SLOW is set, needs more.
resident() { [ "$(awk '/^VmRSS/ { print $2 }' "/proc/$PID/status")" -lt $((600000 * SLOW)) ]; }
case_ '10000: in less than 600 MB' resident
before=$SECONDS
stop_daemon TERM
case_ '10000: it ends at once' [ $((SECONDS - before)) -lt $((5 * SLOW)) ]
daemon --backend sim:churn=37,domains=20
churned() {
	for _ in $(seq 100); do ls -l "$VM" >/dev/null 2>&1; cat "$VM/churn/status" >/dev/null 2>&1; done
	until_ 10 [ -e "$VM/churn" ] && until_ 10 [ ! -e "$VM/churn" ] && is "$(cat "$VM"/vm*/state | sort -u)" running
}
case_ 'one that comes and goes all the time' churned
