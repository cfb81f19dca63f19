"""Faults to plant in an ONNX model: what an importer or a converter may get wrong, one small function per kind.

A program of its own (`python -m harness.export.faults`): it imports onnx, and TensorFlow only for faults that are
planted in the Keras model. No artifact or reference depends on this package.
"""
