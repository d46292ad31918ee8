"""What the guests of tests/net/run do: each word of the command line is a step, with its values after colons.

    lease:ADDRESS           eth0 has ADDRESS, is up and running; /etc/resolv.conf names QEMU's server
    echo:HOST:PORT:N,N...   datagrams of N bytes come back as they went
    burst:HOST:PORT:COUNT   COUNT datagrams, 32 under way, all come back
    counted                 eth0 counts packets in and out, and no errors
    serve:PORT              echo until a datagram says "end"
    end:HOST:PORT           say it
    set:ADDRESS             eth0 gets ADDRESS/24 by ioctl and comes up

A step prints `check NAME: ok`, or what is wrong.
"""
import fcntl
import os
import socket
import struct
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFADDR, SIOCSIFADDR, SIOCGIFNETMASK, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8915, 0x8916, 0x891B, 0x891C
IFF_UP, IFF_RUNNING = 1, 0x40
TRIES = 8


def udp(wait_s=2.0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(wait_s)
    return s


def ioctl(request, payload=b""):
    with udp() as s:
        return fcntl.ioctl(s, request, struct.pack("16s24s", b"eth0", payload))[16:]


def sockaddr(address):
    return struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(address))


def address_of(request):
    return socket.inet_ntoa(ioctl(request)[4:8])


def up():
    flags = struct.unpack("=H", ioctl(SIOCGIFFLAGS)[:2])[0]
    ioctl(SIOCSIFFLAGS, struct.pack("=H", flags | IFF_UP))


def lease(address):
    got = address_of(SIOCGIFADDR), address_of(SIOCGIFNETMASK)
    if got != (address, "255.255.255.0"):
        return f"eth0 has {got}"
    flags = struct.unpack("=H", ioctl(SIOCGIFFLAGS)[:2])[0]
    if flags & (IFF_UP | IFF_RUNNING) != IFF_UP | IFF_RUNNING:
        return f"eth0's flags are {flags:#x}"
    with open("/etc/resolv.conf", encoding="ascii") as f:
        text = f.read()
    return None if "nameserver 10.0.2.3\n" in text else f"resolv.conf says {text!r}"


def round_trip(s, to, data):
    """UDP may lose; a datagram that is lost every time is an error."""
    for _ in range(TRIES):
        try:
            s.sendto(data, to)
            while True:
                got = s.recv(65536)
                if got == data:
                    return None
        except OSError:      # no answer, or the neighbour is not up yet
            pass
    return f"a datagram of {len(data)} bytes did not come back"


def echo(host, port, sizes):
    with udp() as s:
        for n in sizes.split(","):
            wrong = round_trip(s, (host, int(port)), os.urandom(int(n)))
            if wrong:
                return wrong
    return None


def burst(host, port, count):
    want = {i.to_bytes(4, "big") + os.urandom(1000) for i in range(int(count))}
    with udp() as s:
        for _ in range(TRIES):
            left = sorted(want)
            for at in range(0, len(left), 32):
                window = left[at:at + 32]
                for data in window:
                    s.sendto(data, (host, int(port)))
                try:
                    for _ in window:
                        want.discard(s.recv(65536))
                except socket.timeout:
                    pass
            if not want:
                return None
    return f"{len(want)} of {count} datagrams did not come back"


def counted():
    with open("/proc/net/dev", encoding="ascii") as f:
        line = [x for x in f if x.lstrip().startswith("eth0:")]
    n = [int(x) for x in line[0].split(":")[1].split()] if line else []
    good = n and n[0] and n[1] and not n[2] and n[8] and n[9] and not n[10]
    return None if good else f"/proc/net/dev says {line}"


def serve(port):
    with udp(60.0) as s:
        s.bind(("", int(port)))
        while True:
            data, peer = s.recvfrom(65536)
            if data == b"end":
                return None
            s.sendto(data, peer)


def end(host, port):
    with udp() as s:
        for _ in range(3):
            s.sendto(b"end", (host, int(port)))
    return None


def set_(address):
    ioctl(SIOCSIFADDR, sockaddr(address))
    ioctl(SIOCSIFNETMASK, sockaddr("255.255.255.0"))
    up()
    got = address_of(SIOCGIFADDR)
    return None if got == address else f"eth0 has {got}"


STEPS = {"lease": lease, "echo": echo, "burst": burst, "counted": counted, "serve": serve, "end": end, "set": set_}

for word in sys.argv[1:]:
    step, *values = word.split(":")
    try:
        wrong = STEPS[step](*values)
    except OSError as e:
        wrong = str(e)
    print(f"check {word}: {wrong or 'ok'}", flush=True)
