# The launcher (build/auk), the guest's first process (build/auk-init), and what needs both.

LAUNCHER_CFLAGS := -std=gnu11 -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -I. $(WARN)
LAUNCHER_SRC := $(wildcard launcher/*.c launcher/*.S) user/auk-init/pump.c user/auk-init/channel.c
LAUNCHER_OBJ := $(patsubst %,$(BUILD)/host/%.o,$(basename $(LAUNCHER_SRC)))

$(BUILD)/host/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(LAUNCHER_CFLAGS) $(DEPS) -c $< -o $@ && $(DEPS_KEEP)

$(BUILD)/host/%.o: %.S
	@mkdir -p $(@D)
	@$(CC) -c $< -o $@

$(BUILD)/auk: $(LAUNCHER_OBJ)
	@echo "  LINK $@"
	@$(CC) $(LAUNCHER_OBJ) -o $@

# auk-init is static and small: musl's library, this compiler.
MUSL_INC := /usr/include/x86_64-linux-musl
MUSL_LIB := /usr/lib/x86_64-linux-musl
INIT_CFLAGS := -std=gnu11 -Os -g -fno-pie -fno-stack-protector -ffunction-sections -fdata-sections \
	-nostdinc -isystem $(MUSL_INC) -isystem $(GCC_INC) -isystem $(ABI_INC) -I. $(WARN)
INIT_SRC := $(wildcard user/auk-init/*.c)
INIT_OBJ := $(patsubst %.c,$(BUILD)/guest/%.o,$(INIT_SRC))

$(BUILD)/guest/%.o: %.c $(ABI_INC)/.done
	@mkdir -p $(@D)
	@$(CC) $(INIT_CFLAGS) $(DEPS) -c $< -o $@ && $(DEPS_KEEP)

$(BUILD)/auk-init: $(INIT_OBJ)
	@echo "  LINK $@"
	@$(CC) -static -nostdlib -Wl,--gc-sections -s -o $@ $(MUSL_LIB)/crt1.o $(INIT_OBJ) \
		$(MUSL_LIB)/libc.a $$($(CC) -print-libgcc-file-name)

launcher: $(BUILD)/auk $(BUILD)/auk-init ## build the launcher and the guest's first process

setup: ## install the Debian packages that are missing
	@tools/setup run test

# A second make, so that nothing is built before its compiler is there.
run: ## boot Auk with a shell on this machine's own files; ARGS='-c 2 ...'
	@tools/setup run
	@$(MAKE) --no-print-directory kernel launcher
	@$(BUILD)/auk run $(ARGS)

test-launcher: launcher kernel ## check the launcher, on Auk (KERNEL=debian: on Debian's kernel)
	@tests/launcher

.PHONY: launcher setup run test-launcher

-include $(LAUNCHER_OBJ:.o=.d) $(INIT_OBJ:.o=.d)
