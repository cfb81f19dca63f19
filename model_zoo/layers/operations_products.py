"""`keras.ops` that multiply and add: einsum, matmul, convolutions with given kernels, pooling, attention.

`ops.conv_transpose` is missing: in Keras 3.15 it cannot run in a functional graph, where its padding and output
padding are handed on in the wrong order.
"""

from typing import Any

import numpy as np

from model_zoo.declare import Family, Tier, image, several, tensor

_full = Family(__name__, "layers", tier=Tier.FULL)

_PAIR = several(tensor(6, 11, name="left"), tensor(4, 11, name="right"))
_IMAGE = image(9, 12, 4)
_HEADS = several(*(tensor(6, 2, 5, name=name) for name in ("query", "key", "value")))


def _kernel(*shape: int) -> Any:
    """Return fixed weights of about unit gain, the same in every process."""
    return np.random.RandomState(7).uniform(-0.5, 0.5, shape).astype(np.float32)


CASES = (
    _full.graph("ops/einsum", _PAIR, lambda keras, left, right: keras.ops.einsum("btc,bsc->bst", left, right)),
    *_full.operations(
        _PAIR,
        {
            "einsum-outer": lambda ops, left, right: ops.einsum("btc,bsd->btsdc", left, right),
            "matmul-transposed": lambda ops, left, right: ops.matmul(left, ops.transpose(right, (0, 2, 1))),
            "matmul-attention": lambda ops, left, right: ops.matmul(
                ops.softmax(ops.matmul(left, ops.transpose(right, (0, 2, 1)))), right
            ),
            "cosine-similarity": lambda ops, left, right: ops.matmul(
                ops.normalize(left), ops.transpose(ops.normalize(right), (0, 2, 1))
            ),
            "distances": lambda ops, left, right: ops.sqrt(
                ops.sum(ops.square(left[:, :, None] - right[:, None]), axis=-1)
            ),
        },
    ),
    *_full.operations(
        tensor(6, 11),
        {
            "matmul-constant": lambda ops, x: ops.matmul(x, _kernel(11, 7)),
            "matmul-gram": lambda ops, x: ops.matmul(x, ops.transpose(x, (0, 2, 1))),
            "dot-constant": lambda ops, x: ops.dot(x, _kernel(11, 7)),
            "tensordot": lambda ops, x: ops.tensordot(x, _kernel(6, 11, 5), axes=((1, 2), (0, 1))),
        },
    ),
    *_full.operations(
        several(tensor(2, 5, 6, name="left"), tensor(2, 6, 7, name="right")),
        {
            "matmul-rank4": lambda ops, left, right: ops.matmul(left, right),
            "einsum-heads": lambda ops, left, right: ops.einsum("bhts,bhsd->bthd", left, right),
        },
    ),
    *_full.operations(
        _HEADS,
        {
            "dot_product_attention": lambda ops, query, key, value: ops.dot_product_attention(query, key, value),
            "dot_product_attention-causal": lambda ops, query, key, value: ops.dot_product_attention(
                query, key, value, is_causal=True
            ),
        },
    ),
    *_full.operations(
        _IMAGE,
        {
            "conv": lambda ops, x: ops.conv(x, _kernel(3, 2, 4, 5)),
            "conv-same-stride2": lambda ops, x: ops.conv(x, _kernel(3, 3, 4, 5), strides=2, padding="same"),
            "depthwise_conv": lambda ops, x: ops.depthwise_conv(x, _kernel(3, 3, 4, 2)),
            "max_pool": lambda ops, x: ops.max_pool(x, 3, strides=2, padding="same"),
            "average_pool": lambda ops, x: ops.average_pool(x, 3, strides=2, padding="same"),
            "batch_normalization": lambda ops, x: ops.batch_normalization(
                x, mean=_kernel(4), variance=1 + _kernel(4), axis=-1, offset=_kernel(4), scale=2 + _kernel(4)
            ),
        },
    ),
)
