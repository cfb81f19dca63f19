"""The zoo's latency, kept and compared by pytest-benchmark: `pytest -m dnn_latency`.

`--dnn-tier` picks the cases, `--dnn-opencv` and `--dnn-route` where and how they run; known failures are left out.
"""

from __future__ import annotations

import pytest

from harness.cases import load_zoos, select
from harness.effects.config import ZOO
from harness.plugin import settings_of
from harness.records import CellId

GOOD = ("onnx", "pb", "tflite")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    tier = metafunc.config.getoption("dnn_tier")
    cases = [case.id for case in select(load_zoos((ZOO,)), tier or "core") if not case.missing_packages()]
    metafunc.parametrize("route", settings_of(metafunc.config).route or GOOD)
    metafunc.parametrize("case", [case for case in cases if tier or case.startswith("architectures/")])


def test_latency(case, route, dnn_session, dnn_latency):
    target = dnn_session.target(dnn_session.settings.opencv[0])
    cell = CellId(case=case, route=route, opencv=target.opencv, engine=target.engine_asked, backend=target.backend)
    if dnn_session.expectations.find(cell) is not None:
        pytest.skip("it is known to fail")
    latency = dnn_latency(case, route=route)
    assert latency.threads == dnn_session.settings.threads
    assert latency.first_ms is not None
    assert latency.forward_ms.min <= latency.forward_ms.median <= latency.forward_ms.p95
