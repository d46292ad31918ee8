/*
 * What the files of exec share: exec.c (order of things, point of no return), exec_args.c (strings), exec_elf.c (mapping),
 * exec_stack.c (what the program finds on its stack), exec_cred.c (who it becomes).
 */
#ifndef TASK_EXEC_INTERNAL_H
#define TASK_EXEC_INTERNAL_H

#include "base/elf.h"
#include "task/exec.h"
#include "task/task.h"

struct file;

enum { EXEC_HEAD_BYTES = 256, EXEC_SCRIPTS_MAX = 5, EXEC_NAME_MAX = 4096 };

/* One ELF file: its headers decoded and where it was mapped. */
struct exec_image {
	struct file *file;		/* with a reference, and writing denied */
	struct elf_image elf;
	u64 bias;			/* run address minus vaddr */
};

struct exec {
	const char *name;		/* as the caller gave it: AT_EXECFN */
	struct exec_args *args;
	char *prefix;			/* strings that scripts put in front of argv, EXEC_NAME_MAX * 2 bytes; NULL: none */
	size_t prefix_len;
	u32 prefix_count;
	size_t skip;			/* bytes of args->buf that they replaced: argv[0] */
	struct exec_image program, interp;
	bool has_interp;
	struct cred *cred;		/* new credentials */
	bool secure;			/* AT_SECURE */
	bool readable;			/* the caller may read the file: dumpable */
	bool exec_stack;
	struct mm *mm;
	u64 stack_top;
	u8 head[EXEC_HEAD_BYTES];
	size_t head_len;
};

/* exec_elf.c */
MUST_CHECK int exec_elf_decode(struct exec_image *im, const void *head, size_t head_len);
/** exec_elf_interp_name - read PT_INTERP's string into @buf of EXEC_NAME_MAX. */
MUST_CHECK int exec_elf_interp_name(struct exec_image *im, char *buf);
/** exec_elf_map - map the program and its interpreter into e->mm, which is current. 0 or -errno. *entry: where to start */
MUST_CHECK int exec_elf_map(struct exec *e, u64 *entry);

/* exec_stack.c: build the stack in e->mm; *sp */
MUST_CHECK int exec_stack_build(struct exec *e, u64 *sp);
MUST_CHECK int exec_stack_map(struct exec *e);

/* exec_cred.c */
MUST_CHECK int exec_cred_prepare(struct exec *e);

#endif
