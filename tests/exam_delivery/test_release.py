"""Release: previewed, confirmed, fixed by a digest, announced exactly once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from certification.models import ResultRecord
from exam_delivery import public
from exam_delivery.models import (
    BatchStatus,
    Candidate,
    CandidatePhoto,
    ExamBatch,
    ExamSession,
    ScoreRelease,
    SessionStatus,
)
from exam_delivery.services import analyses, personal, registrations, release
from kernel.crypto import SealBrokenError
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job, JobStatus
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work
from tests.exam_delivery.world import id_number


def previewed(world):
    return release.preview_release(db.session(), world.officer, world.batch.exam_batch_id)


def released(world):
    with unit_of_work(world.officer) as uow:
        made = release.release_scores(uow, world.batch.exam_batch_id, confirmed_digest=previewed(world).digest)
    db.session.expire_all()
    return made


def test_the_preview_counts_everybody_once(machine_world):
    attempt = machine_world.attempts()[2]
    with unit_of_work(machine_world.officer) as uow:
        registrations.void_registration(uow, attempt.registration_id, reason="违纪")
    shown = previewed(machine_world)
    assert (shown.n_registered, shown.n_scored, shown.n_absent, shown.n_void) == (4, 2, 1, 1)
    assert shown.n_registered == shown.n_scored + shown.n_absent + shown.n_void
    assert shown.blockers == ()
    assert shown.distribution.n == 2


def test_the_spread_of_the_scores_stays_on_the_page_after_the_release(machine_world):
    before = previewed(machine_world).distribution
    released(machine_world)
    assert previewed(machine_world).distribution == before
    assert before.n == 3


def test_a_release_is_announced_in_its_own_transaction_exactly_once(machine_world):
    made = released(machine_world)
    job = db.session.query(Job).filter_by(name="results.released").one()
    assert job.payload == {"release_id": str(made.score_release_id)}
    assert job.unique_key == f"results.released:{made.score_release_id}"
    assert db.session.get(ExamSession, machine_world.key).status is SessionStatus.RELEASED
    assert db.session.get(ExamBatch, machine_world.batch.exam_batch_id).status is BatchStatus.CLOSED
    with pytest.raises(ConflictError, match="已经发布"):
        released(machine_world)
    assert db.session.query(ScoreRelease).count() == 1
    assert db.session.query(Job).filter_by(name="results.released").count() == 1


def release_and_fail(world, digest):
    with unit_of_work(world.officer) as uow:
        release.release_scores(uow, world.batch.exam_batch_id, confirmed_digest=digest)
        raise ZeroDivisionError


def test_what_failed_announces_nothing(machine_world):
    digest = previewed(machine_world).digest
    with pytest.raises(ZeroDivisionError):
        release_and_fail(machine_world, digest)
    assert db.session.query(Job).filter_by(name="results.released").count() == 0
    assert db.session.query(ScoreRelease).count() == 0


def test_a_change_after_the_preview_stops_the_release(machine_world):
    digest = previewed(machine_world).digest
    with unit_of_work(machine_world.officer) as uow:
        attempt = machine_world.attempts()[0]
        registrations.void_registration(uow, attempt.registration_id, reason="违纪")
    with pytest.raises(ConflictError, match="预览之后有变化"), unit_of_work(machine_world.officer) as uow:
        release.release_scores(uow, machine_world.batch.exam_batch_id, confirmed_digest=digest)


def test_the_package_holds_outcomes_scores_and_plain_numbers(machine_world):
    made = released(machine_world)
    package = public.get_result_package(db.session(), made.score_release_id)
    assert package.session_names == ("第一场",)
    assert (package.occupation_name, package.level_code) == ("人工智能训练师", "3")
    assert package.package_digest == made.package_digest
    found = {one.name: (one.outcome, one.theory_score, one.id_number) for one in package.results}
    assert found == {
        "演示考生1": ("scored", Decimal(10), id_number(1)),
        "演示考生2": ("scored", Decimal(1), id_number(2)),
        "演示考生3": ("scored", Decimal(0), id_number(3)),
        "演示考生4": ("absent", None, id_number(4)),
    }


def test_a_release_that_was_touched_is_not_handed_on(machine_world):
    made = released(machine_world)
    row = db.session.get(ScoreRelease, made.score_release_id)
    row.results = [[one[0], "scored", "100", one[3]] for one in row.results]
    with pytest.raises(SealBrokenError), db.session.no_autoflush:
        public.get_result_package(db.session(), made.score_release_id)
    db.session.expire(row)


def test_sessions_that_are_not_scored_and_people_without_one_are_named(world):
    from exam_delivery.services import rosters
    from tests.exam_delivery.world import people

    with unit_of_work(world.officer) as uow:
        rosters.register_rows(uow, world.batch.exam_batch_id, people(2), exam_session_id=None)
    texts = [one.text for one in previewed(world).blockers]
    assert any("第一场" in text and "编排中" in text for text in texts)
    assert any("2 名考生没有安排场次" in text for text in texts)
    with pytest.raises(ConflictError):
        released(world)


def test_only_those_who_may_release_do(machine_world, make_actor, other_organisation):
    batch = machine_world.batch.exam_batch_id
    with pytest.raises(ForbiddenError), unit_of_work(make_actor(Role.MARKER)) as uow:
        release.release_scores(uow, batch, confirmed_digest="")
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        release.release_scores(uow, batch, confirmed_digest="")


def test_nothing_changes_a_candidate_after_the_release(machine_world):
    released(machine_world)
    attempt = machine_world.attempts()[0]
    with pytest.raises(ConflictError, match="已经发布"), unit_of_work(machine_world.officer) as uow:
        registrations.void_registration(uow, attempt.registration_id, reason="晚了")


def test_an_officer_releases_in_the_browser(machine_world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    address = f"/scores/{machine_world.batch.exam_batch_id}/release"
    page = client.get(address).text
    assert "发布后不能撤回" in page
    assert "待发布成绩" in client.get("/").text
    assert client.post(address, data={"digest": "wrong"}, follow_redirects=True).text.count("预览之后有变化") == 1
    assert client.post(address, data={"digest": previewed(machine_world).digest}).status_code == 303
    assert "并移交认定" in client.get(address).text
    assert sign_in(Role.MARKER).get(address).status_code == 403


def test_the_release_page_tells_what_the_analysis_says_against_the_scores_and_stops_nobody(machine_world, sign_in):
    client = sign_in(Role.EXAM_OFFICER)
    address = f"/scores/{machine_world.batch.exam_batch_id}/release"
    page = client.get(address).text
    assert f"还没有题目分析的场次：{db.session.get(ExamSession, machine_world.key).name}" in page
    assert "须先核对" not in page
    form_id = machine_world.attempts()[0].form_id
    report = {
        "n_candidates": 4,
        "title": "演示卷甲",
        "items": [{"flags": ["all_wrong"]}, {"flags": []}, {"flags": ["all_wrong"]}],
    }
    with unit_of_work(machine_world.officer) as uow:
        analyses.store(uow, machine_world.key, {form_id: report})
    page = client.get(address).text
    assert "还没有题目分析" not in page
    assert page.count("2 道题须先核对答案或题干") == 2, "on the page and once more before it is confirmed"
    assert "演示卷甲" in page
    assert f'href="/analyses/sessions/{machine_world.key}/forms/{form_id}"' in page
    assert client.post(address, data={"digest": previewed(machine_world).digest}).status_code == 303
    assert "须先核对" not in client.get(address).text


def test_the_message_brings_results_and_photos_to_certification_once(machine_world):
    photographed = db.session.scalars(select(Candidate)).first()
    photo = CandidatePhoto(
        candidate_id=photographed.candidate_id, organisation_id=photographed.organisation_id,
        ciphertext=personal.seal_bytes(b"a photo", place=f"candidate_photos|ciphertext|{photographed.candidate_id}"),
    )  # fmt: skip
    with unit_of_work(machine_world.officer) as uow:
        uow.add(photo)
    released(machine_world)
    job = db.session.query(Job).filter_by(name="results.released").one()
    assert [run_job(job.job_id) for _again in range(2)] == [JobStatus.DONE, JobStatus.DONE]
    records = {record.candidate_id: record for record in db.session.scalars(select(ResultRecord))}
    assert len(records) == 4
    assert [key for key, record in records.items() if record.has_photo] == [photographed.candidate_id]
