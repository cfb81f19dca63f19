"""Which axes order OpenCV uses at an artifact's ports, stated per format in one place."""

from __future__ import annotations

from harness.records import Layout, TensorSpec

_IMAGE_RANK = 4


def image_as_nchw(spec: TensorSpec) -> Layout:
    """4-D tensors are NCHW at OpenCV's side, all others as in Keras: the rule of `.pb` and `.tflite` nets."""
    return Layout.NCHW if len(spec.shape) == _IMAGE_RANK else Layout.AS_KERAS


def as_keras(_: TensorSpec) -> Layout:
    """ONNX nets take and give what their graph says, which is what Keras says."""
    return Layout.AS_KERAS
