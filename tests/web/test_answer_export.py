"""Answers for R: pseudonyms only, audited, and the same figures when read back."""

from __future__ import annotations

import csv
import io
import json
import uuid
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from exam_delivery import public
from exam_delivery.public import FormTable, SlotOfForm
from exam_delivery.services import forms as session_forms
from kernel.audit.models import AuditEvent
from kernel.db import db
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from qbank.public_statistics import VersionName
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints
from web.analysis.command import analyse
from web.analysis.exporting import archive, files_of, prepare
from web.analysis.figures import analyse as figures_of
from web.analysis.sessions import mark_table

N = 12
WHOLE, GROUP = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture
def world(app, organisation, make_actor, monkeypatch) -> World:
    sealed = SealedForms(organisation.organisation_id, with_text=False)
    monkeypatch.setattr(session_forms, "blueprints", fake_blueprints(sealed))
    world = World(make_actor(Role.EXAM_OFFICER, Role.EDITOR), sealed)
    world.register(N)
    world.arrange()
    world.prepare()
    world.open()
    for place, attempt in enumerate(world.attempts()):
        shown = [slot for section in attempt.layout["sections"] for slot in section]
        answers = {slot: ALL_RIGHT[slot] for slot in shown[: 1 + place * 9 // (N - 1)]}
        wrong = {slot: '["A"]' for slot in shown[len(answers) : len(answers) + 2] if slot < 9}
        world.sit(answers | wrong, attempt)
    world.close_and_score()
    for job in db.session.query(Job).filter_by(name=public.ANALYSE_JOB, status="waiting"):
        assert run_job(job.job_id) == "done", job.error
    return world


def unpacked(data: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        bundle.extractall(folder)


def read_back(folder: Path, *arguments: str) -> dict:
    result = CliRunner().invoke(analyse, [*arguments, "--out", str(folder / "o.json")])
    assert result.exit_code == 0, result.output
    return json.loads((folder / "o.json").read_text("utf-8"))


SAME_OF_TEST = ("mean", "sd", "alpha", "sem", "kr20", "lambda2", "lambda6", "max_score", "score_distribution")
SAME_OF_ITEM = (
    "n", "n_omitted", "n_not_reached", "facility", "facility_interval", "item_rest_correlation", "item_total_correlation",
    "discrimination_27", "biserial", "effective_weight", "alpha_if_deleted", "max_score", "flags",
)  # fmt: skip


def assert_same_figures(report: dict, again: dict) -> None:
    assert again["n_candidates"] == report["n_candidates"]
    assert {name: again["test"][name] for name in SAME_OF_TEST} == {name: report["test"][name] for name in SAME_OF_TEST}
    for one, other in zip(report["items"], again["items"], strict=True):
        assert {name: other[name] for name in SAME_OF_ITEM} == {name: one[name] for name in SAME_OF_ITEM}
        for name, option in other["options"].items():
            assert option == one["options"][name]


def test_kaoku_analyse_gives_the_figures_of_the_session_from_the_archive(world, sign_in, tmp_path):
    client = sign_in(Role.EXAM_OFFICER)
    response = client.post(f"/analyses/sessions/{world.key}/export")
    assert response.status_code == 200
    assert response.mimetype == "application/zip"
    unpacked(response.data, tmp_path)
    tables = public.load_form_tables(db.session(), world.officer, world.key)
    reports = {one.form_id: one.report for one in public.find_analyses(db.session(), world.officer, world.key)[1]}
    for number, table in enumerate(tables, 1):
        folder = tmp_path / f"form-{number}"
        again = read_back(folder, str(folder / "responses.csv"), "--key", str(folder / "key.csv"))
        assert_same_figures(reports[table.form_id], again)
        scored = read_back(folder, str(folder / "scores.csv"), "--key", str(folder / "maximum.csv"))
        assert scored["test"]["alpha"] == again["test"]["alpha"]


def test_the_archive_names_nobody_and_the_audit_says_who_took_it(world, sign_in, tmp_path):
    client = sign_in(Role.EXAM_OFFICER)
    data = client.post(f"/analyses/sessions/{world.key}/export").data
    unpacked(data, tmp_path)
    text = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file())
    for attempt in world.attempts():
        assert str(attempt.attempt_id) not in text
    assert "演示考生" not in text
    assert "演示企业" not in text
    event = db.session.query(AuditEvent).filter_by(act="exam_session.export_answers").one()
    assert event.details["after"] == {"forms": 2, "candidates": N}
    assert client.post(f"/analyses/sessions/{world.key}/export").data == data, "equal answers give an equal archive"


def test_who_may_not_see_statistics_and_strangers_export_nothing(world, sign_in, make_user, other_organisation):
    address = f"/analyses/sessions/{world.key}/export"
    assert sign_in(Role.INVIGILATOR).post(address).status_code == 403
    stranger = sign_in(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    assert stranger.post(address).status_code == 404


def table_with_everything() -> FormTable:
    """Return two choices (one with partial marks), a group of two parts, a text; someone did not reach the end."""
    kinds = [
        (WHOLE, 1, "single_choice", ("A", "B"), ("A",), 1), (uuid.UUID(int=3), 1, "multiple_choice", ("A", "B", "C"), ("A", "B"), 2),
        (GROUP, 1, "true_false", ("true", "false"), ("true",), 1), (GROUP, 2, "short_answer", (), (), 5),
    ]  # fmt: skip
    slots = tuple(
        SlotOfForm(number, str(version), part, "A-A-A-001", kind, options, keys, Decimal(most))
        for number, (version, part, kind, options, keys, most) in enumerate(kinds, 1)
    )
    chosen = [
        [("A",), ("A", "B"), ("true",), ("一段文字",)], [("B",), ("A",), ("false",), ()], [(), ("C",), None, None],
        [("A",), ("B", "A"), ("true",), ("一段文字",)],
    ]  # fmt: skip
    marks = [["1", "2", "1", "4.5"], ["0", "1", "0", "0"], ["0", "0", None, None], ["1", "2", "1", "3"]]
    scores = [[None if one is None else Decimal(one) for one in row] for row in marks]
    return FormTable(uuid.UUID(int=9), "卷", slots, scores, chosen, tuple(uuid.UUID(int=50 + row) for row in range(4)))


NAMES = {WHOLE: VersionName(uuid.UUID(int=11), "T1", 2), GROUP: VersionName(uuid.UUID(int=12), "T2", 1)}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_key_stands_only_where_it_gives_every_score_and_texts_of_candidates_never_leave(tmp_path):
    form = prepare(table_with_everything(), NAMES, lambda attempt: f"p{99 - attempt.int}")
    assert form.names == ("T1", "S2", "T2.1", "T2.2")
    assert form.pseudonyms == ("p46", "p47", "p48", "p49")
    files = files_of("第一场", form)
    assert [(row["item"], row["key"], row["score"]) for row in rows_of(files["key.csv"])] == [
        ("T1", "A", "1"), ("S2", "", "2"), ("T2.1", "true", "1"), ("T2.2", "", "5"),
    ]  # fmt: skip
    first, unreached, *_rest = rows_of(files["responses.csv"])
    assert first == {"candidate": "p46", "T1": "A", "S2": "2", "T2.1": "true", "T2.2": "3"}
    assert unreached == {"candidate": "p47", "T1": "", "S2": "0", "T2.1": "NR", "T2.2": "NR"}
    assert rows_of(files["choices.csv"])[0] == {"candidate": "p46", "T1": "A", "S2": "B;A", "T2.1": "true"}
    assert rows_of(files["scores.csv"])[1] == {"candidate": "p47", "T1": "0", "S2": "0", "T2.1": "NR", "T2.2": "NR"}
    items = rows_of(files["items.csv"])
    assert [(row["code"], row["version"], row["marked_by"]) for row in items] == [
        ("T1", "2", "key"), ("", "", "score"), ("T2", "1", "key"), ("T2", "1", "score"),
    ]  # fmt: skip
    assert "一段文字" not in "".join(files.values())


def test_partial_marks_and_texts_read_back_to_the_same_figures_too(tmp_path):
    table = table_with_everything()
    unpacked(archive("第一场", [prepare(table, NAMES, lambda attempt: f"p{attempt.int}")]), tmp_path)
    folder = tmp_path / "form-1"
    again = read_back(folder, str(folder / "responses.csv"), "--key", str(folder / "key.csv"))
    report = figures_of(mark_table(table))
    for one in report["items"]:
        one["flags"] = [flag for flag in one["flags"] if flag != "possible_wrong_key"]
    same = ("n", "facility", "item_rest_correlation", "max_score", "n_not_reached", "n_omitted")
    for one, other in zip(report["items"], again["items"], strict=True):
        assert {name: other[name] for name in same} == {name: one[name] for name in same}
    assert again["test"]["alpha"] == report["test"]["alpha"]
