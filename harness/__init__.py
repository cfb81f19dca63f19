"""Conformance and regression harness for running Keras models in OpenCV."""
