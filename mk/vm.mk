# Boots: `make vm` checks the machine types, the start and the end of the kernel (tests/vm).
# VM_ARGS: for tests/vm/run, such as the names of scenes.

vm: kernel ## boot in every machine type, with damaged images, to every kind of end
	@tests/vm/run --kernel $(VM)/auk.elf $(VM_ARGS)

.PHONY: vm
