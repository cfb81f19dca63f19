from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from harness.report.charts import Bar, bars, dots, histograms, lines
from harness.report.figures import NONE, milliseconds, times


def shapes(chart, tag: str) -> list[ET.Element]:
    return [node for node in ET.fromstring(str(chart.svg)).iter() if node.tag == tag]


def titles(chart) -> list[str]:
    return [node.text or "" for node in shapes(chart, "title")]


def test_lines_mark_every_value_and_leave_gaps():
    chart = lines(
        "t", "how", ["4.8", "4.9", "5.0"], {"pb": [50.0, None, 100.0], "onnx": [0.0, 1.0, 2.0]}, "{:.0f}".format
    )
    said = titles(chart)
    assert {"pb, 4.8: 50", "pb, 5.0: 100", "onnx, 4.8: 0", "onnx, 4.9: 1"} <= set(said)
    assert not any(text.startswith("pb, 4.9") for text in said)
    assert chart.rows == (("pb", "50", NONE, "100"), ("onnx", "0", "1", "2"))
    assert chart.head == ("", "4.8", "4.9", "5.0")


def test_lines_stay_below_the_top_and_start_at_zero():
    chart = lines("t", "how", ["a", "b"], {"x": [0.0, 100.0]}, "{:.0f}".format, top=100.0)
    ways = [node.get("d", "") for node in shapes(chart, "path") if "line" in node.get("class", "")]
    (start, end) = re.findall(r"[ML]([\d.]+),([\d.]+)", ways[0])
    assert float(start[1]) == 276
    assert float(end[1]) == 36


def test_histograms_count_every_value_once():
    values = [0.01, 0.011, 0.5, 3.0, 3.1, 3.2, 1e9]
    chart = histograms("t", "how", {"onnx": values, "pb": []}, times, border=1.0)
    counted = [int(match[1]) for text in titles(chart) if (match := re.match(r"onnx: (\d+) from", text))]
    assert sum(counted) == len(values)
    assert chart.rows[0][:2] == ("onnx", "7")
    assert chart.rows[1] == ("pb", "0", NONE, NONE, NONE, NONE)
    assert any("border" in node.get("class", "") for node in shapes(chart, "path"))


def test_histograms_of_nothing_are_a_drawing_too():
    assert "<svg" in histograms("t", "how", {"pb": [0.0]}, milliseconds, border=1.0).svg


def test_bars_are_as_long_as_their_values():
    chart = bars("t", "how", [Bar(label="a", value=1.0), Bar(label="b", value=4.0, note="fused")], milliseconds)
    widths = [float(node.get("width", "0")) for node in shapes(chart, "rect")]
    assert abs(widths[1] - 4 * widths[0]) < 0.2
    assert "4.0 ms · fused" in "".join(node.text or "" for node in shapes(chart, "text"))
    assert bars("t", "how", [], milliseconds).rows == ()


def test_dots_beyond_the_border_have_another_shape_and_colour():
    chart = dots("t", "how", {"ramp": 0.5, "zero": 0.0, "noise": 70.0, "nan": None}, times, border=1.0)
    groups = [node.get("class") for node in shapes(chart, "g")]
    assert groups == ["fine", "fine", "bad", "bad"]
    marks = [node.get("d") for node in shapes(chart, "path") if node.get("class") == "dot"]
    assert marks[0] == marks[1] != marks[2] == marks[3]
    assert chart.rows[-1] == ("nan", "not finite")


def test_names_of_rows_and_series_cannot_become_markup(samples):
    text = samples.hostile
    for chart in (
        lines(text, text, [text], {text: [1.0]}, milliseconds),
        histograms(text, text, {text: [1.0, 2.0]}, milliseconds),
        bars(text, text, [Bar(label=text, value=1.0, note=text)], milliseconds),
        dots(text, text, {text: 1.0}, times, border=1.0),
    ):
        tags = {node.tag for node in ET.fromstring(str(chart.svg)).iter()}
        assert tags <= {"svg", "g", "text", "path", "rect", "title"}
        chart.svg.encode("utf-8")
