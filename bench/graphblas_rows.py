#!/usr/bin/env python3
"""graphblas_rows.py FILE: SuiteSparse:GraphBLAS on the graph that rows.c wrote: a sparse matrix times a dense vector in three algebras, best of 15,
and 20 rounds of PageRank, best of 5. Its results are compared: products with NumPy's, ranks with ours.

FILE: n, arcs (u64); arcs of u32, u32, f64; n ranks of f64. Needs numpy and python-graphblas from PyPI."""
import sys
import time
import numpy
import graphblas as gb

gb.init("suitesparse", blocking=True)
from graphblas import Matrix, Vector, semiring, dtypes
from graphblas_paths import pagerank, pagerank_inputs

raw = numpy.fromfile(sys.argv[1], dtype=numpy.uint8)
n, m = (int(x) for x in raw[:16].view(numpy.uint64))
arcs = raw[16:16 + 16 * m].view([("u", "u4"), ("v", "u4"), ("w", "f8")])
ranks = raw[16 + 16 * m:].view(numpy.float64)
weights = Matrix.from_coo(arcs["u"], arcs["v"], arcs["w"], dtype=dtypes.FP64, nrows=n, ncols=n)
pattern = Matrix.from_coo(arcs["u"], arcs["v"], True, dtype=dtypes.BOOL, nrows=n, ncols=n)
into, out = pagerank_inputs(arcs, n)
random = numpy.random.default_rng(5)
dense = random.random(n)
marked = random.random(n) < 0.001
x = Vector.from_dense(dense)
some = Vector.from_dense(marked)
marks = Vector.from_coo(marked.nonzero()[0], True, size=n, dtype=dtypes.BOOL)


def best(times, run):
    least, value = float("inf"), None
    for _ in range(times):
        start = time.perf_counter()
        value = run()
        least = min(least, time.perf_counter() - start)
    return least * 1e3, value


def same(name, vector, wanted, absent, exact=True):
    values = vector.to_dense(fill_value=absent)
    if not (numpy.array_equal(values, wanted) if exact else numpy.allclose(values, wanted, rtol=1e-11, atol=0)):
        sys.exit("graphblas_rows.py: %s has other values" % name)


def wanted_products():
    """The arcs are in the order of rows."""
    rows, first = numpy.unique(arcs["u"], return_index=True)
    least = numpy.full(n, numpy.inf)
    least[rows] = numpy.minimum.reduceat(arcs["w"] + dense[arcs["v"]], first)
    reached = numpy.zeros(n, bool)
    reached[rows] = numpy.logical_or.reduceat(marked[arcs["v"]], first)
    return numpy.bincount(arcs["u"], arcs["w"] * dense[arcs["v"]], n), least, reached


sums, least, reached = wanted_products()
for threads in (1, 2):
    gb.ss.config["nthreads"] = threads
    plus, got = best(15, lambda: weights.mxv(x, semiring.plus_times).new())
    same("plus_times", got, sums, 0, False)
    minimum, got = best(15, lambda: weights.mxv(x, semiring.min_plus).new())
    same("min_plus", got, least, numpy.inf)
    either, got = best(15, lambda: pattern.mxv(some, semiring.lor_land).new())
    same("lor_land", got, reached, False)
    pair, got = best(15, lambda: pattern.mxv(marks, semiring.any_pair).new())
    same("any_pair", got, reached, False)
    rank, got = best(5, lambda: pagerank(into, out, n))
    same("PageRank", got, ranks, 0, False)
    print("| GraphBLAS, %d thread%s | plus_times %.2f ms, min_plus %.2f ms, lor_land of a dense vector %.2f ms, any_pair of a sparse one %.2f ms, "
          "PageRank of 20 rounds %.1f ms | | | |" % (threads, "s" if threads > 1 else "", plus, minimum, either, pair, rank))
