"""Forms of a batch on one scale: what is shown, and that raw scores stay official unless the rules and two persons say otherwise."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pytest

from exam_delivery.models import Attempt, Equating, KeyChange, ScoreRecord, ScoreRelease
from exam_delivery.rules import equating as rules
from exam_delivery.rules.equating import Conversion, Design, Group, Method, Way
from exam_delivery.rules.equating_keys import APPLIES, LEAST, Sizes
from exam_delivery.services import equated_scores, equating, equating_tables, key_changes, release, sessions
from exam_delivery.services import equating_decisions as decisions
from exam_delivery.services import forms as forms_service
from exam_delivery.services.equating import Plan
from exam_delivery.services.key_changes import Proposal
from exam_delivery.services.key_effects import find_effects
from kernel import profiles
from kernel.audit.models import AuditEvent
from kernel.clock import now, today
from kernel.db import db
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.permissions import Role
from kernel.jobs.models import Job
from kernel.jobs.runner import run_job
from kernel.spreadsheets import read_table
from kernel.uow import unit_of_work
from tests.exam_delivery.world import ALL_RIGHT, SealedForms, World, fake_blueprints, session_plan

N = 12
COMMON = 6
FEW = {LEAST: 10}


def group(n: int, mean: float, seed: int, *, easier: float = 0.0) -> Group:
    rng = np.random.default_rng(seed)
    ability = rng.normal(mean, 1, n)
    totals = np.clip(np.rint(62 + easier + 12 * ability + rng.normal(0, 4, n)), 0, 100)
    return Group(100, totals, np.clip(np.rint(12 + 3 * ability + rng.normal(0, 1, n)), 0, 20), 20)


def test_small_groups_are_offered_modest_methods_only_and_thirty_are_not_converted_by_a_line():
    sizes = Sizes()
    few, some, many = group(29, 0, 1), group(60, 0, 1), group(500, 0, 1)
    assert rules.offered(Design.COMMON_ITEMS, 29, sizes) == [Method.IDENTITY]
    assert rules.offered(Design.COMMON_ITEMS, 99, sizes) == [Method.IDENTITY, Method.MEAN, Method.CIRCLE_ARC]
    assert Method.TUCKER in rules.offered(Design.COMMON_ITEMS, 100, sizes)
    assert Method.LINEAR not in rules.offered(Design.COMMON_ITEMS, 1000, sizes)
    assert [rules.usual(Design.EQUIVALENT, one, many, sizes) for one in (few, some, many)] == [
        Method.IDENTITY, Method.CIRCLE_ARC, Method.EQUIPERCENTILE,
    ]  # fmt: skip
    near, far = group(200, 0.0, 2), group(200, 1.0, 3)
    assert rules.usual(Design.COMMON_ITEMS, near, group(200, 0.0, 4), sizes) is Method.TUCKER
    assert rules.usual(Design.COMMON_ITEMS, far, near, sizes) is Method.LEVINE


@pytest.mark.parametrize("method", [one for one in Method if one not in {Method.IDENTITY, Method.LINEAR}])
def test_every_method_with_common_items_finds_how_much_harder_a_form_is(method, monkeypatch):
    monkeypatch.setattr(rules, "CURVE_DRAWS", 12)
    new, old = group(600, 0.3, 5, easier=-5), group(600, 0.0, 6)
    curve = rules.fit(Way(Design.COMMON_ITEMS, method), new, old, step=1.0, seed=9)
    assert curve.values[60] == pytest.approx(65, abs=1.6)
    assert 0.1 < curve.errors[60] < 1.2
    assert curve.values.min() >= 0
    assert curve.values.max() <= 100
    again = rules.fit(Way(Design.COMMON_ITEMS, method), new, old, step=1.0, seed=9)
    assert (again.errors == curve.errors).all()


def test_groups_formed_by_chance_need_no_common_items_and_a_score_is_read_off_and_rounded_half_up(monkeypatch):
    monkeypatch.setattr(rules, "CURVE_DRAWS", 4)
    new, old = group(5000, 0.0, 7, easier=-5), group(5000, 0.0, 8)
    for method in (Method.MEAN, Method.CIRCLE_ARC, Method.LINEAR, Method.EQUIPERCENTILE):
        curve = rules.fit(Way(Design.EQUIVALENT, method), new, old, step=1.0, seed=1)
        assert curve.values[60] == pytest.approx(65, abs=1.6)
    table = Conversion(
        False, (Decimal(0), Decimal(1), Decimal(2)), (Decimal(0), Decimal("1.5"), Decimal(2)), Decimal("0.5")
    )
    assert [table.apply(Decimal(raw)) for raw in ("0", "0.5", "1", "1.5", "2", "3")] == [
        Decimal(one) for one in ("0", "1", "1.5", "2", "2", "2")
    ]
    assert Conversion(True, table.points, table.values, Decimal(1)).apply(Decimal("1.25")) == Decimal("1.25")


# --- a batch of two sessions with different forms --------------------------------------------------------------------


class FormsWithAnchor(SealedForms):
    """Two forms of ten items worth ten marks each, of which the first six are the same versions."""

    def __init__(self, organisation_id: uuid.UUID) -> None:
        super().__init__(organisation_id, with_text=False)
        self.contents = [one | {"score": "10"} for one in self.contents]

    def open_scoring(self, where, actor, form_id):
        document = super().open_scoring(where, actor, form_id)
        for one in document["slots"]:
            owner = "common" if one["slot"] <= COMMON else str(form_id)
            one["item_version_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{owner}:{one['slot']}"))
        return document


@pytest.fixture
def world(officer, organisation, monkeypatch):
    """The first session sat form A; the second form B, whose own four items are harder: one right answer less."""
    forms = FormsWithAnchor(organisation.organisation_id)
    monkeypatch.setattr(forms_service, "blueprints", fake_blueprints(forms))
    first = World(officer, forms)
    second = World.__new__(World)
    second.officer, second.forms, second.batch, second.room = officer, forms, first.batch, first.room
    with unit_of_work(officer) as uow:
        uow.session.get(type(first.session), first.key).form_ids = forms.form_ids[:1]
        plan = session_plan(forms.form_ids[1:], name="第二场", starts_at=now() + dt.timedelta(hours=4))
        second.session = sessions.create_session(uow, first.batch.exam_batch_id, plan)
    with unit_of_work(officer) as uow:
        sessions.set_rooms(uow, second.key, {first.room.exam_room_id: []})
    for one, start, harder in ((first, 1, 0), (second, 1 + N, 1)):
        one.register(N, first=start)
        one.arrange()
        one.prepare()
        one.open()
        db.session.expire_all()
        for place, attempt in enumerate(one.attempts()):
            n_right = [3, 4, 5, 5, 6, 6, 6, 7, 7, 8, 9, 10][place]
            own = min(4, max(0, n_right - COMMON) - harder) if n_right > COMMON else 0
            right = [*range(1, min(n_right, COMMON) + 1), *range(COMMON + 1, COMMON + 1 + max(own, 0))]
            one.sit({slot: ALL_RIGHT[slot] for slot in right}, attempt)
        one.close_and_score()
    first.second = second
    return first


def rule(make_actor, **values):
    with unit_of_work(make_actor(Role.ORGANISATION_ADMIN)) as uow:
        profiles.publish(uow, values, effective_on=today())


def test_forms_are_found_with_their_common_items_and_thirty_candidates_are_needed_for_a_conversion(world, make_actor):
    found = equating.study(db.session(), world.officer, world.batch.exam_batch_id, Plan())
    assert [(form.n, [row.name for row in form.sessions]) for form in found.forms] == [(N, ["第一场"]), (N, ["第二场"])]
    (pair,) = found.pairs
    assert [one.new_slot for one in pair.anchors] == list(range(1, COMMON + 1))
    assert (pair.gap, pair.is_by_chance, pair.mark) == (0.0, False, Decimal(60))
    assert pair.way == Way(Design.EQUIVALENT, Method.IDENTITY)
    assert pair.turns == ()
    assert {way.method for way in pair.ways} == {Method.IDENTITY}
    rule(make_actor, **FEW)
    (pair,) = equating.study(db.session(), world.officer, world.batch.exam_batch_id, Plan()).pairs
    assert pair.way == Way(Design.COMMON_ITEMS, Method.CIRCLE_ARC)
    value, error = pair.at_mark
    assert value > 60
    assert error > 0
    assert (pair.n_gained, pair.n_lost) == (0, 0)
    hidden = frozenset(one.key for one in pair.anchors[:2])
    (less,) = equating.study(db.session(), world.officer, world.batch.exam_batch_id, Plan(dropped=hidden)).pairs
    assert len(less.kept) == COMMON - 2
    assert {way.design for way in less.ways} == {Design.EQUIVALENT}
    with pytest.raises(InvalidInputError):
        equating.study(db.session(), world.officer, world.batch.exam_batch_id, Plan(uuid.uuid4()))


def test_the_page_shows_forms_methods_and_conversion_to_readers_of_scores_inside_the_wall(
    world, make_actor, sign_in, other_organisation
):
    rule(make_actor, **FEW)
    address = f"/equating/batches/{world.batch.exam_batch_id}"
    client = sign_in(Role.EXAM_OFFICER)
    body = client.get(address).get_data(as_text=True)
    for text in ("本页只作参考", "圆弧法", "共同题（锚题）", "换算表", "标准误", "锚题的内容代表性"):
        assert text in body
    form_id = world.forms.form_ids[1]
    mean = client.get(address, query_string={f"way_{form_id}": "equivalent:mean"}).get_data(as_text=True)
    assert "须有两组考生水平相当的依据" in mean
    assert client.get(address, query_string={f"way_{form_id}": "equivalent:linear"}).status_code == 200
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        equating.study(db.session(), stranger, world.batch.exam_batch_id, Plan())
    with pytest.raises(ForbiddenError):
        equating.study(db.session(), make_actor(Role.MARKER), world.batch.exam_batch_id, Plan())


# --- the decision ----------------------------------------------------------------------------------------------------

REASON = "两场考生按报名先后编排，锚题无异常"


def batch_of(world):
    return world.batch.exam_batch_id


def propose(world, plan=None):
    digest = equating.study(db.session(), world.officer, batch_of(world), plan or Plan()).digest
    with unit_of_work(world.officer) as uow:
        return decisions.propose(
            uow, batch_of(world), plan or Plan(), confirmed_digest=digest, reason=REASON
        ).equating_id


def approve(actor, key):
    digest = db.session.get(Equating, key).figures_digest
    with unit_of_work(actor) as uow:
        decisions.approve(uow, key, confirmed_digest=digest, reason="已核对")
    db.session.expire_all()
    return db.session.get(Equating, key)


def previewed(world):
    return release.preview_release(db.session(), world.officer, batch_of(world))


def scores_by_form(world, rows):
    """Return (raw, released) by form label."""
    attempts = {str(one.registration_id): one for one in db.session.query(Attempt).all()}
    records = {str(one.score_record_id): one.score for one in db.session.query(ScoreRecord).all()}
    found = {"A": [], "B": []}
    for key, _outcome, score, record in rows:
        label = "AB"[world.forms.form_ids.index(str(attempts[key].form_id))]
        found[label].append((records[record], Decimal(score)))
    return found


def release_batch(world):
    with unit_of_work(world.officer) as uow:
        return release.release_scores(uow, batch_of(world), confirmed_digest=previewed(world).digest).score_release_id


def test_without_the_switch_raw_scores_are_released_and_nothing_can_be_decided(world, make_actor):
    rule(make_actor, **FEW)
    with pytest.raises(ConflictError, match="没有启用等值"):
        propose(world)
    assert previewed(world).blockers == ()
    made = db.session.get(ScoreRelease, release_batch(world))
    assert made.equating_id is None
    assert all(raw == said for pairs in scores_by_form(world, made.results).values() for raw, said in pairs)
    rule(make_actor, **FEW, **{APPLIES: True})
    with pytest.raises(ConflictError, match="已按原始分发布"):
        propose(world)


def test_two_persons_decide_and_the_release_follows_the_table_with_the_raw_score_kept(
    world, make_actor, sign_in, other_organisation
):
    rule(make_actor, **FEW, **{APPLIES: True})
    assert [one.step for one in previewed(world).blockers] == ["equating"]
    key = propose(world)
    assert "还没有办结" in previewed(world).blockers[0].text
    with pytest.raises(ConflictError, match="还没有办结"):
        propose(world)
    with pytest.raises(ForbiddenError):
        approve(world.officer, key)
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError):
        approve(stranger, key)
    second = make_actor(Role.EXAM_OFFICER, name="复核")
    with pytest.raises(ConflictError, match="有变化"), unit_of_work(second) as uow:
        decisions.approve(uow, key, confirmed_digest="0" * 64)
    decided = approve(second, key)
    assert (decided.state, decided.proposed_by_name, decided.decided_by_name) == ("approved", "考务", "复核")
    assert decided.figures["pairs"][0]["method"] == "circle_arc"
    preview = previewed(world)
    assert preview.blockers == ()
    made = db.session.get(ScoreRelease, release_batch(world))
    assert made.equating_id == key
    found = scores_by_form(world, made.results)
    conversion = equated_scores.read_conversions(decided)[uuid.UUID(world.forms.form_ids[1])]
    assert all(raw == said for raw, said in found["A"])
    assert all(said == conversion.apply(raw) for raw, said in found["B"])
    assert any(said > raw for raw, said in found["B"])
    mean = sum(said for pairs in found.values() for _raw, said in pairs) / (2 * N)
    assert float(preview.distribution.mean) == pytest.approx(float(mean), abs=0.06)
    acts = [one.act for one in db.session.query(AuditEvent).filter(AuditEvent.act.like("equating.%"))]
    assert sorted(acts) == ["equating.approved", "equating.propose"]
    client = sign_in(Role.EXAM_OFFICER)
    page = client.get(f"/equating/{key}").get_data(as_text=True)
    assert "本批次的成绩按这个决定换算" in page
    assert decided.code in client.get(f"/scores/{batch_of(world)}/release").get_data(as_text=True)
    assert "等值后" in client.get(f"/scores/{batch_of(world)}").get_data(as_text=True)


def test_a_key_change_makes_a_conversion_stale_until_two_persons_decide_again(world, make_actor):
    rule(make_actor, **FEW, **{APPLIES: True})
    second = make_actor(Role.EXAM_OFFICER, name="复核")
    approve(second, propose(world))
    assert previewed(world).blockers == ()
    release_batch(world)
    change_key(world, second, world.forms.form_ids[1], 8)
    assert db.session.query(ScoreRelease).count() == 1  # the correction waits
    assert previewed(world).scale.problem is not None
    identity = {uuid.UUID(world.forms.form_ids[1]): Way(Design.EQUIVALENT, Method.IDENTITY)}
    approve(second, propose(world, Plan(ways=identity)))
    first, corrected = db.session.query(ScoreRelease).order_by(ScoreRelease.number)
    assert corrected.equating_id != first.equating_id
    assert all(raw == said for pairs in scores_by_form(world, corrected.results).values() for raw, said in pairs)


def change_key(world, second, form_id, slot):
    proposal = Proposal(uuid.UUID(form_id), slot, "statistics", "full_marks", "题干有误，全部给满分")
    with unit_of_work(world.officer) as uow:
        key = key_changes.propose(uow, proposal).key_change_id
    digest = find_effects(db.session(), second, db.session.get(KeyChange, key)).digest
    with unit_of_work(second) as uow:
        key_changes.approve(uow, key, confirmed_digest=digest, reason="已核对")
    job = db.session.query(Job).filter_by(name=key_changes.APPLY_JOB).one()
    assert run_job(job.job_id) == "done", job.error
    db.session.expire_all()


def test_proposals_are_made_turned_down_and_taken_back_in_the_browser_by_who_may(world, make_actor, sign_in):
    rule(make_actor, **FEW, **{APPLIES: True})
    address, digest = (
        f"/equating/batches/{batch_of(world)}",
        equating.study(db.session(), world.officer, batch_of(world), Plan()).digest,
    )
    officer = sign_in(Role.EXAM_OFFICER)
    short = officer.post(address, data={"digest": digest, "reason": "短"})
    assert (short.status_code, "至少 10 个字" in short.get_data(as_text=True)) == (422, True)
    assert officer.post(address, data={"digest": "0" * 64, "reason": REASON}).status_code == 409
    assert sign_in(Role.SUPERVISOR).post(address, data={"digest": digest, "reason": REASON}).status_code == 403
    assert officer.post(address, data={"digest": digest, "reason": REASON}).status_code == 303
    (found,) = db.session.query(Equating)
    here = f"/equating/{found.equating_id}"
    assert "撤回这个等值决定？" in officer.get(here).get_data(as_text=True)
    other = sign_in(Role.EXAM_OFFICER)
    assert "批准这个等值决定？" in other.get(here).get_data(as_text=True)
    other.post(f"{here}/reject", data={"reason": "锚题第 3 题疑似泄露，先不换算"})
    db.session.expire_all()
    assert db.session.get(Equating, found.equating_id).state == "rejected"
    officer.post(f"{here}/withdraw")
    db.session.expire_all()
    assert db.session.get(Equating, found.equating_id).state == "rejected"
    assert previewed(world).blockers[0].step == "equating"


# --- the table as a file ---------------------------------------------------------------------------------------------


def read_file(response):
    """Return the steps of the first table by raw score, and what the last sheet says, by its name."""
    table, *_others, said = read_table(response.data)
    header, *rows = table.rows[1:]
    assert header == equating_tables.HEADINGS
    return {Decimal(row[0]): row for row in rows}, [row[:2] for row in said.rows[1:]]


def test_the_table_is_downloaded_as_the_page_shows_it_by_who_reads_scores_and_the_journal_tells(
    world, make_actor, sign_in, other_organisation
):
    rule(make_actor, **FEW)
    address, form_id = f"/equating/batches/{batch_of(world)}", uuid.UUID(world.forms.form_ids[1])
    way = Way(Design.COMMON_ITEMS, Method.MEAN)
    study = equating.study(db.session(), world.officer, batch_of(world), Plan(ways={form_id: way}))
    (pair,) = study.pairs
    client = sign_in(Role.EXAM_OFFICER)
    chosen = {f"way_{form_id}": "common_items:mean"}
    shown = client.get(address, query_string=chosen).get_data(as_text=True)
    assert "Babcock, Albano &amp; Raymond (2012)" in shown
    assert f"/export?way_{form_id}=common_items:mean" in shown
    rows, said = read_file(client.post(f"{address}/export", query_string=chosen))
    assert len(rows) == len(pair.conversion.points)
    value, error = pair.at_mark
    raw, worth, spread, rounded, change, mark = rows[pair.mark]
    assert (Decimal(worth), Decimal(spread), mark) == (value, error, "理论合格分")
    assert Decimal(rounded) == pair.conversion.apply(pair.mark) == Decimal(raw) + Decimal(change)
    assert {("办法", "锚题 · 均值法"), ("状态", "试算，没有成为决定"), ("校验值", study.digest)} <= set(said)
    assert ("标准误来自", f"200 次自助抽样，种子 {study.seed}") in said
    event = db.session.query(AuditEvent).filter_by(act="equating.export").one()
    assert event.details["after"] == {"digest": study.digest, "rows": len(rows)}
    assert client.post(f"{address}/export", query_string={f"way_{form_id}": "equivalent:linear"}).status_code == 303
    assert sign_in(Role.MARKER).post(f"{address}/export").status_code == 403
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        equating_tables.export_study(uow, batch_of(world), Plan())


def test_a_decision_is_downloaded_as_it_was_kept_whatever_scores_became_since(
    world, make_actor, sign_in, other_organisation
):
    rule(make_actor, **FEW, **{APPLIES: True})
    second = make_actor(Role.EXAM_OFFICER, name="复核")
    decided = approve(second, propose(world))
    kept = decided.figures["pairs"][0]
    release_batch(world)
    change_key(world, second, world.forms.form_ids[1], 8)
    client = sign_in(Role.CERTIFICATION_OFFICER)
    rows, said = read_file(client.post(f"/equating/{decided.equating_id}/export"))
    assert [Decimal(row[1]) for row in rows.values()] == [Decimal(one) for one in kept["values"]]
    assert [Decimal(row[2]) for row in rows.values()] == [Decimal(one) for one in kept["errors"]]
    assert {("状态", f"等值决定 {decided.code} 已批准"), ("计算程序", "考库等值计算，第 1 版")} <= set(said)
    assert {("变为合格", f"{kept['gained']} 人"), ("变为不合格", f"{kept['lost']} 人")} <= set(said)
    assert "Livingston" in client.get(f"/equating/{decided.equating_id}").get_data(as_text=True)
    assert sign_in(Role.INVIGILATOR).post(f"/equating/{decided.equating_id}/export").status_code == 403
    stranger = make_actor(Role.EXAM_OFFICER, organisation_id=other_organisation.organisation_id)
    with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
        equating_tables.export_decision(uow, decided.equating_id)


def test_the_page_says_what_equating_means_for_a_batch_that_was_released(world, make_actor, sign_in):
    rule(make_actor, **FEW, **{APPLIES: True})
    approve(make_actor(Role.EXAM_OFFICER, name="复核"), propose(world))
    release_batch(world)
    rule(make_actor, **FEW)  # equating counts no longer, but this batch was released by it
    shown = sign_in(Role.EXAM_OFFICER).get(f"/equating/batches/{batch_of(world)}").get_data(as_text=True)
    assert "本批次已按等值后的成绩发布" in shown
    assert "正式成绩一律按原始分" not in shown
