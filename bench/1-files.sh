#!/bin/bash
# 1 files: the usual commands over N domains, beside the same tree on tmpfs, on a FUSE filesystem that does nothing (null), and sysfs
# shellcheck disable=SC2016,SC2034 # commands are texts for eval, which use what shellcheck thinks unused
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=bench/lib.sh
. bench/lib.sh
export DOMFS_TALLY=$T/tally

# Small files of sysfs that can be read, one a line; grep tells which.
find /sys/devices/system/memory /sys/devices/system/cpu /sys/module /sys/bus -type f -perm -444 ! -name uevent -print0 2>/dev/null |
	xargs -0 grep -c '' 2>/dev/null | sed -n 's/:[1-9][0-9]*$//p' >"$T/sys.all"

# Its directories without links: how many entries, and the path, the largest first.
find /sys -xdev -mindepth 2 -printf '%y\t%h\n' 2>/dev/null |
	awk -F'\t' '{ n[$2]++ } $1 == "l" { link[$2] = 1 } END { for (p in n) if (!(p in link)) print n[p] "\t" p }' |
	sort -rn >"$T/sys.dirs"

sysfs_dirs() { # N: of these as many as have N entries together, again from the first where there are less
	awk -F'\t' -v left="$1" '{ n[NR] = $1; p[NR] = $2 } END {
		for (took = 1; left > 0 && took;)
			for (i = 1 + (took = 0); i <= NR; i++)
				if (n[i] <= left) {
					print p[i]
					left -= n[i]
					took = 1
				}
	}' "$T/sys.dirs"
}
sysfs_list() { # N: that many files, directories with that many entries, and with as many as the whole tree has
	awk -v n="$1" '{ p[NR] = $0 } END { for (i = 0; i < n; i++) print p[i % NR + 1] }' "$T/sys.all" >"$T/sys.list"
	mapfile -t SYS <"$T/sys.list"
	mapfile -t SYS_DIRS < <(sysfs_dirs "$1")
	sysfs_dirs "$(find "$T/tmpfs" | wc -l)" | tr '\n' '\0' >"$T/sys.tree"
}

# What a read costs without a shell: one process, and the paths are known.
walk() { # N ROUNDS FILE
	local name took
	for name in vm tmpfs null; do
		(cd "$T/$name" && printf "%s/$3\n" "$PWD"/vm*) >"$T/$name.list"
	done
	read -r -a took <<<"$("$TOOLS/walk" "$2" "$T/vm.list" "$T/tmpfs.list" "$T/null.list" "$T/sys.list")"
	row "open fstat read close: $3" "$1" us "domfs:${took[0]}" "tmpfs:${took[1]}" "null:${took[2]}" "sys:${took[3]}"
	echo "${took[0]}" >"$T/walk.$3.$1"
}

# Some kernels page out within seconds what nobody uses, while the others have their turn. A listing that has lost a page is lost
# with the first run, kept by the second, and warm in the third, which is the one that is timed.
WARM='eval "$COMMAND"; eval "$COMMAND"'

# command N ROUNDS LABEL COMMAND [GOAL-TMPFS [GOAL-NULL [COMMAND-ON-SYSFS]]]
command() {
	local n=$1 rounds=$2 label=$3 what=$4
	interleave "$rounds" "if [ \"\$PWD\" = / ]; then ${7:-:}; else $what; fi" "domfs=$VM" "tmpfs=$T/tmpfs" "null=$T/null" ${7:+sys=/}
	row "$label" "$n" ms "domfs:${TOOK[domfs]}" "tmpfs:${TOOK[tmpfs]}:${5:-}" "null:${TOOK[null]}:${6:-}" ${7:+"sys:${TOOK[sys]}"}
	echo "${TOOK[domfs]}" >"$T/took.all.${label%% *}.$n"
	note "requests a domain: domfs $(requests "$T/tally" "$n" "$VM" "$what"); null $(requests "$T/null.tally" "$n" "$T/null" "$what")"
}

size() { # N ROUNDS: everything over N domains
	local n=$1 rounds=${ROUNDS:-$2} free
	daemon --backend "sim:domains=$n"
	mkdir -p "$T/tmpfs" && mount -t tmpfs -o size=90% bench "$T/tmpfs"
	"$TOOLS/treecopy" "$VM" "$T/tmpfs"
	nullfs_start "$T/tmpfs" "$T/null"
	sysfs_list "$n"
	walk "$n" "$rounds" state
	walk "$n" "$rounds" status
	BEFORE=$WARM command "$n" "$rounds" 'cat */status' 'cat ./vm*/status >/dev/null' 2.5 1.1 'cat "${SYS[@]}" >/dev/null'
	BEFORE=$WARM command "$n" "$rounds" 'ls -l' 'ls -l >/dev/null' 1 '' 'ls -l "${SYS_DIRS[@]}" >/dev/null'
	BEFORE=$WARM command "$n" "$rounds" 'grep -l running */status' 'grep -l running ./vm*/status | wc -l >/dev/null' '' '' \
		'grep -l running "${SYS[@]}" | wc -l >/dev/null'
	command "$n" "$rounds" 'find -name status' 'find . -name status >/dev/null' '' '' \
		'find -files0-from "$T/sys.tree" -maxdepth 1 -name status >/dev/null 2>&1'
	BEFORE="still $T/tally" command "$n" "$rounds" 'echo pause > */ctl' \
		'if ((ROUND % 2)); then w=pause; else w=unpause; fi; for c in ./vm*/ctl; do echo $w >$c; done'
	stop_daemon TERM
	nullfs_stop "$T/null"
	umount "$T/tmpfs"
}

# The price of a domain among ten thousand beside that among one thousand.
scale() { # LABEL FILE
	[ -s "$2.1000" ] && [ -s "$2.10000" ] || return 0
	row "$1, a domain" 10000 us "at-10000:$(awk '{ print $1 * 1000 / 10000 }' "$2.10000")" \
		"at-1000:$(awk '{ print $1 * 1000 / 1000 }' "$2.1000"):1.3"
}

for n in ${SIZES:-10 1000 10000}; do
	case $n in 10) size 10 21 ;; 1000) size 1000 9 ;; *) size "$n" 3 ;; esac
done
scale 'cat */status' "$T/took.all.cat"
scale 'ls -l' "$T/took.all.ls"
scale 'grep -l running */status' "$T/took.all.grep"
scale 'find -name status' "$T/took.all.find"
scale 'echo pause > */ctl' "$T/took.all.echo"
