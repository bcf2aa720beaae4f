# shellcheck shell=bash
# What holds over every backend: one list of cases, run by tests/mount with the simulator, tests/guest with QEMU, tests/xen with Xen.
# The script that sources it has sourced tests/lib.sh and gives
#	config_text NAME	a configuration: memory=$MEM, maxmem=$MEM, vcpus=1, no name=; its guest shuts down when asked
#	guest_ready NAME	returns when the guest obeys a shutdown and reads its console
#	guest_do NAME WORD	the guest by itself does poweroff, reboot or crash
#	guest_echo NAME WORD	WORD is typed and comes back on the console
#	MEM MEM_LESS ONE_TIME	MiB, fewer MiB, and a key=value for start that changes `live`
# and calls contract NAME. Cases that a backend cannot do are skipped by what it answers: EOPNOTSUPP.

# can VERB...: does this backend have it? Nothing is done.
can() { not grep -q EOPNOTSUPP <(say "$G/ctl" "-n $*"; tail -n 1 "$G/history"); }

STATUS_KEYS='name id uuid backend state reason since started mem_mib mem_actual_mib maxmem_mib vcpus maxvcpus disks vifs
autostart config job owner group tags'
FILES='autostart config console counters ctl disks domain.json events group history id job live log mem name notes owner
pending sched state status tags uuid vcpu-list vcpus vifs vnc'

contract() {
	N=$1
	G=$VM/$N
	contract_off
	contract_config
	contract_start
	contract_on
	contract_settings
	contract_names
	contract_ends
	contract_policies
	contract_undefine
}

# ---- a domain that is off ----

contract_off() {
	case_ 'mkdir defines a domain' mkdir "$G"
	case_ 'which is off and has an empty configuration' off_and_empty
	case_ 'mkdir of a name that is there: EEXIST' grep -q 'File exists' <(LC_ALL=C mkdir "$G" 2>&1)
	case_ 'mkdir of a name that no domain may have: EINVAL' grep -q 'Invalid argument' <(LC_ALL=C mkdir "$VM/9x" 2>&1)
	case_ 'every file is there' every_file
	case_ 'start without a configuration: EINVAL' refused EINVAL "$G/ctl" start
	case_ 'cp configures it' configure
	case_ 'start -n does nothing' dry_start
	for verb in pause unpause reset shutdown reboot destroy 'trigger nmi' 'vcpu-pin 0 0' commit; do
		case_ "$verb needs it on: EHOSTDOWN" refused EHOSTDOWN "$G/ctl" "$verb"
	done
	case_ 'what is typed to it: EHOSTDOWN' console_refused
}

off_and_empty() {
	state_is "$N" off && is "$(cat "$G/config")" '' && is "$(key "$N/status" id)" - && is "$(cat "$G/id")" '' &&
		grep -q " $N define" "$VM/events"
}

every_file() {
	local f
	for f in $FILES .console .events; do [ -e "$G/$f" ] || { echo "no $f"; return 1; }; done
	is "$(cut -d' ' -f1 "$G/status" | head -n 21 | paste -sd' ')" "$(echo "$STATUS_KEYS" | paste -sd' ')" &&
		is "$(key "$N/status" backend)" "$(sed -n 's/^hypervisor //p' "$VM/info")"
}

configure() {
	config_text "$N" >"$T/$N.cfg" && cp "$T/$N.cfg" "$G/config" && cmp "$T/$N.cfg" "$G/config" &&
		is "$(cat "$G/mem")" "$MEM" && key_is "$N/status" config current && [ ! -s "$G/live" ] && [ ! -s "$G/pending" ]
}

dry_start() { say "$G/ctl" '-n start' && state_is "$N" off && tail -n 1 "$G/history" | grep -q "ok '-n start'"; }
console_refused() { grep -qi 'host is down' <(LC_ALL=C dd of="$G/console" <<<x 2>&1); }

# ---- configurations that are refused ----

contract_config() {
	case_ 'a configuration that does not parse is refused, by line and column' config_refused 'memory = = 5' '1'
	case_ 'the second line is named as such' config_refused "$(printf 'memory = 64\nvcpus = oops oops')" '2'
	case_ 'another name= is refused' config_refused "name = 'other'" ''
	case_ 'a good one ends the refusal' configure
}

config_refused() { # TEXT LINE
	local before
	before=$(cat "$G/config")
	printf '%s\n' "$1" >"$T/bad.cfg"
	not cp "$T/bad.cfg" "$G/config" && is "$(cat "$G/config")" "$before" && key_is "$N/status" config rejected &&
		tail -n 1 "$G/history" | grep -E " EINVAL 'config'.*${2:+[^0-9]$2[^0-9]}" && grep -q 'config=rejected' "$G/events"
}

# ---- start ----

contract_start() {
	case_ 'start returns when it runs' start_runs
	case_ 'a domain that runs has an id, a live configuration and a start time' is_on
	case_ 'a second start: EBUSY' refused EBUSY "$G/ctl" start
	case_ 'rmdir of a domain that is on: EBUSY' grep -qi 'busy' <(LC_ALL=C rmdir "$G" 2>&1)
	case_ 'rm -r of a domain destroys nothing' rm_refused
	case_ 'the guest is ready' guest_ready "$N"
	case_ 'what is typed on the console comes back' guest_echo "$N" hello
	case_ 'pause returns when it has paused' pauses
	case_ 'pause again changes nothing' pause_again
	case_ 'unpause' verb_to unpause running
	case_ 'an unknown verb: EINVAL, the near one is named' near_verb
	case_ 'a state that is none: EINVAL, the near one is named' near_state
	case_ 'too many words: EINVAL' refused EINVAL "$G/ctl" 'pause now'
	case_ 'a quote that is not closed: EINVAL' refused EINVAL "$G/ctl" "rename 'x"
	case_ 'the host is no domain: EPERM' host_refused
}

verb_to() { say "$G/ctl" "$1" && state_is "$N" "$2"; }
start_runs() {
	verb_to start running && grep -q " $N start state=starting" "$G/events" && grep -q " $N running " "$G/events" &&
		grep -Eq "^[0-9T:.-]+Z root(\([^)]*\))? [0-9]+ ok 'start'$" "$G/history" && [ -z "$(cat "$G/job")" ]
}
is_on() {
	[ -s "$G/live" ] && [ ! -s "$G/pending" ] && is "$(cat "$G/mem")" "$MEM" && is "$(cat "$G/vcpus")" 1 &&
		[ "$(cat "$G/id")" -ge 1 ] && grep -Eq '^started [0-9]{4}-.*Z$' "$G/status" &&
		grep -q "^$N " "$VM/list" && grep -q '^0 ' "$G/vcpu-list"
}
rm_refused() { not rm -rf "$G" 2>/dev/null && state_is "$N" running && cmp "$T/$N.cfg" "$G/config"; }
pauses() { verb_to pause paused && grep -q '^0 .* p ' "$G/vcpu-list" && grep -q " $N paused " "$G/events"; }
# Refused or nothing to do, but a word about it in both cases.
pause_again() {
	say "$G/ctl" pause || tail -n 1 "$G/history" | grep -q EINVAL || return 1
	state_is "$N" paused
}
near_verb() { refused EINVAL "$G/ctl" pasue && say "$G/ctl" pasue | grep -q pause; }
near_state() { refused EINVAL "$G/ctl" 'wait runing' && say "$G/ctl" 'wait runing' | grep -q running; }
host_refused() {
	not say "$VM/Domain-0/ctl" destroy >"$T/host" && grep -q . "$T/host" && is "$(cat "$VM/Domain-0/id")" 0 &&
		! find "$VM" -maxdepth 1 -name Domain-0 | grep .
}

# ---- what is asked of one that is on ----

contract_on() {
	case_ 'wait for the state that is there ends at once' say "$G/ctl" 'wait running'
	case_ 'wait for one that does not come: ETIMEDOUT' refused ETIMEDOUT "$G/ctl" 'wait off 0'
	case_ 'wait for one of two' wait_two
	case_ 'cancel with nothing under way is refused' not say "$G/ctl" cancel
	case_ 'reset, and it is up again' resets
	case_ 'reboot -w returns when it is up again' reboots
	case_ 'counters grow' counters_grow
	case_ 'the JSON holds the status' grep -q "\"name\": *\"$N\"" "$G/domain.json"
	case_ 'seconds without -w: EINVAL' refused EINVAL "$G/ctl" 'shutdown 5'
}

wait_two() {
	bash -c "echo 'wait off paused 60' >'$G/ctl'" &
	until_ 10 blocked $! && verb_to pause paused && wait $! && verb_to unpause running
}
resets() { say "$G/ctl" reset && until_ 30 state_is "$N" running && guest_ready "$N"; }
reboots() { say "$G/ctl" 'reboot -w 120' && state_is "$N" running && guest_ready "$N"; }
counters_grow() {
	local first
	is "$(head -n 1 "$G/counters" | cut -d' ' -f1)" sampled || return 1
	first=$(key "$N/counters" cpu_usec)
	until_ 20 grown "$first"
}
grown() { [ "$(key "$N/counters" cpu_usec)" -gt "$1" ]; }

# ---- settings ----

contract_settings() {
	if can mem-set "$MEM_LESS"; then
		case_ 'memory is taken' memory "$MEM_LESS" "$MEM_LESS"
		case_ 'and given back, relative to what there is' memory "+$((MEM - MEM_LESS))" "$MEM"
		case_ 'more than maxmem: EINVAL' refused EINVAL "$G/mem" $((MEM * 4))
		case_ 'no memory at all: EINVAL' refused EINVAL "$G/mem" 0
		case_ 'a word that is no size: EINVAL' refused EINVAL "$G/mem" much
		case_ 'what was changed while it runs is pending, and commit keeps it' commits
	else
		skip "memory: $N's hypervisor does not balloon"
	fi
	if can vcpu-pin 0 0; then
		case_ 'vcpu-pin is seen in vcpu-list' pins
		case_ 'a VCPU that there is not: EINVAL' refused EINVAL "$G/ctl" 'vcpu-pin 99 0'
	else
		skip "vcpu-pin: $N's hypervisor does not"
	fi
	case_ 'autostart by file and by verb' autostarts
	case_ 'tags and notes' notes
	case_ 'what is read from a setting can be written back' round
	case_ 'new configuration is pending until the next start' pending
}

targets() { grep -c " $N mem target_mib=" "$G/events"; }
memory() { # WRITE EXPECT
	local before
	before=$(targets)
	say "$G/mem" "$1" && is "$(targets)" $((before + 1)) && is "$(cat "$G/mem")" "$2" && until_ 60 key_is "$N/status" mem_actual_mib "$2" &&
		grep -q " $N mem " "$G/events" && tail -n 5 "$G/history" | grep -q "ok 'mem $1'"
}
commits() {
	say "$G/ctl" "mem-set $MEM_LESS" && grep -q "^memory $MEM_LESS -> $MEM$" "$G/pending" &&
		key_is "$N/status" config pending && say "$G/ctl" commit && [ ! -s "$G/pending" ] &&
		grep -q "^memory *= *$MEM_LESS" "$G/config" && say "$G/mem" "$MEM" && cp "$T/$N.cfg" "$G/config"
}
pins() {
	say "$G/ctl" 'vcpu-pin 0 0' && grep -q '^0 .* 0$' "$G/vcpu-list" && say "$G/ctl" 'vcpu-pin all all'
}
autostarts() {
	say "$G/autostart" on && is "$(cat "$G/autostart")" on && key_is "$N/status" autostart on &&
		say "$G/ctl" 'autostart off' && is "$(cat "$G/autostart")" off && refused EINVAL "$G/autostart" perhaps
}
notes() {
	say "$G/tags" 'prod  web,db' && is "$(cat "$G/tags")" 'prod web db' && key_is "$N/status" tags prod,web,db &&
		printf 'ask Ana\nfirst\n' >"$G/notes" && is "$(cat "$G/notes")" "$(printf 'ask Ana\nfirst')" &&
		say "$G/tags" '' && is "$(cat "$G/tags")" '' && key_is "$N/status" tags -
}
round() {
	local f
	for f in mem autostart tags owner group notes config; do
		cat "$G/$f" >"$T/before"
		if ! cat "$T/before" >"$G/$f" || ! cmp "$T/before" "$G/$f"; then echo "$f"; return 1; fi
	done
}
pending() {
	sed "s/^memory.*/memory = $MEM_LESS/" "$T/$N.cfg" >"$G/config"
	is "$(cat "$G/mem")" "$MEM" && grep -q "^memory $MEM -> $MEM_LESS$" "$G/pending" && cp "$T/$N.cfg" "$G/config" &&
		not grep -q '^memory' "$G/pending"
}

# ---- other names ----

contract_names() {
	case_ 'rename by verb while it is on' renamed "say $G/ctl 'rename $N-b'" "$N-b"
	case_ 'rename back by mv' renamed "mv $VM/$N-b $G" "$N"
	case_ 'rename to a name that is there: EEXIST' rename_taken
	case_ 'rename to what is no name: EINVAL' refused EINVAL "$G/ctl" 'rename a/b'
}

renamed() { # COMMAND NAME
	local id
	id=$(cat "$VM"/"$N"*/id)
	eval "$1" && state_is "$2" running && is "$(cat "$VM/$2/name")" "$2" && is "$(cat "$VM/$2/id")" "$id" &&
		is "$(find "$VM" -maxdepth 1 -name "$N*" -printf '%f ')" "$2 " && grep -q " $2 rename " "$VM/events"
}
rename_taken() {
	mkdir "$VM/$N-c" && refused EEXIST "$G/ctl" "rename $N-c" && not mv -T "$G" "$VM/$N-c" 2>/dev/null &&
		rmdir "$VM/$N-c" && state_is "$N" running
}

# ---- ends ----

contract_ends() {
	case_ 'shutdown -w returns when it is off' shuts_down
	case_ 'its console outlives it' [ -s "$G/console" ]
	case_ 'rename while it is off' renamed_off
	case_ 'one-time words hold for one start' one_time
	case_ 'a key that there is not is refused' refused EINVAL "$G/ctl" 'start memroy=5'
	case_ 'start -p leaves it paused' verb_to 'start -p' paused
	case_ 'destroy takes a paused one' verb_to destroy off
}

shuts_down() {
	guest_ready "$N" && say "$G/ctl" 'shutdown -w 120' && state_is "$N" off && is "$(cat "$G/id")" '' && [ ! -s "$G/live" ] &&
		grep -q " $N off " "$G/events" && not grep -q "^$N " "$VM/list"
}
renamed_off() {
	mv "$G" "$G-d" && state_is "$N-d" off && cmp "$T/$N.cfg" "$G-d/config" && say "$G-d/ctl" "rename $N" && state_is "$N" off
}
one_time() {
	say "$G/ctl" "start $ONE_TIME" && grep -q "^${ONE_TIME%%=*} *= *[\"']*${ONE_TIME#*=}" "$G/live" &&
		cmp "$T/$N.cfg" "$G/config" && verb_to destroy off && [ ! -s "$G/live" ]
}

# ---- what becomes of a guest that ends by itself ----

contract_policies() {
	case_ 'on_poweroff=destroy: off' policy poweroff on_poweroff destroy off
	case_ 'on_poweroff=restart: it runs again' policy_again poweroff on_poweroff
	case_ 'on_poweroff=preserve: its memory stays until destroy' policy_kept poweroff on_poweroff stopping
	case_ 'on_reboot=restart: it runs again' policy_again reboot on_reboot
	case_ 'on_reboot=destroy: off' policy reboot on_reboot destroy off
	case_ 'reset is no reboot: it comes up again whatever on_reboot says' resets_anyhow
	case_ 'on_crash=preserve: crashed, with its id' policy_kept crash on_crash crashed
	case_ 'on_crash=restart: it runs again' policy_again crash on_crash
	case_ 'on_crash=destroy: crashed, without one' policy crash on_crash destroy crashed
	case_ 'and start brings it back' verb_to start running
	case_ 'destroy' verb_to destroy off
}

with_policy() { # KEY ACTION
	{ cat "$T/$N.cfg"; printf "%s = '%s'\n" "$1" "$2"; } >"$G/config" && verb_to start running && guest_ready "$N"
}
resets_anyhow() {
	with_policy on_reboot destroy && say "$G/ctl" reset && until_ 30 state_is "$N" running && guest_ready "$N" && verb_to destroy off
}
no_job() { [ ! -s "$G/job" ]; }
no_id() { [ -z "$(cat "$G/id")" ]; }
policy() { # WORD KEY ACTION STATE
	with_policy "$2" "$3" && guest_do "$N" "$1" && until_ 60 no_id && until_ 10 state_is "$N" "$4" && until_ 10 no_job
}
policy_again() { # WORD KEY
	local id
	with_policy "$2" restart || return 1
	id=$(grep -c " $N running " "$G/events")
	guest_do "$N" "$1" && until_ 60 ran_again "$id" && guest_ready "$N" && verb_to destroy off
}
ran_again() { [ "$(grep -c " $N running " "$G/events")" -gt "$1" ] && state_is "$N" running; }
policy_kept() { # WORD KEY STATE
	with_policy "$2" preserve && guest_do "$N" "$1" && until_ 60 state_is "$N" "$3" && [ -n "$(cat "$G/id")" ] &&
		say "$G/ctl" destroy && until_ 10 no_id
}

# ---- the end ----

contract_undefine() {
	case_ 'a file in a domain cannot be unlinked: EPERM' grep -qi 'not permitted' <(LC_ALL=C rm -f "$G/status" 2>&1)
	case_ 'rmdir keeps its text in .removed' undefined
	case_ 'and the name is free' mkdir "$G"
	case_ 'for another' rmdir "$G"
}

undefined() {
	cp "$T/$N.cfg" "$G/config" && rmdir "$G" && [ ! -e "$G" ] && cmp "$T/etc/.removed/$N".*.cfg "$T/$N.cfg" &&
		[ ! -e "$T/etc/$N.cfg" ] && grep -q " $N undefine" "$VM/events"
}
