"""Stock Keras layers one after another: what a failing model is shrunk to, as values and as Keras code. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_TRAINING = ("_initializer", "_regularizer", "_constraint")
_NEVER_SHOWN = frozenset({"name", "trainable", "dtype", "synchronized", "seed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One layer."""

    class_name: str
    """Name in `keras.layers`."""
    config: dict[str, Any]
    """As `get_config` gives it; what is left out is the layer's default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Layers, each on what the one before gives."""

    links: tuple[Link, ...]
    shape: tuple[int, ...]
    """Of the input, with the batch axis."""
    dtype: str = "float32"


def code(chain: Chain) -> str:
    """Return Keras code that defines `build()`."""
    lines = [
        "import keras",
        "",
        "",
        "def build():",
        f"    inputs = x = keras.Input(batch_shape={chain.shape!r}, dtype={chain.dtype!r})",
    ]
    lines += [f"    x = {_layer(link)}(x)" for link in chain.links]
    return "\n".join([*lines, "    return keras.Model(inputs, x)", ""])


def _layer(link: Link) -> str:
    """Return the call that makes a layer; one that wraps another is made from its configuration."""
    if any(isinstance(value, dict) for value in link.config.values()):
        return f"keras.layers.{link.class_name}.from_config({link.config!r})"
    return f"keras.layers.{link.class_name}({_arguments(link.config)})"


def _arguments(config: dict[str, Any]) -> str:
    shown = {key: value for key, value in config.items() if _is_shown(key, value)}
    return ", ".join(f"{key}={_value(value)}" for key, value in shown.items())


def _is_shown(key: str, value: Any) -> bool:
    told = key not in _NEVER_SHOWN and not key.endswith(_TRAINING) and value is not None
    return told and (key, value) != ("data_format", "channels_last")


def _value(value: Any) -> str:
    return repr(tuple(value) if isinstance(value, list) else value)
