"""The report of a form: counted from the form as it is, as page and workbook, without a single text of an item."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from blueprints.assembly.pool import PoolItem
from blueprints.documents.curves import curve_chart
from blueprints.models import AssemblyRun, ExamForm
from blueprints.rules.measures import ABILITIES, form_information
from blueprints.services import forms, runs
from blueprints.services.form_report import build_report
from kernel.errors import NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work


def test_the_report_counts_what_stands_in_the_form(drafts: list[ExamForm], assembler: Actor, session: Session) -> None:
    form = drafts[0]
    report = build_report(session, assembler, form.exam_form_id)
    assert {row.scope: row.got for row in report.rows} == {"A-A": 4, "A-B": 6, "B-A": 10}
    assert sum(report.own.difficulty) == 20
    assert sum(report.importance.values()) == 20
    assert all(check.met for check in report.checks)
    spread = {use.type: sum(n for _key, n in use.counts) for use in report.keys}
    assert spread == {"single_choice": 10, "true_false": 10}
    assert report.own.total_score == Decimal(20)
    assert 10 * 25 + 10 * 12 < report.own.seconds < 20 * 60
    assert report.matrix == [[20, 0], [0, 20]]
    assert [one.label for one in report.parallel] == ["A", "B"]


def test_overlap_with_earlier_forms_is_counted_and_withdrawn_ones_are_left_out(
    drafts: list[ExamForm], run_finished: Callable[..., AssemblyRun], assembler: Actor, session: Session
) -> None:
    held = {form.label: {slot.item_id for slot in form.slots} for form in drafts}
    run = run_finished(n_forms=1, seed=7)
    with unit_of_work(assembler) as uow:
        (later,) = runs.accept_run(uow, run.assembly_run_id)
    mine = {slot.item_id for slot in later.slots}
    shared = {label: len(mine & items) for label, items in held.items()}
    report = build_report(session, assembler, later.exam_form_id)
    assert {one.form.label: one.n_shared for one in report.earlier} == shared
    with unit_of_work(assembler) as uow:
        forms.withdraw_form(uow, drafts[0].exam_form_id, reason="不用了")
    report = build_report(session, assembler, later.exam_form_id)
    assert {one.form.label for one in report.earlier} == {"B"}


def test_information_rests_on_parameters_and_falls_back_to_proportions() -> None:
    calibrated = PoolItem("1", "single_choice", "A-001", a=1.2, b=0.0)
    judged = PoolItem("2", "single_choice", "A-001", p_value=0.5)
    unknown = PoolItem("3", "single_choice", "A-001")
    found = form_information([calibrated, judged, unknown])
    assert (found.n_items, found.n_known, found.n_calibrated) == (3, 2, 1)
    middle = found.values[ABILITIES.index(0.0)]
    assert middle == pytest.approx(1.2**2 / 4 + 1 / 4, abs=1e-3)
    assert max(found.values) == middle


def test_a_chart_keeps_its_lines_inside_and_its_labels_apart() -> None:
    chart = curve_chart(ABILITIES, {"A": [1.0] * len(ABILITIES), "B": [1.0] * len(ABILITIES)})
    heights = [float(pair.split(",")[1]) for curve in chart.curves for pair in curve.points.split()]
    assert all(chart.top <= height <= chart.base for height in heights)
    assert abs(chart.curves[0].label_y - chart.curves[1].label_y) >= 12


def test_page_and_workbook_show_the_report_and_no_item(
    drafts: list[ExamForm], sign_in: Callable[..., FlaskClient]
) -> None:
    client, form_id = sign_in(Role.FORM_APPROVER), drafts[0].exam_form_id
    page = client.get(f"/forms/{form_id}/report").get_data(as_text=True)
    for words in ("双向细目表", "难度分布", "平行卷对照", "逐条核对", "预计作答"):
        assert words in page, words
    assert "下列说法正确的是" not in page
    sheets = {sheet.name: sheet.rows for sheet in read_table(client.get(f"/forms/{form_id}/report.xlsx").data)}
    assert set(sheets) == {"双向细目表", "逐条核对", "分布", "平行卷对照", "与以往试卷重复"}
    assert len(sheets["平行卷对照"]) == 3


def test_no_other_organisation_and_no_officer_reads_it(
    drafts: list[ExamForm], sign_in: Callable[..., FlaskClient], make_actor: Callable[..., Actor], session: Session,
    other_organisation: Organisation,
) -> None:  # fmt: skip
    stranger = make_actor(Role.FORM_APPROVER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        build_report(session, stranger, drafts[0].exam_form_id)
    assert sign_in(Role.EXAM_OFFICER).get(f"/forms/{drafts[0].exam_form_id}/report").status_code == 403
    assert sign_in(Role.FORM_APPROVER).get(f"/forms/{uuid.uuid4()}/report").status_code == 404
