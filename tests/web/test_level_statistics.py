"""Statistics of a level over its sessions: kept by version, on one scale, shown over time, and raised where items leaked."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import numpy as np
import pytest

from exam_delivery import public
from exam_delivery.models import ExamBatch, ExamSession, ForensicLead, SessionAnalysis
from exam_delivery.public import LeadFilter, LeadKind, LeadState
from exam_delivery.public_statistics import level_of_session, list_analysed_levels, list_trends
from exam_delivery.rules.states import SessionStatus
from kernel.clock import now
from kernel.db import db, new_id
from kernel.errors import ForbiddenError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank import public as qbank
from qbank.public_changes import report_by_statistics
from qbank.public_statistics import HistoryRow, list_cases, load_measures, load_pooled
from tests.blueprints.bank_cases import Bank, fill_bank
from web.analysis.bank_overview import item_lines
from web.analysis.bounds import Bounds
from web.analysis.calibration import add_calibration
from web.analysis.fairness import fairness_report
from web.analysis.figures import analyse
from web.analysis.levels import update_level
from web.analysis.marking import Marked
from web.analysis.sessions import alarm_reports, statistics_rows

K, N = 24, 150


@pytest.fixture
def bank(organisation) -> Bank:
    return fill_bank(organisation.organisation_id, copies=1)


@pytest.fixture
def system(organisation):
    return system_actor(organisation.organisation_id)


def versions(bank: Bank, system) -> list[uuid.UUID]:
    return [one.item_version_id for one in qbank.load_pool(db.session(), system, bank.standard_level_id)][:K]


def report_of(keys: list[uuid.UUID], seed: int, *, leaked: int | None = None, reversed_item: int | None = None) -> dict:
    """Return the report of a form: N persons, one item per version."""
    rng = np.random.default_rng(seed)
    b = np.linspace(-1.2, 1.2, K)
    if leaked is not None:
        b[leaked] -= 3.0
    theta = rng.normal(size=(N, 1))
    slope = np.ones(K)
    if reversed_item is not None:
        slope[reversed_item] = -1.0
    scores = (rng.random((N, K)) < 1 / (1 + np.exp(-slope * (theta - b)))).astype(float)
    marked = Marked(
        tuple(map(str, range(N))), tuple(map(str, range(1, K + 1))), scores, np.ones(K), np.zeros(K, np.int64), (None,) * K,
        (False,) * K,
    )  # fmt: skip
    report = analyse(marked)
    add_calibration(report, marked, "rasch")
    for place, item in enumerate(report["items"]):
        item |= {
            "slot": place + 1,
            "part": 1,
            "point": "",
            "type": "single_choice",
            "item_version_id": str(keys[place]),
        }
    report["fairness"] = fairness_report(marked, {})
    return report | {"title": "理论卷", "form_id": str(uuid.UUID(int=seed)), "score_counts": [0] * (K + 1)}


@pytest.fixture
def hold(bank, system):
    """Hold a session: keep what its analysis found, as the job does."""
    with unit_of_work(system) as uow:
        batch = ExamBatch(
            exam_batch_id=new_id(), organisation_id=bank.organisation_id, code="2026-01", name="第一批",
            standard_level_id=bank.standard_level_id, occupation_code="6-31-01-03", occupation_name="电工", level_code="4",
            level_name="四级/中级工", created_at=now(),
        )  # fmt: skip
        uow.add(batch)

    def one(number: int, report: dict) -> uuid.UUID:
        start = now() - timedelta(days=30 * (10 - number))
        with unit_of_work(system) as uow:
            row = ExamSession(
                exam_session_id=new_id(), organisation_id=bank.organisation_id, exam_batch_id=batch.exam_batch_id,
                name=f"第{number}场", form_ids=[], opens_at=start, starts_at=start, ends_at=start + timedelta(hours=2),
                duration_seconds=5400, late_cutoff_minutes=30, earliest_submit_minutes=30, leave_limit=5,
                status=SessionStatus.SCORED, created_at=start,
            )  # fmt: skip
            uow.add(row)
            uow.flush()
            form_id = uuid.UUID(report["form_id"])
            public.store_analyses(uow, row.exam_session_id, {form_id: report})
            source = f"exam_session:{row.exam_session_id}:{form_id}"
            qbank.record_statistics(uow, statistics_rows(report, source, date(2026, number, 1)))
            report_by_statistics(uow, alarm_reports(report, row.name, 30))
            uow.flush()
            update_level(uow, row.exam_session_id)
        db.session.expire_all()
        return row.exam_session_id

    return one


def test_every_session_adds_to_the_scale_of_the_first_and_the_pool_reads_it(bank, system, hold, sign_in):
    keys = versions(bank, system)
    first = report_of(keys, 1) | {"bounds": Bounds(few=N + 1).as_json()}
    address = f"/analyses/sessions/{hold(1, first)}/forms/{first['form_id']}"
    pooled = load_pooled(db.session(), system, keys)
    assert {one.n for one in pooled.values()} == {N}
    client = sign_in(Role.EDITOR)
    assert f"{pooled[keys[0]].estimate:.2f} （{pooled[keys[0]].low:.2f}" in client.get(address).text
    assert "人数少时的合并估计" in client.get(f"{address}/items/1").text
    found = load_measures(db.session(), system, bank.standard_level_id)
    assert {found[key].b for key in keys} == {item["b"] for item in first["items"]}
    hold(2, report_of(keys, 2))
    again = load_measures(db.session(), system, bank.standard_level_id)
    assert sum(again[key].n == 2 * N and again[key].n_sources == 2 for key in keys) == K
    assert np.corrcoef([again[key].b for key in keys], np.linspace(-1.2, 1.2, K))[0, 1] > 0.95
    entry = next(
        one for one in qbank.load_pool(db.session(), system, bank.standard_level_id) if one.item_version_id == keys[0]
    )
    assert entry.measure == again[keys[0]]


def test_a_leaked_item_becomes_a_lead_that_a_supervisor_reads_and_decides(bank, system, hold, sign_in, make_actor):
    keys = versions(bank, system)
    hold(1, report_of(keys, 1))
    hold(2, report_of(keys, 2))
    session_id = hold(3, report_of(keys, 3, leaked=20))
    supervisor = make_actor(Role.SUPERVISOR)
    leads, _total = public.list_leads(db.session(), supervisor, LeadFilter(kind=LeadKind.DRIFT), page=1, per_page=50)
    ((lead, row),) = leads
    assert (lead.item_version_id, lead.attempt_ids, row.exam_session_id) == (keys[20], [], session_id)
    assert lead.evidence["p_now"] > lead.evidence["p_before"] + 0.2
    client = sign_in(Role.SUPERVISOR)
    listed = client.get("/leads/?kind=drift").text
    assert "题目忽然变易" in listed
    assert lead.evidence["code"] in listed
    page = client.get(f"/leads/{lead.forensic_lead_id}").text
    assert "可能已经外泄" in page
    assert "涉及的考生" not in page
    with unit_of_work(supervisor) as uow:
        public.decide_lead(uow, lead.forensic_lead_id, LeadState.CONFIRMED, "培训机构流出原题", version=lead.version)
    with unit_of_work(system) as uow:
        update_level(uow, session_id)
    assert db.session.query(ForensicLead).count() == 1, "analysing again raises nothing twice"


def test_an_item_that_statistics_hold_to_be_wrong_opens_a_case_once(bank, system, hold):
    keys = versions(bank, system)
    hold(1, report_of(keys, 1, reversed_item=7))
    (case,) = list_cases(db.session(), system, bank.standard_level_id)
    assert case.is_open
    assert "N = 150" in case.evidence
    hold(2, report_of(keys, 2, reversed_item=7))
    assert len(list_cases(db.session(), system, bank.standard_level_id)) == 1


def test_the_pages_show_distributions_course_flagged_items_cases_and_drift(bank, system, hold, sign_in):
    keys = versions(bank, system)
    for number in (1, 2):
        hold(number, report_of(keys, number, reversed_item=7))
    last = hold(3, report_of(keys, 3, leaked=20, reversed_item=7))
    client = sign_in(Role.EDITOR)
    assert "电工" in client.get("/analyses/levels/").text
    address = f"/analyses/levels/{bank.standard_level_id}"
    page = client.get(address).text
    for text in ("得分率的分布", "题总相关的分布", "历次场次", "第3场", "需要留意的试题", "由统计立案的更正", "GZ-"):
        assert text in page
    assert page.count("<svg") >= 3
    drift = client.get(f"{address}/drift").text
    assert "忽然变易" in drift
    assert "已作为线索交质量督导员" in drift
    one = client.get(f"{address}/drift?session={last}&version={keys[20]}").text
    assert "各场次的得分率与 95% 区间" in one
    first = public.list_analyses(db.session(), system, page=1, per_page=50)[0][-1][0].exam_session_id
    assert "没有可以比较的题" in client.get(f"{address}/drift?session={first}").text
    officer = sign_in(Role.EXAM_OFFICER).get(address).text
    assert "/items/" not in officer, "who may not open items gets no link to them"


def test_a_level_without_sessions_says_so(bank, system, hold, sign_in):
    client = sign_in(Role.EDITOR)
    assert "还没有分析" in client.get("/analyses/levels/").text
    assert client.get(f"/analyses/levels/{bank.standard_level_id}").status_code == 404
    hold(1, report_of(versions(bank, system), 1))
    assert "没有可以比较的题" in client.get(f"/analyses/levels/{bank.standard_level_id}/drift").text


def test_strangers_and_the_unentitled_see_nothing(bank, hold, sign_in, make_actor, other_organisation):
    session_id = hold(1, report_of(versions(bank, system_actor(bank.organisation_id)), 1))
    stranger = make_actor(Role.EDITOR, organisation_id=other_organisation.organisation_id)
    assert list_analysed_levels(db.session(), stranger) == []
    assert list_trends(db.session(), stranger, bank.standard_level_id) == []
    assert list_cases(db.session(), stranger, bank.standard_level_id) == []
    with pytest.raises(NotFoundError):
        level_of_session(db.session(), stranger, session_id)
    with pytest.raises(ForbiddenError):
        list_trends(db.session(), make_actor(Role.MARKER), bank.standard_level_id)
    assert sign_in(Role.MARKER).get(f"/analyses/levels/{bank.standard_level_id}").status_code == 403


def test_only_the_newest_analysis_of_a_form_counts(bank, system, hold):
    keys = versions(bank, system)
    session_id = hold(1, report_of(keys, 1))
    newer = report_of(keys, 1)
    newer["n_candidates"] = 151
    with unit_of_work(system) as uow:
        public.store_analyses(uow, session_id, {uuid.UUID(newer["form_id"]): newer})
    assert db.session.query(SessionAnalysis).count() == 2
    (trend,) = list_trends(db.session(), system, bank.standard_level_id)
    assert trend.n_candidates == 151
    assert trend.alpha == pytest.approx(newer["test"]["alpha"])


def line(
    version: int, *, in_use: bool, share: float | None, r: float | None, n: int = 40, source: str = "a"
) -> HistoryRow:
    return HistoryRow(
        uuid.UUID(int=1), "T1", uuid.UUID(int=version), version, in_use, source, n, date(2026, 1, version), share, r
    )


def test_a_line_holds_the_version_in_use_alone_and_counts_the_others():
    found = item_lines(
        [
            line(1, in_use=False, share=0.99, r=-0.5),
            line(2, in_use=True, share=0.4, r=0.1),
            line(2, in_use=True, share=0.8, r=None, n=120, source="b"),
        ]
    )
    (one,) = found
    assert (one.number, one.n, one.n_sources, one.n_earlier) == (2, 160, 2, 1)
    assert one.proportion == pytest.approx(0.7)
    assert (one.correlation, one.flags) == (0.1, ("low_discrimination",))


@pytest.mark.parametrize(
    ("share", "r", "n", "flags"),
    [
        (0.5, -0.1, 40, ("negative_discrimination",)), (0.97, 0.3, 40, ("very_easy",)), (0.1, 0.3, 40, ("very_hard",)),
        (0.5, 0.3, 40, ()), (0.97, -0.3, 29, ()), (None, None, 40, ()),
    ],
)  # fmt: skip
def test_flags_of_the_overview_follow_the_limits_and_need_thirty_answers(share, r, n, flags):
    assert item_lines([line(1, in_use=True, share=share, r=r, n=n)])[0].flags == flags


def test_an_organisation_that_is_stricter_or_more_lenient_gets_its_own_flags():
    easy = line(1, in_use=True, share=0.92, r=0.18, n=40)
    assert item_lines([easy])[0].flags == ()
    assert item_lines([easy], Bounds(very_easy=0.9, low_discrimination=0.2))[0].flags == (
        "low_discrimination",
        "very_easy",
    )
    assert item_lines([easy], Bounds(very_easy=0.9, few=41))[0].flags == ()
