/*
 * /proc/sys/net/ipv4/tcp_*: those that act.
 *
 * Source: Linux Documentation/networking/ip-sysctl.rst.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/page.h"
#include "sock/tcp.h"
#include "vfs/procfs.h"

struct tcp_config tcp_config;
u32 tcp_mem[3];

const struct tcp_ca *tcp_ca_default = &tcp_cubic;	/* [a] */
static char congestion_available[] = "reno cubic";

#define NUMBER(name_, field_, min_, max_) \
	{ .path = "net/ipv4/tcp_" name_, .kind = SYSCTL_U32, .mode = 0644, .value = &tcp_config.field_, .min = (min_), .max = (max_) }
#define THREE(name_, array_) \
	{ .path = "net/ipv4/" name_, .kind = SYSCTL_U32_LIST, .mode = 0644, .value = (array_), .size = 3, .min = 1, .max = 0x7fffffff }

static const struct sysctl table[] = {
	NUMBER("sack", sack, 0, 0xff),
	NUMBER("dsack", dsack, 0, 0xff),
	NUMBER("timestamps", timestamps, 0, 0xff),
	NUMBER("window_scaling", window_scaling, 0, 0xff),
	NUMBER("ecn", ecn, 0, 2),
	NUMBER("ecn_fallback", ecn_fallback, 0, 1),
	NUMBER("recovery", recovery, 0, 0xff),
	NUMBER("early_retrans", early_retrans, 0, 4),
	NUMBER("frto", frto, 0, 0xff),
	NUMBER("reordering", reordering, 1, 300),
	NUMBER("max_reordering", max_reordering, 1, 0xffff),
	NUMBER("syn_retries", syn_retries, 1, 127),
	NUMBER("synack_retries", synack_retries, 0, 0xff),
	NUMBER("retries1", retries1, 0, 0xff),
	NUMBER("retries2", retries2, 0, 0xff),
	NUMBER("orphan_retries", orphan_retries, 0, 0xff),
	NUMBER("keepalive_time", keepalive_time_s, 1, 0x7fffffff),
	NUMBER("keepalive_intvl", keepalive_intvl_s, 1, 0x7fffffff),
	NUMBER("keepalive_probes", keepalive_probes, 0, 0xff),
	NUMBER("fin_timeout", fin_timeout_s, 0, 0x7fffffff),
	NUMBER("slow_start_after_idle", slow_start_after_idle, 0, 0xff),
	NUMBER("moderate_rcvbuf", moderate_rcvbuf, 0, 0xff),
	NUMBER("abort_on_overflow", abort_on_overflow, 0, 0xff),
	NUMBER("rfc1337", rfc1337, 0, 0xff),
	NUMBER("limit_output_bytes", limit_output_bytes, 0, 0x7fffffff),
	NUMBER("challenge_ack_limit", challenge_ack_limit, 0, 0x7fffffff),
	NUMBER("invalid_ratelimit", invalid_ratelimit_ms, 0, 0x7fffffff),
	NUMBER("notsent_lowat", notsent_lowat, 0, 0xffffffff),
	NUMBER("min_tso_segs", min_tso_segs, 1, 0xff),
	NUMBER("pacing_ss_ratio", pacing_ss_ratio, 0, 1000),
	NUMBER("pacing_ca_ratio", pacing_ca_ratio, 0, 1000),
	NUMBER("workaround_signed_windows", workaround_signed_windows, 0, 0xff),
	NUMBER("min_snd_mss", min_snd_mss, 48, 65535),
	NUMBER("tw_reuse", tw_reuse, 0, 2),
	NUMBER("max_tw_buckets", max_tw_buckets, 0, 0x7fffffff),
	NUMBER("fastopen", fastopen, 0, 0x7fffffff),
	NUMBER("max_orphans", max_orphans, 0, 0x7fffffff),
	NUMBER("max_syn_backlog", max_syn_backlog, 0, 0x7fffffff),
	NUMBER("syncookies", syncookies, 0, 0xff),
	NUMBER("stdurg", stdurg, 0, 0xff),
	THREE("tcp_mem", tcp_mem),
	THREE("tcp_rmem", tcp_config.rmem),
	THREE("tcp_wmem", tcp_config.wmem),
	{ .path = "net/ipv4/tcp_available_congestion_control", .kind = SYSCTL_STRING, .mode = 0444, .value = congestion_available,
	  .size = sizeof(congestion_available) },
};

/* Buffers grow up to a share of the memory: as ip-sysctl.rst says of tcp_mem, tcp_rmem, tcp_wmem. */
static void size_by_memory(void)
{
	struct page_stats memory;

	page_stats(&memory);
	u64 share_bytes = memory.free << (PAGE_SHIFT - 7);
	u32 pages = (u32)MIN(MAX(memory.free / 16, 128ull), 0x3fffffffull);

	tcp_config.rmem[2] = (u32)MAX(MIN(share_bytes, (u64)tcp_config.rmem[2]), (u64)tcp_config.rmem[1]);
	tcp_config.wmem[2] = (u32)MAX(MIN(share_bytes, (u64)tcp_config.wmem[2]), 65536ull);
	tcp_mem[0] = pages / 4 * 3;
	tcp_mem[1] = pages;
	tcp_mem[2] = tcp_mem[0] * 2;
}

static void congestion_show(struct seq *s)
{
	seq_printf(s, "%s\n", atomic_load(&tcp_ca_default)->name);
}

static int congestion_write(char *text, size_t len)
{
	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = 0;
	const struct tcp_ca *ca = tcp_ca_find(text);

	if (!ca)
		return -ENOENT;
	atomic_store(&tcp_ca_default, ca);
	return 0;
}

void tcp_config_init(void)
{
	tcp_config = tcp_config_default;
	size_by_memory();
	proc_add_sysctl(table, ARRAY_SIZE(table));
	proc_add_rw("sys/net/ipv4/tcp_congestion_control", 0644, congestion_show, congestion_write);
}
