# state/: what survives the process. Knows the runtime; the runtime knows its journal alone.
libmmsb_internal_la_SOURCES += \
	%D%/log.h %D%/log_format.h \
	%D%/vfs.c %D%/vfs.h
