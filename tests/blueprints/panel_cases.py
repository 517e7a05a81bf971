"""A panel over a sealed form, and raters who judge."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from blueprints.models_panels import StandardPanel
from blueprints.rules.panels import PanelMethod
from blueprints.services import panel_rating, panels
from blueprints.services.panels import NewPanel
from kernel.db import db
from kernel.identity.actor import Actor
from kernel.uow import unit_of_work

N_ITEMS = 20


def make_panel(
    leader: Actor, form_id: uuid.UUID, raters: list[Actor], method: PanelMethod = PanelMethod.ANGOFF, **known: object
) -> StandardPanel:
    """Set up a panel with its first round open."""
    with unit_of_work(leader) as uow:
        new = NewPanel(form_id, method, borderline="能独立完成常规检修的人", **known)  # type: ignore[arg-type]
        panel = panels.create_panel(uow, new)
        panels.invite(uow, panel.standard_panel_id, [one.user_id for one in raters if one.user_id])
        panels.open_round(uow, panel.standard_panel_id)
    return panel


def judge(actor: Actor, panel_id: uuid.UUID, given: Mapping[str, object], *, submits: bool = False) -> None:
    """Keep judgements one after another, as the page does."""
    with unit_of_work(actor) as uow:
        mine = dict(panel_rating.open_desk(uow.session, actor, panel_id).mine)
        for subject, value in given.items():
            known = mine[subject].revision if subject in mine else 0
            panel_rating.keep_judgement(uow, panel_id, subject, str(value), revision=known)
        if submits:
            panel_rating.submit_round(uow, panel_id)


def all_items(value: int) -> dict[str, object]:
    """The same percentage for every item."""
    return {f"item-{place}": value for place in range(1, N_ITEMS + 1)}


def close(leader: Actor, panel_id: uuid.UUID) -> dict[str, object]:
    """Close the open round as somebody who has looked; return its result."""
    session = db.session()
    panel = panels.repository.get_panel(session, panel_id, actor=leader)
    row = panels.current_round(session, panel)
    seen = panels.repository.count_judgements(session, row.panel_round_id)
    with unit_of_work(leader) as uow:
        return panels.close_round(uow, panel_id, seen=seen).result
