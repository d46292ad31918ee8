UNIT_SRC_sock/test_unix := $(filter-out sock/inet%,$(wildcard sock/*.c)) $(wildcard vfs/*.c fs/ram/*.c mm/*.c) tests/unit/mm/machine.c tests/unit/vfs/stubs.c \
	tests/unit/sock/stubs.c
UNIT_FLAGS_sock/test_unix := -Iplat/vm/include -D__KERNEL__
