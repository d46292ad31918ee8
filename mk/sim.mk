# Simulation: `make sim SEEDS=n FIRST=s` runs every scenario of tests/sim with n seeds; SCENARIO=name: one; PLANT=fault: with a planted fault.

SEEDS ?= 100
FIRST ?= 0
SIM := $(BUILD)/host/sim
SIM_SRC := $(wildcard tests/sim/*.c)

$(SIM): $(SIM_SRC) tests/sim/sim.h host/auk.h plat/host/models.h $(BUILD)/host/libauk.a
	@$(CC) $(HOST_CFLAGS) $(HOST_SANITIZE) $(SIM_SRC) -o $@ $(BUILD)/host/libauk.a -pthread

sim: $(SIM) ## simulate: every scenario of tests/sim with SEEDS=n schedules and faults
	@$(SIM) --seeds $(SEEDS) --first $(FIRST) $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(PLANT),--plant $(PLANT))

# A few seeds of each scenario, each planted fault found, the same seed twice the same trace.
test-sim: $(SIM)
	@tests/sim/run $(SIM)

.PHONY: sim test-sim
