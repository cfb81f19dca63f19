"""A cell's outputs weighed against its references: tolerances by output and input, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.cells.feeding import Input, expected_of
from harness.manifests import Port
from harness.pure.compare import Difference, compare_output, sensitivity
from harness.pure.inputs import Array
from harness.pure.tolerance import SINGLE, Reference, sensitivity_needed, with_scale
from harness.pure.verdict import Verdict, from_differences

Outputs = Sequence[Sequence[Array]]
"""Of each input, one array per output port, in Keras's layout."""


class Scales:
    """What the outputs of one cell are weighed with."""

    def __init__(
        self,
        inputs: Sequence[Input],
        references: Sequence[tuple[Reference, ...]],
        ports: Sequence[Port],
        device: float = SINGLE,
    ) -> None:
        """Take the references of the inputs that are given alone; `device` is the unit roundoff of what computes."""
        self._inputs = inputs
        self._references = list(zip(*map(with_scale, zip(*references, strict=True)), strict=True))
        self._ports = ports
        self._device = device
        self._sensitivity = sensitivity(self._references, device)
        coarsest = (one.roundoff for expected in self._references for one in expected)
        self._needed = sensitivity_needed(max(device, *coarsest))

    def differences(self, outputs: Outputs) -> list[Difference]:
        """Return every output's difference from its reference, input by input."""
        expected = expected_of(self._inputs, self._references)
        return [
            compare_output(got, reference, given.name, port.layout, self._device)
            for given, found, references in zip(self._inputs, outputs, expected, strict=True)
            for got, reference, port in zip(found, references, self._ports, strict=True)
        ]

    def verdict(self, differences: Sequence[Difference]) -> Verdict:
        """Return the verdict on differences, with the tolerance of each output of each input."""
        found = from_differences(
            differences, inputs=len(self._inputs), sensitivity=self._sensitivity, needed=self._needed
        )
        allowed, width = [difference.tolerance.allowed for difference in differences], len(self._ports)
        by_input = tuple(tuple(allowed[first : first + width]) for first in range(0, len(allowed), width))
        return replace(found, allowed=by_input)
