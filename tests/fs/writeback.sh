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

# ---- a backing device and its settings
bdi_link() { [ "$(readlink -f /sys/block/vda/bdi)" = "/sys/devices/virtual/bdi/$(cat /sys/block/vda/dev)" ] && [ -e "/sys/class/bdi/$(cat /sys/block/vda/dev)/read_ahead_kb" ]; }
check bdi-link bdi_link
BDI=/sys/block/vda/bdi
ratios() {
	[ "$(cat $BDI/min_ratio $BDI/max_ratio $BDI/stable_pages_required | tr '\n' ' ')" = "0 100 0 " ] && echo 5 >$BDI/min_ratio && echo 50 >$BDI/max_ratio &&
		! echo 101 >$BDI/max_ratio && ! echo 60 >$BDI/min_ratio && ! echo 4 >$BDI/max_ratio && ! echo 1 >$BDI/stable_pages_required &&
		[ "$(cat $BDI/min_ratio $BDI/max_ratio | tr '\n' ' ')" = "5 50 " ] && echo 0 >$BDI/min_ratio && echo 100 >$BDI/max_ratio
}
check bdi-ratios ratios

# ---- limits: dirty pages and those being written never pass the limit; what is old is written by itself
# A page that goes from one to the other while both are read counts twice: a run of 32 for each CPU.
cat >/tmp/limit.py <<'END'
import os, sys, threading
limit = int(open("/proc/vmstat").read().split("nr_dirty_threshold ")[1].split()[0])
most, over = 0, False
def sample():
    text = open("/proc/vmstat").read()
    return sum(int(text.split(f"\n{key} ")[1].split()[0]) for key in ("nr_dirty", "nr_writeback"))
def writer(n):
    fd = os.open(f"w{n}", os.O_CREAT | os.O_WRONLY)
    for _ in range(200):
        os.write(fd, bytes(65536))
    os.close(fd)
writers = [threading.Thread(target=writer, args=(n,)) for n in range(4)]
for w in writers:
    w.start()
while any(w.is_alive() for w in writers):
    most = max(most, sample())
print(f"{most} pages of {limit}")
sys.exit(not limit // 8 < most <= limit + 64)
END
limited() { echo 4194304 >/proc/sys/vm/dirty_background_bytes && echo 8388608 >/proc/sys/vm/dirty_bytes && python3 /tmp/limit.py; }
check dirty-limit-holds limited
mapped() { python3 -c "
import mmap, os
limit = 2048
fd = os.open('m', os.O_CREAT | os.O_RDWR)
os.ftruncate(fd, 32 << 20)
m = mmap.mmap(fd, 32 << 20)
most = 0
for at in range(0, 32 << 20, 4096):
    m[at] = 1
    if at % (1 << 18) == 0:
        text = open('/proc/vmstat').read()
        most = max(most, sum(int(text.split(f'\n{key} ')[1].split()[0]) for key in ('nr_dirty', 'nr_writeback')))
raise SystemExit(f'{most} pages of {limit}' if most > limit + 64 else 0)"; }
check dirty-limit-holds-for-mappings mapped
defaults() { echo 20 >/proc/sys/vm/dirty_ratio && echo 10 >/proc/sys/vm/dirty_background_ratio; }
defaults
sync
dirty() { awk '/^nr_dirty / { print $2 }' /proc/vmstat; }
# both loops end when the pages are clean, or with the guest's time
expires() {
	echo 50 >/proc/sys/vm/dirty_expire_centisecs && echo 20 >/proc/sys/vm/dirty_writeback_centisecs && head -c 1000000 /dev/zero >old && [ "$(dirty)" -gt 200 ] &&
		while [ "$(dirty)" -gt 0 ]; do :; done
	echo 3000 >/proc/sys/vm/dirty_expire_centisecs && echo 500 >/proc/sys/vm/dirty_writeback_centisecs
}
check old-pages-are-written expires
counted() {
	n=$(awk '/^nr_(dirtied|written) / { n += $2 } END { print n }' /proc/vmstat) && head -c 4096000 /dev/zero >counted && sync &&
		n=$(($(awk '/^nr_(dirtied|written) / { n += $2 } END { print n }' /proc/vmstat) - n)) && [ $n -ge 2000 ] && below $n 2100
}
check nr_dirtied-and-nr_written counted
