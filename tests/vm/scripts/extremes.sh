# Very little, very much.  CPUS and MEMORY_MIB are set before.
count_cpus() { grep -c '^processor' /proc/cpuinfo; }
memory_total() {
	kib=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
	[ "$kib" -le $((MEMORY_MIB * 1024)) ] && [ "$kib" -ge $((MEMORY_MIB * (920 - ${SHADOW:-0}) - 28 * 1024)) ] ||
		{ echo "MemTotal is $kib KiB of $MEMORY_MIB MiB"; false; }
}

check proc mount -t proc proc /proc
check cpus is "$CPUS" count_cpus
check memory memory_total
check pipeline is 2000 sh -c 'seq 1 2000 | sort -n | tail -n 1'
