"""Panels for standard setting: who may, rounds that stay closed, blind ratings, revisions, second persons."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from blueprints import repository_panels as repository
from blueprints.models import ExamForm, FormSlot
from blueprints.models_panels import PanelJudgement, PanelMember, PanelOutcome, PanelRound, StandardPanel
from blueprints.rules.panels import PanelMethod, PanelStatus
from blueprints.services import forms, panel_rating, panel_scores, panels, swaps
from blueprints.services.panels import NewPanel
from kernel import conflicts
from kernel.audit.models import AuditEvent
from kernel.clock import today
from kernel.conflicts import ConflictOfInterestError, CycleRole, Party, RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.errors import ConflictError, DomainError, ForbiddenError, InvalidInputError, NotFoundError
from kernel.identity.actor import Actor, system_actor
from kernel.identity.models import Organisation
from kernel.identity.permissions import Role
from kernel.profiles.services import publish
from kernel.uow import unit_of_work
from qbank import public as qbank
from qbank.models.items import Item
from tests.blueprints.panel_cases import N_ITEMS, all_items, close, judge, make_panel


@pytest.fixture
def leader(make_actor: Callable[..., Actor]) -> Actor:
    return make_actor(Role.EDITOR, name="主持人")


@pytest.fixture
def raters(make_actor: Callable[..., Actor]) -> list[Actor]:
    return [make_actor(Role.AUTHOR, name="甲专家"), make_actor(Role.REVIEWER, name="乙专家")]


@pytest.fixture
def panel(sealed_form: uuid.UUID, leader: Actor, raters: list[Actor]) -> StandardPanel:
    return make_panel(leader, sealed_form, raters)


def acts_of(session: Session, act: str) -> list[AuditEvent]:
    return list(session.scalars(select(AuditEvent).where(AuditEvent.act == act)))


def test_two_raters_work_side_by_side_and_the_round_says_what_they_mean(panel, leader, raters, session):
    key = panel.standard_panel_id
    for place in range(1, N_ITEMS + 1):
        judge(raters[0], key, {f"item-{place}": 60})
        judge(raters[1], key, {f"item-{place}": 70})
    for rater in raters:
        judge(rater, key, {}, submits=True)
    result = close(leader, key)
    assert (result["cut"], result["n_raters"]) == (13.0, 2)
    assert [one["cut"] for one in result["raters"]] == [12.0, 14.0]
    assert result["se"] == 1.0
    assert panel.status is PanelStatus.FEEDBACK
    assert [event.details["after"]["round"] for event in acts_of(session, "panel.close_round")] == [1]


def test_a_closed_round_takes_no_judgement_and_no_change(panel, leader, raters, session):
    key = panel.standard_panel_id
    judge(raters[0], key, all_items(60))
    close(leader, key)
    with pytest.raises(ConflictError, match="没有开放"):
        judge(raters[0], key, {"item-1": 65})
    with pytest.raises(ConflictError, match="没有开放"), unit_of_work(leader) as uow:
        panels.close_round(uow, key, seen=N_ITEMS)
    for table in (PanelJudgement, PanelOutcome, PanelRound):
        with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
            session.execute(delete(table))


def test_a_judgement_that_arrives_while_the_leader_confirms_is_looked_at_first(panel, leader, raters):
    key = panel.standard_panel_id
    judge(raters[0], key, {"item-1": 60})
    with pytest.raises(ConflictError, match="新的评定"), unit_of_work(leader) as uow:
        panels.close_round(uow, key, seen=0)
    assert close(leader, key)["n_raters"] == 0


def test_every_revision_stays_and_a_second_window_learns_what_the_first_said(panel, raters, session):
    key = panel.standard_panel_id
    judge(raters[0], key, {"item-1": 60})
    judge(raters[0], key, {"item-1": 65})
    judge(raters[0], key, {"item-1": 65})
    rows = session.scalars(select(PanelJudgement).order_by(PanelJudgement.revision)).all()
    assert [(row.revision, row.judgement) for row in rows] == [(1, {"percent": 60}), (2, {"percent": 65})]
    with pytest.raises(ConflictError, match="65") as caught, unit_of_work(raters[0]) as uow:
        panel_rating.keep_judgement(uow, key, "item-1", "80", revision=1)
    assert caught.value.context["revision"] == 2


def test_a_round_is_submitted_whole_once_and_may_be_changed_until_it_closes(panel, raters):
    key = panel.standard_panel_id
    judge(raters[0], key, {"item-1": 60})
    with pytest.raises(InvalidInputError, match="19 项"), unit_of_work(raters[0]) as uow:
        panel_rating.submit_round(uow, key)
    judge(raters[0], key, all_items(60), submits=True)
    judge(raters[0], key, {"item-1": 55})
    with pytest.raises(ConflictError, match="已经提交"):
        judge(raters[0], key, {}, submits=True)


def test_the_second_round_takes_over_what_was_said_before_on_request(panel, leader, raters, session):
    key = panel.standard_panel_id
    judge(raters[0], key, all_items(60))
    close(leader, key)
    with unit_of_work(leader) as uow:
        panels.open_round(uow, key)
    judge(raters[0], key, {"item-1": 90})
    with unit_of_work(raters[0]) as uow:
        assert panel_rating.carry_over(uow, key) == N_ITEMS - 1
    with unit_of_work(raters[1]) as uow:
        assert panel_rating.carry_over(uow, key) == 0
    result = close(leader, key)
    assert (result["cut"], result["left_out"]) == (12.3, {"2": N_ITEMS})
    assert [row.outcome.result["cut"] for row in repository.list_rounds(session, key)] == [12.0, 12.3]


def test_the_look_into_the_booklet_is_audited_and_serves_this_person_and_round_only(panel, leader, raters, session):
    key = panel.standard_panel_id
    with unit_of_work(raters[0]) as uow:
        ticket = panel_rating.enter(uow, key)
    row = panels.current_round(session, panel)
    panel_rating.check_visit(raters[0], row, ticket)
    until, _, signature = ticket.partition(".")
    for actor, text_given in ((raters[1], ticket), (raters[0], ""), (raters[0], f"{int(until) + 60}.{signature}")):
        with pytest.raises(ForbiddenError):
            panel_rating.check_visit(actor, row, text_given)
    found = acts_of(session, "form.view")
    assert [(event.actor_id, event.details["after"]["way"]) for event in found] == [(raters[0].user_id, "panel")]
    with pytest.raises(ForbiddenError), unit_of_work(leader) as uow:
        panel_rating.enter(uow, key)


def test_another_organisation_and_experts_who_were_not_invited_find_no_panel(
    panel, make_actor, other_organisation: Organisation, session
):
    key = panel.standard_panel_id
    stranger = make_actor(Role.EDITOR, Role.AUTHOR, organisation_id=other_organisation.organisation_id)
    for actor in (stranger, make_actor(Role.AUTHOR)):
        assert repository.list_panels(session, actor=actor)[1] == 0
        for act in (
            lambda uow: panel_rating.enter(uow, key),
            lambda uow: panel_rating.keep_judgement(uow, key, "item-1", "50", revision=0),
            lambda uow: panel_rating.submit_round(uow, key),
            lambda uow: panels.add_note(uow, key, text="意见"),
        ):
            with pytest.raises(NotFoundError), unit_of_work(actor) as uow:
                act(uow)
    for act in (
        lambda uow: panels.open_round(uow, key),
        lambda uow: panels.close_round(uow, key, seen=0),
        lambda uow: panels.invite(uow, key, [stranger.user_id]),
        lambda uow: panels.create_panel(uow, NewPanel(panel.exam_form_id, PanelMethod.ANGOFF, borderline="x")),
        lambda uow: panels.propose(uow, key, conclusion="x"),
        lambda uow: panels.conclude(uow, key),
        lambda uow: panels.cancel(uow, key, reason="x"),
    ):
        with pytest.raises(NotFoundError), unit_of_work(stranger) as uow:
            act(uow)


def test_only_experts_of_the_organisation_are_invited_and_never_who_leads(
    panel, leader, make_actor, other_organisation, session
):
    key = panel.standard_panel_id
    outsider = make_actor(Role.AUTHOR, organisation_id=other_organisation.organisation_id)
    for actor in (outsider, make_actor(Role.INVIGILATOR)):
        with pytest.raises(NotFoundError, match="不是本机构的专家"), unit_of_work(leader) as uow:
            panels.invite(uow, key, [actor.user_id])
    both = make_actor(Role.EDITOR, Role.AUTHOR)
    own = make_panel(both, panel.exam_form_id, [make_actor(Role.AUTHOR)])
    with pytest.raises(ForbiddenError, match="主持"), unit_of_work(both) as uow:
        panels.invite(uow, own.standard_panel_id, [both.user_id])
    with pytest.raises(InvalidInputError), unit_of_work(leader) as uow:
        panels.invite(uow, key, [])


def wrote_an_item_of(session, form_id, author):
    item_id = session.scalars(select(FormSlot.item_id).where(FormSlot.exam_form_id == form_id)).first()
    session.execute(update(Item).where(Item.item_id == item_id).values(author_id=author.user_id))
    session.commit()


def test_an_author_of_an_item_is_marked_or_refused_as_the_profile_says(sealed_form, leader, raters, session):
    wrote_an_item_of(session, sealed_form, raters[0])
    panel = make_panel(leader, sealed_form, raters)
    members = session.scalars(select(PanelMember).order_by(PanelMember.number)).all()
    assert [member.warnings for member in members] == [["COI-50"], []]
    with unit_of_work(system_actor(leader.organisation_id)) as uow:
        publish(uow, {"conflicts.rule.COI-50": "拒绝"}, effective_on=today())
    with pytest.raises(ConflictOfInterestError, match=r"COI-50.*甲专家"):
        make_panel(leader, panel.exam_form_id, raters)


def test_kin_of_a_candidate_neither_joins_a_panel_nor_opens_the_booklet(panel, leader, raters, monkeypatch):
    candidate = Party(CycleRole.CANDIDATE, name="考生甲", employer="某厂")
    with unit_of_work(raters[0]) as uow:
        known = Declaration(RelationKind.KIN, other_name="考生甲", other_employer="某厂")
        declare_relation(uow, known)
    monkeypatch.setitem(conflicts.services._CANDIDATES, "test", lambda *_known: [candidate])
    with pytest.raises(ConflictOfInterestError, match="COI-51"), unit_of_work(raters[0]) as uow:
        panel_rating.enter(uow, panel.standard_panel_id)
    with pytest.raises(ConflictOfInterestError, match="COI-51"):
        make_panel(leader, panel.exam_form_id, raters)
    with unit_of_work(raters[1]) as uow:
        assert panel_rating.enter(uow, panel.standard_panel_id)


def test_who_leaves_no_longer_rates_and_no_longer_counts_but_stays_in_the_record(panel, leader, raters, session):
    key = panel.standard_panel_id
    judge(raters[0], key, all_items(60))
    judge(raters[1], key, all_items(80))
    member = repository.find_member(session, key, raters[1].user_id)
    with pytest.raises(InvalidInputError), unit_of_work(leader) as uow:
        panels.remove_member(uow, key, member.panel_member_id, reason=" ")
    with unit_of_work(leader) as uow:
        panels.remove_member(uow, key, member.panel_member_id, reason="培训本批考生")
    with pytest.raises(NotFoundError):
        judge(raters[1], key, {"item-1": 10})
    assert close(leader, key)["cut"] == 12.0
    assert len(session.scalars(select(PanelJudgement)).all()) == 2 * N_ITEMS
    with unit_of_work(leader) as uow:
        panels.invite(uow, key, [raters[1].user_id])
    assert repository.find_member(session, key, raters[1].user_id).number == 2


def finished(panel, leader, raters):
    for rater in raters:
        judge(rater, panel.standard_panel_id, all_items(61))
    close(leader, panel.standard_panel_id)
    with unit_of_work(leader) as uow:
        return panels.propose(uow, panel.standard_panel_id, conclusion="三轮意见一致")


def test_a_conclusion_needs_a_second_person_who_did_not_rate(panel, leader, raters, approver, session):
    key = panel.standard_panel_id
    found = finished(panel, leader, raters)
    assert (float(found.recommended), found.rounding, float(found.fixed_mark)) == (12.0, "1 四舍五入", 60.0)
    rating_approver = Actor(raters[0].user_id, raters[0].organisation_id, "甲专家", approver.permissions)
    for actor in (leader, rating_approver):
        with pytest.raises(ForbiddenError, match="结论须由"), unit_of_work(actor) as uow:
            panels.conclude(uow, key)
    with unit_of_work(approver) as uow:
        panels.return_conclusion(uow, key, reason="请说明离群的评定")
    with unit_of_work(leader) as uow:
        panels.propose(uow, key, conclusion="已说明")
    with unit_of_work(approver) as uow:
        assert panels.conclude(uow, key).status is PanelStatus.CONCLUDED
    for act in (
        lambda uow: panels.open_round(uow, key),
        lambda uow: panels.cancel(uow, key, reason="x"),
        lambda uow: panels.invite(uow, key, [raters[0].user_id]),
        lambda uow: panels.add_note(uow, key, text="晚了"),
    ):
        with pytest.raises(DomainError), unit_of_work(leader) as uow:
            act(uow)
    assert [len(acts_of(session, f"panel.{act}")) for act in ("propose", "return", "conclude")] == [2, 1, 1]


def test_nobody_concludes_from_a_round_that_nobody_finished(panel, leader):
    close(leader, panel.standard_panel_id)
    with pytest.raises(ConflictError, match="没有完整的评定"), unit_of_work(leader) as uow:
        panels.propose(uow, panel.standard_panel_id, conclusion="无")


def test_where_no_regulation_fixes_the_mark_none_is_kept(panel, leader, raters):
    with unit_of_work(system_actor(leader.organisation_id)) as uow:
        publish(uow, {"panels.mark_is_fixed": False, "panels.rounding_way": "向上"}, effective_on=today())
    found = finished(panel, leader, raters)
    assert (found.fixed_mark, float(found.recommended)) == (None, 13.0)


def test_a_form_whose_items_were_exchanged_is_rated_no_further(drafts: list[ExamForm], assembler, approver, raters):
    form_id = drafts[0].exam_form_id
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    with unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)
    panel = make_panel(assembler, form_id, raters)
    with unit_of_work(approver) as uow:
        forms.return_form(uow, form_id, comment="换一题")
    with unit_of_work(assembler) as uow:
        form = forms.repository.get_form(uow.session, form_id, actor=assembler, with_slots=True)
        entry = swaps.swap_candidates(swaps.load_bench(uow.session, assembler, form), 1)[0]
        swaps.swap_item(uow, form_id, slot=1, item_id=entry.item_id, version=form.version)
    with pytest.raises(ConflictError, match="替换过试题"), unit_of_work(raters[0]) as uow:
        panel_rating.enter(uow, panel.standard_panel_id)
    with pytest.raises(ConflictError, match="已批准或已封存"):
        make_panel(assembler, form_id, raters)


def test_the_key_of_an_item_is_never_ruled_out_and_what_is_no_choice_is_judged_by_chance(
    sealed_form, leader, raters, session
):
    panel = make_panel(leader, sealed_form, raters, PanelMethod.NEDELSKY)
    key = panel.standard_panel_id
    items = repository.list_items(session, key)
    assert {(item.type, tuple(item.options)) for item in items} == {
        ("single_choice", ("A", "B", "C", "D")), ("true_false", ("true", "false")),
    }  # fmt: skip
    first = items[0]
    contents = qbank.load_contents(session, system_actor(leader.organisation_id), [first.item_version_id])
    right = contents[first.item_version_id].content.key
    with pytest.raises(InvalidInputError, match="标准答案不能排除"):
        judge(raters[0], key, {"item-1": right})
    wrong = [letter for letter in "ABCD" if letter != right][:2]
    judge(raters[0], key, {"item-1": ",".join(wrong), "item-2": "-"})
    desk = panel_rating.open_desk(session, raters[0], key)
    assert (len(desk.missing), desk.mine["item-1"].judgement) == (N_ITEMS - 2, {"ruled_out": wrong})


def test_a_booklet_for_bookmarks_runs_from_easy_to_hard(sealed_form, leader, raters, session):
    panel = make_panel(leader, sealed_form, raters, PanelMethod.BOOKMARK, asks_compromise=True)
    items = repository.list_items(session, panel.standard_panel_id)
    assert [item.assumed for item in items] == sorted((item.assumed for item in items), reverse=True)
    given = {"bookmark": 12, "required": 60, "pass_rate": 70, "cut_low": 50, "cut_high": 70, "fail_low": 5}
    judge(raters[0], panel.standard_panel_id, given | {"fail_high": 60}, submits=True)
    result = close(leader, panel.standard_panel_id)
    assert 0 < result["cut"] < N_ITEMS


def test_impact_comes_from_whoever_knows_the_marks(panel, leader, raters, monkeypatch):
    monkeypatch.setitem(panel_scores._SOURCES, "test", lambda *_known: [10.0, 12.0, 14.0, 16.0])
    judge(raters[0], panel.standard_panel_id, all_items(70))
    impact = close(leader, panel.standard_panel_id)["impact"]
    assert impact["n"] == 4
    assert {one["cut"]: one["share"] for one in impact["shares"]} == {14.0: 0.5, 12.0: 0.75}


def test_notes_of_the_discussion_stand_between_rounds_under_numbers(panel, leader, raters, session):
    key = panel.standard_panel_id
    with pytest.raises(ConflictError), unit_of_work(raters[0]) as uow:
        panels.add_note(uow, key, text="太早")
    close(leader, key)
    for actor, said in ((raters[1], "第 3 题超出大纲"), (leader, "请重看第 3 题")):
        with unit_of_work(actor) as uow:
            panels.add_note(uow, key, text=said, place=3)
    with pytest.raises(InvalidInputError, match="没有第 21 题"), unit_of_work(leader) as uow:
        panels.add_note(uow, key, text="不存在的题", place=N_ITEMS + 1)
    assert [(note.member_number, note.place) for _number, note in repository.list_notes(session, key)] == [
        (2, 3),
        (0, 3),
    ]
