/*
 * Page faults: from an address to an entry.
 *
 *	no entry	anonymous: the zero page for a read, a fresh page for a write
 *			file: the cached page, read in if need be; for a private write a copy of it
 *	read-only	a write to a private page: the page itself if nobody else has it, else a copy
 *			a write to a shared page: dirty it, then let it be written
 *	else		somebody else resolved it, or the CPU had an old translation: nothing to do
 *
 * Each way does what may sleep first (tables, pages, I/O), then takes table_lock, looks whether the entry is still what it
 * decided upon, and if so writes it; if not it drops what it has and returns 0: the access faults again if it must.  A cache
 * page is mapped only if, with table_lock held, it is still in the cache: truncate takes it out first and
 * unmaps it after, so no page slips through.
 *
 * Entries for writing have DIRTY and ACCESSED set in advance, so that the CPU never has to.  A page of a file with write-back
 * is mapped writable only by a write fault, which marks it dirty; write-back makes it read-only again.
 *
 * Around a read fault of a file, pages that are cached already are mapped as well, up to FAULT_AROUND of them.
 *
 * Locks: mm->lock for reading (held over I/O), table_lock, mapping->lock.
 */
#include <linux/signal.h>
#include "kern/sched.h"
#include "mm/internal.h"

enum { FAULT_AROUND = 16, READ_AROUND = 32 };

struct page *mm_zero_page;
static void (*signal_hook)(int sig, int code, u64 addr);

void mm_register_signal(void (*send)(int sig, int code, u64 addr))
{
	signal_hook = send;
}

/* One fault under way. */
struct fault {
	struct vma *v;
	struct mm *mm;
	u64 addr;		/* of the page */
	pte_t *pte;
	pte_t old;		/* the entry as it was when we looked */
	unsigned flags;		/* FAULT_* */
};

/* Bits of an entry that may be written at once, if the area may be. */
static inline u64 bits_writable(const struct vma *v)
{
	return v->prot_pte | PTE_DIRTY;
}

static inline u64 bits_readonly(const struct vma *v)
{
	return v->prot_pte & ~PTE_WRITE;
}

/* ---- anonymous memory ---- */

static struct page *anon_page_new(struct fault *f, u32 alloc_flags)
{
	struct page *p;

	if (anon_prepare(f->v))
		return NULL;
	p = page_alloc(0, alloc_flags);
	if (!p)
		return NULL;
	p->mapping = f->v->anon;
	p->index = vma_index(f->v, f->addr);
	page_set(p, PG_ANON | PG_UPTODATE);
	return p;
}

static int fault_zero_page(struct fault *f)
{
	spin_lock(&f->mm->table_lock);
	if (!*f->pte)
		WRITE_ONCE(*f->pte, pte_make(mm_zero_page, bits_readonly(f->v)));
	spin_unlock(&f->mm->table_lock);
	return 0;
}

static int fault_anon(struct fault *f)
{
	struct page *p;

	if (!(f->flags & FAULT_WRITE))
		return fault_zero_page(f);
	p = anon_page_new(f, ALLOC_USER | ALLOC_ZERO);
	if (!p)
		return -ENOMEM;
	spin_lock(&f->mm->table_lock);
	if (likely(!*f->pte)) {
		page_map_added(f->mm, p);
		WRITE_ONCE(*f->pte, pte_make(p, bits_writable(f->v)));
		p = NULL;
	}
	spin_unlock(&f->mm->table_lock);
	if (unlikely(p != NULL))
		page_put(p);
	return 0;
}

/* ---- copies ---- */

/*
 * Put a private copy of @from in the place of f->old.  The caller holds a reference on @from (or it is reserved) and
 * keeps it.
 */
static int install_copy(struct fault *f, struct page *from)
{
	bool zero = page_has(from, PG_ZERO);
	struct page *p = anon_page_new(f, zero ? ALLOC_USER | ALLOC_ZERO : ALLOC_USER);
	struct page *old = NULL;
	bool done = false;

	if (!p)
		return -ENOMEM;
	if (!zero)
		copy_page(page_virt(p), page_virt(from));
	spin_lock(&f->mm->table_lock);
	if (*f->pte == f->old) {
		if (f->old && page_counted(from)) {
			old = page_head(from);
			f->mm->rss[page_rss(old)]--;
			page_map_dropped(old);
		}
		page_map_added(f->mm, p);
		WRITE_ONCE(*f->pte, pte_make(p, bits_writable(f->v)));
		done = true;
	}
	spin_unlock(&f->mm->table_lock);
	if (!done)
		page_put(p);
	else if (f->old)
		plat_tlb_flush(&f->mm->as, f->addr, f->addr + PAGE_SIZE);
	if (old)
		page_put(old);
	return 0;
}

/* A write to a private page that is mapped read-only. */
static int write_private(struct fault *f)
{
	struct page *p = pte_page(f->old);
	int err;

	spin_lock(&f->mm->table_lock);
	if (*f->pte != f->old) {
		spin_unlock(&f->mm->table_lock);
		return 0;
	}
	if (page_has(p, PG_ANON) && !page_has(p, PG_TAIL) && atomic_load(&p->refs) == 1) {
		WRITE_ONCE(*f->pte, pte_make(p, bits_writable(f->v)));
		spin_unlock(&f->mm->table_lock);
		return 0;
	}
	if (page_counted(p))
		page_get(page_head(p));
	spin_unlock(&f->mm->table_lock);
	err = install_copy(f, p);
	if (page_counted(p))
		page_put(page_head(p));
	return err;
}

/* ---- files ---- */

static inline bool tracks_dirty(const struct mapping *m)
{
	return m && !(m->flags & MAPPING_SHMEM);
}

static inline bool past_end(const struct mapping *m, u64 index)
{
	u64 size = READ_ONCE(m->size);

	return size == 0 || index > (size - 1) >> PAGE_SHIFT;
}

/* Before a page of a file becomes dirty. Sleeps. */
static int reserve_for_write(struct mapping *m, struct page *head, u64 index)
{
	if (!tracks_dirty(m) || !m->ops->reserve || page_has(head, PG_DIRTY))
		return 0;
	return m->ops->reserve(m, index);
}

/* A write to a shared page that is mapped read-only. */
static int write_shared(struct fault *f)
{
	struct mapping *m = f->v->mapping;
	struct page *p = pte_page(f->old), *head = NULL;
	int err = 0;

	spin_lock(&f->mm->table_lock);
	if (*f->pte == f->old && page_counted(p)) {
		head = page_head(p);
		page_get(head);
	}
	spin_unlock(&f->mm->table_lock);
	if (head)
		err = reserve_for_write(m, head, vma_index(f->v, f->addr));
	if (!err) {
		spin_lock(&f->mm->table_lock);
		if (*f->pte == f->old) {
			WRITE_ONCE(*f->pte, pte_make(p, bits_writable(f->v)));
			if (head)
				page_dirty(head);
		}
		spin_unlock(&f->mm->table_lock);
	}
	if (head)
		page_put(head);
	return err;
}

/* The bits with which a page of the cache is mapped by this fault. */
static u64 file_bits(const struct fault *f, bool write)
{
	if (!(f->v->flags & VM_SHARED))
		return bits_readonly(f->v);
	if (write)
		return bits_writable(f->v);
	return tracks_dirty(f->v->mapping) ? bits_readonly(f->v) : f->v->prot_pte | (f->v->flags & VM_WRITE ? PTE_DIRTY : 0);
}

/* Map the neighbours of a read fault that are cached and up to date. */
static void map_around(struct fault *f)
{
	struct mapping *m = f->v->mapping;
	u64 window = (u64)FAULT_AROUND << PAGE_SHIFT;
	u64 start = MAX(f->addr & ~(window - 1), f->v->start), end = MIN((f->addr & ~(window - 1)) + window, f->v->end);
	pte_t *pte = f->pte - ((f->addr - start) >> PAGE_SHIFT);
	unsigned n = (unsigned)((end - start) >> PAGE_SHIFT);
	struct page *found[FAULT_AROUND];
	u64 index = vma_index(f->v, start), bits = file_bits(f, false);

	for (unsigned i = 0; i < n; i++) {
		found[i] = READ_ONCE(pte[i]) || past_end(m, index + i) ? NULL : mapping_find(m, index + i);
		if (found[i] && (found[i]->flags & (PG_UPTODATE | PG_READAHEAD)) != PG_UPTODATE) {
			page_put(found[i]);
			found[i] = NULL;
		}
	}
	spin_lock(&f->mm->table_lock);
	for (unsigned i = 0; i < n; i++) {
		if (!found[i] || pte[i] || READ_ONCE(found[i]->mapping) != m)
			continue;
		page_map_added(f->mm, found[i]);
		WRITE_ONCE(pte[i], pte_make(page_sub(found[i], index + i), bits));
		found[i] = NULL;
	}
	spin_unlock(&f->mm->table_lock);
	for (unsigned i = 0; i < n; i++)
		if (found[i])
			page_put(found[i]);
}

/* Map @p, consuming the caller's reference (reserved pages have none). */
static int install_file(struct fault *f, struct page *p, u64 index)
{
	bool write = f->flags & FAULT_WRITE, counted = page_counted(p), done = false;
	struct mapping *m = f->v->ops->fault ? NULL : f->v->mapping;
	struct page *head = page_head(p);
	int err = write ? reserve_for_write(m, head, index) : 0;

	if (err) {
		if (counted)
			page_put(head);
		return err;
	}
	spin_lock(&f->mm->table_lock);
	if (!*f->pte && (!m || (READ_ONCE(head->mapping) == m && !past_end(m, index)))) {
		if (counted)
			page_map_added(f->mm, head);
		WRITE_ONCE(*f->pte, pte_make(p, file_bits(f, write)));
		if (write && counted)
			page_dirty(head);
		done = true;
	}
	spin_unlock(&f->mm->table_lock);
	if (!done && counted)
		page_put(head);
	return 0;
}

/* The cached page, read in if need be, with a reference. */
static struct page *file_page(struct fault *f, u64 index)
{
	struct mapping *m = f->v->mapping;
	struct page *p;

	if (past_end(m, index))
		return ERR_PTR(-EIO);
	p = mapping_find(m, index);
	if (likely(p && (__atomic_load_n(&p->flags, __ATOMIC_ACQUIRE) & (PG_UPTODATE | PG_READAHEAD)) == PG_UPTODATE))
		return page_sub(p, index);
	if (p)
		page_put(p);
	mm_count_add(COUNT_MAJOR, 1);
	p = mapping_get_want(m, index, NULL, f->v->flags & VM_RAND_READ ? 1 : READ_AROUND);
	return IS_ERR(p) ? p : page_sub(p, index);
}

static int fault_file(struct fault *f)
{
	struct vma *v = f->v;
	u64 index = vma_index(v, f->addr);
	bool write = f->flags & FAULT_WRITE;
	struct page *p;
	int err;

	if (v->ops->fault)
		p = v->ops->fault(v, index, write);
	else if (v->mapping)
		p = file_page(f, index);
	else
		return -EIO;
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	if (write && !(v->flags & VM_SHARED)) {
		err = install_copy(f, p);
		if (page_counted(p))
			page_put(page_head(p));
		return err;
	}
	err = install_file(f, p, index);
	if (!err && !write && !v->ops->fault && !(v->flags & VM_RAND_READ))
		map_around(f);
	return err;
}

int vma_fault(struct vma *v, u64 addr, unsigned flags)
{
	struct fault f = { .v = v, .mm = v->mm, .addr = addr & PAGE_MASK, .flags = flags };

	f.pte = pt_get(f.mm, f.addr);
	if (unlikely(!f.pte))
		return -ENOMEM;
	f.old = READ_ONCE(*f.pte);
	if (!f.old)
		return vma_is_anon(v) ? fault_anon(&f) : fault_file(&f);
	if (!(flags & FAULT_WRITE) || f.old & PTE_WRITE || !pte_mapped(f.old))
		return 0;
	return v->flags & VM_SHARED ? write_shared(&f) : write_private(&f);
}

/* ---- from the platform ---- */

static int bad_access(unsigned flags, int sig, int code, u64 addr)
{
	if (flags & PLAT_FAULT_USER && signal_hook)
		signal_hook(sig, code, addr);
	return -EFAULT;
}

/* What an error of vma_fault means to who faulted. */
static int fault_failed(int err, unsigned flags, u64 addr)
{
	if (err == -EIO || err == -ENOSPC || err == -EDQUOT)
		return bad_access(flags, SIGBUS, BUS_ADRERR, addr);
	if (err == -EFAULT)
		return bad_access(flags, SIGSEGV, SEGV_MAPERR, addr);
	if (!(flags & PLAT_FAULT_USER))
		return -EFAULT;
	if (err == -ENOMEM && !fatal_signal_pending())
		sleep_ns(10 * 1000 * 1000);	/* the allocator has asked for a victim: let it die, and try again */
	return 0;
}

static int grow_stack(struct mm *mm, u64 addr)
{
	int err;

	rwsem_write_lock(&mm->lock);
	err = stack_expand(mm, addr);
	rwsem_write_unlock(&mm->lock);
	return err;
}

int mm_fault(struct plat_regs *regs, u64 addr, unsigned flags)
{
	u32 need = flags & PLAT_FAULT_WRITE ? VM_WRITE : flags & PLAT_FAULT_EXEC ? VM_EXEC : VM_READ | VM_WRITE | VM_EXEC;
	struct mm *mm = current()->mm;
	struct vma *v;
	bool grows;
	int err;

	if (unlikely(!mm || addr >= PLAT_USER_TOP))
		return bad_access(flags, SIGSEGV, SEGV_MAPERR, addr);
	mm_count_add(COUNT_FAULTS, 1);
	for (;;) {
		rwsem_read_lock(&mm->lock);
		v = vma_find(mm, addr);
		if (likely(v && v->start <= addr))
			break;
		grows = v && v->flags & VM_GROWSDOWN;
		rwsem_read_unlock(&mm->lock);
		if (!grows || grow_stack(mm, addr))
			return bad_access(flags, SIGSEGV, SEGV_MAPERR, addr);
	}
	if (unlikely(!(v->flags & need))) {
		rwsem_read_unlock(&mm->lock);
		return bad_access(flags, SIGSEGV, SEGV_ACCERR, addr);
	}
	err = vma_fault(v, addr, flags & PLAT_FAULT_WRITE ? FAULT_WRITE : 0);
	if (mapping_balance_due() && v->mapping) {
		struct mapping *m = v->mapping;

		mapping_pin(m);		/* it may be unmapped while we pause */
		rwsem_read_unlock(&mm->lock);
		mapping_balance_dirty(m);
		mapping_unpin(m);
	} else {
		rwsem_read_unlock(&mm->lock);
	}
	return likely(!err) ? 0 : fault_failed(err, flags, addr);
}

int mm_populate(struct mm *mm, u64 addr, u64 len)
{
	u64 end = addr + len;
	struct vma *v;
	int err = 0;

	for (addr &= PAGE_MASK; addr < end && !err; addr += PAGE_SIZE) {
		if (fatal_signal_pending())
			return -EINTR;
		rwsem_read_lock(&mm->lock);
		v = vma_find(mm, addr);
		if (!v || v->start > addr)
			err = -ENOMEM;
		else if (v->flags & (VM_IO | VM_PFNMAP))
			addr = v->end - PAGE_SIZE;
		else if (!(v->flags & (VM_READ | VM_WRITE | VM_EXEC)))
			err = -EFAULT;
		else
			err = vma_fault(v, addr, (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE ? FAULT_WRITE : 0);
		rwsem_read_unlock(&mm->lock);
		cond_resched();
	}
	return err;
}
