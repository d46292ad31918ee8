# python3: json, sqlite3, threading, subprocess, multiprocessing, asyncio, mmap, sockets, signals.
cd "$(mktemp -d)" || exit 1
cat >t.py <<'END'
import asyncio, concurrent.futures, fcntl, hashlib, json, mmap, multiprocessing, os, pathlib, queue, select, signal
import shutil, socket, sqlite3, subprocess, sys, tempfile, threading, time, zlib

def square(n):
    return n * n

def child(conn, lock, value):
    with lock:
        value.value += 5
    conn.send({"got": conn.recv(), "sum": sum(range(1000))})

async def tick(name, delay, out):
    await asyncio.sleep(delay)
    out.append(name)

def main():
    data = {str(i): list(range(i)) for i in range(200)}
    text = json.dumps(data, sort_keys=True)
    print("json", hashlib.sha256(text.encode()).hexdigest()[:16], json.loads(text) == data)
    db = sqlite3.connect("t.db")
    db.execute("create table t (id integer primary key, name text, n real)")
    with db:
        db.executemany("insert into t (name, n) values (?, ?)", [(f"n{i % 10}", i * 0.5) for i in range(5000)])
    print("sqlite", db.execute("select name, count(*), sum(n) from t group by name order by name limit 2").fetchall())
    db.execute("pragma journal_mode=wal"); db.execute("create index i on t (name)"); db.commit()
    other = sqlite3.connect("t.db", timeout=0.1)
    db.execute("begin immediate"); db.execute("update t set n = 0 where id = 1")
    try:
        other.execute("begin immediate")
    except sqlite3.OperationalError as e:
        print("sqlite", e)
    db.rollback(); print("sqlite", db.execute("pragma integrity_check").fetchone()[0])
    total, lock, q = [0], threading.Lock(), queue.Queue()
    def add():
        for _ in range(2000):
            with lock:
                total[0] += 1
        q.put(threading.get_native_id() != os.getpid())
    threads = [threading.Thread(target=add) for _ in range(8)]
    [t.start() for t in threads]; [t.join() for t in threads]
    print("threads", total[0], all(q.get() for _ in threads))
    event = threading.Event(); threading.Timer(0.05, event.set).start(); print("event", event.wait(5), threading.Event().wait(0.01))
    p = subprocess.run(["sort", "-r"], input="b\na\nc\n", capture_output=True, text=True); print("run", p.stdout.split(), p.returncode)
    print("shell", subprocess.check_output("echo $0 $((1+1)) | tr a-z A-Z; exit 0", shell=True, text=True).strip())
    try:
        subprocess.run(["sleep", "10"], timeout=0.2)
    except subprocess.TimeoutExpired:
        print("timeout")
    print("missing", end=" ")
    try:
        subprocess.run(["/nonexistent"])
    except FileNotFoundError as e:
        print(e.errno)
    p = subprocess.Popen(["sleep", "10"]); p.send_signal(signal.SIGTERM); print("signal", p.wait())
    p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); print("pipe", p.communicate(b"x" * 300000)[0] == b"x" * 300000)
    for method in "fork", "spawn":
        ctx = multiprocessing.get_context(method)
        with ctx.Pool(3) as pool:
            print(method, sum(pool.map(square, range(100))))
    a, b = multiprocessing.Pipe(); lock = multiprocessing.Lock(); value = multiprocessing.Value("i", 1)
    procs = [multiprocessing.Process(target=child, args=(b, lock, value))]; [x.start() for x in procs]
    a.send([1, 2]); print("pipe", a.recv(), end=" "); [x.join() for x in procs]; print(value.value, procs[0].exitcode)
    with concurrent.futures.ProcessPoolExecutor(2) as ex:
        print("futures", list(ex.map(square, range(5))))
    from multiprocessing import shared_memory
    shm = shared_memory.SharedMemory(create=True, size=4096); shm.buf[:3] = b"shm"
    again = shared_memory.SharedMemory(shm.name); print("shm", bytes(again.buf[:3])); again.close(); shm.close(); shm.unlink()
    out = []
    async def run():
        await asyncio.gather(tick("late", 0.1, out), tick("early", 0.01, out))
        p = await asyncio.create_subprocess_exec("echo", "sub", stdout=subprocess.PIPE); out.append((await p.communicate())[0])
        server = await asyncio.start_unix_server(lambda r, w: (w.write(b"hello\n"), w.close()), "s"); r, w = await asyncio.open_unix_connection("s"); out.append(await r.readline()); server.close()
    asyncio.run(run()); print("asyncio", out)
    with open("m", "w+b") as f:
        f.write(b"\0" * 8192); f.flush(); m = mmap.mmap(f.fileno(), 8192); m[4096:4101] = b"mmap!"; m.flush(); f.seek(4096); print("mmap", f.read(5)); m.close()
    a, b = socket.socketpair(); a.sendall(b"ping"); print("socket", b.recv(10)); socket.send_fds(a, [b"fd"], [0]); print("fds", len(socket.recv_fds(b, 10, 1)[1]))
    ep = select.epoll(); ep.register(b, select.EPOLLIN); a.send(b"x"); print("epoll", [e for _, e in ep.poll(1)])
    hits = []; signal.signal(signal.SIGALRM, lambda s, f: hits.append(s)); signal.setitimer(signal.ITIMER_REAL, 0.02); time.sleep(0.1); print("signal", len(hits))
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    r, w = os.pipe(); os.write(w, b"os"); print("os", os.read(r, 5), os.cpu_count() > 0, os.sysconf("SC_PAGE_SIZE"), len(os.urandom(8)))
    with tempfile.TemporaryDirectory() as d:
        for i in range(50):
            pathlib.Path(d, f"f{i}").write_text("x" * i)
        print("files", sum(p.stat().st_size for p in pathlib.Path(d).glob("f*"))); shutil.copytree(d, "copy")
    print("copied", len(os.listdir("copy")), os.path.exists(d)); print("zlib", zlib.crc32(zlib.decompress(zlib.compress(text.encode()))))
    with open("lock", "w") as f:
        fcntl.lockf(f, fcntl.LOCK_EX); print("lockf ok")
    m, s = os.openpty(); os.write(m, b"line\n"); print("pty", os.read(s, 10), os.isatty(s)); sys.exit(3)

if __name__ == "__main__":
    main()
END
/usr/bin/python3 t.py; echo "status $?"
/usr/bin/python3 -c 'import sys; print(sum(i * i for i in range(10**6)), sys.version_info[:2])'
/usr/bin/python3 - <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "-c", "test -t 0 && echo terminal; read x; echo got $x"])
os.write(fd, b"typed\n"); text = b""
try:
    while chunk := os.read(fd, 1000):
        text += chunk
except OSError as e:
    text += f"errno {e.errno}".encode()
print(sorted(text.decode().split("\r\n")), os.waitpid(pid, 0)[1])
END
