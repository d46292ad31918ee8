/* What /proc tells of System V objects and of message queues: sysvipc/ and limits.  Source: proc(5), sysvipc(7). */
#include <linux/stat.h>
#include "base/string.h"
#include "ipc/ipc.h"
#include "ipc/mqueue.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "mm/mm.h"
#include "vfs/procfs.h"

/* ---- sysvipc ---- */

static void show_owner(struct seq *s, const struct ipc64_perm *p)
{
	seq_printf(s, " %5u %5u %5u %5u", p->uid, p->gid, p->cuid, p->cgid);
}

static void show_name(struct seq *s, const struct ipc64_perm *p, s32 id)
{
	seq_printf(s, "%10d %10d  %4o", (s32)p->key, id, p->mode);
}

static void show_shm(struct seq *s)
{
	s32 top = ipc_top_index(&shm_table);
	struct shmid64_ds d;

	seq_puts(s, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime"
		    "      ctime                   rss                  swap\n");
	for (s32 i = 0; i <= top; i++) {
		s32 id = shm_stat(SHM_STAT_ANY, i, &d);

		if (id < 0)
			continue;
		show_name(s, &d.shm_perm, id);
		seq_printf(s, " %21llu %5u %5u  %5llu", (u64)d.shm_segsz, (u32)d.shm_cpid, (u32)d.shm_lpid, (u64)d.shm_nattch);
		show_owner(s, &d.shm_perm);
		seq_printf(s, " %10llu %10llu %10llu %21llu %21u\n", (u64)d.shm_atime, (u64)d.shm_dtime, (u64)d.shm_ctime,
			   shm_resident_pages(i) << PAGE_SHIFT, 0);
	}
}

static void show_sem(struct seq *s)
{
	s32 top = ipc_top_index(&sem_table);
	struct semid64_ds d;

	seq_puts(s, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	for (s32 i = 0; i <= top; i++) {
		s32 id = sem_stat(SEM_STAT_ANY, i, &d);

		if (id < 0)
			continue;
		show_name(s, &d.sem_perm, id);
		seq_printf(s, " %10u", (u32)d.sem_nsems);
		show_owner(s, &d.sem_perm);
		seq_printf(s, " %10llu %10llu\n", (u64)d.sem_otime, (u64)d.sem_ctime);
	}
}

static void show_msg(struct seq *s)
{
	s32 top = ipc_top_index(&msg_table);
	struct msqid64_ds d;

	seq_puts(s, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime"
		    "      ctime\n");
	for (s32 i = 0; i <= top; i++) {
		s32 id = msg_stat(MSG_STAT_ANY, i, &d);

		if (id < 0)
			continue;
		show_name(s, &d.msg_perm, id);
		seq_printf(s, "  %10llu %10llu %5u %5u", (u64)d.msg_cbytes, (u64)d.msg_qnum, (u32)d.msg_lspid, (u32)d.msg_lrpid);
		show_owner(s, &d.msg_perm);
		seq_printf(s, " %10llu %10llu %10llu\n", (u64)d.msg_stime, (u64)d.msg_rtime, (u64)d.msg_ctime);
	}
}

/* ---- limits ---- */

static int sem_changed(const struct sysctl *s)
{
	atomic_store(&sem_table.count_max, MIN(sem_limit[SEM_LIMIT_SETS], (u32)IPC_INDICES));
	return 0;
}

enum { INT_MAX_ = 0x7fffffff };

static const struct sysctl sysctls[] = {
	{ "kernel/shmmax", SYSCTL_U64, 0644, &shm_bytes_max },
	{ "kernel/shmall", SYSCTL_U64, 0644, &shm_pages_max },
	{ "kernel/shmmni", SYSCTL_U32, 0644, &shm_table.count_max, 0, 0, IPC_INDICES },
	{ "kernel/sem", SYSCTL_U32_LIST, 0644, sem_limit, SEM_LIMITS, .changed = sem_changed },
	{ "kernel/msgmax", SYSCTL_U32, 0644, &msg_bytes_max, 0, 0, INT_MAX_ },
	{ "kernel/msgmnb", SYSCTL_U32, 0644, &msg_queue_bytes_default, 0, 0, INT_MAX_ },
	{ "kernel/msgmni", SYSCTL_U32, 0644, &msg_table.count_max, 0, 0, IPC_INDICES },
	{ "fs/mqueue/queues_max", SYSCTL_U32, 0644, &mq_queues_max, 0, 0, INT_MAX_ },
	{ "fs/mqueue/msg_max", SYSCTL_U32, 0644, &mq_count_max, 0, 1, MQ_HARD_COUNT_MAX },
	{ "fs/mqueue/msgsize_max", SYSCTL_U32, 0644, &mq_size_max, 0, 128, MQ_HARD_SIZE_MAX },
	{ "fs/mqueue/msg_default", SYSCTL_U32, 0644, &mq_count_default, 0, 1, MQ_HARD_COUNT_MAX },
	{ "fs/mqueue/msgsize_default", SYSCTL_U32, 0644, &mq_size_default, 0, 128, MQ_HARD_SIZE_MAX },
};

void ipc_proc_init(void)
{
	proc_add("sysvipc/shm", 0444, show_shm);
	proc_add("sysvipc/sem", 0444, show_sem);
	proc_add("sysvipc/msg", 0444, show_msg);
	proc_add_sysctl(sysctls, sizeof(sysctls) / sizeof(sysctls[0]));
}

void ipc_init(void)
{
	shm_init();
	sem_init();
	msg_init();
	mqueue_fs_init();
	ipc_proc_init();
}
