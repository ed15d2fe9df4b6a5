# state/: what survives the process. Knows the runtime; the runtime knows its journal alone.
libmmsb_internal_la_LIBADD += $(ZSTD_LIBS)
libmmsb_internal_la_SOURCES += \
	%D%/branch.c %D%/branch.h %D%/compact.c %D%/fold.h %D%/guess.c %D%/history.c %D%/history.h %D%/player.c %D%/repair.c %D%/rest.c \
	%D%/checkpoint.c %D%/checkpoint.h %D%/checkpoint_read.c \
	%D%/log.h %D%/log_bytes.h %D%/log_decode.c %D%/log_encode.c %D%/log_format.h %D%/log_keep.c %D%/log_read.c %D%/log_reader.h \
	%D%/log_segment.c %D%/log_stage.c %D%/log_tags.c %D%/log_tags.h %D%/log_write.c %D%/log_writer.h \
	%D%/manifest.c %D%/manifest.h \
	%D%/folder.c %D%/recover.c %D%/snapshot.c %D%/state.c %D%/state.h %D%/stream.c %D%/stream.h \
	%D%/vfs.c %D%/vfs.h
