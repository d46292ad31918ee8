/* drivers/virtio/cmdline.c */
#include "tests/unit/unit.h"

#include <errno.h>

#include "drivers/virtio/cmdline.h"

static void good_values(void **state)
{
	struct virtio_mmio_arg a;

	assert_int_equal(virtio_mmio_arg_parse("512@0xfeb00e00:12", &a), 0);
	assert_int_equal(a.size_bytes, 512);
	assert_true(a.base == 0xfeb00e00);
	assert_int_equal(a.gsi, 12);
	assert_int_equal(virtio_mmio_arg_parse("4K@0xd0000000:5 next=1", &a), 0);
	assert_int_equal(a.size_bytes, 4096);
	assert_int_equal(a.gsi, 5);
	assert_int_equal(virtio_mmio_arg_parse("0x1000@0xd0001000:6:0", &a), 0);
	assert_int_equal(a.size_bytes, 4096);
}

static void bad_values(void **state)
{
	static const char *const bad[] = {
		"", "512", "512@", "512@:", "@0x1000:1", "512@0x1000", "512@0x1000:", "512@0x1000:x", "512@0x1000:5x",
		"16@0x1000:5", "512@0xffffffffffffff00:5", "512@0x1000:99999", "99999999999999G@0x1000:5", "-1@0x1000:5",
	};
	struct virtio_mmio_arg a = { .gsi = 77 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(virtio_mmio_arg_parse(bad[i], &a), -EINVAL);
	assert_int_equal(a.gsi, 77);
}

static void walks_the_command_line(void **state)
{
	const char *line = "console=ttyS0  virtio_mmio.device=512@0x1:1 quiet xvirtio_mmio.device=no "
			   "virtio_mmio.device=512@0x2:2";
	const char *value = virtio_mmio_arg_next(&line);

	assert_memory_equal(value, "512@0x1:1 ", 10);
	value = virtio_mmio_arg_next(&line);
	assert_string_equal(value, "512@0x2:2");
	assert_null(virtio_mmio_arg_next(&line));
	assert_null(virtio_mmio_arg_next(&line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_values), cmocka_unit_test(bad_values), cmocka_unit_test(walks_the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
