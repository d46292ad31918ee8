#!/bin/sh
# TCP and UDP over the loopback: round trips, bandwidth, connections, nginx, redis.
. "$(dirname "$0")/lib.sh"
ip link set lo up
cd /tmp
python3 -I "$HERE/sockets.py"
iperf3 -s -1 -D -I /tmp/iperf.pid
sleep 1
iperf3 -c 127.0.0.1 -t 5 -J >/tmp/iperf.json
python3 -c 'import json; print("figure", "iperf3", int(json.load(open("/tmp/iperf.json"))["end"]["sum_received"]["bits_per_second"] / 1e6), "Mbit/s", "high")'
redis-server --save '' --appendonly no --daemonize yes --bind 127.0.0.1 >/dev/null
until redis-cli ping >/dev/null 2>&1; do sleep 0.2; done
for pipeline in 1 16; do
	redis-benchmark -t get,set -n 20000 -c 20 -P $pipeline --csv 2>/dev/null | tr -d '"' |
		awk -F, -v p=$pipeline '$2 + 0 { printf "figure redis_%s_pipeline%d %d /s high\n", tolower($1), p, $2 }'
done
redis-cli shutdown nosave >/dev/null 2>&1 || true
mkdir -p /tmp/www /tmp/logs
head -c 1000 /dev/zero >/tmp/www/small
cat >/tmp/nginx.conf <<'END'
worker_processes auto; error_log /tmp/logs/error.log; pid /tmp/nginx.pid;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000; server { listen 127.0.0.1:8080; root /tmp/www; } }
END
nginx -c /tmp/nginx.conf
for c in 1 20; do
	wrk -t1 -c$c -d5s http://127.0.0.1:8080/small | awk -v c=$c '/Requests.sec/ { printf "figure nginx_keepalive_c%d %d /s high\n", c, $2 }'
done
wrk -t1 -c20 -d5s -H 'Connection: close' http://127.0.0.1:8080/small |
	awk '/Requests.sec/ { printf "figure nginx_close_c20 %d /s high\n", $2 }'
nginx -c /tmp/nginx.conf -s stop
