# Auk.  `make run` boots it, `make test` proves it; `make help` lists the rest.
#
# Each concern has its own file in mk/; everything that is built lies under build/.

BUILD := build
SANITIZED := $(if $(filter 1,$(KASAN)),kasan)$(if $(filter 1,$(UBSAN)),ubsan)
ifneq ($(SANITIZED),)
BUILD := build/$(SANITIZED)
endif
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif

WARN := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	-Wvla -Wpointer-arith -Wundef -Wwrite-strings -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers

# What an object depends on is written beside it and takes its name once the object is there: a compiler that was stopped leaves the list of before,
# and not an empty one that the next make would believe.
DEPS = -MMD -MP -MF $@.deps
DEPS_KEEP = mv $@.deps $(@:.o=.d)

.DELETE_ON_ERROR:
.PHONY: all help clean
.DEFAULT_GOAL := all

include mk/abi-headers.mk
include mk/kernel.mk
include mk/vdso.mk
-include mk/host.mk
-include mk/sim.mk
-include mk/unit.mk
-include mk/fuzz.mk
-include mk/coverage.mk
-include mk/tsan.mk
-include mk/launcher.mk
-include mk/abi.mk
-include mk/vm.mk
-include mk/fs.mk
-include mk/bench.mk
-include mk/block.mk
-include mk/net.mk
-include mk/nettools.mk
-include mk/packet.mk
-include mk/test.mk
-include mk/tools.mk

all: kernel

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile mk/*.mk

clean: ## remove build/
	rm -rf $(BUILD)
