"""A cell's outputs held to its references, and what is looked into before its numbers count as wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.cells.doubting import doubted
from harness.cells.feeding import Input
from harness.cells.library import Artifact, Library
from harness.cells.subjects import Cell
from harness.cells.weighing import Scales
from harness.effects.convolving import without_winograd
from harness.effects.exporting import ExporterLostError
from harness.effects.network_run import Observed
from harness.effects.observing import OpenCV
from harness.errors import HarnessError, ModelRejectedError, NoReferenceError
from harness.pure import winograd
from harness.pure.compare import Difference
from harness.pure.tolerance import Reference, roundoff
from harness.pure.verdict import Verdict
from harness.records import Outcome, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A cell that gave outputs for all its inputs."""

    cell: Cell
    artifact: Artifact
    inputs: Sequence[Input]
    observed: Observed

    def scales(self, references: Sequence[tuple[Reference, ...]]) -> Scales:
        """Return what its outputs are weighed with."""
        return Scales(self.inputs, references, self.artifact.manifest.outputs, roundoff(self.cell.target.backend))


def compared(ran: Ran, library: Library, worker: OpenCV) -> Verdict:
    """Return the verdict on a cell's outputs; the worker is left with its network loaded and run."""
    try:
        alone = [given.keras for given in ran.inputs if not given.batch_of]
        references = library.references(ran.cell.subject, ran.artifact, alone)
    except NoReferenceError as error:
        return Verdict(outcome=Outcome.NO_REFERENCE, stage=Stage.REFERENCE, message=str(error))
    except (ExporterLostError, ModelRejectedError, HarnessError) as error:
        return Verdict(outcome=Outcome.HARNESS_ERROR, stage=Stage.REFERENCE, message=str(error))
    scales = ran.scales(references)
    differences = scales.differences(ran.observed.outputs)
    verdict = scales.verdict(differences)
    if verdict.outcome is not Outcome.MISMATCH:
        return verdict
    return _of_winograd(ran, worker, scales, differences) or _doubted(ran, library, references, differences) or verdict


def _of_winograd(ran: Ran, worker: OpenCV, scales: Scales, differences: Sequence[Difference]) -> Verdict | None:
    """Return the verdict on a mismatch that the rounding of OpenCV's fast convolution explains."""
    manifest = ran.artifact.manifest
    if not winograd.concerns(manifest.ops):
        return None
    feeds = [given.opencv for given in ran.inputs]
    plain = without_winograd(worker, manifest, ran.artifact.model, feeds, ran.observed)
    explained = winograd.explained(differences, scales.differences(plain)) if plain else ()
    return replace(scales.verdict(explained), caveat=winograd.caveat(differences)) if explained else None


def _doubted(
    ran: Ran, library: Library, references: Sequence[tuple[Reference, ...]], differences: Sequence[Difference]
) -> Verdict | None:
    """Return the verdict on a mismatch of a few tolerances, once more of TensorFlow's rounding is known."""
    try:
        known = doubted(library, ran.cell.subject, ran.inputs, references, differences)
    except HarnessError:  # then what is known must do
        return None
    if not known:
        return None
    scales = ran.scales(known)
    return scales.verdict(scales.differences(ran.observed.outputs))
