UNIT_SRC_task/test_cbpf := task/cbpf.c
