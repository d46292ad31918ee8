#!/bin/sh
# ext4 on a virtio disk: small files, a tree from a tar file and from git, sqlite with its fsyncs.
# DISK: an empty ext4 image; TAR, REPOSITORY: what is unpacked and checked out.
. "$(dirname "$0")/lib.sh"
modules ext4 virtio_blk
mkdir -p /mnt
mount -t ext4 /dev/vda /mnt
cd /mnt
python3 -I - <<'END'
import os, time

def figure(name, start, count):
    print(f"figure {name} {(time.monotonic_ns() - start) / count / 1000:.1f} us low", flush=True)

N = 10000
os.mkdir("small")
start = time.monotonic_ns()
for i in range(N):
    fd = os.open(f"small/{i}", os.O_CREAT | os.O_WRONLY, 0o644)
    os.write(fd, b"x" * 100)
    os.close(fd)
figure("create", start, N)
start = time.monotonic_ns()
os.sync()
figure("sync_after", start, N)
start = time.monotonic_ns()
for i in range(N):
    os.stat(f"small/{i}")
figure("stat", start, N)
start = time.monotonic_ns()
for i in range(N):
    os.unlink(f"small/{i}")
figure("delete", start, N)
END
timed untar 1 tar xf "$TAR"
timed checkout 1 git clone -q "$REPOSITORY" tree
sync
python3 -I - <<'END'
import sqlite3, time
db = sqlite3.connect("data.db", isolation_level=None)
db.execute("create table t (a integer primary key, b text)")
start = time.monotonic_ns()
for i in range(300):
    db.execute("insert into t (b) values (?)", ("x" * 100,))
print(f"figure sqlite_insert {(time.monotonic_ns() - start) / 300 / 1000:.0f} us low")
END
cd /
umount /mnt
