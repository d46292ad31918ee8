/*
 * /proc/cpuinfo, stat, loadavg, uptime, interrupts.
 *
 * Source: proc(5).
 */
#include <linux/errno.h>
#include "fs/proc/internal.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "kern/timer.h"

enum { TICKS_PER_SEC = 100, NS_PER_TICK = NS_PER_SEC / TICKS_PER_SEC, LOAD_SHIFT = 11 };

static void show_cpuinfo(struct seq *s)
{
	char *buf = kmalloc(PAGE_SIZE, ALLOC_KERNEL);

	if (!buf) {
		s->err = -ENOMEM;
		return;
	}
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		if (!(sched_online_mask() >> cpu & 1))
			continue;
		seq_write(s, buf, plat_cpu_describe(cpu, buf, PAGE_SIZE));
		if (s->len < 2 || s->buf[s->len - 2] != '\n')
			seq_putc(s, '\n');
	}
	kfree(buf);
}

static void cpu_line(struct seq *s, const struct sched_stats *st)
{
	seq_u64(s, ' ', st->user_ns / NS_PER_TICK);
	seq_u64(s, ' ', 0);		/* nice */
	seq_u64(s, ' ', st->system_ns / NS_PER_TICK);
	seq_u64(s, ' ', st->idle_ns / NS_PER_TICK);
	seq_puts(s, " 0 0 0 0 0 0\n");	/* iowait, irq, softirq, steal, guest, guest_nice */
}

static void add_stats(struct sched_stats *sum, const struct sched_stats *st)
{
	sum->switches += st->switches;
	sum->idle_ns += st->idle_ns;
	sum->user_ns += st->user_ns;
	sum->system_ns += st->system_ns;
	sum->irqs += st->irqs;
	sum->running += st->running;
}

static void show_stat(struct seq *s)
{
	struct sched_stats sum = { 0 }, st;

	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		sched_cpu_stats(cpu, &st);
		add_stats(&sum, &st);
	}
	seq_puts(s, "cpu ");
	cpu_line(s, &sum);
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		if (!(sched_online_mask() >> cpu & 1))
			continue;
		sched_cpu_stats(cpu, &st);
		seq_printf(s, "cpu%u", cpu);
		cpu_line(s, &st);
	}
	seq_printf(s, "intr %llu\nctxt %llu\nbtime %llu\nprocesses %llu\nprocs_running %u\nprocs_blocked 0\n", sum.irqs, sum.switches,
		   (clock_realtime_ns() - plat_mono_ns()) / NS_PER_SEC, sched_total_forks(), sum.running);
	seq_puts(s, "softirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

static void centi(struct seq *s, u64 ns, char after)
{
	seq_printf(s, "%llu.%02llu%c", ns / NS_PER_SEC, ns % NS_PER_SEC / (NS_PER_SEC / 100), after);
}

static void show_uptime(struct seq *s)
{
	struct sched_stats st;
	u64 idle_ns = 0;

	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		sched_cpu_stats(cpu, &st);
		idle_ns += st.idle_ns;
	}
	centi(s, plat_mono_ns(), ' ');
	centi(s, idle_ns, '\n');
}

static void show_loadavg(struct seq *s)
{
	struct sched_stats st;
	u32 load[3], running = 0, threads = 0, last = 0;

	sched_load_avg(load);
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		sched_cpu_stats(cpu, &st);
		running += st.running;
	}
	for (int i = 0; i < 3; i++) {
		u32 v = load[i] + (1 << LOAD_SHIFT) / 200;

		seq_printf(s, "%u.%02u ", v >> LOAD_SHIFT, (v & ((1 << LOAD_SHIFT) - 1)) * 100 >> LOAD_SHIFT);
	}
	if (pids)
		for (u32 pid = pids->next(1); pid; pid = pids->next(pid + 1)) {
			threads++;
			last = pid;
		}
	seq_printf(s, "%u/%u %u\n", running, threads, last);
}

static void show_interrupts(struct seq *s)
{
	struct sched_stats st;

	seq_puts(s, "    ");
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++)
		seq_printf(s, "       CPU%-2u", cpu);
	seq_puts(s, "\nINT:");
	for (u32 cpu = 0; cpu < plat_cpu_count(); cpu++) {
		sched_cpu_stats(cpu, &st);
		seq_printf(s, " %11llu", st.irqs);
	}
	seq_puts(s, "   All interrupts\n");
}

void proc_cpu_init(void)
{
	proc_add("cpuinfo", 0444, show_cpuinfo);
	proc_add("stat", 0444, show_stat);
	proc_add("uptime", 0444, show_uptime);
	proc_add("loadavg", 0444, show_loadavg);
	proc_add("interrupts", 0444, show_interrupts);
}
