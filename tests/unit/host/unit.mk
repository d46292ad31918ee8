UNIT_SRC_host/test_net := plat/host/virtio.c plat/host/net.c plat/host/link.c tests/unit/host/machine.c
UNIT_FLAGS_host/test_net := -Iplat/host/include
