/*
 * The kernel's command line.
 *
 * What a layer needs it asks for by name; what nobody knows is named once in the log and goes to init, as its environment ("name=value") or
 * its arguments, as kernel-parameters.rst of Linux has it; everything after "--" goes to init too.
 */
#ifndef INIT_CMDLINE_H
#define INIT_CMDLINE_H

#include "base/types.h"

enum { INIT_WORDS_MAX = 32 };

struct cmdline {
	const char *init, *rdinit, *root, *rootfstype, *rootflags;	/* NULL: not given */
	bool root_rw, quiet;
	const char *args[INIT_WORDS_MAX], *env[INIT_WORDS_MAX];		/* for init */
	u32 argc, envc;
};

extern struct cmdline cmdline;

/** cmdline_parse - split @text (copied) and apply what concerns the log. Context: boot */
void cmdline_parse(const char *text);

#endif
