# TCP over lo with Debian's own programs: servers and clients of python, curl, bulk transfer, many connections at once.
dir=$(mktemp -d /tmp/tmp.XXXXXX)
cd "$dir" || exit 1
head -c 3000000 /dev/zero | tr '\0' 'x' >big
echo hello >small

python3 -m http.server 8730 --bind 127.0.0.1 >log 2>&1 &
server=$!
python3 - <<'P'
import socket, time, urllib.request
while True:
    try:
        socket.create_connection(("127.0.0.1", 8730)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
print(urllib.request.urlopen("http://127.0.0.1:8730/small").read())
print(len(urllib.request.urlopen("http://127.0.0.1:8730/big").read()))
try:
    urllib.request.urlopen("http://127.0.0.1:8730/none")
except urllib.error.HTTPError as e:
    print(e.code)
P
curl -s http://127.0.0.1:8730/small
curl -s http://127.0.0.1:8730/big | cksum
curl -s http://127.0.0.1:8730/small http://127.0.0.1:8730/small
kill "$server"
wait "$server" 2>/dev/null
curl -s http://127.0.0.1:8730/small || echo "curl: $?"

python3 - <<'P'
import asyncio

async def echo(reader, writer):
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()
    writer.close()

async def client(n):
    reader, writer = await asyncio.open_connection("127.0.0.1", 8731)
    text = (f"client {n} " * 500).encode()
    writer.write(text)
    writer.write_eof()
    back = await reader.read()
    writer.close()
    await writer.wait_closed()
    return back == text

async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 8731, backlog=200)
    async with server:
        print("asyncio:", sum(await asyncio.gather(*(client(n) for n in range(100)))), "of 100 came back")

asyncio.run(main())
P

python3 - <<'P'
import hashlib, os, socket, threading

def serve(listener, out):
    conn, _ = listener.accept()
    h, total = hashlib.sha256(), 0
    while data := conn.recv(1 << 16):
        h.update(data)
        total += len(data)
    conn.sendall(b"got it")
    conn.close()
    out.append((total, h.hexdigest()))

listener = socket.create_server(("127.0.0.1", 8732))
out = []
t = threading.Thread(target=serve, args=(listener, out))
t.start()
c = socket.create_connection(("127.0.0.1", 8732))
block = bytes(range(256)) * 1024
for _ in range(128):
    c.sendall(block)
c.shutdown(socket.SHUT_WR)
print(c.recv(100))
t.join()
print(out[0])

# sendfile from a file into a socket
t = threading.Thread(target=serve, args=(listener, out))
t.start()
c = socket.create_connection(("127.0.0.1", 8732))
with open("big", "rb") as f:
    print("sendfile:", c.sendfile(f))
c.shutdown(socket.SHUT_WR)
print(c.recv(100))
t.join()
print(out[1])
P
cd / && rm -r "$dir"
