from __future__ import annotations

from harness.export.tflite_files import _reason

SAID = """Could not translate MLIR to FlatBuffer./home/somebody/export/ownership.py:82:1: error: 'tf.Sinh' op is neither
<unknown>:0: error: failed while converting: 'main':
\tOp: tf.Sinh
"""


def test_the_converters_words_are_kept_and_places_in_our_files_are_not():
    told = _reason(SAID)
    assert "'tf.Sinh' op is neither" in told
    assert "failed while converting" in told
    assert "somebody" not in told
    assert "unknown" not in told
