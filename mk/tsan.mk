# ThreadSanitizer over the simulator: `make tsan` builds the library with it in build/tsan, each kernel thread a fiber that it takes for a thread of its
# own (plat/host/sanitize.h), and runs tests/tsan and scenarios of tests/sim.  TSAN_SEEDS=n: seeds of each.
TSAN := $(BUILD)/tsan
TSAN_SEEDS ?= 10
TSAN_MAKE = $(MAKE) --no-print-directory BUILD=$(TSAN) HOST_RACES=1 \
	HOST_SANITIZE='-fsanitize=thread --param=tsan-distinguish-volatile=1 -Wno-tsan -Wno-maybe-uninitialized'
TSAN_CALLS := kthread_create sleep_ns sched_set_affinity spin_lock_slow plat_cpu_count rank_violation host_cpu host_switch_point host_relax

$(BUILD)/host/counter: tests/tsan/counter.c host/auk.h $(BUILD)/host/libauk.a
	@$(CC) $(HOST_KFLAGS) -c $< -o $@.o
	@objcopy -w --keep-global-symbol='auk_*' $(addprefix --keep-global-symbol=,$(TSAN_CALLS)) $(HOST)/all.o $@.kernel.o
	@$(CC) $(HOST_SANITIZE) $@.o $@.kernel.o -o $@ -pthread
	@rm -f $@.kernel.o

tsan: ## look for data races in the simulated kernel: a planted one, then scenarios of tests/sim
	+@$(TSAN_MAKE) $(TSAN)/host/sim $(TSAN)/host/counter
	@tests/tsan/run $(TSAN)/host $(TSAN_SEEDS)

.PHONY: tsan
