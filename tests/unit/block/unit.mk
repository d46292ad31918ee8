UNIT_SRC_block/test_partition := block/partition.c
UNIT_SRC_block/test_deadline := block/deadline.c
UNIT_FLAGS_block/test_deadline := -Iplat/host/include
UNIT_SRC_block/test_limits := block/limits.c
UNIT_FLAGS_block/test_limits := -Iplat/host/include
