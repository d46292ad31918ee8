/* System V IPC: limits, numbers, permissions, what /proc tells, areas split and copied, undo against SETVAL. */
#include "abi.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define KEY 0x41756c

static void ignore_it(int sig)
{
}

/* Whatever other programs left behind would show in the figures below. */
static void remove_all(void)
{
	struct shmid_ds shm;
	struct msqid_ds msg;
	struct semid_ds sem;

	for (int i = 0; i < 1024; i++) {
		int id = shmctl(i, SHM_STAT, &shm);

		if (id >= 0)
			shmctl(id, IPC_RMID, NULL);
		if ((id = msgctl(i, MSG_STAT, &msg)) >= 0)
			msgctl(id, IPC_RMID, NULL);
		if ((id = semctl(i, 0, SEM_STAT, &sem)) >= 0)
			semctl(id, 0, IPC_RMID);
	}
}

static void limits(void)
{
	static const char *names[] = { "shmmax", "shmall", "shmmni", "sem", "msgmni", "msgmax", "msgmnb" };
	char path[64];

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "/proc/sys/kernel/%s", names[i]);
		char *text = (char *)get_file(path);
		text[strcspn(text, "\n")] = 0;
		say(names[i], "%s", text);
	}
	struct shminfo shm;
	RET("shm IPC_INFO", shmctl(0, IPC_INFO, (struct shmid_ds *)&shm));
	say("shminfo", "%lu %lu %lu %lu %lu", shm.shmmax, shm.shmmin, shm.shmmni, shm.shmseg, shm.shmall);
	struct seminfo sem;
	RET("sem IPC_INFO", semctl(0, 0, IPC_INFO, &sem));
	say("seminfo", "%d %d %d %d %d %d %d %d %d %d", sem.semmap, sem.semmni, sem.semmns, sem.semmnu, sem.semmsl, sem.semopm,
	    sem.semume, sem.semusz, sem.semvmx, sem.semaem);
	struct msginfo msg;
	RET("msg IPC_INFO", msgctl(0, IPC_INFO, (struct msqid_ds *)&msg));
	say("msginfo", "%d %d %d %d %d %d %d %d", msg.msgpool, msg.msgmap, msg.msgmax, msg.msgmnb, msg.msgmni, msg.msgssz, msg.msgtql,
	    msg.msgseg);
	RET("SEM_INFO", semctl(0, 0, SEM_INFO, &sem));
	say("semaphores", "%d sets %d", sem.semusz, sem.semaem);
}

static void line_of(const char *name, const char *file, int fields)
{
	char *text = (char *)get_file(file), *line = strchr(text, '\n');

	if (line)
		*line++ = 0;
	STR(name, text);
	if (!line || !*line) {
		STR("line", "none");
		return;
	}
	line[strcspn(line, "\n")] = 0;
	line[fields] = 0;
	STR("line", line);
}

static void numbers(void)
{
	int a = semget(IPC_PRIVATE, 1, 0600), b = semget(IPC_PRIVATE, 1, 0600);

	VAL("next number", b - a);
	semctl(a, 0, IPC_RMID);
	int c = semget(IPC_PRIVATE, 3, 0600);
	VAL("same place", c - a);
	RET("old number", semctl(a, 0, GETVAL));
	struct semid_ds ds;
	YES("SEM_STAT", semctl(a & 32767, 0, SEM_STAT, &ds) == c);
	VAL("its semaphores", ds.sem_nsems);
	RET("SEM_STAT of nothing", semctl(5000, 0, SEM_STAT, &ds));
	semctl(b, 0, IPC_RMID);
	semctl(c, 0, IPC_RMID);
}

static void permissions(void)
{
	int id = semget(KEY, 2, IPC_CREAT | 0640);
	struct semid_ds ds;
	struct sembuf up = { 0, 1, 0 }, zero = { 1, 0, 0 };

	APART(become(1000);
	      RET("GETVAL of another's", semctl(id, 0, GETVAL));
	      RET("IPC_STAT of another's", semctl(id, 0, IPC_STAT, &ds));
	      YES("SEM_STAT_ANY", semctl(id & 32767, 0, 20, &ds) == id);
	      RET("RMID of another's", semctl(id, 0, IPC_RMID));
	      RET("get without bits", semget(KEY, 1, 0) == id);
	      RET("get to read", semget(KEY, 1, 0400)));
	semctl(id, 0, IPC_STAT, &ds);
	ds.sem_perm.uid = 1000;
	ds.sem_perm.mode = 0400;
	RET("IPC_SET", semctl(id, 0, IPC_SET, &ds));
	APART(become(1000);
	      RET("GETVAL of mine", semctl(id, 0, GETVAL));
	      RET("up", semop(id, &up, 1));
	      RET("wait for zero", semop(id, &zero, 1));
	      RET("SETVAL", semctl(id, 0, SETVAL, 1));
	      RET("RMID of mine", semctl(id, 0, IPC_RMID)));
	RET("gone", semctl(id, 0, GETVAL));
}

static void undo(void)
{
	int id = semget(IPC_PRIVATE, 3, 0600), pipes[2];
	unsigned short all[3] = { 5, 6, 7 }, big[3] = { 0, 40000, 0 };
	struct sembuf ops[3] = { { 0, -2, SEM_UNDO }, { 1, 3, SEM_UNDO }, { 2, -1, 0 } };
	char c;

	RET("SETALL", semctl(id, 0, SETALL, all));
	RET("SETALL too big", semctl(id, 0, SETALL, big));
	RET("SETVAL too big", semctl(id, 0, SETVAL, 32768));
	RET("SETVAL negative", semctl(id, 0, SETVAL, -1));
	RET("SETVAL nowhere", semctl(id, 3, SETVAL, 1));
	APART(semop(id, ops, 3); semctl(id, 0, GETALL, all); say("meanwhile", "%d %d %d", all[0], all[1], all[2]);
	      if (fork() == 0) _exit(0); wait(NULL);
	      VAL("after a grandchild", semctl(id, 0, GETVAL)));
	semctl(id, 0, GETALL, all);
	say("given back", "%d %d %d", all[0], all[1], all[2]);
	MUST(pipe(pipes));
	pid_t pid = fork();
	if (pid == 0) {
		semop(id, ops, 1);
		write(pipes[1], "x", 1);
		pause();
	}
	read(pipes[0], &c, 1);
	semctl(id, 0, SETVAL, 1);
	kill(pid, SIGKILL);
	reap(pid);
	VAL("SETVAL forgets undos", semctl(id, 0, GETVAL));
	struct sembuf over[2] = { { 0, 32767, 0 }, { 0, 1, 0 } };
	RET("beyond the maximum", semop(id, over, 1));
	YES("GETPID", semctl(id, 0, GETPID) == getpid());
	struct sembuf many[501] = { 0 };
	semctl(id, 0, SETVAL, 0);
	RET("500 operations", semop(id, many, 500));
	RET("501 operations", semop(id, many, 501));
	semctl(id, 0, SETVAL, 1);
	pid = fork();
	if (pid == 0) {
		struct sembuf z[2] = { { 2, 1, 0 }, { 0, 0, 0 } };
		_exit(semop(id, z, 2));
	}
	until_asleep(pid);
	RET("GETZCNT", semctl(id, 0, GETZCNT));
	RET("GETNCNT", semctl(id, 0, GETNCNT));
	RET("not yet", semctl(id, 2, GETVAL));
	semctl(id, 0, SETVAL, 0);
	STR("zero came", reap(pid));
	RET("and then", semctl(id, 2, GETVAL));
	pid = fork();
	if (pid == 0) {
		struct sembuf down = { 0, -1, 0 };
		struct sigaction sa = { .sa_handler = ignore_it, .sa_flags = SA_RESTART };
		sigaction(SIGUSR1, &sa, NULL);
		RET("interrupted", semop(id, &down, 1));
		_exit(0);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	reap(pid);
	semctl(id, 0, IPC_RMID);
}

static void areas(void)
{
	int id = shmget(KEY, 3 * ABI_PAGE, IPC_CREAT | 0640);
	struct shmid_ds ds;
	char *p = shmat(id, NULL, 0);

	line_of("shm", "/proc/sysvipc/shm", 10);
	p[0] = p[ABI_PAGE] = p[2 * ABI_PAGE] = 'x';
	MUST(mprotect(p + ABI_PAGE, ABI_PAGE, PROT_READ));
	shmctl(id, IPC_STAT, &ds);
	VAL("split", ds.shm_nattch);
	APART(shmctl(id, IPC_STAT, &ds); VAL("in a child", ds.shm_nattch));
	shmctl(id, IPC_STAT, &ds);
	VAL("after the child", ds.shm_nattch);
	MUST(munmap(p, ABI_PAGE));
	RET("shmdt of the rest", shmdt(p));
	shmctl(id, IPC_STAT, &ds);
	VAL("attached", ds.shm_nattch);
	p = shmat(id, NULL, 0);
	RET("over another", shmat(id, p, 0));
	YES("SHM_REMAP", shmat(id, p, SHM_REMAP) == p);
	RET("SHM_REMAP nowhere", shmat(id, NULL, SHM_REMAP));
	VAL("kept", p[0]);
	char *r = shmat(id, NULL, SHM_RDONLY);
	RET("read-only stays", mprotect(r, ABI_PAGE, PROT_READ | PROT_WRITE));
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[256];
	while (fgets(line, sizeof(line), maps)) {
		char *name = strstr(line, "/SYSV");
		if (name) {
			name[strcspn(name, "\n")] = 0;
			say("maps", "%.5s %s", strchr(line, ' ') + 1, name);
		}
	}
	fclose(maps);
	RET("SHM_LOCK", shmctl(id, SHM_LOCK, NULL));
	shmctl(id, IPC_STAT, &ds);
	HEX("locked mode", ds.shm_perm.mode);
	APART(become(1000); RET("SHM_LOCK of another's", shmctl(id, SHM_LOCK, NULL));
	      RET("shmat of another's", shmat(id, NULL, SHM_RDONLY)));
	shmctl(id, IPC_RMID, NULL);
	RET("a new one of the key", shmget(KEY, 100, IPC_CREAT | IPC_EXCL | 0600) != id);
	RET("attach the doomed", shmat(id, NULL, 0) == (void *)-1);
	shmctl(shmget(KEY, 0, 0), IPC_RMID, NULL);
	RET("too large", shmget(IPC_PRIVATE, -1UL, 0600));
	RET("unknown", shmctl(id, 77, NULL));
}

static void messages(void)
{
	struct { long type; char text[64]; } m = { 3, "abc" };
	int id = msgget(KEY, IPC_CREAT | 0600);
	struct msqid_ds ds;

	RET("exists", msgget(KEY, IPC_CREAT | IPC_EXCL | 0600));
	for (int i = 1; i <= 4; i++) {
		m.type = i * 10;
		msgsnd(id, &m, i, 0);
	}
	RET("up to 25", msgrcv(id, &m, 64, -25, 0));
	VAL("type", m.type);
	RET("all but 20", msgrcv(id, &m, 64, 20, MSG_EXCEPT));
	VAL("type", m.type);
	RET("MSG_COPY", msgrcv(id, &m, 64, 1, MSG_COPY | IPC_NOWAIT));
	VAL("type", m.type);
	RET("MSG_COPY past the end", msgrcv(id, &m, 64, 2, MSG_COPY | IPC_NOWAIT));
	RET("MSG_COPY that waits", msgrcv(id, &m, 64, 0, MSG_COPY));
	msgctl(id, IPC_STAT, &ds);
	say("IPC_STAT", "%lu messages %lu bytes of %lu", ds.msg_qnum, ds.__msg_cbytes, ds.msg_qbytes);
	line_of("msg", "/proc/sysvipc/msg", 10);
	ds.msg_qbytes = 8;
	RET("IPC_SET", msgctl(id, IPC_SET, &ds));
	RET("full", msgsnd(id, &m, 4, IPC_NOWAIT));
	RET("fits", msgsnd(id, &m, 2, IPC_NOWAIT));
	ds.msg_qbytes = 20000;
	ds.msg_perm.uid = 1000;
	APART(become(1000); RET("IPC_SET of another's", msgctl(id, IPC_SET, &ds)));
	pid_t pid = fork();
	if (pid == 0) {
		RET("sent after waiting", msgsnd(id, &m, 8, 0));
		_exit(0);
	}
	until_asleep(pid);
	for (int i = 0; i < 3; i++)
		msgrcv(id, &m, 64, 0, IPC_NOWAIT);
	reap(pid);
	RET("received", msgrcv(id, &m, 64, 0, 0));
	static char large[9000];
	RET("too long", msgsnd(id, large, 8193, 0));
	RET("bad address", msgsnd(id, (void *)8, 8, 0));
	pid = fork();
	if (pid == 0) {
		struct sigaction sa = { .sa_handler = ignore_it, .sa_flags = SA_RESTART };
		sigaction(SIGUSR1, &sa, NULL);
		RET("interrupted", msgrcv(id, &m, 64, 0, 0));
		_exit(0);
	}
	until_asleep(pid);
	kill(pid, SIGUSR1);
	reap(pid);
	RET("remove", msgctl(id, IPC_RMID, NULL));
	RET("removed", msgctl(id, IPC_STAT, &ds));
}

void abi_test(void)
{
	remove_all();
	limits();
	line_of("sem", "/proc/sysvipc/sem", 10);
	numbers();
	permissions();
	undo();
	areas();
	messages();
}
