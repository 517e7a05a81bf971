"""The demonstration's panel: five experts have judged a form once, and are at it again."""

from __future__ import annotations

import uuid

import numpy as np

from blueprints import repository_panels
from blueprints.rules.panels import PanelMethod, PanelSpec
from blueprints.services import panel_items, panel_rating, panels
from blueprints.services.panels import NewPanel
from kernel.db import db
from kernel.identity.actor import Actor
from kernel.identity.permissions import Role
from kernel.uow import unit_of_work
from web.demo.people import Staff

BORDERLINE = (
    "恰好合格的四级电工：能看懂常用电路图，能按规程完成单台设备的停送电、检修和测量；"
    "知道每一步的安全要求。还不能独立判断少见的故障，自动控制部分需要指导。"
)
EXPERTS = (
    (Role.AUTHOR, 1),
    (Role.REVIEWER, 1),
    (Role.REVIEWER, 2),
    (Role.REVIEWER, 3),
    (Role.ASSESSOR, 1),
)
SEVERITY = (4, -3, 0, 6, -5)
"""By how many points of a hundred each expert asks more than the others."""
SEED = 20261122
STEP = 5
N_DONE = 3
"""Experts who have finished the second round."""


def load_panel(staff: Staff, form_id: uuid.UUID) -> None:
    """Set up a panel over a form, let all judge it once, and most of them a second time."""
    leader = staff.actor(Role.ASSEMBLER)
    experts = [staff.actor(role, number) for role, number in EXPERTS]
    with unit_of_work(leader) as uow:
        new = NewPanel(form_id, PanelMethod.ANGOFF, borderline=BORDERLINE)
        panel_id = panels.create_panel(uow, new).standard_panel_id
        panels.invite(uow, panel_id, [one.user_id for one in experts if one.user_id])
        panels.open_round(uow, panel_id)
    spec = panel_items.spec_of(db.session(), repository_panels.get_panel(db.session(), panel_id, actor=leader))
    for place, expert in enumerate(experts):
        _judge(expert, panel_id, _chances(spec, place, spread=12))
    _close(leader, panel_id)
    with unit_of_work(leader) as uow:
        panels.open_round(uow, panel_id)
    for place, expert in enumerate(experts[:N_DONE]):
        _judge(expert, panel_id, _chances(spec, place, spread=6))


def _chances(spec: PanelSpec, place: int, *, spread: int) -> dict[str, tuple[str, int]]:
    """Return an expert's percentages: near the assumed difficulty, shifted by severity, in steps."""
    luck = np.random.default_rng([SEED, place]).normal(0, spread, len(spec.items))
    shift = SEVERITY[place] * spread / 12
    rough = [100 * item.assumed - 8 + shift + own for item, own in zip(spec.items, luck, strict=True)]
    return {
        item.subject: (str(int(np.clip(round(value / STEP) * STEP, STEP, 100))), 0)
        for item, value in zip(spec.items, rough, strict=True)
    }


def _judge(expert: Actor, panel_id: uuid.UUID, given: dict[str, tuple[str, int]]) -> None:
    with unit_of_work(expert) as uow:
        panel_rating.keep_all(uow, panel_id, given)
        uow.flush()  # what is missing is looked up
        panel_rating.submit_round(uow, panel_id)


def _close(leader: Actor, panel_id: uuid.UUID) -> None:
    panel = repository_panels.get_panel(db.session(), panel_id, actor=leader)
    row = panels.current_round(db.session(), panel)
    seen = repository_panels.count_judgements(db.session(), row.panel_round_id)
    with unit_of_work(leader) as uow:
        panels.close_round(uow, panel_id, seen=seen)
