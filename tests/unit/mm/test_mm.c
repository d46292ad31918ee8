/* Address spaces on the machine of machine.h: mapping, faulting, forking, unmapping; no page is lost, whatever fails. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <linux/mman.h>
#include "mm/internal.h"
#include "mm/user.h"
#include "tests/unit/mm/machine.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static u64 baseline;

static struct mm *begin(void)
{
	struct mm *mm;

	machine_start();
	baseline = machine_pages_used();
	mm = mm_create();
	assert_non_null(mm);
	current()->mm = mm;
	return mm;
}

static void finish(struct mm *mm)
{
	current()->mm = NULL;
	mm_put(mm);
	assert_int_equal(machine_pages_used(), baseline);
	assert_int_equal(mm_committed_pages, 0);
	assert_int_equal(mm_count_sum(COUNT_ANON), 0);
	assert_int_equal(mm_count_sum(COUNT_TABLES), 0);
	assert_int_equal(mm_count_sum(COUNT_MAPPED), 0);
}

static u64 map(struct mm *mm, u64 addr, u64 pages_wanted, u32 prot, u32 flags)
{
	u64 out = 0;

	assert_int_equal(mm_map(mm, addr, pages_wanted << PAGE_SHIFT, prot, flags, NULL, 0, &out), 0);
	return out;
}

static u64 load(u64 addr)
{
	u64 v = 0;

	assert_true(user_load(addr, &v));
	return v;
}

static void test_anonymous(void **state)
{
	struct mm *mm = begin();
	u64 a = map(mm, 0, 100, RW, ANON);

	assert_int_equal(load(a), 0);
	assert_int_equal(mm->rss[RSS_ANON], 0);
	for (u64 i = 0; i < 100; i++)
		assert_true(user_store(a + (i << PAGE_SHIFT), i));
	for (u64 i = 0; i < 100; i++)
		assert_int_equal(load(a + (i << PAGE_SHIFT)), i);
	assert_int_equal(mm->rss[RSS_ANON], 100);
	assert_int_equal(mm_unmap(mm, a + (10 << PAGE_SHIFT), 50 << PAGE_SHIFT), 0);
	assert_int_equal(mm->rss[RSS_ANON], 50);
	assert_int_equal(mm->vma_count, 2);
	assert_false(user_store(a + (10 << PAGE_SHIFT), 1));
	assert_int_equal(machine_signal, SIGSEGV);
	assert_int_equal(machine_signal_code, SEGV_MAPERR);
	assert_int_equal(load(a + (60 << PAGE_SHIFT)), 60);
	finish(mm);
}

static void test_fork(void **state)
{
	struct mm *mm = begin(), *child;
	u64 a = map(mm, 0, 20, RW, ANON), s = map(mm, 0, 4, RW, MAP_SHARED | MAP_ANONYMOUS);

	for (u64 i = 0; i < 20; i++)
		assert_true(user_store(a + (i << PAGE_SHIFT), 100 + i));
	assert_true(user_store(s, 7));
	child = mm_fork(mm);
	assert_false(IS_ERR(child));
	assert_int_equal(child->rss[RSS_ANON], 20);
	assert_true(user_store(a, 1));			/* the parent's copy */
	current()->mm = child;
	assert_int_equal(load(a), 100);
	assert_true(user_store(a + PAGE_SIZE, 2));
	assert_int_equal(load(s), 7);
	assert_true(user_store(s + 8, 8));
	current()->mm = mm;
	assert_int_equal(load(a + PAGE_SIZE), 101);
	assert_int_equal(load(s + 8), 8);
	mm_put(child);
	assert_true(user_store(a + 5 * PAGE_SIZE, 3));	/* nobody shares it now: no copy */
	assert_int_equal(load(a + 5 * PAGE_SIZE), 3);
	finish(mm);
}

static void test_protect(void **state)
{
	struct mm *mm = begin();
	u64 a = map(mm, 0, 10, RW, ANON);

	assert_true(user_store(a, 5));
	assert_int_equal(mm_protect(mm, a, 3 << PAGE_SHIFT, PROT_READ), 0);
	assert_int_equal(mm->vma_count, 2);
	assert_false(user_store(a, 6));
	assert_int_equal(machine_signal_code, SEGV_ACCERR);
	assert_int_equal(load(a), 5);
	assert_int_equal(mm_protect(mm, a, 3 << PAGE_SHIFT, PROT_NONE), 0);
	assert_false(user_load(a, &baseline));
	assert_int_equal(mm_protect(mm, a, 3 << PAGE_SHIFT, RW), 0);
	assert_int_equal(mm->vma_count, 1);
	assert_int_equal(load(a), 5);
	assert_true(user_store(a, 6));
	assert_int_equal(mm_protect(mm, a + (9 << PAGE_SHIFT), 2 << PAGE_SHIFT, PROT_READ), -ENOMEM);
	finish(mm);
}

static void test_remap(void **state)
{
	struct mm *mm = begin();
	u64 lid = map(mm, 0, 1, PROT_READ, ANON), a = map(mm, 0, 10, RW, ANON), b = 0;

	assert_int_equal(a + 10 * PAGE_SIZE, lid);
	for (u64 i = 0; i < 10; i++)
		assert_true(user_store(a + (i << PAGE_SHIFT), i + 1));
	assert_int_equal(mm_remap(mm, a, 10 << PAGE_SHIFT, 2000 << PAGE_SHIFT, 0, 0, &b), -ENOMEM);
	assert_int_equal(mm_remap(mm, a, 10 << PAGE_SHIFT, 2000 << PAGE_SHIFT, MREMAP_MAYMOVE, 0, &b), 0);
	assert_true(a != b);
	assert_false(user_load(a, &(u64){ 0 }));
	for (u64 i = 0; i < 10; i++)
		assert_int_equal(load(b + (i << PAGE_SHIFT)), i + 1);
	assert_int_equal(load(b + (1999 << PAGE_SHIFT)), 0);
	assert_int_equal(mm_remap(mm, b, 2000 << PAGE_SHIFT, 5 << PAGE_SHIFT, 0, 0, &a), 0);
	assert_int_equal(a, b);
	assert_int_equal(mm->total_pages, 6);
	assert_int_equal(mm_remap(mm, b, 5 << PAGE_SHIFT, 5 << PAGE_SHIFT, MREMAP_MAYMOVE | MREMAP_FIXED, 0x10000000, &a), 0);
	assert_int_equal(a, 0x10000000);
	assert_int_equal(load(a + (4 << PAGE_SHIFT)), 5);
	assert_int_equal(mm_remap(mm, a, 5 << PAGE_SHIFT, 5 << PAGE_SHIFT, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, &b), 0);
	assert_int_equal(load(a), 0);
	assert_int_equal(load(b), 1);
	finish(mm);
}

static void test_stack_and_brk(void **state)
{
	struct mm *mm = begin();
	u64 s = map(mm, 0x7ff000000000, 4, RW, ANON | MAP_FIXED | MAP_GROWSDOWN);

	assert_true(user_store(s - (100 << PAGE_SHIFT), 9));
	assert_int_equal(mm->stack_pages, 104);
	map(mm, s - (500 << PAGE_SHIFT), 1, RW, ANON | MAP_FIXED);
	assert_false(user_store(s - (400 << PAGE_SHIFT), 9));
	assert_true(user_store(s - (240 << PAGE_SHIFT), 9));
	mm->brk_start = mm->brk = 0x5000000;
	assert_int_equal(mm_brk(mm, 0), 0x5000000);
	assert_int_equal(mm_brk(mm, 0x5000123), 0x5000123);
	assert_true(user_store(0x5000ff0, 1));
	assert_int_equal(mm_brk(mm, 0x5100000), 0x5100000);
	assert_true(user_store(0x50ffff0, 1));
	assert_int_equal(mm_brk(mm, 0x5000001), 0x5000001);
	assert_false(user_store(0x50ffff0, 1));
	finish(mm);
}

static void test_advise(void **state)
{
	struct mm *mm = begin();
	u64 a = map(mm, 0, 300, RW, ANON);

	for (u64 i = 0; i < 300; i++)
		assert_true(user_store(a + (i << PAGE_SHIFT), i));
	assert_int_equal(mm_advise(mm, a, 300 << PAGE_SHIFT, MADV_DONTNEED), 0);
	assert_int_equal(mm->rss[RSS_ANON], 0);
	assert_int_equal(load(a + (299 << PAGE_SHIFT)), 0);
	assert_int_equal(mm_advise(mm, a, 10 << PAGE_SHIFT, MADV_POPULATE_WRITE), 0);
	assert_int_equal(mm->rss[RSS_ANON], 10);
	assert_int_equal(mm_advise(mm, a, PAGE_SIZE, 12345), -EINVAL);
	assert_int_equal(mm_lock_range(mm, a, 3 << PAGE_SHIFT, true, false), 0);
	assert_int_equal(mm->locked_pages, 3);
	assert_int_equal(mm_advise(mm, a, PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	finish(mm);
}

/* A file of 100 pages: page i holds i in each word. */
static unsigned reads, writes;
static int file_read_page(struct mapping *m, struct page *p)
{
	u64 *w = page_virt(p);

	reads++;
	for (unsigned i = 0; i < 512; i++)
		w[i] = p->index;
	return 0;
}
static void file_read_run(struct mapping *m, struct page **run, unsigned n)
{
	while (n--) {
		(void)!file_read_page(m, *run);
		page_read_done(*run++, 0);
	}
}
static int file_write_page(struct mapping *m, struct page *p, u64 size)
{
	writes++;
	return 0;
}
static const struct mapping_ops file_ops = { .read_page = file_read_page, .read_run = file_read_run, .write_page = file_write_page };
static const struct vma_ops file_vma = { 0 };

static u64 map_file(struct mm *mm, struct mapping *m, u32 prot, u32 flags, u64 npages, u64 pgoff)
{
	struct mm_file f = { .ops = &file_vma, .mapping = m, .max_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC };
	u64 out = 0;

	assert_int_equal(mm_map(mm, 0, npages << PAGE_SHIFT, prot, flags, &f, pgoff, &out), 0);
	return out;
}

static void test_file(void **state)
{
	struct mm *mm = begin();
	struct mapping m;
	u64 p, s, v;

	mapping_init(&m, &file_ops, NULL, 0);
	m.size = 99 * PAGE_SIZE + 100;
	p = map_file(mm, &m, RW, MAP_PRIVATE, 120, 0);
	s = map_file(mm, &m, RW, MAP_SHARED, 50, 50);
	for (u64 i = 0; i < 100; i++)
		assert_int_equal(load(p + (i << PAGE_SHIFT)), i);
	assert_false(user_load(p + (100 << PAGE_SHIFT), &v));
	assert_int_equal(machine_signal, SIGBUS);
	assert_true(user_store(p + (60 << PAGE_SHIFT), 1000));
	assert_int_equal(load(s + (10 << PAGE_SHIFT)), 60);
	assert_true(user_store(s + (11 << PAGE_SHIFT), 2000));
	assert_int_equal(load(p + (61 << PAGE_SHIFT)), 2000);
	assert_int_equal(mm_count_sum(COUNT_DIRTY), 1);
	writes = 0;
	assert_int_equal(mapping_sync(&m, 0, ~0ull), 0);
	assert_int_equal(writes, 1);
	assert_int_equal(mm_count_sum(COUNT_DIRTY), 0);
	assert_true(user_store(s + (11 << PAGE_SHIFT), 2001));
	assert_int_equal(mm_count_sum(COUNT_DIRTY), 1);
	m.size = 55 * PAGE_SIZE + 8;
	mapping_truncate(&m, m.size);
	assert_int_equal(m.page_count, 56);
	assert_int_equal(load(p + (55 << PAGE_SHIFT)), 55);
	assert_int_equal(load(p + (55 << PAGE_SHIFT) + 8), 0);
	assert_false(user_load(p + (60 << PAGE_SHIFT), &v));
	assert_false(user_load(s + (11 << PAGE_SHIFT), &v));
	current()->mm = NULL;
	mm_put(mm);
	assert_int_equal(mapping_invalidate(&m, 0, ~0ull), 1);	/* the one that truncate dirtied */
	mapping_fini(&m);
	assert_int_equal(machine_pages_used(), baseline);
	assert_int_equal(mm_count_sum(COUNT_DIRTY), 0);
	assert_int_equal(mm_count_sum(COUNT_FILE), 0);
}

static void test_read_write(void **state)
{
	struct rng rng = { 7 };
	static u8 want[200000], got[200000];
	struct mm *mm = begin();
	struct mapping m;
	struct iter it;
	u64 size = 0, pos;

	mapping_init(&m, &file_ops, NULL, MAPPING_SHMEM);
	for (unsigned step = 0; step < 300; step++) {
		u64 at = rng_below(&rng, 150000), n = 1 + rng_below(&rng, 20000);
		u8 buf[20001];

		memset(buf, (int)step + 1, n);
		memset(want + at, (int)step + 1, n);
		size = MAX(size, at + n);
		pos = at;
		iter_init_kernel(&it, buf, n);
		assert_int_equal(mapping_write(&m, &it, &pos), n);
		assert_int_equal(pos, at + n);
		assert_int_equal(m.size, size);
		if (step % 10 == 3) {
			u64 start = rng_below(&rng, size), end = start + rng_below(&rng, size - start);

			mapping_punch(&m, start, end);
			memset(want + start, 0, end - start);
		}
		pos = 0;
		iter_init_kernel(&it, got, sizeof(got));
		assert_int_equal(mapping_read(&m, NULL, &it, &pos), size);
		assert_memory_equal(got, want, size);
	}
	mapping_fini(&m);
	finish(mm);
}

/* A write whose source is a mapping of the very page that it writes, and one that faults half-way. */
static void test_write_from_user(void **state)
{
	struct mm *mm = begin();
	struct mapping m;
	struct iter it;
	u64 a, pos = 104;

	mapping_init(&m, &file_ops, NULL, 0);
	m.size = 10 * PAGE_SIZE;
	a = map_file(mm, &m, RW, MAP_SHARED, 4, 0);
	iter_init_user(&it, uaddr(a + PAGE_SIZE), 1000);
	assert_int_equal(mapping_write(&m, &it, &pos), 1000);
	assert_int_equal(load(a + 104), 1);
	pos = 5 * PAGE_SIZE;
	iter_init_user(&it, uaddr(a + 4 * PAGE_SIZE - 16), PAGE_SIZE);	/* the mapping ends after 16 bytes */
	assert_int_equal(mapping_write(&m, &it, &pos), 16);
	pos = 0;
	iter_init_user(&it, uaddr(8), 100);
	assert_int_equal(mapping_write(&m, &it, &pos), -EFAULT);
	current()->mm = NULL;
	mm_put(mm);
	mapping_fini(&m);
	assert_int_equal(machine_pages_used(), baseline);
}

static void test_access(void **state)
{
	struct mm *mm = begin(), *child;
	u64 a = map(mm, 0, 4, RW, ANON), v = 77;

	assert_true(user_store(a, 1));
	assert_int_equal(mm_protect(mm, a, 4 << PAGE_SHIFT, PROT_READ), 0);
	child = mm_fork(mm);
	assert_int_equal(mm_access(child, a + 8, &v, 8, true, false), -EFAULT);
	assert_int_equal(mm_access(child, a + 8, &v, 8, true, true), 8);
	assert_int_equal(load(a + 8), 0);
	v = 0;
	assert_int_equal(mm_access(child, a + 8, &v, 8, false, false), 8);
	assert_int_equal(v, 77);
	mm_put(child);
	finish(mm);
}

/* The same small life, with each allocation failing in turn: errors, never a lost page. */
static int life(void)
{
	struct mm *mm = mm_create(), *child = NULL;
	u64 a = 0, b = 0;
	int err = 0;

	if (!mm)
		return -ENOMEM;
	current()->mm = mm;
	err |= mm_map(mm, 0, 20 << PAGE_SHIFT, RW, ANON, NULL, 0, &a);
	if (!err)
		err |= mm_populate(mm, a, 20 << PAGE_SHIFT);
	err |= mm_map(mm, 0, 2 << PAGE_SHIFT, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0, &b);
	if (!err)
		err |= mm_populate(mm, b, 2 << PAGE_SHIFT);
	if (!err)
		child = mm_fork(mm);
	if (!IS_ERR_OR_NULL(child)) {
		err |= mm_unmap(mm, a + PAGE_SIZE, PAGE_SIZE);
		err |= mm_protect(mm, a + 5 * PAGE_SIZE, PAGE_SIZE, PROT_READ);
		err |= mm_remap(mm, a + 10 * PAGE_SIZE, 4 * PAGE_SIZE, 600 * PAGE_SIZE, MREMAP_MAYMOVE, 0, &b);
		err |= mm_advise(mm, a + 15 * PAGE_SIZE, PAGE_SIZE, MADV_DONTFORK);
		mm_put(child);
	}
	current()->mm = NULL;
	mm_put(mm);
	return err;
}

static void test_every_failure(void **state)
{
	machine_start();
	for (int n = 0;; n++) {
		u64 before = machine_pages_used();

		machine_fail_after(n);
		(void)life();
		machine_fail_after(machine_failed() ? -1 : -2);
		assert_int_equal(machine_pages_used(), before);
		assert_int_equal(mm_committed_pages, 0);
		if (n > 400)
			break;
	}
	assert_int_equal(life(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_protect),
		cmocka_unit_test(test_remap),
		cmocka_unit_test(test_stack_and_brk),
		cmocka_unit_test(test_advise),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_write_from_user),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_every_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
