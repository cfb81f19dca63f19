"""Fourier transforms, and what is read of them."""

from __future__ import annotations

import tensorflow as tf

from tests.unit.export.graph_cases import table

_GONE = ("RFFT", "Complex", "Real", "Imag", "ComplexAbs")
_signal = table("RFFT", (2, 3, 16), lacks=("RFFT",))

CASES = [
    *_signal(
        whole=lambda x: tf.math.real(tf.signal.rfft(x)),
        padded=lambda x: tf.math.imag(tf.signal.rfft(x, [20])),
        cut=lambda x: tf.math.imag(tf.signal.rfft(x, [11])),
        odd=lambda x: tf.abs(tf.signal.rfft(x, [15])),
    ),
    *table("Real", (2, 16), lacks=_GONE)(
        power=lambda x: tf.square(tf.math.real(tf.signal.rfft(x))) + tf.square(tf.math.imag(tf.signal.rfft(x)))
    ),
    *table("Imag", (16,), lacks=("Imag", "Complex"))(of_a_pair=lambda x: tf.math.imag(tf.complex(x, x * 2))),
    *table("ComplexAbs", (2, 16), lacks=_GONE)(magnitude=lambda x: tf.abs(tf.signal.rfft(x))),
]
LEFT_ALONE = [
    *table("RFFT", (2, 5000))(too_long=lambda x: tf.abs(tf.signal.rfft(x))),
    *table("Real", (16,))(
        of_something_else=lambda x: tf.math.real(tf.signal.fft(tf.complex(x, x))),
    ),
    *table("Imag", (16,))(of_something_else=lambda x: tf.math.imag(tf.signal.fft(tf.complex(x, x)))),
    *table("ComplexAbs", (16,))(of_something_else=lambda x: tf.abs(tf.signal.fft(tf.complex(x, x)))),
]
