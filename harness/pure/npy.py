"""Arrays as the bytes of `.npy` and `.npz` files, for several threads at once.

`numpy.load` reads a header as Python source, and Python before 3.11.8 and 3.12.2 raises SystemError where two threads
parse at once (python/cpython#106905): with a lane in each thread that is a matter of time. Headers are written by numpy
in one form only, which needs no parser. No pickle, no objects, no records. Pure but for what takes a path.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_MAGIC = b"\x93NUMPY"
_SIZES = {1: (8, 2), 2: (8, 4), 3: (8, 4)}
"""Version -> where the header's size stands, and on how many bytes."""
_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype>[<>|]?[a-zA-Z]\d+)', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>(?:\d+, ?)*\d*)\), \}\s*"
)


def dumps(array: Array) -> memoryview:
    """Return an array as the bytes of an `.npy` file, its values in C order."""
    buffer = io.BytesIO()
    np.save(buffer, np.require(array, requirements="C"), allow_pickle=False)  # a scalar stays one
    return buffer.getbuffer()


def loads(data: bytes | bytearray | memoryview) -> Array:
    """Return the array in the bytes of an `.npy` file, without a copy: it can be written to where they can.

    Raises ValueError for anything else.
    """
    found = load_all(data)
    if len(found) != 1:
        raise ValueError(f"{len(found)} arrays came where one was to come")
    return found[0]


def load_all(data: bytes | bytearray | memoryview) -> list[Array]:
    """Return the arrays of `.npy` files that lie end to end. Raises ValueError for anything else."""
    view, found = memoryview(data), []
    while view:
        array, view = _first(view)
        found.append(array)
    return found


def _first(view: memoryview) -> tuple[Array, memoryview]:
    start, size = _SIZES.get(view[6] if len(view) > 6 else 0, (0, 0))
    body = start + size + int.from_bytes(view[start : start + size], "little")
    header = _HEADER.fullmatch(bytes(view[start + size : body]))
    if bytes(view[: len(_MAGIC)]) != _MAGIC or header is None:
        raise ValueError(f"{bytes(view[:80])!r} is not the beginning of an array of numbers in the .npy format")
    shape = tuple(int(axis) for axis in header["shape"].split(b",") if axis.strip())
    dtype = _dtype(header["dtype"].decode())
    end = body + math.prod(shape) * dtype.itemsize
    if dtype.hasobject or end > len(view):
        raise ValueError(f"{len(view) - body} bytes are no {dtype} array of shape {shape}")
    array = np.frombuffer(view[body:end], dtype)
    fortran = header["fortran"] == b"True"
    return array.reshape(shape, order="F") if fortran else array.reshape(shape), view[end:]


def _dtype(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name)
    except TypeError as error:
        raise ValueError(f"{name!r} is no dtype that numpy knows for an array of numbers") from error


def read_archive(path: Path) -> dict[str, Array]:
    """Return the arrays of an `.npz` file by name, read-only.

    Raises OSError where it cannot be read, ValueError or zipfile.BadZipFile where it is none.
    """
    with zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy"): loads(archive.read(name)) for name in archive.namelist()}


def write_feed(path: Path, feed: Sequence[Array]) -> Path:
    """Write a network's inputs, in order, as an `.npz` file with the names i0, i1, ... that the exporter reads."""
    named = {f"i{place}": array for place, array in enumerate(feed)}
    np.savez(path, **named)  # type: ignore[arg-type]  # numpy's stub takes allow_pickle for a keyword array
    return path
