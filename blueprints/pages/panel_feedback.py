"""Feedback of a closed round: items with the panel's and the own ratings, raters by number, impact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from blueprints import repository_panels as repository
from blueprints.models_panels import PanelItem, PanelNote, PanelOutcome, PanelRound
from blueprints.pages.panel_words import FAR_FROM_PANEL, WIDE_SPREAD
from blueprints.rules.panels import chance_of
from blueprints.services.panel_items import rated
from blueprints.services.panel_reports import PanelView
from kernel.errors import NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item: what the panel said, what the reader said, what candidates did."""

    item: PanelItem
    panel: Mapping[str, Any]
    own: float | None
    is_disputed: bool
    is_far: bool


@dataclass(frozen=True, slots=True)
class RaterLine:
    """One rater's figures; `name` is empty where the reader may not know it."""

    figures: Mapping[str, Any]
    name: str
    is_mine: bool


@dataclass(frozen=True, slots=True)
class Feedback:
    """A closed round as one reader sees it."""

    round: PanelRound
    outcome: PanelOutcome
    lines: Sequence[ItemLine]
    raters: Sequence[RaterLine]
    notes: Sequence[PanelNote]
    has_own: bool

    @property
    def result(self) -> Mapping[str, Any]:
        """The figures of the round."""
        return self.outcome.result


def feedback_of(session: Session, view: PanelView, number: int, actor: Actor) -> Feedback:
    """Return the feedback of a round; raises NotFoundError while it is open."""
    row = next((one for one in view.rounds if one.round.number == number), None)
    if row is None or row.outcome is None:
        raise NotFoundError(N_("这一轮还没有关闭，反馈尚未开放"))
    member = next((one for one in view.members if one.user_id == actor.user_id), None)
    mine: Mapping[str, Any] = {}
    if member is not None:
        given = repository.judgements_of(session, row.round.panel_round_id, member_id=member.panel_member_id)
        mine = repository.plain(given.get(member.panel_member_id, {}))
    by_place = {one["place"]: one for one in row.outcome.result.get("items", [])}
    names = {one.number: one.name for one in view.members}
    own_number = member.number if member else 0
    sees_all = repository.leads(actor)
    raters = [
        RaterLine(one, names.get(one["number"], "") if sees_all else "", one["number"] == own_number)
        for one in row.outcome.result.get("raters", [])
        if sees_all or one["number"] == own_number
    ]
    return Feedback(
        round=row.round, outcome=row.outcome, raters=raters, has_own=bool(mine),
        lines=[_line(item, by_place[item.place], mine) for item in view.items if item.place in by_place],
        notes=[note for round_number, note in view.notes if round_number == number],
    )  # fmt: skip


def _line(item: PanelItem, panel: Mapping[str, Any], mine: Mapping[str, Any]) -> ItemLine:
    own = chance_of(rated(item), mine)
    is_far = own is not None and abs(own - panel["mean"]) > FAR_FROM_PANEL
    return ItemLine(item, panel, own, is_disputed=(panel["spread"] or 0) > WIDE_SPREAD, is_far=is_far)
