#!/bin/bash
# 2 virsh: what is asked of 1,000 domains with cat, beside libvirt's virsh and its test driver (all in virsh's own process, no daemon)
# shellcheck source=tests/lib.sh
. tests/lib.sh
# shellcheck source=bench/lib.sh
. bench/lib.sh
command -v virsh >/dev/null || { note "virsh is not installed (libvirt-clients)"; exit 0; }
N=1000 SOME=25
rounds=${ROUNDS:-5}

node() { # N: the test driver's host with that many domains
	echo '<node>'
	for ((i = 1; i <= $1; i++)); do
		cat <<-XML
			<domain type='test'><name>vm$i</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os>
			<devices><disk type='file' device='disk'><source file='/sim/vm$i.img'/><target dev='vda' bus='virtio'/></disk></devices>
			</domain>
		XML
	done
	echo '</node>'
}
node "$N" >"$T/all.xml"
node 1 >"$T/one.xml"
printf 'dominfo vm%d\n' $(seq "$N") >"$T/infos"

daemon --backend "sim:domains=$N"

# Two folders, in turn: the commands of each know where they are.
mkdir "$T/virsh"
ask() { # LABEL N COMMAND-OF-VIRSH COMMAND-OF-DOMFS SCALE [GOAL]
	interleave "$rounds" "if [ \"\$PWD\" = '$VM' ]; then $4; else $3; fi" "domfs=$VM" "virsh=$T/virsh"
	row "$1" "$2" ms "domfs:${TOOK[domfs]}" "virsh:$(awk -v t="${TOOK[virsh]}" -v by="$5" 'BEGIN { print t * by }'):${6:-}"
}

ask 'list; virsh list --all' "$N" "virsh -q -c test://$T/all.xml list --all >/dev/null" 'cat list >/dev/null' 1
ask 'cat */status; virsh dominfo NAME for each' "$N" \
	"for i in \$(seq $SOME); do virsh -q -c test://$T/one.xml dominfo vm1 >/dev/null; done" \
	'cat ./vm*/status >/dev/null' $((N / SOME)) 0.01
note "a virsh for each of $SOME, taken for $N; each loads one domain only, so that what it loads is not held against it"
ask 'cat */status; one virsh, all dominfo' "$N" \
	"virsh -q -c test://$T/all.xml <'$T/infos' >/dev/null" 'cat ./vm*/status >/dev/null' 1
ask 'cat vm1/status; virsh dominfo vm1' 1 "virsh -q -c test://$T/one.xml dominfo vm1 >/dev/null" 'cat vm1/status >/dev/null' 1
