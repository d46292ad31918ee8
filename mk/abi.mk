# The user ABI's tests: programs whose answers Linux gives (tests/abi), and Debian's own programs
# on the host and in the guest (tests/programs).

# One set of programs for all kernels.
ABI_OUT := $(if $(SANITIZED),build,$(BUILD))/abi
ABI_PROGRAMS := $(sort $(filter-out driver,$(patsubst tests/abi/%.c,%,$(wildcard tests/abi/*.c))))
ABI_DYNAMIC := $(patsubst tests/abi/dynamic/%.c,$(ABI_OUT)/dynamic/%,$(wildcard tests/abi/dynamic/*.c))
# -O1: the programs are tests, not benchmarks, and build in seconds.  The warnings turned off tell of
# wild pointers and unused results, which the programs pass and leave on purpose.
ABI_CFLAGS := -std=gnu11 -O1 -g0 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-nonnull -Wno-unused-result \
	-Wno-format-truncation -Wno-stringop-overread \
	-Wno-stringop-overflow -Wno-array-bounds -Wno-restrict -Wno-clobbered -Wno-return-type -Wno-unused-parameter \
	-Wno-misleading-indentation -Wno-div-by-zero -Itests/abi -I$(ABI_OUT)

$(ABI_OUT)/programs.inc: $(wildcard tests/abi/*.c)
	@mkdir -p $(@D)
	@printf 'ABI_PROGRAM(%s)\n' $(ABI_PROGRAMS) >$@.new
	@cmp -s $@.new $@ && rm $@.new && touch $@ || mv $@.new $@

$(ABI_OUT)/driver.o: tests/abi/driver.c tests/abi/abi.h $(ABI_OUT)/programs.inc
	@$(CC) $(ABI_CFLAGS) -c $< -o $@

$(ABI_OUT)/%.o: tests/abi/%.c tests/abi/abi.h tests/abi/inet.h tests/abi/tcp.h
	@mkdir -p $(@D)
	@$(CC) $(ABI_CFLAGS) -Dabi_test=abi_test_$* -c $< -o $@

$(ABI_OUT)/abi: $(ABI_OUT)/driver.o $(ABI_PROGRAMS:%=$(ABI_OUT)/%.o)
	@echo "  LINK $@"
	@$(CC) -static -no-pie $^ -o $@ -pthread

$(ABI_OUT)/dynamic/%: tests/abi/dynamic/%.c
	@mkdir -p $(@D)
	@$(CC) $(ABI_CFLAGS) -fPIE -pie $< -o $@ -pthread

abi-programs: $(ABI_OUT)/abi $(ABI_DYNAMIC)

abi: kernel abi-programs ## compare Auk's answers with those recorded from Debian's kernel
	@tests/abi/run --kernel $(BUILD)/vm/auk.elf

abi-record: abi-programs ## record the answers of Debian's own kernel (tests/abi/expected)
	@tests/abi/run --record --kernel "$$(tools/debian-kernel)"

programs: ## compare Debian's programs in the guest with the same on the host
	@tests/programs/run --machines

.PHONY: abi abi-programs abi-record programs
