"""Other ways to write layers, in Keras: what may be tried where OpenCV does not take one. One file a family.

A way is text: what a user is shown is what runs. Nothing here is believed to help; the host tries each way and tells
only of what loaded and matched.
"""

from __future__ import annotations

from harness.export.advice import activations, normalization, pooling, selection, shapes, special, volumes
from harness.export.advice.ways import Way

_FAMILIES = (activations, normalization, pooling, selection, shapes, special, volumes)

WAYS: dict[str, Way] = {way.name: way for family in _FAMILIES for way in family.WAYS}
"""Every way by its name, exact ones and approximations as their files have them."""

__all__ = ["WAYS", "Way"]
