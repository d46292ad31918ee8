# A disk (vda) and one that is read-only (vdb), both with the content of check sum SUM and BYTES bytes.
sum() { md5sum "$1" | cut -d' ' -f1; }
write() { dd if=/bin/busybox of=/dev/vda bs=4k seek=100 conv=notrunc,fsync; }
read_back() { dd if=/dev/vda bs=4k skip=100 2>/dev/null | head -c "$(wc -c </bin/busybox)" | cmp - /bin/busybox; }

mount -t proc proc /proc
mount -t devtmpfs dev /dev
check read is "$SUM" sum /dev/vda
check read_only_read is "$SUM" sum /dev/vdb
check size is "$BYTES" blockdev --getsize64 /dev/vda
check write write
check read_back read_back
check past_the_end fails 'No space left on device' dd if=/dev/zero of=/dev/vda bs=4k seek=2047 count=2 conv=notrunc
check restore dd if=/dev/vdb of=/dev/vda bs=4k seek=2047 skip=2047 count=1 conv=notrunc
check read_only_write fails '' dd if=/dev/zero of=/dev/vdb bs=4k count=1 conv=notrunc,fsync
check sync sync
check partitions grep -q ' vda$' /proc/partitions
