from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.manifests import Layout, Port, TensorSpec
from harness.pure.blobs import to_keras
from harness.pure.explaining import draw_error, name_layout

IMAGE = np.random.RandomState(1).standard_normal((2, 4, 5, 3))
CUBE = np.random.RandomState(2).standard_normal((3, 3, 3, 3))
"""All sizes equal: shapes tell nothing."""


@pytest.mark.parametrize("order", [order for order in permutations(range(4)) if order != (0, 1, 2, 3)])
@pytest.mark.parametrize("image", [IMAGE, CUBE], ids=["unequal", "equal"])
@pytest.mark.parametrize("layout", list(Layout))
def test_every_order_of_an_images_axes_is_named_as_opencv_gave_it(order, image, layout):
    """`order`: where each axis that OpenCV gives comes from in Keras's image."""
    given_by_opencv = image.transpose(order)
    port = Port(name="y", tensor=TensorSpec(name="y", shape=image.shape), layout=layout)
    compared = to_keras(given_by_opencv, port)
    documented = "NCHW" if layout is Layout.NCHW else "NHWC"
    found = "".join("NHWC"[axis] for axis in order)
    if found == documented:
        np.testing.assert_array_equal(compared, image)
    else:
        told = name_layout(compared, image, 1e-6, layout)
        assert told == f"the output is {found}, documented {documented}"


def test_other_ranks_are_told_by_number():
    volume = np.random.RandomState(3).standard_normal((2, 3, 4))
    assert name_layout(volume.transpose(0, 2, 1), volume, 1e-6, Layout.AS_KERAS) == (
        "the output's axes are those of Keras in the order 0, 2, 1"
    )


def test_a_flattened_image_in_another_order_is_told_from_wrong_numbers():
    flat, other = IMAGE.reshape(2, -1), IMAGE.transpose(0, 3, 1, 2).reshape(2, -1)
    assert "in another order" in name_layout(other, flat, 1e-6, Layout.AS_KERAS)
    assert name_layout(other * 1.01, flat, 1e-6, Layout.AS_KERAS) is None


def test_a_lost_axis_is_told_from_wrong_numbers():
    assert name_layout(IMAGE[0], IMAGE[:1], 1e-6, Layout.AS_KERAS) == (
        "the numbers are right, in shape [4, 5, 3] for [1, 4, 5, 3]"
    )


@pytest.mark.parametrize(
    "got", [np.full_like(IMAGE, np.nan), np.zeros((2, 0, 5, 3)), np.zeros((2, 3))], ids=["nan", "empty", "another size"]
)
def test_what_no_order_explains_is_left_unexplained(got):
    assert name_layout(got, IMAGE, 1e-6, Layout.AS_KERAS) is None


def test_a_constant_fits_in_any_order_and_says_nothing():
    assert name_layout(np.ones((3, 2)), np.ones((2, 3)), 1e-6, Layout.AS_KERAS) is None


def test_a_map_shows_the_place_and_the_share_of_the_error():
    got = IMAGE.copy()
    got[1, 2, 3, 0] += 9.0
    got[0, 0, 4, 2] -= 4.0
    drawn = draw_error(got, IMAGE, 1e-6)
    assert (drawn.axes, drawn.size) == ("height x width", (4, 5))
    assert drawn.rows == ("00004", "00000", "00090", "00000")


def test_what_is_not_finite_on_one_side_is_marked_and_on_both_is_right():
    expected, got = IMAGE.copy(), IMAGE.copy()
    expected[:, 0, 0], got[:, 0, 0] = np.nan, np.nan
    got[:, 1, 1] = np.inf
    assert draw_error(got, expected, 1e-6).rows == ("00000", "0x000", "00000", "00000")


@given(st.integers(1, 200), st.integers(2, 200), st.data())
def test_no_error_is_lost_where_the_picture_is_smaller(height, width, data):
    expected = np.zeros((1, height, width, 2))
    place = data.draw(st.integers(0, expected.size - 1))
    got = expected.copy()
    got.reshape(-1)[place] = 1.0
    rows = draw_error(got, expected, 1e-3).rows
    assert len(rows) <= 24
    assert "".join(rows).count("9") == 1
    assert set("".join(rows)) <= {"0", "9"}


def test_one_value_makes_no_picture():
    assert draw_error(np.ones((1, 1)), np.zeros((1, 1)), 1e-3) is None
