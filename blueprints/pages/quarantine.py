"""Items out of use: which forms they stand in, one act that swaps them out, and the size of the effect where they were sat."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint
from flask_babel import gettext as _

from blueprints import repository_uses as uses
from blueprints.pages import wording
from blueprints.services import quarantine as services
from blueprints.services import quarantine_elsewhere as elsewhere
from blueprints.services.held import find_held
from blueprints.services.quarantine import Extent, FormOutcome
from blueprints.services.quarantine_elsewhere import Elsewhere
from blueprints.services.sealing import form_title
from kernel.db import db
from kernel.http import Paging, current_actor, paging_from_request, render_page, requires
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.public_changes import QuarantineInfo

bp = Blueprint("quarantine", __name__, url_prefix="/quarantined-items")


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Items out of use, the last first, with the number of forms that hold each."""

    rows: Sequence[QuarantineInfo]
    n_forms: Mapping[uuid.UUID, int]
    paging: Paging
    href: object


@dataclass(frozen=True, slots=True)
class ExtentPage:
    """Everything one item touches; `outcomes` after the act."""

    extent: Extent
    title: object
    badge: object
    outcomes: Sequence[tuple[FormOutcome, str, str]]
    elsewhere: Sequence[Elsewhere] = ()

    @property
    def n_open(self) -> int:
        """How many forms nobody has sat yet hold the item, those of other organisations among them."""
        return len(self.extent.open_forms) + sum(one.n_open for one in self.elsewhere)


@bp.get("/")
@requires(Permission.FORM_ASSEMBLE)
def index() -> tuple[str, int]:
    """List items out of use."""
    session, actor, paging = db.session(), current_actor(), paging_from_request()
    held = sorted(find_held(session, actor).values(), key=lambda one: one.since, reverse=True)
    rows = held[paging.offset : paging.offset + paging.per_page]
    n_forms = uses.count_forms_holding(session, [one.item_id for one in rows], actor=actor)
    page = QuarantinePage(rows, n_forms, paging.of(len(held)), wording.page_address("quarantine.index"))
    return render_page("blueprints/quarantine.html", page)


@bp.get("/<uuid:item_id>")
@requires(Permission.FORM_ASSEMBLE)
def detail(item_id: uuid.UUID) -> tuple[str, int]:
    """Show the forms that hold an item out of use."""
    return _extent_page(item_id, ())


@bp.post("/<uuid:item_id>/sweep")
@requires(Permission.FORM_ASSEMBLE)
def sweep(item_id: uuid.UUID) -> tuple[str, int]:
    """Swap the item out of every form that nobody has sat yet, and say form by form what became of it."""
    with unit_of_work(current_actor()) as uow:
        done = services.sweep(uow, item_id)
        elsewhere.sweep_elsewhere(uow, item_id)
        lines = [(one, form_title(one.form), _(services.OUTCOME_LABELS[one.outcome])) for one in done]
    return _extent_page(item_id, lines)


def _extent_page(item_id: uuid.UUID, outcomes: Sequence[tuple[FormOutcome, str, str]]) -> tuple[str, int]:
    extent = services.find_extent(db.session(), current_actor(), item_id)
    others = elsewhere.find_elsewhere(db.session(), current_actor(), item_id)
    page = ExtentPage(extent, form_title, wording.form_badge, outcomes, others)
    return render_page("blueprints/extent.html", page)
