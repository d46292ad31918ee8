/*
 * What the CPU says about itself: /proc/cpuinfo, the auxiliary vector's capability words, randomness.
 */
#include "base/printf.h"
#include "base/string.h"
#include "plat/vm/vm.h"

struct flag {
	u8 word, bit;		/* word: index into the table of words below */
	const char *name;
};

/* Words: leaf 1 edx, leaf 1 ecx, leaf 7 ebx, leaf 7 ecx, 0x80000001 edx, 0x80000001 ecx. Names as programs know them from Linux. */
static const struct flag flags[] = {
	{ 0, 0, "fpu" }, { 0, 3, "pse" }, { 0, 4, "tsc" }, { 0, 5, "msr" }, { 0, 6, "pae" }, { 0, 8, "cx8" }, { 0, 9, "apic" },
	{ 0, 11, "sep" }, { 0, 12, "mtrr" }, { 0, 13, "pge" }, { 0, 15, "cmov" }, { 0, 16, "pat" }, { 0, 19, "clflush" }, { 0, 23, "mmx" },
	{ 0, 24, "fxsr" }, { 0, 25, "sse" }, { 0, 26, "sse2" }, { 0, 28, "ht" }, { 4, 11, "syscall" }, { 4, 20, "nx" }, { 4, 26, "pdpe1gb" },
	{ 4, 27, "rdtscp" }, { 4, 29, "lm" }, { 1, 0, "pni" }, { 1, 1, "pclmulqdq" }, { 1, 9, "ssse3" }, { 1, 12, "fma" }, { 1, 13, "cx16" },
	{ 1, 19, "sse4_1" }, { 1, 20, "sse4_2" }, { 1, 21, "x2apic" }, { 1, 22, "movbe" }, { 1, 23, "popcnt" }, { 1, 25, "aes" },
	{ 1, 26, "xsave" }, { 1, 28, "avx" }, { 1, 29, "f16c" }, { 1, 30, "rdrand" }, { 1, 31, "hypervisor" }, { 5, 0, "lahf_lm" },
	{ 5, 5, "abm" }, { 2, 3, "bmi1" }, { 2, 5, "avx2" }, { 2, 7, "smep" }, { 2, 8, "bmi2" }, { 2, 9, "erms" }, { 2, 16, "avx512f" },
	{ 2, 18, "rdseed" }, { 2, 19, "adx" }, { 2, 20, "smap" }, { 2, 29, "sha_ni" }, { 3, 2, "umip" }, { 3, 9, "vaes" }, { 3, 22, "rdpid" },
};

static void cpu_words(u32 w[6])
{
	struct cpuid_regs l1 = cpuid(1, 0), l7 = cpuid(0, 0).a >= 7 ? cpuid(7, 0) : (struct cpuid_regs){ 0 };
	struct cpuid_regs e = cpuid(0x80000001, 0);

	w[0] = l1.d; w[1] = l1.c; w[2] = l7.b; w[3] = l7.c; w[4] = e.d; w[5] = e.c;
}

size_t plat_cpu_describe(u32 cpu, char *buf, size_t size)
{
	struct cpuid_regs l0 = cpuid(0, 0), l1 = cpuid(1, 0);
	u32 words[6], family = l1.a >> 8 & 15, model = l1.a >> 4 & 15, khz;
	char vendor[13] = { 0 }, brand[49] = { 0 };
	size_t n;

	memcpy(vendor, &l0.b, 4);
	memcpy(vendor + 4, &l0.d, 4);
	memcpy(vendor + 8, &l0.c, 4);
	for (u32 i = 0; i < 3 && cpuid(0x80000000, 0).a >= 0x80000004; i++) {
		struct cpuid_regs r = cpuid(0x80000002 + i, 0);

		memcpy(brand + 16 * i, &r, 16);
	}
	model |= (l1.a >> 16 & 15) << 4;
	if (family == 15)
		family += l1.a >> 20 & 255;
	cpu_words(words);
	khz = (u32)((vm_ns_to_tsc(1000000000) - vm_ns_to_tsc(0)) / 1000);
	n = scnprintf(buf, size, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n"
			  "cpu MHz\t\t: %u.%03u\nphysical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\napicid\t\t: %u\n"
			  "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
			  cpu, vendor, family, model, brand, l1.a & 15, khz / 1000, khz % 1000, plat_cpu_count(), cpu, plat_cpu_count(),
			  vm_percpu[cpu].apic_id, l0.a);
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		if (words[flags[i].word] >> flags[i].bit & 1)
			n += scnprintf(buf + n, size - n, " %s", flags[i].name);
	n += scnprintf(buf + n, size - n, "\nbogomips\t: %u.%02u\nclflush size\t: 64\ncache_alignment\t: 64\n"
			   "address sizes\t: %u bits physical, %u bits virtual\n\n", khz / 500, khz / 5 % 100,
			   cpuid(0x80000008, 0).a & 255, cpuid(0x80000008, 0).a >> 8 & 255);
	return n;
}

void plat_hwcaps(u64 *hwcap, u64 *hwcap2)
{
	*hwcap = cpuid(1, 0).d;
	*hwcap2 = 0;	/* bit 1 would say that RDFSBASE may be used; CR4.FSGSBASE is off */
}

u64 plat_entropy(void)
{
	u64 v = rdtsc() * 0x9e3779b97f4a7c15ull, r = 0;

	if (cpuid(1, 0).c >> 30 & 1) {
		u8 ok;

		asm volatile("rdrand %0; setc %1" : "=r"(r), "=qm"(ok));
		v ^= ok ? r : 0;
	}
	return v ^ v >> 29;
}
