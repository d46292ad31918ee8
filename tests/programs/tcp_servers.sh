# Servers of Debian over lo: nginx with sendfile and SO_REUSEPORT, redis, socat, netcat, OpenSSH, iperf3.
dir=$(mktemp -d /tmp/tmp.XXXXXX)
cd "$dir" || exit 1
chmod 755 "$dir"

# Waits until something listens on the port. A connection to try it would be one that the server has to see off first.
up() {
	until grep -q "0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp; do sleep 0.1; done
}

mkdir site
echo "from nginx" >site/index.html
seq 1 300000 >site/big
chmod -R a+rX site
cat >nginx.conf <<C
worker_processes 2; daemon off; pid $dir/pid; error_log /dev/null;
events { worker_connections 128; }
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3;
       uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5; server { listen 127.0.0.1:8750 backlog=64 reuseport; root $dir/site; } }
C
nginx -c "$dir/nginx.conf" 2>/dev/null &
server=$!
up 8750
curl -s http://127.0.0.1:8750/
curl -s http://127.0.0.1:8750/big | cksum
for i in $(seq 20); do curl -s http://127.0.0.1:8750/; done | sort | uniq -c
curl -s -r 100-199 http://127.0.0.1:8750/big | cksum
kill "$server"
wait "$server"

redis-server --port 8751 --bind 127.0.0.1 --save '' --daemonize no >/dev/null 2>&1 &
server=$!
up 8751
redis-cli -p 8751 set a 1
for i in $(seq 5); do redis-cli -p 8751 incr a; done
redis-benchmark -h 127.0.0.1 -p 8751 -q -n 1000 -c 20 -t ping,set,get >/dev/null 2>&1
echo "benchmark: $?"
redis-cli -p 8751 shutdown nosave 2>/dev/null
wait "$server"

socat TCP-LISTEN:8752,bind=127.0.0.1,reuseaddr,fork EXEC:cat &
server=$!
up 8752
seq 1 20000 | socat -t 20 - TCP:127.0.0.1:8752 | cksum
kill "$server"

nc -l 127.0.0.1 8753 >received &
server=$!
until grep -q ":2231 00000000:0000 0A" /proc/net/tcp; do sleep 0.1; done
seq 1 5000 | nc -N 127.0.0.1 8753
wait "$server"
cksum received

mkdir -p /run/sshd keys
ssh-keygen -q -t ed25519 -N '' -f keys/host
ssh-keygen -q -t ed25519 -N '' -f keys/me
/usr/sbin/sshd -D -p 8754 -h "$dir/keys/host" -o AuthorizedKeysFile="$dir/keys/me.pub" -o StrictModes=no -o UsePAM=no -o PidFile=none \
	-o ListenAddress=127.0.0.1 2>/dev/null &
server=$!
up 8754
ssh -p 8754 -i keys/me -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 'echo over ssh; seq 1 50000 | cksum'
seq 1 50000 | ssh -p 8754 -i keys/me -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 cksum
kill "$server"
wait "$server"

iperf3 -s -B 127.0.0.1 -p 8755 >/dev/null &
server=$!
up 8755
iperf3 -c 127.0.0.1 -p 8755 -n 20M -P 2 >/dev/null 2>&1
echo "iperf3: $?"
iperf3 -c 127.0.0.1 -p 8755 -n 20M -R >/dev/null 2>&1
echo "iperf3, the other way: $?"
kill "$server"
cd / && rm -r "$dir"
