/*
 * The session: one command, its streams, its end.
 *
 *	auk.stdio  --in-->  pipe or pty  --> command --> pipe or pty --out--> auk.stdio
 *							 pipe	     --err--> auk.stderr
 *
 * SIGCHLD is blocked but while ppoll(2) waits, so that an exit is never missed.
 *
 * Phases: running, until the command has been reaped; draining, until nothing is left to be
 * read from its pipes (others may hold them open, so end of file is not waited for); ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "init.h"
#include "pump.h"

/* A terminal hands over what was written to it a moment later; a pipe at once. */
#define TTY_DRAIN_MS 100

/* Where each one's descriptors stand in the array for poll: one, and then two for a pump. */
enum { AT_CTL, AT_IN, AT_OUT = 3, AT_ERR = 5, AT_COUNT = 7 };

struct session {
	const struct command *command;
	struct channel *channel;
	struct pump in, out, err;
	int tty;     /* the pty's master, or -1 */
	pid_t pid;   /* the command's, also its process group's */
	bool exited; /* and its status is in @status */
	uint32_t status;
	bool stdin_gone; /* STDIN_GONE has been sent */
};

static void on_sigchld(int signal_number)
{
	(void)signal_number;
}

static void sigchld_block(sigset_t *during_poll)
{
	struct sigaction action = {.sa_handler = on_sigchld};
	sigset_t block;

	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, during_poll);
	sigdelset(during_poll, SIGCHLD);
}

/* --- The command's side of the streams --- */

static void tty_set_modes(int slave, const struct auk_run *run)
{
	const struct auk_termios *from = &run->termios;
	struct winsize size = {.ws_row = run->window.rows, .ws_col = run->window.cols};
	struct termios modes;

	ioctl(slave, TIOCSWINSZ, &size);
	if (tcgetattr(slave, &modes) < 0)
		return;
	modes.c_iflag = from->iflag;
	modes.c_oflag = from->oflag;
	modes.c_cflag = from->cflag;
	modes.c_lflag = from->lflag;
	memcpy(modes.c_cc, from->cc, sizeof(from->cc));
	tcsetattr(slave, TCSANOW, &modes);
}

/* Returns the master; *slave gets the other side. */
static int tty_open(const struct auk_run *run, int *slave)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int number, unlock = 0;
	char path[32];

	if (master < 0)
		return -errno;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0 || ioctl(master, TIOCGPTN, &number) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	*slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		return -errno;
	if (fchown(*slave, run->uid, -1) < 0)
		return -errno;
	tty_set_modes(*slave, run);
	return master;
}

/* Opens one pipe; the end with index @ours is init's and does not block. */
static int pipe_open(int ends[2], int ours)
{
	if (pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[ours], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

struct streams {
	int command[3]; /* the command's ends */
	int init[3];    /* init's ends */
};

static int streams_open_tty(struct session *session, struct streams *streams)
{
	const struct auk_run *run = session->command->run;
	int slave = -1, ends[2];

	session->tty = tty_open(run, &slave);
	if (session->tty < 0)
		return session->tty;
	for (int i = 0; i < 3; i++) {
		streams->command[i] = slave;
		streams->init[i] = session->tty;
	}
	streams->init[2] = -1;
	if (run->flags & AUK_RUN_STDERR) {
		int error = pipe_open(ends, 0);

		if (error != 0)
			return error;
		streams->init[2] = ends[0];
		streams->command[2] = ends[1];
	}
	return 0;
}

static int streams_open_pipes(struct streams *streams)
{
	for (int i = 0; i < 3; i++) {
		int ends[2], ours = i == 0 ? 1 : 0;
		int error = pipe_open(ends, ours);

		if (error != 0)
			return error;
		streams->init[i] = ends[ours];
		streams->command[i] = ends[!ours];
	}
	return 0;
}

static void streams_close_command(const struct streams *streams)
{
	for (int i = 0; i < 3; i++)
		if (i == 0 || streams->command[i] != streams->command[0])
			close(streams->command[i]);
}

/* --- The launcher's messages --- */

static void handle_signal(const struct session *session, uint32_t signal_number)
{
	pid_t group = session->tty >= 0 ? tcgetpgrp(session->tty) : session->pid;

	if (!session->exited && group > 1)
		kill(-group, signal_number);
}

static void handle_window(const struct session *session, const struct auk_window *window)
{
	struct winsize size = {.ws_row = window->rows, .ws_col = window->cols};

	if (session->tty >= 0)
		ioctl(session->tty, TIOCSWINSZ, &size);
}

/* The command gets SIGPIPE at its next write; what has been read from it is still delivered. */
static void handle_output_gone(struct session *session, uint32_t stream)
{
	struct pump *pump = stream == 2 ? &session->err : &session->out;

	if (pump->from < 0 || pump->from == session->tty)
		return;
	close(pump->from);
	pump->from = -1;
	pump->from_ended = true;
}

static void handle_message(struct session *session, const struct auk_msg *msg, const char *payload)
{
	uint32_t word = 0;
	uint64_t bytes = 0;

	if (msg->len_bytes >= sizeof(word))
		memcpy(&word, payload, sizeof(word));
	if (msg->len_bytes >= sizeof(bytes))
		memcpy(&bytes, payload, sizeof(bytes));
	switch (msg->type) {
	case AUK_MSG_WINDOW:
		if (msg->len_bytes >= sizeof(struct auk_window))
			handle_window(session, (const struct auk_window *)payload);
		break;
	case AUK_MSG_SIGNAL:
		handle_signal(session, word);
		break;
	case AUK_MSG_STDIN_END:
		pump_end_at(&session->in, bytes);
		break;
	case AUK_MSG_OUTPUT_GONE:
		handle_output_gone(session, word);
		break;
	default:
		dprintf(2, "auk-init: message of unknown type %u\n", msg->type);
	}
}

static void handle_messages(struct session *session)
{
	const struct auk_msg *msg;
	const char *payload;

	channel_run(session->channel);
	while ((msg = channel_next(session->channel, &payload)) != NULL) {
		handle_message(session, msg, payload);
		channel_drop(session->channel);
	}
}

/* --- The loop --- */

/* Reaps whatever has ended; process 1 inherits every orphan. */
static void reap(struct session *session)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != session->pid)
			continue;
		session->exited = true;
		session->status =
		    WIFEXITED(status) ? WEXITSTATUS(status) : AUK_EXIT_SIGNAL + WTERMSIG(status);
	}
}

/* Passes the end of standard input on, and tells the launcher when nobody reads it. */
static void stdin_follow(struct session *session)
{
	struct pump *in = &session->in;

	if (in->to_ended && !session->stdin_gone) {
		session->stdin_gone = true;
		channel_send(session->channel, AUK_MSG_STDIN_GONE, NULL, 0);
	}
	if (session->tty < 0 && in->to >= 0 && (in->to_ended || pump_done(in))) {
		close(in->to);
		in->to = -1;
		in->to_ended = true;
		session->stdin_gone = true;
	}
}

static bool draining(const struct session *session)
{
	return session->exited && session->out.fill == 0 && session->err.fill == 0;
}

/* One turn.  Returns false when there is nothing more to be done. */
static bool session_turn(struct session *session, const sigset_t *mask)
{
	struct timespec drain = {.tv_nsec = session->tty >= 0 ? TTY_DRAIN_MS * 1000000L : 0};
	struct pollfd polls[AT_COUNT];
	bool last = draining(session);
	bool interrupted;
	int ready;

	channel_poll(session->channel, &polls[AT_CTL]);
	pump_poll(&session->in, &polls[AT_IN], &polls[AT_IN + 1]);
	pump_poll(&session->out, &polls[AT_OUT], &polls[AT_OUT + 1]);
	pump_poll(&session->err, &polls[AT_ERR], &polls[AT_ERR + 1]);
	if (last)
		polls[AT_CTL].fd = polls[AT_IN].fd = polls[AT_IN + 1].fd = -1;
	ready = ppoll(polls, AT_COUNT, last ? &drain : NULL, mask);
	interrupted = ready < 0 && errno == EINTR;	/* reap's waitpid leaves its own errno */
	reap(session);
	if (ready < 0)
		return interrupted;
	if (last && (ready == 0 || (session->out.from_ended && session->err.from_ended)))
		return false;
	if (polls[AT_CTL].fd >= 0 && polls[AT_CTL].revents != 0)
		handle_messages(session);
	pump_run(&session->in, &polls[AT_IN], &polls[AT_IN + 1]);
	pump_run(&session->out, &polls[AT_OUT], &polls[AT_OUT + 1]);
	pump_run(&session->err, &polls[AT_ERR], &polls[AT_ERR + 1]);
	stdin_follow(session);
	return !session->channel->ended;
}

/* No process may still write when the file systems are brought to rest. */
static void kill_the_rest(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void send_started(struct channel *channel)
{
	struct utsname name;
	char text[sizeof(name.sysname) + sizeof(name.release) + 1];

	if (uname(&name) < 0)
		return;
	snprintf(text, sizeof(text), "%s %s", name.sysname, name.release);
	channel_send(channel, AUK_MSG_STARTED, text, strlen(text));
}

static void send_failed(struct channel *channel, const char *what, int error)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", what, strerror(-error));
	channel_send(channel, AUK_MSG_FAILED, text, strlen(text));
}

static int session_start(struct session *session, const struct ports *ports)
{
	struct streams streams;
	bool tty = session->command->run->flags & AUK_RUN_TTY;
	int error = tty ? streams_open_tty(session, &streams) : streams_open_pipes(&streams);

	if (error != 0) {
		send_failed(session->channel, "cannot open the command's streams", error);
		return error;
	}
	session->pid = command_start(session->command, streams.command, tty);
	streams_close_command(&streams);
	if (session->pid < 0) {
		send_failed(session->channel, "cannot fork", session->pid);
		return session->pid;
	}
	pump_init(&session->in, ports->stdio, streams.init[0], PUMP_BUFFER_BYTES);
	pump_init(&session->out, streams.init[1], ports->stdio, PUMP_BUFFER_BYTES);
	pump_init(&session->err, streams.init[2], ports->stderr_, PUMP_BUFFER_BYTES);
	send_started(session->channel);
	return 0;
}

void session_run(const struct command *command, const struct ports *ports, struct channel *channel)
{
	static struct session session;
	struct auk_exit end = {0};
	sigset_t mask;

	session = (struct session){.command = command, .channel = channel, .tty = -1};
	signal(SIGPIPE, SIG_IGN);
	sigchld_block(&mask);
	if (session_start(&session, ports) != 0)
		return;
	while (session_turn(&session, &mask))
		;
	kill_the_rest();
	rootfs_quiesce();
	end.status = session.status;
	end.stdout_bytes = session.out.read_bytes;
	end.stderr_bytes = session.err.read_bytes;
	channel_send(channel, AUK_MSG_EXIT, &end, sizeof(end));
}

static void channel_wait(struct channel *channel)
{
	struct pollfd poll_fd;

	channel_poll(channel, &poll_fd);
	if (poll(&poll_fd, 1, -1) > 0)
		channel_run(channel);
}

const struct auk_msg *session_wait_channel(struct channel *channel, const char **payload)
{
	const struct auk_msg *msg;

	while ((msg = channel_next(channel, payload)) == NULL) {
		if (channel->ended)
			return NULL;
		channel_wait(channel);
	}
	return msg;
}

void session_flush(struct channel *channel)
{
	const char *payload;

	while (session_wait_channel(channel, &payload) != NULL)
		channel_drop(channel);
}
