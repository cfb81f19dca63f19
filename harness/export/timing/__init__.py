"""A program of its own that times networks in TensorFlow: nothing here makes an artifact or a reference."""
