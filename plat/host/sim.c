/*
 * The simulated machine: one host thread plays all CPUs, with a virtual clock and a seed.
 *
 * Every kernel thread is a fiber: a stack of its own and a saved stack pointer.  A CPU is the fiber of its current thread; playing another
 * CPU is switching to that fiber.  Where a CPU could be interrupted (host_switch_point) and where it waits (host_relax), a
 * seeded choice decides who goes on, so a seed is a schedule.
 *
 * The clock stands still but for small steps at those points and at each reading; when all CPUs idle it jumps to the next timer.
 * Nothing of the host enters: the same seed gives the same trace, which is hashed at each switch.
 *
 * Not simulated: an interrupt or another CPU between two instructions that contain no switch point.
 */
#include <linux/errno.h>
#include "base/bitops.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/page.h"
#include "kern/thread.h"
#include "plat/host/host.h"
#include "plat/host/sanitize.h"
#include "plat/host/virtio.h"

enum {
	STACK_BYTES = 512 << 10,
	STACKS_MAX = 512,
	ARENA_START = 1 << 20,		/* no page has the physical address 0 */
	STEP_NS = 20, RELAX_NS = 100, READ_NS = 5,
};

struct host_machine host_machine;
struct plat_upcalls host_upcalls;
struct plat_percpu *host_cpu;

static struct plat_percpu cpus[CPUS_MAX];
static struct plat_region region;
static u64 now_ns, random_state, trace_hash, switches;
static char *stacks;			/* STACKS_MAX of them, the lowest page of each a guard */
static void *free_stack[STACKS_MAX], *race_fibers[STACKS_MAX];
static u32 free_count;
static void *boot_sp, *boot_fiber;	/* of host_boot's caller, until it is a thread */
static struct thread boot_thread;	/* CPU 0's before sched_init gives it one */
static bool arrived;
static void *device_fiber;		/* ThreadSanitizer's, of all devices; its address stands for what they have done */
static char device_told;		/* its address: for what drivers have told them */

static u64 random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* ---- a bad end ---- */

/* The last switches, for whoever has to explain a crash. */
enum { TRACE_EVENTS = 200 };
struct trace_event {
	u64 now_ns;
	u32 cpu;
	char comm[16];
};
static struct trace_event trace_ring[TRACE_EVENTS];
static HOST_KEEP const char *crash_note;

void host_crash_note(const char *text) { crash_note = text; }

static void print_trace(void)
{
	u64 first = switches > TRACE_EVENTS ? switches - TRACE_EVENTS : 0;
	char line[96];

	for (u64 i = first; i < switches; i++) {
		const struct trace_event *e = &trace_ring[i % TRACE_EVENTS];

		fmt_snprintf(line, sizeof(line), "trace %llu: %llu ns, CPU %u: %.16s\n", i, e->now_ns, e->cpu, e->comm);
		os_write_stderr(line, strlen(line));
	}
}

void host_crash_report(const char *why)
{
	char line[300];

	print_trace();
	fmt_snprintf(line, sizeof(line), "simulated machine, seed %llu, %llu ns, %llu switches%s%s: %s\n", host_machine.seed, now_ns, switches,
		     crash_note ? ", " : "", crash_note ? crash_note : "", why);
	os_write_stderr(line, strlen(line));
}

NORETURN void host_stuck(const char *why)
{
	host_crash_report(why);
	os_abort();
}

/* ---- the trace ---- */

static void trace_word(u64 v)
{
	trace_hash = (trace_hash ^ v) * 0x9e3779b97f4a7c15ull;
	trace_hash ^= trace_hash >> 29;
}

static void trace_switch(u32 cpu, const struct thread *to)
{
	u64 name[2];

	struct trace_event *e = &trace_ring[switches++ % TRACE_EVENTS];

	/* inline: the C library's tells ThreadSanitizer of it, and it is the machine that looks */
	__builtin_memcpy(name, to->comm, sizeof(name));
	__builtin_memcpy(e->comm, to->comm, sizeof(e->comm));
	e->cpu = cpu;
	e->now_ns = now_ns;
	trace_word(cpu | (u64)to->flags << 32);
	trace_word(now_ns);
	trace_word(name[0]);
	trace_word(name[1]);
}

u64 host_trace_hash(void) { return trace_hash; }
u64 host_switches(void) { return switches; }

/* ---- fibers ---- */

static u32 stack_number(const void *stack) { return (u32)((u64)((const char *)stack - stacks) / STACK_BYTES); }

void host_stack_alloc(struct plat_ctx *ctx)
{
	if (!free_count)
		host_stuck("more threads than stacks");
	ctx->stack = free_stack[--free_count];
	ctx->stack_bytes = STACK_BYTES - PAGE_SIZE;
	ctx->stack_owned = true;
	ctx->race_fiber = race_fiber_new();
	race_fibers[stack_number(ctx->stack)] = ctx->race_fiber;
	__asan_unpoison_memory_region(ctx->stack, ctx->stack_bytes);
}

void host_stack_free(struct plat_ctx *ctx)
{
	if (!ctx->stack_owned)
		return;
	free_stack[free_count++] = ctx->stack;
	race_fiber_free(ctx->race_fiber);
	race_fibers[stack_number(ctx->stack)] = ctx->race_fiber = NULL;
	ctx->stack = NULL;
	ctx->stack_owned = false;
}

/* What the scheduler takes for a thread's stack holds its registers; it runs on a fiber's. */
void *plat_stack_alloc(void)
{
	struct page *p = page_alloc(bytes_to_order(KSTACK_BYTES), ALLOC_KERNEL);

	return p ? page_virt(p) : NULL;
}

void plat_stack_free(void *stack)
{
	page_put(virt_page(stack));
}

static struct plat_ctx *ctx_of(struct plat_percpu *cpu)
{
	return &cpu->current->ctx;
}

/* Leave for another fiber; on return it is ours again. @ordered: on the same CPU. @dying: it never is */
static void go(struct plat_ctx *from, void **save, struct plat_ctx *to, void *load, bool ordered, bool dying)
{
	race_switch(to->race_fiber, ordered);
	__sanitizer_start_switch_fiber(dying ? NULL : &from->fake_stack, to->stack, to->stack_bytes);
	host_switch_sp(save, load);
	__sanitizer_finish_switch_fiber(ctx_of(host_cpu)->fake_stack, NULL, NULL);
}

static void fiber_start(void)
{
	struct plat_ctx *ctx = ctx_of(host_cpu);

	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	ctx->entry(ctx->arg);
	host_stuck("a thread returned from its first function");
}

void plat_ctx_init(struct plat_ctx *ctx, void *stack_top, void (*entry)(void *arg), void *arg)
{
	if (!ctx->stack)
		host_stack_alloc(ctx);
	u64 *sp = (u64 *)((char *)ctx->stack + ctx->stack_bytes);

	*--sp = 0;		/* as if called: no return address */
	*--sp = (u64)fiber_start;
	for (int i = 0; i < 6; i++)
		*--sp = 0;
	ctx->sp = sp;
	ctx->entry = entry;
	ctx->arg = arg;
}

void plat_ctx_switch(struct plat_ctx *prev, struct plat_ctx *next)
{
	struct thread *from = (struct thread *)prev, *to = (struct thread *)next;

	if (to->mm)
		plat_as_switch((struct plat_as *)to->mm);
	host_cpu->current = to;
	trace_switch(host_cpu->id, to);
	go(prev, &prev->sp, next, next->sp, true, from->state == TS_DEAD);
}

void plat_ctx_adopt(struct thread *thread, void *stack_top)
{
	struct plat_ctx *ctx = ctx_of(host_cpu);

	thread->ctx.stack = ctx->stack;
	thread->ctx.stack_bytes = ctx->stack_bytes;
	thread->ctx.race_fiber = ctx->race_fiber;
	thread->ctx.kernel_sp = (u64)stack_top;
	host_cpu->current = thread;
}

/* ---- which CPU is played ---- */

static bool has_interrupt(const struct plat_percpu *c)
{
	return c->kicked || c->irqs || c->deadline_ns <= now_ns;
}

static bool can_play(const struct plat_percpu *c)
{
	return c->started && (!c->idle || has_interrupt(c));
}

static void play(struct plat_percpu *to)
{
	struct plat_percpu *from = host_cpu;

	if (to == from)
		return;
	host_cpu = to;
	trace_switch(to->id, to->current);
	go(ctx_of(from), &from->sp, ctx_of(to), to->sp, false, false);
}

/* Another CPU that has something to do; NULL if there is none. */
static struct plat_percpu *choose_other(void)
{
	struct plat_percpu *able[CPUS_MAX];
	u32 n = 0;

	for (u32 i = 0; i < host_machine.cpus; i++)
		if (&cpus[i] != host_cpu && can_play(&cpus[i]))
			able[n++] = &cpus[i];
	return n ? able[random_next() % n] : NULL;
}

static void take_interrupts(void)
{
	struct plat_percpu *c = host_cpu;

	while (c->irq_on && !c->irq_depth && has_interrupt(c)) {
		c->irq_on = false;
		c->irq_depth++;
		if (c->irqs)
			race_acquire(&device_fiber);
		while (c->irqs) {
			u32 gsi = (u32)__builtin_ctzll(c->irqs);

			c->irqs &= c->irqs - 1;
			host_irq_run(gsi);
		}
		if (c->kicked) {
			c->kicked = false;
			race_acquire(&c->kicked);
			host_upcalls.kick();
		}
		if (c->deadline_ns <= now_ns) {
			c->deadline_ns = ~0ull;
			host_upcalls.tick(false);
		}
		c->irq_depth--;
		c->irq_on = true;
	}
}

/* Which CPU a device interrupts is the seed's choice. */
void host_interrupt(u32 gsi)
{
	u32 n = 0, chosen = 0;

	for (u32 i = 0; i < host_machine.cpus; i++)
		if (cpus[i].started && random_next() % ++n == 0)
			chosen = i;
	cpus[chosen].irqs |= 1ull << gsi;
}

/* What devices do is ordered after what drivers told them, and before the interrupts that tell of it. */
void host_device_enter(void)
{
	race_release(&device_told);
	race_switch(device_fiber, false);
	race_acquire(&device_told);
}

void host_device_leave(void)
{
	race_release(&device_fiber);
	race_switch(ctx_of(host_cpu)->race_fiber, false);
	race_acquire(&device_fiber);	/* a register that was read has waited for the device */
}

static void run_devices(void)
{
	if (host_virtio_next_ns() > now_ns)
		return;
	race_switch(device_fiber, false);
	host_virtio_run(now_ns);
	race_release(&device_fiber);
	race_switch(ctx_of(host_cpu)->race_fiber, false);
}

static void let_pass(u64 ns)
{
	now_ns += ns;
	run_devices();
}

void host_switch_point(void)
{
	let_pass(STEP_NS);
	if (host_machine.switch_one_in && random_next() % host_machine.switch_one_in == 0) {
		struct plat_percpu *other = choose_other();

		if (other)
			play(other);
	}
	take_interrupts();
}

void host_relax(void)
{
	struct plat_percpu *other;

	let_pass(RELAX_NS);
	other = choose_other();
	if (other)
		play(other);
	take_interrupts();
}

/* All CPUs idle: on to the next timer or the next thing that a device does. */
static void jump(void)
{
	u64 next = host_virtio_next_ns();

	for (u32 i = 0; i < host_machine.cpus; i++)
		next = MIN(next, cpus[i].deadline_ns);
	if (next == ~0ull)
		host_stuck("all CPUs idle, no timer is armed and no device has anything to do");
	if (next > host_machine.limit_ns)
		host_stuck("the limit of virtual time is reached: everybody waits for what does not come");
	now_ns = MAX(now_ns, next);
	run_devices();
}

void plat_cpu_idle(void)
{
	struct plat_percpu *c = host_cpu;

	c->idle = true;
	while (!has_interrupt(c)) {
		struct plat_percpu *other = choose_other();

		if (other)
			play(other);
		else
			jump();
	}
	c->idle = false;
	c->irq_on = true;
	take_interrupts();
}

void plat_cpu_kick(u32 cpu)
{
	race_release(&cpus[cpu].kicked);
	cpus[cpu].kicked = true;
}

static void cpu_entry(void *entry)
{
	race_acquire(&host_cpu->started);
	((void (*)(void))entry)();
}

int plat_cpu_start(u32 cpu, struct thread *idle, void (*entry)(void))
{
	struct plat_percpu *c = &cpus[cpu];

	plat_ctx_init(&idle->ctx, NULL, cpu_entry, (void *)entry);
	race_release(&c->started);
	c->current = idle;
	c->sp = idle->ctx.sp;
	c->started = true;
	return 0;
}

struct plat_percpu *host_percpu(u32 cpu) { return &cpus[cpu]; }
u32 plat_cpu_count(void) { return host_machine.cpus; }

/* ---- time ---- */

u64 host_now_ns(void) { return now_ns; }

u64 plat_mono_ns(void)
{
	now_ns += READ_NS;
	return now_ns;
}

u64 plat_wall_boot_ns(void) { return 1700000000ull * 1000000000ull; }
void plat_timer_arm(u64 deadline_ns) { host_cpu->deadline_ns = deadline_ns; }
u64 plat_entropy(void) { return random_next(); }

/* ---- on and off ---- */

unsigned plat_memory(const struct plat_region **regions)
{
	*regions = &region;
	return 1;
}

paddr_t plat_memory_top(void) { return region.start + region.len_bytes; }

static void start_kernel(void *arg)
{
	kernel_main();
}

int host_power_on(const struct host_machine *m)
{
	host_machine = *m;
	region = (struct plat_region){ ARENA_START, ALIGN_DOWN(m->memory_bytes, PAGE_SIZE) };
	int err = host_virtio_setup(m->devices, m->device_count, m->seed);
	if (err)
		return err;
	if (!os_map(phys_to_virt(region.start), region.len_bytes))
		return -ENOMEM;
	stacks = os_map(NULL, (size_t)STACKS_MAX * STACK_BYTES);
	if (!stacks) {
		os_unmap(phys_to_virt(region.start), region.len_bytes);
		return -ENOMEM;
	}
	free_count = 0;
	for (u32 i = STACKS_MAX; i--;) {
		os_guard(stacks + (size_t)i * STACK_BYTES);
		free_stack[free_count++] = stacks + (size_t)i * STACK_BYTES + PAGE_SIZE;
	}
	random_state = (m->seed + 1) * 0x9e3779b97f4a7c15ull | 1;
	trace_hash = 0;
	for (u32 i = 0; i < CPUS_MAX; i++)
		cpus[i] = (struct plat_percpu){ .id = i, .deadline_ns = ~0ull };
	cpus[0].started = true;
	cpus[0].current = &boot_thread;
	device_fiber = race_fiber_new();
	host_cpu = &cpus[0];
	return 0;
}

void host_boot(void)
{
	struct plat_ctx here = { 0 };

	os_own_stack(&here.stack, &here.stack_bytes);
	plat_ctx_init(&boot_thread.ctx, NULL, start_kernel, NULL);
	here.race_fiber = boot_fiber = race_fiber_here();
	race_switch(boot_thread.ctx.race_fiber, true);
	__sanitizer_start_switch_fiber(&here.fake_stack, boot_thread.ctx.stack, boot_thread.ctx.stack_bytes);
	host_switch_sp(&boot_sp, boot_thread.ctx.sp);
	__sanitizer_finish_switch_fiber(here.fake_stack, NULL, NULL);
	struct plat_ctx *ctx = ctx_of(host_cpu);	/* the thread that arrived; its own stack is not used again */
	host_stack_free(ctx);
	ctx->stack = here.stack;
	ctx->stack_bytes = here.stack_bytes;
	ctx->race_fiber = here.race_fiber;
}

void host_arrive(void)
{
	void *unused;
	void *bottom;
	size_t bytes;

	if (arrived)
		host_stuck("a second thread arrives on the host's stack");
	arrived = true;
	os_own_stack(&bottom, &bytes);
	race_switch(boot_fiber, true);
	__sanitizer_start_switch_fiber(NULL, bottom, bytes);
	host_switch_sp(&unused, boot_sp);
	__builtin_unreachable();
}

/* All that the machine did is over before its memory is given back, and before the next one is started. */
static void races_end(void)
{
	void *here = race_fiber_here();

	for (u32 i = 0; i <= STACKS_MAX; i++) {
		void *fiber = i < STACKS_MAX ? race_fibers[i] : device_fiber;

		if (!fiber || fiber == here)
			continue;
		race_switch(fiber, false);
		race_release(&race_fibers);
		race_switch(here, false);
		race_fiber_free(fiber);
	}
	race_acquire(&race_fibers);
}

void host_power_off(void)
{
	host_virtio_power_off();
	races_end();
	os_unmap(phys_to_virt(region.start), region.len_bytes);
	os_unmap(stacks, (size_t)STACKS_MAX * STACK_BYTES);
}
