#!/bin/bash
# Caching that is never stale: changes at full speed by every way there is, and readers that know what they must find. HAMMER is
# how many changes: a hundred thousand take minutes.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

: "${HAMMER:=10000}"
${CC:-cc} -std=c17 -D_GNU_SOURCE -O1 -Wall -Wextra -o "$T/hammer" "$HERE"/tools/hammer*.c || exit 1
mkdir -p "$T/etc"
STUCK=$(tool stuck)
repeat() { seq -f "$1" "$2" "$3"; } # FORMAT FIRST LAST
hammer() { # CHANGES ROLE:NAME...: within the time that tests/run gives a script
	timeout $((230 * SLOW - SECONDS)) "$T/hammer" "$VM" "$T/etc" "$PID" "$@" >"$T/hammered" 2>&1
	local rc=$?
	tail -n 200 "$T/hammered"
	return $rc
}
# Readers with a buffer that hangs, where there can be any.
hanging() { # NAME
	if [ "$("$STUCK" read "$VM/info" </dev/null | head -n 1)" = stuck ]; then echo "stuck:$1 list:all"; fi
}
figures() { tail -n 1 "$T/hammered" | sed 's/^/# /'; }
alive() { kill -0 "$PID" && timeout 20 cat "$VM/vm1/state" && timeout 20 ls "$VM"; } # names: one of them comes and goes
# The simulator's own guest may come again before the one before it has been cleared away.
clean() { not grep -E ' error |[Aa]ssert|[Aa]bort' <(grep -v 'left alone: churn' "$T/daemon.log"); }

# ---- every way of changing, and who made a change knows what is to be read ----

daemon --backend sim:domains=20,churn=20
for name in tags1 tags2 owner1 rename1 rename2 power1 power2 memory1 device1 hot1 hot2 hot3 hot4; do
	define "$name" 'memory = 64' 'maxmem = 128' || exit 1
done
for name in memory1 device1 hot1 hot2 hot3 hot4; do say "$VM/$name/ctl" start || exit 1; done
# shellcheck disable=SC2046
case_ "$HAMMER changes by every way: nobody who was told of one reads what was before" hammer "$HAMMER" \
	$(repeat toggle:vm%g 1 8) $(repeat self:vm%g 9 10) $(repeat poll:vm%g 11 13) tags:tags1 tags:tags2 owner:owner1 \
	rename:rename1 rename:rename2 power:power1 power:power2 memory:memory1 device:device1 make:make1 file:file1 file:file2 \
	$(repeat contend:hot%g 1 4) $(repeat contend:hot%g 1 4) $(repeat follow:hot%g 1 4) follow:vm1 follow:power1 \
	churn:churn verify:1 verify:2 retag:tags1 retag:tags2 count:all walk:0 walk:1 walk:2 $(hanging vm2)
figures
case_ 'the daemon is well' alive
case_ 'and has nothing to complain of' clean
stop_daemon TERM

# ---- contention: ten domains, and everybody wants each of them ----

daemon --backend sim:domains=10
case_ "a listing from before a removal that ends after it is nobody else's" "$(tool stuck_list)" "$VM"
# shellcheck disable=SC2046
case_ "$HAMMER changes of ten domains by forty writers" hammer "$HAMMER" \
	$(repeat contend:vm%g 1 10) $(repeat contend:vm%g 1 10) $(repeat contend:vm%g 1 10) $(repeat contend:vm%g 1 10) \
	$(repeat follow:vm%g 1 10) verify:1 verify:2 count:changes walk:1 walk:2 $(hanging vm1)
figures
case_ 'the daemon is well' alive
case_ 'and has nothing to complain of' clean
[ "$(hanging vm1)" ] || skip 'readers with a buffer that hangs: no userfaultfd here'
