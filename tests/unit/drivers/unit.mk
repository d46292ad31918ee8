UNIT_SRC_drivers/test_cmdline := drivers/virtio/cmdline.c
UNIT_SRC_drivers/test_queue := drivers/virtio/queue.c tests/unit/drivers/stubs.c
UNIT_FLAGS_drivers/test_queue := -Iplat/vm/include
