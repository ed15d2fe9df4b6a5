/* arrange.c - courses of lists that stay as they are, arranged for whole vectors (course.h). */
#include <string.h>

#include "course.h"
#include "reduce.h"

_Static_assert(ARRANGED_FILL == ARRANGED_LANES * LEAF, "places of a group of the longest leaves");
_Static_assert(COURSE_LISTS <= UINT8_MAX && COURSE_MOST + ARRANGED_FILL <= UINT16_MAX, "numbers of lists and of operands");

static uint32_t length_of(const course *c, uint32_t leaf) { return (uint32_t)(c->at[leaf + 1] - c->at[leaf]); }

/* Pieces of at most LEAF operands, the largest first: at[n] is where those of n operands begin. Their number. */
static uint32_t count_pieces(const course *c, uint32_t at[LEAF + 1])
{
	uint32_t of[LEAF + 1] = {0}, n = 0;
	for (uint32_t l = 0; l < c->n_leaves; l++) {
		uint32_t length = length_of(c, l);
		of[LEAF] += length / LEAF;
		of[length % LEAF] += length % LEAF > 0;
	}
	for (uint32_t length = LEAF; length > 0; length--) {
		at[length] = n;
		n += of[length];
	}
	return n;
}

static void add_join(arrangement *a, uint32_t left, uint32_t right)
{
	a->join[2 * (size_t)a->n_joins] = (uint16_t)left;
	a->join[2 * (size_t)a->n_joins++ + 1] = (uint16_t)right;
}

/* begin[]: by piece, where its operands are; number[]: by leaf, its first piece, with which the others are joined. */
static void number_pieces(arrangement *a, const course *c, uint32_t at[LEAF + 1], uint16_t *begin, uint16_t *number)
{
	for (uint32_t i = 0, l = 0; i < c->n_lists; i++) {
		if (c->first[i] == c->n_leaves) {
			a->first[i] = (uint16_t)a->n_leaves;
			continue;
		}
		uint32_t next = i + 1;
		while (next < c->n_lists && c->first[next] == c->n_leaves)
			next++;
		for (uint32_t end = next < c->n_lists ? c->first[next] : c->n_leaves; l < end; l++)
			for (uint32_t done = 0, length = length_of(c, l); done < length; done += LEAF) {
				uint32_t piece = at[length - done < LEAF ? length - done : LEAF]++;
				begin[piece] = (uint16_t)(c->at[l] + done);
				a->list[piece] = (uint8_t)i;
				if (done == 0)
					number[l] = (uint16_t)piece;
				else
					add_join(a, number[l], piece);
			}
		a->first[i] = number[c->first[i]];
	}
}

/* How many operands a piece has; end[n]: where the pieces of n operands end, and those of fewer begin. */
static uint32_t piece_length(const uint32_t end[LEAF + 1], uint32_t piece)
{
	uint32_t n = LEAF;
	while (n > 0 && piece >= end[n])
		n--;
	return n;
}

static void fill_group(arrangement *a, uint32_t g, const uint32_t end[LEAF + 1], const uint16_t *begin, uint32_t *place)
{
	uint32_t length[ARRANGED_LANES], first = g * a->lanes;
	for (uint32_t j = 0; j < a->lanes; j++)
		length[j] = piece_length(end, first + j);
	a->width[g] = (uint8_t)length[0];
	a->least[g] = (uint8_t)length[a->lanes - 1];
	for (uint32_t e = 0; e < length[0]; e++) {
		uint32_t there = 0;
		for (uint32_t j = 0; j < a->lanes; j++) {
			uint32_t n = length[j];
			place[a->n_places++] = n == 0 ? 0 : begin[first + j] + (e < n ? e : n - 1);
			there += e < n;
		}
		a->row[a->n_rows++] = (uint8_t)there;
	}
}

void arrange(arrangement *a, const course *c, uint32_t side, void *memory, uint32_t *place, uint16_t *spare)
{
	uint32_t at[LEAF + 1];
	uint16_t *number = spare, *begin = spare + c->n_leaves;
	*a = (arrangement){.n_lists = c->n_lists, .n_leaves = count_pieces(c, at), .lanes = side};
	a->n_groups = (a->n_leaves + side - 1) / side;
	a->n_joins = a->n_leaves - c->n_leaves + c->n_joins; /* for their room: they are counted again as they are written */
	arranged_place(a, memory);
	a->n_joins = 0;
	memset(a->list, 0, (size_t)a->n_groups * side);
	number_pieces(a, c, at, begin, number);
	for (uint32_t i = 0; i < c->n_joins; i++)
		add_join(a, number[c->left[i]], number[c->right[i]]);
	for (uint32_t g = 0; g < a->n_groups; g++)
		fill_group(a, g, at, begin, place);
	a->straight = a->n_leaves == a->n_lists && a->n_lists % side == 0;
	for (uint32_t i = 0; i < a->n_lists; i++)
		a->straight &= a->first[i] == i;
}
