# What tests/nettools/run runs under both kernels: each command, its output and its status. Nothing that varies by itself: see tidy() there.
run() {
	echo "--- $*"
	timeout 20 "$@" 2>&1
	echo "status $?"
}

run ip link show lo
run ip -s link show lo
run ip link set lo up
run ip addr
run ip -br addr
run ip route
run ip route show table all
run ip rule
run ip neigh
run ip link add d0 type dummy
run ip link add d0 type dummy
run ip link set d0 address 02:00:00:00:00:01
run ip -d link show d0 | grep -o 'd0: .*\|dummy'
run ip link set d0 mtu 1400 txqueuelen 50 alias "a dummy"
run ip link show d0
run ip addr add 10.1.1.1/24 brd + dev d0
run ip addr add 10.1.1.2/24 dev d0 label d0:x
run ip addr add 10.1.1.1/24 dev d0
run ip addr add 10.3.0.1 peer 10.3.0.2 dev d0
run ip addr show d0
run ip link set d0 up
run ip link show d0
run ip -o addr show
run ip route
run ip route show table local
run ip route add 10.9.0.0/16 via 10.1.1.9
run ip route add 10.9.0.0/16 via 10.1.1.9
run ip route add 10.9.0.0/16 via 10.1.1.8 metric 5
run ip route replace 10.9.0.0/16 via 10.1.1.7
run ip route append 10.9.0.0/16 via 10.1.1.6
run ip route change 10.77.0.0/16 via 10.1.1.6
run ip route add 10.10.0.0/16 via 10.200.1.1
run ip route add 10.10.0.0/16 dev d0 mtu 1300
run ip route add default via 10.1.1.9 src 10.1.1.2
run ip route add unreachable 10.11.0.0/16
run ip route add blackhole 10.12.0.0/16
run ip route add 10.13.0.1/16 dev d0
run ip route add 10.14.0.0/16 via 10.99.9.9 dev d0 onlink
run ip route
run ip route show 10.9.0.0/16
run ip route show table main dev d0 scope link
run ip route show proto kernel
run ip route show table 200
run ip route get 10.1.1.77
run ip route get 10.9.1.1
run ip route get 8.8.8.8
run ip route get 10.1.1.1
run ip route get 10.1.1.255
run ip route get 127.0.0.1
run ip route get 10.11.1.1
run ip route get 10.9.1.1 from 10.1.1.2
run ip route get 10.9.1.1 oif d0
run ip neigh add 10.1.1.50 lladdr 02:00:00:00:00:50 dev d0
run ip neigh add 10.1.1.50 lladdr 02:00:00:00:00:50 dev d0
run ip neigh replace 10.1.1.50 lladdr 02:00:00:00:00:51 dev d0 nud permanent
run ip neigh show dev d0
run ip neigh get 10.1.1.50 dev d0
run ip neigh del 10.1.1.50 dev d0
run ip neigh del 10.1.1.50 dev d0
run ip route del 10.9.0.0/16
run ip route del 10.9.0.0/16 metric 5
run ip route del 10.99.0.0/16
run ip addr del 10.1.1.2/24 dev d0
run ip addr del 10.1.1.2/24 dev d0
run ip addr flush dev d0
run ip addr show d0
run ip route
run ip link set d0 down
run ip link set d0 name d9
run ip link show d9
run ip link show type dummy
run ip link del d9
run ip link show d9
run ip link del lo
run ip link set lo mtu 67108864000
run ip link add x type nosuchkind
run ip link set nosuch up
run genl ctrl get name nlctrl | head -1
run tc qdisc show dev lo
python3 - <<'P' &
import os, socket, time
def udp(a, to=None):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(a)
    if to:
        s.connect(to)
    return s
keep = [udp(("127.0.0.1", 5301)), udp(("0.0.0.0", 5302)), udp(("127.0.0.2", 5303), ("127.0.0.1", 5301))]
l = socket.socket(socket.AF_UNIX)
l.bind("\0tests-net")
l.listen(7)
c = socket.socket(socket.AF_UNIX)
c.connect("\0tests-net")
d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
d.bind("/tmp/tests-net.sock")
keep[2].shutdown(socket.SHUT_RD)
t = socket.socket()
t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
t.bind(("127.0.0.1", 5401))
t.listen(9)
u = socket.socket()
u.bind(("127.0.0.1", 5402))
u.connect(("127.0.0.1", 5401))
w = socket.socket()
w.bind(("127.0.0.1", 5403))
w.connect(("127.0.0.1", 5401))
v = t.accept()[0]
u.send(b"x" * 100)
open("/tmp/ready", "w").close()
time.sleep(60)
P
for i in $(seq 300); do [ -e /tmp/ready ] && break; sleep 0.1; done
run ss -H -u -a -n
run ss -H -u -n
run ss -H -u -a -n 'sport = :5301'
run ss -H -u -a -n 'sport >= :5302 and sport <= :5303'
run ss -H -u -a -n 'dst 127.0.0.0/8'
run ss -H -u -a -n 'not src 127.0.0.1'
run ss -H -u -a -n 'sport = :5301 or dport = :5301'
run ss -H -t -a -n
run ss -H -t -n
run ss -H -t -l -n
run ss -H -t -n state established 'sport = :5401'
run ss -H -t -n 'dport = :5401 and not sport = :5403'
run ss -H -t -a -n src 127.0.0.1:5401
run ss -H -x -a -n src @tests-net
run ss -H -x -l -n src /tmp/tests-net.sock
run grep -c : /proc/net/udp
kill %1
python3 -c '
import socket
print(socket.if_nameindex(), socket.if_nametoindex("lo"), socket.if_indextoname(1))
for a in socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_DGRAM): print(a)
'
