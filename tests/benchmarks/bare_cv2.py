"""A plain process that loads a model and runs it once per line it reads: what the worker is measured against."""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np


def peak_rss_bytes():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main():
    cv2.setNumThreads(1)
    for line in sys.stdin:
        request = json.loads(line)
        blob = np.random.default_rng(1).normal(size=request["shape"]).astype(np.float32)
        started = time.perf_counter()
        net = cv2.dnn.readNetFromONNX(request["path"])
        net.setInput(blob, "x")
        net.forward(["y"])
        cell_ms = (time.perf_counter() - started) * 1000
        print(json.dumps({"cell_ms": cell_ms, "peak_rss_bytes": peak_rss_bytes(), "sizes": []}), flush=True)


if __name__ == "__main__":
    main()
