# A full file system, no memory, files that are no programs: an error, and the system lives.
fill() { dd if=/dev/zero of=/tmp/full/file bs=4k count=1000; }
many() {
	i=0
	while [ $i -lt 40 ]; do
		: >/tmp/few/$i || return 1
		i=$((i + 1))
	done
}
# Wants more and more: the call that allocates may fail, or the process is killed.
one_eats_all() {
	tail /dev/zero >/dev/null
	status=$?
	[ $status -eq 137 ] || [ $status -eq 1 ] || { echo "status $status"; false; }
}
# Each may have what it asks for, all of them together may not: some are killed, the others go on.
many_eat_all() {
	pids=
	for i in 1 2 3 4 5 6; do
		dd if=/dev/zero of=/dev/null bs=40M count=10000 2>/dev/null &
		pids="$pids $!"
	done
	sleep 4
	kill $pids 2>/dev/null
	killed=0 ended=0
	for pid in $pids; do
		wait $pid
		case $? in
		137) killed=$((killed + 1)) ;;
		143) ended=$((ended + 1)) ;;
		esac
	done
	[ $killed -ge 1 ] && [ $ended -ge 1 ] && [ $((killed + ended)) -eq 6 ] ||
		{ echo "of 6 processes $killed were killed, $ended went on"; false; }
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
check one_eats_all one_eats_all
check many_eat_all many_eat_all
check once_more many_eat_all
check lives is 3000 sh -c 'seq 1 3000 | sort -n | tail -n 1'
check memory_back sh -c '[ "$(awk "/^MemAvailable/ { print \$2 }" /proc/meminfo)" -gt 20000 ]'
