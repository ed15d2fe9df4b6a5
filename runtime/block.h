/* block.h - the tree of docs/determinism.md over what belongs to rows times what belongs to lanes, as in a product of matrices: macros for the C text that
 * the compiler writes (native_block.h), which says before each function how wide a vector is (MMSB_BLOCK_BYTES), and how many positions make
 * a leaf (MMSB_BLOCK_LEAF, of 2^MMSB_BLOCK_LOG). */
#ifndef MMSB_BLOCK_H
#define MMSB_BLOCK_H

/* Rows of operands are packed 16 positions of a row after those of the row before, and lanes are 64 bytes, whatever the vectors are. */
#define MMSB_BLOCK_PACK 16
#define MMSB_BLOCK_LANES 64

/* The node of 2^n positions from k on. AT(k): the operand there; OP: + or *. */
#define MMSB_NODE1(AT, OP, k) (AT(k))
#define MMSB_NODE2(AT, OP, k) (AT(k) OP AT((k) + 1))
#define MMSB_NODE4(AT, OP, k) (MMSB_NODE2(AT, OP, k) OP MMSB_NODE2(AT, OP, (k) + 2))
#define MMSB_NODE8(AT, OP, k) (MMSB_NODE4(AT, OP, k) OP MMSB_NODE4(AT, OP, (k) + 4))
#define MMSB_NODE16(AT, OP, k) (MMSB_NODE8(AT, OP, k) OP MMSB_NODE8(AT, OP, (k) + 8))

/* Gives every row its node number `number` of 2^level positions: where it completes larger nodes it is joined with those before it.
 * d[l * rows + r]: the last node of 2^l positions of row r that has not been joined. STEP goes on to the next row. */
#define MMSB_BLOCK_NODES(OP, d, rows, level, number, NODE, STEP)                                             \
	do {                                                                                                 \
		const unsigned up_ = (unsigned)__builtin_ctzll(~(unsigned long long)(number));               \
		size_t r_ = (level) * (rows);                                                                \
		const size_t end_ = r_ + (rows);                                                             \
		if (up_ == 0) {                                                                              \
			for (; r_ < end_; r_++, STEP)                                                        \
				(d)[r_] = NODE;                                                              \
		} else if (up_ == 1) {                                                                       \
			for (; r_ < end_; r_++, STEP)                                                        \
				(d)[r_ + (rows)] = (d)[r_] OP NODE;                                          \
		} else {                                                                                     \
			for (; r_ < end_; r_++, STEP) {                                                      \
				lanes v_ = (d)[r_] OP NODE;                                                  \
				size_t at_ = r_ + (rows);                                                    \
				for (unsigned l_ = 1; l_ < up_; l_++, at_ += (rows))                         \
					v_ = (d)[at_] OP v_;                                                 \
				(d)[at_] = v_;                                                               \
			}                                                                                    \
		}                                                                                            \
	} while (0)

/* The value of row r after n positions: nodes that have not been joined, the smallest first. */
#define MMSB_BLOCK_VALUE(OP, v, d, rows, r, n)                                                               \
	do {                                                                                                 \
		size_t left_ = (n);                                                                          \
		v = (d)[(size_t)__builtin_ctzll((unsigned long long)left_) * (rows) + (r)];                  \
		for (left_ &= left_ - 1; left_; left_ &= left_ - 1)                                          \
			v = (d)[(size_t)__builtin_ctzll((unsigned long long)left_) * (rows) + (r)] OP v;     \
	} while (0)

/* The same tree over elements side by side (native_span.h, across): n lanes of a tile, a node of each level in d, `apart` lanes from the one before. OP is
 * a function, AT(k) the operand of lane i at position at + k. */
#define MMSB_ACROSS2(OP, k) OP(AT(k), AT((k) + 1))
#define MMSB_ACROSS4(OP, k) OP(MMSB_ACROSS2(OP, k), MMSB_ACROSS2(OP, (k) + 2))
#define MMSB_ACROSS8(OP, k) OP(MMSB_ACROSS4(OP, k), MMSB_ACROSS4(OP, (k) + 4))
#define MMSB_ACROSS16(OP) OP(MMSB_ACROSS8(OP, 0), MMSB_ACROSS8(OP, 8))

#define MMSB_ACROSS_NODES(OP, level, number, NODE)                                                           \
	{                                                                                                    \
		const unsigned up_ = (unsigned)__builtin_ctzll(~(unsigned long long)(number));               \
		if (up_ == 0) {                                                                              \
			LANES for (size_t i = 0; i < n; i++) d[(level) * apart + i] = NODE;                  \
		} else {                                                                                     \
			LANES for (size_t i = 0; i < n; i++) d[((level) + up_) * apart + i] = OP(d[(level) * apart + i], NODE); \
			for (unsigned l_ = 1; l_ < up_; l_++)                                                \
				LANES for (size_t i = 0; i < n; i++)                                         \
					d[((level) + up_) * apart + i] = OP(d[((level) + l_) * apart + i], d[((level) + up_) * apart + i]); \
		}                                                                                            \
	}

/* Nodes that have not been joined, the smallest first; positions > 0. */
#define MMSB_ACROSS_VALUE(OP)                                                                                \
	{                                                                                                    \
		size_t left_ = positions, l_ = (size_t)__builtin_ctzll((unsigned long long)left_) * apart;   \
		LANES for (size_t i = 0; i < n; i++) r[i] = d[l_ + i];                                       \
		for (left_ &= left_ - 1; left_; left_ &= left_ - 1) {                                        \
			l_ = (size_t)__builtin_ctzll((unsigned long long)left_) * apart;                     \
			LANES for (size_t i = 0; i < n; i++) r[i] = OP(d[l_ + i], r[i]);                     \
		}                                                                                            \
	}

/* Operands of the 16 positions to come. */
#define MMSB_ACROSS_ASK(a, step)                                                                             \
	for (size_t k = 16; k < 32 && at + k < positions; k++)                                               \
		for (size_t b = 0; b < n * sizeof *(a); b += 64)                                             \
			__builtin_prefetch((const char *)((a) + (at + k) * (step)) + b, 0, 2);

#endif
