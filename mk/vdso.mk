# The vDSO (task/vdso): a shared object that is embedded in the kernel.

VDSO_FLAGS := -std=gnu11 -O2 -g0 -fPIC -ffreestanding -fno-stack-protector -fno-builtin -fcf-protection=none -mno-red-zone \
	-fasynchronous-unwind-tables -fno-strict-aliasing -nostdinc -isystem $(GCC_INC) -isystem $(ABI_INC) -I. $(WARN)
VDSO_LDFLAGS := -shared -nostdlib -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,-z,max-page-size=4096 -Wl,--build-id=sha1 \
	-Wl,--eh-frame-hdr -Wl,-Bsymbolic -Wl,-z,noexecstack -Wl,--no-undefined

$(VM)/vdso.so: task/vdso/vdso.c task/vdso/data.h task/vdso/vdso.lds $(ABI_INC)/.done
	@mkdir -p $(@D)
	@$(CC) $(VDSO_FLAGS) -c $< -o $(VM)/vdso.o
	@$(CC) $(VDSO_LDFLAGS) -Wl,-T,task/vdso/vdso.lds $(VM)/vdso.o -o $@
	@strip --strip-unneeded $@

$(VM)/task/vdso_image.o: $(VM)/vdso.so
$(VM)/task/vdso_image.o: KFLAGS += -DVDSO_IMAGE='"$(VM)/vdso.so"'
