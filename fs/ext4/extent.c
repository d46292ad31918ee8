/*
 * The extent tree of a file: from logical blocks to runs of physical ones.
 *
 * The root lies in the inode (four entries); every other node fills a block and ends in a checksum.  A node is checked once,
 * when it is read: magic, depth, order, and that the blocks that it names may belong to a file.
 *
 * Changes never lose a mapping when there is no room: an extent is split before a part of it is changed, and a split that
 * fails is undone.  The caller enters the inode in the transaction afterwards (ext4_inode_dirty).
 *
 * Locks: map_lock, shared for looking, exclusive for changes.
 */
#include "fs/ext4/ext4.h"

struct level { struct buf *b; struct ext4_extent_header *eh; int pos; };
struct path_ext { u32 depth; struct level l[EXT_DEPTH_MAX + 1]; };

static struct ext4_extent *ext_at(const struct ext4_extent_header *eh, int k) { return (struct ext4_extent *)(u64)(eh + 1) + k; }
static struct ext4_extent_idx *idx_at(const struct ext4_extent_header *eh, int k) { return (struct ext4_extent_idx *)(u64)(eh + 1) + k; }
static struct ext4_extent_header *root_of(struct ext4_inode *e) { return (void *)e->block; }
static bool ext_unwritten(const struct ext4_extent *x) { return x->ee_len > EXT_LEN_MAX; }
static u32 ext_len(const struct ext4_extent *x) { return ext_unwritten(x) ? (u32)x->ee_len - EXT_LEN_MAX : x->ee_len; }
static u64 ext_pblk(const struct ext4_extent *x) { return ext4_join(x->ee_start_lo, x->ee_start_hi); }
static u64 ext_end(const struct ext4_extent *x) { return (u64)x->ee_block + ext_len(x); }
static u64 idx_pblk(const struct ext4_extent_idx *x) { return ext4_join(x->ei_leaf_lo, x->ei_leaf_hi); }

static void ext_set(struct ext4_extent *x, u32 lblk, u32 len, u64 pblk, bool unwritten)
{
	*x = (struct ext4_extent){ .ee_block = lblk, .ee_len = (u16)(unwritten ? len + EXT_LEN_MAX : len),
				   .ee_start_lo = (u32)pblk, .ee_start_hi = (u16)(pblk >> 32) };
}

static void ext_set_len(struct ext4_extent *x, u32 len)
{
	x->ee_len = (u16)(ext_unwritten(x) ? len + EXT_LEN_MAX : len);
}

void ext_init_root(struct ext4_inode *e)
{
	memset(e->block, 0, sizeof(e->block));
	*root_of(e) = (struct ext4_extent_header){ .eh_magic = EXT_MAGIC, .eh_max = 4 };
}

void map_cache_drop(struct ext4_inode *e)
{
	spin_lock(&e->da_lock);
	e->cache.len = 0;
	spin_unlock(&e->da_lock);
}

/* ---- checks ---- */

static bool leaf_sane(const struct ext4 *fs, const struct inode *i, const struct ext4_extent_header *eh)
{
	u64 end = 0;

	for (int k = 0; k < eh->eh_entries; k++) {
		const struct ext4_extent *x = ext_at(eh, k);

		if (!ext_len(x) || (k && x->ee_block < end) || ext_end(x) > 1ull << 32 || !ext4_data_valid(fs, ext_pblk(x), ext_len(x)))
			return false;
		end = ext_end(x);
	}
	return true;
}

static bool index_sane(const struct ext4 *fs, const struct ext4_extent_header *eh)
{
	for (int k = 0; k < eh->eh_entries; k++)
		if ((k && idx_at(eh, k)->ei_block <= idx_at(eh, k - 1)->ei_block) || !ext4_data_valid(fs, idx_pblk(idx_at(eh, k)), 1))
			return false;
	return true;
}

static int node_check(struct inode *i, const struct ext4_extent_header *eh, u32 depth, u32 max, u64 block)
{
	struct ext4 *fs = ext4_of(i);
	const char *what = NULL;

	if (eh->eh_magic != EXT_MAGIC)
		what = "magic";
	else if (eh->eh_depth != depth)
		what = "depth";
	else if (!eh->eh_max || eh->eh_max > max || eh->eh_entries > eh->eh_max)
		what = "number of entries";
	else if (depth && !eh->eh_entries)
		what = "lack of entries";
	else if (depth ? !index_sane(fs, eh) : !leaf_sane(fs, i, eh))
		what = "entries";
	return what ? ext4_error_inode(i, "extent node at block %llu: bad %s", block, what) : 0;
}

int ext_check_root(struct inode *i)
{
	struct ext4_extent_header *eh = root_of(ext4_i(i));

	if (eh->eh_depth > EXT_DEPTH_MAX)
		return ext4_error_inode(i, "extent tree of depth %u", eh->eh_depth);
	return node_check(i, eh, eh->eh_depth, 4, 0);
}

static u32 node_max(const struct ext4 *fs)
{
	return (fs->block_bytes - 12) / 12;
}

static struct buf *node_read(struct inode *i, u64 block, u32 depth)
{
	struct ext4 *fs = ext4_of(i);
	struct buf *b = buf_read(fs, block, BUF_EXTENT);
	struct ext4_extent_header *eh;

	if (IS_ERR(b))
		return b;
	eh = (void *)b->data;
	if (!(b->flags & BUF_VERIFIED)) {
		u32 at = 12 + 12 * (u32)eh->eh_max;
		int err = node_check(i, eh, depth, node_max(fs), block);

		if (!err && fs->csum && at + 4 <= fs->block_bytes && get_le32(b->data + at) != crc32c(ext4_i(i)->csum_seed, b->data, at)) {
			ext4_error_inode(i, "extent node at block %llu: the checksum is wrong", block);
			err = -EFSBADCRC;
		}
		if (err) {
			buf_put(b);
			return ERR_PTR(err);
		}
		b->seed = ext4_i(i)->csum_seed;
		__atomic_fetch_or(&b->flags, BUF_VERIFIED, __ATOMIC_SEQ_CST);
	} else if (eh->eh_depth != depth) {
		buf_put(b);
		return ERR_PTR(ext4_error_inode(i, "block %llu is not the extent node that it should be", block));
	}
	return b;
}

/* ---- finding ---- */

static void path_free(struct path_ext *p)
{
	for (u32 k = 1; k <= p->depth; k++) {
		buf_put(p->l[k].b);
		p->l[k].b = NULL;
	}
}

/* The last entry that begins at or before @lblk; -1 if there is none. Entries of both kinds begin with their block. */
static int node_search(const struct ext4_extent_header *eh, u32 lblk)
{
	int lo = 0, hi = eh->eh_entries;

	while (lo < hi) {
		int mid = (lo + hi) / 2;

		if (ext_at(eh, mid)->ee_block <= lblk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

/* Whether a node keeps to [@lo, @hi), which is what the entries above leave to it. */
static bool node_within(const struct ext4_extent_header *eh, u64 lo, u64 hi)
{
	if (!eh->eh_entries)
		return true;
	u64 end = eh->eh_depth ? idx_at(eh, eh->eh_entries - 1)->ei_block + 1ull : ext_end(ext_at(eh, eh->eh_entries - 1));

	return ext_at(eh, 0)->ee_block >= lo && end <= hi;
}

/* From the root to the leaf where @lblk is or would be; in the leaf pos may be -1. */
static int path_find(struct inode *i, u32 lblk, struct path_ext *p)
{
	struct ext4_inode *e = ext4_i(i);
	struct ext4_extent_header *eh = root_of(e);
	u64 hi = 1ull << 32;

	p->depth = eh->eh_depth;
	if (p->depth > EXT_DEPTH_MAX)
		return -EFSCORRUPTED;
	for (u32 k = 0; k <= p->depth; k++)
		p->l[k].b = NULL;
	p->l[0] = (struct level){ NULL, eh, node_search(eh, lblk) };
	for (u32 k = 0; k < p->depth; k++) {
		if (p->l[k].pos < 0)
			p->l[k].pos = 0;
		const struct ext4_extent_idx *x = idx_at(eh, p->l[k].pos);
		struct buf *b = node_read(i, idx_pblk(x), p->depth - k - 1);

		if (IS_ERR(b)) {
			path_free(p);
			return (int)PTR_ERR(b);
		}
		if (p->l[k].pos + 1 < eh->eh_entries)
			hi = (x + 1)->ei_block;
		if (!node_within((void *)b->data, x->ei_block, hi)) {
			buf_put(b);
			path_free(p);
			return ext4_error_inode(i, "extent node at block %llu: it goes past its neighbours", idx_pblk(x));
		}
		eh = (void *)b->data;
		p->l[k + 1] = (struct level){ b, eh, node_search(eh, lblk) };
	}
	return 0;
}

/* The first logical block that belongs to what comes after the leaf entry at pos; 1 << 32: nothing does. */
static u64 path_next(const struct path_ext *p)
{
	for (int k = (int)p->depth; k >= 0; k--)
		if (p->l[k].pos + 1 < p->l[k].eh->eh_entries)
			return ext_at(p->l[k].eh, p->l[k].pos + 1)->ee_block;
	return 1ull << 32;
}

static bool cache_hit(struct ext4_inode *e, u32 lblk, u32 max, struct map *out)
{
	spin_lock(&e->da_lock);
	struct map_cache *c = &e->cache;
	bool hit = c->len && lblk - c->lblk < c->len;

	if (hit) {
		u32 off = lblk - c->lblk;

		*out = (struct map){ .lblk = lblk, .len = MIN(max, c->len - off), .pblk = c->flags ? c->pblk + off : 0, .flags = c->flags };
	}
	spin_unlock(&e->da_lock);
	return hit;
}

static int ext_map(struct inode *i, u32 lblk, u32 max, struct map *out)
{
	struct ext4_inode *e = ext4_i(i);
	struct path_ext p;
	struct map_cache c;

	if (cache_hit(e, lblk, max, out))
		return 0;
	int err = path_find(i, lblk, &p);

	if (err)
		return err;
	struct level *leaf = &p.l[p.depth];
	struct ext4_extent *x = leaf->pos >= 0 ? ext_at(leaf->eh, leaf->pos) : NULL;

	if (x && ext_end(x) > lblk)
		c = (struct map_cache){ x->ee_block, ext_len(x), ext_pblk(x), ext_unwritten(x) ? MAP_UNWRITTEN : MAP_MAPPED };
	else
		c = (struct map_cache){ lblk, (u32)MIN(path_next(&p) - lblk, 0xffffffffull), 0, 0 };
	path_free(&p);
	spin_lock(&e->da_lock);
	e->cache = c;
	spin_unlock(&e->da_lock);
	u32 off = lblk - c.lblk;

	*out = (struct map){ .lblk = lblk, .len = MIN(max, c.len - off), .pblk = c.flags ? c.pblk + off : 0, .flags = c.flags };
	return 0;
}

int ext4_map_locked(struct inode *i, u32 lblk, u32 max, struct map *out)
{
	if (ext4_has_extents(ext4_i(i)))
		return ext_map(i, lblk, max, out);
	return ind_map(i, lblk, max, out);
}

int ext4_map(struct inode *i, u32 lblk, u32 max, struct map *out)
{
	struct ext4_inode *e = ext4_i(i);

	if (cache_hit(e, lblk, max, out))
		return 0;
	rwsem_read_lock(&e->map_lock);
	int err = ext4_map_locked(i, lblk, max, out);

	rwsem_read_unlock(&e->map_lock);
	return err;
}

int ext_find_next(struct inode *i, u32 lblk, struct map *out)
{
	u64 at = lblk;

	while (at < 1ull << 32) {
		int err = ext4_map(i, (u32)at, ~0u, out);

		if (err || out->flags)
			return err;
		if (!out->len)
			break;
		at += out->len;
		if (!ext4_has_extents(ext4_i(i)) && at << ext4_of(i)->block_bits >= inode_size(i))
			break;
		if (at + 1 >= 1ull << 32)
			break;
	}
	*out = (struct map){ .lblk = (u32)at };
	return 0;
}

/* ---- changing ---- */

static void level_dirty(struct handle *h, struct level *l)
{
	if (l->b)
		jh_modify(h, l->b);
}

static void entries_move(struct ext4_extent_header *eh, int from, int to)
{
	memmove(ext_at(eh, to), ext_at(eh, from), (size_t)(eh->eh_entries - from) * 12);
}

/* The first key of a leaf became smaller or larger: the indexes above follow. */
static void path_fix_keys(struct handle *h, struct path_ext *p)
{
	u32 key = ext_at(p->l[p->depth].eh, 0)->ee_block;

	if (!p->l[p->depth].eh->eh_entries)
		return;
	for (int k = (int)p->depth - 1; k >= 0; k--) {
		struct ext4_extent_idx *x = idx_at(p->l[k].eh, p->l[k].pos);

		if (x->ei_block == key)
			break;
		level_dirty(h, &p->l[k]);
		x->ei_block = key;
		if (p->l[k].pos)
			break;
	}
}

static void count_blocks(struct inode *i, s64 n)
{
	ext4_i(i)->meta_blocks += (u64)n;
	i->blocks = ext4_i(i)->meta_blocks << (ext4_of(i)->block_bits - 9);
}

/* The root becomes a block of its own below a new root with one entry. */
static int grow(struct handle *h, struct inode *i)
{
	struct ext4_inode *e = ext4_i(i);
	struct ext4_extent_header *root = root_of(e), *eh;

	if (root->eh_depth >= EXT_DEPTH_MAX)
		return -EFBIG;
	struct buf *b = balloc_meta(h, i, e->goal, BUF_EXTENT);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	memcpy(b->data, e->block, sizeof(e->block));
	eh = (void *)b->data;
	eh->eh_max = (u16)node_max(ext4_of(i));
	u32 key = root->eh_entries ? ext_at(root, 0)->ee_block : 0;

	root->eh_depth++;
	root->eh_entries = 1;
	*idx_at(root, 0) = (struct ext4_extent_idx){ .ei_block = key, .ei_leaf_lo = (u32)b->block, .ei_leaf_hi = (u16)(b->block >> 32) };
	memset(idx_at(root, 1), 0, 36);
	count_blocks(i, 1);
	buf_put(b);
	return 0;
}

/* Split the full node at level @k, whose parent has room. An entry for @lblk is to come. */
static int split(struct handle *h, struct inode *i, struct path_ext *p, u32 k, u32 lblk)
{
	struct level *node = &p->l[k], *up = &p->l[k - 1];
	struct ext4_extent_header *eh = node->eh, *fresh;
	int n = eh->eh_entries, m = n / 2;

	if (ext_at(eh, n - 1)->ee_block < lblk)
		m = k == p->depth ? n : n - 1;	/* appended: the old node stays full */
	struct buf *b = balloc_meta(h, i, node->b->block, BUF_EXTENT);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	level_dirty(h, node);
	level_dirty(h, up);
	fresh = (void *)b->data;
	*fresh = (struct ext4_extent_header){ .eh_magic = EXT_MAGIC, .eh_max = (u16)node_max(ext4_of(i)), .eh_depth = eh->eh_depth,
					      .eh_entries = (u16)(n - m) };
	memcpy(ext_at(fresh, 0), ext_at(eh, m), (size_t)(n - m) * 12);
	u32 key = m < n ? ext_at(eh, m)->ee_block : lblk;

	eh->eh_entries = (u16)m;
	entries_move(up->eh, up->pos + 1, up->pos + 2);
	up->eh->eh_entries++;
	*idx_at(up->eh, up->pos + 1) = (struct ext4_extent_idx){ .ei_block = key, .ei_leaf_lo = (u32)b->block,
								 .ei_leaf_hi = (u16)(b->block >> 32) };
	count_blocks(i, 1);
	buf_put(b);
	return 0;
}

static bool full(const struct level *l)
{
	return l->eh->eh_entries >= l->eh->eh_max;
}

/* A path to a leaf that has room for an entry at @lblk. */
static int path_with_room(struct handle *h, struct inode *i, u32 lblk, struct path_ext *p)
{
	for (unsigned rounds = 0; rounds < 4 * EXT_DEPTH_MAX; rounds++) {
		int err = path_find(i, lblk, p);

		if (err || !full(&p->l[p->depth]))
			return err;
		u32 k = p->depth;

		while (k && full(&p->l[k]))
			k--;
		err = full(&p->l[k]) ? grow(h, i) : split(h, i, p, k + 1, lblk);
		path_free(p);
		if (err)
			return err;
	}
	return -EFSCORRUPTED;
}

/* Put an entry into the leaf of @p after pos. */
static void leaf_put(struct handle *h, struct path_ext *p, u32 lblk, u32 len, u64 pblk, bool unwritten)
{
	struct level *leaf = &p->l[p->depth];
	int at = leaf->pos + 1;

	level_dirty(h, leaf);
	entries_move(leaf->eh, at, at + 1);
	leaf->eh->eh_entries++;
	ext_set(ext_at(leaf->eh, at), lblk, len, pblk, unwritten);
	leaf->pos = at;
	if (at == 0)
		path_fix_keys(h, p);
}

static bool joins(const struct ext4_extent *a, const struct ext4_extent *b)
{
	return ext_unwritten(a) == ext_unwritten(b) && ext_end(a) == b->ee_block && ext_pblk(a) + ext_len(a) == ext_pblk(b) &&
	       ext_len(a) + ext_len(b) <= (ext_unwritten(a) ? EXT_UNWRITTEN_MAX : EXT_LEN_MAX);
}

/* Join the entry at @k with the one after it where that can be. */
static void leaf_join(struct handle *h, struct path_ext *p, int k)
{
	struct level *leaf = &p->l[p->depth];

	if (k < 0 || k + 1 >= leaf->eh->eh_entries || !joins(ext_at(leaf->eh, k), ext_at(leaf->eh, k + 1)))
		return;
	level_dirty(h, leaf);
	ext_set_len(ext_at(leaf->eh, k), ext_len(ext_at(leaf->eh, k)) + ext_len(ext_at(leaf->eh, k + 1)));
	entries_move(leaf->eh, k + 2, k + 1);
	leaf->eh->eh_entries--;
}

/* Lengthen the neighbour that @x continues. Return: whether there is one */
static bool leaf_extend(struct handle *h, struct path_ext *p, const struct ext4_extent *x)
{
	struct level *leaf = &p->l[p->depth];
	struct ext4_extent *left = leaf->pos >= 0 ? ext_at(leaf->eh, leaf->pos) : NULL;
	struct ext4_extent *right = leaf->pos + 1 < leaf->eh->eh_entries ? ext_at(leaf->eh, leaf->pos + 1) : NULL;

	if (left && joins(left, x)) {
		level_dirty(h, leaf);
		ext_set_len(left, ext_len(left) + ext_len(x));
		leaf_join(h, p, leaf->pos);
		return true;
	}
	if (right && joins(x, right)) {
		level_dirty(h, leaf);
		ext_set(right, x->ee_block, ext_len(x) + ext_len(right), ext_pblk(x), ext_unwritten(x));
		leaf->pos++;
		if (leaf->pos == 0)
			path_fix_keys(h, p);
		return true;
	}
	return false;
}

static int insert(struct handle *h, struct inode *i, u32 lblk, u32 len, u64 pblk, bool unwritten, bool join)
{
	struct ext4_extent x;
	struct path_ext p;
	int err;

	map_cache_drop(ext4_i(i));
	ext_set(&x, lblk, len, pblk, unwritten);
	if (join) {
		err = path_find(i, lblk, &p);
		if (err)
			return err;
		bool done = leaf_extend(h, &p, &x);

		path_free(&p);
		if (done)
			return 0;
	}
	err = path_with_room(h, i, lblk, &p);
	if (err)
		return err;
	leaf_put(h, &p, lblk, len, pblk, unwritten);
	path_free(&p);
	return 0;
}

int ext_insert(struct handle *h, struct inode *i, u32 lblk, u32 len, u64 pblk, bool unwritten)
{
	const u32 most = unwritten ? EXT_UNWRITTEN_MAX : EXT_LEN_MAX;

	count_blocks(i, len);
	while (len) {
		u32 n = MIN(len, most);
		int err = insert(h, i, lblk, n, pblk, unwritten, true);

		if (err) {
			count_blocks(i, -(s64)len);
			return err;
		}
		lblk += n;
		pblk += n;
		len -= n;
	}
	return 0;
}

/* Let an extent begin at @lblk if one spans it. */
static int split_at(struct handle *h, struct inode *i, u32 lblk)
{
	struct path_ext p;
	int err = path_find(i, lblk, &p);

	if (err)
		return err;
	struct level *leaf = &p.l[p.depth];
	struct ext4_extent *x = leaf->pos >= 0 ? ext_at(leaf->eh, leaf->pos) : NULL;

	if (!x || x->ee_block == lblk || ext_end(x) <= lblk) {
		path_free(&p);
		return 0;
	}
	struct ext4_extent whole = *x;
	u32 left = lblk - whole.ee_block;

	level_dirty(h, leaf);
	ext_set_len(x, left);
	path_free(&p);
	err = insert(h, i, lblk, ext_len(&whole) - left, ext_pblk(&whole) + left, ext_unwritten(&whole), false);
	if (!err)
		return 0;
	if (path_find(i, whole.ee_block, &p))
		return err;
	leaf = &p.l[p.depth];
	level_dirty(h, leaf);
	if (leaf->pos >= 0 && ext_at(leaf->eh, leaf->pos)->ee_block == whole.ee_block)
		*ext_at(leaf->eh, leaf->pos) = whole;
	path_free(&p);
	return err;
}

int ext_convert(struct handle *h, struct inode *i, u32 lblk, u32 len, bool unwritten)
{
	u32 end = lblk + len;
	int err = split_at(h, i, lblk);

	if (!err)
		err = split_at(h, i, end);
	map_cache_drop(ext4_i(i));
	while (!err && lblk < end) {
		struct path_ext p;

		err = path_find(i, lblk, &p);
		if (err)
			return err;
		struct level *leaf = &p.l[p.depth];
		struct ext4_extent *x = leaf->pos >= 0 ? ext_at(leaf->eh, leaf->pos) : NULL;

		if (!x || ext_end(x) <= lblk) {
			u64 next = path_next(&p);

			path_free(&p);
			if (next >= end)
				break;
			lblk = (u32)next;
			continue;
		}
		u32 xlen = ext_len(x), next = (u32)ext_end(x);

		if (unwritten && !ext_unwritten(x) && xlen > EXT_UNWRITTEN_MAX) {
			path_free(&p);
			err = split_at(h, i, lblk + xlen / 2);
			continue;
		}
		if (ext_unwritten(x) != unwritten) {
			level_dirty(h, leaf);
			ext_set(x, x->ee_block, xlen, ext_pblk(x), unwritten);
		}
		leaf_join(h, &p, leaf->pos);
		leaf_join(h, &p, leaf->pos - 1);
		path_free(&p);
		lblk = next;
	}
	map_cache_drop(ext4_i(i));
	return err;
}

/* An empty leaf goes, and every index above that becomes empty with it. */
static int prune(struct handle *h, struct inode *i, struct path_ext *p)
{
	for (u32 k = p->depth; k > 0 && !p->l[k].eh->eh_entries; k--) {
		struct level *up = &p->l[k - 1];
		u64 block = p->l[k].b->block;
		int err;

		level_dirty(h, up);
		entries_move(up->eh, up->pos + 1, up->pos);
		up->eh->eh_entries--;
		err = balloc_free(h, i, block, 1, true);
		if (err)
			return err;
		count_blocks(i, -1);
		if (up->pos == 0 && up->eh->eh_entries && k > 1) {
			u32 key = idx_at(up->eh, 0)->ei_block;

			for (int j = (int)k - 2; j >= 0; j--) {
				level_dirty(h, &p->l[j]);
				idx_at(p->l[j].eh, p->l[j].pos)->ei_block = key;
				if (p->l[j].pos)
					break;
			}
		}
	}
	if (!root_of(ext4_i(i))->eh_entries)
		ext_init_root(ext4_i(i));
	return 0;
}

/* Remove the entry at pos, which lies wholly in the range. */
static int drop_entry(struct handle *h, struct inode *i, struct path_ext *p)
{
	struct level *leaf = &p->l[p->depth];
	struct ext4_extent x = *ext_at(leaf->eh, leaf->pos);

	level_dirty(h, leaf);
	entries_move(leaf->eh, leaf->pos + 1, leaf->pos);
	leaf->eh->eh_entries--;
	memset(ext_at(leaf->eh, leaf->eh->eh_entries), 0, 12);
	if (leaf->pos == 0 && leaf->eh->eh_entries)
		path_fix_keys(h, p);
	count_blocks(i, -(s64)ext_len(&x));
	int err = balloc_free(h, i, ext_pblk(&x), ext_len(&x), !S_ISREG(i->mode));

	return err ? err : prune(h, i, p);
}

int ext_remove(struct handle *h, struct inode *i, u32 from, u32 to, bool *again)
{
	u64 end = to == ~0u ? 1ull << 32 : to;
	u32 budget = h->credits / 16;
	int err = 0;

	*again = false;
	map_cache_drop(ext4_i(i));
	if (from)
		err = split_at(h, i, from);
	if (!err && to != ~0u)
		err = split_at(h, i, to);
	while (!err && end > from) {
		struct path_ext p;

		if (!budget--) {
			*again = true;
			break;
		}
		err = path_find(i, (u32)(end - 1), &p);
		if (err)
			break;
		struct level *leaf = &p.l[p.depth];

		if (leaf->pos < 0) {	/* nothing here: what is before lies in another leaf, if anywhere */
			u64 key = p.depth ? ext_at(p.l[p.depth - 1].eh, p.l[p.depth - 1].pos)->ee_block : 0;

			path_free(&p);
			if (key <= from || key >= end)
				break;
			end = key;
			continue;
		}
		struct ext4_extent *x = ext_at(leaf->eh, leaf->pos);

		if (ext_end(x) <= from || x->ee_block < from) {
			path_free(&p);
			break;
		}
		end = x->ee_block;
		err = drop_entry(h, i, &p);
		path_free(&p);
	}
	map_cache_drop(ext4_i(i));
	return err;
}

/* ---- shifting ---- */

/* Everything at or after @from in the node moves; @first: out: the key of its first entry. @h NULL: only count nodes. */
static int shift_node(struct handle *h, struct inode *i, struct ext4_extent_header *eh, u32 from, s64 delta, u32 *nodes)
{
	for (int k = eh->eh_entries - 1; k >= 0; k--) {
		struct ext4_extent_idx *x = idx_at(eh, k);

		if (eh->eh_depth) {
			struct buf *b = node_read(i, idx_pblk(x), eh->eh_depth - 1u);

			if (IS_ERR(b))
				return (int)PTR_ERR(b);
			++*nodes;
			if (h)
				jh_modify(h, b);
			int err = shift_node(h, i, (void *)b->data, from, delta, nodes);

			buf_put(b);
			if (err)
				return err;
		}
		bool inside = x->ei_block >= from;

		if (inside && h)
			x->ei_block = (u32)((s64)x->ei_block + delta);
		if (!inside)
			break;
	}
	return 0;
}

int ext_shift_count(struct inode *i, u32 from, u32 *nodes)
{
	*nodes = 0;
	return shift_node(NULL, i, root_of(ext4_i(i)), from, 0, nodes);
}

int ext_last_end(struct inode *i, u64 *end)
{
	struct path_ext p;
	int err = path_find(i, ~0u, &p);

	if (err)
		return err;
	struct level *leaf = &p.l[p.depth];

	*end = leaf->pos >= 0 ? ext_end(ext_at(leaf->eh, leaf->pos)) : 0;
	path_free(&p);
	return 0;
}

int ext_shift(struct handle *h, struct inode *i, u32 from, s64 delta)
{
	u32 nodes = 0;
	int err = split_at(h, i, from);

	if (!err)
		err = shift_node(h, i, root_of(ext4_i(i)), from, delta, &nodes);
	map_cache_drop(ext4_i(i));
	return err;
}

/* ---- allocating ---- */

/* Marked first: a map that says they are in use must be found out before a file names them. */
int ext_insert_picked(struct handle *h, struct inode *i, u32 lblk, u32 len, u64 pblk, bool unwritten)
{
	int err = balloc_mark(h, pblk, len);

	if (err)
		return err;
	err = ext_insert(h, i, lblk, len, pblk, unwritten);
	if (err)
		balloc_unmark(h, pblk, len);
	return err;
}

int ext4_alloc_map(struct handle *h, struct inode *i, u32 lblk, u32 max, u32 flags, struct map *out)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	u64 block;
	u32 got;
	int err;

	if (!ext4_has_extents(e))
		return -EOPNOTSUPP;	/* the old map is read and freed only */
	err = balloc_pick(fs, e->goal, max, false, &block, &got);
	if (err)
		return err;
	rwsem_write_lock(&e->map_lock);
	err = ext_insert_picked(h, i, lblk, got, block, flags & MAP_UNWRITTEN);
	rwsem_write_unlock(&e->map_lock);
	if (err) {
		balloc_unpick(fs, block, got);
		return err;
	}
	e->goal = block + got;
	*out = (struct map){ .lblk = lblk, .len = got, .pblk = block, .flags = flags };
	return 0;
}
