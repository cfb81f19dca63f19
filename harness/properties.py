"""The properties there are: what must hold of every correct implementation, told apart from the outcome. Words only.

Most need no reference, only the same network asked again. One that does not apply is not tried and absent from the
record: `before-head` where no last activation hides anything, `input-order` for one input, `batch` for a fixed one,
`other-size` where height and width are fixed or nobody asked for it, `threads` where OpenCV was built without, and
`denormal`, `inf`, `nan` where no input takes such values, TensorFlow itself has no answer to them, or OpenCV is wrong
on ordinary inputs already.
"""

from __future__ import annotations

from enum import StrEnum


class Name(StrEnum):
    """Every property there is, in the order in which they are tried: what may end the worker comes last."""

    BEFORE_HEAD = "before-head"
    BATCH = "batch"
    FIRST_AGAIN = "first-again"
    SAME_BITS_TWICE = "same-bits-twice"
    INPUT_ORDER = "input-order"
    RELOAD = "reload"
    THREADS = "threads"
    OTHER_SIZE = "other-size"
    DENORMAL = "denormal"
    INF = "inf"
    NAN = "nan"


MEANINGS = {
    Name.BEFORE_HEAD: "what a saturated softmax, sigmoid or tanh is given agrees with TensorFlow as well",
    Name.BATCH: "several items at once give what each gives alone, within the tolerance",
    Name.FIRST_AGAIN: "the first input, after all others, gives the bits it gave at first",
    Name.SAME_BITS_TWICE: "the same input gives the same bits when it comes twice",
    Name.INPUT_ORDER: "the bits do not depend on the order in which inputs are set",
    Name.RELOAD: "the network loaded once more gives the same bits",
    Name.THREADS: "two threads give what one gives, within the tolerance",
    Name.OTHER_SIZE: "exported at another size, where height and width are open, it still agrees with TensorFlow",
    Name.DENORMAL: "a denormal input gives what TensorFlow gives",
    Name.INF: "infinities in an input come out where TensorFlow has them",
    Name.NAN: "NaN in an input comes out where TensorFlow has it, and nowhere else",
}
