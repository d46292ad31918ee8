# The kernel inside a Linux process: build/host/libauk.a, with AddressSanitizer and UBSan.
#
# The same sources as the guest kernel's but for plat/vm and init/main.c.  All is linked into one relocatable object
# of which only auk_* is visible, so no name of the kernel meets one of the C library; memcpy and the like
# are the C library's, which the sanitizers watch (base/string.c's own stand beside them under a prefix).
#
# All variables of the object lie in the two sections auk_data and auk_bss, so that a machine can start from the state that
# the compiler gave them, again and again (plat/host/image.c).

HOST := $(BUILD)/host/obj
HOST_SRC := $(filter-out plat/vm/% init/main.c,$(KSRC)) $(filter-out $(if $(HOST_RACES),,plat/host/races.c),$(wildcard plat/host/*.c plat/host/*.S)) \
	$(wildcard host/*.c)
HOST_OBJ := $(patsubst %,$(HOST)/%.o,$(basename $(HOST_SRC)))
HOST_SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all

HOST_CFLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-common -fwrapv \
	-fno-delete-null-pointer-checks -I. -Iplat/host/include $(WARN)
# What sees only the user ABI's headers, as in the guest; plat/host/os.c sees the C library's.
HOST_WATCH = $(HOST_SANITIZE)
HOST_KFLAGS = $(HOST_CFLAGS) $(HOST_WATCH) -ffreestanding -nostdinc -isystem $(GCC_INC) -isystem $(ABI_INC)

$(HOST)/plat/host/os.o: HOST_KFLAGS = $(HOST_CFLAGS) $(HOST_WATCH)
# What copies all variables must not be watched for reaching between them.
$(HOST)/plat/host/image.o: HOST_WATCH :=
# Races of the machine with itself are none (plat/host/sanitize.h).
ifneq ($(HOST_RACES),)
$(HOST)/plat/host/%.o: HOST_WATCH := -DHOST_RACES -Dmemcpy=base_memcpy -Dmemmove=base_memmove -Dmemset=base_memset
$(HOST)/base/string.o: HOST_WATCH :=
endif
$(HOST)/base/string.o: HOST_EXTRA := -DBASE_STRING_PREFIX
$(HOST)/task/vdso_image.o: $(VM)/vdso.so
$(HOST)/task/vdso_image.o: HOST_EXTRA := -DVDSO_IMAGE='"$(VM)/vdso.so"'

$(HOST)/%.o: %.c $(ABI_INC)/.done
	@mkdir -p $(@D)
	@$(CC) $(HOST_KFLAGS) $(HOST_EXTRA) $(DEPS) -c $< -o $@ && $(DEPS_KEEP)

$(HOST)/%.o: %.S $(ABI_INC)/.done
	@mkdir -p $(@D)
	@$(CC) $(HOST_KFLAGS) $(HOST_EXTRA) $(DEPS) -c $< -o $@ && $(DEPS_KEEP)

# plat/host/fail.c stands in front of these.
HOST_WRAP := $(addprefix --wrap=,page_alloc slab_alloc kmalloc kzalloc kmalloc_array kstrdup kstrndup kmemdup kvmalloc)

$(BUILD)/host/libauk.a: $(HOST_OBJ) plat/host/image.ld
	@echo "  LINK $@"
	@ld -r $(HOST_WRAP) -T plat/host/image.ld -o $(HOST)/all.o $(HOST_OBJ)
	@objcopy -w --keep-global-symbol='auk_*' $(HOST)/all.o $(HOST)/auk.o
	@rm -f $@
	@ar rcs $@ $(HOST)/auk.o

HOST_TESTS := $(patsubst tests/host/%.c,$(BUILD)/host/%,$(wildcard tests/host/test_*.c))

$(HOST_TESTS): $(BUILD)/host/test_%: tests/host/test_%.c tests/host/host.h host/auk.h plat/host/models.h $(BUILD)/host/libauk.a
	@$(CC) $(HOST_CFLAGS) $(HOST_SANITIZE) $< -o $@ $(BUILD)/host/libauk.a -lcmocka -pthread $(HOST_LINK)

host: $(BUILD)/host/libauk.a ## build the kernel as a library, under the sanitizers

test-host: $(HOST_TESTS) ## test the kernel as a library
	@tests/host/run $^

.PHONY: host test-host

-include $(HOST_OBJ:.o=.d)

# What a start and a call cost, without sanitizers: in a build directory of its own.
host-figures: ## measure the kernel as a library: start and stop, a null system call
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/plain HOST_SANITIZE=-Wno-maybe-uninitialized $(BUILD)/plain/host/figures
	@$(BUILD)/plain/host/figures

$(BUILD)/host/figures: tests/host/figures.c host/auk.h $(BUILD)/host/libauk.a
	@$(CC) $(HOST_CFLAGS) $(HOST_SANITIZE) $< -o $@ $(BUILD)/host/libauk.a -pthread $(HOST_LINK)

.PHONY: host-figures

# Tools on the library.  build/auk-fs is built without sanitizers, in the directory of the figures; the tests use one with.
$(BUILD)/host/auk-fs: tools/auk-fs.c host/auk.h plat/host/models.h $(BUILD)/host/libauk.a
	@$(CC) $(HOST_CFLAGS) $(HOST_SANITIZE) $< -o $@ $(BUILD)/host/libauk.a -pthread $(HOST_LINK)

auk-fs: ## build build/auk-fs: read and write file-system images from an ordinary process
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/plain HOST_SANITIZE=-Wno-maybe-uninitialized $(BUILD)/plain/host/auk-fs
	@cp $(BUILD)/plain/host/auk-fs $(BUILD)/auk-fs

test-auk-fs: $(BUILD)/host/auk-fs
	@tests/host/auk-fs $<

.PHONY: auk-fs test-auk-fs
