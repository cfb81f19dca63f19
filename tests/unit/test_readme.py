"""What the README shows can be done: its workflow is one, and every command and option in it exists."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from dnn_harness_plugin import _OPTIONS
from harness.cli import cli

README = (Path(__file__).parents[2] / "README.md").read_text()
(WORKFLOW,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
STEPS = yaml.safe_load(WORKFLOW)["jobs"]["dnn"]["steps"]
RUN = [step["run"] for step in STEPS if "run" in step]
SHOWN = [
    re.split(r"\s+#\s| > ", line.strip())[0] for line in README.splitlines() if line.startswith("    dnn-harness ")
]


def test_the_workflow_is_one():
    workflow = yaml.safe_load(WORKFLOW)
    assert set(workflow) == {"name", True, "jobs"}  # YAML 1.1 reads `on` as true, and so does GitHub's own schema
    job = workflow["jobs"]["dnn"]
    assert {"runs-on", "strategy", "env", "steps"} == set(job)
    assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in actions)
    used = set(re.findall(r"\$\{\{\s*([\w.]+)", WORKFLOW))
    assert used == {"github.workspace", "matrix.opencv", "hashFiles"}
    cached = next(step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/cache"))
    assert job["env"]["DNN_HARNESS_STORE"].endswith(cached["path"])


@pytest.mark.parametrize("line", [*SHOWN, *(line for line in RUN if line.startswith("dnn-harness"))])
def test_every_command_can_be_parsed(line):
    """By the command line's own parser; nothing is run."""
    words = shlex.split(re.sub(r"\$\{\{[^}]*\}\}", "5.0.0.93", line.partition(" > ")[0]))[1:]
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        context = click.Context(command, info_name=name, parent=context)
    command.parse_args(context, words)


def test_every_option_of_pytest_exists():
    named = set(re.findall(r"--dnn-(\w+)", "\n".join(RUN)))
    assert named
    assert named <= {name for name, _ in _OPTIONS}


def test_the_code_is_python():
    block = README[README.index("    import harness\n") : README.index("The plugin comes with")]
    tree = ast.parse("\n".join(line[4:] for line in block.splitlines()))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {"check", "assert_works", "dnn_model"} <= names
