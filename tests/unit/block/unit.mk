UNIT_SRC_block/test_partition := block/partition.c
