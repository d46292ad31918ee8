"""Random changes of files, held against a model in memory: creations, writes, truncations, renames, fallocate, attributes.

usage: model.py DIR SEED OPS	work, compare, print the sum of all files
       model.py DIR		print the sum
"""
import ctypes, hashlib, os, random, sys


def tree_sum(root):
    found = [os.path.join(d, x) for d, _, names in os.walk(root) for x in names if not os.path.islink(os.path.join(d, x))]
    h = hashlib.md5()
    for p in sorted(found):
        h.update(os.path.relpath(p, root).encode() + open(p, "rb").read())
    return f"sum {h.hexdigest()} of {len(found)} files"


if len(sys.argv) == 2:
    print(tree_sum(sys.argv[1]))
    sys.exit(0)
root, seed, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
R = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
files, dirs = {}, [root]
def falloc(fd, mode, off, ln):
    r = libc.fallocate(fd, mode, ctypes.c_long(off), ctypes.c_long(ln))
    if r: raise OSError(ctypes.get_errno(), "fallocate")
os.makedirs(root, exist_ok=True)
for k in range(n):
    op = R.random()
    if op < .25 or not files:
        p = os.path.join(R.choice(dirs), "f%d" % k + "x" * R.randrange(40))
        data = R.randbytes(R.choice([0, 10, 1000, 5000, 70000, 300000]))
        with open(p, "wb") as f: f.write(data)
        files[p] = bytearray(data)
    elif op < .32 and len(dirs) < 40:
        p = os.path.join(R.choice(dirs), "d%d" % k); os.mkdir(p); dirs.append(p)
    elif op < .55:
        p = R.choice(sorted(files)); d = files[p]
        off = R.randrange(0, 400000) if R.random() < .5 else R.randrange(0, len(d) + 1)
        data = R.randbytes(R.choice([1, 500, 4096, 20000]))
        with open(p, "r+b") as f: f.seek(off); f.write(data)
        if off > len(d): d.extend(bytes(off - len(d)))
        d[off:off + len(data)] = data
    elif op < .65:
        p = R.choice(sorted(files)); d = files[p]; size = R.randrange(0, 300000)
        os.truncate(p, size)
        if size < len(d): del d[size:]
        else: d.extend(bytes(size - len(d)))
    elif op < .75:
        p = R.choice(sorted(files)); os.unlink(p); del files[p]
    elif op < .82:
        p = R.choice(sorted(files)); q = os.path.join(R.choice(dirs), "r%d" % k) if R.random() < .7 else R.choice(sorted(files))
        if p != q: os.rename(p, q); files[q] = files.pop(p)
    elif op < .90:
        p = R.choice(sorted(files)); d = files[p]
        fd = os.open(p, os.O_RDWR); off = R.randrange(0, 300000); ln = R.randrange(1, 100000)
        kind = R.randrange(5)
        try:
            if kind == 0:
                falloc(fd, 3, off, ln)
                e = min(len(d), off + ln)
                if off < e: d[off:e] = bytes(e - off)
            elif kind == 1:
                falloc(fd, 0, off, ln)
                if off + ln > len(d): d.extend(bytes(off + ln - len(d)))
            elif kind == 2:
                falloc(fd, 0x10, off, ln)
                if off + ln > len(d): d.extend(bytes(off + ln - len(d)))
                d[off:off + ln] = bytes(ln)
            elif kind == 3:
                off &= ~4095; ln = (ln + 4095) & ~4095
                if off + ln < len(d): falloc(fd, 8, off, ln); del d[off:off + ln]
            else:
                off &= ~4095; ln = (ln + 4095) & ~4095
                if off < len(d): falloc(fd, 0x20, off, ln); d[off:off] = bytes(ln)
        finally: os.close(fd)
    elif op < .93:
        p = R.choice(sorted(files)); fd = os.open(p, os.O_RDWR); os.fsync(fd); os.close(fd)
    elif op < .95: os.sync()
    elif op < .97:
        p = R.choice(sorted(files)); os.setxattr(p, "user.a%d" % R.randrange(4), R.randbytes(R.choice([3, 50, 400])))
    else:
        p = R.choice(sorted(files)); q = os.path.join(R.choice(dirs), "l%d" % k)
        data = open(p, "rb").read()
        assert data == files[p], ("early", k, p)
        os.symlink("t" * R.choice([5, 59, 60, 200]), q)
bad = 0
for p in sorted(files):
    got = open(p, "rb").read()
    if got != files[p]:
        w = next((i for i in range(min(len(got), len(files[p]))) if got[i] != files[p][i]), -1)
        print("DIFFERS", p, len(got), len(files[p]), "first at", w); bad += 1
print(tree_sum(root), flush=True)
sys.exit(bad != 0)
