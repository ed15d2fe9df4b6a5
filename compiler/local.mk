# compiler/: checked program -> schedule. Knows lang and the schedule format.
noinst_LTLIBRARIES += libcompiler.la
libcompiler_la_SOURCES =

# When mmsbc.c is there:
#   bin_PROGRAMS += mmsbc
#   mmsbc_SOURCES = %D%/mmsbc.c
#mmsbc_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)
