"""The way of a blueprint: numbered versions that never change, approval by a second person, revision, archive."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository_versions as repository
from blueprints.assembly.consistency import contradictions
from blueprints.models import BlueprintDecision, BlueprintVersion, ExamBlueprint, ExamForm
from blueprints.repository import get_blueprint, get_run
from blueprints.rules.blueprint_states import BlueprintAct
from blueprints.rules.draw_commitments import spec_digest as spec_digest
from blueprints.rules.profile import APPROVAL, APPROVAL_WAIVED
from blueprints.rules.specs import blueprint_of
from blueprints.rules.states import BlueprintStatus
from kernel import audit, profiles
from kernel.clock import now, today
from kernel.errors import ConflictError, ForbiddenError, IllegalTransitionError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.public_changes import refuse_old_edition

LONGEST_COMMENT = 1000


def publish_blueprint(uow: UnitOfWork, blueprint_id: uuid.UUID, *, comment: str = "") -> ExamBlueprint:
    """Fix a draft as a numbered version, for a second person to approve; refused while its numbers contradict each other.

    Where the rule profile lets an organisation do without the second person, that is recorded instead.
    """
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    row = get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    if row.status is not BlueprintStatus.DRAFT:
        raise IllegalTransitionError(N_("只有草稿可以发布"))
    refuse_old_edition(uow.session, uow.actor, row.standard_level_id, on=today())
    broken = contradictions(blueprint_of(row.spec))
    if broken:
        reasons = "；".join(str(rule.text) for rule in broken)
        raise ConflictError(N_("蓝图自相矛盾，请先修改：%(reasons)s"), reasons=reasons)
    _number(uow, row)
    row.status, row.published_at, row.updated_at = BlueprintStatus.PUBLISHED, now(), now()
    row.approved_at = repository.approved_at(uow.session, blueprint_id, row.version_number)
    note_editor(uow, row)
    _note(uow, row, BlueprintAct.SUBMIT, comment)
    if (
        row.approved_at is None
        and profiles.value(uow.session, uow.actor.organisation, APPROVAL.name) == APPROVAL_WAIVED
    ):
        row.approved_at = now()
        _note(uow, row, BlueprintAct.WAIVE, "")
    audit.record(
        uow, "blueprint.publish", "exam_blueprint", blueprint_id,
        after={"digest": spec_digest(row.spec), "version": row.version_number},
    )  # fmt: skip
    return row


def _number(uow: UnitOfWork, row: ExamBlueprint) -> None:
    """Keep the draft as the next version, unless it says what the newest one says."""
    newest = repository.find_version(uow.session, row.exam_blueprint_id, row.version_number)
    if newest is not None and _content(newest) == _content(row):
        return
    row.version_number += 1
    uow.add(
        BlueprintVersion(
            organisation_id=row.organisation_id, exam_blueprint_id=row.exam_blueprint_id, number=row.version_number,
            name=row.name, spec=deepcopy(row.spec), n_items=row.n_items, total_score=row.total_score,
            duration_minutes=row.duration_minutes, created_by=uow.actor.user_id,
            created_by_name=uow.actor.name[:100], created_at=now(),
        )
    )  # fmt: skip


def _content(row: ExamBlueprint | BlueprintVersion) -> tuple[str, int, str]:
    return row.name, row.duration_minutes, spec_digest(row.spec)


def approve_blueprint(uow: UnitOfWork, blueprint_id: uuid.UUID, *, comment: str = "") -> ExamBlueprint:
    """Approve the newest version as a second person; forms drawn from it then may be sealed."""
    require(uow.actor, Permission.FORM_APPROVE)
    row = get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    _check_waiting(row)
    if found := why_not_approve(uow.actor, row):
        raise found
    row.approved_at = row.updated_at = now()
    _note(uow, row, BlueprintAct.APPROVE, comment)
    return row


def why_not_approve(actor: Actor, row: ExamBlueprint) -> ForbiddenError | None:
    """Return why this person may not approve a blueprint, or None."""
    makers = {*row.editors, str(row.created_by)} if row.version_number == 1 else {*row.editors}
    if actor.user_id is not None and str(actor.user_id) in makers:
        return ForbiddenError(N_("蓝图须由第二人批准：您编写或提交了这一版本，请由其他审卷人处理"))
    return None


def return_blueprint(uow: UnitOfWork, blueprint_id: uuid.UUID, *, comment: str) -> ExamBlueprint:
    """Send a version that waits for approval back to be changed; the comment says what to mend."""
    require(uow.actor, Permission.FORM_APPROVE)
    row = get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    _check_waiting(row)
    if not comment.strip():
        message = N_("请写明退回的原因，组卷员将据此修改")
        raise InvalidInputError(message, fields={"comment": [message]})
    _note(uow, row, BlueprintAct.RETURN, comment)
    return _to_draft(row)


def revise_blueprint(uow: UnitOfWork, blueprint_id: uuid.UUID) -> ExamBlueprint:
    """Open a published blueprint for changes; its versions and the forms drawn from them stay as they are."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    row = get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    if row.status is not BlueprintStatus.PUBLISHED:
        raise IllegalTransitionError(N_("只有已发布的蓝图可以修订"))
    if row.approved_at is not None:
        row.editors = []
    _note(uow, row, BlueprintAct.REVISE, "")
    return _to_draft(row)


def discard_revision(uow: UnitOfWork, blueprint_id: uuid.UUID) -> ExamBlueprint:
    """Give up the changes of a draft and put its newest version back into force."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    row = get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    newest = repository.find_version(uow.session, blueprint_id, row.version_number)
    if row.status is not BlueprintStatus.DRAFT or newest is None:
        raise IllegalTransitionError(N_("没有可以恢复的版本"))
    row.name, row.spec, row.duration_minutes = newest.name, deepcopy(newest.spec), newest.duration_minutes
    row.n_items, row.total_score = newest.n_items, newest.total_score
    row.status, row.published_at, row.updated_at = BlueprintStatus.PUBLISHED, now(), now()
    row.approved_at = repository.approved_at(uow.session, blueprint_id, row.version_number)
    _note(uow, row, BlueprintAct.DISCARD, "")
    return row


def archive_blueprint(uow: UnitOfWork, blueprint_id: uuid.UUID) -> ExamBlueprint:
    """Take a published blueprint out of use; its forms stay."""
    require(uow.actor, Permission.BLUEPRINT_WRITE)
    row = get_blueprint(uow.session, blueprint_id, actor=uow.actor)
    if row.status is not BlueprintStatus.PUBLISHED:
        raise IllegalTransitionError(N_("只有已发布的蓝图可以归档"))
    row.status, row.updated_at = BlueprintStatus.ARCHIVED, now()
    _note(uow, row, BlueprintAct.ARCHIVE, "")
    return row


def _check_waiting(row: ExamBlueprint) -> None:
    if row.status is not BlueprintStatus.PUBLISHED or row.approved_at is not None:
        raise IllegalTransitionError(N_("这个蓝图没有等待批准的版本，请刷新页面"))


def _to_draft(row: ExamBlueprint) -> ExamBlueprint:
    row.status, row.published_at, row.approved_at, row.updated_at = BlueprintStatus.DRAFT, None, None, now()
    return row


def note_editor(uow: UnitOfWork, row: ExamBlueprint) -> None:
    """Remember that this person had a hand in the draft, and so cannot approve it."""
    if uow.actor.user_id is not None:
        row.editors = sorted({*row.editors, str(uow.actor.user_id)})


def _note(uow: UnitOfWork, row: ExamBlueprint, act: BlueprintAct, comment: str) -> None:
    comment = comment.strip()[:LONGEST_COMMENT]
    uow.add(
        BlueprintDecision(
            exam_blueprint_id=row.exam_blueprint_id, number=row.version_number, act=act, comment=comment,
            decided_by=uow.actor.user_id, decided_by_name=uow.actor.name[:100], decided_at=now(),
        )
    )  # fmt: skip
    if act is not BlueprintAct.SUBMIT:
        audit.record(
            uow, f"blueprint.{act.value}", "exam_blueprint", row.exam_blueprint_id,
            after={"version": row.version_number}, reason=comment or None,
        )  # fmt: skip


def refuse_unapproved_version(uow: UnitOfWork, form: ExamForm) -> None:
    """Refuse to seal a form that was drawn from a version which nobody approved; raises ConflictError.

    A form that no run drew is none of a blueprint's.
    """
    if form.assembly_run_id is None:
        return
    run = get_run(uow.session, form.assembly_run_id, actor=uow.actor)
    number = run.blueprint_version or 0
    if repository.approved_at(uow.session, run.exam_blueprint_id, number) is None:
        message = N_("蓝图“%(name)s”第 %(n)s 版还没有批准，请先由第二人在蓝图页面批准，再封存试卷")
        raise ConflictError(message, name=run.blueprint_name, n=number)


def is_approved(session: Session, blueprint_id: uuid.UUID, number: int) -> bool:
    """Say whether a version was approved, or let through without."""
    return repository.approved_at(session, blueprint_id, number) is not None


def drawn_spec(
    spec: Mapping[str, Any], *, max_overlap: int, on: date, max_rate: Decimal | None = None
) -> dict[str, Any]:
    """Return a blueprint JSON as a run of a certain day draws from it: with its overlap, rest periods counted to the day.

    `max_rate` is the share of the forms that may hold one item, where the draw names one.
    """
    drawn = {**deepcopy(dict(spec)), "max_overlap": max_overlap}
    if max_rate is not None:
        drawn["exposure"] = {**(drawn.get("exposure") or {}), "max_rate": float(max_rate)}
    if drawn.get("cool_down") and not drawn["cool_down"].get("on"):
        drawn["cool_down"]["on"] = on.isoformat()
    return drawn
