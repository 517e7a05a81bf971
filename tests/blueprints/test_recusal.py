"""Who must keep away from a form, and who made one."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import update

from blueprints import public
from blueprints.services import forms
from kernel import conflicts
from kernel.conflicts import ConflictOfInterestError, CycleRole, Party, RelationKind
from kernel.conflicts.services import Declaration, declare_relation
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from qbank.models.items import Item


def give_to(session, form, author):
    first = [slot.item_id for slot in form.slots][:1]
    session.execute(update(Item).where(Item.item_id.in_(first)).values(author_id=author.user_id))
    session.commit()


def declare(actor, kind, **known):
    with unit_of_work(actor) as uow:
        declare_relation(uow, Declaration(kind, **known))


def test_kin_of_the_assembler_does_not_approve_the_form(drafts, assembler, approver):
    form_id = drafts[0].exam_form_id
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, form_id)
    declare(approver, RelationKind.KIN, other_user_id=assembler.user_id)
    with pytest.raises(ConflictOfInterestError, match="COI-07"), unit_of_work(approver) as uow:
        forms.approve_form(uow, form_id)


def test_an_approver_who_is_a_teacher_of_an_author_is_only_warned_of(drafts, assembler, approver, make_actor, session):
    author = make_actor(Role.AUTHOR)
    give_to(session, drafts[0], author)
    with unit_of_work(assembler) as uow:
        forms.submit_form(uow, drafts[0].exam_form_id)
    declare(author, RelationKind.TEACHER, other_user_id=approver.user_id)
    with unit_of_work(approver) as uow:
        assert forms.approve_form(uow, drafts[0].exam_form_id).approved_by == approver.user_id


def test_who_made_a_form_is_named_by_role_and_may_not_sit_it(sealed_form, assembler, approver, make_actor, session):
    officer = make_actor(Role.EXAM_OFFICER)
    makers = public.form_people(session, officer, [sealed_form, uuid.uuid4()])
    assert {(one.role, one.user_id) for one in makers} == {
        (CycleRole.ASSEMBLER, assembler.user_id), (CycleRole.APPROVER, approver.user_id),
    }  # fmt: skip
    declare(assembler, RelationKind.SELF, other_number="110101199001010015")
    index = session.query(conflicts.services.ConflictRelation).one().other_index
    candidate = Party(CycleRole.CANDIDATE, name="应考人", number_index=index)
    with pytest.raises(ConflictOfInterestError, match=r"COI-12.*应考人"):
        conflicts.require_none(session, officer.organisation, makers, [candidate])
