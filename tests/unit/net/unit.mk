# Sources that see <linux/if.h> take struct sockaddr from abi/, as the kernel does: the C library's <sys/socket.h> excludes sock/sock.h.
UNIT_NET := $(wildcard mm/*.c) tests/unit/mm/machine.c tests/unit/net/stubs.c
UNIT_NET_FLAGS := -Iabi -Iplat/vm/include -D__KERNEL__
UNIT_SRC_net/test_checksum := net/checksum.c
UNIT_FLAGS_net/test_checksum := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_packet := net/packet.c net/checksum.c $(UNIT_NET)
UNIT_FLAGS_net/test_packet := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_port := net/port.c $(UNIT_NET)
UNIT_FLAGS_net/test_port := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_route4 := net/route4.c net/ip.c net/ip4_route.c $(UNIT_NET) tests/unit/net/devices.c tests/unit/net/no_ip6.c
UNIT_FLAGS_net/test_route4 := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_ext6 := net/ext6.c
UNIT_FLAGS_net/test_ext6 := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_ip6 := net/route6.c net/address6.c net/group.c net/source6.c net/ip6_route.c net/ip.c net/route4.c net/ip4_route.c $(UNIT_NET) \
	tests/unit/net/devices.c tests/unit/net/no_ndp.c
UNIT_FLAGS_net/test_ip6 := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_ra := net/ra_parse.c net/ndp_option.c
UNIT_FLAGS_net/test_ra := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_nlmsg := net/nlmsg.c
UNIT_FLAGS_net/test_nlmsg := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_gso := net/gso.c net/packet.c net/checksum.c $(UNIT_NET)
UNIT_FLAGS_net/test_gso := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_fragment := net/fragment.c
UNIT_SRC_net/test_reassembly := net/reassembly.c net/fragment.c net/packet.c net/checksum.c $(UNIT_NET)
UNIT_FLAGS_net/test_reassembly := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_gro := net/gro.c net/packet.c net/checksum.c $(UNIT_NET)
UNIT_FLAGS_net/test_gro := $(UNIT_NET_FLAGS)
UNIT_SRC_net/test_wire := $(filter-out net/context.c net/device_node.c net/netlink.c net/genetlink.c net/rtnetlink.c net/rtnl_% net/uevent.c net/proc_net.c net/proc_net6.c \
	net/dummy.c net/init.c net/route4_list.c,$(wildcard net/*.c)) $(UNIT_NET)
UNIT_FLAGS_net/test_wire := $(UNIT_NET_FLAGS)
