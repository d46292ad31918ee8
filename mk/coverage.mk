# Coverage: `make coverage` builds the unit tests and the library with gcov's counters in build/coverage, runs them, and says for each directory how
# many lines were run; build/coverage/html/index.html shows which.  No sanitizers: they count nothing here and take time.
# COVERAGE_SEEDS=n: seeds of each scenario of tests/sim, and of `make calls`.

COVERAGE := $(BUILD)/coverage
COVERAGE_SEEDS ?= 4
COVERAGE_FLAGS := --coverage -Wno-maybe-uninitialized
# What ends by _exit keeps its counts too.
COVERAGE_LINK := $(CURDIR)/$(COVERAGE)/exit.o -Wl,--wrap=_exit
COVERAGE_MAKE = $(MAKE) --no-print-directory BUILD=$(COVERAGE) HOST_SANITIZE='$(COVERAGE_FLAGS)' HOST_LINK='$(COVERAGE_LINK)' \
	UNIT_SANITIZE='$(COVERAGE_FLAGS)'

$(COVERAGE)/exit.o: tests/coverage.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -O1 $(WARN) -c $< -o $@

coverage: $(COVERAGE)/exit.o ## which lines the unit tests and the library's tests run, a line a directory
	@find $(COVERAGE) -name '*.gcda' -delete
	+@$(COVERAGE_MAKE) unit-build $(COVERAGE)/host/sim $(COVERAGE)/fuzz/calls
	+@$(COVERAGE_MAKE) unit | tail -1
	+@$(COVERAGE_MAKE) test-host | tail -1
	+@$(COVERAGE_MAKE) SEEDS=$(COVERAGE_SEEDS) sim | tail -1
	+@$(COVERAGE_MAKE) CALLS_SEEDS=$(COVERAGE_SEEDS) calls | tail -1
	@tools/coverage $(COVERAGE)

.PHONY: coverage
