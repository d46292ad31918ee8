# Network cards in QEMU: `make net-tests` lets Auk talk to the host and to Debian's kernel (tests/net).

net-tests: kernel launcher ## network cards: DHCP, UDP to the host, Auk and Debian's kernel on one wire
	@tests/net/run

.PHONY: net-tests
