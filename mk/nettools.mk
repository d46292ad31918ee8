# Networking's tools: `make nettools` runs ip, ss and their like under Auk and under Debian's kernel (tests/nettools).

nettools: kernel ## ip and ss, compared with Debian's kernel
	@tests/nettools/run

.PHONY: nettools
