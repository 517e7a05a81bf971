"""A wrong key found after the exam: tried on everybody, approved by a second person, applied as a whole, undone for nobody."""

from __future__ import annotations

import io
import uuid
from decimal import Decimal

import openpyxl
import pytest

from exam_delivery.models import Attempt, KeyChange, ScoreRelease
from exam_delivery.repository import scores as scores_repository
from exam_delivery.rules.amendments import Amendment, ChangeState, KeyPolicy, Place
from exam_delivery.rules.scoring import parse_scoring, score_attempt
from exam_delivery.services import consequences, key_changes, key_effects, release, scoring_keys
from exam_delivery.services.consequences import Consequences, HeldCertificate
from exam_delivery.services.key_changes import Proposal
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.uow import unit_of_work

REASON = "教材第 3 章明确写的是 A，原答案抄错"


def choice(slot: int, key: str = "B", score: str = "1") -> dict:
    content = {
        "type": "single_choice", "stem": f"第 {slot} 题（　）。", "key": key, "score": score,
        "choices": [{"id": c, "content": f"选项{c}"} for c in "ABCD"],
    }  # fmt: skip
    return {"slot": slot, "item_id": "x", "item_version_id": str(uuid.uuid4()), "score": score, "content": content}


def form_key(n: int = 4):
    return parse_scoring({"key_version": 1, "slots": [choice(slot) for slot in range(1, n + 1)]})


def total(key, *amendments, answers, place=None):
    responses = {slot: f'["{letter}"]' for slot, letter in enumerate(answers, 1) if letter}
    return score_attempt(key.amended(*amendments), responses, {}, place or Place()).score


@pytest.mark.parametrize(
    ("policy", "new", "answers", "score"),
    [
        (KeyPolicy.NEW_KEY, "A", "ABBB", "4"),
        (KeyPolicy.NEW_KEY, "A", "BBBB", "3"),
        (KeyPolicy.EITHER_KEY, "A", "ABBB", "4"),
        (KeyPolicy.EITHER_KEY, "A", "BBBB", "4"),
        (KeyPolicy.EITHER_KEY, "A", "CBBB", "3"),
        (KeyPolicy.FULL_MARKS, None, ["", "B", "B", "A"], "3"),
        (KeyPolicy.DROP, None, "CBBC", "2.667"),
        (KeyPolicy.DROP, None, "BBBB", "4"),
        (KeyPolicy.DROP, None, "BCCC", "0"),
    ],
)
def test_each_policy_gives_the_marks_that_its_name_promises(policy, new, answers, score):
    assert total(form_key(), Amendment(1, policy, new), answers=answers) == Decimal(score)


def test_a_harmless_change_raises_but_never_lowers():
    new, drop = Amendment(1, KeyPolicy.NEW_KEY, "A", is_harmless=True), Amendment(1, KeyPolicy.DROP, is_harmless=True)
    assert [total(form_key(), new, answers=one) for one in ("ABBB", "BBBB")] == [4, 4]
    assert total(form_key(), drop, answers="BCCC") == 1
    assert total(form_key(), drop, answers="CBBC") == Decimal("2.667")


def test_a_later_case_about_the_same_slot_replaces_the_earlier():
    first, second = Amendment(1, KeyPolicy.FULL_MARKS), Amendment(1, KeyPolicy.NEW_KEY, "C")
    assert [total(form_key(), first, second, answers=one) for one in ("ABBB", "CBBB")] == [3, 4]
    assert form_key().amended(first, second).key_version == 3


def test_two_dropped_slots_leave_all_marks_to_the_others():
    drops = [Amendment(slot, KeyPolicy.DROP) for slot in (1, 2)]
    assert [total(form_key(), *drops, answers=one) for one in ("CCBB", "BBBC", "BBCC")] == [4, 2, 0]


def test_a_restricted_change_reaches_only_its_group():
    here = Amendment(1, KeyPolicy.FULL_MARKS, sessions=frozenset({"s1"}), rooms=frozenset({"r1"}))
    places = [Place("s1", "r1"), Place("s1", "r2"), Place("s2", "r1")]
    assert [total(form_key(), here, answers="ABBB", place=place) for place in places] == [4, 3, 3]


def test_statistics_leave_out_what_says_nothing_any_more_and_name_no_version_under_a_foreign_key():
    changed = form_key().amended(
        Amendment(1, KeyPolicy.FULL_MARKS), Amendment(2, KeyPolicy.NEW_KEY, "D"), Amendment(3, KeyPolicy.DROP)
    )
    left = changed.slots_for_statistics()
    assert [(slot.slot, slot.content.key, bool(slot.item_version_id)) for slot in left] == [
        (2, "D", False), (4, "B", True),
    ]  # fmt: skip


# --- the case --------------------------------------------------------------------------------------------------------


def propose(world, slot=2, **changes):
    form_id = world.attempts()[0].form_id
    values = {"source": "statistics", "policy": "new_key", "reason": REASON, "key_text": "A"} | changes
    with unit_of_work(world.officer) as uow:
        return key_changes.propose(uow, Proposal(form_id, slot, **values)).key_change_id


@pytest.fixture
def one_form(machine_world):
    """All candidates sat the same form: who is touched is then plain."""
    form_id = machine_world.attempts()[0].form_id
    with unit_of_work(machine_world.officer) as uow:
        uow.session.query(Attempt).update({"form_id": form_id})
    db.session.expire_all()
    return machine_world


@pytest.fixture
def second_officer(make_actor):
    return make_actor(Role.EXAM_OFFICER, name="复核")


def approve(world, actor, key):
    change = db.session.get(KeyChange, key)
    digest = key_effects.find_effects(db.session(), actor, change).digest
    with unit_of_work(actor) as uow:
        key_changes.approve(uow, key, confirmed_digest=digest, reason="已核对教材")
    job = db.session.query(Job).filter_by(name=key_changes.APPLY_JOB).order_by(Job.created_at.desc()).first()
    assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()
    return db.session.get(KeyChange, key)


def scores(world):
    ids = [attempt.attempt_id for attempt in world.attempts()[:3]]
    newest = scores_repository.newest_records(db.session(), ids)
    return [(newest[key].number, newest[key].score, newest[key].key_version) for key in ids]


def test_the_dry_run_names_everybody_whose_score_changes_and_changes_nothing(one_form):
    key = propose(one_form)
    effects = key_effects.find_effects(db.session(), one_form.officer, db.session.get(KeyChange, key))
    assert [(row.sitting.candidate.name, row.before, row.after) for row in effects.changed] == [
        ("演示考生1", Decimal(10), Decimal(9)), ("演示考生2", Decimal(1), Decimal(2)),
    ]  # fmt: skip
    assert effects.counts["sat"] == 3
    assert scores(one_form) == [(1, Decimal(10), 1), (1, Decimal(1), 1), (1, Decimal(0), 1)]


def test_an_approved_case_adds_a_version_to_those_it_touches_and_keeps_the_old_ones(one_form, second_officer):
    change = approve(one_form, second_officer, propose(one_form))
    assert (change.state, change.number, change.effects["lowered"]) == (ChangeState.APPLIED, 1, 1)
    assert scores(one_form) == [(2, Decimal(9), 2), (2, Decimal(2), 2), (1, Decimal(0), 1)]
    first = one_form.attempts()[0]
    assert [one.score for one in scores_repository.records_of_attempt(db.session(), first.attempt_id)] == [9, 10]


def test_scoring_again_by_hand_keeps_to_the_changed_key(one_form, second_officer):
    approve(one_form, second_officer, propose(one_form))
    from exam_delivery.services import scoring

    with unit_of_work(one_form.officer) as uow:
        job = scoring.request_scoring(uow, one_form.key)
    assert run_job(job.job_id) == "done"
    db.session.expire_all()
    assert [score for _number, score, _version in scores(one_form)] == [9, 2, 0]


def test_nobody_approves_a_proposal_of_their_own(one_form):
    key = propose(one_form)
    with pytest.raises(ForbiddenError), unit_of_work(one_form.officer) as uow:
        key_changes.approve(uow, key, confirmed_digest="")


def test_what_was_not_shown_is_not_approved(one_form, second_officer):
    key = propose(one_form)
    with pytest.raises(ConflictError, match="试算"), unit_of_work(second_officer) as uow:
        key_changes.approve(uow, key, confirmed_digest="0" * 64)
    assert db.session.get(KeyChange, key).state is ChangeState.PROPOSED


def test_a_decided_case_is_not_decided_twice(one_form, second_officer):
    key = propose(one_form)
    approve(one_form, second_officer, key)
    with pytest.raises(ConflictError), unit_of_work(second_officer) as uow:
        key_changes.reject(uow, key, reason=REASON)
    with pytest.raises(ConflictError), unit_of_work(second_officer) as uow:
        key_changes.apply_change(uow, key)


def test_a_rejected_or_withdrawn_case_leaves_the_key_and_the_slot_free(one_form, second_officer):
    first = propose(one_form)
    with pytest.raises(ConflictError, match="未办结"):
        propose(one_form)
    with unit_of_work(second_officer) as uow:
        key_changes.reject(uow, first, reason="教材两种说法都有依据")
    second = propose(one_form)
    with pytest.raises(ForbiddenError), unit_of_work(second_officer) as uow:
        key_changes.withdraw(uow, second)
    with unit_of_work(one_form.officer) as uow:
        key_changes.withdraw(uow, second)
    form_id = one_form.attempts()[0].form_id
    assert scoring_keys.load_key(db.session(), one_form.officer.organisation, form_id).key_version == 1
    assert [row.code[-5:] for row in db.session.query(KeyChange).order_by(KeyChange.code)] == ["00001", "00002"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key_text": "E"}, "key_text"), ({"key_text": "B"}, "key_text"), ({"key_text": ""}, "key_text"),
        ({"policy": "guess"}, "policy"), ({"source": ""}, "source"), ({"reason": "错了"}, "reason"),
    ],
)  # fmt: skip
def test_a_proposal_says_what_is_to_be_mended(machine_world, changes, field):
    with pytest.raises(InvalidInputError) as caught:
        propose(machine_world, **changes)
    assert list(caught.value.fields) == [field]
    assert db.session.query(KeyChange).count() == 0


def test_the_new_key_is_kept_encrypted_and_bound_to_its_case(machine_world):
    first = db.session.get(KeyChange, propose(machine_world))
    second = db.session.get(KeyChange, propose(machine_world, slot=3))
    assert scoring_keys.open_new_key(first) == "A"
    assert b'"A"' not in first.key_ciphertext
    first.key_ciphertext = second.key_ciphertext
    with pytest.raises(Exception, match="密文"):
        scoring_keys.open_new_key(first)
    db.session.rollback()


def test_an_open_case_holds_up_the_release_and_a_released_batch_gets_a_correction(one_form, second_officer):
    batch = one_form.batch.exam_batch_id
    key = propose(one_form)
    preview = release.preview_release(db.session(), one_form.officer, batch)
    assert [one.step for one in preview.blockers] == ["key_changes"]
    with unit_of_work(one_form.officer) as uow:
        key_changes.withdraw(uow, key)
    digest = release.preview_release(db.session(), one_form.officer, batch).digest
    with unit_of_work(one_form.officer) as uow:
        release.release_scores(uow, batch, confirmed_digest=digest)
    approve(one_form, second_officer, propose(one_form))
    former, newest = db.session.query(ScoreRelease).order_by(ScoreRelease.number).all()
    assert (former.number, newest.number) == (1, 2)
    assert [row[2] for row in former.results] == ["10", "1", "0", None]
    assert [row[2] for row in newest.results] == ["9", "2", "0", None]
    assert db.session.query(Job).filter_by(name=release.RELEASED).count() == 2


def test_a_case_that_changes_nobody_releases_nothing_again(one_form, second_officer):
    batch = one_form.batch.exam_batch_id
    digest = release.preview_release(db.session(), one_form.officer, batch).digest
    with unit_of_work(one_form.officer) as uow:
        release.release_scores(uow, batch, confirmed_digest=digest)
    approve(one_form, second_officer, propose(one_form, slot=3, policy="either_key", key_text="D"))
    assert db.session.query(ScoreRelease).count() == 1


def test_the_dry_run_shows_whose_decision_turns_and_who_holds_a_certificate(one_form, monkeypatch):
    first = one_form.attempts()[0].attempt_id
    known = Consequences(
        passes=lambda *_args: lambda score: score >= 10,
        certificates=lambda *_args: {first: HeldCertificate("S000", "有效")},
        outcomes=lambda _session, _actor, scores: {key: ("合格", "不合格") for key in scores if key == first},
    )
    monkeypatch.setattr(consequences, "_KNOWN", [known])
    change = db.session.get(KeyChange, propose(one_form))
    effects = key_effects.find_effects(db.session(), one_form.officer, change)
    assert [(row.turns, row.certificate and row.certificate.number) for row in effects.changed] == [
        ("lost", "S000"), ("", None),
    ]  # fmt: skip
    assert (effects.counts["lost"], effects.counts["decisions"], effects.counts["certificates"]) == (1, 1, 1)
    with unit_of_work(one_form.officer) as uow:
        book = openpyxl.load_workbook(io.BytesIO(key_effects.export_effects(uow, change)))
    assert [row[6].value for row in book.active.iter_rows(min_row=2)] == ["合格→不合格", None]


def test_another_organisation_reaches_no_case(machine_world, make_actor, other_organisation):
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    key = propose(machine_world)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        key_changes.approve(uow, key, confirmed_digest="")
    with pytest.raises(NotFoundError):
        key_changes.open_key(db.session(), stranger, machine_world.attempts()[0].form_id)


def test_a_case_goes_its_way_in_the_browser(one_form, sign_in):
    form_id = one_form.attempts()[0].form_id
    client = sign_in(Role.EXAM_OFFICER)
    assert "还没有答案变更案" in client.get("/key-changes/").text
    assert "理论知识试卷" in client.get("/key-changes/new").text
    assert "第 2 题的题干" in client.get(f"/key-changes/new/{form_id}").text
    address = f"/key-changes/new/{form_id}/2"
    assert "选项A2" in client.get(address).text
    sent = {"policy": "new_key", "key_text": "Z", "source": "appeal", "reason": REASON}
    refused = client.post(address, data=sent)
    assert refused.status_code == 422
    assert "看不出新答案" in refused.text
    answer = client.post(address, data=sent | {"key_text": "A"})
    page = client.get(answer.location).text
    assert "提出人不能批准自己的变更" in page
    assert "演示考生2" in page
    book = openpyxl.load_workbook(io.BytesIO(client.post(f"{answer.location}/export").data))
    assert [row[1].value for row in book.active.iter_rows(min_row=2)] == ["演示考生1", "演示考生2"]
    other = sign_in(Role.EXAM_OFFICER)
    assert "批准这个答案变更案" in other.get(answer.location).text
    assert "没有符合条件" in other.get("/key-changes/?state=applied").text
    assert sign_in(Role.MARKER).get("/key-changes/").status_code == 403
