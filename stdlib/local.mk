# stdlib/: the modules that `import` finds without -I.
stdlibdir = $(pkgdatadir)/stdlib
dist_stdlib_DATA = %D%/graph.mmsb %D%/semiring.mmsb %D%/stats.mmsb %D%/stencil.mmsb
