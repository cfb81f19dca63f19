"""Load the plugin where the distribution is not installed (a fresh clone with its dependencies only)."""

from __future__ import annotations

from importlib.metadata import entry_points

# An installed distribution has registered it by the same name already, which pytest counts as the same plugin.
if not entry_points(group="pytest11", name="dnn_harness_plugin"):
    pytest_plugins = ["dnn_harness_plugin"]
