/* newc cpio archives; see cpio.h. */
#include <linux/errno.h>

#include "base/cpio.h"
#include "base/string.h"

enum {
	HEADER_BYTES = 110,
	FIELD_COUNT = 13,
	FIELD_BYTES = 8,
	MAGIC_BYTES = 6,
};

enum field {
	FIELD_INO,
	FIELD_MODE,
	FIELD_UID,
	FIELD_GID,
	FIELD_NLINK,
	FIELD_MTIME,
	FIELD_SIZE,
	FIELD_DEV_MAJOR,
	FIELD_DEV_MINOR,
	FIELD_RDEV_MAJOR,
	FIELD_RDEV_MINOR,
	FIELD_NAME_SIZE,
	FIELD_CHECK,
};

void cpio_init(struct cpio *cpio, const void *image, size_t len)
{
	*cpio = (struct cpio){ .image = image, .len = len };
}

static int damaged(struct cpio *cpio, const char *error, size_t at)
{
	cpio->error = error;
	cpio->error_at = at;
	return -EINVAL;
}

/* Eight hexadecimal digits; false if one is none. */
static bool parse_field(const u8 *text, u32 *out)
{
	u32 value = 0;

	for (unsigned i = 0; i < FIELD_BYTES; i++) {
		u8 c = text[i];
		u8 lower = c | 0x20;

		if (c >= '0' && c <= '9')
			value = value << 4 | (u32)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (u32)(lower - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

static int parse_header(struct cpio *cpio, u32 field[FIELD_COUNT])
{
	const u8 *header = cpio->image + cpio->at;

	if (cpio->len - cpio->at < HEADER_BYTES)
		return damaged(cpio, "the header is cut short", cpio->at);
	if (memcmp(header, "070701", MAGIC_BYTES) != 0 &&
	    memcmp(header, "070702", MAGIC_BYTES) != 0)
		return damaged(cpio, "no newc header (070701 or 070702)", cpio->at);
	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		size_t at = MAGIC_BYTES + i * FIELD_BYTES;

		if (!parse_field(header + at, &field[i]))
			return damaged(cpio, "a header field is not hexadecimal", cpio->at + at);
	}
	return 0;
}

/* Name and data, with their offsets checked; @cpio moves on. */
static int locate(struct cpio *cpio, const u32 field[FIELD_COUNT], struct cpio_entry *entry)
{
	size_t name_at = cpio->at + HEADER_BYTES;
	size_t name_size = field[FIELD_NAME_SIZE];
	size_t data_at = cpio->at + ALIGN_UP(HEADER_BYTES + name_size, 4);
	const char *name = (const char *)cpio->image + name_at;

	if (name_size > cpio->len - name_at)
		return damaged(cpio, "the name reaches past the end", name_at);
	if (name_size < 2 || name[0] == '\0')
		return damaged(cpio, "the name is empty", name_at);
	entry->name_len = strnlen(name, name_size);
	if (entry->name_len == name_size)
		return damaged(cpio, "the name has no NUL at its end", name_at);
	if (!mem_is_zero(name + entry->name_len, name_size - entry->name_len))
		return damaged(cpio, "the name has a NUL in it", name_at + entry->name_len);
	data_at = MIN(data_at, cpio->len);	/* the padding may be missing at the end */
	if (field[FIELD_SIZE] > cpio->len - data_at)
		return damaged(cpio, "the data reach past the end", data_at);
	entry->name = name;
	entry->data = cpio->image + data_at;
	entry->data_len = field[FIELD_SIZE];
	cpio->at = MIN(data_at + ALIGN_UP((size_t)field[FIELD_SIZE], 4), cpio->len);
	return 0;
}

int cpio_next(struct cpio *cpio, struct cpio_entry *entry)
{
	u32 field[FIELD_COUNT];
	size_t offset = cpio->at;
	int err;

	if (cpio->error)
		return -EINVAL;
	if (cpio->at == cpio->len)
		return 0;
	err = parse_header(cpio, field);
	if (err)
		return err;
	*entry = (struct cpio_entry){
		.ino = field[FIELD_INO],
		.mode = field[FIELD_MODE],
		.uid = field[FIELD_UID],
		.gid = field[FIELD_GID],
		.nlink = field[FIELD_NLINK],
		.mtime_s = field[FIELD_MTIME],
		.dev_major = field[FIELD_DEV_MAJOR],
		.dev_minor = field[FIELD_DEV_MINOR],
		.rdev_major = field[FIELD_RDEV_MAJOR],
		.rdev_minor = field[FIELD_RDEV_MINOR],
		.check = field[FIELD_CHECK],
		.offset = offset,
	};
	err = locate(cpio, field, entry);
	if (err)
		return err;
	return strcmp(entry->name, "TRAILER!!!") != 0;
}

bool cpio_next_archive(struct cpio *cpio)
{
	while (cpio->at < cpio->len && cpio->image[cpio->at] == 0)
		cpio->at++;
	return cpio->at < cpio->len;
}
