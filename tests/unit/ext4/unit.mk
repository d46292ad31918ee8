UNIT_SRC_ext4/test_hash := fs/ext4/hash.c
UNIT_SRC_ext4/test_recover := fs/ext4/recover.c
