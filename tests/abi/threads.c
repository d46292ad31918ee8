/* Threads through pthreads: sharing, ids, exit, signals to one, thread-local storage. */
#include "abi.h"
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static long counter;
static __thread int local = 3;
static volatile int got_in;
static int turns;
static sem_t sem;

static void *add(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void *ids(void *arg)
{
	(void)arg;
	local = 9;
	return (void *)(long)((getpid() != gettid()) | (local == 9) << 1);
}

static void *ping(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&mutex);
		while (turns % 2 != me)
			pthread_cond_wait(&cond, &mutex);
		turns++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void note(int sig)
{
	(void)sig;
	got_in = gettid();
}

static void *sleeper(void *arg)
{
	*(volatile pid_t *)arg = gettid();
	for (;;)
		pause();
}

static void *exec_here(void *arg)
{
	(void)arg;
	execve(abi_self, (char *[]){ "abi", "@exit", "5", NULL }, NULL);
	return NULL;
}

static void *exits(void *arg)
{
	(void)arg;
	_exit(6);
}

static void *open_one(void *arg)
{
	*(int *)arg = open("shared", O_CREAT | O_RDWR, 0600);
	chdir("/");
	umask(077);
	return NULL;
}

static void *last(void *arg)
{
	sleep_ms(50);
	*(volatile int *)arg = 1;
	return NULL;
}

void abi_test(void)
{
	pthread_t t[8], other;
	void *result;
	pid_t tid = 0;

	for (int i = 0; i < 8; i++)
		MUST(pthread_create(&t[i], NULL, add, NULL) ? -1 : 0);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	VAL("8 threads count under a mutex", counter);
	pthread_create(&other, NULL, ids, NULL);
	pthread_join(other, &result);
	VAL("a thread has its own tid and TLS", (long)result);
	VAL("ours is untouched", local);

	pthread_create(&t[0], NULL, ping, (void *)0);
	pthread_create(&t[1], NULL, ping, (void *)1);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	VAL("ping-pong over a condition variable", turns);

	sem_init(&sem, 0, 0);
	struct timespec soon;
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	RET("sem_timedwait", sem_timedwait(&sem, &soon));

	signal(SIGUSR1, note);
	pthread_create(&other, NULL, sleeper, &tid);
	while (!*(volatile pid_t *)&tid)
		sched_yield();
	until_asleep(tid);
	pthread_kill(other, SIGUSR1);
	while (!got_in)
		sched_yield();
	YES("pthread_kill reaches its thread", got_in == tid);
	RET("tgkill with a wrong process", syscall(SYS_tgkill, 1, tid, SIGUSR1));
	RET("kill by a thread's id reaches its process", kill(tid, 0));
	got_in = 0;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 2000 && !got_in; i++)
		sleep_ms(1);
	YES("a signal to the process goes where it is not blocked", got_in == tid);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	RET("wait for a thread", waitpid(tid, NULL, __WALL));
	YES("threads in /proc/self/status", !strcmp(get_field("/proc/self/status", "Threads") ?: "", "2"));
	pthread_cancel(other);
	pthread_join(other, &result);
	YES("cancelled", result == PTHREAD_CANCELED);

	CHILD("execve in a second thread", pthread_create(&other, NULL, exec_here, NULL); pthread_join(other, NULL));
	CHILD("_exit in a second thread", pthread_create(&other, NULL, exits, NULL); for (;;) pause());
	CHILD("a fatal signal ends all",
		pthread_create(&other, NULL, sleeper, &tid);
		until_asleep(getpid());
		kill(getpid(), SIGTERM);
		for (;;)
			pause());
	volatile int *flag = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHILD("main thread ends first", pthread_create(&other, NULL, last, (void *)flag); pthread_exit(NULL));
	VAL("the process lived on", *flag);
	APART(
		int fd = -1;
		pthread_create(&other, NULL, open_one, &fd);
		pthread_join(other, NULL);
		YES("descriptors are shared", fcntl(fd, F_GETFD) == 0);
		char cwd[64];
		STR("working directory is shared", getcwd(cwd, sizeof(cwd)));
		say("umask is shared", "%#o", umask(0));
	);
	/* A child of fork has one thread only. */
	pthread_create(&other, NULL, sleeper, &tid);
	APART(STR("threads after fork", get_field("/proc/self/status", "Threads") ?: "?"));
	int made = 0;
	static pthread_t many[200];
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < 200; i++)
		made += pthread_create(&many[i], &attr, ids, NULL) == 0;
	for (int i = 0; i < made; i++)
		pthread_join(many[i], NULL);
	VAL("200 threads", made);
}
