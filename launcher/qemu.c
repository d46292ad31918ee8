/*
 * See qemu.h.
 *
 * Source: qemu-system-x86_64(1); QEMU's docs/system/i386/microvm.rst
 */
#define _GNU_SOURCE
#include "qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/auk-init/protocol.h"

#define STOP_WAIT_MS 3000
#define PORTS 3

/* Commas separate QEMU's options; two stand for one. */
static const char *escape(const char *value)
{
	char *out = must_alloc(2 * strlen(value) + 1), *to = out;

	for (; *value != '\0'; value++) {
		*to++ = *value;
		if (*value == ',')
			*to++ = ',';
	}
	*to = '\0';
	return out;
}

/* A virtio device's name: over PCI, or over MMIO on a microvm. */
static const char *virtio(const struct args *args, const char *kind)
{
	return text("virtio-%s-%s", kind, args->machine == MACHINE_MICROVM ? "device" : "pci");
}

static void add(struct list *argv, const char *option, const char *value)
{
	list_add(argv, option);
	list_add(argv, value);
}

static void add_machine(struct list *argv, const struct args *args, bool kvm)
{
	static const char *const extras[] = {
	    [MACHINE_PC] = ",usb=off,vmport=off",
	    [MACHINE_Q35] = ",usb=off,vmport=off,sata=off,smbus=off",
	    [MACHINE_MICROVM] = ",rtc=on,isa-serial=on",
	};

	add(argv, "-machine", text("%s%s", machine_name(args->machine), extras[args->machine]));
	if (args->machine == MACHINE_MICROVM)
		add(argv, "-global", "virtio-mmio.force-legacy=false");
	if (kvm) {
		add(argv, "-accel", "kvm");
		add(argv, "-cpu", "host");
	} else {
		add(argv, "-accel", args->cpus > 1 ? "tcg,thread=multi" : "tcg,thread=single");
		add(argv, "-cpu", "max");
	}
	add(argv, "-smp", text("%u", args->cpus));
	add(argv, "-m", text("%luM", (unsigned long)args->memory_mib));
}

static void add_kernel(struct list *argv, const struct args *args, const struct kernel *kernel,
		       int initramfs)
{
	const char *root = args->root_kind == ROOT_DIR ? "root=" AUK_TAG_ROOT " rootfstype=9p"
						       : "root=/dev/vda rootfstype=ext4";

	add(argv, "-kernel", kernel->path);
	add(argv, "-initrd", text("/proc/self/fd/%d", initramfs));
	add(argv, "-append",
	    text("console=ttyS0 panic=-1 %s%s%s%s%s%s", root, args->verbose ? "" : " quiet",
		 *args->net_dhcp ? " auk.net=" : "", args->net_dhcp, *args->append ? " " : "",
		 args->append));
}

static void add_share(struct list *argv, const struct args *args, const char *path, const char *tag,
		      bool readonly)
{
	add(argv, "-fsdev",
	    text("local,id=%s,path=%s,security_model=none,multidevs=remap%s", tag, escape(path),
		 readonly ? ",readonly=on" : ""));
	add(argv, "-device", text("%s,fsdev=%s,mount_tag=%s", virtio(args, "9p"), tag, tag));
}

static void add_disk(struct list *argv, const struct args *args, size_t index, const char *drive,
		     const char *props)
{
	add(argv, "-drive", text("if=none,id=disk%zu,%s", index, drive));
	add(argv, "-device", text("%s,drive=disk%zu%s", virtio(args, "blk"), index, props));
}

static void add_storage(struct list *argv, const struct args *args)
{
	size_t disks = 0;

	if (args->root_kind == ROOT_DIR)
		add_share(argv, args, args->root, AUK_TAG_ROOT, true);
	else
		add_disk(argv, args, disks++,
			 text("file=%s,format=%s", escape(args->root), args->root_format), "");
	for (size_t i = 0; i < args->shares.count; i++)
		add_share(argv, args, args->shares.items[i], text(AUK_TAG_RW "%zu", i), false);
	for (size_t i = 0; i < args->drives.count; i++)
		add_disk(argv, args, disks++, args->drives.items[i], args->drive_props.items[i]);
}

static void add_ports(struct list *argv, const struct args *args, const int ends[PORTS])
{
	static const char *const names[PORTS] = {AUK_PORT_CTL, AUK_PORT_STDIO, AUK_PORT_STDERR};

	add(argv, "-device", text("%s,id=ports,max_ports=%d", virtio(args, "serial"), PORTS + 1));
	for (int i = 0; i < PORTS; i++) {
		add(argv, "-chardev", text("socket,id=port%d,fd=%d", i, ends[i]));
		add(argv, "-device",
		    text("virtserialport,bus=ports.0,nr=%d,chardev=port%d,name=%s", i + 1, i,
			 names[i]));
	}
}

static void add_rest(struct list *argv, const struct args *args, const char *log)
{
	add(argv, "-chardev", text("file,id=console,path=%s", escape(log)));
	add(argv, "-serial", "chardev:console");
	add(argv, "-device", "isa-debug-exit,iobase=0xf4,iosize=4");
	add(argv, "-object", "rng-random,id=random,filename=/dev/urandom");
	add(argv, "-device", text("%s,rng=random", virtio(args, "rng")));
	for (size_t i = 0; i < args->nics.count; i++) {
		add(argv, "-netdev", args->nics.items[i]);
		/* Over PCI it would bring a boot ROM, which nobody runs. */
		add(argv, "-device",
		    text("%s,netdev=net%zu%s%s", virtio(args, "net"), i, args->nic_props.items[i],
			 args->machine == MACHINE_MICROVM ? "" : ",romfile="));
	}
}

void qemu_base(struct list *argv)
{
	static const char *const base[] = {"qemu-system-x86_64", "-nodefaults", "-no-user-config",
					   "-display",           "none",        "-no-reboot"};

	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++)
		list_add(argv, base[i]);
}

pid_t qemu_spawn(const struct list *argv, const int *keep, size_t keep_count, int output)
{
	pid_t parent = getpid(), pid = fork();
	sigset_t none;

	if (pid < 0)
		die(125, "cannot fork: %s", strerror(errno));
	if (pid > 0)
		return pid;
	/* Ctrl-C is not for QEMU, and without the launcher it has nothing to do. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(125);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	for (size_t i = 0; i < keep_count; i++)
		fcntl(keep[i], F_SETFD, 0);
	execvp(argv->items[0], argv->items);
	dprintf(STDERR_FILENO, "%s: %s; `make setup` installs it\n", argv->items[0],
		strerror(errno));
	_exit(AUK_EXIT_NOT_FOUND);
}

static void open_port(int *ours, int *theirs)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die(125, "cannot make a socket pair: %s", strerror(errno));
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*ours = ends[0];
	*theirs = ends[1];
}

void qemu_start(struct qemu *qemu, const struct args *args, const struct kernel *kernel,
		int initramfs, const char *log, bool kvm)
{
	struct list argv = {0};
	int keep[PORTS + 1];

	open_port(&qemu->ctl, &keep[0]);
	open_port(&qemu->stdio, &keep[1]);
	open_port(&qemu->stderr_, &keep[2]);
	keep[PORTS] = initramfs;
	qemu_base(&argv);
	add_machine(&argv, args, kvm);
	add_kernel(&argv, args, kernel, initramfs);
	add_storage(&argv, args);
	add_ports(&argv, args, keep);
	add_rest(&argv, args, log);

	qemu->messages = memfd_create("qemu-messages", MFD_CLOEXEC);
	if (qemu->messages < 0)
		die(125, "cannot make a memory file: %s", strerror(errno));
	qemu->pid = qemu_spawn(&argv, keep, PORTS + 1, qemu->messages);
	qemu->pidfd = syscall(SYS_pidfd_open, qemu->pid, 0);
	if (qemu->pidfd < 0)
		die(125, "pidfd_open: %s", strerror(errno));
	for (int i = 0; i < PORTS; i++)
		close(keep[i]);
}

int qemu_stop(struct qemu *qemu)
{
	struct pollfd ended = {.fd = qemu->pidfd, .events = POLLIN};
	int status = 0;

	/* SIGTERM lets it write its disks back. */
	kill(qemu->pid, SIGTERM);
	if (poll(&ended, 1, STOP_WAIT_MS) <= 0)
		kill(qemu->pid, SIGKILL);
	while (waitpid(qemu->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}
