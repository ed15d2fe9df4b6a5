/* device.cu - what kernels call besides the operators: loads and stores, what changed, what failed. */

/* Fields of packed records lie at any byte; all else is aligned to its type. A store compares bits: was there another value? */
#define MMSB_MOVE(S, T, ...)                                                                                 \
	MMSB_FN T mmsb_get_##S(const uint8_t *at)                                                            \
	{                                                                                                    \
		T v;                                                                                         \
		memcpy(&v, at, sizeof v);                                                                    \
		return v;                                                                                    \
	}
#pragma push_macro("bool")
#undef bool
MMSB_FOR_ALL(MMSB_MOVE, )
#pragma pop_macro("bool")

#define MMSB_PUT(S, T, BITS)                                                                                 \
	MMSB_FN uint32_t mmsb_put_##S(T *at, T v)                                                            \
	{                                                                                                    \
		uint32_t changed = BITS(*at) != BITS(v);                                                     \
		*at = v;                                                                                     \
		return changed;                                                                              \
	}                                                                                                    \
	MMSB_FN uint32_t mmsb_move_##S(T *at, T was, T v, double tol, uint32_t *round)                       \
	{                                                                                                    \
		uint32_t changed = BITS(was) != BITS(v);                                                     \
		double by = (double)v - (double)was;                                                         \
		if (changed && !((by < 0 ? -by : by) <= tol))                                                \
			*round = 1;                                                                          \
		*at = v;                                                                                     \
		return changed;                                                                              \
	}                                                                                                    \
	MMSB_FN uint32_t mmsb_next_##S(T *at, T was, T v)                                                    \
	{                                                                                                    \
		*at = v;                                                                                     \
		return BITS(was) != BITS(v);                                                                 \
	}                                                                                                    \
	MMSB_FN uint32_t mmsb_put_packed_##S(uint8_t *at, T v)                                               \
	{                                                                                                    \
		T was = mmsb_get_##S(at);                                                                    \
		memcpy(at, &v, sizeof v);                                                                    \
		return BITS(was) != BITS(v);                                                                 \
	}
#define MMSB_PUT_INT(S, T, ...) MMSB_PUT(S, T, )
#pragma push_macro("bool")
#undef bool
MMSB_FOR_BITS(MMSB_PUT_INT, )
#pragma pop_macro("bool")
MMSB_PUT(f32, float, mmsb_bits_f32)
MMSB_PUT(f64, double, mmsb_bits_f64)

/* Position i of the launch: has its value changed? All threads of a warp are here, those beyond the end too. */
MMSB_FN void mmsb_mark(uint32_t *marks, uint64_t i, uint32_t changed)
{
	uint32_t word = __ballot_sync(0xffffffffu, (int)changed);
	if (i % 32 == 0)
		marks[i / 32] = word;
}

MMSB_FN void mmsb_fail(uint64_t *fault, uint64_t element) { atomicMin((unsigned long long *)fault, (unsigned long long)element); }

/* Where list `at` of n begins and ends. One that does not exist is empty. */
MMSB_FN uint64_t mmsb_list_begin(uint64_t n, const uint64_t *start, uint64_t at) { return at < n ? start[at] : 0; }
MMSB_FN uint64_t mmsb_list_end(uint64_t n, const uint64_t *start, uint64_t at) { return at < n ? start[at + 1] : 0; }

/* ---- reductions (docs/determinism.md has the order) -------------------------------------------- */

/* Operands of which some are present, by one thread. What belongs to one node and is not more than 32 operands stands in `values`, and is combined by
 * rank; nodes on its left stand in `closed`, each with the bit of positions at which it parts from what is on its right. */
#define MMSB_RANKED(NAME, T, COMBINE)                                                                        \
	typedef struct NAME {                                                                                \
		uint64_t at[32];                                                                             \
		T values[32], closed[64];                                                                    \
		int n, depth, level[64];                                                                     \
	} NAME;                                                                                              \
	MMSB_FN T NAME##_value(const T *values, int n)                                                       \
	{                                                                                                    \
		T t[6], v = values[0];                                                                       \
		for (int i = 0; i < n; i++) {                                                                \
			int k = 0;                                                                           \
			v = values[i];                                                                       \
			for (; i >> k & 1; k++)                                                              \
				v = COMBINE(t[k], v);                                                        \
			t[k] = v;                                                                            \
		}                                                                                            \
		for (int k = 0, any = 0; n >> k; k++)                                                        \
			if (n >> k & 1) {                                                                    \
				v = any ? COMBINE(t[k], v) : t[k];                                           \
				any = 1;                                                                     \
			}                                                                                    \
		return v;                                                                                    \
	}                                                                                                    \
	MMSB_FN void NAME##_close(NAME *r, int operands, int level)                                          \
	{                                                                                                    \
		T v = NAME##_value(r->values, operands);                                                     \
		while (r->depth > 0 && r->level[r->depth - 1] < level)                                       \
			v = COMBINE(r->closed[--r->depth], v);                                               \
		r->closed[r->depth] = v;                                                                     \
		r->level[r->depth++] = level;                                                                \
		for (int i = operands; i < r->n; i++) {                                                      \
			r->at[i - operands] = r->at[i];                                                      \
			r->values[i - operands] = r->values[i];                                              \
		}                                                                                            \
		r->n -= operands;                                                                            \
	}                                                                                                    \
	MMSB_FN void NAME##_push(NAME *r, uint64_t at, T value)                                              \
	{                                                                                                    \
		int level = r->n ? 63 - __clzll((long long)(r->at[0] ^ at)) : 0;                             \
		if (r->n && r->depth && r->level[r->depth - 1] < level) {                                    \
			NAME##_close(r, r->n, level);                                                        \
		} else if (r->n == 32) {                                                                     \
			int left = 1;                                                                        \
			while (left < 32 && !((r->at[left] ^ r->at[0]) >> level & 1))                        \
				left++;                                                                      \
			NAME##_close(r, left, level);                                                        \
		}                                                                                            \
		r->at[r->n] = at;                                                                            \
		r->values[r->n++] = value;                                                                   \
	}                                                                                                    \
	MMSB_FN T NAME##_end(const NAME *r)                                                                  \
	{                                                                                                    \
		T v = NAME##_value(r->values, r->n);                                                         \
		for (int i = r->depth; i-- > 0;)                                                             \
			v = COMBINE(r->closed[i], v);                                                        \
		return v;                                                                                    \
	}

MMSB_FN uint64_t mmsb_shuffle(uint64_t bits, size_t bytes, unsigned lane)
{
	return bytes > 4 ? (uint64_t)__shfl_sync(0xffffffffu, (unsigned long long)bits, (int)lane) : (uint64_t)__shfl_sync(0xffffffffu, (unsigned)bits, (int)lane);
}

/* Operands by blocks of threads, each of which has MMSB_EACH that stand side by side: nodes of the tree over positions. n counts who is present; a node of nobody
 * is skipped. The result of _block is thread 0's; all threads of the block are there. */
#define MMSB_PARTS(NAME, T, COMBINE)                                                                         \
	typedef struct NAME {                                                                                \
		T value;                                                                                     \
		uint64_t n;                                                                                  \
	} NAME;                                                                                              \
	typedef struct NAME##_tree {                                                                         \
		NAME t[48];                                                                                  \
		uint64_t n;                                                                                  \
	} NAME##_tree;                                                                                       \
	MMSB_FN NAME NAME##_both(NAME a, NAME b)                                                             \
	{                                                                                                    \
		if (!a.n || !b.n)                                                                            \
			return a.n ? a : b;                                                                  \
		a.value = COMBINE(a.value, b.value);                                                         \
		a.n += b.n;                                                                                  \
		return a;                                                                                    \
	}                                                                                                    \
	MMSB_FN NAME NAME##_block(NAME *p)                                                                   \
	{                                                                                                    \
		__shared__ NAME warps[MMSB_BLOCK / 32];                                                      \
		const unsigned lane = threadIdx.x % 32;                                                      \
		_Pragma("unroll") for (int s = 1; s < MMSB_EACH; s *= 2)                                     \
			_Pragma("unroll") for (int j = 0; j < MMSB_EACH; j += 2 * s)                         \
				p[j] = NAME##_both(p[j], p[j + s]);                                          \
		NAME v = p[0];                                                                               \
		_Pragma("unroll") for (unsigned s = 1; s < 32; s *= 2) {                                     \
			NAME other = v;                                                                      \
			uint64_t bits = 0;                                                                   \
			memcpy(&bits, &v.value, sizeof v.value);                                             \
			bits = mmsb_shuffle(bits, sizeof v.value, (lane + s) % 32);                          \
			memcpy(&other.value, &bits, sizeof v.value);                                         \
			other.n = mmsb_shuffle(v.n, sizeof v.n, (lane + s) % 32);                            \
			if (lane % (2 * s) == 0)                                                             \
				v = NAME##_both(v, other);                                                   \
		}                                                                                            \
		if (lane == 0)                                                                               \
			warps[threadIdx.x / 32] = v;                                                         \
		__syncthreads();                                                                             \
		if (threadIdx.x == 0)                                                                        \
			for (int s = 1; s < MMSB_BLOCK / 32; s *= 2)                                         \
				for (int j = 0; j < MMSB_BLOCK / 32; j += 2 * s)                             \
					warps[j] = NAME##_both(warps[j], warps[j + s]);                      \
		v = warps[0];                                                                                \
		__syncthreads();                                                                             \
		return v;                                                                                    \
	}                                                                                                    \
	MMSB_FN void NAME##_push(NAME##_tree *all, NAME v)                                                   \
	{                                                                                                    \
		int k = 0;                                                                                   \
		for (; all->n >> k & 1; k++)                                                                 \
			v = NAME##_both(all->t[k], v);                                                       \
		all->t[k] = v;                                                                               \
		all->n++;                                                                                    \
	}                                                                                                    \
	MMSB_FN NAME NAME##_end(const NAME##_tree *all)                                                      \
	{                                                                                                    \
		NAME v;                                                                                      \
		v.value = 0;                                                                                 \
		v.n = 0;                                                                                     \
		for (int k = 0; all->n >> k; k++)                                                            \
			if (all->n >> k & 1)                                                                 \
				v = NAME##_both(all->t[k], v);                                               \
		return v;                                                                                    \
	}

/* Along lists. _leaf: lane 0's result is of the n operands that the lanes of a warp have, by rank. _node: of children, from `at` to `end`; those that wait for
 * what is on their right stand in `left`, by the bit at which they part from it. */
#define MMSB_LEAVES(NAME, T, COMBINE)                                                                        \
	MMSB_FN T NAME##_leaf(T v, uint64_t n)                                                               \
	{                                                                                                    \
		const unsigned lane = threadIdx.x % 32;                                                      \
		_Pragma("unroll") for (unsigned s = 1; s < 32; s *= 2) {                                     \
			T other = v;                                                                         \
			uint64_t bits = 0;                                                                   \
			memcpy(&bits, &v, sizeof v);                                                         \
			bits = mmsb_shuffle(bits, sizeof v, (lane + s) % 32);                                \
			memcpy(&other, &bits, sizeof other);                                                 \
			if (lane % (2 * s) == 0 && lane + s < n)                                             \
				v = COMBINE(v, other);                                                       \
		}                                                                                            \
		return v;                                                                                    \
	}                                                                                                    \
	MMSB_FN T NAME##_node(const T *values, const uint8_t *bit, uint64_t at, uint64_t end)                \
	{                                                                                                    \
		T left[32], v = values[at];                                                                  \
		uint32_t waiting = 0;                                                                        \
		for (; at + 1 < end; v = values[++at]) {                                                     \
			for (; waiting & ((1u << bit[at]) - 1); waiting &= waiting - 1)                      \
				v = COMBINE(left[__ffs((int)waiting) - 1], v);                               \
			left[bit[at]] = v;                                                                   \
			waiting |= 1u << bit[at];                                                            \
		}                                                                                            \
		for (; waiting; waiting &= waiting - 1)                                                      \
			v = COMBINE(left[__ffs((int)waiting) - 1], v);                                       \
		return v;                                                                                    \
	}

/* Where level `level` begins among the nodes of prefixes over n positions. */
MMSB_FN uint64_t mmsb_level_at(uint64_t n, unsigned level)
{
	uint64_t at = 0;
	for (unsigned l = MMSB_UP; l < level; l++)
		at += n >> l;
	return at;
}

/* The nodes of MMSB_BLOCK neighbours, level by level: of level l, from 2 * MMSB_BLOCK - (2 * MMSB_BLOCK >> l) on. All threads of the block are there. */
#define MMSB_PREFIXES(NAME, T, COMBINE)                                                                      \
	MMSB_FN void NAME##_nodes(T *nodes, T v)                                                             \
	{                                                                                                    \
		const T *below = nodes;                                                                      \
		T *to = nodes + MMSB_BLOCK;                                                                  \
		nodes[threadIdx.x] = v;                                                                      \
		for (unsigned n = MMSB_BLOCK / 2; n; n /= 2) {                                               \
			__syncthreads();                                                                     \
			if (threadIdx.x < n)                                                                 \
				to[threadIdx.x] = COMBINE(below[2 * threadIdx.x], below[2 * threadIdx.x + 1]); \
			below = to;                                                                          \
			to += n;                                                                             \
		}                                                                                            \
		__syncthreads();                                                                             \
	}                                                                                                    \
	MMSB_FN void NAME##_keep(const T *nodes, T *all, uint64_t n, unsigned level, unsigned from)          \
	{                                                                                                    \
		for (unsigned l = from; l <= MMSB_UP; l++) {                                                 \
			const unsigned here = MMSB_BLOCK >> l;                                               \
			const uint64_t node = (uint64_t)blockIdx.x * here + threadIdx.x;                     \
			if (threadIdx.x < here && node < (n >> (level + l)))                                 \
				all[mmsb_level_at(n, level + l) + node] = nodes[2 * MMSB_BLOCK - (2 * MMSB_BLOCK >> l) + threadIdx.x]; \
		}                                                                                            \
	}                                                                                                    \
	MMSB_FN T NAME##_upto(const T *nodes, const T *all, uint64_t n, uint64_t end)                        \
	{                                                                                                    \
		T v = 0;                                                                                     \
		int any = 0;                                                                                 \
		for (unsigned l = 0; end >> l; l++) {                                                        \
			const uint64_t node = (end >> l) - 1;                                                \
			if (!(end >> l & 1))                                                                 \
				continue;                                                                    \
			const T left = l < MMSB_UP ? nodes[2 * MMSB_BLOCK - (2 * MMSB_BLOCK >> l) + node % (MMSB_BLOCK >> l)] : all[mmsb_level_at(n, l) + node]; \
			v = any ? COMBINE(left, v) : left;                                                   \
			any = 1;                                                                             \
		}                                                                                            \
		return v;                                                                                    \
	}

/* ---- transfers --------------------------------------------------------------------------------- */

/* Elements of a list, side by side in values[0], to and from a page. */
#define MMSB_TRANSFER(ABI, BYTES)                                                                            \
	extern "C" __global__ void mmsb##ABI##_scatter_##BYTES(const mmsb_launch L)                          \
	{                                                                                                    \
		const uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;                          \
		if (i < L.n)                                                                                 \
			memcpy(L.out[0] + L.list[i] * L.stride, L.values[0] + i * BYTES, BYTES);             \
	}                                                                                                    \
	extern "C" __global__ void mmsb##ABI##_take_##BYTES(const mmsb_launch L)                             \
	{                                                                                                    \
		const uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;                          \
		if (i < L.n)                                                                                 \
			memcpy(L.values[0] + i * BYTES, L.out[0] + L.list[i] * L.stride, BYTES);             \
	}
MMSB_TRANSFER(6, 1) /* the first is MMSB_CUDA_ABI */
MMSB_TRANSFER(6, 2)
MMSB_TRANSFER(6, 4)
MMSB_TRANSFER(6, 8)

/* ---- exact fixpoints --------------------------------------------------------------------------- */

/* What conditions on data speak of. */
#define GUARD_INF mmsb_from_bits_f64(0x7ff0000000000000ull)
#define GUARD_SIGN(x) (mmsb_bits_f64(x) >> 63)

/* The end of a round, which the marks tell what it has changed: that becomes the page's, gets the round's stamp, and whoever reads it is wanted in the next
 * round. A warp goes along the readers of one element together. */
#define MMSB_SETTLE(ABI, BYTES)                                                                              \
	extern "C" __global__ void mmsb##ABI##_settle_##BYTES(const mmsb_launch L)                           \
	{                                                                                                    \
		const uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;                          \
		const unsigned lane = threadIdx.x % 32;                                                      \
		if (!L.round[-1])                                                                            \
			return; /* all threads */                                                            \
		const uint32_t word = L.marks[0][i / 32];                                                    \
		if (word >> lane & 1) {                                                                      \
			memcpy(L.out[0] + i * BYTES, L.was + i * BYTES, BYTES);                              \
			L.stamps[i] = L.stamp;                                                               \
		}                                                                                            \
		if (L.used && i % 64 == 0 && i < L.n)                                                        \
			L.used[i / 64] = 0;                                                                  \
		if (lane == 0 && word)                                                                       \
			atomicAdd(L.round, (unsigned)__popc(word));                                          \
		for (unsigned k = 0; L.wanted && k < MMSB_MOST_ALONG && L.along[k].start; k++)               \
			for (uint32_t bits = word; bits; bits &= bits - 1) {                                 \
				const uint64_t of = i - lane + (uint64_t)__ffs((int)bits) - 1;               \
				const uint64_t end = mmsb_list_end(L.along[k].n, L.along[k].start, of);      \
				for (uint64_t q = mmsb_list_begin(L.along[k].n, L.along[k].start, of) + lane; q < end; q += 32) { \
					const uint32_t v = L.along[k].key[q];                                \
					if (!(L.wanted[v / 32] >> v % 32 & 1))                               \
						atomicOr(&L.wanted[v / 32], 1u << v % 32);                   \
				}                                                                            \
			}                                                                                    \
	}
MMSB_SETTLE(6, 1)
MMSB_SETTLE(6, 2)
MMSB_SETTLE(6, 4)
MMSB_SETTLE(6, 8)
