/* What a test tells the stubs. */
#ifndef TESTS_UNIT_MM_STUBS_H
#define TESTS_UNIT_MM_STUBS_H

#include <stdbool.h>

extern bool stub_no_memory;	/* allocations fail */

#endif
