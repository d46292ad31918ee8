/*
 * The first C: what the loader told us (PVH start info), the memory map, and the order in which the machine comes up.
 *
 * Source: Xen's public/arch-x86/hvm/start_info.h describes the struct; its layout is spelled out below.
 */
#include "base/string.h"
#include "kern/assert.h"
#include "kern/thread.h"
#include "plat/vm/kasan.h"
#include "plat/vm/vm.h"

/* The loader aligns none of them. */
struct PACKED start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};
struct PACKED start_module {
	u64 paddr, size, cmdline, reserved;
};
struct PACKED start_memmap {
	u64 addr, size;
	u32 type, reserved;
};

enum { START_MAGIC = 0x336ec578, RAM = 1, CMDLINE_MAX = 4096, REGIONS_MAX = 64 };

static struct thread boot_thread;	/* who takes locks before the scheduler exists */
static char cmdline[CMDLINE_MAX];
static struct plat_region regions[REGIONS_MAX];
static unsigned region_count;
static paddr_t early_next, early_end, memory_top;
static paddr_t initrd_phys;
static u64 initrd_bytes;

struct plat_percpu vm_percpu[CPUS_MAX];
struct plat_upcalls vm_upcalls;
struct vm_boot_region vm_boot_map[128];
unsigned vm_boot_map_count;

NORETURN void vm_start(u32 info_phys);

const char *plat_cmdline(void) { return cmdline; }
paddr_t plat_memory_top(void) { return memory_top; }
void plat_set_upcalls(const struct plat_upcalls *up) { vm_upcalls = *up; }
u32 plat_cpu_count(void) { return vm_acpi.cpu_count; }

void *plat_initrd(size_t *len_bytes)
{
	*len_bytes = initrd_bytes;
	return initrd_bytes ? phys_to_virt(initrd_phys) : NULL;
}

/* Before our own tables, only the first GiB can be read. */
static void read_start_info(const struct start_info *info)
{
	if (info->magic != START_MAGIC)
		panic("not entered through PVH: start info has magic %#x", info->magic);
	if (info->cmdline)
		strscpy(cmdline, phys_to_virt(info->cmdline), sizeof(cmdline));
	if (info->nr_modules) {
		const struct start_module *m = phys_to_virt(info->modlist);

		initrd_phys = m->paddr;
		initrd_bytes = m->size;
	}
	if (info->version < 1 || !info->memmap_entries)
		panic("the loader gives no memory map");
	const struct start_memmap *map = phys_to_virt(info->memmap);
	for (u32 i = 0; i < info->memmap_entries && vm_boot_map_count < ARRAY_SIZE(vm_boot_map); i++) {
		vm_boot_map[vm_boot_map_count++] = (struct vm_boot_region){ map[i].addr, map[i].size, map[i].type };
		if (map[i].type == RAM && map[i].addr + map[i].size > memory_top)
			memory_top = map[i].addr + map[i].size;
	}
}

static bool overlaps(u64 a, u64 a_end, u64 b, u64 b_end)
{
	return a < b_end && b < a_end;
}

/* Early pages come from the RAM region behind the kernel image (or, if the initramfs lies there, behind that). */
static void early_alloc_init(void)
{
	paddr_t start = ALIGN_UP(image_phys(image_end), PAGE_SIZE);

	for (unsigned i = 0; i < vm_boot_map_count; i++) {
		struct vm_boot_region *r = &vm_boot_map[i];

		if (r->type == RAM && start >= r->start && start < r->start + r->len) {
			early_next = start;
			early_end = r->start + r->len;
			if (initrd_bytes && overlaps(early_next, early_end, initrd_phys, initrd_phys + initrd_bytes)) {
				if (initrd_phys - early_next > (8u << 20))
					early_end = ALIGN_DOWN(initrd_phys, PAGE_SIZE);
				else
					early_next = ALIGN_UP(initrd_phys + initrd_bytes, PAGE_SIZE);
			}
			return;
		}
	}
	panic("no memory behind the kernel image at %#llx", (unsigned long long)start);
}

void *vm_early_alloc(size_t bytes)
{
	paddr_t p = early_next;

	bytes = ALIGN_UP(bytes, PAGE_SIZE);
	if (bytes > early_end - early_next)
		panic("out of memory at boot: %zu bytes wanted", bytes);
	early_next += bytes;
	memset(phys_to_virt(p), 0, bytes);
	return phys_to_virt(p);
}

static void region_add(u64 start, u64 end)
{
	start = ALIGN_UP(start, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	if (start >= end)
		return;
	assert(region_count < REGIONS_MAX);
	regions[region_count++] = (struct plat_region){ start, end - start };
}

/* [start, end) less what is occupied: the first MiB, the image with the early pages behind it, the initramfs. */
static void region_add_free(u64 start, u64 end, unsigned hole)
{
	const struct { u64 start, end; } holes[] = {
		{ 0, 0x100000 },
		{ 0x100000, ALIGN_UP(image_phys(image_end), PAGE_SIZE) },
		{ ALIGN_UP(image_phys(image_end), PAGE_SIZE), early_next },
		{ ALIGN_DOWN(initrd_phys, PAGE_SIZE), ALIGN_UP(initrd_phys + initrd_bytes, PAGE_SIZE) },
	};

	for (; hole < ARRAY_SIZE(holes); hole++) {
		u64 h = holes[hole].start, h_end = holes[hole].end;

		if (h >= h_end || !overlaps(start, end, h, h_end))
			continue;
		if (start < h)
			region_add_free(start, h, hole + 1);
		if (h_end < end)
			region_add_free(h_end, end, hole + 1);
		return;
	}
	region_add(start, end);
}

unsigned plat_memory(const struct plat_region **out)
{
	if (!region_count)
		for (unsigned i = 0; i < vm_boot_map_count; i++)
			if (vm_boot_map[i].type == RAM)
				region_add_free(vm_boot_map[i].start, vm_boot_map[i].start + vm_boot_map[i].len, 0);
	*out = regions;
	return region_count;
}

/* The stack canary changes under its feet: it has none, and never returns. */
__attribute__((no_stack_protector)) NO_KASAN void vm_start(u32 info_phys)
{
	const struct start_info *info = phys_to_virt(info_phys);

	vm_kasan_early();
	vm_percpu[0].self = &vm_percpu[0];
	vm_percpu[0].current = &boot_thread;
	vm_percpu[0].started = 1;
	vm_percpu[0].canary = plat_entropy() << 8;	/* a zero byte stops string overruns */
	vm_features_detect();
	read_start_info(info);
	paddr_t rsdp = info->rsdp;
	early_alloc_init();
	vm_paging_init();
	vm_cpu_init(0);
	vm_acpi_init(rsdp);
	vm_lapic_setup();
	vm_lapic_init();
	vm_time_init();
	vm_irq_init();
	vm_fpu_init();
	kernel_main();
}

void plat_late_init(void) {}
