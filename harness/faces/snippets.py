"""The programs and the page that go with a delivered model. What comes from models is escaped in each language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.pure.contracts import Contract

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A tensor of the example as C++ reads it: raw bytes in OpenCV's layout."""

    shape: tuple[int, ...]
    type: str
    """`CV_32F`, `CV_32S` or `CV_8U`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """What the programs are to find beside them."""

    inputs: tuple[Blob, ...]
    outputs: tuple[Blob, ...]
    allowed: tuple[float, ...]
    """Tolerance of each output."""


def programs(name: str, contract: Contract, example: Example) -> dict[str, str]:
    """Return the text files that go with a model, by name."""
    found = environment()
    words = {"name": name, "contract": contract, "examples": example}
    return {
        file: found.get_template(f"{file}.j2").render(words)
        for file in ("run.py", "run.cpp", "CMakeLists.txt", "README.md")
    }


def cpp_literal(text: str) -> str:
    """Return a C++ string literal of any text, as UTF-8 bytes that no compiler reads otherwise."""
    return '"' + "".join(map(_cpp_byte, text.encode("utf-8", "surrogateescape"))) + '"'


def _python(text: str) -> str:
    """Return a Python string literal of any text, in plain ASCII."""
    return ascii(str(text))


def _cpp_byte(byte: int) -> str:
    """Octal escapes end after three digits; hexadecimal ones would swallow what follows. `??` begins trigraphs."""
    char = chr(byte)
    return char if 32 <= byte < 127 and char not in '"\\?' else f"\\{byte:03o}"


def _line(text: str) -> str:
    """Return text for one line of Markdown: no line ends, no cells, no markup."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", _UNPRINTABLE.sub(" ", text))


def _code(text: str) -> str:
    """Return text between backticks, without any of its own."""
    return f"`{_UNPRINTABLE.sub(' ', text).replace('`', chr(39)).replace('|', '/')}`"


def _comment(text: str) -> str:
    """Return text for a comment or a docstring: nothing that ends it."""
    return _UNPRINTABLE.sub(" ", text).replace("\\", "/").replace('"', "'")


def _shape(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape) or "scalar"


def environment() -> Environment:
    """Return the templates, with a filter for each language that text from models goes into."""
    found = Environment(
        loader=PackageLoader("harness.faces"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - programs and Markdown, escaped by the filters below
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters.update(
        python=_python, cpp=cpp_literal, code=_code, line=_line, comment=_comment, shape=_shape, fenced=_fenced
    )
    return found


def _fenced(text: str) -> str:
    """Return text between fences, without any of its own."""
    return text.replace("```", "'''").strip()
