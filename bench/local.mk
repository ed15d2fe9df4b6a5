# bench/: one file a benchmark, its rivals beside it. Built and run by `make bench`, never by `make check`.
