/*
 * Reading the command line: words separated by blanks, double quotes keep blanks together.
 */
#include "base/string.h"
#include "init/cmdline.h"
#include "kern/printk.h"

enum { TEXT_MAX = 4096 };

struct cmdline cmdline;
static char text[TEXT_MAX];

static void set_loglevel(const char *value)
{
	u64 level;

	if (!value || parse_u64(value, 10, &level) || level > 15)
		pr_warn("loglevel=%s: a number from 0 to 15 is wanted", value ? value : "");
	else
		log_set_console_level((int)level);
}

static void set_quiet(const char *value) { cmdline.quiet = true; log_set_console_level(LOG_WARNING); }
static void set_debug(const char *value) { log_set_console_level(LOG_DEBUG + 1); }
static void set_init(const char *value) { cmdline.init = value; }
static void set_rdinit(const char *value) { cmdline.rdinit = value; }
static void set_root(const char *value) { cmdline.root = value; }
static void set_rootfstype(const char *value) { cmdline.rootfstype = value; }
static void set_rootflags(const char *value) { cmdline.rootflags = value; }
static void set_ro(const char *value) { cmdline.root_rw = false; }
static void set_rw(const char *value) { cmdline.root_rw = true; }

/* Words of other layers, which find them in plat_cmdline() themselves, or that change nothing here. */
static void elsewhere(const char *value) {}

static const struct {
	const char *name;
	void (*set)(const char *value);
} known[] = {
	{ "quiet", set_quiet }, { "debug", set_debug }, { "loglevel", set_loglevel }, { "init", set_init }, { "rdinit", set_rdinit },
	{ "root", set_root }, { "rootfstype", set_rootfstype }, { "rootflags", set_rootflags }, { "ro", set_ro }, { "rw", set_rw },
	{ "console", elsewhere }, { "virtio_mmio.device", elsewhere }, { "earlycon", elsewhere }, { "panic", elsewhere },
	{ "mitigations", elsewhere }, { "reboot", elsewhere }, { "rootwait", elsewhere }, { "tsc", elsewhere }, { "pci", elsewhere },
	{ "BOOT_IMAGE", elsewhere }, { "kasan_multi_shot", elsewhere }, { "kasan_test", elsewhere }, { "kasan_die", elsewhere }, { "kasan_overflow", elsewhere }, { "ubsan_test", elsewhere },
};

/* "MODULE.option=": drivers find these by param_u64(). */
static const char *const modules[] = { "brd.", "loop.", "null_blk.", "nvme." };

/* The next word, its quotes removed; NULL at the end. */
static char *next_word(char **at)
{
	char *p = *at, *out, *start;
	bool quoted = false;

	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	if (!*p)
		return NULL;
	for (start = out = p; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (*p == '"')
			quoted = !quoted;
		else
			*out++ = *p;
	}
	*at = *p ? p + 1 : p;
	*out = 0;
	return start;
}

static bool apply(char *word)
{
	char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);

	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].name) == len && !memcmp(word, known[i].name, len)) {
			known[i].set(value ? value + 1 : NULL);
			return true;
		}
	for (u32 i = 0; i < ARRAY_SIZE(modules); i++)
		if (str_starts_with(word, modules[i]))
			return true;
	return false;
}

static void to_init(const char *word)
{
	bool env = strchr(word, '=') != NULL;

	if (env && cmdline.envc < INIT_WORDS_MAX)
		cmdline.env[cmdline.envc++] = word;
	else if (!env && cmdline.argc < INIT_WORDS_MAX)
		cmdline.args[cmdline.argc++] = word;
}

void cmdline_parse(const char *from)
{
	bool rest = false;
	char *at = text, *word;

	strscpy(text, from, sizeof(text));
	while ((word = next_word(&at)) != NULL) {
		if (!rest && !strcmp(word, "--")) {
			rest = true;
		} else if (rest && cmdline.argc < INIT_WORDS_MAX) {
			cmdline.args[cmdline.argc++] = word;
		} else if (!apply(word)) {
			if (!strchr(word, '.'))	/* "module.option=": of a module that is not there; init has no use for it */
				to_init(word);
			pr_notice("unknown kernel argument \"%s\"", word);
		}
	}
}
