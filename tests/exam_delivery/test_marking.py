"""The marking desk: no names, no overwriting, a whole score after the last mark."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from exam_delivery.models import ExamSession, Mark, ScoreStatus, SessionStatus
from exam_delivery.repository import scores as scores_repository
from exam_delivery.services import forms as forms_service
from exam_delivery.services import marking, scoring
from exam_delivery.services.marking import parse_mark
from kernel.clock import now
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import system_actor
from kernel.identity.models import Organisation, OrganisationKind, User, UserRole
from kernel.identity.permissions import Role
from kernel.identity.services import actor_of_user
from kernel.jobs.runner import run_job
from kernel.settings import Settings
from kernel.uow import unit_of_work
from tests.conftest import SECRET
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints
from web.app import create_app

TEXT = 11


@pytest.fixture
def marker(make_actor):
    return make_actor(Role.MARKER, name="阅卷甲")


@pytest.fixture
def sat(world):
    """Two people who wrote a text and one who left it empty."""
    world.register(3)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    first, second, third = world.attempts()
    world.sit(ALL_RIGHT | {TEXT: '["先采集，再标注。"]'}, first)
    world.sit({TEXT: '["不知道"]'}, second)
    world.sit(ALL_RIGHT, third)
    world.close_and_score()
    return world


def newest(attempt):
    return scores_repository.newest_records(db.session(), [attempt.attempt_id])[attempt.attempt_id]


def give(actor, attempt, score, n_seen=0):
    with unit_of_work(actor) as uow:
        marking.give_mark(uow, attempt.attempt_id, TEXT, score, n_seen=n_seen)
    db.session.expire_all()


def test_answers_wait_for_a_marker_and_empty_ones_do_not(sat, marker):
    queue = marking.list_queues(db.session(), marker)[0]
    assert (queue.n_waiting, queue.n_marked) == (2, 0)
    assert [newest(attempt).status for attempt in sat.attempts()] == ["needs_marking", "needs_marking", "complete"]
    assert db.session.get(ExamSession, sat.key).status is SessionStatus.CLOSED


def test_the_last_mark_makes_the_score_whole_and_the_session_scored(sat, marker):
    first, second, _third = sat.attempts()
    give(marker, first, "7.5")
    record = newest(first)
    assert (record.status, record.score, record.number) == (ScoreStatus.COMPLETE, Decimal("17.5"), 2)
    slot = scores_repository.slot_scores(db.session(), record.score_record_id)[-1]
    assert (slot.source, slot.outcome) == ("human", "partial")
    assert db.session.get(ExamSession, sat.key).status is SessionStatus.CLOSED
    give(marker, second, "0")
    assert db.session.get(ExamSession, sat.key).status is SessionStatus.SCORED
    assert marking.next_script(db.session(), marker, sat.key) is None


def test_nobody_overwrites_the_mark_of_another(sat, marker, make_actor):
    attempt = sat.attempts()[0]
    give(marker, attempt, "5")
    with pytest.raises(ConflictError, match="已由他人评分"):
        give(make_actor(Role.MARKER), attempt, "9")
    assert db.session.query(Mark).count() == 1


def test_a_marker_may_mend_an_own_mark_and_both_stay(sat, marker):
    attempt = sat.attempts()[0]
    give(marker, attempt, "5")
    give(marker, attempt, "6", n_seen=1)
    assert sorted((mark.number, mark.score) for mark in db.session.query(Mark)) == [(1, 5), (2, 6)]
    assert newest(attempt).score == Decimal(16)
    with pytest.raises(ConflictError, match="已有变化"):
        give(marker, attempt, "7", n_seen=1)


def test_an_answer_put_off_comes_again_after_the_others(sat, marker):
    first = marking.next_script(db.session(), marker, sat.key)
    second = marking.next_script(db.session(), marker, sat.key, after=first)
    assert first != second
    assert marking.next_script(db.session(), marker, sat.key, after=second) == first


def test_marks_survive_a_new_scoring(sat, marker):
    attempt = sat.attempts()[0]
    give(marker, attempt, "5")
    with unit_of_work(sat.officer) as uow:
        job = scoring.request_scoring(uow, sat.key)
    assert run_job(job.job_id) == "done"
    db.session.expire_all()
    assert (newest(attempt).number, newest(attempt).score) == (3, Decimal(15))


@pytest.mark.parametrize("text", ["", "x", "-1", "10.5", "0.3", "NaN", "Infinity"])
def test_a_mark_outside_the_scale_is_refused(text):
    with pytest.raises(InvalidInputError):
        parse_mark(text, Decimal(10))


def test_what_the_machine_scored_is_not_for_markers(sat, marker):
    attempt = sat.attempts()[0]
    with pytest.raises(NotFoundError), unit_of_work(marker) as uow:
        marking.give_mark(uow, attempt.attempt_id, 1, "1", n_seen=0)


def test_only_markers_of_the_organisation_mark(sat, make_actor, other_organisation):
    attempt = sat.attempts()[0]
    with pytest.raises(ForbiddenError):
        give(make_actor(Role.EXAM_OFFICER), attempt, "5")
    stranger = make_actor(Role.MARKER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        give(stranger, attempt, "5")
    assert marking.list_queues(db.session(), stranger) == []


def test_an_unreadable_answer_is_unblocked_by_a_mark(world, marker):
    world.forms.contents = world.forms.contents[:-1]
    world.register(1)
    world.arrange()
    world.prepare()
    world.open()
    db.session.expire_all()
    attempt = world.attempts()[0]
    world.sit(ALL_RIGHT | {3: '{"x": 1}'}, attempt)
    world.close_and_score()
    assert newest(attempt).status is ScoreStatus.BLOCKED
    assert marking.next_script(db.session(), marker, world.key) == (attempt.attempt_id, 3)
    with unit_of_work(marker) as uow:
        marking.give_mark(uow, attempt.attempt_id, 3, "1", n_seen=0)
    db.session.expire_all()
    assert (newest(attempt).status, newest(attempt).score) == (ScoreStatus.COMPLETE, Decimal(10))
    assert db.session.get(ExamSession, world.key).status is SessionStatus.SCORED


def test_the_desk_shows_answer_and_rubric_but_no_person(sat, sign_in):
    client = sign_in(Role.MARKER)
    assert "开始阅卷" in client.get("/marking/").text
    first = client.get(f"/marking/{sat.key}")
    assert first.status_code == 303
    page = client.get(first.headers["Location"]).text
    assert "评分要点甲" in page
    assert "演示考生" not in page
    assert all(row not in page for row in numbers(sat))
    assert client.post(first.headers["Location"], data={"score": "99", "n_seen": "0"}).status_code == 422
    done = client.post(first.headers["Location"], data={"quick": "4", "n_seen": "0"})
    assert done.status_code == 303
    again = client.post(first.headers["Location"], data={"score": "5", "n_seen": "0"}, follow_redirects=True)
    assert "评分已有变化" in again.text
    assert db.session.query(Mark).one().score == 4


def numbers(world):
    from exam_delivery.models import Registration

    return [row.admission_number for row in db.session.query(Registration)]


def test_two_markers_at_once_leave_one_mark(scratch_database_url, tmp_path, monkeypatch):
    """Real transactions in four threads on a database of its own."""
    app = create_app(Settings(instance_dir=tmp_path, database_url=scratch_database_url, secret_key=SECRET))
    with app.app_context():
        markers = _staff(4)
        sealed = SealedForms(markers[0].organisation)
        monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(sealed))
        world = World(system_actor(markers[0].organisation, name="officer"), sealed)
        world.register(1)
        world.arrange()
        world.prepare()
        world.open()
        db.session.expire_all()
        attempt_id = world.attempts()[0].attempt_id
        world.sit({TEXT: '["话"]'}, world.attempts()[0])
        world.close_and_score()
        assert sorted(_mark_at_once(app, markers, attempt_id)) == ["conflict", "conflict", "conflict", "marked"]
        db.session.remove()
        assert db.session.query(Mark).count() == 1
        db.session.remove()
        db.engine.dispose()


def _staff(n):
    with unit_of_work(system_actor()) as uow:
        body = Organisation(code="M", name="演示", kind=OrganisationKind.SOCIAL, is_active=True, created_at=now())
        uow.add(body)
        uow.flush()  # the people name it
        people = [
            User(
                username=f"m{k}", name=f"m{k}", password_hash="-", must_change_password=False, is_active=True,
                organisation_id=body.organisation_id, locale="zh_Hans_CN", created_at=now(),
                roles=[UserRole(role=Role.MARKER)],
            )
            for k in range(n)
        ]  # fmt: skip
        for person in people:
            uow.add(person)
    return [actor_of_user(person) for person in people]


def _mark_at_once(app, markers, attempt_id):
    barrier, outcomes = threading.Barrier(len(markers)), []

    def work(actor, score):
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work(actor) as uow:
                    marking.give_mark(uow, attempt_id, TEXT, score, n_seen=0)
                outcomes.append("marked")
            except ConflictError:
                outcomes.append("conflict")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=work, args=(actor, str(n))) for n, actor in enumerate(markers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
