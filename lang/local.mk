# lang/: source text -> checked program. Knows nobody but the tables (*.def) and runtime/scalar.h.
noinst_LTLIBRARIES += liblang.la
liblang_la_SOURCES = %D%/stdlib_dir.c %D%/stdlib_dir.h
liblang_la_LIBADD =

# flex's and bison's output is not ours to keep free of warnings, so it is a library of its own: when
# lexer.l and parser.y are there, they are listed here.
#   noinst_LTLIBRARIES += liblang_parse.la
#   liblang_parse_la_SOURCES = %D%/parser.y %D%/lexer.l
#   liblang_la_LIBADD += liblang_parse.la
#   BUILT_SOURCES += %D%/parser.h
#liblang_parse_la_CFLAGS = $(BASE_CFLAGS) -Wall -Wno-unused-function -Wno-unused-but-set-variable
#liblang_parse_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/lang -Ilang

