/* Files of /proc and /proc/sys that programs read. */
#include "abi.h"
#include <dirent.h>

static void shape(const char *path, const char *want)
{
	YES(path, strstr(get_file(path), want));
}

void abi_test(void)
{
	char text[64];

	shape("/proc/meminfo", "MemTotal: ");
	shape("/proc/meminfo", "MemAvailable: ");
	shape("/proc/cpuinfo", "processor\t: 0\n");
	shape("/proc/cpuinfo", "flags\t\t: ");
	shape("/proc/stat", "cpu  ");
	shape("/proc/stat", "\ncpu0 ");
	shape("/proc/stat", "\nbtime ");
	shape("/proc/filesystems", "nodev\ttmpfs\n");
	shape("/proc/filesystems", "nodev\tproc\n");
	shape("/proc/filesystems", "nodev\toverlay\n");
	shape("/proc/version", "Linux version 6.1.");
	double up = 0, idle = 0;
	VAL("/proc/uptime", sscanf(get_file("/proc/uptime"), "%lf %lf", &up, &idle));
	double a, b, c;
	int running, all, last;
	VAL("/proc/loadavg", sscanf(get_file("/proc/loadavg"), "%lf %lf %lf %d/%d %d", &a, &b, &c, &running, &all, &last));
	YES("/proc/cmdline", strstr(get_file("/proc/cmdline"), "console=ttyS0"));
	YES("/proc/devices", strstr(get_file("/proc/devices"), "Character devices:\n"));
	YES("/proc/interrupts", strstr(get_file("/proc/interrupts"), "CPU0"));
	STR("ostype", get_file("/proc/sys/kernel/ostype"));
	STR("pid_max is over 300", atoi(get_file("/proc/sys/kernel/pid_max")) > 300 ? "yes" : "no");
	STR("ngroups_max", get_file("/proc/sys/kernel/ngroups_max"));
	STR("cap_last_cap", get_file("/proc/sys/kernel/cap_last_cap"));
	STR("overflowuid", get_file("/proc/sys/kernel/overflowuid"));
	STR("randomize_va_space", get_file("/proc/sys/kernel/randomize_va_space"));
	STR("core_pattern", get_file("/proc/sys/kernel/core_pattern"));
	STR("nr_open", get_file("/proc/sys/fs/nr_open"));
	STR("pipe-max-size", get_file("/proc/sys/fs/pipe-max-size"));
	STR("overcommit_memory", get_file("/proc/sys/vm/overcommit_memory"));
	STR("max_map_count", get_file("/proc/sys/vm/max_map_count"));
	STR("suid_dumpable", get_file("/proc/sys/fs/suid_dumpable"));
	STR("inotify max_queued_events", get_file("/proc/sys/fs/inotify/max_queued_events"));
	VAL("boot_id", strlen(get_file("/proc/sys/kernel/random/boot_id")));
	snprintf(text, sizeof(text), "%s", get_file("/proc/sys/kernel/random/uuid"));
	YES("uuid changes", strlen(text) == 37 && strcmp(text, get_file("/proc/sys/kernel/random/uuid")));
	RET("write domainname", poke_file("/proc/sys/kernel/domainname", "example"));
	STR("a written value", get_file("/proc/sys/kernel/domainname"));
	APART(become(1000); RET("writing as a user", open("/proc/sys/kernel/domainname", O_WRONLY)));
	RET("a read-only one", open("/proc/sys/kernel/ostype", O_WRONLY) >= 0 ? write(open("/proc/sys/kernel/ostype", O_WRONLY), "x", 1) : -1);
	int fd = open("/proc/sys/kernel/pid_max", O_RDWR);
	RET("no number", write(fd, "abc", 3));
	RET("out of range", write(fd, "1", 1));
	RET("missing", open("/proc/sys/kernel/nonsense", O_RDONLY));
	struct stat st;
	stat("/proc/meminfo", &st);
	say("a proc file", "%#o size %ld", st.st_mode, (long)st.st_size);
	fd = open("/proc/version", O_RDONLY);
	YES("lseek in a proc file", lseek(fd, 6, SEEK_SET) == 6 && read(fd, text, 7) == 7 && !memcmp(text, "version", 7));
	int dirs = 0, me = 0;
	DIR *d = opendir("/proc");
	struct dirent *e;
	while ((e = readdir(d))) {
		dirs += !strcmp(e->d_name, "sys") || !strcmp(e->d_name, "self");
		me += atoi(e->d_name) == getpid();
	}
	say("listing of /proc", "%d %d", dirs, me);
	STR("/proc/mounts is a link to", (memset(text, 0, sizeof(text)), readlink("/proc/mounts", text, sizeof(text)), text));
	RET("/sys/kernel", access("/sys/kernel", F_OK));
	RET("/sys/devices/system/cpu/online", access("/sys/devices/system/cpu/online", R_OK));
	YES("/sys/devices/system/cpu/possible", get_file("/sys/devices/system/cpu/possible")[0] == '0');
	RET("mkdir in /sys", mkdir("/sys/x", 0755));
}
