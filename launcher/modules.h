/* Which of a Linux kernel's modules the guest needs, and in what order. */
#ifndef AUK_MODULES_H
#define AUK_MODULES_H

#include "args.h"

/**
 * modules_choose - the modules for the machine that @args describes
 * @paths: out; each file comes after all that it depends on
 * @dir:   a module tree with modules.dep and modules.builtin, as depmod(8) leaves it
 * Ends the launcher if the tree lacks one that the machine cannot do without.
 */
void modules_choose(struct list *paths, const char *dir, const struct args *args);

#endif
