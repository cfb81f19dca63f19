from __future__ import annotations

import subprocess
import sys

import pytest

from harness.errors import UsageError
from harness.routes import Needs, all_routes, pick_routes
from harness.sources import SourceKind

GOOD = {"pb", "onnx", "onnx-dynamic-batch", "tflite"}
STOCK = {"pb-naive", "tflite-naive", "onnx-tf2onnx-cli", "onnx-keras"}


def names(kind: SourceKind, *asked: str) -> set[str]:
    return {route.name for route in pick_routes(asked, kind)}


def test_the_promised_routes_exist_and_the_good_ones_come_first():
    found = all_routes()
    assert set(found) >= GOOD | STOCK
    assert {name for name, route in found.items() if route.stock} == STOCK
    assert [route.stock for route in found.values()] == sorted(route.stock for route in found.values())
    assert all(name == route.name for name, route in found.items())


@pytest.mark.parametrize("name", sorted(GOOD | STOCK))
def test_a_route_says_what_it_produces(name):
    route = all_routes()[name]
    assert route.formats == (name.partition("-")[0],)
    assert len(route.summary) > 10
    assert callable(route.export)


@pytest.mark.parametrize("kind", [SourceKind.CASE, SourceKind.CALLABLE, SourceKind.KERAS, SourceKind.H5])
def test_a_keras_model_can_take_every_recipe(kind):
    assert names(kind) == GOOD | STOCK


def test_a_saved_model_can_take_what_needs_no_live_keras():
    found = names(SourceKind.SAVED_MODEL)
    assert found >= GOOD
    assert "onnx-tf2onnx-cli" in found
    assert "onnx-keras" not in found


@pytest.mark.parametrize("kind", [SourceKind.ONNX, SourceKind.TFLITE])
def test_a_converted_file_can_only_be_taken_as_it_is(kind):
    found = pick_routes((), kind)
    assert [route.needs for route in found] == [Needs.FILE]
    assert kind.value in found[0].formats


@pytest.mark.parametrize("kind", list(SourceKind))
def test_every_source_has_a_route_that_is_not_stock(kind):
    assert any(not route.stock for route in pick_routes((), kind))


def test_the_opset_of_the_good_onnx_route_is_swept():
    """OpenCV 4.6 refuses forms of opset 13; what the stock recipes write is theirs to choose."""
    found = {name: route.opsets for name, route in all_routes().items() if route.opsets}
    assert found == {"onnx": (13, 11, 10, 15, 17, 18), "onnx-dynamic-batch": (13, 11, 15, 18)}


def test_routes_are_taken_in_the_order_asked_for():
    assert [route.name for route in pick_routes(("tflite", "pb"), SourceKind.KERAS)] == ["tflite", "pb"]


def test_a_route_that_is_none_is_refused_with_all_there_are():
    with pytest.raises(UsageError, match=r"no route 'caffe'.*onnx.*pb.*tflite"):
        pick_routes(("onnx", "caffe"), SourceKind.KERAS)


def test_a_route_that_cannot_start_there_is_refused_with_those_that_can():
    with pytest.raises(UsageError, match=r"'onnx-keras' cannot start from a savedmodel source; use .*onnx"):
        pick_routes(("onnx-keras",), SourceKind.SAVED_MODEL)


def test_knowing_the_routes_imports_no_converter():
    heavy = {"tensorflow", "keras", "tf2onnx", "onnx", "cv2"}
    code = f"import sys; from harness.routes import all_routes; all_routes(); print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
