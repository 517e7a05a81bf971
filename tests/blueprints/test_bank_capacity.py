"""How long a bank lasts: a year of sessions drawn one after another, and how many independent forms it carries."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from blueprints.assembly.engine import assemble
from blueprints.rules.simulation import Plan, most_forms, simulate_year
from blueprints.rules.specs import blueprint_of
from blueprints.services import simulation
from blueprints.services.bank import load_pool
from blueprints.services.blueprints import create_blueprint
from kernel.errors import InvalidInputError, NotFoundError
from kernel.identity.actor import Actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.registry import JobCancelledError
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.blueprints.bank_cases import Bank, small_spec

START = date(2026, 1, 1)


def quiet(_done: int, _every: int) -> None:
    """Tell nobody."""


def test_items_that_rest_all_year_end_it_with_the_rules_that_collide(
    bank: Bank, assembler: Actor, session: Session
) -> None:
    pool = load_pool(session, assembler, bank.standard_level_id).items
    rules = blueprint_of(small_spec())
    year = simulate_year(pool, rules, Plan(6, 2, 0, rest_days=400), START, quiet)
    assert len(year.sessions) < 6
    assert year.refusal is not None
    assert year.refusal.status == "infeasible"
    assert year.refusal.conflict is not None
    assert year.refusal.conflict.constraints
    rooms = [check.available / check.needed for check in year.tightest]
    assert rooms == sorted(rooms)
    assert sum(one.n_drawn for one in year.sessions) == year.n_used == 40 * len(year.sessions)
    assert all(one.n_fresh == one.n_drawn for one in year.sessions)


def test_items_that_never_rest_carry_every_session(bank: Bank, assembler: Actor, session: Session) -> None:
    pool = load_pool(session, assembler, bank.standard_level_id).items
    year = simulate_year(pool, blueprint_of(small_spec()), Plan(6, 1, 0, rest_days=0), START, quiet)
    assert (len(year.sessions), year.refusal) == (6, None)
    assert [one.day for one in year.sessions] == sorted(one.day for one in year.sessions)
    again = simulate_year(pool, blueprint_of(small_spec()), Plan(6, 1, 0, rest_days=0), START, quiet)
    assert again.sessions == year.sessions


def test_the_number_of_independent_forms_is_the_largest_that_can_be_drawn(
    bank: Bank, assembler: Actor, session: Session
) -> None:
    pool, rules = load_pool(session, assembler, bank.standard_level_id).items, blueprint_of(small_spec())
    n_forms, is_proved = most_forms(pool, rules, 20, START, quiet)
    assert is_proved
    assert assemble(pool, rules, n_forms=n_forms).forms
    assert assemble(pool, rules, n_forms=n_forms + 1).status == "infeasible"


def test_a_simulation_stops_when_somebody_calls_it_off(bank: Bank, assembler: Actor, session: Session) -> None:
    pool = load_pool(session, assembler, bank.standard_level_id).items

    def called_off(done: int, _every: int) -> None:
        if done == 1:
            raise JobCancelledError

    with pytest.raises(JobCancelledError):
        simulate_year(pool, blueprint_of(small_spec()), Plan(6, 1, 0, rest_days=0), START, called_off)


def test_a_year_is_simulated_in_the_browser(
    bank: Bank, assembler: Actor, sign_in: Callable[..., FlaskClient], session: Session
) -> None:
    with unit_of_work(assembler) as uow:
        row = create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    client = sign_in(Role.ASSEMBLER)
    assert "一年的场次" in client.get("/bank-capacity/").get_data(as_text=True)
    data = {
        "blueprint": str(row.exam_blueprint_id),
        "n_sessions": "4",
        "n_forms": "2",
        "max_overlap": "0",
        "rest_days": "x",
    }
    refused = client.post("/bank-capacity/", data=data)
    assert refused.status_code == 422
    assert "请填写整数" in refused.get_data(as_text=True)
    address = client.post("/bank-capacity/", data=data | {"rest_days": "365"}).location
    assert "正在模拟" in client.get(address).get_data(as_text=True)
    job = session.scalars(select(Job).where(Job.name == simulation.JOB)).one()
    run_job(job.job_id)
    session.expire_all()
    assert session.get_one(Job, job.job_id).status is JobStatus.DONE
    page = client.get(address).get_data(as_text=True)
    for words in ("能支撑的场次", "互不重复的试卷", "最先不够的要求", "题库不够用"):
        assert words in page, words


def test_bounds_and_walls_hold(
    bank: Bank, assembler: Actor, make_actor: Callable[..., Actor], other_organisation: Organisation,
    sign_in: Callable[..., FlaskClient],
) -> None:  # fmt: skip
    with unit_of_work(assembler) as uow:
        row = create_blueprint(uow, standard_level_id=bank.standard_level_id, spec=small_spec())
    with pytest.raises(InvalidInputError) as caught, unit_of_work(assembler) as uow:
        simulation.start_simulation(uow, row.exam_blueprint_id, Plan(999, 2, 0, 0))
    assert set(caught.value.fields) == {"n_sessions"}
    stranger = make_actor(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        simulation.start_simulation(uow, row.exam_blueprint_id, Plan(4, 2, 0, 0))
    with unit_of_work(assembler) as uow:
        job = simulation.start_simulation(uow, row.exam_blueprint_id, Plan(4, 2, 0, 0))
    foreign = sign_in(Role.ASSEMBLER, organisation_id=other_organisation.organisation_id)
    assert foreign.get(f"/bank-capacity/{job.job_id}").status_code == 404
    assert foreign.get(f"/bank-capacity/{uuid.uuid4()}").status_code == 404
