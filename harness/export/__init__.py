"""The exporter: the child process that opens models, exports them and computes references.

The only code that imports TensorFlow, Keras, tf2onnx and onnx. Run as `python -m harness.export`; nothing in
the host imports it, except routes, which name its functions inside their own and call them here.
"""
