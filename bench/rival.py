"""The same work in NumPy: rival.py (expression|sum) N EPOCHS. Prints what scratch prints."""
import sys
import time

import numpy as np

what, n, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
k = np.arange(n, dtype=np.uint64)


def page(p):
    return ((k * np.uint64(7) + np.uint64(p * 13)) % np.uint64(4099)).astype(np.float32) / np.float32(1024) - np.float32(2)


a, b, c = page(0), page(1), page(2)
two = np.float32(2)
seconds = []
for e in range(epochs + 1):
    start = time.perf_counter()
    if what == "expression":
        d = (a - b) * c + a / two
    else:
        s = a.sum()
    seconds.append(time.perf_counter() - start)
print(f"seconds {sorted(seconds[1:])[epochs // 2]:.9f}")
if what == "expression":
    print(f"d {d[0]:.9g} {d[-1]:.9g}")
else:
    print(f"s {s:.9g} {s:.9g}")
