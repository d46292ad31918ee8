/* User and group ids, capabilities, set-user-id files. */
#include "abi.h"
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <linux/capability.h>
#include <linux/securebits.h>

static void ids(const char *name)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	say(name, "uid %d %d %d fs %d gid %d %d %d", r, e, s, setfsuid(-1), rg, eg, sg);
}

static void caps(const char *name)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	syscall(SYS_capget, &head, data);
	say(name, "effective %d permitted %d inheritable %d", data[0].effective != 0, data[0].permitted != 0, data[0].inheritable != 0);
}

void abi_test(void)
{
	char *const env[] = { NULL };
	gid_t groups[40];

	ids("at start");
	caps("root");
	APART(
		OK("setuid as root", setuid(1000));
		ids("sets all");
		caps("and drops capabilities");
		RET("setuid back", setuid(0));
		RET("setuid to its own", setuid(1000));
		RET("setgid", setgid(1000));
		RET("setgroups", setgroups(0, NULL));
	);
	APART(
		OK("seteuid", seteuid(1000));
		ids("then");
		caps("keeps permitted");
		OK("and back", seteuid(0));
		caps("has all again");
	);
	APART(
		OK("setresuid", setresuid(1, 2, 3));
		ids("then");
		OK("setreuid swap", setreuid(2, 1));
		ids("swapped");
		RET("to a fourth", setresuid(-1, 9, -1));
		OK("to the saved one", setresuid(-1, 1, -1));
	);
	APART(
		OK("setreuid", setreuid(1000, 1000));
		ids("the saved id follows");
	);
	APART(
		OK("setregid", setregid(50, 60));
		ids("groups");
	);
	APART(
		VAL("setfsuid returns the old", setfsuid(1000));
		ids("then");
		RET("no file in root's directory", open("new", O_CREAT | O_RDWR, 0600));
	);
	APART(
		OK("PR_SET_KEEPCAPS", prctl(PR_SET_KEEPCAPS, 1));
		setuid(1000);
		caps("kept");
	);
	APART(
		groups[0] = 7;
		groups[1] = 8;
		OK("setgroups", setgroups(2, groups));
		RET("getgroups 0", getgroups(0, NULL));
		RET("getgroups too small", getgroups(1, groups));
		RET("getgroups", getgroups(40, groups));
		say("they are", "%d %d", groups[0], groups[1]);
		RET("setgroups too many", setgroups(65537, groups));
		put_file("g", "x", 0040);
		chown("g", 5, 8);
		setuid(1000);
		OK("a supplementary group reads", open("g", O_RDONLY));
	);
	APART(
		put_file("owner", "x", 0077);
		chown("owner", 1000, 1000);
		setgid(1000);
		setgroups(0, NULL);
		setuid(1000);
		RET("the owner's bits come first", open("owner", O_RDONLY));
	);

	/* set-user-id programs: root's copy of ourselves */
	chmod(".", 0755);
	int in = open(abi_self, O_RDONLY), out = open("suid", O_CREAT | O_WRONLY, 0755);
	static char buf[65536];
	ssize_t n;
	while ((n = read(in, buf, sizeof(buf))) > 0)
		write(out, buf, n);
	close(out);
	close(in);
	chown("suid", 0, 0);
	chmod("suid", 04755);
	APART(become(1000); execve("./suid", (char *[]){ "abi", "@ids", NULL }, env));
	APART(become(1000); prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); execve("./suid", (char *[]){ "abi", "@ids", NULL }, env));
	chown("suid", 77, 88);
	chmod("suid", 06755);
	APART(become(1000); execve("./suid", (char *[]){ "abi", "@ids", NULL }, env));
	APART(execve("./suid", (char *[]){ "abi", "@ids", NULL }, env));
	chmod("suid", 02745);
	APART(become(1000); execve("./suid", (char *[]){ "abi", "@ids", NULL }, env));
	chmod("suid", 0755);
	APART(become(1000); execve("./suid", (char *[]){ "abi", "@ids", NULL }, env));

	/* capabilities */
	struct __user_cap_header_struct head = { 0x12345678, 0 };
	struct __user_cap_data_struct data[2];
	RET("capget bad version", syscall(SYS_capget, &head, data));
	HEX("tells the version", head.version);
	head = (struct __user_cap_header_struct){ _LINUX_CAPABILITY_VERSION_3, 0x3ffffff };
	RET("capget no process", syscall(SYS_capget, &head, data));
	APART(
		head.pid = 0;
		syscall(SYS_capget, &head, data);
		data[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
		OK("capset", syscall(SYS_capset, &head, data));
		put_file("0", "", 0);
		RET("root without CAP_DAC_OVERRIDE", open("0", O_RDONLY));
		data[0].permitted &= ~(1u << CAP_CHOWN);
		data[0].effective &= ~(1u << CAP_CHOWN);
		syscall(SYS_capset, &head, data);
		RET("chown without CAP_CHOWN", chown("0", 5, 5));
		data[0].permitted |= 1u << CAP_CHOWN;
		RET("permitted does not grow", syscall(SYS_capset, &head, data));
	);
	RET("PR_CAPBSET_READ", prctl(PR_CAPBSET_READ, CAP_KILL));
	RET("PR_CAPBSET_READ beyond", prctl(PR_CAPBSET_READ, 63));
	APART(
		OK("PR_CAPBSET_DROP", prctl(PR_CAPBSET_DROP, CAP_KILL));
		RET("then", prctl(PR_CAPBSET_READ, CAP_KILL));
	);
	RET("PR_CAP_AMBIENT raise without inheritable", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	RET("PR_GET_SECUREBITS", prctl(PR_GET_SECUREBITS));
	RET("PR_SET_NO_NEW_PRIVS 0", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RET("PR_GET_NO_NEW_PRIVS", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}
