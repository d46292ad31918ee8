UNIT_SRC_sock/test_unix := $(addprefix sock/,control.c file.c limits.c option.c scm.c socket.c) $(wildcard sock/unix*.c) $(wildcard vfs/*.c fs/ram/*.c mm/*.c) tests/unit/mm/machine.c tests/unit/vfs/stubs.c \
	tests/unit/sock/stubs.c
UNIT_FLAGS_sock/test_unix := -Iplat/vm/include -D__KERNEL__
UNIT_SRC_sock/test_diag_filter := sock/diag_filter.c
UNIT_FLAGS_sock/test_diag_filter := -Iabi -Iplat/vm/include -D__KERNEL__
