#!/bin/sh
# O_DIRECT over ext4, and over loop devices whose files lie there: what fio finds, and how often a file is in memory.  Runs in the
# guest with /dev/vda formatted and mounted on $1; one line a check.  $2: where the programs are.
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
same() { [ "$1" = "$2" ] || { echo "'$1', not '$2'"; return 1; }; }

# ---- bytes: file or device, direct, engine, depth, block size, bytes in all
verify() {
	fio --name=t --filename="$1" --direct="$2" --ioengine="$3" --iodepth="$4" --bs="$5" --size="$6" --rw=randrw --rwmixwrite=70 \
		--verify=crc32c --fallocate=none --minimal --output=/tmp/fio.log
}
jobs() {
	on=$1 job=$2
	check "$job-psync-512" verify "$on" "$3" psync 1 512 256k
	check "$job-psync-4k" verify "$on" "$3" psync 1 4k 2m
	check "$job-psync-1m" verify "$on" "$3" psync 1 1m 16m
	check "$job-libaio-512-32" verify "$on" "$3" libaio 32 512 256k
	check "$job-libaio-4k-1" verify "$on" "$3" libaio 1 4k 1m
	check "$job-libaio-4k-32" verify "$on" "$3" libaio 32 4k 4m
	check "$job-libaio-64k-32" verify "$on" "$3" libaio 32 64k 16m
	check "$job-libaio-1m-32" verify "$on" "$3" libaio 32 1m 16m
}
jobs "$1/new" file 1
fallocate -l 16m allocated
jobs "$1/allocated" allocated 1
head -c 16777216 /dev/urandom >written
jobs "$1/written" written 1
mixed() { fio --name=a --filename="$1/mixed" --size=4m --bs=4k --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --verify=crc32c --offset=0 \
	--name=b --filename="$1/mixed" --size=4m --bs=4k --direct=0 --ioengine=psync --rw=randwrite --verify=crc32c --offset=4m --minimal; }
check direct-and-cached-side-by-side mixed "$1"

# ---- a device writes to pages while the process forks: the parent's are those that it writes to
forked() { "$2/generic" "$1" aio_fork | grep -x "aio_fork: 1"; }
check fork-while-pages-are-read-into forked "$1" "$2"

# ---- loop
truncate -s 32m image
attach() { L=$(losetup -f --show "$@") && echo "$L"; }
D=$(attach --direct-io=on image)
check loop-is-direct same "$(losetup -nO DIO "$D" | tr -d ' ')" 1
jobs "$D" loop-direct 1
jobs "$D" loop-direct-cached 0
losetup -d "$D"
B=$(attach --direct-io=off image)
jobs "$B" loop-cached 1
losetup -d "$B"
rm image new mixed

# ---- an ext4 on a loop device on an ext4
nested() {
	truncate -s 48m image && mkfs.ext4 -q image && L=$(losetup --direct-io=on -f --show image) && mkdir inner && mount -t ext4 "$L" inner &&
		verify inner/f 1 libaio 32 4k 4m && verify inner/g 0 psync 1 64k 8m && cp -a /usr/include/linux inner/ && diff -r /usr/include/linux inner/linux &&
		umount inner && losetup -d "$L" && e2fsck -fn image
}
check ext4-on-loop-on-ext4 nested
rm -f image

# ---- how often a file read through a loop device is in memory
cached_kib() { awk '/^Cached:|^Buffers:/ { n += $2 } END { print n }' /proc/meminfo; }
head -c 33554432 /dev/urandom >image
in_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	L=$(losetup --direct-io="$1" -f --show image) && exec 9<"$L" && before=$(cached_kib) && cat "$L" >/dev/null && after=$(cached_kib) && exec 9<&- && losetup -d "$L"
	n=$((after - before))
	[ $n -gt $(($2 * 32768 - 2048)) ] && [ $n -lt $(($2 * 32768 + 4096)) ] || { echo "$n KiB more for 32768 that were read"; return 1; }
}
check read-by-direct-loop-once-in-memory in_memory on 1
check read-by-cached-loop-twice-in-memory in_memory off 2
