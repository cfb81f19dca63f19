"""The child that imports cv2: loads a model, runs it, says what it saw. It has no opinion.

Run by path with any interpreter that has cv2 and numpy (Python 3.8, OpenCV 4.5.5, numpy 1 or 2 and later), or as
text handed to `exec`; nothing here relies on `__file__` or on any other file of the project, and nobody imports it.

A request is one JSON line `{"do": NAME, "sizes": [n, ...], ...}` followed by that many bytes for each size; the reply
has the same form and always tells `peak_rss_bytes`. A forward of several `feeds` has a reply for each, which says that
`more` follow where they do; the first that fails is the last. Arrays travel as `.npy` without pickle, which numpy 1
and 2 cannot read from each other.
Replies go through a private duplicate of stdout, because OpenCV prints to file descriptor 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import mmap
import os
import platform
import signal
import sys
import tempfile
import time
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Sequence, Tuple

IMPORTERS = {"pb": "readNetFromTensorflow", "onnx": "readNetFromONNX", "tflite": "readNetFromTFLite"}
SAME_ENGINE = {"NEW": ("NEW", "OPENCV"), "OPENCV": ("OPENCV", "NEW")}
"""ENGINE_NEW of the 5.0 wheels is called ENGINE_OPENCV in the development branch."""
KEPT_BYTES = 32 << 20
FORKS = hasattr(os, "fork")
"""Whether a fresh worker can be had without importing cv2 again."""
RETIRED = 77
"""Exit status of a worker that makes room for a fresh one."""

Reply = Tuple[Dict[str, Any], List[Any]]
"""Header and output arrays."""
Frame = Tuple[Dict[str, Any], List[memoryview]]
"""Header and payloads."""


class EngineAbsent(Exception):  # noqa: N818 - its name travels as the error's kind
    """This release was not built with the engine that was asked for."""


class DeviceAbsent(Exception):  # noqa: N818 - its name travels as the error's kind
    """This OpenCV cannot compute on the backend and target that were asked for, and would silently take another."""


class Worker:
    """One network at a time, and the requests about it: each `do_*` method answers the request of that name."""

    def __init__(self, cv2: Any, numpy: Any) -> None:
        self.cv2 = cv2
        self.numpy = numpy
        self.net: Any = None
        self.outputs: List[str] = []
        self.shapes: List[Tuple[int, ...]] = []
        """Shapes of the inputs that were set last."""

    def answer(self, request: Dict[str, Any], payloads: List[bytes]) -> Reply:
        """Answer one request; whatever it raises is the caller's to report."""
        method = getattr(self, "do_{}".format(request.get("do")), None)
        if method is None:
            raise ValueError("there is no request {!r}".format(request.get("do")))
        reply: Reply = method(request, payloads)
        return reply

    def do_hello(self, _request: Dict[str, Any], _payloads: List[bytes]) -> Reply:
        """Say what this interpreter and this OpenCV are."""
        dnn = self.cv2.dnn
        return {
            "forks": FORKS and "--cv2-from" not in sys.argv,
            "opencv": self.cv2.__version__,
            "python": platform.python_version(),
            "numpy": self.numpy.__version__,
            "machine": platform.machine(),
            "engines": named(dnn, "ENGINE_"),
            "importers": [form for form, name in IMPORTERS.items() if hasattr(dnn, name)],
            "backends": self.backends(),
            "threads": self.cv2.getNumThreads(),
        }, []

    def backends(self) -> Dict[str, List[str]]:
        """Return backend name -> names of the targets it can use here; backends without any are left out."""
        dnn = self.cv2.dnn
        targets = {getattr(dnn, "DNN_TARGET_" + name): name for name in named(dnn, "DNN_TARGET_")}
        found = {}
        for name in named(dnn, "DNN_BACKEND_"):
            with contextlib.suppress(self.cv2.error):  # some releases raise for a backend they were built without
                usable = dnn.getAvailableTargets(getattr(dnn, "DNN_BACKEND_" + name))
                found[name] = [targets.get(target, str(target)) for target in usable]
        return {name: usable for name, usable in found.items() if usable}

    def do_load(self, request: Dict[str, Any], payloads: List[bytes]) -> Reply:
        """Read a network from `path`, or from the payload when there is no path; with `threads`, for so many.

        `as_alone` leaves memory to glibc, as in a program that does nothing but run a network: for what is timed.
        """
        self.net = None  # the old network must not count in the new one's memory
        if not request.get("as_alone"):
            keep_freed_memory()
        forget_peak()
        if request.get("threads"):
            self.cv2.setNumThreads(request["threads"])  # before: ONNX Runtime makes its threads as it loads
        importer = IMPORTERS[request["format"]]
        if not hasattr(self.cv2.dnn, importer):
            return {"importer_absent": importer}, []
        options = self.engine_options(request.get("engine", "default"))
        with model_path(request, payloads) as path:
            started = time.perf_counter()
            net = getattr(self.cv2.dnn, importer)(path, **options)
            load_ms = (time.perf_counter() - started) * 1000
        self.net = net
        if net.empty():
            return {"load_ms": load_ms, "empty": True, "engine_used": "", "output_names": [], "layer_names": []}, []
        self.prefer(request)
        if not request.get("winograd", True) and hasattr(net, "enableWinograd"):  # since 4.7, like the algorithm itself
            net.enableWinograd(False)
        self.outputs = list(net.getUnconnectedOutLayersNames())
        return {
            "load_ms": load_ms,
            "empty": False,
            "engine_used": self.engine_used(),
            "output_names": self.outputs,
            "layer_names": list(net.getLayerNames()),
            "threads": self.cv2.getNumThreads(),
        }, []

    def engine_options(self, engine: str) -> Dict[str, int]:
        """Return the importer's keyword for an engine, looked up by name: the numbers differ between releases."""
        present = named(self.cv2.dnn, "ENGINE_")
        if engine == "default" or (engine == "CLASSIC" and not present):
            return {}
        for name in SAME_ENGINE.get(engine, (engine,)):
            if name in present:
                return {"engine": getattr(self.cv2.dnn, "ENGINE_" + name)}
        raise EngineAbsent("OpenCV {} has no engine {}; it has {}".format(self.cv2.__version__, engine, present))

    def engine_used(self) -> str:
        """Tell from the network which engine holds it: only a classic one has a layer named `_input`, number 0."""
        present = named(self.cv2.dnn, "ENGINE_")
        if present == ["ORT"]:  # ONNX Runtime itself, under OpenCV's name
            return "ort"
        if not present:
            return "classic"
        return "classic" if self.net.getLayerId("_input") == 0 else "new"

    def prefer(self, request: Dict[str, Any]) -> None:
        """Set backend and target, where the request names them. OpenCV itself would fall back without an error."""
        if not (request.get("backend") or request.get("target")):
            return
        backend, target = request.get("backend") or "OPENCV", request.get("target") or "CPU"
        usable = self.backends()
        if target not in usable.get(backend, ()):
            told = ", ".join("{}/{}".format(name, one) for name, targets in usable.items() for one in targets)
            raise DeviceAbsent("{}/{} is not available; this OpenCV has {}".format(backend, target, told))
        if (backend, target) != ("OPENCV", "CPU") and self.engine_used() == "new":
            raise DeviceAbsent("the new engine computes on the processor alone; {} needs engine CLASSIC".format(target))
        self.net.setPreferableBackend(getattr(self.cv2.dnn, "DNN_BACKEND_" + backend))
        self.net.setPreferableTarget(getattr(self.cv2.dnn, "DNN_TARGET_" + target))

    def do_forward(self, request: Dict[str, Any], payloads: List[bytes]) -> Reply:
        """Set every input by name (5.x refuses unnamed ones in graphs with several), run once, return all outputs.

        With `threads` that once is for so many, or for as many as OpenCV keeps to, which the reply says.
        """
        names, blobs = request["inputs"], request.get("blob") or [None] * len(payloads)
        if not len(names) == len(blobs) == len(payloads):
            raise ValueError("{} inputs are named but {} tensors came".format(len(names), len(payloads)))
        self.shapes = []
        for name, blob, payload in zip(names, blobs, payloads):  # noqa: B905 - Python 3.8 has no strict
            tensor = self.tensor(payload, blob)
            self.shapes.append(tensor.shape)
            self.loaded().setInput(self.mat(tensor), name)
        self.outputs = request.get("outputs") or self.outputs
        net = self.loaded()
        with self.computing_with(request.get("threads")) as threads:
            started = time.perf_counter()
            arrays = net.forward(self.outputs)
            elapsed = (time.perf_counter() - started) * 1000
        nothing = self.numpy.empty(0, "float32")  # for a tensor without elements the binding gives None
        found = [nothing if array is None else array for array in arrays]
        return {"forward_ms": elapsed, "threads": threads}, found

    @contextlib.contextmanager
    def computing_with(self, threads: Optional[int]) -> Iterator[int]:
        """Give OpenCV so many threads (None: the usual) for a while; yields the number that it keeps to."""
        usual = self.cv2.getNumThreads()
        if not threads:
            yield usual
            return
        self.cv2.setNumThreads(threads)
        try:
            yield self.cv2.getNumThreads()
        finally:
            self.cv2.setNumThreads(usual)

    def loaded(self) -> Any:
        """Return the network; raises ValueError where none is loaded."""
        if self.net is None:
            raise ValueError("no network is loaded; the last load failed or was never asked for")
        return self.net

    def tensor(self, payload: bytes, blob: Optional[Dict[str, Any]]) -> Any:
        """Return the payload as a contiguous array; with `blob`, a picture (H, W, C) turned into a blob by OpenCV."""
        array = self.numpy.load(io.BytesIO(payload), allow_pickle=False)
        if blob is None:
            return self.numpy.require(array, requirements="C")  # a scalar stays one, which OpenCV 5 knows
        made = self.cv2.dnn.blobFromImage(
            array,
            scalefactor=blob["scale"],
            size=(0, 0),  # as large as the picture: resizing is not part of what is compared
            mean=tuple(blob["mean"]),
            swapRB=blob["swap_rb"],
        )
        axes = blob.get("axes")
        return self.numpy.ascontiguousarray(made.transpose(axes)) if axes else made

    def mat(self, array: Any) -> Any:
        """Let OpenCV take a (1, 17, 5) sequence as it is: up to 4.10 it makes a 1 x 17 picture of 5 channels of it."""
        return self.cv2.Mat(array, wrap_channels=False) if array.ndim == 3 else array

    def do_threads(self, request: Dict[str, Any], _payloads: List[bytes]) -> Reply:
        """Set OpenCV's thread count and return the one it keeps to: without threads built in that is 1."""
        self.cv2.setNumThreads(request["threads"])
        return {"threads": self.cv2.getNumThreads()}, []

    def do_time(self, request: Dict[str, Any], _payloads: List[bytes]) -> Reply:
        """Run the inputs of the last forward again, `repeats` times, and return each duration in milliseconds.

        It stops early, after one run at least, when `seconds` are spent. With `profile`, each run's times by layer are
        returned as an array (runs, layers), in milliseconds by OpenCV's own clock, which it reads in any case.
        """
        net, spent, layers = self.loaded(), [], []  # type: Any, List[float], List[Any]
        profiled = request.get("profile")
        while len(spent) < request["repeats"] and sum(spent) <= request.get("seconds", float("inf")) * 1000:
            started = time.perf_counter()
            net.forward(self.outputs)
            spent.append((time.perf_counter() - started) * 1000)
            if profiled:
                layers.append(self.numpy.ravel(net.getPerfProfile()[1]))
        if not profiled:
            return {"forward_ms": spent}, []
        ticks_per_ms = self.cv2.getTickFrequency() / 1000
        names = list(net.getLayerNames())
        told = {"forward_ms": spent, "layers": [[name, type_of(net, name)] for name in names]}
        return told, [self.numpy.stack(layers) / ticks_per_ms]

    def do_count(self, _request: Dict[str, Any], _payloads: List[bytes]) -> Reply:
        """Return OpenCV's own count of operations and bytes for the inputs set last, None where it offers none.

        For networks of one input only: which shape belongs to which of several, OpenCV does not say.
        """
        told: Dict[str, Any] = {"flops": None, "weights_bytes": None, "blobs_bytes": None}
        if len(self.shapes) != 1:
            return told, []
        shape = list(self.shapes[0])
        with contextlib.suppress(Exception):  # OpenCV 5.0 takes shapes that Python cannot give; ONNX Runtime has none
            told["flops"] = int(self.loaded().getFLOPS([shape]))
        with contextlib.suppress(Exception):
            weights, blobs = self.loaded().getMemoryConsumption(shape)
            told.update(weights_bytes=int(weights), blobs_bytes=int(blobs))
        return told, []


def type_of(net: Any, name: str) -> str:
    """Return the type of a layer, as OpenCV names it; nothing where it does not tell."""
    with contextlib.suppress(Exception):  # what it raises for a layer it cannot find again differs by release
        return str(net.getLayer(net.getLayerId(name)).type)
    return ""


def named(dnn: Any, prefix: str) -> List[str]:
    """Return the constants of `cv2.dnn` that begin with a prefix, without it."""
    return [name[len(prefix) :] for name in dir(dnn) if name.startswith(prefix)]


@contextlib.contextmanager
def model_path(request: Dict[str, Any], payloads: List[bytes]) -> Iterator[str]:
    """Give the model as a path: for an in-memory buffer OpenCV 5.0 ignores the engine that it is asked for."""
    if request.get("path"):
        yield request["path"]
        return
    unnamed = os.path.isdir("/proc/self/fd")  # a file without a name cannot be left behind by a crash
    create: Any = tempfile.TemporaryFile if unnamed else tempfile.NamedTemporaryFile
    with create(suffix="." + request["format"]) as file:
        file.write(payloads[0])
        file.flush()
        yield "/proc/self/fd/{}".format(file.fileno()) if unnamed else file.name


def forget_peak() -> None:
    """Begin a new measurement of peak memory, where the kernel offers it."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def peak_rss_bytes() -> Optional[int]:
    """Return this process's highest resident memory since the last load began, in bytes; None where nothing tells.

    Not `ru_maxrss` on Linux: that one starts with the memory of whatever process started this one.
    """
    with contextlib.suppress(OSError), open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    with contextlib.suppress(ImportError):
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return None


def limit(memory_bytes: int) -> None:
    """Cap the address space (0: no cap), write no core files, and die with the host instead of outliving it."""
    with contextlib.suppress(ImportError):  # no such limits on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory_bytes:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    die_with_parent()


def die_with_parent() -> None:
    """Be killed when the process that started this one ends."""
    if sys.platform.startswith("linux"):
        import ctypes

        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def allow(seconds: float) -> None:
    """Have the kernel end this process when it takes longer (0: as long as it likes).

    A host that kills a worker ends what it was forked from too; and it cannot reach one elsewhere: killing `ssh` leaves
    what runs at its other end.
    """
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_REAL, seconds)


def keep_freed_memory() -> None:
    """Let glibc keep up to 32 MiB of what is freed.

    By default it gives memory back between two requests, and the next forward then spends longer on page faults than
    on its work (14 ms instead of 3 on a small network). A program that runs a network again and again has no such gaps.
    """
    if sys.platform.startswith("linux"):
        import ctypes

        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of <malloc.h>
        with contextlib.suppress(AttributeError):  # a C library other than glibc
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(trim_threshold, KEPT_BYTES)
            mallopt(mmap_threshold, KEPT_BYTES)


def private_stdout() -> BinaryIO:
    """Keep stdout for replies and let everything else that is printed there go to stderr."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "wb")


def isolate_imports() -> None:
    """Take the script's own folder off the import path: files beside it must not shadow cv2, numpy or what they use."""
    own = os.path.dirname(os.path.abspath(sys.argv[0])) if sys.argv and sys.argv[0] else ""
    if sys.path and sys.path[0] in ("", own):
        del sys.path[0]


def load_modules() -> Tuple[Any, Any]:
    """Import cv2 and numpy."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy only moves bytes here; its pool costs memory
    return importlib.import_module("cv2"), importlib.import_module("numpy")


def start(threads: int) -> Worker:
    """Import OpenCV and set its thread count (negative: its own choice)."""
    worker = Worker(*load_modules())
    if threads >= 0:
        worker.cv2.setNumThreads(threads)
    return worker


def describe(error: BaseException) -> Dict[str, Any]:
    """Return an exception's fields; `cv2.error` has more than others."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "." + kind.__name__
    told: Dict[str, Any] = {"kind": "MemoryError" if isinstance(error, MemoryError) else name, "message": str(error)}
    for key in ("code", "err", "func", "file", "line"):
        told[key] = getattr(error, key, None) if name == "cv2.error" else None
    return told


def read_frame(source: Any) -> Optional[Tuple[Dict[str, Any], List[bytes]]]:
    """Return the next request and its payloads, or None when the host has gone."""
    line = source.readline()
    if not line:
        return None
    header = json.loads(line)
    payloads = [source.read(size) for size in header.get("sizes", [])]
    return header, payloads


def write_frame(sink: BinaryIO, header: Dict[str, Any], payloads: Sequence[Any]) -> None:
    """Send one reply."""
    sizes = [payload.nbytes for payload in payloads]
    sink.write(json.dumps(dict(header, sizes=sizes)).encode("utf-8") + b"\n")
    for payload in payloads:
        sink.write(payload)
    sink.flush()


def encode(numpy: Any, array: Any) -> memoryview:
    """Return an array as the bytes of an `.npy` file."""
    buffer = io.BytesIO()
    numpy.save(buffer, array, allow_pickle=False)
    return buffer.getbuffer()


def replies_to(worker: Worker, request: Dict[str, Any], payloads: List[bytes]) -> Iterator[Frame]:
    """Answer a request, or one by one the requests that it stands for until one fails.

    An exception becomes an error reply, so that it never ends the worker.
    """
    for part, own, more in parts(request, payloads):
        try:
            header, arrays = worker.answer(part, own)
            frame: Frame = (dict(header, more=True) if more else header), [encode(worker.numpy, one) for one in arrays]
            del arrays  # where OpenCV wrote beyond them, freeing them is what crashes: that is this request's own
        except Exception as error:  # whatever OpenCV raises is what the host wants to know
            yield {"error": describe(error)}, []
            return
        yield frame


def parts(request: Dict[str, Any], payloads: List[bytes]) -> Iterator[Tuple[Dict[str, Any], List[bytes], bool]]:
    """Yield what a request stands for, a forward for each feed: its request, its payloads, whether more follow."""
    feeds = request.get("feeds", 1)
    width = len(payloads) // feeds
    for number in range(feeds):
        own = slice(number * width, (number + 1) * width)
        part = dict(request, blob=request["blob"][own]) if feeds > 1 and request.get("blob") else request
        yield part, payloads[own], number + 1 < feeds


def serve(source: Any, sink: BinaryIO, threads: int, busy: Any) -> int:
    """Answer requests until the host closes the pipe. Where cv2 cannot be imported, that is the only answer.

    `busy` holds one byte: 1 while a reply is made. Returns the exit status.
    """
    try:
        worker = start(threads)
    except Exception as error:  # a broken installation raises anything, and the host must hear it
        failure: Optional[Dict[str, Any]] = {"error": describe(error)}
    else:
        failure = None
    while True:
        frame = read_frame(source)
        if frame is None:
            return 0
        if frame[0].get("do") == "retire":
            write_frame(sink, {"peak_rss_bytes": peak_rss_bytes()}, [])
            return RETIRED
        for header, arrays in computed(
            iter([(failure, [])]) if failure else replies_to(worker, *frame), frame[0], busy
        ):
            write_frame(sink, dict(header, peak_rss_bytes=peak_rss_bytes()), arrays)


def computed(replies: Iterator[Frame], request: Dict[str, Any], busy: Any) -> Iterator[Frame]:
    """Yield replies, each of which is limited in time and `busy` while it is made, and only then.

    Not a step is made after the last one: what happened in it would be taken for the answer to the next request.
    """
    more = True
    while more:
        allow(request.get("within", 0.0))
        busy[0] = 1
        header, arrays = next(replies)
        busy[0] = 0
        allow(0.0)
        more = header.get("more", False)
        yield header, arrays


def serve_in_forks(source: Any, sink: BinaryIO, threads: int) -> None:
    """Serve in a child that is as fresh as this process, which only imports; when it retires or dies, in another one.

    Of a death this process tells in the child's place, which saves the host another import. Where that cannot be said
    in good order, it ends as the child did.
    """
    with contextlib.suppress(Exception):  # told of by the child, which tries again
        load_modules()
    adopt_orphans()
    busy = mmap.mmap(-1, 1)  # shared with every child
    while True:
        child = os.fork()
        if child == 0:
            die_with_parent()
            os._exit(serve(source, sink, threads, busy))
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == RETIRED and not busy[0]:
            continue
        if not busy[0] or has_children():
            end_as(status)
        busy[0] = 0
        write_frame(sink, {"ended": how(status), "peak_rss_bytes": None}, [])


def adopt_orphans() -> None:
    """Become the parent of what a child leaves behind, so that it can be seen."""
    if sys.platform.startswith("linux"):
        import ctypes

        be_subreaper = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
        ctypes.CDLL(None).prctl(be_subreaper, 1, 0, 0, 0)


def has_children() -> bool:
    """Whether a process is left that a child has started: it may hold the pipes, and only the host can end it."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
        return True
    return False


def how(status: int) -> Dict[str, Any]:
    """Return the name of the signal that ended a process, or else its exit status."""
    if os.WIFEXITED(status):
        return {"signal": None, "exit_status": os.WEXITSTATUS(status)}
    number = os.WTERMSIG(status)
    known = {int(one): one.name for one in signal.Signals}
    return {"signal": known.get(number, "signal {}".format(number)), "exit_status": None}


def end_as(status: int) -> None:
    """End this process as another one has ended."""
    if os.WIFEXITED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    with contextlib.suppress(OSError, ValueError):  # SIGKILL has no other disposition
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pause()


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Start up and serve standard input."""
    parser = argparse.ArgumentParser(description="OpenCV worker of dnn-harness; speaks a binary protocol on stdin.")
    parser.add_argument("--memory-bytes", type=int, default=0, help="cap on the address space; 0: none")
    parser.add_argument("--cv2-from", default="", help="folder with another module of that name, to be used instead")
    parser.add_argument("--announce", action="store_true", help="send an empty reply before the first request")
    parser.add_argument("--threads", type=int, default=-1, help="OpenCV's thread count; negative: its own choice")
    options = parser.parse_args(arguments)
    sink = private_stdout()
    limit(options.memory_bytes)
    isolate_imports()
    if options.cv2_from:
        sys.path.insert(0, options.cv2_from)
    if options.announce:
        write_frame(sink, {}, [])
    if hasattr(signal, "SIGALRM"):  # whoever started this one may have it ignored
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if FORKS and not options.cv2_from:  # what stands in for cv2 may have threads, which a fork leaves behind
        serve_in_forks(sys.stdin.buffer, sink, options.threads)
    else:
        sys.exit(serve(sys.stdin.buffer, sink, options.threads, bytearray(1)))


if __name__ == "__main__":
    main()
