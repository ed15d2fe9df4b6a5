# gpu/: the CUDA device as a back end of the runtime.
noinst_HEADERS += %D%/launch.h
EXTRA_DIST += %D%/prelude.cu %D%/device.cu
