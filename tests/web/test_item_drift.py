"""Items over time: what became easier when the others did not is raised, the rest is left alone."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import numpy as np

from qbank.public_statistics import HistoryRow
from web.analysis.drift import Sitting, anchors, compare_session

K = 24
DAY = datetime(2026, 3, 1, tzinfo=UTC)
SITTINGS = [
    Sitting(uuid.UUID(int=number + 1), f"第{number + 1}场", DAY + timedelta(days=30 * number)) for number in range(4)
]
KNOWN = {one.exam_session_id: one for one in SITTINGS}
VERSIONS = [uuid.UUID(int=100 + number) for number in range(K)]


def rows(
    seed: int, n: int = 120, *, leaked: int | None = None, ability: float = 0.0, sessions: int = 3
) -> list[HistoryRow]:
    """Return the history of twenty-four versions; in the last session candidates are abler and one item leaked."""
    rng = np.random.default_rng(seed)
    b = np.linspace(-1.2, 1.2, K)
    found = []
    for number in range(sessions):
        last = number == sessions - 1
        level = b - (ability if last else 0.0)
        if last and leaked is not None:
            level = level - 2.0 * (np.arange(K) == leaked)
        share = rng.binomial(n, 1 / (1 + np.exp(level))) / n
        source = f"exam_session:{SITTINGS[number].exam_session_id}:{uuid.UUID(int=7)}"
        found += [
            HistoryRow(
                uuid.UUID(int=1), f"T{j}", VERSIONS[j], 1, True, source, n, date(2026, 11, 1), float(share[j]), 0.3
            )
            for j in range(K)
        ]
    return found


def test_a_leaked_item_is_raised_even_where_the_whole_group_is_abler():
    comparison = compare_session(anchors(rows(3, leaked=18, ability=0.8), KNOWN), SITTINGS[2])
    assert [one.anchor.code for one in comparison.changes if one.is_flagged] == ["T18"]
    first = comparison.changes[0]
    assert (first.anchor.code, first.n_before, first.n_now, comparison.n_common) == ("T18", 240, 120, K)
    assert first.shift > 1
    assert first.p_now > first.p_before


def test_honest_sessions_raise_hardly_anything():
    found = [
        one
        for seed in range(200)
        for one in compare_session(anchors(rows(seed, ability=0.5), KNOWN), SITTINGS[2]).changes
    ]
    assert sum(one.is_flagged for one in found) <= 4, "one percent of the leads, where there are any"
    chances = np.array([one.p_value for one in found])
    assert 0.03 < np.mean(chances < 0.05) < 0.07


def test_forms_of_one_session_count_together_and_other_sources_do_not_count():
    history = rows(1, sessions=1)
    other = [row._replace(source=row.source.replace(str(uuid.UUID(int=7)), str(uuid.UUID(int=8)))) for row in history]
    noise = [
        history[0]._replace(source="导入的统计"), history[0]._replace(source="exam_session:nonsense"),
        history[0]._replace(source=f"exam_session:{uuid.UUID(int=99)}:x"), history[0]._replace(proportion_correct=None),
        history[0]._replace(n=0),
    ]  # fmt: skip
    (use,) = anchors([*history, *other, *noise], KNOWN)[0].uses
    assert (use.n, use.sitting) == (240, SITTINGS[0])
    low, high = use.interval
    assert 0 < low < use.proportion < high < 1


def test_versions_of_one_item_are_never_mixed():
    history = rows(1, sessions=2)
    newer = [
        row._replace(item_version_id=uuid.UUID(int=500), number=2) if row.code == "T0" and "2:" in row.source else row
        for row in history
    ]
    first, second = [one for one in anchors(newer, KNOWN) if one.code == "T0"]
    assert (first.number, len(first.uses), second.number, len(second.uses)) == (1, 1, 2, 1)


def test_few_common_versions_few_answers_and_first_sessions_give_no_comparison():
    history = rows(1)
    assert compare_session(anchors(history, KNOWN), SITTINGS[0]).changes == ()
    assert compare_session(anchors(rows(1, n=29), KNOWN), SITTINGS[2]).n_common == 0
    few = [row for row in history if row.code in {f"T{j}" for j in range(7)}]
    comparison = compare_session(anchors(few, KNOWN), SITTINGS[2])
    assert (comparison.n_common, comparison.changes) == (7, ())
    assert compare_session(anchors(history, KNOWN), SITTINGS[3]).changes == ()


def test_versions_that_changed_all_alike_raise_nothing():
    same = [row._replace(proportion_correct=0.5) for row in rows(1)]
    comparison = compare_session(anchors(same, KNOWN), SITTINGS[2])
    assert {(one.robust_z, one.is_flagged) for one in comparison.changes} == {(0.0, False)}
