UNIT_SRC_drivers/test_cmdline := drivers/virtio/cmdline.c
UNIT_SRC_drivers/test_queue := drivers/virtio/queue.c tests/unit/drivers/stubs.c
UNIT_FLAGS_drivers/test_queue := -Iplat/vm/include
UNIT_SRC_drivers/test_net_header := drivers/virtio/net_header.c net/packet.c net/checksum.c $(wildcard mm/*.c) tests/unit/mm/machine.c tests/unit/net/stubs.c
UNIT_FLAGS_drivers/test_net_header := -Iabi -Iplat/vm/include -D__KERNEL__
