/* A dynamically linked PIE: the interpreter, dlopen, thread-local storage, constructors. */
#include "../abi.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <math.h>
#include <sys/auxv.h>

static int constructed;
static __thread int local = 7;

__attribute__((constructor)) static void construct(void)
{
	constructed = 1;
}

__attribute__((destructor)) static void destruct(void)
{
	printf("destructor: ran\n");
	fflush(stdout);
}

static void *thread(void *arg)
{
	return (void *)(long)(local++ + (arg != NULL));
}

static int count(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)info;
	(void)size;
	++*(int *)arg;
	return 0;
}

int main(void)
{
	pthread_t t;
	void *result, *lib;
	int objects = 0;
	ElfW(Ehdr) *self;

	alarm(20);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("constructor: %d\n", constructed);
	printf("interpreter's base: %s\n", getauxval(AT_BASE) ? "yes" : "no");
	self = (void *)(getauxval(AT_PHDR) - sizeof(*self));
	printf("program type: %d\n", self->e_type);
	pthread_create(&t, NULL, thread, NULL);
	pthread_join(t, &result);
	printf("thread's copy: %ld\n", (long)result);
	printf("main's copy: %d\n", local);
	lib = dlopen("libc.so.6", RTLD_NOW);
	printf("dlopen: %s\n", lib ? "ok" : "failed");
	printf("dlsym: %s\n", lib && dlsym(lib, "getpid") ? "ok" : "failed");
	printf("dlopen missing: %s\n", dlopen("libmissing.so", RTLD_NOW) ? "ok" : "failed");
	dl_iterate_phdr(count, &objects);
	printf("objects: %d\n", objects);
	printf("printf: %.3f %s\n", 2.5, "text");
	return 0;
}
