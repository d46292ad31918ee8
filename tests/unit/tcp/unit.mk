UNIT_TCP := net/tcp/ack.c net/tcp/conn.c net/tcp/cookie.c net/tcp/cubic.c net/tcp/info.c net/tcp/input.c net/tcp/options.c net/tcp/output.c \
	net/tcp/rack.c net/tcp/receive.c net/tcp/recovery.c net/tcp/reno.c net/tcp/request.c net/tcp/rtt.c net/tcp/sack.c net/tcp/timers.c \
	net/tcp/timewait.c net/tcp/window.c
UNIT_SRC_tcp/test_lossy := $(UNIT_TCP) tests/unit/tcp/pair.c
UNIT_SRC_tcp/test_hostile := $(UNIT_TCP) tests/unit/tcp/pair.c
UNIT_SRC_tcp/test_options := net/tcp/options.c net/tcp/cookie.c
UNIT_SRC_tcp/test_machine := $(UNIT_TCP) tests/unit/tcp/pair.c
