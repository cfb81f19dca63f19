"""The zoo's declarations, read the way the host reads them: without Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.cases import Case, Tier, Weights, load_zoo, select
from harness.errors import UsageError
from harness.pictures import BlobParameters, Picture, load_pictures, shrink
from model_zoo.declare import Family, image, several, tensor, tokens

ZOO = load_zoo("model_zoo")
REPOSITORY = Path(__file__).parents[2]


def test_reading_the_zoo_imports_neither_keras_nor_tensorflow_nor_cv2() -> None:
    code = (
        "import sys; from harness.cases import load_zoo; from harness.pictures import Picture; load_zoo('model_zoo');"
        "print(sorted({'keras', 'tensorflow', 'cv2', 'skimage', 'mtcnn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("family", ["layers", "blocks", "architectures"])
def test_every_module_declares_cases_under_its_folder(family: str) -> None:
    modules = {f"model_zoo.{family}.{path.stem}" for path in (REPOSITORY / "model_zoo" / family).glob("[!_]*.py")}
    declared = {case.module for case in ZOO if case.id.startswith(f"{family}/")}
    assert declared == modules


def test_core_tier_stays_small_enough_for_seven_routes() -> None:
    assert 60 <= len(select(ZOO, "core")) <= 90
    assert len([case for case in select(ZOO, "core") if case.id.startswith("layers/")]) <= 66
    assert set(select(ZOO, "core")) < set(select(ZOO, "full"))


@pytest.mark.parametrize("case", [case for case in ZOO if case.id.startswith("layers/")], ids=lambda case: case.id)
def test_layer_cases_say_what_they_cover(case: Case) -> None:
    assert case.covers
    first = case.id.split("/")[1].replace("_", "")
    names = {name.lower() for name in case.covers}
    assert first in {*names, "model"} or any(name.startswith(f"{first}.") for name in names), (
        f"{case.id} covers {case.covers}"
    )


def test_the_full_tier_has_hundreds_of_layer_cases() -> None:
    assert len([case for case in ZOO if case.id.startswith("layers/")]) >= 400


def test_sizes_are_unequal_wherever_a_layout_mistake_could_hide() -> None:
    square = {
        case.id
        for case in ZOO
        for spec in case.inputs
        if len(set(spec.shape[1:])) != len(spec.shape[1:]) and 1 not in spec.shape[1:]
    }
    # sizes that the networks' authors fixed
    published = {case.id for case in ZOO if "keras.applications" in case.tags and not case.id.endswith("-small")}
    assert published
    assert square == {"architectures/mtcnn_onet", "architectures/mtcnn_rnet", *published}


def test_integer_inputs_say_their_range() -> None:
    for case in ZOO:
        for spec in case.inputs:
            assert spec.dtype == "float32" or (spec.low, spec.high) != (None, None), case.id


def test_covers_are_found_through_helpers_and_operations() -> None:
    def helper(keras: Any, x: Any) -> Any:
        return keras.layers.ReLU()(keras.layers.Conv2D(x.shape[-1] // 2, 3)(x))

    family = Family("somewhere", "blocks")
    case = family.graph("two", image(4, 5, 6), lambda keras, x: 2 * keras.ops.image.resize(helper(keras, x), (8, 9)))
    assert case.covers == ("Conv2D", "ReLU", "ops.image.resize")
    assert case.module == "somewhere"
    assert case.id == "blocks/two"


def test_activations_called_are_covered() -> None:
    case = Family("somewhere", "blocks").graph("glu", tensor(4), lambda keras, x: keras.activations.glu(x))
    assert case.covers == ("activations.glu",)


def test_tables_declare_a_case_a_row_in_the_tier_of_their_family() -> None:
    family = Family("somewhere", "layers", tier=Tier.FULL)
    plain, capped = family.layers("relu", tensor(4), {"plain": lambda nn: nn.ReLU(), "capped": lambda nn: nn.ReLU(6)})
    (twice,) = family.graphs("add", tensor(4), {"twice": lambda keras, x: keras.layers.Add()([x, x])}, tier=Tier.CORE)
    (gram,) = family.operations(tensor(4, 3), {"gram": lambda ops, x: ops.matmul(x, ops.transpose(x, (0, 2, 1)))})
    assert [case.id for case in (plain, capped, twice, gram)] == [
        "layers/relu/plain",
        "layers/relu/capped",
        "layers/add/twice",
        "layers/ops/gram",
    ]
    assert [case.covers for case in (capped, twice, gram)] == [("ReLU",), ("Add",), ("ops.matmul", "ops.transpose")]
    assert [case.tier for case in (plain, twice, gram)] == [Tier.FULL, Tier.CORE, Tier.FULL]


def test_a_graph_that_needs_keras_to_be_read_says_what_to_do() -> None:
    def unpacks(keras: Any, x: Any) -> Any:
        left, _right = keras.ops.split(x, 2)
        return left

    with pytest.raises(UsageError, match=r"'blocks/two'.*index them instead of unpacking.*pass covers="):
        Family("somewhere", "blocks").graph("two", tensor(4), unpacks)
    case = Family("somewhere", "blocks").graph("two", tensor(4), unpacks, covers=("ops.split",))
    assert case.covers == ("ops.split",)


def test_inputs_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="own name"):
        several(tensor(3), tensor(4))
    assert [spec.name for spec in several(tensor(3), tokens(4, 9))] == ["x", "tokens"]


def test_ids_declared_twice_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family("twice", "layers")
    case = family.layer("relu", tensor(3), lambda nn: nn.ReLU())
    monkeypatch.setitem(sys.modules, "twice", SimpleNamespace(CASES=(case, case)))
    with pytest.raises(UsageError, match=r"'layers/relu' is declared in twice and again"):
        load_zoo("twice")


def test_trained_cases_name_their_packages_and_pictures() -> None:
    trained = [case for case in ZOO if case.weights is Weights.TRAINED]
    assert [case.id for case in trained] == [f"architectures/mtcnn_{name}net" for name in "opr"]
    assert all(case.requires == ("mtcnn", "skimage") and case.tier is Tier.CORE for case in trained)
    for case in trained:
        pytest.importorskip("skimage", reason="photographs are in the development group only")
        pictures = load_pictures(str(case.picture))
        assert all(picture.keras_input.shape == case.inputs[0].shape for picture in pictures)
        for picture in pictures:
            blob = (picture.image[:, :, ::-1].astype(np.float32) - np.float32(127.5)) * np.float32(picture.blob.scale)
            np.testing.assert_array_equal(blob[None], picture.keras_input)


def test_shrinking_averages_and_rounds() -> None:
    pixels = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    expected = [[[8, 9, 10], [14, 15, 16]]]  # the mean of 0, 3, 12, 15 is 7.5
    np.testing.assert_array_equal(shrink(pixels, 2), expected)
    with pytest.raises(ValueError, match="2x4 cannot be shrunk by 3"):
        shrink(pixels, 3)


def test_pictures_that_would_be_misread_are_refused() -> None:
    blob = BlobParameters(scale=1.0, mean=(0.0, 0.0, 0.0), swap_rb=False)
    pixels = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(ValueError, match=r"float32 \(1, 4, 5, 3\)"):
        Picture(name="p", image=pixels, blob=blob, keras_input=np.zeros((1, 3, 4, 5), np.float32))
    with pytest.raises(ValueError, match="uint8"):
        Picture(name="p", image=pixels[:, :, 0], blob=blob, keras_input=np.zeros((1, 4, 5, 3), np.float32))


@pytest.mark.parametrize("reference", ["model_zoo.architectures.mtcnn:none", "nowhere.at_all:x", "model_zoo"])
def test_pictures_that_are_not_there_are_named(reference: str) -> None:
    with pytest.raises(UsageError, match=reference):
        load_pictures(reference)
