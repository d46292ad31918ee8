# ext4 between Auk, Debian's kernel and e2fsprogs: `make fs`; power cuts by hand: `make ext4-cuts CUT_SEEDS=n`.
# FS_SCALE=n: n times as much.  FS_ARGS: scenes, see tests/fs/run.

FS_OUT := $(BUILD)/tests/fs
FS_PROGRAMS := $(FS_OUT)/generic $(FS_OUT)/poke $(FS_OUT)/cutwork
CUT_SEEDS ?= 4
CUTS ?= 250

$(FS_OUT)/%: tests/fs/%.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-result -Wno-misleading-indentation -Wno-format-overflow \
		-Wno-maybe-uninitialized -static $< -o $@ -pthread

fs-programs: $(FS_PROGRAMS)

fs: kernel launcher fs-programs ## ext4: behaviour, Debian's kernel and e2fsck on the same disks, damage, power cuts
	@tests/fs/run $(FS_ARGS)

ext4-cuts: kernel launcher fs-programs ## cut the power CUTS times for each of CUT_SEEDS seeds
	@for s in $$(seq 1 $(CUT_SEEDS)); do tests/fs/cuts --seed $$s --cuts $(CUTS) --auk 4 --ops 2500 || exit 1; done

.PHONY: fs fs-programs ext4-cuts
