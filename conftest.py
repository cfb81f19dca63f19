"""Load the plugin where the distribution is not installed (a fresh clone with its dependencies only)."""

from __future__ import annotations

from importlib.metadata import entry_points

from hypothesis import settings

# An installed distribution has registered it by the same name already, which pytest counts as the same plugin.
if not entry_points(group="pytest11", name="dnn_harness_plugin"):
    pytest_plugins = ["dnn_harness_plugin"]

# Fixed draws by default: the references they need are then in the store after the first run. `--hypothesis-profile dev`
# looks elsewhere every time.
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("dev", max_examples=500, deadline=None)
settings.register_profile("nightly", max_examples=5000, deadline=None)
settings.load_profile("ci")
