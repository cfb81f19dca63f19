"""The zoo: every Keras model whose fate in OpenCV is watched, declared as cases and built only in the exporter.

`layers/` has one file per family of Keras layer, `blocks/` the building bricks of published networks,
`architectures/` whole networks. Nothing below this package may import Keras, TensorFlow or cv2 at its top level:
the host reads the declarations without them.
"""
