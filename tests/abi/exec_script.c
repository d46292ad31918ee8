/* Scripts: #! lines. */
#include "abi.h"

static char *const env[] = { NULL };

static void script(const char *name, const char *text)
{
	FILE *f = fopen("s", "w");

	fputs(text, f);
	fclose(f);
	chmod("s", 0755);
	pid_t pid = fork();
	if (pid == 0) {
		execve("./s", (char *[]){ "given", "a 1", "b", NULL }, env);
		say(name, "%s", err_name(errno));
		_exit(100);
	}
	STR(name, reap(pid));
}

void abi_test(void)
{
	char text[1024], pad[600];

	symlink(abi_self, "/tmp/abi-self");
	script("interpreter and argument", "#!/tmp/abi-self @args\nrest\n");
	script("blanks around", "#! \t/tmp/abi-self \t @args  \t\nrest\n");
	script("one argument with blanks", "#!/tmp/abi-self @args x  y \n");
	script("no newline", "#!/tmp/abi-self @args");
	script("no argument", "#!/tmp/abi-self\n");
	script("CR stays in the argument", "#!/tmp/abi-self @args\r\n");
	script("missing interpreter", "#!/nix/nix\n");
	script("empty line", "#!\n");
	script("blank line", "#!   \n");
	script("directory", "#!/tmp\n");
	put_file("/tmp/abi-plain", "text", 0644);
	script("interpreter without x", "#!/tmp/abi-plain\n");
	script("relative interpreter", "#!s2 x\n");
	put_file("s2", "#!/tmp/abi-self @args\n", 0755);
	script("relative interpreter that is a script", "#!./s2 x\n");
	script("itself", "#!./s\n");
	memset(pad, 'p', sizeof(pad));
	pad[sizeof(pad) - 1] = 0;
	snprintf(text, sizeof(text), "#!/tmp/abi-self @args %s\n", pad);
	script("an argument over 255 bytes is cut", text);
	snprintf(text, sizeof(text), "#!/%s\n", pad);
	script("an interpreter over 255 bytes", text);
	put_file("chain0", "#!/tmp/abi-self @args\n", 0755);
	for (int i = 1; i < 7; i++) {
		char name[16], body[64];

		snprintf(name, sizeof(name), "chain%d", i);
		snprintf(body, sizeof(body), "#!./chain%d\n", i - 1);
		put_file(name, body, 0755);
		APART(execve(name, (char *[]){ name, NULL }, env); say(name, "%s", err_name(errno)));
	}
	put_file("s3", "#!/tmp/abi-self @args\n", 0755);
	int fd = open("s3", O_RDONLY | O_CLOEXEC);
	RET("execveat of a close-on-exec script", syscall(SYS_execveat, fd, "", (char *[]){ "x", NULL }, env, AT_EMPTY_PATH));
	put_file("s4", "#!/tmp/abi-self @comm\n", 0755);
	APART(execve("s4", (char *[]){ "x", NULL }, env));
	put_file("s5", "#!/tmp/abi-self @ids\n", 0755);
	chmod("s5", 06755);
	chown("s5", 1234, 1234);
	chmod("s5", 06755);
	APART(become(1000); execve("./s5", (char *[]){ "x", NULL }, env));
	unlink("/tmp/abi-self");
	unlink("/tmp/abi-plain");
}
