"""What every outcome, judgement and number of a report means, and what to do about it. Words only, no logic."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.records import Judgement, Outcome


class Tone(StrEnum):
    """The few kinds of answer that colour tells apart; symbol and text tell the rest."""

    GOOD = "good"
    """OpenCV computes what TensorFlow computes."""
    WRONG = "wrong"
    """OpenCV answers, and the answer is wrong: the dangerous kind."""
    DIED = "died"
    """OpenCV took its process down, or never came back."""
    REFUSED = "refused"
    """OpenCV says no."""
    UNPROVEN = "unproven"
    """Nothing can be said about OpenCV."""
    ABSENT = "absent"
    """There is nothing to try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """One colour as two sRGB hex values: readable text on the light page and on the dark one."""

    light: str
    dark: str


PAGE = Shade(light="#ffffff", dark="#15181c")
"""The page's own background; every tone keeps a contrast of at least 4.5 against it (WCAG 2.2, 1.4.3)."""

SHADES: dict[Tone, Shade] = {
    Tone.GOOD: Shade(light="#17693a", dark="#63c588"),
    Tone.WRONG: Shade(light="#b3201f", dark="#ff9088"),
    Tone.DIED: Shade(light="#7a2a9e", dark="#d8a6f3"),
    Tone.REFUSED: Shade(light="#8a4b00", dark="#eab266"),
    Tone.UNPROVEN: Shade(light="#1d5a9e", dark="#8abaf3"),
    Tone.ABSENT: Shade(light="#59616c", dark="#98a2ae"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """How one value looks and what it says."""

    symbol: str
    tone: Tone
    meaning: str
    action: str


OUTCOMES: dict[Outcome, Word] = {
    Outcome.OK: Word(
        symbol="✓",
        tone=Tone.GOOD,
        meaning="OpenCV loads the model and computes what TensorFlow computes, within what rounding explains.",
        action="Nothing to do.",
    ),
    Outcome.UNSUPPORTED_OP: Word(
        symbol="⊘",
        tone=Tone.REFUSED,
        meaning="OpenCV's importer does not know an operation of the exported graph; the op is named.",
        action="Try another route or release in the same row, or replace the Keras layer that the op comes from.",
    ),
    Outcome.IMPORT_ERROR: Word(
        symbol="✗",
        tone=Tone.REFUSED,
        meaning="OpenCV knows the operations but refuses this graph while loading it.",
        action="Read the assertion in the details; another route often exports the same layer in a form it accepts.",
    ),
    Outcome.RUNTIME_ERROR: Word(
        symbol="↯",
        tone=Tone.REFUSED,
        meaning="The model loads, and then `forward` raises.",
        action="Look at the failing layer in the details; try another engine or a static input shape.",
    ),
    Outcome.WRONG_SHAPE: Word(
        symbol="▭",
        tone=Tone.WRONG,
        meaning="OpenCV returns an output whose shape is not the documented one.",
        action="Do not use this combination; compare the layouts in the details before reshaping anything.",
    ),
    Outcome.MISMATCH: Word(
        symbol="≠",
        tone=Tone.WRONG,
        meaning="OpenCV returns numbers that differ from TensorFlow's by more than rounding explains, without a word.",
        action="Do not use this combination; the worst input in the details reproduces the difference.",
    ),
    Outcome.CRASH: Word(
        symbol="✱",
        tone=Tone.DIED,
        meaning="OpenCV ended its process: a segmentation fault, an abort, or an exit without an answer.",
        action="Never load this file in a process you need; take another route or release.",
    ),
    Outcome.TIMEOUT: Word(
        symbol="◷",
        tone=Tone.DIED,
        meaning="OpenCV did not answer before the deadline and its process was killed.",
        action="Repeat with a longer deadline to tell slow from endless; take another route or release.",
    ),
    Outcome.OUT_OF_MEMORY: Word(
        symbol="▤",
        tone=Tone.DIED,
        meaning="OpenCV asked for more memory than the worker may have.",
        action="Repeat with a higher limit if the model is really that large; otherwise take another route.",
    ),
    Outcome.NONDETERMINISTIC: Word(
        symbol="⇄",
        tone=Tone.WRONG,
        meaning="The same model and input gave other answers when asked again: in a fresh process, or in two threads.",
        action="Do not trust either answer; try another engine, or one thread.",
    ),
    Outcome.ROUTE_ABSENT: Word(
        symbol="\N{EN DASH}",
        tone=Tone.ABSENT,
        meaning="This OpenCV release has no importer for the route's format; it says nothing about the model.",
        action="Choose a route whose importer the release has.",
    ),
    Outcome.EXPORT_FAILED: Word(
        symbol="↥",
        tone=Tone.UNPROVEN,
        meaning="The converter refused the model, so OpenCV was never asked.",
        action="Read the converter's last words in the details; take another route.",
    ),
    Outcome.VACUOUS: Word(
        symbol="∅",
        tone=Tone.UNPROVEN,
        meaning="The numbers agree, but the reference hardly varies with the input, so agreement proves nothing.",
        action="Give the model weights or inputs under which its output varies, then run it again.",
    ),
    Outcome.NO_REFERENCE: Word(
        symbol="?",
        tone=Tone.UNPROVEN,
        meaning="OpenCV answered, but TensorFlow's outputs could not be computed, so nothing was compared.",
        action="Read the reason in the details; loading works, correctness is open.",
    ),
    Outcome.HARNESS_ERROR: Word(
        symbol="!",
        tone=Tone.UNPROVEN,
        meaning="The harness itself failed on this cell; it says nothing about OpenCV or the model.",
        action="Report it with the details below, and run the cell again.",
    ),
}

SHORT: dict[Outcome, str] = {
    Outcome.UNSUPPORTED_OP: "no op",
    Outcome.IMPORT_ERROR: "import",
    Outcome.RUNTIME_ERROR: "raises",
    Outcome.WRONG_SHAPE: "shape",
    Outcome.MISMATCH: "differs",
    Outcome.OUT_OF_MEMORY: "memory",
    Outcome.NONDETERMINISTIC: "varies",
    Outcome.ROUTE_ABSENT: "absent",
    Outcome.EXPORT_FAILED: "export",
    Outcome.NO_REFERENCE: "no ref.",
    Outcome.HARNESS_ERROR: "harness",
}
"""What stands in a narrow field of the matrix; the others are short enough as they are."""

JUDGEMENTS: dict[Judgement, Word] = {
    Judgement.NEW_FAILURE: Word(
        symbol="●",
        tone=Tone.WRONG,
        meaning="It was expected to work and does not.",
        action="Find out what changed, or write the failure down as an expectation with its reason.",
    ),
    Judgement.CHANGED_FAILURE: Word(
        symbol="◐",
        tone=Tone.REFUSED,
        meaning="It was expected to fail, but in another way: what was refused yesterday may crash today.",
        action="Look at the new failure, then correct the expectation.",
    ),
    Judgement.FIXED: Word(
        symbol="▲",
        tone=Tone.GOOD,
        meaning="It was expected to fail and works.",
        action="Remove the expectation, so that it cannot hide a relapse.",
    ),
    Judgement.AS_EXPECTED: Word(
        symbol="○",
        tone=Tone.ABSENT,
        meaning="It works, or fails exactly as written down.",
        action="Nothing to do.",
    ),
}

UNJUDGED = Word(
    symbol="◇",
    tone=Tone.ABSENT,
    meaning="It was run without expectations.",
    action="Read the outcome itself.",
)

COLUMNS: dict[str, str] = {
    "Case": "One Keras model with fixed weights and input shapes.",
    "Route": "The way from Keras into OpenCV: a file format and the recipe that writes it. "
    "`pb`, `onnx` and `tflite` are this project's recipes, the others are stock ones, kept for comparison.",
    "OpenCV": "The release that ran the cell.",
    "Engine": "Which of the release's inference engines was asked for; the one it used follows where it differs.",
    "Error": "Largest absolute difference between OpenCV's output and TensorFlow's float64 output, over all inputs.",
    "Allowed": "The difference that float32 rounding explains for this model and input: a small multiple of "
    "TensorFlow's own float32 error, never a constant somebody chose.",
    "Margin": "Error divided by allowed. 1\N{MULTIPLICATION SIGN} is the border: correct cells stay well below it, "
    "wrong ones are usually thousands of times above.",
    "Latency": "Median time of one `forward` in milliseconds, measured inside the worker process; the first forward, "
    "which is slower, is not counted.",
    "p95": "The forward time that 95 of 100 calls stay under, in milliseconds.",
    "Load": "Time in milliseconds that OpenCV takes to read the file and build the network.",
    "Sensitivity": "How much the reference varies between inputs, in units of the allowed difference. Below "
    "1,000\N{MULTIPLICATION SIGN} agreement proves nothing and the outcome is vacuous.",
    "Inputs": "How many different inputs were compared.",
    "First": "The first `forward` after loading, in which OpenCV allocates memory and chooses kernels; told apart from "
    "the others.",
    "Interval": "Between which times the median lies, at 95 % at least, by order statistics.",
    "Beside": "Another runtime, timed in turns with OpenCV on the same weights, input and number of threads. "
    "0.5\N{MULTIPLICATION SIGN}: OpenCV takes half its time; `cannot-tell`: the noise of that very run is larger.",
    "Memory": "Highest resident memory of the worker since the load began, cv2 itself included; weights and tensors by "
    "OpenCV's own count.",
    "To blame": "The most precise thing known about a failure: an operation, else a Keras layer, a signal, or the "
    "stage at which it happened.",
    "Judgement": "The outcome held against what was expected; unexpected ones come first everywhere.",
    "Alike": "Layers that compute the same on the same shapes: one of them was run for all.",
    "Rate": "Cells that are ok, of all cells that could be tried (absent routes are not counted).",
    "Artifact": "Digest of the exported file: cells with the same digest loaded the same bytes.",
    "Planned": "Cells the run set out to try. Each one must have a record; a difference is shown at the top.",
}
