/*
 * The sanitizer of undefined behaviour (`make UBSAN=1`): the compiler calls its handlers (ubsan.c) by itself.
 */
#ifndef KERN_UBSAN_H
#define KERN_UBSAN_H

#ifdef UBSAN
/** ubsan_selftest - run the checklist if the kernel argument ubsan_test asks for it. Context: thread */
void ubsan_selftest(void);
#else
static inline void ubsan_selftest(void) {}
#endif

#endif
