"""The portfolio in NumPy, everything anew for each epoch: portfolio.py K N B EPOCHS. Prints the median seconds."""
import sys
import time

import numpy as np

k, n, b, epochs = (int(a) for a in sys.argv[1:])
rng = np.random.default_rng(1)
price = 50 + 100 * rng.random(k)
inst, book = rng.integers(0, k, n), rng.integers(0, b, n)
qty = rng.integers(1, 101, n).astype(np.float64)
cost = price[inst] * (0.9 + 0.2 * rng.random(n))
seconds = []
for e in range(epochs + 1):
    price[e % k] *= 1.001
    start = time.perf_counter()
    bybook = np.bincount(book, weights=(price[inst] - cost) * qty, minlength=b)
    total = bybook.sum()
    seconds.append(time.perf_counter() - start)
print(f"{sorted(seconds[1:])[epochs // 2]:.9f}")
