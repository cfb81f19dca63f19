from __future__ import annotations

import os
from dataclasses import fields

import pytest

from harness.effects.config import SETTINGS, Settings, settle
from harness.errors import ExitCode, UsageError

TABLE = "[tool.dnn-harness]\n"


def settled(folder, options=None, environ=None, **toml: str) -> Settings:
    if toml:
        lines = [f"{key.replace('_', '-')} = {value}" for key, value in toml.items()]
        (folder / "pyproject.toml").write_text(TABLE + "\n".join(lines))
    return settle(options or {}, start=folder, environ=environ or {})


def test_without_a_word_the_defaults_hold(tmp_path):
    found = settled(tmp_path)
    assert (found.opencv, found.engine, found.route, found.zoo) == (("installed",), ("default",), (), ("model_zoo",))
    assert found.jobs == len(os.sched_getaffinity(0))
    assert found.store.is_absolute()
    assert found.root == tmp_path


def test_option_beats_variable_beats_file_beats_default(tmp_path):
    toml = {"draws": "7"}
    environ = {"DNN_HARNESS_DRAWS": "8"}
    assert settled(tmp_path, {"draws": 9}, environ, **toml).draws == 9
    assert settled(tmp_path, {"draws": None}, environ, **toml).draws == 8
    assert settled(tmp_path, {}, {"DNN_HARNESS_DRAWS": ""}, **toml).draws == 7
    (tmp_path / "pyproject.toml").unlink()
    assert settled(tmp_path).draws == 5


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_can_be_given_in_each_of_three_ways(tmp_path, setting):
    text = {"engine": "NEW", "store": "/some/where", "regressions": "/some/file"}.get(setting.name, "3")
    text = {"shared_store": "s3://bucket/prefix", "scheduler": "tcp://host:8786"}.get(setting.name, text)
    by_option = settled(tmp_path, {setting.name: text})
    by_variable = settled(tmp_path, {}, {setting.variable: text})
    by_file = settled(tmp_path, **{setting.name: f'"{text}"'})
    values = [getattr(found, setting.name) for found in (by_option, by_variable, by_file)]
    assert values[0] == values[1] == values[2]
    assert values[0] != getattr(settle({}, start=tmp_path.parent, environ={}), setting.name)
    assert setting.help


def test_the_settings_are_declared_once():
    assert {field.name for field in fields(Settings)} == {setting.name for setting in SETTINGS} | {"root"}


@pytest.mark.parametrize(
    ("text", "words"),
    [("pb", ("pb",)), ("pb,onnx", ("pb", "onnx")), (" pb , onnx ,", ("pb", "onnx")), (("pb", "onnx"), ("pb", "onnx"))],
)
def test_lists_are_written_with_commas_or_as_lists(tmp_path, text, words):
    assert settled(tmp_path, {"route": text}).route == words


def test_an_empty_option_counts_as_not_given(tmp_path):
    assert settled(tmp_path, {"route": ()}, {"DNN_HARNESS_ROUTE": "pb"}).route == ("pb",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jobs", "0"),
        ("jobs", "-1"),
        ("jobs", "two"),
        ("jobs", "1.5"),
        ("draws", "-1"),
        ("draws", "x"),
        ("load_seconds", "0"),
        ("load_seconds", "soon"),
        ("load_seconds", "nan"),
        ("forward_seconds", "inf"),
        ("memory_gb", "-3"),
        ("memory_gb", "nan"),
        ("engine", "WARP"),
        ("engine", "new"),
        ("device", "CPU/FP16/x"),
        ("device", "-"),
        ("shared_store", "/mnt/x"),
        ("scheduler", "host:8786"),
        ("scheduler", "remote"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_source(tmp_path, name, value):
    setting = next(setting for setting in SETTINGS if setting.name == name)
    sources = {
        f"--{setting.key}": ({name: value}, {}, {}),
        setting.variable: ({}, {setting.variable: value}, {}),
        rf"{tmp_path}/pyproject.toml \[tool.dnn-harness\] {setting.key}": ({}, {}, {name: f'"{value}"'}),
    }
    for source, (options, environ, toml) in sources.items():
        with pytest.raises(UsageError, match=f"^{source}: '{value}' (is|must) .*; {setting.help[:5]}") as raised:
            settled(tmp_path, options, environ, **toml)
        assert raised.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(("written", "read"), [("cpu_fp16", "CPU_FP16"), ("cuda/CUDA_FP16", "CUDA/CUDA_FP16")])
def test_a_device_is_named_as_opencv_or_as_records_do(tmp_path, written, read):
    assert settled(tmp_path).device == ("CPU",)
    assert settled(tmp_path, {"device": written}).device == (read,)


@pytest.mark.parametrize(("name", "value"), [("route", "3"), ("route", "[1]"), ("jobs", "[1]"), ("jobs", "{}")])
def test_a_value_of_the_wrong_type_in_the_file_is_refused(tmp_path, name, value):
    with pytest.raises(UsageError, match=rf"pyproject.toml \[tool.dnn-harness\] {name}: "):
        settled(tmp_path, **{name: value})


def test_an_unknown_key_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(UsageError, match=r"unknown key 'routes'.*it has .*route, scheduler, .*store, threads, zoo"):
        settled(tmp_path, routes='"pb"')


@pytest.mark.parametrize("text", ["[tool", "\x00", "[tool]\ndnn-harness = 3\n", "tool = 3\n"])
def test_a_broken_project_file_is_named(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError, match=r"pyproject.toml"):
        settled(tmp_path)


def test_the_nearest_project_with_our_table_is_taken(tmp_path):
    (tmp_path / "pyproject.toml").write_text(TABLE + "draws = 1\n")
    inner = tmp_path / "inner" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "inner" / "pyproject.toml").write_text("[project]\nname = 'somebody'\n")
    found = settle({}, start=inner, environ={})
    assert (found.draws, found.root) == (1, tmp_path)
    (tmp_path / "inner" / "pyproject.toml").write_text(TABLE + "draws = 2\n")
    found = settle({}, start=inner, environ={})
    assert (found.draws, found.root) == (2, tmp_path / "inner")


def test_a_relative_store_starts_at_the_project_and_home_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert settled(tmp_path, store='"cache"').store == tmp_path / "cache"
    assert settled(tmp_path, {"store": "~/cache"}).store.as_posix() == "/home/somebody/cache"


def test_engines_and_devices_are_lists_each_word_once(tmp_path):
    found = settled(tmp_path, {"engine": "default,CLASSIC,default", "device": "cpu,cpu_fp16"})
    assert (found.engine, found.device) == (("default", "CLASSIC"), ("CPU", "CPU_FP16"))
