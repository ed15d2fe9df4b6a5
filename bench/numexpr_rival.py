"""Element-wise work in NumPy and numexpr: numexpr_rival.py (expression|options) N ROUNDS. Prints the least milliseconds of each, by turns, on one
thread and (numexpr) on two."""
import sys
import time

import numexpr as ne
import numpy as np

what, n, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random = np.random.default_rng(1)
a, b, c = ((random.random(n) + first).astype(np.float32) for first in (1.0, 1.0, 0.25))
two, out, put = np.float32(2), np.empty(n, np.float32), np.empty(n, np.float32)
half, one, root, rate, vol = (np.float32(x) for x in (0.5, 1.0, 0.70710678, 0.03, 0.2))


def options():
    """numexpr has no erf: 1 + erf(x) is computed as in Abramowitz and Stegun 7.1.26, an error of 1.5e-7, so that its work is about the same."""
    spread = ne.evaluate("vol * sqrt(c)")
    due = ne.evaluate("b * exp(-rate * c)")
    d1 = ne.evaluate("(log(a / b) + (rate + vol * vol * half) * c) / spread")
    d2 = ne.evaluate("d1 - spread")
    e1, e2 = erf(d1), erf(d2)
    ne.evaluate("a * half * (one + e1) - due * half * (one + e2)", out=out)
    ne.evaluate("due * half * (one - e2) - a * half * (one - e1)", out=put)


def erf(d):
    p, k1, k2, k3, k4, k5 = (np.float32(x) for x in (0.3275911, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429))
    x = ne.evaluate("abs(d) * root")
    t = ne.evaluate("one / (one + p * x)")
    y = ne.evaluate("one - ((((k5 * t + k4) * t + k3) * t + k2) * t + k1) * t * exp(-x * x)")
    return ne.evaluate("where(d < 0, -y, y)")


def least(work):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


numpy = least(lambda: (a - b) * c + a / two) if what == "expression" else None
for threads in 1, 2:
    ne.set_num_threads(threads)
    ms = least((lambda: ne.evaluate("(a - b) * c + a / two", out=out)) if what == "expression" else options)
    print(f"numexpr {threads} {ms:.3f}" + (f" numpy {numpy:.3f}" if numpy else ""))
