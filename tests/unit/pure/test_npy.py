from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.pure import npy

DTYPES = st.one_of(
    hnp.scalar_dtypes().filter(lambda dtype: dtype.kind not in "mM"), st.sampled_from([">f4", ">i2", "|S3", "<U2"])
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0, max_dims=4))


def saved(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def same(one, other) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@given(ARRAYS)
def test_what_numpy_writes_is_read_as_numpy_reads_it(array):
    assert same(npy.loads(saved(array)), array)


@given(ARRAYS)
def test_numpy_reads_what_is_written(array):
    assert same(np.load(io.BytesIO(npy.dumps(array)), allow_pickle=False), array)


def test_the_order_of_the_values_in_memory_does_not_show():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert same(npy.loads(saved(array)), array)
    assert same(npy.loads(npy.dumps(array.T)), array.T)


@given(st.lists(ARRAYS, max_size=3))
def test_arrays_end_to_end_are_read_one_after_another(arrays):
    found = npy.load_all(b"".join(map(saved, arrays)))
    assert all(same(one, other) for one, other in zip(found, arrays, strict=True))


def test_an_archive_is_read_by_name(tmp_path):
    arrays = {"f32_0": np.float32([1, 2]), "roundoff": np.asarray(1e-3)}
    np.savez(tmp_path / "a.npz", **arrays)
    found = npy.read_archive(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    assert all(same(found[name], array) for name, array in arrays.items())


def test_an_array_of_a_reply_can_be_written_to_where_its_bytes_can():
    assert npy.loads(bytearray(saved(np.zeros(3)))).flags.writeable
    assert not npy.loads(saved(np.zeros(3))).flags.writeable


GOOD = saved(np.zeros((2, 3), np.float32))
RECORD = saved(np.zeros(2, [("a", "f4")]))
OBJECT = GOOD.replace(b"'<f4'", b"'|O8'")
UNHEARD = GOOD.replace(b"'<f4'", b"'<x4'")


@pytest.mark.parametrize(
    "data", [GOOD[:-1], GOOD + b"x", GOOD + GOOD, GOOD[:20], b"", b"\x93NUMPY", b"PK\x03\x04", RECORD, OBJECT, UNHEARD]
)
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError, match="array"):
        npy.loads(data)


@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_bytes_that_were_damaged_are_refused_or_read_but_nothing_else_happens(noise, at):
    try:
        npy.load_all(GOOD[:at] + noise + GOOD[at + len(noise) :])
    except ValueError:
        return


def test_threads_read_at_once():
    """`numpy.load` raises SystemError here, sooner or later, on Python 3.11.7."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(npy.loads, [GOOD] * 2000))
    assert all(same(array, np.zeros((2, 3), np.float32)) for array in found)
