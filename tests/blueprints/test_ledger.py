"""The ledger of exposure: what candidates met, where and when; caps that keep known items out of the next draw."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from blueprints import repository
from blueprints.models import AssemblyRun, ExamForm
from blueprints.rules.exposure import Caps, Use, exposures, over_caps
from blueprints.rules.states import RunStatus
from blueprints.services import circle, ledger, runs, sittings, swaps
from blueprints.services.bench import load_bench
from blueprints.services.ledger import LedgerFilter, item_uses, read_ledger
from blueprints.services.sittings import FormSitting
from kernel import profiles
from kernel.clock import now, today
from kernel.errors import InvalidInputError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work

TODAY = date(2026, 6, 1)


@pytest.fixture
def sat(sealed_form: uuid.UUID) -> Iterator[list[FormSitting]]:
    """Two sessions at two sites met the sealed form; a third is only planned."""
    before = dict(sittings._SOURCES)
    sittings._SOURCES.clear()
    rows = [
        _sitting(sealed_form, "东江考点", 30, now() - timedelta(days=400)),
        _sitting(sealed_form, "西山考点", 20, now() - timedelta(days=10)),
        _sitting(sealed_form, "西山考点", 0, now() + timedelta(days=10)),
    ]
    sittings.register_uses("test", lambda _s, _o, form_ids: [row for row in rows if row.form_id in form_ids])
    yield rows
    sittings._SOURCES.clear()
    sittings._SOURCES.update(before)


def _sitting(form_id: uuid.UUID, site: str, n_started: int, moment: datetime) -> FormSitting:
    return FormSitting(form_id, uuid.uuid4(), f"{site}场次", site, moment, 30, n_started, n_started > 0)


def capped_by(make_actor: Callable[..., Actor], **values: int | str) -> None:
    admin = make_actor(Role.ORGANISATION_ADMIN)
    with unit_of_work(admin) as uow:
        profiles.publish(uow, {f"blueprints.{name}": value for name, value in values.items()}, effective_on=today())


def test_caps_look_one_year_back_and_count_by_site() -> None:
    form, other, item = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    holding = {form: [item], other: [item, uuid.uuid4()]}
    uses = [
        Use(form, uuid.uuid4(), "甲", TODAY - timedelta(days=366), 900),
        Use(form, uuid.uuid4(), "甲", TODAY - timedelta(days=30), 60),
        Use(other, uuid.uuid4(), "乙", TODAY, 40),
    ]
    assert over_caps(uses, holding, Caps(candidates=100), TODAY) == {item}
    assert over_caps(uses, holding, Caps(candidates=101), TODAY) == set()
    assert over_caps(uses, holding, Caps(at_site=2), TODAY) == set()
    assert over_caps([*uses, Use(form, uuid.uuid4(), "甲", TODAY, 1)], holding, Caps(at_site=2), TODAY) == {item}
    found = exposures(uses, holding)[item]
    assert (found.n_candidates, len(found.sessions), found.sites) == (1000, 3, {"甲", "乙"})


def test_the_ledger_adds_up_what_candidates_met(
    sat: list[FormSitting], drafts: list[ExamForm], assembler: Actor, session: Session
) -> None:
    level = drafts[0].standard_level_id
    whole = read_ledger(session, assembler, level, LedgerFilter())
    assert (whole.n_items, whole.sites) == (20, ["东江考点", "西山考点"])
    assert {(row.exposure.n_candidates, len(row.exposure.sessions)) for row in whole.rows} == {(50, 2)}
    assert all(row.rests for row in whole.rows)
    east = read_ledger(session, assembler, level, LedgerFilter(site="东江考点"))
    assert {row.exposure.n_candidates for row in east.rows} == {30}
    recent = read_ledger(session, assembler, level, LedgerFilter(since=today() - timedelta(days=30)))
    assert {row.exposure.n_candidates for row in recent.rows} == {20}
    code = whole.rows[3].code
    assert [row.code for row in read_ledger(session, assembler, level, LedgerFilter(text=code)).rows] == [code]
    uses = item_uses(session, assembler, whole.rows[0].item_id)
    assert [use.sitting.n_started for use in uses] == [0, 20, 30]


def test_items_at_their_cap_stay_out_of_draws_and_offers(
    sat: list[FormSitting], sealed_form: uuid.UUID, run_finished: Callable[..., AssemblyRun], assembler: Actor,
    make_actor: Callable[..., Actor],
) -> None:  # fmt: skip
    capped_by(make_actor, exposure_candidates=20)
    session = _session()
    met = {slot.item_id for slot in repository.get_form(session, sealed_form, actor=assembler, with_slots=True).slots}
    run = run_finished(n_forms=1, seed=11)
    drawn = {uuid.UUID(item["id"]) for item in (run.result or {})["forms"][0]["items"]}
    assert drawn.isdisjoint(met)
    assert (run.result or {})["n_held_back"] == 20
    sibling = next(
        form for form in repository.list_forms(session, repository.Filters(), actor=assembler, offset=0, limit=9)[0]
        if form.label == "B"
    )  # fmt: skip
    form = repository.get_form(session, sibling.exam_form_id, actor=assembler, with_slots=True)
    offered = swaps.swap_candidates(load_bench(session, assembler, form), 1)
    assert met.isdisjoint(entry.item_id for entry in offered)


def test_a_region_that_reached_its_cap_is_named_where_a_draw_is_refused_and_in_the_ledger(
    sat: list[FormSitting], run_finished: Callable[..., AssemblyRun], sign_in: Callable[..., FlaskClient],
    make_actor: Callable[..., Actor],
) -> None:  # fmt: skip
    sat.append(_sitting(sat[0].form_id, "东江考点", 25, now() - timedelta(days=20)))
    capped_by(make_actor, exposure_region_sessions=2)
    client = sign_in(Role.ASSEMBLER)
    page = client.get("/exposure/").get_data(as_text=True)
    assert "各按单独的地区计算上限：东江考点、西山考点" in page
    assert "在同一地区的使用场次达到上限" not in page
    capped_by(make_actor, exposure_region_sessions=2, exposure_site_regions="东江考点:330100;西山考点:330100")
    page = client.get("/exposure/").get_data(as_text=True)
    assert "各按单独的地区计算上限" not in page
    assert page.count("在同一地区的使用场次达到上限（3301）") == 20
    assert "没有符合条件的试题" in client.get("/exposure/?region=4401").get_data(as_text=True)
    run = run_finished(n_forms=8, max_overlap=0)
    assert (run.status, (run.result or {})["held_back"]) == (RunStatus.INFEASIBLE, [["region", "3301", 20]])
    page = client.get(f"/assembly-runs/{run.assembly_run_id}").get_data(as_text=True)
    assert "在同一地区的使用场次达到上限（3301）：20 题" in page
    assert "提高上限" in page


def test_a_region_at_its_cap_bars_items_from_draws_for_that_region_alone(
    sat: list[FormSitting], run_finished: Callable[..., AssemblyRun], sign_in: Callable[..., FlaskClient],
    make_actor: Callable[..., Actor], assembler: Actor,
) -> None:  # fmt: skip
    session = _session()
    regions = "西山考点:330100;东江考点:330200;南湖考点:330300"
    capped_by(make_actor, exposure_region_candidates=20, exposure_site_sessions=1, exposure_site_regions=regions)
    whole = run_finished(n_forms=1)
    level, key = whole.standard_level_id, whole.exam_blueprint_id
    assert (whole.result or {})["held_back"] == [["region_candidates", "3301", 20], ["site", "西山考点", 20]]
    assert {region: len(ledger.capped_items(session, assembler, level, [region])) for region in ("3301", "3302", "3303")} == {
        "3301": 20, "3302": 0, "3303": 0
    }  # fmt: skip
    client = sign_in(Role.ASSEMBLER)
    page = client.get(f"/blueprints/{key}").get_data(as_text=True)
    assert "3301（西山考点）" in page
    wanted = {"n_forms": "1", "max_overlap": "0", "seed": "3", "time_limit": "60"}
    assert client.post(f"/blueprints/{key}/assemble", data=wanted | {"regions": "4401"}).status_code == 422
    answer = client.post(f"/blueprints/{key}/assemble", data=wanted | {"regions": "3302"})
    run = session.get_one(AssemblyRun, uuid.UUID(answer.headers["Location"].rpartition("/")[2]))
    assert run.job_id is not None
    run_job(run.job_id)
    session.expire_all()
    assert ((run.result or {})["n_held_back"], run.regions) == (0, ["3302"])
    with unit_of_work(assembler) as uow:
        (form,) = runs.accept_run(uow, run.assembly_run_id)
    assert "3302" in client.get(f"/forms/{form.exam_form_id}").get_data(as_text=True)
    met = {
        slot.item_id for slot in repository.get_form(session, sat[0].form_id, actor=assembler, with_slots=True).slots
    }
    held = repository.get_form(session, form.exam_form_id, actor=assembler, with_slots=True)
    assert met & {uuid.UUID(item.id) for item in load_bench(session, assembler, held).pool.items}
    assert not load_bench(session, assembler, held).barred & set(map(str, met))
    capped_by(make_actor, exposure_region_candidates=20, exposure_site_regions="南湖考点:330300;北山考点:330400")
    assert len(ledger.capped_items(session, assembler, level)) == 20, "a site that nobody placed is a place of its own"
    capped_by(make_actor, exposure_region_candidates=20, exposure_site_regions="西山考点:330100;东江考点:330200")
    assert len(ledger.capped_items(session, assembler, level)) == 20


def test_a_region_written_wrongly_is_refused_with_the_piece(make_actor: Callable[..., Actor]) -> None:
    with pytest.raises(InvalidInputError, match="东江考点"):
        capped_by(make_actor, exposure_site_regions="东江考点")


def _session() -> Session:
    from kernel.db import db

    return db.session()


def test_nothing_is_looked_up_while_nothing_is_capped(
    drafts: list[ExamForm], assembler: Actor, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circle, "sittings_of", lambda *_args: pytest.fail("sittings were read"))
    assert ledger.capped_items(session, assembler, drafts[0].standard_level_id) == frozenset()


def test_the_ledger_is_browsed_filtered_and_downloaded(
    sat: list[FormSitting], drafts: list[ExamForm], sign_in: Callable[..., FlaskClient]
) -> None:
    client = sign_in(Role.ASSEMBLER)
    page = client.get("/exposure/").get_data(as_text=True)
    assert "西山考点" in page
    assert "冷却中" in page
    item_id = drafts[0].slots[0].item_id
    assert "东江考点场次" in client.get(f"/exposure/{item_id}").get_data(as_text=True)
    assert "没有符合条件的试题" in client.get("/exposure/?q=没有").get_data(as_text=True)
    rows = read_table(client.get("/exposure/ledger.xlsx?site=东江考点").data)[0].rows
    assert len(rows) == 21
    assert client.get(f"/exposure/{uuid.uuid4()}").status_code == 404
    assert sign_in(Role.MARKER).get("/exposure/").status_code == 403


def test_a_stranger_sees_no_exposure(
    sat: list[FormSitting], drafts: list[ExamForm], make_actor: Callable[..., Actor], session: Session,
    other_organisation: Organisation,
) -> None:  # fmt: skip
    stranger = make_actor(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    assert read_ledger(session, stranger, drafts[0].standard_level_id, LedgerFilter()).rows == []
    with pytest.raises(NotFoundError):
        item_uses(session, stranger, drafts[0].slots[0].item_id)
