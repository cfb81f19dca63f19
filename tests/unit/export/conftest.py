"""These tests import TensorFlow into pytest's own process; OpenCV must never join it there."""

import sys

sys.modules["cv2"] = None  # type: ignore[assignment]  # Keras imports it for its drawings, wherever it is installed
