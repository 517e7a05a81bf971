"""Everything that a panel's pages and report say, read once; who takes a report away is recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository_panels as repository
from blueprints.models_panels import PanelItem, PanelMember, PanelNote, StandardPanel
from blueprints.repository_panels import RoundRow
from kernel import audit
from kernel.errors import ForbiddenError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.identity.repository import get_organisation, user_names
from kernel.uow import UnitOfWork

FORMATS = ("pdf", "xlsx", "csv")


@dataclass(frozen=True, slots=True)
class PanelView:
    """A panel with its booklet, raters, rounds and notes; `people` are names by user.

    `shows_codes` says whether the reader may know which items of the bank a form holds: who leads a panel need not.
    """

    panel: StandardPanel
    organisation: str
    items: Sequence[PanelItem]
    members: Sequence[PanelMember]
    rounds: Sequence[RoundRow]
    notes: Sequence[tuple[int, PanelNote]]
    people: Mapping[uuid.UUID, str]
    shows_codes: bool = False

    @property
    def last(self) -> RoundRow | None:
        """The last round that is closed, or None."""
        return next((row for row in reversed(self.rounds) if row.outcome is not None), None)

    @property
    def result(self) -> Mapping[str, Any]:
        """What the last closed round gave; empty before."""
        return {} if self.last is None or self.last.outcome is None else self.last.outcome.result

    def name(self, user_id: uuid.UUID | None) -> str:
        """Return a person's name."""
        return self.people.get(user_id, "") if user_id else ""


def load_view(session: Session, actor: Actor, panel_id: uuid.UUID) -> PanelView:
    """Return a panel that the actor leads or rates in."""
    panel = repository.get_panel(session, panel_id, actor=actor)
    people = [one for one in (panel.created_by, panel.proposed_by, panel.concluded_by) if one]
    return PanelView(
        panel=panel,
        organisation=get_organisation(session, panel.organisation_id).name,
        items=repository.list_items(session, panel_id),
        members=repository.list_members(session, panel_id, with_left=True),
        rounds=repository.list_rounds(session, panel_id),
        notes=repository.list_notes(session, panel_id),
        people=user_names(session, people),
        shows_codes=actor.may(Permission.FORM_READ),
    )


def load_report(session: Session, actor: Actor, panel_id: uuid.UUID) -> PanelView:
    """Return a panel for its report; raters see their feedback, not the report."""
    if not repository.leads(actor):
        raise ForbiddenError(N_("没有权限进行此操作，请联系本机构管理员"))
    view = load_view(session, actor, panel_id)
    if view.last is None:
        raise NotFoundError(N_("还没有关闭的评定轮次，没有报告"))
    return view


def record_export(uow: UnitOfWork, panel_id: uuid.UUID, file_format: str) -> None:
    """Record that somebody takes a report away as a file."""
    load_report(uow.session, uow.actor, panel_id)
    audit.record(uow, "panel.export", "standard_panel", panel_id, after={"format": file_format})
