/* Mounts that travel between peers and from masters to slaves: mount_namespaces(7). */
#include "abi.h"

/* The propagation fields of what is mounted at @point (the topmost), group numbers as letters in the order of their first sight. */
static const char *fields(const char *point)
{
	static char out[256];
	static unsigned seen[26];
	char line[1024], where[256];
	FILE *f = fopen("/proc/self/mountinfo", "r");

	strcpy(out, "not mounted");
	while (fgets(line, sizeof(line), f)) {
		char *end = strstr(line, " - "), *at;
		int n = 0;

		if (sscanf(line, "%*d %*d %*s %*s %255s %*s%n", where, &n) != 1 || !n || !strstr(where, point) ||
		    strcmp(strstr(where, point), point))
			continue;
		*end = 0;
		out[0] = 0;
		for (at = strtok(line + n, " "); at; at = strtok(NULL, " ")) {
			char *colon = strchr(at, ':');
			unsigned id = colon ? atoi(colon + 1) : 0, i = 0;

			if (colon)
				colon[1] = 0;
			sprintf(out + strlen(out), "%s%s", out[0] ? " " : "", at);
			while (colon && i < 26 && seen[i] && seen[i] != id)
				i++;
			if (colon) {
				seen[i] = id;
				sprintf(out + strlen(out), "%c", 'A' + i);
			}
		}
		if (!out[0])
			strcpy(out, "private");
	}
	fclose(f);
	return out;
}

static int make(const char *point, unsigned long type) { return mount(NULL, point, NULL, type, NULL); }
static int tmp(const char *point) { return mount("tmpfs", point, "tmpfs", 0, NULL); }
static int bind_at(const char *from, const char *to, unsigned long more) { return mount(from, to, NULL, MS_BIND | more, NULL); }

static void mark(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	put_file(path, "", 0644);
}

static const char *here(const char *path) { return access(path, F_OK) == 0 ? "yes" : "no"; }

static void peers(void)
{
	tmp("pa");
	mkdir("pa/x", 0755);
	mkdir("pa/y", 0755);
	mkdir("pa/y/z", 0755);
	STR("a new mount", fields("/pa"));
	OK("make it shared", make("pa", MS_SHARED));
	STR("shared", fields("/pa"));
	OK("bind", bind_at("pa", "pb", 0));
	STR("a peer", fields("/pb"));
	OK("bind a part", bind_at("pa/y", "pc", 0));
	STR("a peer of a part", fields("/pc"));
	tmp("pa/x");
	mark("pa/x", "one");
	STR("travels", here("pb/x/one"));
	STR("the copies are peers", fields("/pb/x"));
	STR("and the first is shared", fields("/pa/x"));
	tmp("pc/z");
	mark("pc/z", "two");
	STR("from the part to the whole", here("pa/y/z/two"));
	STR("and the other", here("pb/y/z/two"));
	STR("not into the part", here("pc/x"));
	int fd = open("pb/x/one", O_RDONLY);
	RET("umount, busy at a peer", umount("pa/x"));
	close(fd);
	OK("umount", umount("pa/x"));
	STR("gone everywhere", here("pb/x/one"));
	tmp("pa/x");
	mkdir("pa/x/deep", 0755);
	make("pb/x", MS_PRIVATE);
	STR("one copy private", fields("/pb/x"));
	tmp("pb/x/deep");
	mark("pb/x/deep", "three");
	STR("its children stay there", here("pa/x/deep/three"));
	OK("umount where a peer has children", umount("pa/x"));
	STR("that peer keeps it", here("pb/x/deep/three"));
	OK("umount of the child", umount("pb/x/deep"));
	OK("and of it", umount("pb/x"));
	OK("umount of the child of a part", umount("pa/y/z"));
	STR("is gone there too", here("pc/z/two"));
}

static void slaves(void)
{
	OK("make a slave", make("pb", MS_SLAVE));
	STR("slave", fields("/pb"));
	tmp("pa/x");
	mark("pa/x", "four");
	STR("from master to slave", here("pb/x/four"));
	STR("the copy is a slave", fields("/pb/x"));
	umount("pa/x");
	STR("umounts too", here("pb/x/four"));
	tmp("pb/x");
	mark("pb/x", "five");
	STR("not from slave to master", here("pa/x/five"));
	STR("private below a slave", fields("/pb/x"));
	tmp("pa/x");
	mark("pa/x", "six");
	STR("the slave's own stays on top", here("pb/x/five"));
	umount("pb/x");
	STR("the master's was below", here("pb/x/six"));
	umount("pa/x");
	STR("and goes", here("pb/x/six"));
	OK("bind a slave", bind_at("pb", "pd", 0));
	STR("a slave of the same", fields("/pd"));
	OK("a slave becomes shared", make("pb", MS_SHARED));
	STR("shared and slave", fields("/pb"));
	OK("bind it", bind_at("pb", "pe", 0));
	STR("a peer and a slave", fields("/pe"));
	tmp("pb/x");
	mark("pb/x", "seven");
	STR("to its peer", here("pe/x/seven"));
	STR("not to the master", here("pa/x/seven"));
	STR("not to the other slave", here("pd/x/seven"));
	umount("pe/x");
	tmp("pa/x");
	mark("pa/x", "eight");
	STR("master to the first", here("pb/x/eight"));
	STR("and its peer", here("pe/x/eight"));
	STR("and the other slave", here("pd/x/eight"));
	STR("fields of the first", fields("/pb/x"));
	STR("fields of its peer", fields("/pe/x"));
	STR("fields of the other", fields("/pd/x"));
	OK("lazy umount", umount2("pa/x", MNT_DETACH));
	STR("gone from all", here("pe/x/eight"));
	OK("slave again", make("pe", MS_SLAVE));
	STR("of its former peers", fields("/pe"));
	OK("the first private", make("pb", MS_PRIVATE));
	STR("its slave moves up", fields("/pe"));
	umount("pc");
	OK("the last master goes", umount("pa"));
	STR("its slaves are private", fields("/pe"));
	STR("all", fields("/pd"));
	umount("pe");
	umount("pd");
	umount("pb");
}

static void moves(void)
{
	tmp("pa");
	mkdir("pa/x", 0755);
	mkdir("pa/w", 0755);
	make("pa", MS_SHARED);
	bind_at("pa", "pb", 0);
	tmp("pa/x");
	RET("move out of a shared parent", mount("pa/x", "pc", NULL, MS_MOVE, NULL));
	umount("pa/x");
	tmp("pc");
	mark("pc", "nine");
	OK("move into a shared one", mount("pc", "pa/w", NULL, MS_MOVE, NULL));
	STR("travels", here("pb/w/nine"));
	STR("is shared", fields("/pa/w"));
	umount("pa/w");
	tmp("pc");
	mkdir("pc/in", 0755);
	tmp("pc/in");
	mark("pc/in", "ten");
	OK("rbind a private tree into it", bind_at("pc", "pa/w", MS_REC));
	STR("all of it travels", here("pb/w/in/ten"));
	STR("its child", fields("/pb/w/in"));
	STR("the original", fields("/pc/in"));
	OK("lazy umount of the tree", umount2("pb/w", MNT_DETACH));
	STR("gone", here("pa/w/in/ten"));
	OK("make unbindable", make("pc/in", MS_UNBINDABLE));
	STR("unbindable", fields("/pc/in"));
	RET("bind it", bind_at("pc/in", "pd", 0));
	OK("rbind above it", bind_at("pc", "pd", MS_REC));
	STR("left out", here("pd/in/ten"));
	umount("pd");
	RET("move a tree with it into a shared one", mount("pc", "pa/w", NULL, MS_MOVE, NULL));
	umount("pc/in");
	umount("pc");
	umount("pb");
	umount("pa");
}

static void name_spaces(void)
{
	tmp("pa");
	mkdir("pa/x", 0755);
	mkdir("pa/y", 0755);
	make("pa", MS_SHARED);
	APART(
		unshare(CLONE_NEWNS);
		STR("the copy in a new name space", fields("/pa"));
		tmp("pa/x");
		mark("pa/x", "eleven");
		make("pa", MS_SLAVE);
		tmp("pa/y");
		mark("pa/y", "twelve");
	);
	STR("travels out", here("pa/x/eleven"));
	STR("but from a slave", here("pa/y/twelve"));
	umount("pa/x");
	OK("recursively private", mount(NULL, "pa", NULL, MS_PRIVATE | MS_REC, NULL));
	STR("private", fields("/pa"));
	umount("pa");
}

void abi_test(void)
{
	for (int i = 0; i < 5; i++) {
		char name[3] = { 'p', 'a' + i, 0 };

		mkdir(name, 0755);
	}
	peers();
	slaves();
	moves();
	name_spaces();
}
