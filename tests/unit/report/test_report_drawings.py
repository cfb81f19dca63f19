from __future__ import annotations

from dataclasses import replace

from harness.records import Outcome
from harness.report import drawings
from harness.report.figures import NONE, TIMES
from harness.report.spans import build_matrix
from harness.report.tabulate import build_report
from harness.timings import Profile


def matrix_of(samples, records):
    return build_matrix(build_report(records, samples.info(len(records))))


def drawn(samples, records):
    return {chart.title: chart for chart in drawings.of_run(matrix_of(samples, records))}


def test_the_trend_is_the_share_that_is_ok_of_what_could_be_tried(samples):
    records = [
        samples.record("a", opencv="4.8", outcome=Outcome.CRASH),
        samples.record("b", opencv="4.8"),
        samples.record("a", opencv="5.0"),
        samples.record("b", opencv="5.0"),
        samples.record("a", route="tflite", opencv="4.8", outcome=Outcome.ROUTE_ABSENT),
        samples.record("a", route="tflite", opencv="5.0", outcome=Outcome.CRASH),
    ]
    chart = drawn(samples, records)["Cells that are ok, release by release"]
    assert chart.head == ("", "4.8", "5.0")
    assert chart.rows == (("onnx", "50 %", "100 %"), ("tflite", NONE, "0 %"))


def test_times_by_release_are_about_the_cases_that_are_ok_on_all(samples):
    def record(case, opencv, ms, **more):
        return samples.record(case, opencv=opencv, latency=samples.latency(ms), **more)

    records = [
        record("a", "4.8", 1.0),
        record("a", "5.0", 4.0),
        record("slow", "5.0", 900.0),
        record("wrong", "4.8", 0.001, outcome=Outcome.MISMATCH),
        record("wrong", "5.0", 0.001),
    ]
    chart = drawn(samples, records)["Forward time, release by release"]
    assert chart.rows == (("onnx", "1.0 ms", "4.0 ms"),)


def test_margins_of_what_was_compared_are_drawn_with_their_border(samples):
    records = [
        samples.record("a", parity=samples.parity(0.25)),
        samples.record("b", parity=samples.parity(4e4), outcome=Outcome.MISMATCH),
        samples.record("c", parity=samples.parity(None), outcome=Outcome.MISMATCH),
        samples.record("d", outcome=Outcome.CRASH),
    ]
    chart = drawn(samples, records)["Tolerance margins over all cases"]
    assert chart.rows[0][:2] == ("onnx", "2")
    assert 'class="border"' in chart.svg


def test_a_run_without_times_or_numbers_draws_nothing(samples):
    assert drawn(samples, [samples.record(outcome=Outcome.CRASH)]) == {}


def test_other_runtimes_and_classes_of_layers_are_drawn_where_they_were_timed(samples):
    charts = drawn(samples, [samples.record(latency=samples.profiled("dense"))])
    assert charts["OpenCV's time over other runtimes'"].rows[0][0] == "onnx / dense"
    classes = charts["Where the time goes, by class of layer"].rows
    assert ("Permute", "0.25 ms", "put in by OpenCV") in classes


def test_a_models_layers_are_drawn_in_their_order_with_what_is_fused_and_inserted(samples):
    chart = drawings.of_layers(samples.record(latency=samples.profiled("dense")))
    assert chart is not None
    assert [row[0].split()[0] for row in chart.rows] == ["dense", "dense", "Permute"]
    assert chart.rows[0][2] == "with dense; TensorFlow 2.0 ms"
    assert chart.rows[1][2] == "fused into dense"
    assert "Sum 1.2 ms, whole pass 1.5 ms: dense" in chart.how


def test_layers_nobody_timed_are_no_chart(samples):
    assert drawings.of_layers(samples.record()) is None
    assert drawings.layer_times(samples.record(latency=samples.latency())) == {}
    empty = replace(samples.latency(), profile=Profile(layers=(), total_ms=0.0, forward_ms=1.0, note="no profile"))
    assert drawings.of_layers(samples.record(latency=empty)) is None


def test_margins_by_input_are_drawn_where_several_are_known(samples):
    chart = drawings.of_inputs(samples.record(parity=samples.parity(3.0)))
    assert chart is not None
    assert chart.rows == (("ramp seed=0", f"0.10{TIMES}"), ("uniform seed=3", f"3.0{TIMES}"))
    assert drawings.of_inputs(samples.record(parity=replace(samples.parity(), by_input=()))) is None
    assert drawings.of_inputs(samples.record()) is None


def test_a_models_times_are_drawn_by_release_and_beside_other_runtimes(samples):
    records = [samples.record(opencv=name, latency=samples.profiled()) for name in ("4.8", "5.0")]
    (line,) = matrix_of(samples, records).lines
    by_release, beside = drawings.of_case(line)
    assert by_release.rows == (("onnx", "1.5 ms", "1.5 ms"),)
    assert beside.rows[1] == ("onnx: dense", "3.0 ms", f"OpenCV 0.50{TIMES}: dense")
