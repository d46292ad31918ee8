# The guest kernel under the compiler's sanitizers, in a build directory of its own (Makefile):
#
#	make KASAN=1 kernel	build/kasan/vm/auk.elf: addresses (kern/kasan.h)
#	make UBSAN=1 kernel	build/ubsan/vm/auk.elf: undefined behaviour (kern/ubsan.c)
#	make KASAN=1 UBSAN=1	both
#
# `make KASAN=1 test-sanitized` runs their checklists and a share of tests/abi; `make KASAN=1 vm`, `make KASAN=1 abi` all of these tests.

KASAN_FLAGS := -fsanitize=kernel-address -fasan-shadow-offset=0xdffffc0000000000 --param=asan-stack=1 --param=asan-globals=1 \
	--param=asan-instrumentation-with-call-threshold=0 -fno-optimize-sibling-calls
# What runs before the shadow is there, what reports are made of, and what is checked otherwise.
KASAN_PLAIN := kern/kasan kern/kasan_report kern/kasan_slab kern/kasan_string kern/slab base/string plat/vm/kasan
KASAN_SRC := $(wildcard kern/kasan*.c plat/vm/kasan*.c)

ifeq ($(KASAN),1)
KFLAGS += -DKASAN -O1 -g1 -Wno-maybe-uninitialized $(KASAN_FLAGS)
$(KASAN_PLAIN:%=$(VM)/%.o): KFLAGS := $(filter-out $(KASAN_FLAGS),$(KFLAGS))
$(VM)/base/string.o: KFLAGS += -DBASE_STRING_PREFIX -Dstrscpy=base_strscpy -Dstrlcpy=base_strlcpy -Dmem_is_zero=base_mem_is_zero
# The mistakes of the checklist are meant.  -O1 -g1: it shall build in less time.
$(VM)/kern/kasan_test.o: KFLAGS += -fno-builtin -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-use-after-free \
	-Wno-free-nonheap-object -Wno-maybe-uninitialized
else
KSRC := $(filter-out $(KASAN_SRC),$(KSRC))
endif

# Of undefined behaviour, what -fwrapv and -fno-strict-aliasing define is not looked for; a checklist that breaks the rules must compile.
# The checks in the code lead gcc to warnings of what cannot be.
UBSAN_FLAGS := -fsanitize=undefined -Wno-array-bounds -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread
ifeq ($(UBSAN),1)
KFLAGS += -DUBSAN $(UBSAN_FLAGS)
$(VM)/kern/ubsan.o: KFLAGS := $(filter-out $(UBSAN_FLAGS),$(KFLAGS))
else
KSRC := $(filter-out kern/ubsan.c kern/ubsan_test.c,$(KSRC))
endif

test-sanitized: kernel abi-programs ## check a kernel under a sanitizer: make KASAN=1 test-sanitized, or UBSAN=1
	@tests/kasan/run --kernel $(VM)/auk.elf

.PHONY: test-sanitized
