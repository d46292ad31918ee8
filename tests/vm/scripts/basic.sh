# What a machine must do, whatever its size.  CPUS and MEMORY_MIB are set before.
pipeline() { seq 1 5000 | sort -rn | tee /tmp/copy | sed -n 1p; }
count_cpus() { grep -c '^processor' /proc/cpuinfo; }

processes() {
	n=0
	while [ $n -lt 60 ]; do
		/bin/true || return 1
		n=$((n + 1))
	done
}

# Twelve programs side by side give what one gives.
side_by_side() {
	wanted=$(seq 1 3000 | md5sum)
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		seq 1 3000 | md5sum >/tmp/side.$i &
	done
	wait
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		[ "$(cat /tmp/side.$i)" = "$wanted" ] || { echo "number $i: $(cat /tmp/side.$i)"; return 1; }
	done
}

# The kernel may keep a tenth and 28 MiB, and what the address sanitizer's shadow takes.
memory_total() {
	kib=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
	[ "$kib" -le $((MEMORY_MIB * 1024)) ] && [ "$kib" -ge $((MEMORY_MIB * (920 - ${SHADOW:-0}) - 28 * 1024)) ] ||
		{ echo "MemTotal is $kib KiB of $MEMORY_MIB MiB"; false; }
}

# Between 0.9 and 3 seconds by the other clock.
clock_runs() {
	from=$(date +%s)
	before=$(cut -d. -f1 /proc/uptime)
	sleep 1
	past=$(($(date +%s) - from))
	[ $past -ge 1 ] && [ $past -le 3 ] && [ "$(cut -d. -f1 /proc/uptime)" -gt "$before" ] ||
		{ echo "a second took $past"; false; }
}

this_century() { [ "$(date +%Y)" -ge 2024 ]; }
kill_sleeper() {
	sleep 1000 &
	kill $!
	wait $!
	[ $? -eq 143 ]
}

check proc mount -t proc proc /proc
check sys mount -t sysfs sysfs /sys
check devtmpfs mount -t devtmpfs dev /dev
check tmpfs mount -t tmpfs tmpfs /tmp
check mounts grep -q '^tmpfs /tmp tmpfs ' /proc/mounts
check dev_null sh -c 'echo lost >/dev/null && [ -z "$(cat /dev/null)" ]'
check dev_urandom is 64 sh -c 'head -c 64 /dev/urandom | wc -c'
check uname is Linux uname -s
check machine is x86_64 uname -m
check cpus is "$CPUS" count_cpus
check memory memory_total
check pipeline is 5000 pipeline
check copy is 5000 sh -c 'wc -l </tmp/copy'
check processes processes
check side_by_side side_by_side
check files sh -c 'mkdir -p /tmp/a/b && cp /bin/busybox /tmp/a/b/c && cmp /bin/busybox /tmp/a/b/c && rm -r /tmp/a'
check links is busybox readlink /bin/sh
check signal kill_sleeper
check clock clock_runs
check real_time this_century
check proc_self is sh sh -c 'cat /proc/$$/comm; :'
check no_such_file fails 'No such file' cat /no/such/file
