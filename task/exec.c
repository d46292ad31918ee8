/*
 * exec; see exec.h.  Check (open, decode, credentials: may fail), then commit (the other threads end, the address space is
 * replaced): from there on a failure kills the process.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/personality.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "task/exec_internal.h"
#include "task/internal.h"
#include "task/ptrace.h"
#include "task/signal.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/ops.h"

enum { USER_CS = 0x33, USER_SS = 0x2b, FLAG_IF = 0x200 };

static void exe_get(void *exe)
{
	struct file *f = file_get(exe);

	(void)!inode_deny_write(f->inode);	/* denied already: it only counts */
}

static void exe_put(void *exe)
{
	struct file *f = exe;

	inode_allow_write(f->inode);
	file_put(f);
}

void exec_init(void)
{
	mm_register_exe(exe_get, exe_put);
}

/* ---- opening ---- */

static int check_program(const struct path *p)
{
	struct inode *i = p->dentry->inode;

	if (!S_ISREG(i->mode))
		return -EACCES;
	if (p->mount->flags & MNT_NOEXEC)
		return -EACCES;
	return path_permission(p, MAY_EXEC);
}

static struct file *open_program(int dirfd, const char *name, int at_flags)
{
	u32 walk = (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (at_flags & AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path p;
	int err = path_lookup(dirfd, name, walk, &p);

	if (err)
		return ERR_PTR(err);
	if (S_ISLNK(p.dentry->inode->mode))
		err = -ELOOP;
	else
		err = check_program(&p);
	/* Executing needs no permission to read. */
	struct file *f = err ? ERR_PTR(err) : file_open_path(&p, O_RDONLY, &cred_root);
	path_put(&p);
	return f;
}

static void close_program(struct exec *e)
{
	if (e->program.file)
		exe_put(e->program.file);
	e->program.file = NULL;
}

static int set_program(struct exec *e, int dirfd, const char *name, int at_flags)
{
	struct file *f = open_program(dirfd, name, at_flags);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	int err = inode_deny_write(f->inode);
	if (err) {
		file_put(f);
		return err;
	}
	close_program(e);
	e->program.file = f;
	memset(e->head, 0, sizeof(e->head));
	s64 n = file_read_kernel(f, e->head, sizeof(e->head), 0);
	if (n < 0)
		return (int)n;
	e->head_len = (size_t)n;
	return 0;
}

/* ---- scripts ---- */

static bool blank(char c) { return c == ' ' || c == '\t'; }

/* Put @parts in front of the arguments; the first string there (the name of the script as called) goes. */
static int prepend(struct exec *e, const char *const parts[3])
{
	char *fresh = kmalloc(EXEC_NAME_MAX * 3, ALLOC_KERNEL);
	size_t len = 0;
	u32 count = 0;

	if (!fresh)
		return -ENOMEM;
	for (int i = 0; i < 3; i++) {
		if (!parts[i])
			continue;
		size_t n = strlen(parts[i]) + 1;
		if (len + n > EXEC_NAME_MAX * 3)
			goto too_big;
		memcpy(fresh + len, parts[i], n);
		len += n;
		count++;
	}
	if (e->prefix_count) {
		size_t first = strlen(e->prefix) + 1, rest = e->prefix_len - first;

		if (len + rest > EXEC_NAME_MAX * 3)
			goto too_big;
		memcpy(fresh + len, e->prefix + first, rest);
		len += rest;
		count += e->prefix_count - 1;
	} else {
		e->skip = strlen(e->args->buf) + 1;
	}
	kfree(e->prefix);
	e->prefix = fresh;
	e->prefix_len = len;
	e->prefix_count = count;
	return 0;
too_big:
	kfree(fresh);
	return -E2BIG;
}

/* "#!interpreter [argument]".  @script: its name as the interpreter can open it. */
static int run_script(struct exec *e, const char *script)
{
	char line[EXEC_HEAD_BYTES + 1], *p = line, *end, *arg = NULL;

	memcpy(line, e->head + 2, EXEC_HEAD_BYTES - 2);
	line[EXEC_HEAD_BYTES - 2] = 0;
	end = strchr(line, '\n');
	if (!end)
		line[EXEC_HEAD_BYTES - 3] = 0;	/* Linux's buffer ends here */
	bool whole = end || e->head_len < EXEC_HEAD_BYTES;
	if (!end)
		end = line + strlen(line);
	while (end > line && blank(end[-1]))
		end--;
	*end = 0;
	while (blank(*p))
		p++;
	if (!*p)
		return -ENOEXEC;
	for (arg = p; *arg && !blank(*arg); arg++)
		;
	if (!*arg && !whole)
		return -ENOEXEC;	/* the name may go on past what was read */
	while (blank(*arg))
		*arg++ = 0;
	const char *const parts[3] = { p, *arg ? arg : NULL, script };
	int err = prepend(e, parts);

	return err ? err : set_program(e, AT_FDCWD, p, 0);
}

/* Follow scripts to the program that runs. */
static int find_program(struct exec *e, int dirfd, const char *name, int at_flags, bool reachable)
{
	char script[EXEC_HEAD_BYTES + 1];
	const char *as = e->name;
	int err = set_program(e, dirfd, name, at_flags);

	for (int depth = 0; !err; depth++) {
		if (e->head_len < 2 || e->head[0] != '#' || e->head[1] != '!')
			return 0;
		if (depth >= EXEC_SCRIPTS_MAX)
			return -ELOOP;
		if (!reachable)
			return -ENOENT;
		if (depth) {	/* this script is the interpreter that the last one named */
			strlcpy(script, e->prefix, sizeof(script));
			as = script;
		}
		err = run_script(e, as);
	}
	return err;
}

static int find_interp(struct exec *e)
{
	if (!e->program.elf.interp_len)
		return 0;
	char *name = kmalloc(EXEC_NAME_MAX, ALLOC_KERNEL), head[EXEC_HEAD_BYTES];
	if (!name)
		return -ENOMEM;
	int err = exec_elf_interp_name(&e->program, name);
	if (!err) {
		struct file *f = open_program(AT_FDCWD, name, 0);

		if (IS_ERR(f))
			err = (int)PTR_ERR(f);
		else
			e->interp.file = f;
	}
	kfree(name);
	if (err)
		return err;
	s64 n = file_read_kernel(e->interp.file, head, sizeof(head), 0);
	if (n < 0)
		return (int)n;
	err = exec_elf_decode(&e->interp, head, (size_t)n);
	if (err)
		return err == -ENOEXEC ? -ELIBBAD : err;
	e->has_interp = true;
	return 0;
}

/* ---- the other threads ---- */

static bool alone(struct process *p, struct task *t)
{
	pids_lock_take();
	bool yes = p->task_count == 1 || (p->task_count == 2 && p->leader != t && p->leader->zombie);
	pids_lock_drop();
	return yes;
}

/* The process keeps its number, whichever thread execs. */
static void become_leader(struct process *p, struct task *t)
{
	pids_lock_take();
	struct task *old = p->leader;
	if (old != t) {
		struct pid *own = t->pid;

		t->pid = old->pid;
		old->pid = own;
		t->thread.pid = t->pid->nr;
		old->thread.pid = own->nr;
		rcu_assign_pointer(t->pid->task, t);
		rcu_assign_pointer(own->task, old);
		rcu_assign_pointer(p->leader, t);
		t->start_ns = old->start_ns;
		if (old->tracer)
			ptrace_unlink_locked(old);
		task_unlink(old);
	}
	p->exec_task = NULL;
	pids_lock_drop();
}

static int end_other_threads(struct task *t)
{
	struct process *p = t->process;
	int err = 0;

	u64 irq = process_siglock(p);
	if (p->task_count > 1) {
		if (process_has_flag(p, PROC_GROUP_EXIT) || p->exec_task) {
			err = -EAGAIN;
		} else {
			p->exec_task = t;
			p->stop_count = 0;
			(void)signal_kill_others_locked(p, t);
		}
	}
	process_sigunlock(p, irq);
	if (err || !p->exec_task)
		return err;
	for (;;) {
		set_state(TS_UNINTERRUPTIBLE);
		if (alone(p, t))
			break;
		schedule();
	}
	set_state(TS_RUNNING);
	become_leader(p, t);
	return 0;
}

/* ---- commit ---- */

static void replace_mm(struct exec *e)
{
	struct task *t = current_task();
	struct mm *old = t->thread.mm;

	task_release_memory(t);
	if (old)
		t->usage.max_rss_pages = MAX(t->usage.max_rss_pages, MAX(mm_rss_pages(old), old->hiwater_rss));
	pids_lock_take();	/* task_mm_get() */
	mm_switch_to(e->mm);
	pids_lock_drop();
	if (old)
		mm_put(old);
}

static void set_name(struct exec *e)
{
	const char *slash = strrchr(e->name, '/');

	strlcpy(current()->comm, slash ? slash + 1 : e->name, sizeof(current()->comm));
}

/* What of the old program must not reach the new one. */
static void reset_task(struct task *t)
{
	struct process *p = t->process;

	signal_reset_exec(p);
	posix_timers_exit(p);
	files_close_exec(t->thread.files);
	t->altstack.sp = t->altstack.size = 0;
	t->altstack.flags = SS_DISABLE;
	t->robust_list = t->clear_tid = 0;
	t->restart.fn = NULL;
	t->personality &= ~(u32)PER_CLEAR_ON_SETID & ~(u32)READ_IMPLIES_EXEC;
	pids_lock_take();
	p->exit_signal = SIGCHLD;
	process_set_flag(p, PROC_EXECED);
	pids_lock_drop();
}

static void start_regs(u64 entry, u64 sp)
{
	struct plat_regs *r = plat_regs_current();
	u64 call = r->orig_ax;

	memset(r, 0, sizeof(*r));
	r->orig_ax = call;
	r->ip = entry;
	r->sp = sp;
	r->cs = USER_CS;
	r->ss = USER_SS;
	r->flags = FLAG_IF;
	thread_set_flag(current(), TF_FULL_REGS);
}

static void become(struct exec *e)
{
	struct task *t = current_task();

	if (e->secure) {
		t->pdeath_signal = 0;
		if (current_rlimit(RLIMIT_STACK) > (8 << 20))	/* what it inherits shall not make its layout predictable */
			t->process->rlimit[RLIMIT_STACK].cur = 8 << 20;
	}
	e->mm->dumpable = !e->secure && e->readable;
	cred_commit(e->cred);
	e->cred = NULL;
}

static int commit(struct exec *e)
{
	struct task *t = current_task();
	u64 entry, sp;
	int err;

	replace_mm(e);
	err = exec_stack_map(e);
	if (!err)
		err = exec_elf_map(e, &entry);
	if (!err)
		err = exec_stack_build(e, &sp);
	if (!err)
		err = plat_ctx_exec();
	if (err)
		return err;
	e->mm->exe = e->program.file;	/* with its reference and denial */
	e->program.file = NULL;
	set_name(e);
	reset_task(t);
	become(e);
	start_regs(entry, sp);
	return 0;
}

static int own_files(void)
{
	struct thread *me = current();

	if (atomic_load(&me->files->refs) == 1)
		return 0;
	struct files *f = files_fork(me->files), *old = me->files;
	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	pids_lock_take();
	me->files = f;
	pids_lock_drop();
	files_put(old);
	return 0;
}

static int check(struct exec *e, int dirfd, const char *name, int at_flags, bool reachable)
{
	int err = find_program(e, dirfd, name, at_flags, reachable);

	if (!err)
		err = exec_elf_decode(&e->program, e->head, e->head_len);
	if (!err)
		err = find_interp(e);
	if (err)
		return err;
	e->readable = !path_permission(&e->program.file->path, MAY_READ);
	e->exec_stack = e->program.elf.stack == ELF_STACK_EXEC;
	err = exec_cred_prepare(e);
	if (err)
		return err;
	e->mm = mm_create();
	return e->mm ? 0 : -ENOMEM;
}

static void release(struct exec *e)
{
	close_program(e);
	if (e->interp.file)
		file_put(e->interp.file);
	if (e->cred)
		cred_put(e->cred);
	kfree(e->prefix);
	kfree(e);
}

/* "/dev/fd/N/name", as the program and its interpreter see a file named by a descriptor. */
static const char *name_of(int dirfd, const char *name, char *buf)
{
	if (dirfd == AT_FDCWD || name[0] == '/')
		return name;
	scnprintf(buf, EXEC_NAME_MAX, name[0] ? "/dev/fd/%d/%s" : "/dev/fd/%d", dirfd, name);
	return buf;
}

int task_exec(int dirfd, const char *name, struct exec_args *args, int at_flags)
{
	struct task *t = current_task();
	struct exec *e = kzalloc(sizeof(*e), ALLOC_KERNEL);
	char *buf = dirfd == AT_FDCWD ? NULL : kmalloc(EXEC_NAME_MAX, ALLOC_KERNEL);
	u32 old_tid = task_tid(t);

	if (!e || (dirfd != AT_FDCWD && !buf)) {
		kfree(e);
		kfree(buf);
		return -ENOMEM;
	}
	e->args = args;
	e->name = name_of(dirfd, name, buf);
	bool reachable = dirfd == AT_FDCWD || fd_cloexec(dirfd, -1) != 1;
	int err = check(e, dirfd, name, at_flags, reachable);
	if (!err) {
		task_end_io();	/* first: it uses the descriptors too */
		err = own_files();
	}
	if (!err)
		err = sighand_unshare();
	if (!err)
		err = end_other_threads(t);
	if (err && e->mm)
		mm_put(e->mm);
	if (!err) {
		err = commit(e);
		if (err)
			signal_fatal(SIGSEGV);
		else
			ptrace_exec(old_tid);
	}
	release(e);
	kfree(buf);
	return err;
}
