"""Asking certain people to decide on items under review: who can be asked for which item, and then asking them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from kernel import audit, conflicts
from kernel.clock import now
from kernel.conflicts import Conflict, ConflictOfInterestError, CycleRole, Party, Severity
from kernel.errors import ConflictError, ForbiddenError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_user
from kernel.uow import UnitOfWork
from qbank.models.items import Item, ItemVersion, WorkflowStage
from qbank.models.workflow import ReviewAssignment
from qbank.repository import items as items_repository
from qbank.repository import reviews as repository
from qbank.rules.items import ItemStatus
from qbank.rules.review import PastDecision, Refusal, refusal
from qbank.services.review_desk import check_reviewer, is_one_stage

REFUSED_PEOPLE = {
    Refusal.OWN_ITEM: N_("%(person)s 命制或修改过这道题，不能审核"),
    Refusal.ALREADY_DECIDED: N_("%(person)s 已在“%(stage)s”对这道题作出决定"),
    Refusal.OTHER_STAGE: N_("%(person)s 已在另一环节审核过这一版本，不能再参加“%(stage)s”"),
}
NOT_IN_REVIEW = N_("试题 %(item)s 已不在审核中，可能刚由他人处理")


@dataclass(frozen=True, slots=True)
class Placement:
    """Who will be asked to decide on an item where it stands; `stage` is None for an item that is not under review."""

    item: Item
    stage: WorkflowStage | None = None
    added: tuple[Actor, ...] = ()
    present: tuple[Actor, ...] = ()
    refused: tuple[ForbiddenError, ...] = ()
    warned: tuple[Conflict, ...] = ()
    n_deciding: int = 0

    @property
    def n_missing(self) -> int:
        """How many people the stage needs beyond those who are asked."""
        return max(0, self.stage.quorum - self.n_deciding) if self.stage else 0


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the decisions about all items share."""

    people: tuple[tuple[Actor, bool], ...]
    stages: Mapping[uuid.UUID, WorkflowStage]
    versions: Mapping[uuid.UUID, ItemVersion]
    past: Mapping[uuid.UUID, Sequence[PastDecision]]
    asked: Mapping[uuid.UUID, set[uuid.UUID]]
    found: Mapping[tuple[uuid.UUID | None, uuid.UUID | None], Sequence[Conflict]] = field(default_factory=dict)
    one_stage: bool = True


def placements(
    session: Session, actor: Actor, items: Sequence[Item], reviewer_ids: Sequence[uuid.UUID]
) -> list[Placement]:
    """Return, item by item, which of some people would be asked and why others cannot be; nothing is changed.

    Raises
    ------
    InvalidInputError
        If nobody is chosen.
    NotFoundError
        If one of the people is not of the organisation.
    """
    require(actor, Permission.ITEM_COMMISSION)
    if not reviewer_ids or not items:
        message = N_("请选择试题和审题专家")
        raise InvalidInputError(message, fields={"reviewers": [message]})
    desk = _desk(session, actor, items, list(dict.fromkeys(reviewer_ids)))
    return [_placement(desk, item) for item in items]


def _desk(session: Session, actor: Actor, items: Sequence[Item], reviewer_ids: Sequence[uuid.UUID]) -> _Desk:
    people = tuple(_person(session, actor, key) for key in reviewer_ids)
    version_ids = [item.current_version_id for item in items]
    versions = items_repository.get_versions(session, version_ids)
    return _Desk(
        people=people,
        stages=repository.stages_by_id(session, {item.workflow_stage_id for item in items if item.workflow_stage_id}),
        versions=versions,
        past=repository.past_decisions(session, version_ids),
        asked=repository.assignments_of(session, items),
        found=_conflicts(session, actor, [person for person, _is_active in people], items, versions),
        one_stage=is_one_stage(session, actor),
    )


def _person(session: Session, actor: Actor, user_id: uuid.UUID) -> tuple[Actor, bool]:
    user = get_user(session, user_id, actor=actor)
    roles = frozenset(one.role for one in user.roles)
    return Actor(user.user_id, user.organisation_id, user.name, roles=roles), user.is_active


def _conflicts(
    session: Session,
    actor: Actor,
    people: Sequence[Actor],
    items: Sequence[Item],
    versions: Mapping[uuid.UUID, ItemVersion],
) -> dict[tuple[uuid.UUID | None, uuid.UUID | None], list[Conflict]]:
    """Return the conflicts between reviewers and authors, by both, the grave ones first."""
    authors = {key for item in items for key in _authors(item, versions)}
    found: dict[tuple[uuid.UUID | None, uuid.UUID | None], list[Conflict]] = {}
    for one in conflicts.find(
        session,
        actor.organisation,
        [Party(CycleRole.REVIEWER, person.user_id, person.name) for person in people],
        [Party(CycleRole.AUTHOR, key) for key in sorted(authors)],
    ):
        found.setdefault((one.first.user_id, one.second.user_id), []).append(one)
    return found


def _authors(item: Item, versions: Mapping[uuid.UUID, ItemVersion]) -> set[uuid.UUID]:
    pair = (item.author_id, versions[item.current_version_id].created_by)
    return {key for key in pair if key is not None}


def _placement(desk: _Desk, item: Item) -> Placement:
    if item.status is not ItemStatus.IN_REVIEW or item.workflow_stage_id is None:
        return Placement(item)
    stage, asked = desk.stages[item.workflow_stage_id], desk.asked[item.item_id]
    added, present, refused, warned = [], [], [], []
    for person, is_active in desk.people:
        if person.user_id in asked:
            present.append(person)
            continue
        try:
            _check(desk, item, stage, person, is_active=is_active)
        except ForbiddenError as exc:
            refused.append(exc)
        else:
            added.append(person)
            warned += _conflicts_of(desk, item, person)
    deciding = asked | {person.user_id for person in added} | _decided(desk, item)
    return Placement(item, stage, tuple(added), tuple(present), tuple(refused), tuple(warned), len(deciding))


def _check(desk: _Desk, item: Item, stage: WorkflowStage, person: Actor, *, is_active: bool) -> None:
    """Refuse to ask somebody who could not decide: by their account, their part in the item, a relation, their role."""
    if not is_active or person.user_id is None:
        raise ForbiddenError(N_("%(person)s 的账号已停用，不能指定"), person=person.name)
    version = desk.versions[item.current_version_id]
    found = refusal(
        person.user_id, (item.author_id, version.created_by), desk.past[item.current_version_id],
        stage_id=stage.workflow_stage_id, review_round=item.review_round, one_stage=desk.one_stage,
    )  # fmt: skip
    if found is not None:
        raise ForbiddenError(REFUSED_PEOPLE[found], error_code=found.value, person=person.name, stage=stage.name)
    for one in _conflicts_of(desk, item, person):
        if one.severity is Severity.REFUSE:
            raise ConflictOfInterestError(one.rule.explanation, **one.context)
    try:
        check_reviewer(person, item, stage, asked=())
    except ForbiddenError as exc:
        message = N_("%(person)s 不具备“%(stage)s”的相应角色")
        raise ForbiddenError(message, person=person.name, stage=stage.name) from exc


def _conflicts_of(desk: _Desk, item: Item, person: Actor) -> list[Conflict]:
    authors = sorted(_authors(item, desk.versions))
    return [one for author in authors for one in desk.found.get((person.user_id, author), ())]


def _decided(desk: _Desk, item: Item) -> set[uuid.UUID]:
    """Return who has decided already where an item stands."""
    here = (item.workflow_stage_id, item.review_round)
    past = desk.past[item.current_version_id]
    return {one.reviewer_id for one in past if (one.stage_id, one.review_round) == here}


def place(uow: UnitOfWork, placement: Placement) -> int:
    """Ask the people of a placement, whose item is locked; return how many."""
    item = placement.item
    for person in placement.added:
        row = ReviewAssignment(
            item_id=item.item_id, workflow_stage_id=item.workflow_stage_id, review_round=item.review_round,
            reviewer_id=person.user_id, assigned_by=uow.actor.user_id, assigned_at=now(),
        )  # fmt: skip
        uow.add(row)
        after = {"reviewer": str(person.user_id), "stage": placement.stage.name if placement.stage else ""}
        audit.record(uow, "item.assign_review", "item", item.item_id, after=after)
    return len(placement.added)


def assign_reviewers(uow: UnitOfWork, item_ids: Sequence[uuid.UUID], reviewer_ids: Sequence[uuid.UUID]) -> int:
    """Ask people to decide on items where they stand, everybody on every item or nobody on any; return how many asked.

    Raises
    ------
    ForbiddenError
        For the first person who cannot be asked, with the reason.
    ConflictError
        If an item is not under review.
    """
    require(uow.actor, Permission.ITEM_COMMISSION)
    items = items_repository.lock_items(uow.session, item_ids, actor=uow.actor)
    planned = placements(uow.session, uow.actor, items, reviewer_ids)
    for one in planned:
        if one.stage is None:
            raise ConflictError(NOT_IN_REVIEW, item=one.item.code)
        for reason in one.refused:
            raise reason
    return sum(place(uow, one) for one in planned)
