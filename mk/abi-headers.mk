# The Linux user ABI comes from Debian's linux-libc-dev.  A tree of links keeps the rest of
# /usr/include (the C library's headers) out of the kernel's sight.

ABI_INC := $(BUILD)/abi-include
GCC_INC = $(shell $(CC) -print-file-name=include)

$(ABI_INC)/.done: mk/abi-headers.mk
	@mkdir -p $(ABI_INC)
	@ln -sfn /usr/include/linux $(ABI_INC)/linux
	@ln -sfn /usr/include/asm-generic $(ABI_INC)/asm-generic
	@ln -sfn /usr/include/x86_64-linux-gnu/asm $(ABI_INC)/asm
	@ln -sfn $(CURDIR)/abi/sys $(ABI_INC)/sys
	@touch $@
