"""Input plans: what a model is fed with, as one line that reproduces it.

Hypothesis draws a small plan (kind, seed, scale); numpy expands it. Drawing whole images element by element would
give some forty distinct values in 150,000. A plan shrinks towards the plainest kind. Pure: no I/O, no clock.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.errors import UsageError
from harness.manifests import TensorSpec

Array = npt.NDArray[np.generic]


class Kind(StrEnum):
    """What the values look like; ordered from the plainest to the oddest, which is how plans shrink."""

    RAMP = "ramp"
    UNIFORM = "uniform"
    NORMAL = "normal"
    IMAGE = "image"
    CONSTANT = "constant"
    ONE_HOT = "one-hot"
    CHECKERBOARD = "checkerboard"
    SPARSE = "sparse"
    DENORMAL = "denormal"
    INF = "inf"
    NAN = "nan"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputPlan:
    """One input (all tensors of a model jointly): expands to the same arrays everywhere."""

    kind: Kind = Kind.RAMP
    seed: int = 0
    scale: float = 1.0
    items: int = 1
    """How many items at once an artifact is given that takes any batch; every other one is given the first alone."""

    def __str__(self) -> str:
        """Return the plan as one word: `uniform:seed=3:scale=0.5`, and `:items=3` where there are several."""
        several = f":items={self.items}" if self.items != 1 else ""
        return f"{self.kind}:seed={self.seed}:scale={self.scale!r}{several}"

    @classmethod
    def parse(cls, text: str) -> InputPlan:
        """Read what `str` wrote. Raises UsageError for anything else."""
        try:
            kind, seed, scale, *rest = text.split(":")
            return cls(
                kind=Kind(kind),
                seed=int(seed.removeprefix("seed=")),
                scale=_finite(scale.removeprefix("scale=")),
                items=_items(*rest) if rest else 1,
            )
        except (ValueError, TypeError) as error:
            raise UsageError(f"{text!r} is no input plan; write one like 'uniform:seed=3:scale=1.0'") from error

    @property
    def each(self) -> tuple[InputPlan, ...]:
        """Return a plan for each item: seeds that follow one another, and scales too, for kinds that have no seed."""
        return tuple(
            replace(self, seed=self.seed + item, scale=self.scale * (1 - item % 8 / 16), items=1)
            for item in range(self.items)
        )


def _finite(text: str) -> float:
    number = float(text)
    if not np.isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


def _items(text: str) -> int:
    number = int(text.removeprefix("items="))
    if not 1 <= number <= MOST_ITEMS:
        raise ValueError(f"{number} items are not between 1 and {MOST_ITEMS}")
    return number


MOST_ITEMS = 1024
"""So many items at once nobody means: a slip of the pen must not fill the memory."""

PROBES = (
    InputPlan(kind=Kind.UNIFORM, seed=1),
    InputPlan(kind=Kind.NORMAL, seed=2),
    InputPlan(kind=Kind.IMAGE, seed=3, items=3),
    InputPlan(kind=Kind.NORMAL, seed=4, scale=100.0),
    InputPlan(kind=Kind.IMAGE, seed=5, scale=255.0),
)
"""The fixed inputs every cell is tried with. Several and unlike one another: that the outputs vary is evidence.

Two are large: activations of unit variance hardly reach the bound of a relu6, so that one lost or added went unseen.
Pixels as a file holds them (0..255) stay large where an average takes a large input of zero mean back to nothing."""

SPECIAL = (
    InputPlan(kind=Kind.DENORMAL, seed=4),
    InputPlan(kind=Kind.INF, seed=4),
    InputPlan(kind=Kind.NAN, seed=4),
)
"""What is told apart from the verdict: libraries may flush denormals, and few say what they make of the others."""

_MOST_KEPT = 1 << 20
"""Values of an array that is kept to be handed out again."""

DRAWS = 5
"""Inputs that hypothesis adds to the probes where nobody asks for another number."""


def expand(plan: InputPlan, specs: Sequence[TensorSpec]) -> tuple[Array, ...]:
    """Return one array for each spec: its static shape, its dtype, its admissible range.

    The bits depend on the plan and the specs alone (numpy's legacy generator is frozen for good). The same arrays
    may be handed out again, and cannot be written to: every release and route is fed with them.
    """
    return tuple(
        (_expanded if _is_small(spec) else _expanded.__wrapped__)(plan, spec, index) for index, spec in enumerate(specs)
    )


def digest(arrays: Sequence[Array]) -> str:
    """Return the content digest of arrays: values, shapes and dtypes."""
    state = hashlib.sha256()
    for array in arrays:
        state.update(f"{array.dtype.str}{array.shape}".encode())
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()[:32]


def _is_small(spec: TensorSpec) -> bool:
    return math.prod(1 if axis is None else axis for axis in spec.shape) <= _MOST_KEPT


@lru_cache(maxsize=64)
def _expanded(plan: InputPlan, spec: TensorSpec, index: int) -> Array:
    array = _expand_one(plan, spec, index)
    array.flags.writeable = False
    return array


def _expand_one(plan: InputPlan, spec: TensorSpec, index: int) -> Array:
    shape = tuple(1 if axis is None else axis for axis in spec.shape)
    random = np.random.RandomState((plan.seed * 7919 + index * 104729 + 1) % 2**32)
    if spec.dtype == "bool":
        return np.asarray(random.uniform(size=shape) < 0.5)
    if spec.dtype.startswith(("int", "uint")):
        return _integers(plan, spec, shape, random)
    values = np.asarray(_VALUES[plan.kind](shape, random) * plan.scale)
    odd = _ODD.get(plan.kind)
    if odd and spec.low is None and spec.high is None:  # a stated range admits no others
        _strew(odd, values, random)
    if spec.low is not None or spec.high is not None:
        values = _into_range(values, spec)
    return np.asarray(values, dtype=spec.dtype)  # asarray: numpy turns arrays without axes into scalars


def _integers(plan: InputPlan, spec: TensorSpec, shape: tuple[int, ...], random: np.random.RandomState) -> Array:
    low, high = _integer_limits(spec)
    if plan.kind is Kind.CONSTANT:
        return np.full(shape, low + plan.seed % (high - low + 1), dtype=spec.dtype)
    if plan.kind is Kind.RAMP:
        steps = plan.seed % (high - low + 1) + np.arange(int(np.prod(shape))).reshape(shape)
        return np.asarray(low + steps % (high - low + 1), dtype=spec.dtype)
    return np.asarray(random.randint(low, high + 1, size=shape), dtype=spec.dtype)


def _integer_limits(spec: TensorSpec) -> tuple[int, int]:
    """Return the admissible range, closed with a modest one (0..9, bytes 0..255) where the model leaves it open."""
    width = 255 if spec.dtype == "uint8" else 9
    if spec.low is None:
        high = width if spec.high is None else int(spec.high)
        return min(0, high), high
    low = int(spec.low)
    return low, max(low, width) if spec.high is None else int(spec.high)


def _into_range(values: npt.NDArray[np.float64], spec: TensorSpec) -> npt.NDArray[np.float64]:
    low = -np.inf if spec.low is None else spec.low
    high = np.inf if spec.high is None else spec.high
    if np.isfinite(low) and np.isfinite(high):  # squeezing keeps the variety that clipping would lose
        return np.asarray(low + (high - low) * (np.tanh(values) + 1) / 2)
    return np.clip(np.abs(values) + low if np.isfinite(low) else values, low, high)


Values = Callable[[tuple[int, ...], np.random.RandomState], npt.NDArray[np.float64]]


def _ramp(shape: tuple[int, ...], _: np.random.RandomState) -> npt.NDArray[np.float64]:
    return np.linspace(-1.0, 1.0, num=int(np.prod(shape))).reshape(shape)


def _normal(shape: tuple[int, ...], random: np.random.RandomState) -> npt.NDArray[np.float64]:
    return np.asarray(random.standard_normal(shape))


def _image(shape: tuple[int, ...], random: np.random.RandomState) -> npt.NDArray[np.float64]:
    """Smooth waves plus a little noise, quantised to 8 bits, in 0..1: neighbours resemble each other as in a photo."""
    total = np.zeros(shape)
    for axis, length in enumerate(shape):
        waves = np.sin(np.arange(length) * random.uniform(0.2, 1.5) + random.uniform(0, 6))
        total = total + waves.reshape([length if other == axis else 1 for other in range(len(shape))])
    total = total + 0.2 * random.standard_normal(shape)
    low, high = float(total.min()), float(total.max())
    return np.round(255 * (total - low) / (high - low if high > low else 1.0)) / 255


def _one_hot(shape: tuple[int, ...], random: np.random.RandomState) -> npt.NDArray[np.float64]:
    values = np.zeros(int(np.prod(shape)))
    values[random.randint(values.size)] = 1.0
    return values.reshape(shape)


def _checkerboard(shape: tuple[int, ...], _: np.random.RandomState) -> npt.NDArray[np.float64]:
    return np.asarray(np.indices(shape).sum(axis=0) % 2, dtype=np.float64)


def _sparse(shape: tuple[int, ...], random: np.random.RandomState) -> npt.NDArray[np.float64]:
    return np.asarray(random.standard_normal(shape) * (random.uniform(size=shape) < 0.05))


def _strew(odd: Sequence[float], values: npt.NDArray[np.float64], random: np.random.RandomState) -> None:
    """Put a few odd values at places of their own; all others stay, so that it shows how far the odd ones reach."""
    if values.size:
        places = random.permutation(values.size)[:_FEW]
        values.reshape(-1)[places] = np.resize(odd, places.size)


_FEW = 3
_ODD = {Kind.NAN: (np.nan,), Kind.INF: (np.inf, -np.inf)}


def parse_ordinary(text: str) -> InputPlan:
    """Read a plan on which agreement may be demanded. Raises UsageError for any other, and for what is no plan."""
    plan = InputPlan.parse(text)
    if plan.kind in {special.kind for special in SPECIAL}:
        raise UsageError(f"{text!r}: {plan.kind} inputs are tried as a property and never decide; name another kind")
    return plan


def is_odd(plan: InputPlan, array: Array) -> bool:
    """Whether an array has what a special plan is about: integers and restricted inputs have not."""
    if array.dtype.kind != "f":
        return False
    with np.errstate(over="ignore"):
        values = array.astype(np.float64)
    if plan.kind is Kind.DENORMAL:
        return bool(((values != 0) & (np.abs(values) < np.finfo(np.float32).tiny)).any())
    return bool((np.isnan(values) if plan.kind is Kind.NAN else np.isinf(values)).any())


def _denormal(shape: tuple[int, ...], random: np.random.RandomState) -> npt.NDArray[np.float64]:
    return np.asarray(random.uniform(-1e-39, 1e-39, size=shape))


_VALUES: dict[Kind, Values] = {
    Kind.RAMP: _ramp,
    Kind.UNIFORM: lambda shape, random: random.uniform(-1.0, 1.0, size=shape),
    Kind.NORMAL: _normal,
    Kind.IMAGE: _image,
    Kind.CONSTANT: lambda shape, random: np.full(shape, random.uniform(0.25, 1.0)),
    Kind.ONE_HOT: _one_hot,
    Kind.CHECKERBOARD: _checkerboard,
    Kind.SPARSE: _sparse,
    Kind.DENORMAL: _denormal,
    Kind.INF: _normal,
    Kind.NAN: _normal,
}
