"""The three networks of the `mtcnn` package (Zhang et al. 2016): trained weights, and a photograph with a face.

The package declares them as subclassed models; here each becomes a functional one with the same layers and weights,
so that its layers can be told apart in an exported graph.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.cases import Case, Weights
from harness.pictures import BlobParameters, Picture, shrink
from model_zoo.declare import Family, Inputs, image, symbolic_input

_family = Family(__name__, "architectures")

BLOB = BlobParameters(scale=1 / 128, mean=(127.5, 127.5, 127.5), swap_rb=True)
"""`mtcnn.utils.images.normalize_images`, (pixels - 127.5) / 128 on RGB, in OpenCV's terms; exact in float32."""
_FACE_CENTRE = (120, 225)
"""Row and column of the nose in `skimage.data.astronaut()`."""


def network(keras: Any, name: str, inputs: Inputs, sizes: tuple[int | None, int | None]) -> Any:
    """Return `PNet`, `RNet` or `ONet` with its trained weights, as a functional model of its own layers.

    `sizes` are its height and width, None where they are open.
    """
    import importlib

    from mtcnn.utils.tensorflow import load_weights

    subclassed = getattr(importlib.import_module(f"mtcnn.network.{name.lower()}"), name)()
    subclassed.build()
    subclassed.set_weights(load_weights(f"{name.lower()}.lz4"))
    symbolic = symbolic_input(keras, replace(inputs[0], shape=(None, *sizes, 3)))
    return keras.Model(symbolic, subclassed.call(symbolic), name=name.lower())


def _case(name: str, height: int, width: int, *, any_size: bool = False) -> Case:
    inputs = image(height, width, 3)
    sizes = (None, None) if any_size else (height, width)
    return _family.model(
        f"mtcnn_{name.lower()}",
        inputs,
        lambda keras: network(keras, name, inputs, sizes),
        weights=Weights.TRAINED,
        requires=("mtcnn", "skimage"),
        picture=f"{__name__}:{name.lower()}_pictures",
        tags=("trained", "faces"),
    )


def pnet_pictures() -> list[Picture]:
    """Return the photograph's upper part at 1/8 and 1/4 of its crop: the face is about 12 pixels wide, P-Net's cell."""
    photograph = astronaut()
    whole = shrink(photograph[:352, :448], 8)
    near = shrink(photograph[32:208, 112:336], 4)
    return [_picture("astronaut-upper-half", whole), _picture("astronaut-head", near)]


def rnet_pictures() -> list[Picture]:
    """Return 24x24 crops: the face, the face off centre, and a piece without one."""
    return _crops(24, factor=6)


def onet_pictures() -> list[Picture]:
    """Return 48x48 crops: the face, the face off centre, and a piece without one."""
    return _crops(48, factor=3)


def astronaut() -> npt.NDArray[np.uint8]:
    """Return scikit-image's bundled photograph of Eileen Collins (NASA, public domain): uint8 (512, 512, 3), RGB."""
    from skimage.data import astronaut as bundled

    return np.ascontiguousarray(bundled(), dtype=np.uint8)


def preprocess(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the Keras input (1, H, W, 3) of RGB pixels: what `mtcnn.utils.images.normalize_images` computes."""
    return ((rgb[np.newaxis].astype(np.float64) - 127.5) / 128).astype(np.float32)


def _crops(size: int, *, factor: int) -> list[Picture]:
    photograph = astronaut()
    row, column = _FACE_CENTRE
    centres = {"face": (row, column), "face-off-centre": (row + 14, column - 22), "no-face": (400, 90)}
    half = size * factor // 2
    return [
        _picture(f"astronaut-{name}", shrink(photograph[y - half : y + half, x - half : x + half], factor))
        for name, (y, x) in centres.items()
    ]


def _picture(name: str, rgb: npt.NDArray[np.uint8]) -> Picture:
    return Picture(name=name, image=np.ascontiguousarray(rgb[:, :, ::-1]), blob=BLOB, keras_input=preprocess(rgb))


CASES = (_case("PNet", 44, 56, any_size=True), _case("RNet", 24, 24), _case("ONet", 48, 48))
