/*
 * Feeds: replies of a 9P server to fs/9p/wire.c: headers, attributes, statfs, strings, directory data.  Nothing may be read outside of the reply, which
 * lies in memory of its own size.
 *
 * Cannot catch: what the client makes of values that are well formed and wrong; tests/fuzz/mount9p does.
 */
#include "fs/9p/wire.h"
#include "tests/fuzz/fuzz.h"

void *malloc(size_t n);
void free(void *p);

static void fields(struct p9_reader r, u8 kind)
{
	struct p9_attr a;
	struct p9_statfs s;
	struct p9_qid q;
	const char *name;

	while (!r.bad && r.at < r.len) {
		u32 before = r.at;

		if (kind % 4 == 0)
			p9_get_attr(&r, &a);
		else if (kind % 4 == 1)
			p9_get_statfs(&r, &s);
		else if (kind % 4 == 2)
			p9_get_qid(&r, &q);
		else {
			u16 n = p9_get_string(&r, &name);

			FUZZ_MUST(r.bad ? !n : (const u8 *)name + n <= r.buf + r.len);
		}
		FUZZ_MUST(r.at <= r.len && (r.bad || r.at > before));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	if (len < 2)
		return 0;
	u8 kind = data[0], type = data[1];
	u32 n = (u32)(len - 2);
	u8 *reply = malloc(n + !n);
	struct p9_reader r;
	struct p9_dirent e;
	int step;

	memcpy(reply, data + 2, n);
	int err = p9_reply_check(reply, n, n, type, 1, &r);

	FUZZ_MUST(err <= 0 && err >= -4095);
	if (!err)
		fields(r, kind);
	fields((struct p9_reader){ .buf = reply, .len = n }, kind);
	for (u32 at = 0; (step = p9_dirent_parse(reply + at, n - at, &e)) > 0; at += (u32)step) {
		FUZZ_MUST((u32)step <= n - at && e.name_len >= 1 && e.name_len <= P9_NAME_MAX);
		FUZZ_MUST((const u8 *)e.name >= reply && (const u8 *)e.name + e.name_len <= reply + n);
		for (u16 i = 0; i < e.name_len; i++)
			FUZZ_MUST(e.name[i] && e.name[i] != '/');
	}
	free(reply);
	return 0;
}
