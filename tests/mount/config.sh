#!/bin/bash
# config, as editors and copying tools write it: whole or not at all, and what is refused leaves the old text.
# shellcheck source=tests/lib.sh
. "${0%/*}/../lib.sh"

daemon --backend sim
define web1 '# mine' 'memory = 64   # MiB' 'vcpus = 1' || exit 1
C=$VM/web1/config
on_disk() { cmp "$C" "$T/etc/web1.cfg"; }
has() { grep -qx "$1" "$C" && on_disk; }
current() { key_is web1/status config current; }

case_ 'comments stay' has '# mine'
case_ 'on disk the text is only the daemon'"'"'s to read' is "$(stat -c %a "$T/etc/web1.cfg")" 600

# ---- tools ----

edit_sed() { sed -i 's/^memory = 64/memory = 65/' "$C" && has 'memory = 65   # MiB' && is "$(cat "$VM/web1/mem")" 65; }
edit_busybox() { busybox sed -i 's/^memory = 65/memory = 66/' "$C" && has 'memory = 66   # MiB'; }
edit_vim() { # as vim does with backupcopy=no: the old one out of the way, a new one of the same name
	cp "$C" "$VM/web1/.config.swp" && cp "$C" "$VM/web1/config~" && sed 's/66/67/' "$C" >"$VM/web1/4913" &&
		mv -f "$VM/web1/4913" "$C" && rm -f "$VM/web1/.config.swp" "$VM/web1/config~" && has 'memory = 67   # MiB'
}
edit_backup() { # backupcopy=yes: in place, after a backup beside it
	cp "$C" "$T/backup" && sed 's/67/68/' "$T/backup" >"$C" && has 'memory = 68   # MiB'
}
edit_ed() { command -v ed >/dev/null || return 0; printf '/^memory/s/68/69/\nw\nq\n' | ed -s "$C" && has 'memory = 69   # MiB'; }
by_rsync() { sed 's/^memory.*/memory = 70/' "$C" >"$T/config" && rsync -I "$T/config" "$C" && has 'memory = 70'; }
by_rsync_inplace() { sed 's/^memory.*/memory = 71/' "$C" >"$T/config" && rsync -I --inplace "$T/config" "$C" && has 'memory = 71'; }
by_mv() { # mv from another filesystem unlinks what is there first, which nobody may
	sed 's/^memory.*/memory = 73/' "$C" >"$T/config" && not mv "$T/config" "$C" 2>"$T/err" && grep -qi 'not permitted' "$T/err" &&
		has 'memory = 71'
}
by_dd() { sed 's/^memory.*/memory = 74/' "$C" >"$T/config" && dd if="$T/config" of="$C" bs=1 2>/dev/null && has 'memory = 74'; }
by_tee() { sed 's/^memory.*/memory = 75/' "$C" | tee "$T/config" >/dev/null && tee "$C" <"$T/config" >/dev/null && has 'memory = 75'; }
append() { echo 'on_crash = "preserve"' >>"$C" && has 'memory = 75' && has 'on_crash = "preserve"'; }
by_tar() {
	mkdir -p "$T/tar/web1" && sed 's/= 75/= 76/' "$C" >"$T/tar/web1/config" && tar -C "$T/tar" -cf "$T/tar.tar" web1/config &&
		tar -C "$VM" --overwrite -xf "$T/tar.tar" && has 'memory = 76'
}
case_ 'sed -i' edit_sed
case_ 'busybox sed -i' edit_busybox
case_ 'as vim writes: scratch files and a rename' edit_vim
case_ 'as vim writes: in place' edit_backup
case_ 'ed' edit_ed
case_ 'rsync' by_rsync
case_ 'rsync --inplace' by_rsync_inplace
case_ 'mv onto it, from another filesystem' by_mv
case_ 'dd bs=1: many writes, one configuration' by_dd
case_ 'tee' by_tee
case_ '>> appends' append
case_ 'tar' by_tar
case_ 'scratch files are unlisted' is "$(find "$VM/web1" -maxdepth 1 -newer "$T/never" -name '*onfig*' -printf '%f ')" 'config '

# ---- refusals ----

refusal() { # EXPRESSION COMMAND...: the old text stays, the reason is in history and in the domain's log
	cp "$C" "$T/old"
	not "${@:2}" 2>/dev/null && cmp "$C" "$T/old" && on_disk && key_is web1/status config rejected &&
		tail -n 3 "$VM/web1/history" | grep -E " EINVAL '.*$1" && grep -q 'config rejected' "$VM/web1/log" &&
		cp "$T/old" "$C" && current
}
text() { printf '%b' "$1" >"$T/text"; }
case_ 'cp is told by close' refusal '2' cp <(printf 'memory = 64\nvcpus = many\n') "$C"
case_ 'sed -i is told by rename' refusal 'text needs quotes' sed -i 's/^memory.*/memory = lots/' "$C"
text 'memory = 64\nvcpus = 0\n'
case_ 'rsync is told' refusal vcpus rsync -I "$T/text" "$C"
text 'memory = 64\nvcpus = [ 1\n'
case_ 'a list that is not closed' refusal '[0-9]+.*[0-9]+' cp "$T/text" "$C"
text "memory = 64\nname = 'web2'\n"
case_ 'another name=, by its line' refusal "name" cp "$T/text" "$C"
text 'memory = 64\nvcpus = 99999999999999999999\n'
case_ 'a number that is too large' refusal . cp "$T/text" "$C"
text 'memory = 64\n\0\n'
case_ 'a zero byte' refusal . cp "$T/text" "$C"
shell_lost() { # the shell loses close's error: status says it, history why
	echo 'memory = = 3' >"$C"
	key_is web1/status config rejected && tail -n 1 "$VM/web1/history" | grep -q "EINVAL 'config'" && cp "$T/old" "$C" && current
}
case_ "echo's error is in status and history" shell_lost
big() { head -c 1100000 /dev/zero | tr '\0' '#' >"$T/big" && not cp "$T/big" "$C" 2>/dev/null && cmp "$C" "$T/old"; }
case_ 'more than 1 MiB is refused' big
large() { { cat "$T/old"; head -c 900000 /dev/zero | tr '\0' '#'; echo; } >"$T/large" && cp "$T/large" "$C" && cmp "$C" "$T/large" && cp "$T/old" "$C"; }
case_ '900 KiB come back as they were written' large

# ---- nothing is installed that is not whole ----

killed_cp() {
	mkfifo "$T/slow"
	cp "$T/slow" "$VM/web1/config" &
	local pid=$!
	exec 6>"$T/slow"
	head -c 200000 /dev/zero | tr '\0' '#' >&6 # cp has read and written some of it
	until_ 10 written "$pid"
	kill -KILL $pid && wait $pid 2>/dev/null
	exec 6>&-
	cmp "$C" "$T/old" && on_disk && not key_is web1/status config rejected
}
written() { [ "$(sed -n 's/^wchar: //p' "/proc/$1/io")" -gt 100000 ]; }
nothing_written() { : >"$C" && cmp "$C" "$T/old" && truncate -s 0 "$C" && cmp "$C" "$T/old" && dd of="$C" count=0 2>/dev/null && cmp "$C" "$T/old"; }
half_open() { # readers see the old text until the writer closes
	exec 6>"$C"
	printf 'memory = 90\n' >"$T/ninety"
	(cat "$T/ninety" >&6) # a child that writes and closes installs what is there
	exec 6>&-
	has 'memory = 90' && cp "$T/old" "$C"
}
two_writers() { # the later close wins, and it is whole
	printf 'memory = 92\nvcpus = 2\n' >"$T/other"
	exec 6>"$C"
	cat <<<'memory = 91' >&6 && cp "$T/other" "$C" && cmp "$T/other" "$C"
	exec 6>&-
	cp "$T/old" "$C"
}
pending() {
	say "$VM/web1/ctl" start && sed -i 's/^memory.*/memory = 80/' "$C" && key_is web1/status config pending &&
		grep -q '^memory [0-9]* -> 80$' "$VM/web1/pending" && say "$VM/web1/ctl" 'reboot -w 20' && say "$VM/web1/ctl" destroy &&
		say "$VM/web1/ctl" start && is "$(cat "$VM/web1/mem")" 80 && [ ! -s "$VM/web1/pending" ]
}
unlinked() { not rm "$C" 2>/dev/null && [ -s "$C" ]; }
case_ 'a killed cp leaves the old text' killed_cp
case_ 'who writes nothing changes nothing' nothing_written
case_ 'a child that writes and closes' half_open
case_ 'two writers' two_writers
case_ 'rm config is refused' unlinked
case_ 'pending until the next start' pending

id=$(cat "$VM/web1/uuid")
say "$VM/web1/tags" kept
stop_daemon TERM
daemon --backend sim
case_ 'the text survives the daemon' has 'memory = 80'
case_ 'and the uuid' is "$(cat "$VM/web1/uuid")" "$id"
case_ 'and the tags' is "$(cat "$VM/web1/tags")" kept
