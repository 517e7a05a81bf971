"""Reading panels for standard setting, always inside the actor's organisation."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from blueprints.models import ExamForm
from blueprints.models_panels import (
    PanelItem,
    PanelJudgement,
    PanelMember,
    PanelNote,
    PanelOutcome,
    PanelRound,
    PanelSubmission,
    StandardPanel,
)
from blueprints.rules.panels import Judgements, PanelStatus
from blueprints.rules.states import FormStatus
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User, UserRole
from kernel.identity.permissions import ROLE_PERMISSIONS, Permission

MOST = 500
LEADERS = (Permission.PANEL_MANAGE, Permission.FORM_APPROVE)
RATER_ROLES = [role for role, held in ROLE_PERMISSIONS.items() if Permission.PANEL_RATE in held]


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round with its outcome; without one it is open."""

    round: PanelRound
    outcome: PanelOutcome | None


def leads(actor: Actor) -> bool:
    """Say whether an actor sees whole panels: who leads them and who confirms their conclusions."""
    return any(actor.may(permission) for permission in LEADERS)


def _visible(actor: Actor) -> ColumnElement[bool]:
    """Return the panels of the organisation that an actor may know of: all, or those to which he or she is invited."""
    own = StandardPanel.organisation_id == actor.organisation
    if leads(actor):
        return own
    mine = select(PanelMember.standard_panel_id).where(
        PanelMember.user_id == actor.user_id, PanelMember.left_at.is_(None)
    )
    return own & StandardPanel.standard_panel_id.in_(mine)


def get_panel(session: Session, panel_id: uuid.UUID, *, actor: Actor) -> StandardPanel:
    """Return a panel that the actor leads or rates in; raises NotFoundError for all others."""
    row = session.scalar(select(StandardPanel).where(StandardPanel.standard_panel_id == panel_id, _visible(actor)))
    if row is None:
        raise NotFoundError(N_("专家组不存在，或您不在其中"))
    return row


def lock_panel(session: Session, panel_id: uuid.UUID, *, actor: Actor, for_rating: bool = False) -> StandardPanel:
    """Return a panel locked: alone for a step, shared among raters who only add judgements."""
    session.flush()
    query = select(StandardPanel).where(StandardPanel.standard_panel_id == panel_id, _visible(actor))
    locked = query.with_for_update(read=for_rating, of=StandardPanel).execution_options(populate_existing=True)
    row = session.scalar(locked)
    if row is None:
        raise NotFoundError(N_("专家组不存在，或您不在其中"))
    return row


def list_panels(
    session: Session, *, actor: Actor, status: str = "", offset: int = 0, limit: int = 50
) -> tuple[Sequence[StandardPanel], int]:
    """Return one page of panels, newest first, and how many there are."""
    query = select(StandardPanel).where(_visible(actor))
    if status:
        query = query.where(StandardPanel.status == PanelStatus(status))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(StandardPanel.created_at.desc(), StandardPanel.standard_panel_id)
    return session.scalars(ordered.offset(offset).limit(limit)).all(), total


def list_usable_forms(session: Session, *, actor: Actor) -> Sequence[ExamForm]:
    """Return the forms for which a panel may be set up, newest first."""
    query = select(ExamForm).where(
        ExamForm.organisation_id == actor.organisation,
        ExamForm.status.in_([FormStatus.APPROVED, FormStatus.SEALED]),
    )
    return session.scalars(query.order_by(ExamForm.created_at.desc(), ExamForm.label).limit(MOST)).all()


def list_items(session: Session, panel_id: uuid.UUID) -> Sequence[PanelItem]:
    """Return the items of a panel in the order of the booklet."""
    query = select(PanelItem).where(PanelItem.standard_panel_id == panel_id)
    return session.scalars(query.order_by(PanelItem.place)).all()


def list_members(session: Session, panel_id: uuid.UUID, *, with_left: bool = False) -> Sequence[PanelMember]:
    """Return the raters of a panel by number."""
    query = select(PanelMember).where(PanelMember.standard_panel_id == panel_id)
    if not with_left:
        query = query.where(PanelMember.left_at.is_(None))
    return session.scalars(query.order_by(PanelMember.number)).all()


def find_member(session: Session, panel_id: uuid.UUID, user_id: uuid.UUID | None) -> PanelMember | None:
    """Return a person's place in a panel, also one that was left."""
    query = select(PanelMember).where(PanelMember.standard_panel_id == panel_id, PanelMember.user_id == user_id)
    return session.scalar(query)


def list_possible_raters(session: Session, *, actor: Actor) -> list[User]:
    """Return the active experts of the organisation by name."""
    experts = select(UserRole.user_id).where(UserRole.role.in_(RATER_ROLES))
    query = select(User).where(
        User.organisation_id == actor.organisation, User.is_active.is_(True), User.user_id.in_(experts)
    )
    return list(session.scalars(query.order_by(User.name, User.username).limit(MOST)).unique())


def list_rounds(session: Session, panel_id: uuid.UUID) -> list[RoundRow]:
    """Return the rounds of a panel, first to last, with their outcomes."""
    query = (
        select(PanelRound, PanelOutcome)
        .outerjoin(PanelOutcome, PanelOutcome.panel_round_id == PanelRound.panel_round_id)
        .where(PanelRound.standard_panel_id == panel_id)
        .order_by(PanelRound.number)
    )
    return [RoundRow(row[0], row[1]) for row in session.execute(query)]


def judgements_of(
    session: Session, round_id: uuid.UUID, *, member_id: uuid.UUID | None = None
) -> dict[uuid.UUID, dict[str, PanelJudgement]]:
    """Return the newest judgements of a round, by rater and subject."""
    newer = aliased(PanelJudgement)
    is_older = select(newer.panel_judgement_id).where(
        newer.panel_round_id == PanelJudgement.panel_round_id,
        newer.panel_member_id == PanelJudgement.panel_member_id,
        newer.subject == PanelJudgement.subject,
        newer.revision > PanelJudgement.revision,
    )
    query = select(PanelJudgement).where(PanelJudgement.panel_round_id == round_id, ~is_older.exists())
    if member_id is not None:
        query = query.where(PanelJudgement.panel_member_id == member_id)
    found: dict[uuid.UUID, dict[str, PanelJudgement]] = defaultdict(dict)
    for row in session.scalars(query):
        found[row.panel_member_id][row.subject] = row
    return dict(found)


def plain(judgements: dict[str, PanelJudgement]) -> Judgements:
    """Return judgements as the rules read them."""
    return {subject: row.judgement for subject, row in judgements.items()}


def find_judgement(session: Session, round_id: uuid.UUID, member_id: uuid.UUID, subject: str) -> PanelJudgement | None:
    """Return a rater's newest judgement of a subject."""
    query = select(PanelJudgement).where(
        PanelJudgement.panel_round_id == round_id,
        PanelJudgement.panel_member_id == member_id,
        PanelJudgement.subject == subject,
    )
    return session.scalar(query.order_by(PanelJudgement.revision.desc()).limit(1))


def count_judgements(session: Session, round_id: uuid.UUID) -> int:
    """Return how many judgements a round holds, older revisions included."""
    query = select(func.count()).where(PanelJudgement.panel_round_id == round_id)
    return session.scalar(query) or 0


def submitted_ids(session: Session, round_id: uuid.UUID) -> set[uuid.UUID]:
    """Return the raters who said that a round is finished for them."""
    query = select(PanelSubmission.panel_member_id).where(PanelSubmission.panel_round_id == round_id)
    return set(session.scalars(query))


def list_notes(session: Session, panel_id: uuid.UUID) -> list[tuple[int, PanelNote]]:
    """Return the notes of a panel with the number of their round, oldest first."""
    query = (
        select(PanelRound.number, PanelNote)
        .join(PanelRound, PanelRound.panel_round_id == PanelNote.panel_round_id)
        .where(PanelRound.standard_panel_id == panel_id)
        .order_by(PanelNote.written_at, PanelNote.panel_note_id)
    )
    return [(row[0], row[1]) for row in session.execute(query.limit(MOST))]


def count_to_rate(session: Session, *, actor: Actor) -> int:
    """Return in how many open rounds the actor has not finished."""
    done = select(PanelSubmission.panel_submission_id).where(
        PanelSubmission.panel_round_id == PanelRound.panel_round_id,
        PanelSubmission.panel_member_id == PanelMember.panel_member_id,
    )
    closed = select(PanelOutcome.panel_outcome_id).where(PanelOutcome.panel_round_id == PanelRound.panel_round_id)
    query = (
        select(func.count())
        .select_from(PanelMember)
        .join(StandardPanel, StandardPanel.standard_panel_id == PanelMember.standard_panel_id)
        .join(PanelRound, PanelRound.standard_panel_id == PanelMember.standard_panel_id)
        .where(
            PanelMember.user_id == actor.user_id, PanelMember.left_at.is_(None),
            StandardPanel.organisation_id == actor.organisation, StandardPanel.status == PanelStatus.RATING,
            ~done.exists(), ~closed.exists(),
        )
    )  # fmt: skip
    return session.scalar(query) or 0


def count_proposed(session: Session, *, actor: Actor) -> int:
    """Return how many conclusions wait for a second person, leaving out those that the actor proposed."""
    query = select(func.count()).where(
        StandardPanel.organisation_id == actor.organisation,
        StandardPanel.status == PanelStatus.PROPOSED,
        StandardPanel.proposed_by.is_distinct_from(actor.user_id),
    )
    return session.scalar(query) or 0
