# Fuzzing: tests/fuzz.
#
#	make calls				system calls at random in the library kernel: CALLS_SEEDS seeds from CALLS_FIRST on
#	make calls SEED=7			one seed, every call shown

FUZZ := $(BUILD)/fuzz
CALLS_FIRST ?= 1
CALLS_SEEDS ?= 100
CALLS_SRC := $(wildcard tests/fuzz/calls*.c)

$(FUZZ)/calls: $(CALLS_SRC) tests/fuzz/calls.h host/auk.h $(BUILD)/host/libauk.a
	@mkdir -p $(@D)
	@$(CC) $(HOST_CFLAGS) $(HOST_SANITIZE) $(CALLS_SRC) -o $@ $(BUILD)/host/libauk.a -pthread

calls: $(FUZZ)/calls ## make system calls at random in the library kernel; SEED=n: one sequence again
	@$< $(if $(SEED),--show $(SEED),$(CALLS_FIRST) $(CALLS_SEEDS))

.PHONY: calls
