/* Linked into what `make coverage` runs: a process that ends by _exit, as the children of the library's tests do, writes gcov's counts first. */
void __gcov_dump(void);
void __gcov_reset(void);
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

void __wrap__exit(int status)
{
	__gcov_dump();
	__gcov_reset();
	__real__exit(status);
}

/* There is no sanitizer in this build to call these. */
void __sanitizer_set_death_callback(void (*fn)(void));
void __sanitizer_print_stack_trace(void);
void __sanitizer_set_death_callback(void (*fn)(void)) {}
void __sanitizer_print_stack_trace(void) {}
