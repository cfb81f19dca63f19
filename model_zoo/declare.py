"""The vocabulary of zoo files: input specs, and a family whose methods turn one line each into a case.

Declaring never imports Keras. What a case is about (`Case.covers`) is found by running its expression once with a
stand-in for Keras that remembers which layer classes and which functions of `keras.ops` and `keras.activations` were
called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.cases import Case, Tier
from harness.errors import UsageError
from harness.manifests import TensorSpec

Inputs = tuple[TensorSpec, ...]
"""Input specs of one case, batch axis first and static."""
LayerOf = Callable[[Any], Any]
"""`keras.layers` -> a layer, which is then called with the case's input (a list where there are several)."""
GraphOf = Callable[..., Any]
"""`keras`, then one symbolic tensor an input -> the output tensor or tensors."""
OperationsOf = Callable[..., Any]
"""`keras.ops`, then one symbolic tensor an input -> the output tensor or tensors."""
ModelOf = Callable[[Any], Any]
"""`keras` -> a finished `keras.Model`."""


def tensor(*shape: int, name: str = "x", low: float | None = None, high: float | None = None) -> Inputs:
    """Declare one float32 input of this shape, batch axis not counted (it is 1)."""
    return (TensorSpec(name=name, shape=(1, *shape), low=low, high=high),)


def image(height: int, width: int, channels: int, *, name: str = "image") -> Inputs:
    """Declare one NHWC image. Keep all three sizes unequal, or a layout mistake can hide."""
    return tensor(height, width, channels, name=name)


def tokens(length: int, vocabulary: int, *, name: str = "tokens") -> Inputs:
    """Declare one int32 sequence of ids from 0 to vocabulary - 1."""
    return (TensorSpec(name=name, shape=(1, length), dtype="int32", low=0, high=vocabulary - 1),)


def several(*inputs: Inputs) -> Inputs:
    """Join inputs into those of one case. Raises UsageError where two have the same name."""
    joined = tuple(spec for group in inputs for spec in group)
    names = [spec.name for spec in joined]
    if len(set(names)) != len(names):
        raise UsageError(f"inputs are named {names}; give each its own name")
    return joined


@dataclass(frozen=True, slots=True)
class Family:
    """Declares the cases of one zoo file: ids start with `prefix`, and each case knows its declaring module."""

    module: str
    prefix: str
    tier: Tier = Tier.CORE
    """The tier of cases that do not name their own."""

    def layers(self, name: str, inputs: Inputs, table: Mapping[str, LayerOf], **more: Any) -> tuple[Case, ...]:
        """Declare a table of one layer's configurations: row `"same": lambda nn: ...` becomes `name/same`."""
        return tuple(self.layer(f"{name}/{row}", inputs, layer_of, **more) for row, layer_of in table.items())

    def graphs(self, name: str, inputs: Inputs, table: Mapping[str, GraphOf], **more: Any) -> tuple[Case, ...]:
        """Declare a table of functional graphs: row `"self": lambda keras, x: ...` becomes `name/self`."""
        return tuple(self.graph(f"{name}/{row}", inputs, graph_of, **more) for row, graph_of in table.items())

    def operations(self, inputs: Inputs, table: Mapping[str, OperationsOf], **more: Any) -> tuple[Case, ...]:
        """Declare a table of graphs made of operations: row `"sum": lambda ops, x: ops.sum(x, 1)` becomes `ops/sum`."""
        return self.graphs("ops", inputs, {row: partial(_with_operations, of) for row, of in table.items()}, **more)

    def layer(self, name: str, inputs: Inputs, layer_of: LayerOf, **more: Any) -> Case:
        """Declare one layer applied to the inputs; `more` are further fields of Case (tier, tags, covers ...)."""

        def outputs(keras: Any, *symbolic: Any) -> Any:
            return layer_of(keras.layers)(symbolic[0] if len(symbolic) == 1 else list(symbolic))

        return self.graph(name, inputs, outputs, **more)

    def graph(self, name: str, inputs: Inputs, graph_of: GraphOf, **more: Any) -> Case:
        """Declare a functional graph: `graph_of(keras, *symbolic_inputs)` returns the output(s)."""

        def build() -> Any:
            import keras

            symbolic = [symbolic_input(keras, spec) for spec in inputs]
            outputs = graph_of(keras, *symbolic)
            return keras.Model(symbolic[0] if len(symbolic) == 1 else symbolic, outputs, name=_identifier(name))

        covers = more.pop("covers", None)
        if covers is None:
            covers = _covers(f"{self.prefix}/{name}", lambda keras: graph_of(keras, *(_StandIn(keras) for _ in inputs)))
        return self._case(name, inputs, build, covers=covers, **more)

    def model(self, name: str, inputs: Inputs, model_of: ModelOf, **more: Any) -> Case:
        """Declare a model that its own function puts together; its inputs must bear the names of the specs."""

        def build() -> Any:
            import keras

            return model_of(keras)

        return self._case(name, inputs, build, **more)

    def _case(self, name: str, inputs: Inputs, build: Callable[[], Any], **more: Any) -> Case:
        more.setdefault("tier", self.tier)
        return Case(id=f"{self.prefix}/{name}", build=build, inputs=inputs, module=self.module, **more)


def _with_operations(operations_of: OperationsOf, keras: Any, *symbolic: Any) -> Any:
    return operations_of(keras.ops, *symbolic)


def _identifier(name: str) -> str:
    return name.replace("/", "_").replace("-", "_")


def symbolic_input(keras: Any, spec: TensorSpec) -> Any:
    """Return the `keras.Input` of a spec, its batch axis left open as users leave it."""
    return keras.Input(shape=spec.shape[1:], dtype=spec.dtype, name=spec.name)


def _covers(case_id: str, expression: Callable[[Any], Any]) -> tuple[str, ...]:
    log = _Log()
    try:
        expression(_StandIn(log))
    except Exception as error:  # the zoo author's own code runs here, and anything may come out of it
        raise UsageError(
            f"case {case_id!r}: what it covers cannot be found without Keras ({error}); pass covers=(...)"
        ) from error
    return tuple(sorted(log.names))


class _Log:
    """Names of the Keras classes and functions that were called."""

    __slots__ = ("names",)

    def __init__(self) -> None:
        self.names: set[str] = set()


class _StandIn:
    """Stands in for Keras, its modules, layers and tensors: takes any call, attribute, index and arithmetic."""

    __slots__ = ("_log", "_path")

    def __init__(self, log: _Log | _StandIn, path: tuple[str, ...] = ()) -> None:
        self._log: _Log = log._log if isinstance(log, _StandIn) else log
        self._path = path

    def __getattr__(self, name: str) -> _StandIn:
        return _StandIn(self._log, (*self._path, name))

    def __call__(self, *_args: object, **_kwargs: object) -> _StandIn:
        match self._path:
            case ("layers", name):
                self._log.names.add(name)
            case ("ops" | "activations", *_):
                self._log.names.add(".".join(self._path))
        return _StandIn(self._log)

    def __getitem__(self, _index: object) -> _StandIn:
        return _StandIn(self._log)

    def __iter__(self) -> Any:
        raise TypeError("the number of results is not known without Keras: index them instead of unpacking")

    def _operated(self, *_others: object) -> _StandIn:
        return _StandIn(self._log)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _operated
    __floordiv__ = __rfloordiv__ = __mod__ = __pow__ = __matmul__ = __rmatmul__ = __neg__ = _operated
    __lt__ = __le__ = __gt__ = __ge__ = __and__ = __or__ = __invert__ = __abs__ = _operated


__all__ = [
    "Family",
    "Inputs",
    "Tier",
    "image",
    "several",
    "symbolic_input",
    "tensor",
    "tokens",
]
