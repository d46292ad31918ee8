/*
 * 9P2000.L on the wire: numbers, strings, and the structures of replies.  Pure: memory in, values out.
 *
 * All integers are little-endian; a string is a u16 length and bytes without NUL.  A message is
 * size[4] type[1] tag[2] and its fields.  Reading past the end sets `bad` and gives zeroes, so that a whole message
 * is decoded first and checked once; writing past the end sets `bad` too.
 *
 * Source: the 9P manual pages of Plan 9, section 5; the 9P2000.L description of diod (protocol.md).
 */
#ifndef FS_9P_WIRE_H
#define FS_9P_WIRE_H

#include "base/types.h"

enum p9_type {
	P9_RLERROR = 7,
	P9_TSTATFS = 8, P9_TLOPEN = 12, P9_TLCREATE = 14, P9_TSYMLINK = 16, P9_TMKNOD = 18, P9_TRENAME = 20,
	P9_TREADLINK = 22, P9_TGETATTR = 24, P9_TSETATTR = 26, P9_TXATTRWALK = 30, P9_TXATTRCREATE = 32,
	P9_TREADDIR = 40, P9_TFSYNC = 50, P9_TLOCK = 52, P9_TGETLOCK = 54, P9_TLINK = 70, P9_TMKDIR = 72,
	P9_TRENAMEAT = 74, P9_TUNLINKAT = 76, P9_TVERSION = 100, P9_TATTACH = 104, P9_TFLUSH = 108, P9_TWALK = 110,
	P9_TREAD = 116, P9_TWRITE = 118, P9_TCLUNK = 120, P9_TREMOVE = 122,
};	/* the reply to T is T + 1, or RLERROR */

enum {
	P9_HEADER_BYTES = 7,
	P9_READ_HEADER_BYTES = 11,	/* Rread, Rreaddir: header, count[4] */
	P9_WRITE_HEADER_BYTES = 23,	/* Twrite: header, fid[4], offset[8], count[4] */
	P9_IO_OVERHEAD = 24,		/* what a message of data needs besides the data, at most */
	P9_QID_BYTES = 13,
	P9_NOTAG = 0xffff,
	P9_WALK_MAX = 16,		/* names in one Twalk */
	P9_NAME_MAX = 255,
};
#define P9_NOFID 0xffffffffu

enum { P9_QTDIR = 0x80, P9_QTSYMLINK = 0x02 };	/* qid.type */

enum { P9_GETATTR_BASIC = 0x7ff, P9_GETATTR_BTIME = 0x800 };

enum {	/* Tsetattr's valid */
	P9_SET_MODE = 1, P9_SET_UID = 2, P9_SET_GID = 4, P9_SET_SIZE = 8, P9_SET_ATIME = 16, P9_SET_MTIME = 32,
	P9_SET_CTIME = 64, P9_SET_ATIME_SET = 128, P9_SET_MTIME_SET = 256,
};

struct p9_qid {
	u8 type;
	u32 version;
	u64 path;
};

struct p9_time {
	u64 sec, nsec;
};

struct p9_attr {		/* Rgetattr */
	u64 valid;
	struct p9_qid qid;
	u32 mode, uid, gid;
	u64 nlink, rdev, size, blksize, blocks;
	struct p9_time atime, mtime, ctime, btime;
	u64 gen, data_version;
};

struct p9_setattr {		/* Tsetattr */
	u32 valid, mode, uid, gid;
	u64 size;
	struct p9_time atime, mtime;
};

struct p9_statfs {		/* Rstatfs */
	u32 type, bsize;
	u64 blocks, bfree, bavail, files, ffree, fsid;
	u32 namelen;
};

struct p9_dirent {		/* one entry of Rreaddir */
	struct p9_qid qid;
	u64 offset;		/* where to go on after it */
	u8 type;		/* DT_* */
	u16 name_len;
	const char *name;	/* within the buffer, no NUL */
};

struct p9_writer {
	u8 *buf;
	u32 size, len;
	bool bad;
};

struct p9_reader {
	const u8 *buf;
	u32 len, at;
	bool bad;
};

void p9_put_u8(struct p9_writer *w, u8 v);
void p9_put_u16(struct p9_writer *w, u16 v);
void p9_put_u32(struct p9_writer *w, u32 v);
void p9_put_u64(struct p9_writer *w, u64 v);
void p9_put_string(struct p9_writer *w, const char *s, size_t len);	/* bad if longer than 65535 */
void p9_put_setattr(struct p9_writer *w, const struct p9_setattr *sa);

/** p9_message_begin - header of a message; p9_message_end fills in its size. @payload_bytes: what follows from elsewhere */
void p9_message_begin(struct p9_writer *w, u8 type, u16 tag);
void p9_message_end(struct p9_writer *w, u32 payload_bytes);

u8 p9_get_u8(struct p9_reader *r);
u16 p9_get_u16(struct p9_reader *r);
u32 p9_get_u32(struct p9_reader *r);
u64 p9_get_u64(struct p9_reader *r);
/** p9_get_string - *s points into the message. Return: its length; 0 and `bad` if it is cut short */
u16 p9_get_string(struct p9_reader *r, const char **s);
void p9_get_qid(struct p9_reader *r, struct p9_qid *qid);
void p9_get_attr(struct p9_reader *r, struct p9_attr *a);
void p9_get_statfs(struct p9_reader *r, struct p9_statfs *s);

/**
 * p9_reply_check - the header of a reply
 * @buf, @len:  what the server wrote, as far as it lies in the header's buffer
 * @total:      bytes that it wrote in all
 * @type, @tag: of the request
 * @r:          out: the fields behind the header
 * Return: 0, the error of an Rlerror (negative), -EIO if the reply is damaged or another's
 */
MUST_CHECK int p9_reply_check(const u8 *buf, u32 len, u32 total, u8 type, u16 tag, struct p9_reader *r);

/**
 * p9_dirent_parse - the entry at the start of a piece of directory data
 * Return: its length in bytes, 0 at the end of the data, -EIO if it is cut short or its name is no name
 */
MUST_CHECK int p9_dirent_parse(const u8 *buf, u32 len, struct p9_dirent *out);

#endif
