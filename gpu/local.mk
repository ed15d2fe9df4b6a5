# gpu/: a CUDA device as a back end of the runtime, which calls it by runtime/device.h.
libmmsb_internal_la_SOURCES += \
	%D%/back.c \
	%D%/device.c %D%/device.h \
	%D%/driver.c %D%/driver.h \
	%D%/exact.c \
	%D%/launch.h \
	%D%/leaves.c \
	%D%/lists.c \
	%D%/pages.c \
	%D%/pass.c \
	%D%/rounds.c
EXTRA_DIST += %D%/prelude.cu %D%/device.cu
