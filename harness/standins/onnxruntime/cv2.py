"""ONNX Runtime under OpenCV's name: as much of `cv2` as `harness/worker.py` uses, so that both are run alike.

The worker of `--opencv onnxruntime` imports this file for cv2; nobody else does. Graph optimisations are those that
every user of ONNX Runtime gets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

__version__ = f"onnxruntime-{onnxruntime.__version__}"

_threads = 0  # ONNX Runtime's own choice


class error(Exception):  # noqa: N801, N818 - cv2's name; never raised, since ONNX Runtime's exceptions have names of their own
    """OpenCV's exception."""


def setNumThreads(count: int) -> None:  # noqa: N802
    """Let networks that are loaded from now on use so many threads."""
    global _threads  # noqa: PLW0603 - a property of the process, in OpenCV too
    _threads = count


def getNumThreads() -> int:  # noqa: N802
    """Return what was set; 0 where ONNX Runtime chooses."""
    return _threads


def Mat(array: Any, wrap_channels: bool = False) -> Any:  # noqa: N802
    """Return the array: here a tensor has axes and no channels."""
    if wrap_channels:
        raise ValueError("ONNX Runtime knows no channels apart from a tensor's axes; use wrap_channels=False")
    return array


class Net:
    """One inference session, and the inputs set so far."""

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._inputs: dict[str, Any] = {}

    def empty(self) -> bool:
        """Return whether there is no network: never, since loading would have raised."""
        return False

    def getUnconnectedOutLayersNames(self) -> tuple[str, ...]:  # noqa: N802
        """Return the names of the graph's outputs."""
        return tuple(output.name for output in self._session.get_outputs())

    def getLayerNames(self) -> tuple[str, ...]:  # noqa: N802
        """Return nothing: only the graph's own outputs can be had."""
        return ()

    def setInput(self, blob: Any, name: str) -> None:  # noqa: N802
        """Keep one input for the next forward pass."""
        self._inputs[name] = blob

    def forward(self, names: list[str]) -> list[Any]:
        """Run the network and return the named outputs; raises ONNX Runtime's exceptions."""
        return list(self._session.run(names, self._inputs))

    def setPreferableBackend(self, backend: int) -> None:  # noqa: N802
        """Take the only backend."""

    def setPreferableTarget(self, target: int) -> None:  # noqa: N802
        """Take the only target."""


class dnn:  # noqa: N801 - cv2's submodule
    """`cv2.dnn`, with the one importer and the one engine there are."""

    ENGINE_ORT = 3
    DNN_BACKEND_OPENCV = 3
    DNN_TARGET_CPU = 0

    @staticmethod
    def getAvailableTargets(backend: int) -> list[int]:  # noqa: N802
        """Return the processor."""
        return [dnn.DNN_TARGET_CPU] if backend == dnn.DNN_BACKEND_OPENCV else []

    @staticmethod
    def readNetFromONNX(path: str, engine: int = ENGINE_ORT) -> Net:  # noqa: N802
        """Load a network; raises ONNX Runtime's exceptions."""
        if engine != dnn.ENGINE_ORT:
            raise ValueError(f"there is no engine number {engine} here")
        return Net(path)

    @staticmethod
    def blobFromImage(  # noqa: N802
        image: Any,
        scalefactor: float,
        size: tuple[int, int],
        mean: tuple[float, ...],
        swapRB: bool,  # noqa: N803
    ) -> Any:
        """Return a picture (H, W, C) as a blob (1, C, H, W) of float32, as OpenCV does: mean first, then scale."""
        if size != (0, 0):
            raise ValueError(f"pictures are not resized here, but size is {size}")
        channels = image[:, :, ::-1] if swapRB else image
        shifted = channels.astype(np.float32) - np.asarray(mean[: channels.shape[2]], np.float32)
        return (shifted * np.float32(scalefactor)).transpose(2, 0, 1)[np.newaxis]
