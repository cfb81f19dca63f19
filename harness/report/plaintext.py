"""Text that comes from models, converters and OpenCV, made fit to be shown: visible and bounded.

Escaping for a format is the writers' business; here control characters become visible and length gets a limit.
"""

from __future__ import annotations

import unicodedata

_KEPT = "\n\t"


def visible(text: str) -> str:
    """Return the text with every control, direction-changing or surrogate character made visible.

    A layer name may hold terminal escapes, bidirectional overrides that reorder what a reader sees, or lone
    surrogates that cannot be encoded at all.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    if unified.isascii() and unified.isprintable():
        return unified
    return "".join(_shown(character) for character in unified)


def _shown(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def bounded(text: str, limit: int) -> str:
    """Return a visible text of at most about `limit` characters: the beginning and the end, and how much is missing.

    The end is kept because that is where tools say what went wrong.
    """
    if len(text) <= limit:
        return visible(text)
    head = limit // 3
    tail = limit - head
    left_out = len(text) - head - tail
    gap = f"… {left_out:,} characters left out; the record has them all …"
    return f"{visible(text[:head])}\n{gap}\n{visible(text[-tail:])}"


def one_line(text: str, limit: int) -> str:
    """Return the first line that says something, cut at `limit` characters."""
    first = next((line.strip() for line in visible(text[: 8 * limit]).splitlines() if line.strip()), "")
    return first if len(first) <= limit else f"{first[: limit - 1]}…"
