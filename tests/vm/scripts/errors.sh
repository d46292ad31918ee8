# A full file system, no memory, files that are no programs: an error, and the system lives.
fill() { dd if=/dev/zero of=/tmp/full/file bs=4k count=1000; }
many() {
	i=0
	while [ $i -lt 40 ]; do
		: >/tmp/few/$i || return 1
		i=$((i + 1))
	done
}
killed_for_memory() {
	sh -c 'echo 1000 >/proc/self/oom_score_adj; exec tail /dev/zero' >/dev/null
	status=$?
	[ $status -eq 137 ] || [ $status -eq 1 ] || { echo "status $status"; false; }
}
noise_as_program() {
	head -c 5000 /dev/urandom >/tmp/noise
	chmod +x /tmp/noise
	/tmp/noise
}
half_a_program() {
	head -c 3000 /bin/busybox >/tmp/half
	chmod +x /tmp/half
	/tmp/half
	[ $? -ge 126 ]
}

mount -t proc proc /proc
mount -t devtmpfs dev /dev
check tmpfs mount -t tmpfs -o size=8m tmpfs /tmp
mkdir /tmp/full /tmp/few
check small_tmpfs mount -t tmpfs -o size=1m tmpfs /tmp/full
check full fails 'No space left on device' fill
check full_size is 1048576 sh -c 'wc -c </tmp/full/file'
check room_again sh -c 'rm /tmp/full/file && dd if=/dev/zero of=/tmp/full/file bs=4k count=200'
check few_inodes mount -t tmpfs -o nr_inodes=20 tmpfs /tmp/few
check no_inodes fails 'No space left on device' many
check wrong_option fails 'Invalid argument' mount -t tmpfs -o size=purple tmpfs /mnt
check wrong_type fails 'No such device' mount -t nosuchfs none /mnt
check noise fails '' noise_as_program
check half half_a_program
check killed killed_for_memory
check killed_again killed_for_memory
check lives is 3000 sh -c 'seq 1 3000 | sort -n | tail -n 1'
check memory_back sh -c '[ "$(awk "/^MemAvailable/ { print \$2 }" /proc/meminfo)" -gt 20000 ]'
