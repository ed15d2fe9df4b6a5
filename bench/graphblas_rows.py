#!/usr/bin/env python3
"""graphblas_rows.py FILE: SuiteSparse:GraphBLAS on the graph that rows.c wrote: a sparse matrix times a dense vector in three algebras; best of 15.

FILE: n, arcs (u64); arcs of u32, u32, f64. Needs numpy and python-graphblas from PyPI."""
import sys
import time
import numpy
import graphblas as gb

gb.init("suitesparse", blocking=True)
from graphblas import Matrix, Vector, semiring, dtypes

raw = numpy.fromfile(sys.argv[1], dtype=numpy.uint8)
n, m = (int(x) for x in raw[:16].view(numpy.uint64))
arcs = raw[16:16 + 16 * m].view([("u", "u4"), ("v", "u4"), ("w", "f8")])
weights = Matrix.from_coo(arcs["u"], arcs["v"], arcs["w"], dtype=dtypes.FP64, nrows=n, ncols=n)
pattern = Matrix.from_coo(arcs["u"], arcs["v"], True, dtype=dtypes.BOOL, nrows=n, ncols=n)
random = numpy.random.default_rng(5)
x = Vector.from_dense(random.random(n))
some = Vector.from_dense(random.random(n) < 0.001)
marks = Vector.from_coo(some.to_coo()[0][some.to_coo()[1]], True, size=n, dtype=dtypes.BOOL)


def best(run):
    least = float("inf")
    for _ in range(15):
        start = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - start)
    return least * 1e3


for threads in (1, 2):
    gb.ss.config["nthreads"] = threads
    times = (best(lambda: weights.mxv(x, semiring.plus_times).new()), best(lambda: weights.mxv(x, semiring.min_plus).new()),
             best(lambda: pattern.mxv(some, semiring.lor_land).new()), best(lambda: pattern.mxv(marks, semiring.any_pair).new()))
    print("| GraphBLAS, %d thread%s | plus_times %.2f ms, min_plus %.2f ms, lor_land of a dense vector %.2f ms, any_pair of a sparse one %.2f ms | | | |"
          % ((threads, "s" if threads > 1 else "") + times))
