# What the workloads share.  A workload runs in the guest as root, on the host's own tree, copy-on-write, and prints
#	figure NAME VALUE UNIT low|high		(which is better)
# MODULES is the directory of the kernel's modules, empty where it has none (Auk).
set -eu
export LC_ALL=C
HERE=$(dirname "$(readlink -f "$0")")

# The modules that Debian's kernel keeps apart from itself.
modules() {
	[ -n "${MODULES:-}" ] || return 0
	mkdir -p /lib/modules
	[ -e "/lib/modules/$(uname -r)" ] || ln -s "$MODULES" "/lib/modules/$(uname -r)"
	modprobe -a "$@"
}

figure() { printf 'figure %s %s %s %s\n' "$1" "$2" "$3" "$4"; }

# timed NAME COUNT COMMAND...: microseconds for each of COUNT
timed() {
	name=$1 count=$2
	shift 2
	start=$(date +%s%N)
	"$@" >/dev/null
	end=$(date +%s%N)
	figure "$name" $(((end - start) / count / 1000)) us low
}

# fio_job NAME OPTIONS...: I/Os a second of a job of five seconds, and its 99th percentile
fio_job() {
	name=$1
	shift
	fio --name=job --output-format=json --time_based --runtime="${FIO_S:-5}" --group_reporting --randseed=1 "$@" >/tmp/fio.json
	python3 - "$name" <<'END'
import json, sys
job = json.load(open("/tmp/fio.json"))["jobs"][0]
side = max((job["read"], job["write"]), key=lambda s: s["total_ios"])
print(f"figure {sys.argv[1]} {side['iops']:.0f} io/s high")
print(f"figure {sys.argv[1]}_p99 {side['clat_ns']['percentile']['99.000000'] / 1000:.0f} us low")
END
}
