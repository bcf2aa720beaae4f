# shellcheck shell=bash disable=SC2034 # for the sections
# What the sections of bench/ share: rounds in which each takes its turn, the middle of them, and a row of the table.
# Daemons, guests and cleaning up are those of the tests.
: "${TOOLS:?the folder of the programs of bench/}" "${OUT:?the file of figures}" "${SECTION:=bench}"
SECTION=${SECTION#*-}
SECTION=${SECTION%.sh}
: "${ROUNDS:=}"

# row WHAT N UNIT NAME:VALUE[:GOAL] [NAME:VALUE[:GOAL]]...: the first is what was measured, the others what it is compared
# with. GOAL is the most that is wanted: of the value itself where it is the first, of the ratio to it where it is another.
row() {
	local what=$1 n=$2 unit=$3
	shift 3
	printf '%s\n' "$@" | awk -F: -v section="$SECTION" -v what="$what" -v n="$n" -v unit="$unit" -v out="$OUT" '
	function quoted(s) { gsub(/[\\"]/, "\\\\&", s); return "\"" s "\"" }
	function number(x) { return x == "" ? "null" : x == int(x) && x < 1e15 ? sprintf("%d", x) : sprintf("%.4g", x) }
	function shown(x) { return x == "" ? "-" : x >= 1000 ? sprintf("%d", x + 0.5) : sprintf("%.3g", x) }
	{
		name[NR] = $1; value[NR] = $2; goal[NR] = $3
		figures = figures (NR > 1 ? ", " : "") quoted($1) ": " number($2)
	}
	NR == 1 { text = sprintf("  %-44s %6s  %s %s %s", what, n, $1, shown($2), unit) }
	NR == 1 && $3 != "" { text = text sprintf(" (at most %s wanted)", $3); goals = quoted($1) ": " $3 }
	NR > 1 {
		text = text sprintf(" | %s %s", $1, shown($2))
		if ($2 > 0 && value[1] != "") {
			ratio = value[1] / $2
			text = text sprintf(" = %s x%s", shown(ratio), $3 != "" ? " (at most " $3 " wanted)" : "")
			ratios = ratios (ratios ? ", " : "") quoted($1) ": " number(ratio)
		}
		if ($3 != "")
			goals = goals (goals ? ", " : "") quoted($1) ": " $3
	}
	END {
		print text
		printf "{\"section\": %s, \"what\": %s, \"n\": %s, \"unit\": %s, \"figures\": {%s}, \"ratios\": {%s}, \"goals\": {%s}}\n",
			quoted(section), quoted(what), n, quoted(unit), figures, ratios, goals >>out
	}'
}

note() { printf '    %s\n' "$*"; }

# The middle of the numbers on standard input.
middle() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# in_turn ROUNDS FUNCTION SUBJECT...: FUNCTION SUBJECT for each, and again, another one first each round, and every second round
# backwards: nobody always comes after the same one. Round 0 is one more, whose figures are thrown away.
# Where the first is as good as any other, FIRST=1 leaves that out.
in_turn() {
	local rounds=$1 take=$2 turn
	shift 2
	local subjects=("$@")
	rm -f "$T"/figure.*
	for ((ROUND = ${FIRST:-0}; ROUND <= rounds; ROUND++)); do
		for ((turn = 0; turn < $#; turn++)); do
			"$take" "${subjects[(ROUND + (ROUND % 2 ? $# - turn : turn)) % $#]}" || return 1
		done
	done
}
figure() { [ "$ROUND" -eq 0 ] || [ -z "$2" ] || echo "$2" >>"$T/figure.$1"; } # NAME VALUE: one of this round
of() { [ ! -e "$T/figure.$1" ] || middle <"$T/figure.$1"; }                   # NAME

# interleave ROUNDS COMMAND NAME=FOLDER...: COMMAND in each folder in turn. Sets TOOK[NAME] to the middle in milliseconds.
# COMMAND may use $ROUND. BEFORE, when set, is what is done there before each; that is not timed.
declare -A TOOK
interleave_one() { # NAME=FOLDER
	local before i # which commands use
	cd "${1#*=}" && eval "${BEFORE:-}" || return 1
	before=${EPOCHREALTIME/[.,]/}
	eval "$COMMAND"
	figure "${1%%=*}" $((${EPOCHREALTIME/[.,]/} - before))
}
interleave() {
	local rounds=$1 COMMAND=$2 target
	shift 2
	in_turn "$rounds" interleave_one "$@" && cd "$HERE/.." || return 1
	for target; do
		TOOK[${target%%=*}]=$(of "${target%%=*}" | awk '{ print $1 / 1000 }')
	done
}

# Milliseconds between two times of EPOCHREALTIME.
msec() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f\n", (b - a) * 1000 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { print b ? a / b : 0 }'; }

# ---- requests: counted by the daemon in a file of 64-bit numbers, one an opcode ----

tally() { [ ! -s "$1" ] || od -An -v -w8 -t u8 "$1" | awk '{ print NR - 1, $1 }'; }

# still FILE: until nothing has been asked for 0.15 s; RELEASE comes after close(2) has returned, touches for inotify even later.
still() {
	local last='' now same=0 looks=0
	while [ "$same" -lt 3 ] && [ $((looks += 1)) -lt 1200 ]; do
		now=$(tally "$1")
		if [ "$now" = "$last" ]; then same=$((same + 1)); else same=0; fi
		last=$now
		read -r -t 0.05 <>"$T/never" || :
	done
}

# requests FILE N FOLDER COMMAND: what one COMMAND there asks of the filesystem that counts in FILE, and what comes of it, a
# domain. When the kernel forgets is its own affair.
requests() {
	local file=$1 n=$2
	still "$file"
	tally "$file" >"$T/tally.before"
	(cd "$3" && eval "$4")
	still "$file"
	tally "$file" | awk -v n="$n" '
		BEGIN {
			split("1 LOOKUP 3 GETATTR 4 SETATTR 14 OPEN 15 READ 16 WRITE 17 STATFS 18 RELEASE 22 GETXATTR 23 LISTXATTR " \
				"25 FLUSH 27 OPENDIR 28 READDIR 29 RELEASEDIR 34 ACCESS 40 POLL 44 READDIRPLUS", w, " ")
			for (i = 1; i in w; i += 2)
				name[w[i]] = w[i + 1]
		}
		NR == FNR { before[$1] = $2; next }
		$1 == 2 || $1 == 36 || $1 == 42 { next } # FORGET, INTERRUPT, BATCH_FORGET
		$2 > before[$1] {
			all += $2 - before[$1]
			text = text sprintf(" %s %.3g", $1 in name ? name[$1] : "opcode-" $1, ($2 - before[$1]) / n)
		}
		END { printf "%.4g%s\n", all / n, text }' "$T/tally.before" -
}

# ---- the filesystem that does nothing ----

# nullfs_start SOURCE MOUNTPOINT; its process is $NULL
nullfs_start() {
	mkdir -p "$2"
	TALLY=$T/null.tally "$TOOLS/nullfs" "$1" "$2" &
	NULL=$!
	until_ 60 mountpoint -q "$2" && [ -e "$2/ctl" ]
}
nullfs_stop() { umount -l "$1" && wait "$NULL"; }
