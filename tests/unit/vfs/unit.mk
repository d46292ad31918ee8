UNIT_SRC_vfs/test_vfs := $(wildcard vfs/*.c fs/ram/*.c mm/*.c) tests/unit/mm/machine.c tests/unit/vfs/stubs.c
UNIT_FLAGS_vfs/test_vfs := -Itests/unit/vfs/include -Iplat/vm/include -D__KERNEL__
UNIT_SRC_vfs/test_open_files := $(wildcard vfs/*.c fs/ram/*.c mm/*.c) tests/unit/mm/machine.c tests/unit/vfs/stubs.c
UNIT_FLAGS_vfs/test_open_files := -Itests/unit/vfs/include -Iplat/vm/include -D__KERNEL__
