"""What a cell is fed with, for both sides: plans, pictures and batches, and the references that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from harness.cells.library import Artifact
from harness.cells.subjects import Subject
from harness.pictures import Picture, load_pictures
from harness.pure.blobs import Feed
from harness.pure.inputs import Array, InputPlan, expand
from harness.pure.tolerance import Reference, batched


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input of a model, for both sides."""

    name: str
    """The input plan, or the picture's name: one line that reproduces it."""
    keras: tuple[Array, ...]
    """What TensorFlow is given, in Keras's layout."""
    opencv: Feed
    """What the worker is given."""
    batch_of: tuple[int, ...] = ()
    """For several inputs given at once: which. TensorFlow computed them one by one."""


def inputs_of(subject: Subject, artifact: Artifact, plans: Sequence[InputPlan]) -> Iterator[Input]:
    """Yield what a model is fed with: its own pictures, every plan, and for a free batch the first ones at once."""
    specs = [port.tensor for port in artifact.manifest.inputs]
    pictures = load_pictures(subject.picture) if subject.picture else ()
    for picture in pictures:
        yield _from_picture(picture)
    count, batches = len(pictures), []
    for plan in plans:
        items = [expand(item, specs) for item in (plan.each if artifact.manifest.free_batch else plan.each[:1])]
        for item, arrays in zip(plan.each, items, strict=False):
            yield Input(name=str(item), keras=arrays, opencv=arrays)
        if len(items) > 1:
            batches.append(_batch(plan, items, before=count))
        count += len(items)
    yield from batches


def _batch(plan: InputPlan, items: Sequence[tuple[Array, ...]], *, before: int) -> Input:
    """Return several inputs at once: what each of them gives alone, it must give among others."""
    wide = tuple(np.concatenate(arrays) for arrays in zip(*items, strict=True))
    return Input(name=str(plan), keras=(), opencv=wide, batch_of=tuple(range(before, before + len(items))))


def _from_picture(picture: Picture) -> Input:
    return Input(name=f"picture:{picture.name}", keras=(picture.keras_input,), opencv=(picture,))


def expected_of(
    inputs: Sequence[Input], references: Sequence[tuple[Reference, ...]]
) -> Iterator[tuple[Reference, ...]]:
    """Yield the references of every input; those of a batch are put together from its items'."""
    alone = iter(references)
    for given in inputs:
        if given.batch_of:
            ports = zip(*(references[item] for item in given.batch_of), strict=True)
            yield tuple(batched(items) for items in ports)
        else:
            yield next(alone)
