"""The baseline of the benchmark of the search: FAISS IndexFlatIP, one thread.

    faiss_flat.py MATRIX PROBES DIMENSION MOST

MATRIX and PROBES are rows of float32 without anything around them. It prints `ready` once the index is made; for each line with a number on its
standard input it searches the best MOST rows for so many probes at once, and prints seconds, entries and scores as JSON.
"""

import json
import sys
import time

import faiss
import numpy as np

matrix, probes, dimension, most = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
faiss.omp_set_num_threads(1)
index = faiss.IndexFlatIP(dimension)
index.add(np.fromfile(matrix, np.float32).reshape(-1, dimension))
probes = np.fromfile(probes, np.float32).reshape(-1, dimension)
print("ready", flush=True)
for line in sys.stdin:
    asked = np.ascontiguousarray(probes[: int(line)])
    started = time.perf_counter()
    scores, entries = index.search(asked, most)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "entries": entries.tolist(), "scores": scores.tolist()}), flush=True)
