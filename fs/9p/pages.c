/*
 * The page cache over Tread and Twrite.  The server reads and writes the pages themselves.
 *
 * Runs that are read go out in pieces of payload_max bytes, all at once, and nobody waits for them here: each page is
 * unlocked when its reply arrives, in the interrupt.  A reply shorter than asked for means the end of the file, or a
 * server in the mood: pages that it did not fill although the file is longer are read again, one by one, by a work item.
 *
 * Locks: the pages are locked (reads) or under write-back (writes); node->lock may be taken to open a fid.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "fs/9p/p9fs.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "kern/work.h"

enum { CHUNK_PAGES_MAX = P9_MSIZE_MAX / PAGE_SIZE };

/* A read under way. The inode stays while its pages are locked. */
struct read_job {
	struct work work;	/* for what a short reply left over */
	struct inode *inode;
	unsigned count, next;	/* pages; the first that is not done */
	struct page *pages[];
};

static struct inode *inode_of(struct mapping *m)
{
	return m->host;
}

/* Pieces for @n pages of which @bytes in all count. Returns how many. */
static u32 page_segs(struct p9_seg *segs, struct page **run, unsigned n, u64 bytes)
{
	u32 count = 0;

	for (unsigned i = 0; i < n && bytes; i++) {
		u32 len = MIN(bytes, (u64)PAGE_SIZE);
		struct p9_seg *last = count ? &segs[count - 1] : NULL;

		if (last && last->addr + last->len == page_phys(run[i]))
			last->len += len;
		else
			segs[count++] = (struct p9_seg){ page_phys(run[i]), len };
		bytes -= len;
	}
	return count;
}

static s64 read_part(struct inode *i, u32 fid, struct page *page, u32 from)
{
	struct p9_seg seg = { page_phys(page) + from, PAGE_SIZE - from };
	struct p9_call *call = p9_read_call(p9_client_of(i), P9_TREAD, fid, (page->index << PAGE_SHIFT) + from, &seg, 1, seg.len);
	s64 n;
	int err;

	if (!call)
		return -ENOMEM;
	/* Others may wait for this page too: that this thread is killed is no reason for an error. */
	call->flags = P9_CALL_NOINTR;
	err = p9_call_run(call);
	n = err ? err : p9_read_result(call);
	(void)p9_call_end(call, 0);
	return n;
}

static int read_page(struct mapping *m, struct page *page)
{
	struct inode *i = inode_of(m);
	u32 fid, have = 0;
	s64 n = 1;
	int err = p9_read_fid(i, &fid);

	if (err)
		return err;
	while (have < PAGE_SIZE && n > 0) {
		n = read_part(i, fid, page, have);
		have += n > 0 ? n : 0;
	}
	memset((u8 *)page_virt(page) + have, 0, PAGE_SIZE - have);
	return n < 0 ? (int)n : 0;
}

static void read_rest(struct work *w)
{
	struct read_job *job = container_of(w, struct read_job, work);
	struct inode *i = job->inode;

	/* The last unlock may let the inode go: it is not touched after it. */
	for (; job->next < job->count; job->next++) {
		struct page *page = job->pages[job->next];

		page_read_done(page, read_page(&i->mapping, page));
	}
	kfree(job);
}

static void run_read_over(struct p9_call *call)
{
	struct read_job *job = call->private;
	s64 got = p9_read_result(call);
	u64 size = inode_size(job->inode);
	unsigned count = job->count;

	(void)p9_call_end(call, 0);
	for (; job->next < count; job->next++, got -= PAGE_SIZE) {
		struct page *page = job->pages[job->next];
		u64 at = page->index << PAGE_SHIFT;

		if (got >= 0 && got < (s64)PAGE_SIZE) {
			/* Short: fine if nothing of the file is missing. */
			if (at + got < size) {
				work_queue(&job->work);
				return;
			}
			memset((u8 *)page_virt(page) + got, 0, PAGE_SIZE - got);
			page_read_done(page, 0);
			got = PAGE_SIZE;	/* and zeroes from here on */
			continue;
		}
		page_read_done(page, got < 0 ? (int)got : 0);
	}
	kfree(job);
}

static int read_chunk(struct inode *i, u32 fid, struct page **run, unsigned n)
{
	struct p9_seg segs[CHUNK_PAGES_MAX];
	u32 count = page_segs(segs, run, n, (u64)n << PAGE_SHIFT);
	struct read_job *job = kmalloc(sizeof(*job) + n * sizeof(job->pages[0]), ALLOC_NOFS);
	struct p9_call *call;

	if (!job)
		return -ENOMEM;
	work_init(&job->work, read_rest);
	job->inode = i;
	job->count = n;
	job->next = 0;
	memcpy(job->pages, run, n * sizeof(job->pages[0]));
	call = p9_read_call(p9_client_of(i), P9_TREAD, fid, run[0]->index << PAGE_SHIFT, segs, count, n << PAGE_SHIFT);
	if (!call) {
		kfree(job);
		return -ENOMEM;
	}
	call->private = job;
	p9_call_start(call, run_read_over);
	return 0;
}

static void read_run(struct mapping *m, struct page **run, unsigned n)
{
	struct inode *i = inode_of(m);
	unsigned chunk = MIN(p9_client_of(i)->payload_max >> PAGE_SHIFT, (u32)CHUNK_PAGES_MAX);
	u32 fid;
	int err = p9_read_fid(i, &fid);

	while (n) {
		unsigned now = MIN(n, chunk);

		if (!err)
			err = read_chunk(i, fid, run, now);
		for (unsigned k = 0; err && k < now; k++)
			page_read_done(run[k], err);
		run += now;
		n -= now;
	}
}

/* Write [@skip, @bytes) of a chunk of pages that begins at @offset in the file. */
static int write_chunk(struct inode *i, u32 fid, struct page **run, unsigned n, u64 offset, u64 bytes)
{
	struct p9_seg segs[CHUNK_PAGES_MAX];
	u64 done = 0;

	while (done < bytes) {
		unsigned first = done >> PAGE_SHIFT;
		u32 skip = done & (PAGE_SIZE - 1);
		u32 count = page_segs(segs, run + first, n - first, bytes - ((u64)first << PAGE_SHIFT));
		s64 wrote;

		segs[0].addr += skip;
		segs[0].len -= skip;
		wrote = p9_write(p9_client_of(i), fid, offset + done, segs, count, bytes - done);
		if (wrote <= 0)
			return wrote ? (int)wrote : -EIO;
		done += wrote;
	}
	return 0;
}

static int write_run(struct mapping *m, struct page **run, unsigned n, u64 file_size)
{
	struct inode *i = inode_of(m);
	unsigned chunk = MIN(p9_client_of(i)->payload_max >> PAGE_SHIFT, (u32)CHUNK_PAGES_MAX);
	u32 fid;
	int err = p9_write_fid(i, &fid), first_err = err;

	p9_node(i)->own_change = true;
	while (n && !err) {
		unsigned now = MIN(n, chunk);
		u64 offset = run[0]->index << PAGE_SHIFT;

		if (offset >= file_size)
			break;		/* cut off in the meantime */
		err = write_chunk(i, fid, run, now, offset, MIN((u64)now << PAGE_SHIFT, file_size - offset));
		if (!first_err)
			first_err = err;
		run += now;
		n -= now;
	}
	return first_err;
}

static int write_page(struct mapping *m, struct page *page, u64 file_size)
{
	return write_run(m, &page, 1, file_size);
}

const struct mapping_ops p9_mapping_ops = {
	.read_page = read_page,
	.read_run = read_run,
	.write_page = write_page,
	.write_run = write_run,
};
