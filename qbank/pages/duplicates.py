"""查重: the pairs that a check put beside each other, and what is decided about them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import DomainError
from kernel.http import (
    MenuEntry,
    Paging,
    Todo,
    current_actor,
    paging_from_request,
    redirect_with_message,
    render_page,
    requires,
)
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.curation import CurationRun
from qbank.models.items import ItemVersion
from qbank.pages.differences import DiffRow, difference
from qbank.pages.item_wording import Options, level_options, level_title, status_view, uuid_or_none
from qbank.pages.wording import form_text, form_version, page_address, refusal
from qbank.repository import curation as curation_repository
from qbank.repository import items as item_repository
from qbank.repository import pairs as repository
from qbank.repository import standards
from qbank.repository.pairs import PairRow
from qbank.rules.pairs import ORIGIN_KINDS, ORIGIN_LABELS, STATE_LABELS, PairOrigin, PairState
from qbank.services import disclosures, duplicates

bp = Blueprint("duplicates", __name__, url_prefix="/duplicates")
MENU = (MenuEntry(N_("标准与题库"), N_("查重"), "duplicates.index", (Permission.ITEM_RETIRE,), icon="copy", order=55),)
PER_PAGE = 20
MAY = Permission.ITEM_RETIRE
STATES = {state.value: state for state in PairState}


@dataclass(frozen=True, slots=True)
class LevelsPage:
    """The levels that can be checked."""

    levels: Options


@dataclass(frozen=True, slots=True)
class PairCard:
    """Two items side by side."""

    row: PairRow
    origin: str
    origin_kind: str
    rows: list[DiffRow]
    first_status: tuple[str, str]
    second_status: tuple[str, str]


@dataclass(frozen=True, slots=True)
class PairsPage:
    """One page of a level's pairs."""

    standard_level_id: uuid.UUID
    title: str
    run: CurationRun | None
    cards: list[PairCard]
    tabs: list[dict[str, object]]
    origins: Options
    origin: str
    state: str
    paging: Paging

    def page_href(self, number: int) -> str:
        """Return the address of another page of the same list."""
        return page_address(number)


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the pairs that wait for a decision."""
    if not actor.may(MAY) or actor.organisation_id is None:
        return []
    n = repository.count_open(session, actor=actor)
    return [Todo(_("相似或互相提示的试题"), n, url_for("duplicates.index"), _("请逐对判定"))] if n else []


@bp.get("/")
@requires(MAY)
def index() -> tuple[str, int] | Response:
    """Choose a level."""
    level_id = uuid_or_none(request.args.get("level", ""))
    if level_id is not None:
        return level(level_id)
    return render_page("qbank/curation/duplicate_levels.html", LevelsPage(level_options(db.session(), current_actor())))


@bp.get("/<uuid:level_id>")
@requires(MAY)
def level(level_id: uuid.UUID) -> tuple[str, int]:
    """Show the pairs of a level."""
    session, actor, paging = db.session(), current_actor(), paging_from_request(PER_PAGE)
    row = standards.get_level(session, level_id, actor=actor)
    state = STATES.get(request.args.get("state", ""), PairState.OPEN)
    origin = request.args.get("origin", "")
    chosen = PairOrigin(origin) if origin in set(PairOrigin) else None
    found, total = repository.list_pairs(
        session, level_id, actor=actor, state=state, origin=chosen, page=paging.page, per_page=paging.per_page
    )
    page = PairsPage(
        standard_level_id=level_id,
        title=level_title(row),
        run=curation_repository.find_run(session, level_id, "duplicates", actor=actor),
        cards=_cards(session, found),
        tabs=_tabs(level_id, state),
        origins=[(one.value, _(label)) for one, label in ORIGIN_LABELS.items()],
        origin=origin,
        state=state.value,
        paging=paging.of(total),
    )
    return render_page("qbank/curation/pairs.html", page)


def _tabs(level_id: uuid.UUID, state: PairState) -> list[dict[str, object]]:
    counts = repository.count_by_state(db.session(), level_id, actor=current_actor())
    return [
        {
            "label": _(label),
            "href": url_for("duplicates.level", level_id=level_id, state=one.value),
            "active": one is state,
            "count": counts.get(one, 0),
        }
        for one, label in STATE_LABELS.items()
    ]


def _cards(session: Session, found: list[PairRow]) -> list[PairCard]:
    keys = [item.current_version_id for row in found for item in (row.first, row.second)]
    versions = item_repository.get_versions(session, keys)
    points = item_repository.points_of_versions(session, keys)

    def compared(row: PairRow) -> list[DiffRow]:
        old: ItemVersion = versions[row.first.current_version_id]
        new: ItemVersion = versions[row.second.current_version_id]
        return difference(old, new, points[old.item_version_id], points[new.item_version_id])

    for row in found:
        for item in (row.first, row.second):
            disclosures.disclose(session, current_actor(), item, item.current_version_id, way="difference")
    return [
        PairCard(
            row=row,
            origin=_(ORIGIN_LABELS[row.pair.origin]),
            origin_kind=ORIGIN_KINDS[row.pair.origin],
            rows=compared(row),
            first_status=status_view(row.first),
            second_status=status_view(row.second),
        )
        for row in found
    ]


@bp.post("/<uuid:level_id>/run")
@requires(MAY)
def run(level_id: uuid.UUID) -> Response:
    """Ask for the check of a level."""
    with unit_of_work(current_actor()) as uow:
        job = duplicates.start_check(uow, level_id)
    return redirect_with_message(url_for("jobs.detail", job_id=job.job_id), _("查重已开始"))


DECISIONS = {
    "retire_first": (PairState.DUPLICATE, "first_item_id"),
    "retire_second": (PairState.DUPLICATE, "second_item_id"),
    "enemy": (PairState.ENEMY, ""),
    "enemy_group": (PairState.ENEMY, ""),
    "different": (PairState.DIFFERENT, ""),
    "reopen": (PairState.OPEN, ""),
}


@bp.post("/pairs/<uuid:pair_id>")
@requires(MAY)
def decide(pair_id: uuid.UUID) -> Response:
    """Record what was decided about a pair."""
    decision = form_text("decision")
    pair = repository.lock_pair(db.session(), pair_id, actor=current_actor())
    address = url_for("duplicates.level", level_id=pair.standard_level_id)
    if decision not in DECISIONS:
        return redirect_with_message(address, _("请选择怎样处理这一对试题"), "warning")
    state, side = DECISIONS[decision]
    try:
        with unit_of_work(current_actor()) as uow:
            duplicates.decide(
                uow, pair_id, version=form_version() or 0, state=state,
                retired_item_id=getattr(pair, side) if side else None,
                is_transitive=decision == "enemy_group", reason=form_text("reason"),
            )  # fmt: skip
    except DomainError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, _("已记为“%(state)s”", state=_(STATE_LABELS[state])))
