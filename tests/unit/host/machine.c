/* A machine for the models alone: memory where the direct map lies, a clock that the test sets, interrupts that are counted. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "plat/host/virtio.h"
#include "tests/unit/host/machine.h"

u64 machine_now_ns;
u32 machine_interrupts;
static struct plat_region region = { 1 << 20, 1 << 20 };

unsigned plat_memory(const struct plat_region **regions)
{
	*regions = &region;
	return 1;
}

void machine_start(void)
{
	void *at = mmap(phys_to_virt(region.start), region.len_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (at == MAP_FAILED)
		abort();
	machine_now_ns = machine_interrupts = 0;
}

u64 host_now_ns(void) { return machine_now_ns; }
void host_interrupt(u32 gsi) { machine_interrupts++; }
void *os_alloc(size_t bytes) { return calloc(1, bytes); }
void os_free(void *p) { free(p); }

void host_stuck(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

int host_blk_setup(struct host_virtio *v) { return -1; }
int host_console_setup(struct host_virtio *v) { return -1; }
int host_rng_setup(struct host_virtio *v) { return -1; }
