# compiler/: checked program -> schedule. Knows lang and the schedule format.
noinst_LTLIBRARIES += libcompiler.la
libcompiler_la_SOURCES = \
	%D%/builder.h \
	%D%/compile.c %D%/compile.h \
	%D%/cuda_cc.c %D%/cuda_cc.h \
	%D%/define.c \
	%D%/derive.c \
	%D%/emit.c %D%/emit.h %D%/emit_block.c %D%/emit_bytecode.c %D%/emit_c.c %D%/emit_c.h %D%/emit_cuda.c %D%/emit_cuda.h %D%/emit_cuda_reduce.c %D%/emit_cuda_along.c %D%/emit_cuda_prefix.c %D%/emit_dot.c \
	%D%/emit_embed.c %D%/emit_embed.h %D%/emit_rows.c %D%/emit_schedule.c %D%/emit_span.c %D%/emit_work.c %D%/emit_work.h \
	%D%/execute.c %D%/execute.h \
	%D%/fold.c %D%/fuse.c %D%/outline.c %D%/share.c %D%/unused.c \
	%D%/hash.c \
	%D%/ir.c %D%/ir.h %D%/ir_names.c %D%/ir_text.c %D%/ir_verify.c %D%/ir_walk.c \
	%D%/ir_yaml.c %D%/ir_yaml.h %D%/ir_yaml_nodes.c %D%/ir_yaml_read.c %D%/yaml_tree.c \
	%D%/kernel.c \
	%D%/native_cc.c %D%/native_cc.h \
	%D%/nvrtc.c %D%/nvrtc.h \
	%D%/lower.c %D%/lower.h %D%/lower_reduce.c \
	%D%/pass.c %D%/pass.h \
	%D%/place.c \
	%D%/rewrite.c \
	%D%/schedule.c \
	%D%/toolchain.c %D%/toolchain.h

bin_PROGRAMS += mmsbc
mmsbc_SOURCES = %D%/mmsbc.c %D%/mmsbc.h %D%/cmd_compile.c %D%/cmd_files.c
mmsbc_LDADD = libcompiler.la liblang.la libmmsb_internal.la $(YAML_LIBS) $(XXHASH_LIBS)

# What operators mean, for the C text that the compiler writes.
EMBEDDED = runtime/scalar.h runtime/elementary_base.h runtime/elementary_exp.h runtime/elementary_log.h runtime/elementary_erf_table.h \
	runtime/elementary_erf.h runtime/elementary_trig.h runtime/elementary_arc.h runtime/elementary.h
EMBEDDED_C = $(EMBEDDED) runtime/tree.h runtime/block.h
# What is made for each level of the processor.
EMBEDDED_KEEP = runtime/differ.h runtime/keep.h
BUILT_SOURCES += %D%/emit_c_text.h %D%/emit_c_keep.h
CLEANFILES += %D%/emit_c_text.h %D%/emit_c_keep.h
EXTRA_DIST += %D%/embed.sh
%D%/emit_c.lo: %D%/emit_c_text.h %D%/emit_c_keep.h
%D%/emit_c_text.h: %D%/embed.sh $(EMBEDDED_C)
	@$(MKDIR_P) %D%
	$(AM_V_GEN)(cd $(srcdir) && compiler/embed.sh $(EMBEDDED_C)) > $@.tmp && mv $@.tmp $@

%D%/emit_c_keep.h: %D%/embed.sh $(EMBEDDED_KEEP)
	@$(MKDIR_P) %D%
	$(AM_V_GEN)(cd $(srcdir) && compiler/embed.sh $(EMBEDDED_KEEP)) > $@.tmp && mv $@.tmp $@

# The same for CUDA C, with what device code has besides.
EMBEDDED_CUDA = gpu/prelude.cu $(EMBEDDED) runtime/view.h gpu/launch.h gpu/device.cu
BUILT_SOURCES += %D%/emit_cuda_text.h
CLEANFILES += %D%/emit_cuda_text.h
%D%/emit_cuda.lo: %D%/emit_cuda_text.h
%D%/emit_cuda_text.h: %D%/embed.sh $(EMBEDDED_CUDA)
	@$(MKDIR_P) %D%
	$(AM_V_GEN)(cd $(srcdir) && compiler/embed.sh $(EMBEDDED_CUDA)) > $@.tmp && mv $@.tmp $@
