"""Conformance and regression harness for running Keras models in OpenCV."""

__version__ = "0.1.0"
