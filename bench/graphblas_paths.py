#!/usr/bin/env python3
"""graphblas_paths.py FILE: SuiteSparse:GraphBLAS on the graph that paths.c wrote: shortest paths from vertex 0 by Bellman-Ford over the frontier
of what has become better, reachability by a frontier under a mask, 20 rounds of PageRank; best of five. The distances must have our bits.

FILE: n, arcs (u64); arcs of u32, u32, f64; n distances of f64. Needs numpy and python-graphblas from PyPI."""
import sys
import time
import numpy
import graphblas as gb

gb.init("suitesparse", blocking=True)
from graphblas import Matrix, Vector, binary, monoid, semiring, dtypes


def load(path):
    raw = numpy.fromfile(path, dtype=numpy.uint8)
    n, m = (int(x) for x in raw[:16].view(numpy.uint64))
    arcs = raw[16:16 + 16 * m].view([("u", "u4"), ("v", "u4"), ("w", "f8")])
    return n, arcs, raw[16 + 16 * m:].view(numpy.float64)


def paths(w, n):
    dist = Vector(dtypes.FP64, n)
    dist[0] = 0.0
    front = dist.dup()
    while front.nvals:
        step = front.vxm(w, semiring.min_plus).new()
        better = step.ewise_mult(dist, binary.lt).new()  # where both are there
        new = step.dup()
        fresh = Vector(dtypes.FP64, n)
        fresh(~dist.S) << new
        fresh(better.V) << new
        dist(binary.min) << fresh
        front = fresh
    return dist


def reach(a, n):
    seen = Vector(dtypes.BOOL, n)
    seen[0] = True
    front = seen.dup()
    while front.nvals:
        next_front = Vector(dtypes.BOOL, n)
        next_front(~seen.S, replace=True) << front.vxm(a, semiring.any_pair)
        seen(front.S) << True
        seen(next_front.S) << True
        front = next_front
    return seen


def pagerank(into, out, n, rounds=20, d=0.85):
    rank = Vector.from_scalar(1.0 / n, n)
    for _ in range(rounds):
        share = rank.ewise_mult(out, binary.truediv).new()
        dangling = rank.reduce(monoid.plus).new().value - rank.dup(mask=out.S).reduce(monoid.plus).new().value
        rank = Vector.from_scalar((1.0 - d) / n + d * dangling / n, n)
        rank(binary.plus) << (d * into.mxv(share, semiring.plus_second).new())
    return rank


def pagerank_inputs(arcs, n):
    into = Matrix.from_coo(arcs["v"], arcs["u"], 1.0, dtype=dtypes.FP64, nrows=n, ncols=n)
    return into, into.reduce_columnwise(monoid.plus).new()


def best(run):
    least, value = float("inf"), None
    for _ in range(5):
        start = time.perf_counter()
        value = run()
        least = min(least, time.perf_counter() - start)
    return least, value


def main(path):
    n, arcs, ours = load(path)
    w = Matrix.from_coo(arcs["u"], arcs["v"], arcs["w"], dtype=dtypes.FP64, nrows=n, ncols=n)
    a = Matrix.from_coo(arcs["u"], arcs["v"], True, dtype=dtypes.BOOL, nrows=n, ncols=n)
    into, out = pagerank_inputs(arcs, n)
    for threads in (1, 2):
        gb.ss.config["nthreads"] = threads
        seconds, dist = best(lambda: paths(w, n))
        there = dist.to_coo()
        theirs = numpy.full(n, numpy.inf)
        theirs[there[0]] = there[1]
        if theirs.tobytes() != ours.tobytes():
            sys.exit("graphblas_paths.py: the distances differ")
        reached, _ = best(lambda: reach(a, n))
        ranked, _ = best(lambda: pagerank(into, out, n))
        print("| GraphBLAS, %d thread%s | paths %.1f ms, reachability %.1f ms, PageRank of 20 rounds %.1f ms | | | |"
              % (threads, "s" if threads > 1 else "", seconds * 1e3, reached * 1e3, ranked * 1e3))


if __name__ == "__main__":
    main(sys.argv[1])
