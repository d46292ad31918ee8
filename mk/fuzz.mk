# Fuzzing: tests/fuzz.
#
#	make calls				system calls at random in the library kernel: CALLS_SEEDS seeds from CALLS_FIRST on
#	make calls SEED=7			one seed, every call shown
#	make fuzz T=3600			every libFuzzer target for T seconds, as many at a time as there are processors
#	make fuzz FUZZ_ONLY=ext4 T=600		one, or several
#	make fuzz-short				each for a fixed number of inputs: part of `make test`
#
# A libFuzzer target is tests/fuzz/NAME.c with its row here; clang builds it, with the library of build/clang-host (mk/sim.mk).

FUZZ := $(BUILD)/fuzz
CALLS_FIRST ?= 1
CALLS_SEEDS ?= 100
CALLS_SRC := $(wildcard tests/fuzz/calls*.c)

$(FUZZ)/calls: $(CALLS_SRC) tests/fuzz/calls.h host/auk.h $(BUILD)/host/libauk.a
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) $(HOST_SANITIZE) $(CALLS_SRC) -o $@ $(BUILD)/host/libauk.a -pthread $(HOST_LINK)

calls: $(FUZZ)/calls ## make system calls at random in the library kernel; SEED=n: one sequence again
	@$< $(if $(SEED),--show $(SEED),$(CALLS_FIRST) $(CALLS_SEEDS))

.PHONY: calls

# ---- libFuzzer ----

# Pure code: the sources beside the target's own and base/.
FUZZ_PURE := elf archive partition wire9p journal tcp
FUZZ_SRC_partition := block/partition.c
FUZZ_SRC_wire9p := fs/9p/wire.c
FUZZ_SRC_journal := fs/ext4/recover.c
FUZZ_SRC_tcp := $(UNIT_TCP) tests/unit/tcp/pair.c
FUZZ_LIBS_tcp := -lcmocka

# The whole kernel: what of it the target calls by name, beside auk_*; FUZZ_PROGRAM_name: it sees the C library's headers, not the kernel's.
FUZZ_KERNEL := ext4 packet initramfs mount9p
FUZZ_PROGRAM_ext4 := 1
FUZZ_CALLS_packet := device_create device_setup_ethernet device_register device_open device_carrier rtnl_lock rtnl_unlock ethernet_parse net_receive \
	net_enter net_leave packet_alloc packet_put packet_free packet_add_frag packet_copy_bits page_alloc pages csum_partial
FUZZ_CALLS_initramfs := initramfs_unpack fmt_snprintf crc32_le
FUZZ_CALLS_mount9p := p9_transport_register p9_message_begin p9_message_end p9_put_u8 p9_put_u16 p9_put_u32 p9_put_u64 p9_put_string

FUZZ_ONLY ?= $(FUZZ_PURE) $(FUZZ_KERNEL)
FUZZ_DATA := $(CURDIR)/$(BUILD)/fuzz/data
T ?= 60

FUZZ_SANITIZE = $(HOST_SANITIZE) -fsanitize=fuzzer

# Of the pure targets' sources each is compiled for its target alone.
define fuzz_pure
$(FUZZ)/$(1): tests/fuzz/$(1).c tests/fuzz/fuzz.h $(FUZZ_SRC_$(1)) $(patsubst %.c,$(HOST)/%.o,$(UNIT_BASE_SRC))
	@mkdir -p $$(@D)
	@$$(CC) $(HOST_CFLAGS) $$(FUZZ_SANITIZE) -o $$@ tests/fuzz/$(1).c $(FUZZ_SRC_$(1)) $(patsubst %.c,$(HOST)/%.o,$(UNIT_BASE_SRC)) $(FUZZ_LIBS_$(1))
endef
$(foreach t,$(FUZZ_PURE),$(eval $(call fuzz_pure,$(t))))

$(FUZZ)/machine.o: tests/fuzz/machine.c tests/fuzz/machine.h host/auk.h
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) -D_GNU_SOURCE $(HOST_SANITIZE) -c $< -o $@

define fuzz_kernel
$(FUZZ)/$(1): tests/fuzz/$(1).c tests/fuzz/fuzz.h tests/fuzz/machine.h $(FUZZ)/machine.o $(BUILD)/host/libauk.a
	@$$(CC) $(if $(FUZZ_PROGRAM_$(1)),$(HOST_CFLAGS) -D_GNU_SOURCE $$(HOST_SANITIZE),$$(HOST_KFLAGS)) -DFUZZ_DATA='"$(FUZZ_DATA)"' -c $$< -o $$@.o
	@objcopy -w --keep-global-symbol='auk_*' $(addprefix --keep-global-symbol=,$(FUZZ_CALLS_$(1))) $(HOST)/all.o $$@.kernel.o
	@$$(CC) $$(FUZZ_SANITIZE) -o $$@ $$@.o $(FUZZ)/machine.o $$@.kernel.o -pthread
	@rm -f $$@.kernel.o
endef
$(foreach t,$(FUZZ_KERNEL),$(eval $(call fuzz_kernel,$(t))))

fuzz-targets: $(addprefix $(FUZZ)/,$(FUZZ_ONLY))
	@tests/fuzz/seeds $(FUZZ_DATA)

fuzz-build:
	+@$(CLANG_HOST_MAKE) FUZZ_ONLY='$(FUZZ_ONLY)' fuzz-targets

fuzz: fuzz-build ## feed hostile input to everything that parses, each target for T=seconds (60)
	@tests/fuzz/run --seconds $(T) $(CLANG_HOST)/fuzz $(FUZZ_ONLY)

fuzz-short: fuzz-build ## the same with a fixed number of inputs each
	@tests/fuzz/run $(CLANG_HOST)/fuzz $(FUZZ_ONLY)

.PHONY: fuzz fuzz-short fuzz-build fuzz-targets
