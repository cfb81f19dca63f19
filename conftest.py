"""Load the plugin where the distribution is not installed (a fresh clone with its dependencies only)."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from hypothesis import Phase, settings

# An installed distribution has registered it by the same name already, which pytest counts as the same plugin.
if not entry_points(group="pytest11", name="dnn_harness_plugin"):
    pytest_plugins = ["dnn_harness_plugin"]

# `ci`, the default: fixed draws, so that the references they need are in the store after the first run. It does not
# steer (`hypothesis.target`), for where that leads depends on OpenCV's numbers. `dev` and `nightly` look elsewhere
# every time, steer towards the largest error, and remember in `.hypothesis` what failed; `--hypothesis-profile` picks.
# Each says everything it stands on: on a machine with CI set, hypothesis begins with a profile `ci` of its own, which
# ours replaces, and the others would inherit from that.
_FREE = settings.get_profile("default")
_UNSTEERED = tuple(phase for phase in Phase if phase is not Phase.target)
settings.register_profile("ci", derandomize=True, deadline=None, database=None, phases=_UNSTEERED)
settings.register_profile("dev", _FREE, max_examples=500, deadline=None)
settings.register_profile("nightly", _FREE, max_examples=5000, deadline=None)
settings.load_profile("ci")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say that nothing is distributed where nothing is, whatever `addopts` say: pytest-benchmark goes by it."""
    if not getattr(config.option, "tx", None) and hasattr(config.option, "dist"):
        config.option.dist = "no"
