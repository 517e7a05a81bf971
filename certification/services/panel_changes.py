"""A member of a group drops out and another takes the place: odd size, recusal and the leader are kept, with a reason.

What a group has signed stands: it was decided by a full group. Whoever has not signed yet is judged by the group as it is from
now on: what the one who left gave stays in its round, marked as withdrawn and not counted; the others keep what they handed in;
the new member marks everybody who is not signed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from certification.models import AssessmentState, AssessorGroup, AssessorMember
from certification.repository import panels as repository
from certification.services.panel_groups import candidate_party, checked_reason, open_batch
from certification.services.panel_sheets import begin_round
from kernel import audit, conflicts
from kernel.clock import now
from kernel.conflicts import CycleRole, Party
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork


def replace_member(
    uow: UnitOfWork,
    group_id: uuid.UUID,
    *,
    leaving: uuid.UUID | None,
    joining: uuid.UUID | None,
    leader: uuid.UUID | None = None,
    reason: str,
) -> AssessorMember:
    """Put another assessor in the place of a member and return the new member.

    Raises
    ------
    InvalidInputError
        If the one who leaves is no member, the one who joins is or was one or may not assess, the leader leaves without a
        successor, or the reason is missing.
    ConflictOfInterestError
        If a rule of recusal keeps the new member away from a candidate who is not signed yet.
    ConflictError
        If the scores of the batch are locked.
    """
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    group = repository.get_group(uow.session, group_id, actor=uow.actor)
    open_batch(uow, group.certification_batch_id)
    uow.session.refresh(group, with_for_update=True)
    checked = checked_reason(reason)
    everybody = repository.everybody_of(uow.session, [group_id])[group_id]
    old = next((one for one in everybody if one.user_id == leaving and one.withdrawn_at is None), None)
    names = dict(repository.list_assessors(uow.session, actor=uow.actor))
    if old is None:
        raise _refused("leaving", N_("请选择退出的组员"))
    if joining is None or joining not in names or joining in {one.user_id for one in everybody}:
        raise _refused("joining", N_("请选择接替的考评员，不能是本组现在或以前的组员"))
    new_leader = _leader(group, everybody, old, joining, leader)
    new = _change(uow, old, joining, names[joining], checked)
    _go_on(uow, group, everybody, old, new)
    before = {"member": old.name, "leader": str(group.leader_id)}
    group.leader_id = new_leader
    audit.record(
        uow, "certification.replace_assessor", "assessor_group", group_id, before=before,
        after={"member": new.name, "leader": str(new_leader)}, reason=checked,
    )  # fmt: skip
    return new


def _refused(field: str, message: str) -> InvalidInputError:
    return InvalidInputError(message, fields={field: [message]})


def _leader(
    group: AssessorGroup,
    everybody: Sequence[AssessorMember],
    old: AssessorMember,
    joining: uuid.UUID,
    wanted: uuid.UUID | None,
) -> uuid.UUID:
    """Return who leads from now on: the leader as before, or the successor who has to be named when the leader leaves."""
    if old.user_id != group.leader_id:
        return group.leader_id
    present = {one.user_id for one in everybody if one.withdrawn_at is None and one is not old} | {joining}
    if wanted is None or wanted not in present:
        raise _refused("successor", N_("组长退出，请从留任和接替的组员中指定新组长"))
    return wanted


def _change(uow: UnitOfWork, old: AssessorMember, joining: uuid.UUID, name: str, reason: str) -> AssessorMember:
    old.withdrawn_at, old.withdrawn_reason, old.replaced_by = now(), reason[:300], name[:100]
    new = AssessorMember(
        organisation_id=old.organisation_id,
        assessor_group_id=old.assessor_group_id,
        user_id=joining,
        name=name[:100],
    )
    uow.add(new)
    return new


def _go_on(
    uow: UnitOfWork, group: AssessorGroup, everybody: Sequence[AssessorMember], old: AssessorMember, new: AssessorMember
) -> None:
    """Check recusal for everybody not signed yet; where the one who left had begun, go on in a new round."""
    rows = repository.assessments_of_groups(uow.session, [group.assessor_group_id])[group.assessor_group_id]
    waiting = [(task, record) for task, record in rows if task.state is not AssessmentState.SIGNED]
    party = Party(CycleRole.ASSESSOR, new.user_id, new.name)
    people = [candidate_party(record) for _task, record in waiting]
    conflicts.require_none(uow.session, group.organisation_id, [party], people)
    staying = {one.user_id for one in everybody if one.withdrawn_at is None and one is not old}
    reason = f"考评员更换：{old.name} 由 {new.name} 接替（{old.withdrawn_reason}）"
    for one, _record in waiting:
        task = repository.get_assessment(uow.session, one.assessment_id, actor=uow.actor, lock=True)
        has_begun = any(sheet.user_id == old.user_id for sheet in repository.sheets_of(uow.session, task))
        if task.state is not AssessmentState.SIGNED and has_begun:
            begin_round(uow, task, staying, reason=reason, is_kept_in=True)
