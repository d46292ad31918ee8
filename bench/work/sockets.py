"""Round trips, connections and accepts over the loopback; run in the guest by net.sh."""
import os
import socket
import time


def figure(name, value, unit, better):
    print(f"figure {name} {value:.1f} {unit} {better}", flush=True)


def timed(name, count, step):
    for _ in range(count // 10):
        step()
    start = time.monotonic_ns()
    for _ in range(count):
        step()
    figure(name, (time.monotonic_ns() - start) / count / 1000, "us", "low")


def echo_server(sock):
    while data := sock.recv(100):
        sock.send(data)
    os._exit(0)


def tcp_round_trip(family, address, name):
    listener = socket.create_server((address, 0), family=family)
    if os.fork() == 0:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        echo_server(peer)
    with socket.create_connection(listener.getsockname()[:2]) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        timed(name, 5000, lambda: (sock.send(b"x"), sock.recv(100)))
    os.wait()
    listener.close()


def udp_round_trip():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    if os.fork() == 0:
        while True:
            data, peer = server.recvfrom(100)
            server.sendto(data, peer)
            if data == b"end":
                os._exit(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server.getsockname())
        timed("udp_round_trip", 5000, lambda: (sock.send(b"x"), sock.recv(100)))
        sock.send(b"end")
    os.wait()
    server.close()


def connect_close():
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    end = os.fork()
    if end == 0:
        while True:
            peer, _ = listener.accept()
            peer.close()
    address = listener.getsockname()

    def step():
        with socket.create_connection(address) as sock:
            sock.recv(1)

    timed("connect_close", 2000, step)
    os.kill(end, 9)
    os.wait()
    listener.close()


tcp_round_trip(socket.AF_INET, "127.0.0.1", "tcp_round_trip")
tcp_round_trip(socket.AF_INET6, "::1", "tcp6_round_trip")
udp_round_trip()
connect_close()
