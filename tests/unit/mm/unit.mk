UNIT_MM_FLAGS := -Iplat/vm/include
UNIT_SRC_mm/test_readahead := mm/readahead_plan.c
UNIT_FLAGS_mm/test_readahead := $(UNIT_MM_FLAGS)
UNIT_SRC_mm/test_vma := mm/vma.c tests/unit/mm/stubs.c
UNIT_FLAGS_mm/test_vma := $(UNIT_MM_FLAGS)
UNIT_SRC_mm/test_iter := mm/iter.c tests/unit/mm/stubs.c
UNIT_FLAGS_mm/test_iter := $(UNIT_MM_FLAGS)
