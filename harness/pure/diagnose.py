"""From what a worker saw to what went wrong: outcome, stage, op, node and Keras layer. Pure.

Every pattern below was taken from real messages of OpenCV 4.5.5 ... 5.0.0 (tests/unit/data/cv_errors.json) and of ONNX
Runtime 1.32. OpenCV's
file and line are never used: they change with each release.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.observations import CvError, Observation
from harness.records import Outcome, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a cell did not get through to its outputs."""

    outcome: Outcome
    stage: Stage
    message: str
    op: str | None = None
    node: str | None = None
    signal: str | None = None


_CANNOT_CREATE = (
    re.compile(r"Can't create layer \"(?P<node>[^\"]*)\" of type \"(?P<op>[^\"]*)\""),
    re.compile(r"Can't create layer (?P<node>\S+) with type (?P<op>\S+)"),
    # ONNX Runtime's words, which `--opencv onnxruntime` brings
    re.compile(r"Could not find an implementation for (?P<op>\w+)\(\d+\) node with name '(?P<node>[^']*)'"),
    re.compile(r'In Node, \("(?P<node>[^"]*)", (?P<op>\w+), .*Error No Op registered'),
)
_CANNOT_CONVERT = (
    re.compile(r"has no conversion for (?P<op>\w+)"),
    re.compile(r"'tfl?\.(?P<op>\w+)' op (?:is neither a custom op nor a flex op|failed to verify)"),
)
"""What converters say of an op they do not know: ours of tf2onnx's, and TFLite's."""
_UNSUPPORTED_OPERATOR = re.compile(r"Unsupported operator type (?P<op>\w+)")
_TFLITE_OPERATOR = re.compile(r"import of operator \[(?P<op>\w+)\]:\((?P<node>[^)]*)\)")
_UNSUPPORTED_LIST = re.compile(r"Unsupported operations:\s*(?P<ops>(?:\n?\t\S+)+)")
_ONNX_NODE = re.compile(
    r"Node \[(?P<op>[^\]@]+)(?:@[^\]]*)?\]:\((?P<node>[^)]*)\) parse error: (?P<inner>.*)", re.DOTALL
)
_PB_NODE = re.compile(r"Can't parse layer for node='(?P<node>[^']*)' of type='(?P<op>[^']*)'")
_LAYER_SHAPES = re.compile(r"OPENCV/DNN: \[(?P<op>\w+)\]:\((?P<node>[^)]*)\): getMemoryShapes\(\) throws")
_OUT_OF_MEMORY = re.compile(r"bad_alloc|Insufficient memory|Failed to allocate|cannot allocate memory", re.IGNORECASE)
_DECORATION = re.compile(r"^(?:onnx_node_output_\d+!|onnx_node!)|:\d+$")
_QUOTE_MARK = re.compile(r"^>[ \t]*", re.MULTILINE)
"""OpenCV begins every line of a message with it as soon as there are several."""
_ON_STDERR = {Stage.LOAD: (_PB_NODE, _TFLITE_OPERATOR, _LAYER_SHAPES), Stage.FORWARD: (_LAYER_SHAPES,)}
"""Who names the culprit on stderr. What an importer printed says nothing of a forward pass: OpenCV 5 first tries the
new engine, complains about an op, and then loads the network with the classic one."""


def diagnose(seen: Observation) -> Failure | None:
    """Return what went wrong before there were outputs, or None where the forward pass went through."""
    if seen.importer_absent:
        message = f"this OpenCV has no {seen.importer_absent}"
        return Failure(outcome=Outcome.ROUTE_ABSENT, stage=Stage.LOAD, message=message)
    if seen.timed_out_after is not None:
        message = f"no answer within {seen.timed_out_after:g} s; the worker was killed"
        return Failure(outcome=Outcome.TIMEOUT, stage=seen.stage, message=message)
    if seen.signal is not None or seen.exit_status is not None:
        return _ended(seen)
    if seen.error is not None:
        return _raised(seen, seen.error)
    return _empty(seen) if seen.empty_net else None


def _ended(seen: Observation) -> Failure:
    last = _last_line(seen.stderr)
    how = f"the process ended by {seen.signal}" if seen.signal else f"the process exited with status {seen.exit_status}"
    if _OUT_OF_MEMORY.search(seen.stderr):
        message = f"{how} when memory ran out{last}"
        return Failure(outcome=Outcome.OUT_OF_MEMORY, stage=seen.stage, message=message, signal=seen.signal)
    message = f"{how} during {seen.stage}{last}"
    return Failure(outcome=Outcome.CRASH, stage=seen.stage, message=message, signal=seen.signal)


def _last_line(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"; its last words: {lines[-1][:500]}" if lines else ""


def _raised(seen: Observation, error: CvError) -> Failure:
    text = error.err or error.message
    if error.kind == "protocol":  # the worker's answer was no frame: nothing is known of the model
        return Failure(outcome=Outcome.HARNESS_ERROR, stage=seen.stage, message=text)
    if error.kind == "MemoryError" or _OUT_OF_MEMORY.search(error.message):
        return Failure(outcome=Outcome.OUT_OF_MEMORY, stage=seen.stage, message=text)
    if error.kind in {"EngineAbsent", "DeviceAbsent"}:  # a fact about the release, not about the model
        return Failure(outcome=Outcome.ROUTE_ABSENT, stage=seen.stage, message=text)
    if seen.stage is Stage.START:  # a worker that cannot even import cv2 has not met the model
        return Failure(outcome=Outcome.HARNESS_ERROR, stage=seen.stage, message=f"{error.kind}: {text}")
    op, node = _culprit(error, seen) if error.kind == "cv2.error" else (None, None)
    created = next((found for pattern in _CANNOT_CREATE if (found := pattern.search(text))), None)
    if created:
        return _unsupported(seen.stage, created["op"], plain_name(created["node"]), f"no layer for op {created['op']}")
    operator = _UNSUPPORTED_OPERATOR.search(text)
    if operator:
        return _unsupported(seen.stage, operator["op"], node, f"the importer does not know op {operator['op']}")
    outcome = Outcome.IMPORT_ERROR if seen.stage is Stage.LOAD else Outcome.RUNTIME_ERROR
    return Failure(outcome=outcome, stage=seen.stage, message=_readable(error), op=op, node=node)


def _unsupported(stage: Stage, op: str, node: str | None, message: str) -> Failure:
    return Failure(outcome=Outcome.UNSUPPORTED_OP, stage=stage, message=message, op=op, node=node)


def _culprit(error: CvError, seen: Observation) -> tuple[str | None, str | None]:
    """Find the op and node an error is about: in its own text first, else in the last such line on stderr."""
    found = _ONNX_NODE.search(error.err or error.message)
    for pattern in _ON_STDERR.get(seen.stage, ()):
        if found is None:
            found = next(reversed(list(pattern.finditer(seen.stderr))), None)
    return (found["op"], plain_name(found["node"])) if found else (None, None)


def _readable(error: CvError) -> str:
    """Return the innermost reason: OpenCV wraps the node's own exception in the importer's."""
    text = error.err or error.message
    wrapped = _ONNX_NODE.search(text)
    if wrapped:
        return _QUOTE_MARK.sub("", wrapped["inner"]).strip()
    if error.err is None:
        return error.message.strip()
    where = f" in {error.func}" if error.func else ""
    what = "Assertion failed: " if error.code == -215 else ""
    return f"{what}{_QUOTE_MARK.sub('', error.err).strip()}{where}"


def _empty(seen: Observation) -> Failure:
    """OpenCV 5's new engine raises nothing for an op it does not know: the name is on stderr alone."""
    listed = _UNSUPPORTED_LIST.search(seen.stderr)
    if listed is None:
        message = f"the importer returned an empty net and raised nothing{_last_line(seen.stderr)}"
        return Failure(outcome=Outcome.IMPORT_ERROR, stage=Stage.LOAD, message=message)
    ops = listed["ops"].split()
    message = f"the new engine returned an empty net; unsupported: {', '.join(ops)}"
    return _unsupported(Stage.LOAD, ops[0], None, message)


def plain_name(name: str) -> str:
    """Strip what OpenCV releases put around an exported node's name.

    >>> plain_name("onnx_node!block1/conv/Conv2D:0")
    'block1/conv/Conv2D'
    """
    previous = None
    while previous != name:
        previous, name = name, _DECORATION.sub("", name)
    return name


def unconverted_op(message: str) -> str | None:
    """Return the first op that a converter had no counterpart for; None where its words name none."""
    return next((match["op"] for pattern in _CANNOT_CONVERT if (match := pattern.search(message))), None)


def keras_layer(node: str | None, node_layers: Mapping[str, str]) -> str | None:
    """Return the Keras layer that a failing node came from, or None where that is not certain.

    Joined on the exported name; OpenCV adds suffixes (`/nhwc`, `/permute`) to layers it splits, so the longest known
    prefix counts. Without a node (OpenCV 5 prints ops only) nothing is claimed.
    """
    if node is None:
        return None
    name = plain_name(node)
    while name:
        if name in node_layers:
            return node_layers[name]
        name = name.rpartition("/")[0]
    return None
