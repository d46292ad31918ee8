#!/bin/sh
# A virtio disk and, where there is one, an NVMe disk, by fio.
. "$(dirname "$0")/lib.sh"
modules virtio_blk nvme
for disk in vda nvme0n1; do
	[ -b /dev/$disk ] || continue
	common="--filename=/dev/$disk --direct=1 --size=256m"
	fio_job ${disk}_randread_psync $common --rw=randread --bs=4k --ioengine=psync
	fio_job ${disk}_randwrite_psync $common --rw=randwrite --bs=4k --ioengine=psync
	fio_job ${disk}_randread_libaio32 $common --rw=randread --bs=4k --ioengine=libaio --iodepth=32
	fio_job ${disk}_randwrite_libaio32 $common --rw=randwrite --bs=4k --ioengine=libaio --iodepth=32
	fio_job ${disk}_randread_uring32 $common --rw=randread --bs=4k --ioengine=io_uring --iodepth=32
	fio_job ${disk}_read_1m $common --rw=read --bs=1m --ioengine=psync
	fio_job ${disk}_write_1m $common --rw=write --bs=1m --ioengine=psync
done
