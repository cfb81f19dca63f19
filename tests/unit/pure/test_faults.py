from __future__ import annotations

import numpy as np
import pytest

from harness.pure import faults

CHANGES = {fault.kind: change for fault, change in faults.OUTPUT_FAULTS.items()}
IMAGE = np.arange(1 * 3 * 4 * 2, dtype=np.float32).reshape(1, 3, 4, 2) + np.float32(0.1)
VECTOR = np.array([[1, -5, 3]], np.float32)


def changed(kind: str, *arrays: np.ndarray) -> np.ndarray:
    """What a fault makes of one output on the last of several inputs."""
    return CHANGES[kind]([(array,) for array in arrays])[-1][0]


def test_every_kind_has_one_name_and_says_what_it_is():
    found = faults.catalogue()
    assert len({fault.kind for fault in found}) == len(found) >= 22
    assert [fault for fault in found if not (fault.meaning and fault.idle)] == []


def test_a_stale_output_is_the_one_before():
    assert changed("output-stale", IMAGE, 2 * IMAGE) is IMAGE


def test_outputs_are_exchanged_where_there_are_two():
    swap = CHANGES["outputs-exchanged"]
    assert swap([(VECTOR, IMAGE)]) == [(IMAGE, VECTOR)]
    assert swap([(VECTOR,)]) == [(VECTOR,)]


def test_rows_and_columns_are_off_by_one_with_the_edge_repeated():
    np.testing.assert_array_equal(changed("rows-shifted", IMAGE), IMAGE[:, [0, 0, 1]])
    np.testing.assert_array_equal(changed("columns-shifted", IMAGE), IMAGE[:, :, [0, 0, 1, 2]])


def test_a_transposed_output_keeps_its_shape():
    found = changed("output-transposed", IMAGE)
    assert found.shape == IMAGE.shape
    np.testing.assert_array_equal(found.reshape(1, 4, 3, 2), IMAGE.transpose(0, 2, 1, 3))


def test_channels_come_in_reverse():
    np.testing.assert_array_equal(changed("output-reversed", IMAGE), IMAGE[..., ::-1])


def test_float16_keeps_eleven_bits_and_its_own_range():
    np.testing.assert_array_equal(changed("output-half", np.float32([[1 + 2**-11, 1e6]])), [[1, np.inf]])


def test_one_value_is_off_the_largest_one():
    np.testing.assert_allclose(changed("one-value-off", VECTOR), [[1, -5.05, 3]], rtol=1e-6)
    assert VECTOR[0, 1] == -5


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        ("rows-shifted", VECTOR),
        ("columns-shifted", VECTOR),
        ("output-transposed", VECTOR),
        ("output-transposed", IMAGE[:, :1]),
        ("output-reversed", IMAGE[..., :1]),
        ("output-half", np.arange(3)),
        ("one-value-off", np.zeros((1, 3), np.float32)),
        ("one-value-off", np.arange(3)),
    ],
)
def test_what_a_fault_cannot_change_it_hands_on_untouched(kind, array):
    assert changed(kind, array) is array


def test_nan_is_lost_and_infinity_is_not():
    given = np.array([[np.nan, np.inf, -np.inf, 2]], np.float32)
    np.testing.assert_array_equal(faults.lose_nan([(given,)])[0][0], [[0, np.inf, -np.inf, 2]])


def test_every_item_of_a_batch_takes_the_place_of_the_next():
    (found,) = faults.exchange_items([(np.array([[1], [2], [3]]),)])[0]
    np.testing.assert_array_equal(found, [[3], [1], [2]])
