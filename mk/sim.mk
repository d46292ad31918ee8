# Simulation: `make sim SEEDS=n FIRST=s` runs every scenario of tests/sim with n seeds; SCENARIO=name: one; PLANT=fault: with a planted fault.

SEEDS ?= 100
FIRST ?= 0
SIM := $(BUILD)/host/sim
SIM_SRC := $(wildcard tests/sim/*.c)

$(SIM): $(SIM_SRC) tests/sim/sim.h host/auk.h plat/host/models.h $(BUILD)/host/libauk.a
	@$(CC) $(HOST_CFLAGS) $(HOST_SANITIZE) $(SIM_SRC) -o $@ $(BUILD)/host/libauk.a -pthread $(HOST_LINK)

sim: $(SIM) ## simulate: every scenario of tests/sim with SEEDS=n schedules and faults
	@$(SIM) --seeds $(SEEDS) --first $(FIRST) $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(PLANT),--plant $(PLANT))

# A few seeds of each scenario, each planted fault found, the same seed twice the same trace.
test-sim: $(SIM)
	@tests/sim/run $(SIM)

# The library as clang builds it: its tests pass, and a seed is the same run.  It counts what was run, for the fuzzers (mk/fuzz.mk); not the
# depth of the stack, which with fibers means nothing.
CLANG_HOST := $(BUILD)/clang-host
CLANG_HOST_MAKE = $(MAKE) --no-print-directory BUILD=$(CLANG_HOST) CC=clang HOST_SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all \
	-fsanitize-coverage=inline-8bit-counters,indirect-calls,trace-cmp,pc-table'

clang-host:
	+@$(CLANG_HOST_MAKE) $(CLANG_HOST)/host/sim

test-clang-host: $(SIM) clang-host
	+@$(CLANG_HOST_MAKE) test-host
	@tests/sim/compilers $(SIM) $(CLANG_HOST)/host/sim

.PHONY: sim test-sim clang-host test-clang-host
