"""A plain program that times a network with `timeit`, as anybody would: what the harness's figure is held against.

Reads one JSON line per request: first what to load, then how many passes to time; answers with their milliseconds.
"""

import json
import sys
import timeit

import cv2
import numpy as np


def main():
    setup = json.loads(sys.stdin.readline())
    cv2.setNumThreads(setup["threads"])
    net = cv2.dnn.readNetFromONNX(setup["path"])
    net.setInput(np.load(setup["array"]), setup["input"])
    net.forward(setup["outputs"])
    print(json.dumps({"threads": cv2.getNumThreads(), "sizes": []}), flush=True)
    timer = timeit.Timer("net.forward(outputs)", globals={"net": net, "outputs": setup["outputs"]})
    for line in sys.stdin:
        passes = timer.repeat(repeat=json.loads(line)["repeats"], number=1)
        print(json.dumps({"forward_ms": [seconds * 1000 for seconds in passes], "sizes": []}), flush=True)


if __name__ == "__main__":
    main()
