/* What journal.c and journal_open.c share: the journal in memory. */
#ifndef FS_EXT4_JOURNAL_H
#define FS_EXT4_JOURNAL_H

#include "fs/ext4/ext4.h"
#include "fs/ext4/jbd2.h"

/* Locks: c commit_lock · j lock · a atomic · I immutable once open */
struct freed { struct list_head node; u64 block; u32 n; };
struct revoke { struct list_head node; u64 block; };
struct log_tx { struct list_head node; u32 tid, start; };
struct log_run { u32 lblk, len; u64 pblk; };

struct tx {
	u32 tid;			/* [I] */
	u32 updates;			/* [j] open handles */
	u32 credits;			/* [j] what they may still add */
	u32 bufs, revokes_count;	/* [j] */
	struct list_head buf_list;	/* [j] */
	struct list_head freed;		/* [j] */
	struct list_head revokes;	/* [j] */
};

struct journal {
	struct ext4 *fs;
	struct spinlock lock;
	struct waitq wait;		/* barrier down, or the last handle closed */
	struct mutex commit_lock;
	bool barrier;			/* [j] no handle may open */
	struct tx *running;		/* [j] */
	u32 next_tid;			/* [j] */
	u32 committed;			/* [a] */
	int aborted;			/* [a] */
	/* the log */
	bool nolog;			/* [I] */
	struct inode *inode;
	struct log_run *runs;		/* [I] */
	u32 runs_count;
	struct jbd2_super *sb;		/* [c] a block */
	u64 sb_block;
	struct jbd2_layout layout;	/* [I] */
	u32 first, last, max_tx;	/* [I] */
	u32 head, tail, used;		/* [c] log blocks; used read by jh_start */
	u32 tail_tid;			/* [c] */
	bool tail_written;		/* [c] the superblock on disk names the tail: the log counts after a crash */
	struct list_head ckpt;		/* [c] bufs by ckpt_tid */
	struct list_head log_txs;	/* [c] */
	/* the thread */
	struct thread *thread;
	bool stop;
	bool wanted;
	struct waitq thread_wait;
	struct completion stopped;
};

u64 journal_phys(const struct journal *j, u32 lblk);
MUST_CHECK int journal_write_super(struct journal *j);
/** journal_write_tail - the log begins at @start with transaction @tid; 0: it is empty. */
MUST_CHECK int journal_write_tail(struct journal *j, u32 start, u32 tid);
void journal_ckpt_remove(struct buf *b);

#endif
