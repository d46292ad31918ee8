/* System V shared memory, semaphores and message queues. */
#include "abi.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define KEY 0x41756b

void abi_test(void)
{
	struct shmid_ds ds;
	int id = MUST(shmget(KEY, 5000, IPC_CREAT | IPC_EXCL | 0600));
	char *p, *q;

	RET("shmget again, exclusive", shmget(KEY, 5000, IPC_CREAT | IPC_EXCL | 0600));
	YES("shmget again", shmget(KEY, 5000, 0) == id);
	RET("larger than it is", shmget(KEY, 10000, 0));
	RET("missing key", shmget(KEY + 1, 1, 0));
	RET("size 0", shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
	p = shmat(id, NULL, 0);
	OK("shmat", p);
	VAL("zeroed", p[0]);
	p[0] = 'a';
	q = shmat(id, NULL, SHM_RDONLY);
	say("second view", "%c", q[0]);
	CHILD("write to the read-only view", q[0] = 1);
	APART(p[1] = 'c');
	say("a child's store", "%c", p[1]);
	shmctl(id, IPC_STAT, &ds);
	say("IPC_STAT", "size %zu attached %d mode %o", ds.shm_segsz, (int)ds.shm_nattch, ds.shm_perm.mode);
	RET("shmdt", shmdt(q));
	RET("shmdt again", shmdt(q));
	RET("shmat bad id", shmat(-1, NULL, 0));
	RET("shmat odd address", shmat(id, (void *)0x10001, 0));
	OK("SHM_RND", q = shmat(id, (void *)0x40000001, SHM_RND));
	HEX("its address", q);
	APART(become(1000); RET("no permission", shmget(KEY, 10, 0600)));
	OK("IPC_RMID", shmctl(id, IPC_RMID, NULL));
	RET("the key is free", shmget(KEY, 5000, 0));
	say("still attached", "%c", p[0]);
	shmctl(id, IPC_STAT, &ds);
	HEX("its mode", ds.shm_perm.mode);
	OK("shmdt", shmdt(p));
	shmdt(q);
	RET("then it is gone", shmctl(id, IPC_STAT, &ds));
	RET("unknown command", shmctl(id, 999, &ds));

	/* semaphores */
	id = MUST(semget(IPC_PRIVATE, 2, 0600));
	struct sembuf op = { 0, 1, 0 };
	RET("SETVAL", semctl(id, 0, SETVAL, 3));
	RET("GETVAL", semctl(id, 0, GETVAL));
	OK("semop +1", semop(id, &op, 1));
	RET("GETVAL then", semctl(id, 0, GETVAL));
	op = (struct sembuf){ 0, -5, IPC_NOWAIT };
	RET("too much", semop(id, &op, 1));
	op = (struct sembuf){ 0, 0, IPC_NOWAIT };
	RET("wait for zero", semop(id, &op, 1));
	struct sembuf two[2] = { { 0, -4, IPC_NOWAIT }, { 1, -1, IPC_NOWAIT } };
	RET("all or nothing", semop(id, two, 2));
	RET("nothing it was", semctl(id, 0, GETVAL));
	op = (struct sembuf){ 9, 1, 0 };
	RET("bad semaphore number", semop(id, &op, 1));
	RET("no operations", semop(id, &op, 0));
	APART(op = (struct sembuf){ 0, -4, SEM_UNDO }; semop(id, &op, 1));
	RET("SEM_UNDO at exit", semctl(id, 0, GETVAL));
	pid_t pid = fork();
	if (pid == 0) {
		op = (struct sembuf){ 1, -2, 0 };
		_exit(semop(id, &op, 1) ? 1 : 7);
	}
	until_asleep(pid);
	RET("GETNCNT", semctl(id, 1, GETNCNT));
	op = (struct sembuf){ 1, 2, 0 };
	semop(id, &op, 1);
	STR("waiter", reap(pid));
	pid = fork();
	if (pid == 0) {
		op = (struct sembuf){ 1, -2, 0 };
		RET("removed under a waiter", semop(id, &op, 1));
		_exit(0);
	}
	until_asleep(pid);
	semctl(id, 0, IPC_RMID);
	reap(pid);
	struct timespec soon = { 0, 10000000 };
	id = semget(IPC_PRIVATE, 1, 0600);
	op = (struct sembuf){ 0, -1, 0 };
	RET("semtimedop", semtimedop(id, &op, 1, &soon));
	semctl(id, 0, IPC_RMID);

	/* messages */
	struct { long type; char text[16]; } m = { 5, "five" };
	id = MUST(msgget(IPC_PRIVATE, 0600));
	OK("msgsnd", msgsnd(id, &m, 5, 0));
	m.type = 2;
	strcpy(m.text, "two");
	msgsnd(id, &m, 4, 0);
	m.type = 0;
	RET("type 0", msgsnd(id, &m, 4, 0));
	RET("receive type 2", msgrcv(id, &m, 16, 2, 0));
	STR("its text", m.text);
	RET("too small", msgrcv(id, &m, 2, 0, 0));
	RET("MSG_NOERROR cuts", msgrcv(id, &m, 2, 0, MSG_NOERROR));
	RET("empty", msgrcv(id, &m, 16, 0, IPC_NOWAIT));
	pid = fork();
	if (pid == 0) {
		RET("removed under a receiver", msgrcv(id, &m, 16, 0, 0));
		_exit(0);
	}
	until_asleep(pid);
	int removed = msgctl(id, IPC_RMID, NULL);
	reap(pid);	/* it says its line first */
	OK("remove", removed);
}
