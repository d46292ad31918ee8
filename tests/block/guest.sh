#!/bin/sh
# What Debian's tools find on Auk's disks.  Runs in the guest, in the host's tree; one line a check.
# Disks: vda (virtio, 64 MiB), nvme0n1 (512 byte blocks), nvme0n2 (4096 byte blocks), ram0 (8 MiB), nullb0.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
cd /tmp || exit 1

check() {
	name=$1
	shift
	if said=$("$@" 2>&1); then
		echo "check: $name: ok"
	else
		echo "check: $name: $(echo "$said" | tail -3 | tr '\n' '|')"
	fi
}

same() { [ "$1" = "$2" ] || { echo "'$1', not '$2'"; return 1; }; }
zeroes() { cmp -n "$2" "$1" /dev/zero; }
verify() { fio --name=t --filename="$1" --rw=randwrite --bs="$2" --size="$3" --verify=crc32c --ioengine="$4" --iodepth="$5" \
	--direct=1 --minimal --output=/tmp/fio.log; }

# ---- what is there
sizes() { same "$(for d in vda nvme0n1 nvme0n2 ram0; do blockdev --getsize64 --getss /dev/$d; done | tr '\n' ' ')" \
	"67108864 512 67108864 512 33554432 4096 8388608 512 "; }
check sizes sizes
listed() { same "$(lsblk -dnro NAME,TYPE | sort | tr '\n' ' ')" "nullb0 disk nvme0n1 disk nvme0n2 disk vda disk "; }
check lsblk listed
check nvme-list sh -c 'nvme list | grep -q "/dev/nvme0n2.*QEMU NVMe Ctrl.*4 KiB"'
check nvme-id-ctrl sh -c 'nvme id-ctrl /dev/nvme0 | grep -q "^sn *: AUKTEST"'
check nvme-id-ns sh -c 'nvme id-ns /dev/nvme0n1 | grep -q "^nsze *: 0x20000"'
check nvme-smart-log nvme smart-log /dev/nvme0
check nvme-error-log nvme error-log /dev/nvme0
check nvme-get-feature sh -c 'nvme get-feature /dev/nvme0 -f 6 | grep -q "Current value:0x00000001"'
check nvme-flush nvme flush /dev/nvme0n1
bad_command() { nvme admin-passthru /dev/nvme0 --opcode=0xff; [ $? -eq 1 ]; }
check nvme-unknown-command bad_command

# ---- bytes, checked by fio
echo none >/sys/block/vda/queue/scheduler
check virtio-psync-512 verify /dev/vda 512 128k psync 1
check virtio-libaio-4k-32 verify /dev/vda 4k 4m libaio 32
echo mq-deadline >/sys/block/vda/queue/scheduler
check virtio-deadline-libaio-4k-32 verify /dev/vda 4k 4m libaio 32
check virtio-libaio-1m-32 verify /dev/vda 1m 16m libaio 32
check nvme-psync-512 verify /dev/nvme0n1 512 128k psync 1
check nvme-libaio-4k-32 verify /dev/nvme0n1 4k 4m libaio 32
check nvme-libaio-1m-32 verify /dev/nvme0n1 1m 16m libaio 32
check nvme-4096-libaio-4k-32 verify /dev/nvme0n2 4k 4m libaio 32
uring() { fio --name=t --filename="$1" --rw=randwrite --bs="$2" --size="$3" --verify=crc32c --ioengine=io_uring --iodepth="$4" \
	--direct=1 --minimal --output=/tmp/fio.log $5; }
check virtio-uring-4k-1 uring /dev/vda 4k 1m 1
check virtio-uring-4k-32 uring /dev/vda 4k 4m 32
check virtio-uring-fixed-32 uring /dev/vda 4k 4m 32 "--fixedbufs=1 --registerfiles=1"
check virtio-uring-sqpoll-32 uring /dev/vda 4k 4m 32 "--sqthread_poll=1 --registerfiles=1"
check virtio-uring-1m-8 uring /dev/vda 1m 16m 8
check nvme-uring-4k-1 uring /dev/nvme0n1 4k 1m 1
check nvme-uring-4k-32 uring /dev/nvme0n1 4k 4m 32
check nvme-uring-fixed-32 uring /dev/nvme0n1 4k 4m 32 "--fixedbufs=1 --registerfiles=1"
check nvme-uring-hipri-32 uring /dev/nvme0n1 4k 4m 32 "--hipri=1"
check nvme-uring-all-32 uring /dev/nvme0n1 4k 4m 32 "--hipri=1 --fixedbufs=1 --registerfiles=1 --sqthread_poll=1"
buffered() { fio --name=t --filename=/tmp/buffered --rw=randwrite --bs=4k --size=2m --verify=crc32c --ioengine=io_uring --iodepth=16 --minimal --output=/tmp/fio.log; }
check uring-buffered-file buffered
polled() { fio --name=t --filename=/dev/nvme0n1 --rw=randread --bs=4k --size=1m --ioengine=pvsync2 --hipri=1 --direct=1 --minimal; }
check nvme-polled polled
check ram-psync-4k verify /dev/ram0 4k 1m psync 1
check null-read zeroes /dev/nullb0 65536

# ---- cache and disk agree
seq 1 400000 >data
through_cache() { dd if=data of="$1" bs=64k conv=fsync && dd if="$1" of=back bs=64k iflag=direct count=41 && cmp -n 2600000 data back; }
check virtio-cache-then-direct through_cache /dev/vda
check nvme-cache-then-direct through_cache /dev/nvme0n2
direct_then_cache() { head -c 1048576 data >part && cat "$1" >/dev/null && dd if=part of="$1" bs=256k oflag=direct seek=8 && cmp -i 0:2097152 -n 1048576 part "$1"; }
check virtio-direct-then-cache direct_then_cache /dev/vda
check nvme-direct-then-cache direct_then_cache /dev/nvme0n1
sectors_read() { awk '{ print $3 + 0 }' /sys/block/vda/stat; }
again() { before=$(sectors_read); cat /dev/vda >/dev/null; after=$(sectors_read); echo $((after - before)); }
cached() { exec 9</dev/vda; cat /dev/vda >/dev/null; n=$(again); exec 9<&-; same "$n" 0; }
check second-read-is-cached cached
dropped() { exec 9</dev/vda; cat /dev/vda >/dev/null; echo 1 >/proc/sys/vm/drop_caches; n=$(again); exec 9<&-; same "$n" 131072; }
check drop-caches dropped
closed() { cat /dev/vda >/dev/null; same "$(again)" 131072; }
check last-close-drops-cache closed

# ---- discard and zeroes
discard() { blkdiscard -f "$1" && zeroes "$1" 1048576; }
check virtio-discard discard /dev/vda
check nvme-discard blkdiscard -f /dev/nvme0n1
zero_out() { blkdiscard -f -z "$1" && zeroes "$1" 4194304; }
check virtio-zero zero_out /dev/vda
check nvme-zero zero_out /dev/nvme0n2
check ram-zero zero_out /dev/ram0

# ---- partitions and file systems
partitions() {
	printf 'label: gpt\n,8M\n,16M\n,\n' | sfdisk -q /dev/vda && same "$(lsblk -nro NAME /dev/vda | tr '\n' ' ')" "vda vda1 vda2 vda3 " &&
		same "$(cat /sys/block/vda/vda2/start /sys/block/vda/vda2/size | tr '\n' ' ')" "18432 32768 "
}
check sfdisk partitions
extended() { mkfs.ext4 -q /dev/vda2 && e2fsck -fn /dev/vda2 && same "$(blkid -o value -s TYPE /dev/vda2)" ext4; }
check mkfs-e2fsck-blkid extended
busy() { exec 9</dev/vda1; ! blockdev --rereadpt /dev/vda; r=$?; exec 9<&-; return $r; }
check reread-while-open busy
check reread blockdev --rereadpt /dev/vda
check partx sh -c 'partx -d --nr 2 /dev/vda && ! [ -e /dev/vda2 ] && partx -a --nr 2 /dev/vda && [ -e /dev/vda2 ]'

# ---- loop
loop_file() {
	truncate -s 16M image && L=$(losetup -f --show image) && dd if=data of="$L" bs=64k conv=fsync && losetup -d "$L" &&
		cmp -n 2600000 data image
}
check loop-file loop_file
loop_partitions() {
	printf 'label: dos\n,2M\n,4M\n' | sfdisk -q image && L=$(losetup -P -f --show image) && [ -b "${L}p2" ] &&
		same "$(blockdev --getsize64 "${L}p2")" 4194304 && losetup -d "$L" && ! [ -e "${L}p2" ]
}
check loop-partitions loop_partitions
loop_direct() {
	L=$(losetup --direct-io=on -f --show /dev/nvme0n1) && same "$(losetup -nO DIO "$L" | tr -d ' ')" 1 &&
		dd if=data of="$L" bs=64k conv=fsync && verify "$L" 4k 2m libaio 16 && losetup -d "$L"
}
check loop-direct loop_direct
loop_twice() {
	A=$(losetup -f --show image) && B=$(losetup -o 1048576 -f --show "$A") && dd if=data of="$B" bs=64k conv=fsync &&
		losetup -d "$B" && losetup -d "$A" && cmp -i 0:1048576 -n 2600000 data image
}
check loop-on-loop loop_twice
loop_discard() { L=$(losetup -f --show image) && blkdiscard -f "$L" && losetup -d "$L" && same "$(stat -c %b image)" 0; }
check loop-discard loop_discard

# ---- persistent reservations: SPC-4's answers for one host; 24 is the device's RESERVATION CONFLICT
reservations() { python3 - <<'END'
import fcntl, os, struct
fd = os.open("/dev/ram0", os.O_RDWR)
IGNORE, WRITE_EXCLUSIVE, EXCLUSIVE = 1, 1, 2
def ask(nr, form, *words):
    try:
        return fcntl.ioctl(fd, 1 << 30 | struct.calcsize(form) << 16 | ord("p") << 8 | nr, bytearray(struct.pack(form, *words)))
    except OSError as error:
        return -error.errno
register = lambda old, new, flags=0: ask(200, "QQII", old, new, flags, 0)
reserve = lambda key, kind, flags=0: ask(201, "QII", key, kind, flags)
release = lambda key, kind: ask(202, "QII", key, kind, 0)
preempt = lambda old, new, kind: ask(203, "QQII", old, new, kind, 0)
clear = lambda key: ask(205, "QII", key, 0, 0)
got = [reserve(7, 1), register(0, 7), register(0, 8), register(9, 8, IGNORE), reserve(7, WRITE_EXCLUSIVE), reserve(8, WRITE_EXCLUSIVE),
       reserve(8, WRITE_EXCLUSIVE), reserve(8, EXCLUSIVE), reserve(8, 99), release(8, EXCLUSIVE), preempt(8, 8, EXCLUSIVE), preempt(5, 8, EXCLUSIVE),
       release(8, EXCLUSIVE), release(8, EXCLUSIVE), clear(5), clear(8), reserve(8, 1), register(0, 1, 4)]
want = [24, 0, 24, 0, 24, 0, 0, 24, -22, -22, 0, 24, 0, 0, 24, 0, 24, -95]
if got != want:
    raise SystemExit(f"{got}, not {want}")
END
}
check reservations reservations

# ---- figures
inflight() { same "$(cat /sys/block/*/inflight | tr -s ' ' | sort -u)" " 0 0"; }
check nothing-in-flight inflight
counted() { before=$(awk '{ print $5 + 0 }' /sys/block/vda/stat); dd if=data of=/dev/vda3 bs=4k count=8 oflag=direct
	after=$(awk '{ print $5 + 0 }' /sys/block/vda/stat); same $((after - before)) 8; }
check stat-counts-writes counted
check diskstats grep -q ' nvme0n1 ' /proc/diskstats

# ---- resets and formats; what stays on the disks is looked at by the host
kept() { dd if=data of=/dev/nvme0n2 bs=64k conv=fsync && nvme reset /dev/nvme0 && same "$(cat /sys/class/nvme/nvme0/state)" live &&
	dd if=/dev/nvme0n2 of=back bs=64k iflag=direct count=41 && cmp -n 2600000 data back; }
check nvme-reset kept
formatted() { nvme format /dev/nvme0 -n 1 -l 4 -f && same "$(blockdev --getss /dev/nvme0n1)" 4096 && verify /dev/nvme0n1 4k 1m libaio 8; }
check nvme-format formatted
last() { blkdiscard -f /dev/vda && dd if=data of=/dev/vda bs=64k oflag=direct conv=fsync count=41; }
check virtio-last last
