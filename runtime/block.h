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

#endif
