# Auk beside Debian's own kernel: `make bench` writes build/bench/results.{json,md,svg}.
# BENCH_RUNS=n: how often each is measured (5).  BENCH_ARGS: for bench/run, see its --help.

BENCH := $(BUILD)/bench
BENCH_PROGRAMS := $(BENCH)/micro $(BENCH)/first
BENCH_RUNS ?= 5

$(BENCH)/micro: bench/micro.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -O2 $(WARN) -static $< -o $@

# Linked where nothing else lies: bench/first.c says why.
$(BENCH)/first: bench/first.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -Os -ffreestanding -fno-pic -fno-pie -fno-stack-protector $(WARN) \
		-nostdlib -static -no-pie -Wl,-Ttext-segment=0x60000000 -Wl,--build-id=none $< -o $@

bench-programs: $(BENCH_PROGRAMS)

bench: ## measure Auk beside Debian's kernel: build/bench/results.md and .svg
	@tools/setup run test
	@$(MAKE) --no-print-directory kernel bench-programs
	@BENCH_RUNS=$(BENCH_RUNS) bench/run $(BENCH_ARGS)

.PHONY: bench bench-programs

bench-workloads: ## measure whole programs on both kernels: build/bench/workloads.md
	@tools/setup run test bench
	@$(MAKE) --no-print-directory kernel launcher
	@bench/workloads $(BENCH_ARGS)

.PHONY: bench-workloads
