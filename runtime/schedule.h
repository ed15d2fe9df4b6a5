/* schedule.h - the schedule: what the compiler writes and every executor reads.
 *
 * A schedule is a set of tables of plain records, each a section of a .mmsbx file (container.h) and an
 * array in memory. Records refer to each other by position ("id"); NONE means "no such". Strings are
 * offsets into the text section (NUL-terminated; offset 0 is ""). All integers are little-endian, all records are
 * multiples of 8 bytes without hidden padding. Nothing in it depends on sizes: they are
 * bound at load and read from a table. schedule_verify (container.c) checks every rule stated here, so
 * that an executor may rely on them for any file.
 *
 * KERNELS. A kernel computes the elements of one page (or the fields of a record page) over a domain of
 * index variables. It is a tree of *regions*; region 0 is the domain of the page, every other region is the
 * range of one variable of a reduction. Each region has straight-line code over registers; a register
 * is written once, by one instruction of one region (or is an import, below), and holds one value per *lane*: the executor runs a region over tiles of up to
 * TILE lanes. Instructions that do not depend on a region's variables stand in an enclosing region.
 * A region reads registers of enclosing regions by their number; the executor brings them to its lanes.
 *
 * What a register of region R holds depends only on the variables of R and of the regions around it,
 * never on the lanes or the order in which they are run: so an executor is free to run R's lanes over
 * the variable of R for one outer element, over outer elements for one value of the variable, or over any
 * list of (outer, inner) pairs. The value of a reduction does not depend on it (docs/determinism.md).
 *
 * EMPTY DIMENSIONS. A value of type index(D) is below D, except that it may be 0 where D is 0 (argmin of nothing, the zero of
 * a page): a read of a page of which some dimension is 0 gives 0, a row or column that does not exist has no entries, and 0 is a group.
 *
 * FAULTS. An instruction that can fail (integer / and %, TO_INDEX, GUARD) has a mask register (bool, or NONE): lanes where it
 * is false do not count and get the value 0 (GUARD: its operand). A lane of region R counts only if it is
 * present there (`where`) and its outer lane counts. Where it fails the epoch fails. */
#ifndef MMSB_SCHEDULE_H
#define MMSB_SCHEDULE_H

#include <stdint.h>

#include "../lang/ops.h"
#include "types.h"

enum { TILE = 512, NUMERICS = 1 };

/* ---- sizes, params, records -------------------------------------------------------------------- */

typedef enum size_kind { SIZE_CONST, SIZE_PARAM, SIZE_ADD, SIZE_SUB, SIZE_MUL } size_kind;

/* A size: a and b are ids of earlier sizes (PARAM: a is the id of a size param). */
typedef struct sch_size {
	uint32_t kind;
	uint32_t a, b;
	uint32_t reserved;
	int64_t value; /* CONST */
} sch_size;

typedef struct sch_param {
	uint32_t name;
	uint8_t type;    /* type_id; T_I64 for sizes */
	uint8_t is_size;
	uint16_t reserved;
	uint32_t init;   /* constant kernel (no domain, no reads; PARAM of earlier params only), or NONE: must be given */
	uint32_t line;   /* of the declaration */
} sch_param;

typedef struct sch_field {
	uint32_t name;
	uint8_t type;
	uint8_t reserved[3];
	uint32_t index_size; /* size id for an index(D) field (type T_U32), or NONE */
	uint32_t offset;     /* bytes in the packed record */
} sch_field;

typedef struct sch_record {
	uint32_t name;
	uint32_t size;       /* bytes of the packed record */
	uint32_t first_field, n_fields;
} sch_record;

/* ---- pages ------------------------------------------------------------------------------------- */

typedef enum sch_role { PAGE_ROLE_INTERNAL, PAGE_ROLE_IN, PAGE_ROLE_OUT } sch_role;

enum {
	PAGEF_SPARSE = 1,
	PAGEF_STORED = 2,   /* has memory: in, out, and internal pages that are not fused away (only these are in the table's passes) */
	PAGEF_PREV = 4,     /* its values of the epoch before are read */
	PAGEF_STATE = 8,    /* part of checkpoints and digests besides in and out: read with prev, or a numeric fixpoint */
	PAGEF_STATIC = 16, PAGEF_LAZY = 32, PAGEF_SOA = 64,
	PAGEF_COLUMNS = 128 /* sparse: some region goes down its columns: keep the transpose */
};

typedef struct sch_page {
	uint32_t name;
	uint8_t type;         /* type_id; T_COUNT for records; T_U32 for index(D) */
	uint8_t role;         /* sch_role */
	uint16_t flags;       /* PAGEF_* */
	uint32_t index_size;  /* index(D): size id of D, or NONE */
	uint32_t record;      /* record id or NONE */
	uint32_t ndim;
	uint32_t dims[MAX_DIMS]; /* size ids */
	uint32_t like;        /* sparse: the page that owns the pattern (itself never), or NONE */
	uint32_t init;        /* constant kernel, or NONE */
	uint32_t init_page;   /* source page, or NONE */
	uint32_t pass;        /* that defines it, or NONE: a source, or fused */
	uint32_t file, line, column; /* of the declaration, for messages */
	uint32_t doc;         /* text */
	uint32_t place;       /* 0 chosen, 1 @cpu, 2 @gpu, 3 @unified */
	uint32_t tile[2];     /* @tile, or 0 */
	uint32_t reserved[2];
} sch_page;

/* ---- kernels ----------------------------------------------------------------------------------- */

/* An affine combination of variables and sizes: sum of coef * (value of variable or size). */
typedef enum term_kind { TERM_VAR, TERM_SIZE } term_kind;
typedef struct sch_term {
	int64_t coef;
	uint32_t kind; /* term_kind */
	uint32_t id;   /* variable of the kernel, or size id */
} sch_term;

/* One index of a read: affine (reg == NONE): constant + terms; or the value of a register (i64, or u32 for index(D)). */
typedef struct sch_index {
	int64_t constant;
	uint32_t reg;
	uint32_t first_term, n_terms;
	uint32_t reg_type; /* T_I64 or T_U32 */
} sch_index;

typedef enum read_view { RV_NONE, RV_CLAMP, RV_WRAP, RV_MIRROR, RV_ZERO, RV_PAD } read_view; /* as p_view */

/* The access classes of a read: what delta rules and executors go by. */
typedef enum read_class {
	READ_SAME,      /* indices are exactly the domain's variables, and the page has the domain's shape */
	READ_SHIFT,     /* the same with constants added, under a view */
	READ_PERMUTE,   /* distinct variables (domain or reduction), plain */
	READ_UNIFORM,   /* no variable: one element for the whole kernel */
	READ_GATHER,    /* some index is a register */
	READ_AFFINE,    /* some index combines variables */
	READ_ENTRY,     /* the current entry of the pattern that drives the innermost ROW/COL/ENTRIES region around it */
	READ_LOOKUP     /* a sparse page's element at (row, column) of two indices; `pad` where there is none */
} read_class;

/* How a change at one position of what is read becomes elements of the pass's page to evaluate. It says what is known before sizes are
 * bound, for people and for planning; no result rests on it: the executor finds the routes of a kernel from the kernel itself
 * (route.h), and where a reduction keeps partial results (store.h) it goes by operands instead of elements. */
typedef enum delta_rule {
	DELTA_SAME,      /* the element at the same position; the entry itself */
	DELTA_SHIFT,     /* the elements that see it moved by constants, under the view */
	DELTA_PERMUTE,   /* the elements with its coordinates in some variables, and any in the others */
	DELTA_BROADCAST, /* all elements */
	DELTA_GATHER,    /* through the reverse index of an index page, or of a computed index: the elements whose index says so, or whose groups, rows or ranges have such */
	DELTA_GROUP,     /* the element whose group it is in */
	DELTA_PREFIX,    /* the elements from it on */
	DELTA_WINDOW,    /* the elements in a box around it */
	DELTA_SPARSE,    /* the elements whose row or column of a sparse page has an entry there */
	DELTA_WHOLE,     /* all elements, since what it concerns is not found: an index that a reduction gives, say */
	DELTA_INVERSE    /* the elements whose index comes to it: what the index is computed by is undone */
} delta_rule;

typedef struct sch_read {
	uint32_t page;
	uint32_t field;       /* field id within the record, or NONE */
	uint8_t prev;
	uint8_t view;         /* read_view; RV_NONE: every index is in range by construction */
	uint8_t cls;          /* read_class */
	uint8_t rule;         /* delta_rule */
	uint32_t first_index, n_index; /* == ndim of the page; 0 for READ_ENTRY */
	uint32_t pad;         /* register with the value outside (RV_PAD, READ_LOOKUP), of the element's type; or NONE */
	uint32_t region;      /* where the READ instruction stands */
	uint32_t reserved;
} sch_read;

typedef enum code_id {
	CODE_OP,       /* dst = op `op` over a, b, c; `type` is the operand type (SELECT: the type of the arms; a is bool) */
	CODE_CONV,     /* dst (type) = a converted from type2 */
	CODE_CONST,    /* dst = the 8 bytes of imm */
	CODE_PARAM,    /* dst = param a */
	CODE_SIZE,     /* dst (i64) = size a */
	CODE_VAR,      /* dst (i64) = variable a */
	CODE_READ,     /* dst = read a (kernel-relative position in reads) */
	CODE_TO_INDEX, /* dst (u32) = register a (type2: i64 or u64), must be < size b */
	CODE_GUARD,    /* dst = a, which must satisfy guard c (guard.def); b: the read (kernel-relative) at fault, or NONE */
	CODE_REDUCE    /* dst = value of region a; b: register (i64) that gets the number of present elements, or NONE */
} code_id;

typedef struct sch_instr {
	uint8_t code;  /* code_id */
	uint8_t op;    /* op_id for CODE_OP */
	uint8_t type;  /* of dst, and of operands unless said otherwise (comparisons: type of the operands; dst is bool) */
	uint8_t type2;
	uint32_t dst;
	uint32_t a, b, c;
	uint32_t mask; /* register (bool) or NONE, for those that can fail */
	uint64_t imm;
	uint32_t line, column; /* in the source, for messages */
} sch_instr;

typedef enum region_kind {
	REGION_DOMAIN,  /* region 0: the page's dimensions, vars first_var.., row-major; the last variable runs fastest */
	REGION_ENTRIES, /* region 0 of a sparse `like` page: the entries of pattern `page`; two variables: row, column */
	REGION_RANGE,   /* lo <= var < hi */
	REGION_ROW,     /* the entries of row `at` of sparse `page`: var is the column */
	REGION_COL,     /* the entries of column `at` of sparse `page`: var is the row */
	REGION_GROUP,   /* the positions var of one-dimensional index page `page` with page[var] == `at` */
	REGION_PREFIX   /* 0 <= var <= at (strict: < at); `at` is a variable of an enclosing region; the code does not depend on it */
} region_kind;

typedef enum region_reducer { REDUCER_NONE, REDUCER_OP, REDUCER_ARGMIN, REDUCER_ARGMAX } region_reducer;

typedef struct sch_region {
	uint8_t kind;
	uint8_t reducer;      /* region_reducer; NONE for region 0 */
	uint8_t op;           /* op_id of the combining operation */
	uint8_t type;         /* of the value */
	uint8_t dense;        /* 1: every position is present (RANGE, PREFIX without where): position tree; 0: the rank rule for presence */
	uint8_t strict;       /* PREFIX */
	uint8_t prev;         /* ROW, COL, ENTRIES: the pattern of the epoch before */
	uint8_t at_type;      /* type of register `at`: T_I64 or T_U32 */
	uint32_t parent;      /* region id (kernel-relative), NONE for region 0; parents come first */
	uint32_t first_var, n_vars; /* kernel-relative variable ids; 1 for all but region 0 */
	uint32_t lo, hi;      /* RANGE, PREFIX (lo is size 0): size ids */
	uint32_t page;        /* ROW, COL, GROUP, ENTRIES */
	uint32_t at;          /* ROW, COL, GROUP: register of the parent (or an enclosing) region; PREFIX: variable id */
	uint32_t where;       /* bool register of this region: who is present; NONE: everyone */
	uint32_t value;       /* register of this region to reduce; region 0: NONE (see outputs) */
	uint32_t nest;        /* an inner dense RANGE region whose emptiness empties this one (several indices nest), or NONE */
	uint64_t identity;    /* bits: value of an empty reduction */
	uint32_t first_instr, n_instr; /* kernel-relative; code of a region is one run, in an order that respects uses;
	                                  a CODE_REDUCE of region r stands in r's parent */
} sch_region;

/* Where region 0's results go: register to page field. A page that is no record has one. */
typedef struct sch_output {
	uint32_t reg;
	uint32_t field;       /* or NONE */
} sch_output;

typedef struct sch_kernel {
	uint32_t name;        /* text: the page's name, or "init of x" */
	uint32_t n_regs, n_vars;
	uint32_t first_region, n_regions;
	uint32_t first_instr, n_instr;
	uint32_t first_read, n_reads;
	uint32_t first_reg_type; /* into reg_types: one byte per register */
	uint32_t first_output, n_outputs;
	uint32_t can_fail;
	uint32_t reserved;
} sch_kernel;
/* A constant kernel (init, default, tol, max) has a region 0 of kind DOMAIN with no variables, no reads and one output. */

/* ---- passes ------------------------------------------------------------------------------------ */

typedef enum pass_kind { PASS_MAP, PASS_FIX_EXACT, PASS_FIX_BOUNDED, PASS_FIX_NUMERIC } pass_kind;

/* The kernel of PASS_FIX_EXACT is the whole right side op(init, body): it reads its own page (not prev: the round before).
 * Rounds start from `start` (kernel; constant) or `start_page` (a page's value in this epoch). FIX_BOUNDED likewise; its kernel is the body. FIX_NUMERIC
 * starts from where the page stands. */
typedef struct sch_pass {
	uint32_t kind;
	uint32_t page;
	uint32_t kernel;
	uint32_t device;      /* 0 cpu */
	uint32_t start, start_page;
	uint32_t max_rounds;  /* constant kernel (i64), or NONE */
	uint32_t tol;         /* constant kernel (f64), or NONE */
	uint32_t op;          /* FIX_EXACT: op_id of the direction */
	uint32_t group;       /* fusion group, for pictures: id of the pass's edge */
	uint32_t file, line, column;
	uint32_t note;        /* text: what was fused into it and why it is stored */
	uint64_t hash[2];     /* XXH3-128 of the edge's normalised definition */
} sch_pass;

/* ---- the whole --------------------------------------------------------------------------------- */

/*   SECTION(name, record type): in this order in the file */
#define SCHEDULE_SECTIONS(SECTION)       \
	SECTION(sizes, sch_size)         \
	SECTION(params, sch_param)       \
	SECTION(records, sch_record)     \
	SECTION(fields, sch_field)       \
	SECTION(pages, sch_page)         \
	SECTION(passes, sch_pass)        \
	SECTION(kernels, sch_kernel)     \
	SECTION(regions, sch_region)     \
	SECTION(instrs, sch_instr)       \
	SECTION(reads, sch_read)         \
	SECTION(indices, sch_index)      \
	SECTION(terms, sch_term)         \
	SECTION(outputs, sch_output)     \
	SECTION(reg_types, uint8_t)      \
	SECTION(text, char)              \
	SECTION(source, char)

/* source: for each file of the program its path, a NUL, its text, a NUL; the main file first. */
typedef struct schedule {
#define SECTION(name, type) uint32_t n_##name; const type *name;
	SCHEDULE_SECTIONS(SECTION)
#undef SECTION
	const uint8_t *native, *device; /* code made from it (container.h), or NULL: no part of what the schedule is */
	size_t n_native, n_device;
	void *memory; /* owned: what the tables point into */
} schedule;

/* Sections named by the schedule's format are found by number: the position in SCHEDULE_SECTIONS. */
typedef enum section_id {
#define SECTION(name, type) SECTION_##name,
	SCHEDULE_SECTIONS(SECTION)
#undef SECTION
	SECTION_COUNT
} section_id;

#endif
