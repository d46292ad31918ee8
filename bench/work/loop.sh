#!/bin/sh
# The four jobs that the loop device's direct I/O was measured by (commit message of Linux bc07c10a3603), on a loop device over
# a file on ext4, buffered and direct; and the page cache that a reading of the whole costs.
. "$(dirname "$0")/lib.sh"
modules ext4 virtio_blk loop
mkdir -p /mnt
mount -t ext4 /dev/vda /mnt
dd if=/dev/zero of=/mnt/file bs=1M count=256 2>/dev/null
sync
for dio in off on; do
	loop=$(losetup --find --show --direct-io=$dio /mnt/file)
	for rw in randread read randwrite write; do
		fio_job loop_dio_${dio}_$rw --filename=$loop --direct=1 --rw=$rw --bs=4k --ioengine=psync --numjobs=4 --size=256m
	done
	sync
	echo 3 >/proc/sys/vm/drop_caches
	before=$(awk '/^Cached/ { print $2 }' /proc/meminfo)
	cat $loop >/dev/null
	after=$(awk '/^(Cached|Buffers)/ { s += $2 } END { print s }' /proc/meminfo)
	figure loop_dio_${dio}_cached $(((after - before) / 1024)) MiB low
	losetup -d $loop
done
umount /mnt
