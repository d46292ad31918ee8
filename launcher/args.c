/* See args.h. */
#define _GNU_SOURCE
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define CPUS_MAX 64
#define MEMORY_MIB_MIN 32
#define MEMORY_MIB_MAX (1u << 20)
#define SHARES_MAX 16
#define DISKS_MAX 16
#define NICS_MAX 8
#define TIMEOUT_S_MAX 1e7
#define EXT4_MAGIC_AT (1024 + 56)

static const char help[] =
    "usage: auk run [OPTION]... [--] [COMMAND [ARG...]]\n"
    "\n"
    "Boots a machine, runs COMMAND in it and ends with its exit status; with no COMMAND, a login\n"
    "shell on a terminal, or commands from standard input where that is no terminal.\n"
    "\n"
    "  -c CPUS             1 to 64; 1 if not given\n"
    "  -m SIZE             memory, 32M to 1024G; 1G if not given\n"
    "  --root DIR          the root file system: DIR, which stays as it is, and a tmpfs that\n"
    "                      takes all changes; / if not given\n"
    "  --root IMAGE        the root file system: an ext4 image, changed in place\n"
    "  --rw DIR            DIR is the host's own and may be changed\n"
    "  --disk FILE[,OPT]   a disk; OPT: format=raw|qcow2, readonly, snapshot, serial=NAME,\n"
    "                      queues=N\n"
    "  --nic none|user     no network (if not given), or QEMU's user network, set up by DHCP;\n"
    "                      user,OPT, tap,OPT and socket,OPT go to QEMU's -netdev;\n"
    "                      mac=52:54:00:12:34:56 among OPT is the card's address\n"
    "  --kernel FILE       any Linux kernel, a bzImage or an ELF file; Auk's if not given\n"
    "  --modules DIR       its modules; ../lib/modules/VERSION beside FILE if not given\n"
    "  --accel WHICH       auto, kvm or tcg; auto takes kvm where a trial guest runs on it\n"
    "  --machine TYPE      pc, q35 or microvm; q35 if not given\n"
    "  --append STR        more kernel parameters\n"
    "  --timeout SEC       end the machine after SEC seconds\n"
    "  --log FILE          kernel messages go there\n"
    "  --verbose           and to standard error\n"
    "\n"
    "Exit status: COMMAND's (128 + N if signal N ended it, 127 not found, 126 not executable),\n"
    "124 after a time-out, 125 after a kernel panic or if the machine could not run, 2 for wrong\n"
    "arguments.  Ctrl-] three times ends the machine from the terminal.\n";

enum {
	OPT_ROOT = 256,
	OPT_RW,
	OPT_DISK,
	OPT_NIC,
	OPT_KERNEL,
	OPT_MODULES,
	OPT_ACCEL,
	OPT_MACHINE,
	OPT_APPEND,
	OPT_TIMEOUT,
	OPT_LOG,
	OPT_VERBOSE,
	OPT_HELP,
};

static const struct option options[] = {
    {"cpus", required_argument, NULL, 'c'},
    {"memory", required_argument, NULL, 'm'},
    {"root", required_argument, NULL, OPT_ROOT},
    {"rw", required_argument, NULL, OPT_RW},
    {"disk", required_argument, NULL, OPT_DISK},
    {"nic", required_argument, NULL, OPT_NIC},
    {"kernel", required_argument, NULL, OPT_KERNEL},
    {"modules", required_argument, NULL, OPT_MODULES},
    {"accel", required_argument, NULL, OPT_ACCEL},
    {"machine", required_argument, NULL, OPT_MACHINE},
    {"append", required_argument, NULL, OPT_APPEND},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"log", required_argument, NULL, OPT_LOG},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char *const accel_names[] = {"auto", "kvm", "tcg", NULL};
static const char *const machine_names[] = {"pc", "q35", "microvm", NULL};

const char *machine_name(enum machine machine)
{
	return machine_names[machine];
}

void args_help(void)
{
	fputs(help, stdout);
}

static int parse_choice(const char *option, const char *value, const char *const *names,
			const char *accepted)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(value, names[i]) == 0)
			return i;
	die(EXIT_USAGE, "%s %s: it is one of %s", option, value, accepted);
}

static unsigned parse_number(const char *option, const char *value, unsigned long max)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number < 1 ||
	    number > max)
		die(EXIT_USAGE, "%s %s: it is a whole number from 1 to %lu", option, value, max);
	return number;
}

static uint64_t parse_memory_mib(const char *value)
{
	char *end;
	uint64_t number, mib = 0;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (number > (uint64_t)MEMORY_MIB_MAX * 1024 || errno != 0 || value[0] == '-')
		number = 0;
	if (strcmp(end, "") == 0 || strcasecmp(end, "M") == 0 || strcasecmp(end, "MiB") == 0)
		mib = number;
	else if (strcasecmp(end, "G") == 0 || strcasecmp(end, "GiB") == 0)
		mib = number * 1024;
	else if (strcasecmp(end, "K") == 0 || strcasecmp(end, "KiB") == 0)
		mib = number / 1024;
	if (mib < MEMORY_MIB_MIN || mib > MEMORY_MIB_MAX)
		die(EXIT_USAGE, "-m %s: it is 32M to 1024G, with K, M (if none is given) or G",
		    value);
	return mib;
}

static double parse_timeout(const char *value)
{
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || *end != '\0' || !(seconds > 0) || seconds > TIMEOUT_S_MAX)
		die(EXIT_USAGE, "--timeout %s: it is a number of seconds above 0", value);
	return seconds;
}

static const char *absolute(const char *option, const char *value)
{
	char *path = realpath(value, NULL);

	if (path == NULL)
		die(EXIT_USAGE, "%s %s: %s", option, value, strerror(errno));
	return path;
}

static bool starts_with_at(const char *path, off_t at, const void *magic, size_t len)
{
	char bytes[8];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same;

	if (fd < 0)
		return false;
	same = pread(fd, bytes, len, at) == (ssize_t)len && memcmp(bytes, magic, len) == 0;
	close(fd);
	return same;
}

static const char *image_format(const char *path)
{
	return starts_with_at(path, 0, "QFI\xfb", 4) ? "qcow2" : "raw";
}

static void parse_root(struct args *args, const char *value)
{
	struct stat st;

	args->root = absolute("--root", value);
	if (stat(args->root, &st) < 0 || access(args->root, R_OK) < 0)
		die(EXIT_USAGE, "--root %s: %s", value, strerror(errno));
	args->root_kind = S_ISDIR(st.st_mode) ? ROOT_DIR : ROOT_IMAGE;
	if (args->root_kind == ROOT_DIR)
		return;
	args->root_format = image_format(args->root);
	if (strcmp(args->root_format, "raw") == 0 &&
	    !starts_with_at(args->root, EXT4_MAGIC_AT, "\x53\xef", 2))
		die(EXIT_USAGE,
		    "--root %s: it is a directory, or an image that holds ext4 (raw or qcow2)",
		    value);
}

static void parse_share(struct args *args, const char *value)
{
	const char *path = absolute("--rw", value);
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		die(EXIT_USAGE, "--rw %s: it is a directory", value);
	if (strcmp(path, "/") == 0)
		die(EXIT_USAGE, "--rw %s: it is a directory below /", value);
	if (args->shares.count == SHARES_MAX)
		die(EXIT_USAGE, "--rw %s: there are %d already, as many as there can be", value,
		    SHARES_MAX);
	if (!list_has(&args->shares, path))
		list_add(&args->shares, path);
}

/* One option of --disk; what belongs to the drive and what to its device go apart. */
static void parse_disk_option(const char *value, const char *option, char **drive, char **props)
{
	if (strcmp(option, "format=raw") == 0 || strcmp(option, "format=qcow2") == 0)
		*drive = text("%s,%s", *drive, option);
	else if (strcmp(option, "readonly") == 0 || strcmp(option, "snapshot") == 0)
		*drive = text("%s,%s=on", *drive, option);
	else if (strncmp(option, "serial=", 7) == 0 && option[7] != '\0')
		*props = text("%s,%s", *props, option);
	else if (strncmp(option, "queues=", 7) == 0)
		*props =
		    text("%s,num-queues=%u", *props, parse_number("queues", option + 7, CPUS_MAX));
	else
		die(EXIT_USAGE,
		    "--disk %s: %s is not one of format=raw|qcow2, readonly, snapshot, "
		    "serial=NAME, queues=N",
		    value, option);
}

static void parse_disk(struct args *args, const char *value)
{
	char *copy = text("%s", value), *next = NULL;
	char *file = strtok_r(copy, ",", &next), *option;
	char *drive, *props = text("%s", "");

	if (file == NULL || access(file, R_OK) < 0)
		die(EXIT_USAGE, "--disk %s: %s", value,
		    file == NULL ? "it is FILE[,OPTION...]" : strerror(errno));
	if (args->drives.count == DISKS_MAX)
		die(EXIT_USAGE, "--disk %s: there are %d already, as many as there can be", value,
		    DISKS_MAX);
	drive = text("file=%s", file);
	if (strstr(value, ",format=") == NULL)
		drive = text("%s,format=%s", drive, image_format(file));
	while ((option = strtok_r(NULL, ",", &next)) != NULL)
		parse_disk_option(value, option, &drive, &props);
	list_add(&args->drives, drive);
	list_add(&args->drive_props, props);
}

/* What QEMU's -netdev takes, type by type: qemu-system-x86_64(1). */
static const struct {
	const char *type, *options[24];
} nic_types[] = {
    {"user",
     {"bootfile", "dhcpstart", "dns", "dnssearch", "domainname", "guestfwd", "host", "hostfwd",
      "hostname", "ipv4", "ipv6", "ipv6-dns", "ipv6-host", "ipv6-net", "net", "restrict", "smb",
      "smbserver", "tftp", "tftp-server-name"}},
    {"tap",
     {"br", "downscript", "fd", "fds", "helper", "ifname", "poll-us", "queues", "script", "sndbuf",
      "vhost", "vhostfd", "vhostfds", "vhostforce", "vnet_hdr"}},
    {"socket", {"connect", "fd", "listen", "localaddr", "mcast", "udp"}},
};

static bool is_mac(const char *value)
{
	for (int i = 0; i < 17; i++)
		if (i % 3 == 2 ? value[i] != ':' : !isxdigit((unsigned char)value[i]))
			return false;
	return value[17] == '\0';
}

/* One option of --nic; mac=, and how many queues, are the card's. */
static void parse_nic_option(const char *value, size_t type, const char *option, char **props)
{
	size_t name_len = strcspn(option, "=");

	if (strncmp(option, "mac=", 4) == 0) {
		if (!is_mac(option + 4))
			die(EXIT_USAGE, "--nic %s: %s is not like mac=52:54:00:12:34:56", value, option);
		*props = text("%s,%s", *props, option);
		return;
	}
	if (strncmp(option, "queues=", 7) == 0)
		*props = text("%s,mq=on", *props);
	for (const char *const *name = nic_types[type].options; *name != NULL; name++)
		if (strlen(*name) == name_len && strncmp(option, *name, name_len) == 0 &&
		    option[name_len] == '=' && option[name_len + 1] != '\0')
			return;
	die(EXIT_USAGE, "--nic %s: %s is not mac=MAC, nor OPTION=VALUE with an option of QEMU's -netdev %s",
	    value, option[0] == '\0' ? "an empty option" : option, nic_types[type].type);
}

static size_t parse_nic_type(const char *value)
{
	size_t type_len = strcspn(value, ",");

	for (size_t i = 0; i < sizeof(nic_types) / sizeof(nic_types[0]); i++)
		if (strlen(nic_types[i].type) == type_len && strncmp(value, nic_types[i].type, type_len) == 0)
			return i;
	die(EXIT_USAGE, "--nic %s: it is none, user[,OPT...], tap[,OPT...] or socket[,OPT...]",
	    value);
}

static void parse_nic(struct args *args, const char *value)
{
	char *copy = text("%s", value), *option, *netdev, *props = text("%s", "");
	size_t type;

	if (strcmp(value, "none") == 0)
		return;
	if (args->nics.count == NICS_MAX)
		die(EXIT_USAGE, "--nic %s: there are %d already, as many as there can be", value,
		    NICS_MAX);
	type = parse_nic_type(value);
	strsep(&copy, ",");
	netdev = text("%s,id=net%zu", nic_types[type].type, args->nics.count);
	while ((option = strsep(&copy, ",")) != NULL) {
		parse_nic_option(value, type, option, &props);
		if (strncmp(option, "mac=", 4) != 0)
			netdev = text("%s,%s", netdev, option);
	}
	if (type == 0)
		args->net_dhcp = text("%s%seth%zu", args->net_dhcp, *args->net_dhcp ? "," : "", args->nics.count);
	list_add(&args->nics, netdev);
	list_add(&args->nic_props, props);
}

static void parse_file(const char *option, const char *value)
{
	struct stat st;

	if (access(value, R_OK) < 0)
		die(EXIT_USAGE, "%s %s: %s", option, value, strerror(errno));
	if (stat(value, &st) == 0 && S_ISDIR(st.st_mode))
		die(EXIT_USAGE, "%s %s: it is a file, not a directory", option, value);
}

static void parse_option(struct args *args, int option, const char *value)
{
	switch (option) {
	case 'c':
		args->cpus = parse_number("-c", value, CPUS_MAX);
		break;
	case 'm':
		args->memory_mib = parse_memory_mib(value);
		break;
	case OPT_ROOT:
		parse_root(args, value);
		break;
	case OPT_RW:
		parse_share(args, value);
		break;
	case OPT_DISK:
		parse_disk(args, value);
		break;
	case OPT_NIC:
		parse_nic(args, value);
		break;
	case OPT_KERNEL:
		parse_file("--kernel", value);
		args->kernel = value;
		break;
	case OPT_MODULES:
		args->modules = absolute("--modules", value);
		break;
	case OPT_ACCEL:
		args->accel = parse_choice("--accel", value, accel_names, "auto, kvm, tcg");
		break;
	case OPT_MACHINE:
		args->machine = parse_choice("--machine", value, machine_names, "pc, q35, microvm");
		break;
	case OPT_APPEND:
		args->append = value;
		break;
	case OPT_TIMEOUT:
		args->timeout_s = parse_timeout(value);
		break;
	case OPT_LOG:
		args->log = value;
		break;
	case OPT_VERBOSE:
		args->verbose = true;
		break;
	default:
		args_help();
		exit(0);
	}
}

void args_parse(struct args *args, int argc, char **argv)
{
	int option;

	*args = (struct args){
	    .cpus = 1,
	    .memory_mib = 1024,
	    .root_kind = ROOT_DIR,
	    .root = "/",
	    .append = "",
	    .net_dhcp = "",
	    .accel = ACCEL_AUTO,
	    .machine = MACHINE_Q35,
	};
	opterr = 0;
	/* '+': what follows COMMAND is COMMAND's; ':' tells a missing value from a wrong option. */
	while ((option = getopt_long(argc, argv, "+:c:m:h", options, NULL)) != -1) {
		if (option == ':')
			die(EXIT_USAGE, "%s needs a value; auk run --help lists the options",
			    argv[optind - 1]);
		if (option == '?')
			die(EXIT_USAGE, "%s is not an option; auk run --help lists them",
			    argv[optind - 1]);
		parse_option(args, option, optarg);
	}
	for (int i = optind; i < argc; i++)
		list_add(&args->command, argv[i]);
}
