/*
 * An address space seen from outside: ptrace, process_vm_readv, /proc/PID/mem, smaps, futex keys.
 */
#include "kern/sched.h"
#include "mm/internal.h"

/* Whether @v may be read or written, by force if need be. */
static bool allowed(const struct vma *v, bool write, bool force)
{
	if (v->flags & (VM_IO | VM_PFNMAP))
		return false;
	if (write)
		return v->flags & VM_WRITE || (force && (v->flags & (VM_MAYWRITE | VM_SHARED)) == VM_MAYWRITE);
	return v->flags & VM_READ || (force && v->flags & VM_MAYREAD);
}

/* The page of an entry, if that entry is good for the access, with a reference; NULL: fault first. */
static struct page *page_at(struct mm *mm, u64 addr, bool write, bool force)
{
	pte_t *pte = pt_find(mm, addr);
	struct page *p = NULL;
	pte_t e;

	if (!pte)
		return NULL;
	spin_lock(&mm->table_lock);
	e = *pte;
	if (pte_mapped(e)) {
		struct page *head;

		p = pte_page(e);
		head = page_head(p);
		if (write && !(e & PTE_WRITE) && !(force && page_has(head, PG_ANON) && atomic_load(&head->mapcount) == 1))
			p = NULL;
		else if (page_counted(head))
			page_get(head);
	}
	spin_unlock(&mm->table_lock);
	return p;
}

/* Context: mm->lock held for reading. */
static struct page *get_page_locked(struct mm *mm, u64 addr, bool write, bool force)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		struct vma *v = vma_find(mm, addr);
		struct page *p;
		int err;

		if (!v || v->start > addr || !allowed(v, write, force))
			return ERR_PTR(-EFAULT);
		p = page_at(mm, addr, write, force);
		if (p)
			return p;
		if (fatal_signal_pending())
			return ERR_PTR(-EINTR);
		err = vma_fault(v, addr, (write ? FAULT_WRITE : 0) | (force ? FAULT_FORCE : 0));
		if (err)
			return ERR_PTR(err == -EINTR ? -EINTR : err == -ENOMEM ? -ENOMEM : -EFAULT);
	}
	return ERR_PTR(-EFAULT);
}

static void put_page_at(struct page *p, bool wrote)
{
	struct page *head = page_head(p);

	if (!page_counted(head))
		return;
	if (wrote && !page_has(head, PG_ANON))
		page_dirty(head);
	page_put(head);
}

struct page *mm_pin_page(struct mm *mm, u64 addr, bool write)
{
	struct page *p;

	if (addr >= PLAT_USER_TOP)
		return ERR_PTR(-EFAULT);
	rwsem_read_lock(&mm->lock);
	p = get_page_locked(mm, addr, write, false);
	rwsem_read_unlock(&mm->lock);
	return p;
}

void mm_unpin_page(struct page *p, bool wrote)
{
	put_page_at(p, wrote);
}

s64 mm_access(struct mm *mm, u64 addr, void *buf, size_t len, bool write, bool force)
{
	size_t done = 0;
	s64 err = -EIO;

	while (done < len) {
		u64 at = addr + done;
		size_t off = at & (PAGE_SIZE - 1), n = MIN(PAGE_SIZE - off, len - done);
		struct page *p;
		char *data;

		if (at < addr || at >= PLAT_USER_TOP)
			break;
		rwsem_read_lock(&mm->lock);
		p = get_page_locked(mm, at, write, force);
		rwsem_read_unlock(&mm->lock);
		if (IS_ERR(p)) {
			err = PTR_ERR(p);
			break;
		}
		data = (char *)page_virt(p) + off;
		if (write)
			memcpy(data, (char *)buf + done, n);
		else
			memcpy((char *)buf + done, data, n);
		put_page_at(p, write);
		done += n;
		cond_resched();
	}
	return done || !len ? (s64)done : err;
}

/* ---- futex keys ---- */

int mm_futex_key(u64 addr, bool shared, struct mm_futex_key *out)
{
	struct mm *mm = current()->mm;
	struct vma *v;

	if (addr > PLAT_USER_TOP - sizeof(u32))
		return -EFAULT;
	out->a = (u64)mm;
	out->b = addr & PAGE_MASK;
	out->offset = (u32)(addr & (PAGE_SIZE - 1));
	out->shared = shared;
	if (!shared)
		return 0;
	rwsem_read_lock(&mm->lock);
	v = vma_find(mm, addr);
	if (v && v->start <= addr && v->flags & VM_SHARED && v->mapping) {
		out->a = (u64)v->mapping;
		out->b = vma_index(v, addr);
	} else if (!v || v->start > addr) {
		v = NULL;
	}
	rwsem_read_unlock(&mm->lock);
	return v ? 0 : -EFAULT;
}

/* ---- figures for /proc ---- */

static void usage_add(struct mm_usage *u, const struct vma *v, pte_t e)
{
	struct page *head = page_head(pte_page(e));
	u32 maps = MAX(atomic_load(&head->mapcount), 1u);
	bool dirty = e & PTE_DIRTY && (page_has(head, PG_ANON | PG_DIRTY) || v->flags & VM_SHARED);

	u->rss += PAGE_SIZE;
	u->pss += PAGE_SIZE / maps;
	if (maps > 1)
		*(dirty ? &u->shared_dirty : &u->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &u->private_dirty : &u->private_clean) += PAGE_SIZE;
	if (e & PTE_ACCESSED)
		u->referenced += PAGE_SIZE;
	if (page_has(head, PG_ANON))
		u->anonymous += PAGE_SIZE;
}

void mm_vma_usage(struct vma *v, struct mm_usage *out)
{
	struct mm *mm = v->mm;
	u64 addr = v->start;
	pte_t *pte;

	memset(out, 0, sizeof(*out));
	while ((pte = pt_next(mm, &addr, v->end)) != NULL) {
		u64 next = MIN(span_end(addr, 1), v->end), n = (next - addr) >> PAGE_SHIFT;

		spin_lock(&mm->table_lock);
		for (u64 i = 0; i < n; i++)
			if (pte_mapped(pte[i]) && page_counted(pte_page(pte[i])))
				usage_add(out, v, pte[i]);
		spin_unlock(&mm->table_lock);
		addr = next;
		cond_resched();
	}
	if (v->flags & VM_LOCKED)
		out->locked = out->pss;
}

u64 mm_page_info(struct mm *mm, u64 addr)
{
	u64 info = 0;
	pte_t *pte, e;

	rwsem_read_lock(&mm->lock);
	pte = addr < PLAT_USER_TOP ? pt_find(mm, addr) : NULL;
	e = pte ? READ_ONCE(*pte) : 0;
	if (pte_mapped(e)) {
		info = BIT(63) | page_pfn(pte_page(e));
		if (page_counted(pte_page(e)) && !page_has(page_head(pte_page(e)), PG_ANON))
			info |= BIT(61);
	}
	rwsem_read_unlock(&mm->lock);
	return info;
}

void mm_clear_refs(struct mm *mm)
{
	u64 addr = 0;
	pte_t *pte;

	rwsem_read_lock(&mm->lock);
	while ((pte = pt_next(mm, &addr, PLAT_USER_TOP)) != NULL) {
		spin_lock(&mm->table_lock);
		for (u64 i = 0; i < PT_ENTRIES; i++)
			if (pte[i] & PTE_PRESENT)
				pte[i] &= ~PTE_ACCESSED;
		spin_unlock(&mm->table_lock);
		addr = span_end(addr, 1);
	}
	plat_tlb_flush(&mm->as, 0, PLAT_USER_TOP);
	rwsem_read_unlock(&mm->lock);
}
