UNIT_SRC_fs9p/test_wire := fs/9p/wire.c
