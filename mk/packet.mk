# Packet scripts (tests/sim/packet): what TCP must send after what comes in, on a virtual clock.

PACKET := $(BUILD)/tests/packet
PACKET_SRC := tests/sim/packet/run.c $(wildcard net/tcp/*.c)
PACKET_SCRIPTS := $(sort $(wildcard tests/sim/packet/*.pkt))
PACKET_ONLY ?= $(PACKET_SCRIPTS)

$(PACKET)/run: $(PACKET_SRC) $(wildcard net/tcp/*.h) $(UNIT)/obj/base.a
	@mkdir -p $(@D)
	@$(CC) $(UNIT_CFLAGS) -o $@ $(PACKET_SRC) $(UNIT)/obj/base.a

.PHONY: packet
packet: $(PACKET)/run ## run TCP's packet scripts
	@$(PACKET)/run $(PACKET_ONLY)
