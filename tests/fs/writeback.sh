#!/bin/sh
# How dirty pages reach the disk.  Runs in the guest with /dev/vda formatted and mounted on $1; one line a check.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
cd "$1" || exit 1

check() {
	name=$1
	shift
	if said=$("$@" 2>&1); then
		echo "check: $name: ok"
	else
		echo "check: $name: $(echo "$said" | tail -3 | tr '\n' '|')"
	fi
}
below() { [ "$1" -lt "$2" ] || { echo "$1, not below $2"; return 1; }; }

# ---- many files are written together, with one commit
writes() { awk '{ print $5 }' /sys/block/vda/stat; }
flushes() { awk '{ print $16 }' /sys/block/vda/stat; }
small_files() {
	mkdir "$1" && python3 -c "
for i in range(1000):
    open('$1/%d' % i, 'w').write('x' * 100)" && before=$(writes) && flushed=$(flushes) && shift && "$@" && below $(($(writes) - before)) 150 &&
		below $(($(flushes) - flushed)) 8
}
check sync-of-1000-files small_files a sync
check syncfs-of-1000-files small_files b sync -f .
big_file() { head -c 16777216 /dev/zero >big && before=$(writes) && sync big && below $(($(writes) - before)) 80; }
check fsync-of-16-mib big_file
