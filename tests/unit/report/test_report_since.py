from __future__ import annotations

import re
from dataclasses import replace

from harness.pure.differing import Change
from harness.records import Outcome
from harness.report import write_html
from harness.report.since import Baseline, changes_since
from harness.report.tabulate import build_report


def baseline(records, **changes):
    plain = Baseline(name="reports/before", started="2026-11-01", versions={"keras": "3.14"}, records=tuple(records))
    return replace(plain, **changes)


def since(samples, before, after):
    report = build_report(after, samples.info(len(after)))
    cells = [cell for family in report.families for row in family.rows for cell in row.cells if cell]
    return changes_since(baseline(before), {"keras": "3.15"}, cells, {cell.id: cell.id for cell in cells})


def test_releases_that_both_have_are_held_against_each_other_worst_first(samples):
    before = [
        samples.record("a", opencv="4.8"),
        samples.record("a", opencv="5.0", outcome=Outcome.CRASH),
        samples.record("b", opencv="5.0"),
    ]
    after = [
        samples.record("a", opencv="4.8", outcome=Outcome.CRASH),
        samples.record("a", opencv="5.0"),
        samples.record("b", opencv="5.0"),
    ]
    changes = since(samples, before, after)
    assert [(one.release, one.difference.change) for one in changes.found] == [
        ("4.8", Change.BROKEN),
        ("5.0", Change.FIXED),
    ]
    assert changes.counts == {Change.BROKEN: 1, Change.FIXED: 1}
    assert (changes.cells, changes.alike) == (3, 1)
    assert changes.versions == (("keras", "3.14", "3.15"),)


def test_runs_of_other_releases_are_held_newest_against_newest(samples):
    before = [samples.record(opencv="4.8"), samples.record(opencv="4.10.0.84")]
    changes = since(samples, before, [samples.record(opencv="5.0", outcome=Outcome.CRASH)])
    assert [one.release for one in changes.found] == ["4.10.0.84 -> 5.0"]


def test_what_was_not_run_again_leads_nowhere(samples):
    changes = since(samples, [samples.record("gone"), samples.record("a")], [samples.record("a")])
    assert [(one.difference.change, one.anchor) for one in changes.found] == [(Change.MISSING, None)]


def test_an_empty_run_has_no_changes(samples):
    assert since(samples, [], [samples.record()]).found == ()


def test_the_page_begins_with_what_changed_and_links_to_it(samples):
    after = [samples.record("a", outcome=Outcome.CRASH), samples.record("b")]
    page = write_html(after, samples.info(2), baseline([samples.record("a"), samples.record("b")]))
    assert page.index('id="since"') < page.index('id="attention"')
    (anchor,) = re.findall(r'newly-broken</td><th scope="row"><a href="#(c-[0-9a-f]+)"', page)
    assert f'id="{anchor}"' in page
    assert "keras 3.14 → none" in page


def test_a_baseline_from_elsewhere_is_text(samples):
    text = samples.hostile
    before = baseline([samples.hostile_record(outcome=Outcome.OK)], name=text, started=text, versions={text: text})
    page = write_html([samples.hostile_record()], samples.info(1), before)
    assert "<script>alert" not in page
    assert "<img" not in page
    page.encode("utf-8")
