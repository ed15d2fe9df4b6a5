# stdlib/: the modules that `import` finds without -I.
stdlibdir = $(pkgdatadir)/stdlib
dist_stdlib_DATA =
