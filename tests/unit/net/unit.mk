# Sources that see <linux/if.h> take struct sockaddr from abi/, as the kernel does: the C library's <sys/socket.h> excludes sock/sock.h.
UNIT_NET := $(wildcard mm/*.c) tests/unit/mm/machine.c tests/unit/net/stubs.c
UNIT_NET_FLAGS := -Iabi -Iplat/vm/include -D__KERNEL__
UNIT_SRC_net/test_checksum := net/checksum.c
UNIT_FLAGS_net/test_checksum := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_packet := net/packet.c net/checksum.c $(UNIT_NET)
UNIT_FLAGS_net/test_packet := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_port := net/port.c $(UNIT_NET)
UNIT_FLAGS_net/test_port := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_route4 := net/route4.c net/ip.c $(UNIT_NET) tests/unit/net/devices.c
UNIT_FLAGS_net/test_route4 := $(UNIT_NET_FLAGS)
