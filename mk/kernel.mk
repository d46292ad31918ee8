# The guest kernel: build/vm/auk.elf.

VM := $(BUILD)/vm
KDIRS := base plat/vm kern mm vfs block $(patsubst %/,%,$(wildcard block/*/)) uring net $(wildcard net/tcp) $(wildcard fs/*) sock task ipc sys $(patsubst %/,%,$(wildcard drivers/ drivers/*/)) init
KSRC := $(foreach d,$(KDIRS),$(wildcard $(d)/*.c) $(wildcard $(d)/*.S))

KFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-pic -fno-pie -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	-fwrapv -fno-delete-null-pointer-checks -fno-asynchronous-unwind-tables \
	-fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-reg=gs \
	-mstack-protector-guard-offset=40 -fcf-protection=none \
	-ffunction-sections -fdata-sections \
	-nostdinc -isystem $(GCC_INC) -isystem $(ABI_INC) -I. -Iplat/vm/include $(WARN)

include mk/sanitize.mk
KOBJ := $(patsubst %,$(VM)/%.o,$(basename $(KSRC)))

$(VM)/%.o: %.c $(ABI_INC)/.done
	@mkdir -p $(@D)
	@$(CC) $(KFLAGS) $(DEPS) -c $< -o $@ && $(DEPS_KEEP)

$(VM)/%.o: %.S $(ABI_INC)/.done
	@mkdir -p $(@D)
	@$(CC) $(KFLAGS) $(DEPS) -c $< -o $@ && $(DEPS_KEEP)

$(VM)/auk.elf: $(KOBJ) plat/vm/auk.lds tools/ksyms
	@echo "  LINK $@"
	@tools/ksyms --link $(CC) plat/vm/auk.lds $@ $(KOBJ)

kernel: $(VM)/auk.elf ## build the guest kernel
.PHONY: kernel

-include $(KOBJ:.o=.d)
