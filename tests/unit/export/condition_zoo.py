"""Conditions the named cases in a process of its own and prints `{id: digest of the weights}`.

Usage: condition_zoo.py THREADS ID...
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]


def digest(model: Any) -> str:
    """Return the digest of all weights, in order."""
    return hashlib.sha256(b"".join(array.tobytes() for array in model.get_weights())).hexdigest()


def main(threads: int, wanted: list[str]) -> None:
    """Print one JSON object."""
    sys.path.insert(0, str(REPOSITORY))
    import keras
    import tensorflow as tf

    from harness.cases import load_zoo
    from harness.export.conditioning import condition

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    digests = {}
    for case in load_zoo("model_zoo"):
        if case.id in wanted:
            keras.utils.set_random_seed(threads)  # the result may not depend on global random state either
            model = case.build()
            condition(model, case.inputs, seed=0)
            digests[case.id] = digest(model)
            keras.backend.clear_session()
    print(json.dumps(digests))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
