/*
 * The end of the kernel: say why, show where, stop the machine with a failure status.
 */
#include "kern/assert.h"
#include "kern/ksyms.h"
#include "kern/printk.h"
#include "kern/thread.h"

static u32 panicking;

void panic(const char *fmt, ...)
{
	va_list ap;

	plat_irq_disable();
	if (__atomic_exchange_n(&panicking, 1, __ATOMIC_ACQ_REL))
		plat_panic_stop();	/* a second one, or another CPU's */
	log_set_console_level(LOG_DEBUG + 1);
	va_start(ap, fmt);
	printk(LOG_EMERG, "Kernel panic: CPU %u, %s:", plat_cpu_id(), current() ? current()->comm : "boot");
	vprintk(LOG_EMERG, fmt, ap);
	va_end(ap);
	backtrace_print(0, (u64)__builtin_frame_address(0));
	printk(LOG_EMERG, "---[ end Kernel panic ]---");
	plat_panic_stop();
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("assertion failed: %s at %s:%d", expr, file, line);
}

/* The compiler's name for a smashed stack. */
NORETURN void __stack_chk_fail(void);
void __stack_chk_fail(void)
{
	panic("stack smashed in a function called from %p", __builtin_return_address(0));
}
