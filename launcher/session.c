/*
 * See session.h.
 *
 *	standard input  --in-->  auk.stdio  --out--> standard output
 *				 auk.stderr --err--> standard error
 *
 * The session is over when `over` is set, with `status` for the launcher.  What sets it:
 * EXIT and all bytes that it tells of; FAILED; QEMU's end; the time-out; a signal before the
 * command has started; the third signal, or Ctrl-] three times, after that.
 */
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "request.h"
#include "terminal.h"
#include "user/auk-init/channel.h"
#include "user/auk-init/pump.h"

#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define VERBOSE_STEP_MS 50
#define PROGRESS_AFTER_S 1
#define SIGNALS_MAX 3
#define TERMINATE_WAIT_NS (5 * NS_PER_S)
#define ESCAPE_KEY 0x1d /* Ctrl-] */
#define ESCAPE_COUNT 3

/* Where each one's descriptors stand in the array for poll: one, and then two for a pump. */
enum { AT_CTL, AT_QEMU, AT_SIGNAL, AT_IN, AT_OUT = 5, AT_ERR = 7, AT_COUNT = 9 };

struct session {
	const struct args *args;
	struct qemu *qemu;
	struct log *log;
	bool kvm;
	int64_t start_ns;
	int64_t deadline_ns; /* INT64_MAX: none */
	int deadline_status; /* the launcher's exit status once it has passed */

	struct channel channel;
	struct pump in, out, err;
	int signals; /* signalfd */
	bool tty;
	bool qemu_ended;         /* what it left in the sockets may still be wanted */
	bool started;            /* STARTED has come */
	bool exit_known;         /* EXIT has come */
	bool stdin_ended;        /* STDIN_END has been sent, or nobody wants it */
	bool out_gone, err_gone; /* OUTPUT_GONE has been sent */
	bool progress_shown;
	unsigned signal_count, escape_count;

	bool over;
	int status;
	const char *why; /* what to say at the end; NULL: nothing */
};

int64_t session_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void end(struct session *session, int status, const char *why)
{
	if (session->over)
		return;
	session->over = true;
	session->status = status;
	session->why = why;
}

/* --- Progress --- */

static void progress_show(struct session *session, int64_t now_ns)
{
	long seconds = (now_ns - session->start_ns) / NS_PER_S;

	if (session->started || session->args->verbose || seconds < PROGRESS_AFTER_S ||
	    !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[Kauk: the machine is starting, %ld s", seconds);
	session->progress_shown = true;
}

static void progress_clear(struct session *session)
{
	if (session->progress_shown)
		fputs("\r\033[K", stderr);
	session->progress_shown = false;
}

/* --- Messages from the guest --- */

static void handle_started(struct session *session, const char *system, size_t len)
{
	const struct args *args = session->args;

	session->started = true;
	progress_clear(session);
	if (args->command.count == 0)
		fprintf(stderr, "auk: %.*s is up after %.1f s (%u CPU%s, %lu MiB, %s, %s)\n",
			(int)len, system, (double)(session_now_ns() - session->start_ns) / NS_PER_S,
			args->cpus, args->cpus == 1 ? "" : "s", (unsigned long)args->memory_mib,
			machine_name(args->machine), session->kvm ? "KVM" : "TCG");
	if (session->tty) {
		terminal_raw();
		pump_init(&session->in, STDIN_FILENO, session->qemu->stdio, PUMP_BUFFER_BYTES);
	}
}

static void handle_exit(struct session *session, const struct auk_exit *end)
{
	session->exit_known = true;
	session->status = end->status;
	pump_end_at(&session->out, end->stdout_bytes);
	pump_end_at(&session->err, end->stderr_bytes);
}

static void handle_message(struct session *session, const struct auk_msg *msg, const char *payload)
{
	struct auk_exit end_message;

	switch (msg->type) {
	case AUK_MSG_STARTED:
		handle_started(session, payload, msg->len_bytes);
		break;
	case AUK_MSG_STDIN_GONE:
		session->stdin_ended = true;
		session->in.from_ended = true;
		break;
	case AUK_MSG_EXIT:
		if (msg->len_bytes < sizeof(end_message))
			break;
		memcpy(&end_message, payload, sizeof(end_message));
		handle_exit(session, &end_message);
		break;
	case AUK_MSG_WARNING:
		fprintf(stderr, "auk: %.*s%s\n", (int)msg->len_bytes, payload, session->tty ? "\r" : "");
		break;
	case AUK_MSG_FAILED:
		end(session, AUK_EXIT_MACHINE, text("%.*s", (int)msg->len_bytes, payload));
		break;
	}
}

static void handle_channel(struct session *session)
{
	const struct auk_msg *msg;
	const char *payload;

	channel_run(&session->channel);
	while ((msg = channel_next(&session->channel, &payload)) != NULL) {
		handle_message(session, msg, payload);
		channel_drop(&session->channel);
	}
}

/* --- Signals and keys --- */

static void send_word(struct session *session, uint32_t type, uint32_t word)
{
	if (channel_send(&session->channel, type, &word, sizeof(word)) < 0)
		end(session, AUK_EXIT_MACHINE, "no memory");
}

static void send_window(struct session *session)
{
	struct auk_termios modes;
	struct auk_window window;

	if (!session->tty)
		return;
	terminal_read(&modes, &window);
	if (channel_send(&session->channel, AUK_MSG_WINDOW, &window, sizeof(window)) < 0)
		end(session, AUK_EXIT_MACHINE, "no memory");
}

static void pass_signal(struct session *session, int signal_number)
{
	int status = AUK_EXIT_SIGNAL + signal_number;

	if (!session->started || ++session->signal_count >= SIGNALS_MAX) {
		end(session, status, NULL);
		return;
	}
	send_word(session, AUK_MSG_SIGNAL, signal_number);
	if (signal_number != SIGTERM && signal_number != SIGHUP)
		return;
	/* Whoever sent these wants an end. */
	if (session->deadline_ns > session_now_ns() + TERMINATE_WAIT_NS) {
		session->deadline_ns = session_now_ns() + TERMINATE_WAIT_NS;
		session->deadline_status = status;
	}
}

static void handle_signals(struct session *session)
{
	struct signalfd_siginfo info;

	while (read(session->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			send_window(session);
		else
			pass_signal(session, info.ssi_signo);
	}
}

/* Looks at what has just been typed. */
static void watch_keys(struct session *session, uint64_t fresh)
{
	const struct pump *in = &session->in;

	for (size_t i = 0; session->tty && i < fresh; i++) {
		bool escape = in->buffer[in->start + i] == ESCAPE_KEY;

		session->escape_count = escape ? session->escape_count + 1 : 0;
		if (session->escape_count == ESCAPE_COUNT)
			end(session, AUK_EXIT_MACHINE, "ended by Ctrl-]");
	}
}

/* --- Streams --- */

static void run_input(struct session *session, const struct pollfd *polls)
{
	struct pump *in = &session->in;
	uint64_t before = in->read_bytes;

	pump_run(in, &polls[0], &polls[1]);
	watch_keys(session, in->read_bytes - before);
	if (!in->from_ended || session->stdin_ended || (session->tty && !session->started))
		return;
	session->stdin_ended = true;
	if (session->tty)
		pass_signal(session, SIGHUP);
	else if (channel_send(&session->channel, AUK_MSG_STDIN_END, &in->read_bytes,
			      sizeof(in->read_bytes)) < 0)
		end(session, AUK_EXIT_MACHINE, "no memory");
}

/* Tells the guest, once, that nobody takes a stream any more. */
static void follow_output(struct session *session, const struct pump *pump, uint32_t stream,
			  bool *told)
{
	if (!pump->to_ended || *told)
		return;
	*told = true;
	if (session->tty && stream == 1)
		pass_signal(session, SIGHUP);
	else
		send_word(session, AUK_MSG_OUTPUT_GONE, stream);
}

/* --- The end --- */

/* ": " and the first line of what QEMU said that is no warning, or "". */
static const char *qemu_said(const struct qemu *qemu)
{
	char said[4096], *next = NULL;
	ssize_t got = pread(qemu->messages, said, sizeof(said) - 1, 0);

	if (got <= 0)
		return "";
	said[got] = '\0';
	for (char *line = strtok_r(said, "\n", &next); line != NULL;
	     line = strtok_r(NULL, "\n", &next))
		if (strstr(line, ": warning: ") == NULL)
			return text(": %s", line);
	return "";
}

static void explain_qemu_end(struct session *session, int wait_status)
{
	const char *said = qemu_said(session->qemu);
	int number;

	if (session->exit_known) {
		end(session, session->status, NULL);
	} else if (WIFSIGNALED(wait_status)) {
		number = WTERMSIG(wait_status);
		end(session, AUK_EXIT_MACHINE,
		    text("signal %d (%s) ended QEMU%s", number, strsignal(number), said));
	} else if (WEXITSTATUS(wait_status) == QEMU_STATUS_PANIC) {
		end(session, AUK_EXIT_MACHINE, "kernel panic");
	} else if (WEXITSTATUS(wait_status) != 0) {
		number = WEXITSTATUS(wait_status);
		end(session, AUK_EXIT_MACHINE, text("QEMU ended with status %d%s", number, said));
	} else {
		end(session, AUK_EXIT_MACHINE,
		    session->started ? "the machine stopped before the command ended"
				     : "the machine stopped before the command began");
	}
}

static bool drained(const struct session *session)
{
	return pump_done(&session->out) && pump_done(&session->err);
}

static void check_deadline(struct session *session, int64_t now_ns)
{
	if (now_ns < session->deadline_ns)
		return;
	end(session, session->deadline_status,
	    session->deadline_status == AUK_EXIT_TIMEOUT
		? text("time-out: %g s have passed", session->args->timeout_s)
		: NULL);
}

static int poll_timeout_ms(const struct session *session, int64_t now_ns)
{
	int64_t wait_ns = session->deadline_ns - now_ns;

	if (!session->started && wait_ns > NS_PER_S)
		wait_ns = NS_PER_S;
	if (session->args->verbose && wait_ns > VERBOSE_STEP_MS * NS_PER_MS)
		wait_ns = VERBOSE_STEP_MS * NS_PER_MS;
	if (wait_ns / NS_PER_MS >= INT_MAX)
		return -1;
	return wait_ns <= 0 ? 0 : wait_ns / NS_PER_MS + 1;
}

static void session_turn(struct session *session)
{
	struct pollfd polls[AT_COUNT];

	channel_poll(&session->channel, &polls[AT_CTL]);
	polls[AT_QEMU] = (struct pollfd){.fd = session->qemu_ended ? -1 : session->qemu->pidfd,
					 .events = POLLIN};
	polls[AT_SIGNAL] = (struct pollfd){.fd = session->signals, .events = POLLIN};
	pump_poll(&session->in, &polls[AT_IN], &polls[AT_IN + 1]);
	pump_poll(&session->out, &polls[AT_OUT], &polls[AT_OUT + 1]);
	pump_poll(&session->err, &polls[AT_ERR], &polls[AT_ERR + 1]);
	poll(polls, AT_COUNT, poll_timeout_ms(session, session_now_ns()));

	session->qemu_ended |= polls[AT_QEMU].revents != 0;
	if (polls[AT_CTL].revents != 0)
		handle_channel(session);
	if (polls[AT_SIGNAL].revents != 0)
		handle_signals(session);
	run_input(session, &polls[AT_IN]);
	pump_run(&session->out, &polls[AT_OUT], &polls[AT_OUT + 1]);
	pump_run(&session->err, &polls[AT_ERR], &polls[AT_ERR + 1]);
	follow_output(session, &session->out, 1, &session->out_gone);
	follow_output(session, &session->err, 2, &session->err_gone);
	if (session->args->verbose)
		log_show_new(session->log, session->tty && session->started);
	progress_show(session, session_now_ns());
	check_deadline(session, session_now_ns());
}

static bool session_goes_on(const struct session *session)
{
	if (session->over)
		return false;
	if (drained(session) && (session->exit_known || session->qemu_ended))
		return false;
	/* A message that QEMU passed on with its last breath is still in the socket. */
	return !session->qemu_ended || session->started || !session->channel.ended;
}

static void report(struct session *session)
{
	progress_clear(session);
	if (session->args->verbose)
		log_show_new(session->log, false);
	if (session->why == NULL) {
		log_keep(session->log);
		return;
	}
	if (log_is_empty(session->log)) {
		fprintf(stderr, "auk: %s\n", session->why);
		log_keep(session->log);
		return;
	}
	fprintf(stderr, "auk: %s; the kernel's messages are in %s\n", session->why,
		session->log->path);
	if (session->status == AUK_EXIT_MACHINE && !session->args->verbose)
		log_show_tail(session->log);
}

static int open_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* A write to a pipe of no more than PIPE_BUF never blocks where poll said that there is room. */
static size_t write_max_bytes(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? PUMP_BUFFER_BYTES : PIPE_BUF;
}

static void session_open(struct session *session)
{
	const struct args *args = session->args;
	const struct qemu *qemu = session->qemu;
	unsigned flags = 0;

	session->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (session->tty)
		flags |= AUK_RUN_TTY | (isatty(STDERR_FILENO) ? 0 : AUK_RUN_STDERR);
	session->deadline_ns = INT64_MAX;
	if (args->timeout_s > 0)
		session->deadline_ns = session->start_ns + (int64_t)(args->timeout_s * NS_PER_S);
	session->deadline_status = AUK_EXIT_TIMEOUT;
	session->signals = open_signals();
	channel_init(&session->channel, qemu->ctl);
	request_send(&session->channel, args, flags);
	/* A terminal's keys are read once the command can take them. */
	pump_init(&session->in, session->tty ? -1 : STDIN_FILENO, qemu->stdio, PUMP_BUFFER_BYTES);
	pump_init(&session->out, qemu->stdio, STDOUT_FILENO, write_max_bytes(STDOUT_FILENO));
	pump_init(&session->err, qemu->stderr_, STDERR_FILENO, write_max_bytes(STDERR_FILENO));
}

int session_run(struct qemu *qemu, struct log *log, const struct args *args, bool kvm,
		int64_t start_ns)
{
	static struct session session;
	int wait_status;

	session = (struct session){
	    .args = args, .qemu = qemu, .log = log, .kvm = kvm, .start_ns = start_ns};
	session_open(&session);
	while (session_goes_on(&session))
		session_turn(&session);
	wait_status = qemu_stop(qemu);
	terminal_restore();
	explain_qemu_end(&session, wait_status);
	report(&session);
	return session.status;
}
