/* Pseudo terminals: ptmx, slaves, line discipline, hang-up. */
#include "abi.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void pass(const char *name, const char *in)
{
	char text[256];
	struct pollfd p = { slave, POLLIN, 0 };

	write(master, in, strlen(in));
	if (poll(&p, 1, 200) == 0) {
		say(name, "(nothing)");
		return;
	}
	ssize_t len = read(slave, text, sizeof(text));
	say(name, "%ld '%.*s'", (long)len, (int)(len < 0 ? 0 : len), text);
}

static void drain(const char *name)
{
	char text[256];
	ssize_t len = 0;
	struct pollfd p = { master, POLLIN, 0 };

	while (len < 200 && poll(&p, 1, 100) > 0) {
		ssize_t n = read(master, text + len, sizeof(text) - len);

		if (n <= 0)
			break;
		len += n;
	}
	char shown[600] = "";
	for (ssize_t i = 0; i < len; i++)
		snprintf(shown + strlen(shown), 8, text[i] < 32 || text[i] == 127 ? "\\x%02x" : "%c", text[i]);
	if (name)
		STR(name, shown);
}

void abi_test(void)
{
	struct termios t;
	struct winsize size = { 24, 80, 1, 2 };
	int number, lock;
	char path[64], c;
	struct stat st;

	master = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	OK("TIOCGPTN", ioctl(master, TIOCGPTN, &number));
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	OK("the slave exists", stat(path, &st));
	say("it is", "%#o major %d", st.st_mode & S_IFMT, (int)(st.st_rdev >> 8));
	RET("open while locked", open(path, O_RDWR | O_NOCTTY));
	OK("TIOCGPTLCK", ioctl(master, TIOCGPTLCK, &lock));
	VAL("locked", lock);
	lock = 0;
	OK("TIOCSPTLCK", ioctl(master, TIOCSPTLCK, &lock));
	slave = open(path, O_RDWR | O_NOCTTY);
	OK("open", slave);
	YES("isatty", isatty(slave));
	YES("master isatty", isatty(master));
	OK("TIOCGPTPEER", ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));

	MUST(tcgetattr(slave, &t));
	HEX("c_iflag", t.c_iflag);
	HEX("c_oflag", t.c_oflag);
	HEX("c_cflag", t.c_cflag);
	HEX("c_lflag", t.c_lflag);
	say("c_cc", "intr %d quit %d erase %d kill %d eof %d time %d min %d susp %d", t.c_cc[VINTR], t.c_cc[VQUIT],
	    t.c_cc[VERASE], t.c_cc[VKILL], t.c_cc[VEOF], t.c_cc[VTIME], t.c_cc[VMIN], t.c_cc[VSUSP]);

	pass("a line", "hello\n");
	drain("its echo");
	pass("no line yet", "part");
	pass("erase", "\177X\n");
	drain(NULL);
	pass("kill", "gone\025kept\n");
	drain("kill's echo");
	pass("word erase", "one two\027three\n");
	drain(NULL);
	pass("CR becomes NL", "cr\r");
	drain(NULL);
	pass("end of file", "\004");
	pass("end of file after text", "abc\004");
	pass("literal next", "\026\003\n");
	drain("its echo");
	pass("two lines, one read", "l1\nl2\n");
	pass("the other", "");
	drain(NULL);
	write(slave, "out\n", 4);
	drain("output: NL becomes CR NL");

	t.c_lflag &= ~ECHO;
	tcsetattr(slave, TCSANOW, &t);
	pass("without echo", "quiet\n");
	drain("echo");
	t.c_lflag &= ~(ICANON | ISIG);
	t.c_iflag &= ~(ICRNL | IXON);
	t.c_oflag &= ~OPOST;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSAFLUSH, &t);
	pass("raw", "a\003\r");
	write(slave, "x\n", 2);
	drain("raw output");
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &t);
	RET("VMIN 0 VTIME 1", read(slave, &c, 1));
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSANOW, &t);
	RET("VMIN 0 VTIME 0", read(slave, &c, 1));
	t.c_cc[VMIN] = 3;
	tcsetattr(slave, TCSANOW, &t);
	struct pollfd p = { slave, POLLIN, 0 };
	write(master, "ab", 2);
	RET("poll with less than VMIN", poll(&p, 1, 50));
	write(master, "c", 1);
	RET("poll with VMIN", poll(&p, 1, 1000));
	int pending = 0;
	ioctl(slave, FIONREAD, &pending);
	VAL("FIONREAD", pending);
	OK("tcflush", tcflush(slave, TCIFLUSH));
	ioctl(slave, FIONREAD, &pending);
	VAL("FIONREAD after tcflush", pending);

	OK("TIOCSWINSZ on the master", ioctl(master, TIOCSWINSZ, &size));
	struct winsize seen = { 0 };
	ioctl(slave, TIOCGWINSZ, &seen);
	say("seen by the slave", "%d %d %d %d", seen.ws_row, seen.ws_col, seen.ws_xpixel, seen.ws_ypixel);
	RET("TCGETS on a file", ioctl(open("f", O_CREAT | O_RDWR, 0600), TCGETS, &t));
	RET("unknown ioctl", ioctl(slave, 0x5499, &t));
	RET("bad address", ioctl(slave, TCGETS, 8));
	OK("nonblocking", fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
	RET("read nothing", read(slave, &c, 1));
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	RET("master reads nothing", read(master, &c, 1));

	/* hang-up */
	int other = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	int hung;
	lock = 0;
	ioctl(other, TIOCSPTLCK, &lock);
	hung = ioctl(other, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	write(hung, "last", 4);
	close(hung);
	char text[16];
	RET("data of a closed slave", read(other, text, sizeof(text)));
	RET("master of a closed slave", read(other, text, sizeof(text)));
	p.fd = other;
	poll(&p, 1, 0);
	HEX("poll", p.revents);
	hung = ioctl(other, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	OK("opened again", hung);
	close(other);
	RET("slave of a closed master: read", read(hung, text, sizeof(text)));
	RET("write", write(hung, "x", 1));
	p.fd = hung;
	poll(&p, 1, 0);
	HEX("slave's poll", p.revents);
}
