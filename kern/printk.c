/*
 * The kernel log: a ring of records, each a header and its text, the oldest overwritten.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/lock.h"
#include "kern/printk.h"
#include "kern/wait.h"

enum { RING_BYTES = 1 << 16, LINE_MAX = 1000 };

struct record {
	u64 seq;
	u64 time_ns;
	u16 len;	/* of the text */
	u16 size;	/* of the record, header and padding; 0: the rest of the ring is unused */
	u8 level;
};

/* Locks: l log_lock · c console_lock */
static u8 ring[RING_BYTES] __attribute__((aligned(8)));	/* [l] */
static u32 head, tail;			/* [l] offsets of the next and the oldest record */
static u64 next_seq, first_seq;		/* [l] */
static int console_level = LOG_INFO + 1;
static void (*console)(const char *buf, size_t n) = plat_console_write;
static struct spinlock log_lock = SPINLOCK_INIT(RANK_LOG);
static struct spinlock console_lock = SPINLOCK_INIT(RANK_CONSOLE);
static struct waitq readers = WAITQ_INIT(readers);

void log_set_console_level(int level) { console_level = level; }
int log_console_level(void) { return console_level; }
void log_console_register(void (*write)(const char *buf, size_t n)) { console = write; }
struct waitq *log_waitq(void) { return &readers; }
u64 log_next_seq(void) { return __atomic_load_n(&next_seq, __ATOMIC_ACQUIRE); }

static struct record *record_at(u32 offset) { return (struct record *)(ring + offset); }

static u32 record_next(u32 offset)
{
	u32 next = offset + record_at(offset)->size;

	return next + sizeof(struct record) > RING_BYTES || !record_at(next)->size ? 0 : next;
}

static void drop_oldest(void)
{
	tail = record_next(tail);
	first_seq++;
}

/* Make room for @size bytes at head. [l] */
static void make_room(u32 size)
{
	if (head + size > RING_BYTES) {
		while (first_seq < next_seq && tail >= head)
			drop_oldest();
		if (head + sizeof(struct record) <= RING_BYTES)
			record_at(head)->size = 0;
		head = 0;
	}
	while (first_seq < next_seq && tail >= head && tail < head + size)
		drop_oldest();
	if (first_seq == next_seq)
		tail = head;
}

static void store(u8 level, u64 now, const char *text, u32 len)
{
	u32 size = ALIGN_UP((u32)sizeof(struct record) + len, 8u);

	make_room(size);
	struct record *r = record_at(head);
	*r = (struct record){ .seq = next_seq, .time_ns = now, .len = (u16)len, .size = (u16)size, .level = level };
	memcpy(r + 1, text, len);
	head += size;
	if (head + sizeof(struct record) <= RING_BYTES && !(tail == head && first_seq < next_seq))
		if (!(first_seq < next_seq && tail > head))
			record_at(head)->size = 0;
	__atomic_store_n(&next_seq, next_seq + 1, __ATOMIC_RELEASE);
}

static void to_console(u64 now, const char *text, u32 len)
{
	char stamp[32];
	int n = fmt_snprintf(stamp, sizeof(stamp), "[%5llu.%06llu] ", (unsigned long long)(now / 1000000000),
			     (unsigned long long)(now / 1000 % 1000000));
	u64 flags = spin_lock_irqsave(&console_lock);

	console(stamp, (size_t)n);
	console(text, len);
	console("\n", 1);
	spin_unlock_irqrestore(&console_lock, flags);
}

static void emit(u8 level, const char *text, u32 len)
{
	u64 now = plat_mono_ns();
	u64 flags = spin_lock_irqsave(&log_lock);

	store(level, now, text, len);
	spin_unlock_irqrestore(&log_lock, flags);
	if (level < console_level)
		to_console(now, text, len);
}

void vprintk(enum log_level level, const char *fmt, va_list ap)
{
	char line[LINE_MAX];
	int n = fmt_vsnprintf(line, sizeof(line), fmt, ap);
	u32 len = n < 0 ? 0 : (u32)n >= sizeof(line) ? sizeof(line) - 1 : (u32)n;

	while (len && line[len - 1] == '\n')
		len--;
	emit((u8)level, line, len);
}

void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(level, fmt, ap);
	va_end(ap);
}

void log_append_user(enum log_level level, const char *text, size_t len)
{
	while (len && text[len - 1] == '\n')
		len--;
	emit((u8)level, text, len > LINE_MAX - 1 ? LINE_MAX - 1 : (u32)len);
	wake_up_all(&readers);
}

int log_read(u64 seq, struct log_line *out)
{
	u64 flags = spin_lock_irqsave(&log_lock);
	u32 at = tail;
	u64 s = first_seq;
	int err = -EAGAIN;

	for (; s < next_seq; s++, at = record_next(at)) {
		struct record *r = record_at(at);

		if (r->seq < seq)
			continue;
		*out = (struct log_line){ .seq = r->seq, .time_ns = r->time_ns, .level = r->level, .len = r->len };
		memcpy(out->text, r + 1, r->len);
		out->text[r->len] = 0;
		err = 0;
		break;
	}
	spin_unlock_irqrestore(&log_lock, flags);
	return err;
}
