"""Settings, declared once for the command line, the pytest plugin, the environment and `[tool.dnn-harness]`.

Precedence: option, then `DNN_HARNESS_*` variable, then `pyproject.toml`, then the default.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import platformdirs

from harness.errors import UsageError
from harness.pure.inputs import DRAWS


def _words(value: object) -> tuple[str, ...]:
    """Split `a,b`; take a list as it is."""
    parts = value.split(",") if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else None
    if parts is None or not all(isinstance(part, str) for part in parts):
        raise ValueError("is neither a text nor a list of texts")
    return tuple(part.strip() for part in parts if part.strip())


def _positive(kind: Callable[[Any], Any]) -> Callable[[object], Any]:
    def read(value: object) -> Any:
        number = kind(value)
        if not 0 < number < float("inf"):  # also false for NaN
            raise ValueError("must be above 0 and finite")
        return number

    return read


def _count(value: object) -> int:
    number = int(str(value))
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _path(value: object) -> Path:
    return Path(str(value)).expanduser()


def _engines(value: object) -> tuple[str, ...]:
    engines = _words(value)
    if not engines or not set(engines) <= set(ENGINES):
        raise ValueError(f"is none of {', '.join(ENGINES)}")
    return tuple(dict.fromkeys(engines))


def _devices(value: object) -> tuple[str, ...]:
    devices = tuple(word.upper() for word in _words(value))
    if not devices or not all(re.fullmatch(r"(\w+/)?\w+", word, re.ASCII) for word in devices):
        raise ValueError("is no device")
    return tuple(dict.fromkeys(devices))


def _url(value: object) -> str:
    text = str(value)
    if "://" not in text:
        raise ValueError("is no URL")
    return text


def _scheduler(value: object) -> str:
    text = str(value)
    if text != LOCAL and not re.fullmatch(r"\w+://\S+", text, re.ASCII):
        raise ValueError("is no scheduler")
    return text


LOCAL = "local"
"""The scheduler that a run starts for itself, on this machine."""
ENGINES = ("default", "CLASSIC", "NEW", "AUTO", "ORT")
ZOO = "model_zoo"
"""Import name of our own zoo."""
ZOO_GROUP = "opencv_dnn_harness.zoo"
"""Entry-point group of other distributions' zoos: any name = import name of a package with `CASES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its name, how its value is read, and what it is for."""

    name: str
    read: Callable[[object], Any]
    default: Any
    help: str

    @property
    def variable(self) -> str:
        """Name of its environment variable."""
        return f"DNN_HARNESS_{self.name.upper()}"

    @property
    def key(self) -> str:
        """Name in `[tool.dnn-harness]` and, after `--`, on the command line."""
        return self.name.replace("_", "-")


SETTINGS = (
    Setting(
        name="opencv",
        read=_words,
        default=("installed",),
        help="OpenCV to run on: installed, a release, 4.8:5.0 (every minor), latest, path:PYTHON, a command that ends "
        "in -; or onnxruntime, to compare with",
    ),
    Setting(name="engine", read=_engines, default=("default",), help=f"OpenCV 5 engines, of {', '.join(ENGINES)}"),
    Setting(
        name="device",
        read=_devices,
        default=("CPU",),
        help="targets to compute on: CPU, CPU_FP16, OPENCL_FP16; of another backend: CUDA/CUDA_FP16",
    ),
    Setting(name="route", read=_words, default=(), help="routes to take (default: all that fit the model)"),
    Setting(
        name="zoo", read=_words, default=(), help="import names of the zoos to take cases from (default: all installed)"
    ),
    Setting(name="expectations", read=_words, default=(), help="folders or files of known failures (TOML)"),
    Setting(name="regressions", read=_path, default=None, help="text file of inputs that failed once, tried since"),
    Setting(name="store", read=_path, default=None, help="folder of artifacts, references and environments"),
    Setting(
        name="shared_store",
        read=_url,
        default=None,
        help="fsspec URL of artifacts and references that machines share: file:///mnt/x, s3://bucket/prefix",
    ),
    Setting(
        name="scheduler",
        read=_scheduler,
        default=None,
        help="where cells run instead of here: tcp://HOST:PORT of a dask.distributed scheduler, or local",
    ),
    Setting(name="jobs", read=_positive(int), default=None, help="cells under way at once (default: the cores)"),
    Setting(name="draws", read=_count, default=DRAWS, help="inputs drawn by hypothesis besides the fixed probes"),
    Setting(name="repeats", read=_count, default=10, help="timed forward passes per cell"),
    Setting(
        name="threads",
        read=_positive(int),
        default=1,
        help="threads of OpenCV, TensorFlow and ONNX Runtime where they are timed (--latency)",
    ),
    Setting(name="load_seconds", read=_positive(float), default=60.0, help="deadline of one load in OpenCV"),
    Setting(name="forward_seconds", read=_positive(float), default=60.0, help="deadline of one forward pass in OpenCV"),
    Setting(name="export_seconds", read=_positive(float), default=600.0, help="deadline of one export"),
    Setting(name="memory_gb", read=_positive(float), default=8.0, help="address space of a worker, in GB"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values in force."""

    opencv: tuple[str, ...]
    engine: tuple[str, ...]
    device: tuple[str, ...]
    """Each `TARGET` of OpenCV's own backend, or `BACKEND/TARGET`."""
    route: tuple[str, ...]
    zoo: tuple[str, ...]
    expectations: tuple[str, ...]
    regressions: Path | None
    store: Path
    shared_store: str | None
    scheduler: str | None
    jobs: int
    draws: int
    repeats: int
    threads: int
    """Of every runtime that is timed by `--latency`; what is judged runs on one."""
    load_seconds: float
    forward_seconds: float
    export_seconds: float
    memory_gb: float
    root: Path
    """Folder of the pyproject.toml that was read, or the current one; relative paths start there."""


def settle(options: Mapping[str, object], *, start: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings from given options (None: not given), the environment and the project around `start`.

    Raises UsageError naming the source of a value that cannot be read.
    """
    environ = os.environ if environ is None else environ
    root, table = _project(start)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        given, source = _look_up(setting, options, environ, table, root)
        try:
            values[setting.name] = setting.default if given is None else setting.read(given)
        except (ValueError, TypeError) as error:
            raise UsageError(f"{source}: {given!r} {_reason(error)}; {setting.help}") from None
    values["store"] = root / (values["store"] or platformdirs.user_cache_path("opencv-dnn-harness"))
    values["regressions"] = values["regressions"] and root / values["regressions"]
    values["zoo"] = values["zoo"] or installed_zoos()
    values["jobs"] = values["jobs"] or len(os.sched_getaffinity(0))
    return Settings(root=root, **values)


def _look_up(
    setting: Setting, options: Mapping[str, object], environ: Mapping[str, str], table: Mapping[str, object], root: Path
) -> tuple[object, str]:
    if options.get(setting.name) not in {None, ()}:
        return options[setting.name], f"--{setting.key}"
    if environ.get(setting.variable):
        return environ[setting.variable], setting.variable
    return table.get(setting.key), f"{root / 'pyproject.toml'} [tool.dnn-harness] {setting.key}"


def installed_zoos() -> tuple[str, ...]:
    """Return our own zoo and those that installed distributions offer."""
    offered = sorted(entry.value for entry in entry_points(group=ZOO_GROUP))
    return tuple(dict.fromkeys((ZOO, *offered)))


def _reason(error: Exception) -> str:
    text = str(error)
    return text if text.startswith(("is ", "must ")) else "is no number"


def _project(start: Path) -> tuple[Path, Mapping[str, object]]:
    """Find the nearest pyproject.toml with a [tool.dnn-harness] table."""
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            table = _read_table(path)
            if table is not None:
                return folder, table
    return start, {}


def _read_table(path: Path) -> Mapping[str, object] | None:
    try:
        tools = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    table = tools.get("dnn-harness") if isinstance(tools, dict) else tools
    if table is None:
        return None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {table!r} stands where a table should; write [tool.dnn-harness]")
    known = {setting.key for setting in SETTINGS}
    for key in table:
        if key not in known:
            raise UsageError(f"{path}: unknown key {key!r} in [tool.dnn-harness]; it has {', '.join(sorted(known))}")
    return dict(table)


assert {f.name for f in fields(Settings)} == {s.name for s in SETTINGS} | {"root"}  # noqa: S101 - declared once, kept in step
