# lang/: source text -> checked program. Knows nobody but the tables (*.def) and runtime/scalar.h.
noinst_LTLIBRARIES += liblang.la liblang_parse.la
liblang_la_SOURCES = %D%/stdlib_dir.c %D%/stdlib_dir.h
liblang_la_LIBADD = liblang_parse.la

# Text -> tree.
liblang_la_SOURCES += %D%/source.c %D%/source.h %D%/diag.c %D%/ast.c %D%/ast.h %D%/ast_print.c \
	%D%/parse.c %D%/parse.h %D%/syntax.c %D%/module.c %D%/module.h \
	%D%/doc.c %D%/doc.h %D%/format.c %D%/format.h %D%/format_expr.c %D%/format_expr.h

# flex's and bison's output is not ours to keep free of warnings, so it is a library of its own.
liblang_parse_la_SOURCES = %D%/parser.y %D%/lexer.l
liblang_parse_la_CFLAGS = $(BASE_CFLAGS) -Wall -Wno-unused-function -Wno-unused-but-set-variable
BUILT_SOURCES += %D%/parser.h
%D%/lexer.c: %D%/parser.h

# Tree -> checked program.
liblang_la_SOURCES += %D%/check.c %D%/check.h %D%/names.c %D%/declare.c %D%/page.c %D%/instance.c %D%/edge.c \
	%D%/order.c %D%/size.c %D%/type.c %D%/literal.c %D%/expr.c %D%/call.c %D%/read.c %D%/sparse.c %D%/reduce.c
liblang_la_SOURCES += %D%/classify.c %D%/expr_map.c %D%/expr_map.h %D%/fix.c %D%/fix_term.c %D%/fix_term.h \
	%D%/fix_range.c %D%/fix_range.h %D%/format.h %D%/program.h

# The operator table serves the compiler and the runtime.
noinst_LTLIBRARIES += libops.la
libops_la_SOURCES = %D%/ops.c %D%/ops.h %D%/ops.def
