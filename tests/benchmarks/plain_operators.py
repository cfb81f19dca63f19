"""A plain persistent worker over ONNX backend tests: reads a case's folder per line, runs it, compares, says one word.

What our own way is measured against: nothing of ours is imported, nothing is repeated, stderr goes nowhere.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np


def run(case):
    folder = Path(case["folder"])
    net = cv2.dnn.readNetFromONNX(str(folder / "model.onnx"))
    for path in sorted(folder.glob("data_*.npys")):
        with path.open("rb") as stream:
            for name in case["inputs"]:
                net.setInput(np.load(stream), name)
            expected = [np.load(stream) for _ in case["outputs"]]
        for got, wanted in zip(net.forward(case["outputs"]), expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-7)


def main():
    cv2.setNumThreads(1)
    for line in sys.stdin:
        try:
            run(json.loads(line))
        except Exception as error:
            print(type(error).__name__, flush=True)
        else:
            print("ok", flush=True)


if __name__ == "__main__":
    main()
