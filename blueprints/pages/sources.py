"""Where a blueprint takes its items from: the organisation's own bank, and those that others share with it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.models import ExamBlueprint
from blueprints.rules.sources import shared_banks, with_banks
from blueprints.rules.states import BlueprintStatus
from blueprints.services.blueprints import update_blueprint
from kernel.http import current_actor, redirect_with_message, requires
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.public_sharing import SharedSource, list_sources

bp = Blueprint("blueprint_sources", __name__, url_prefix="/blueprints")


@dataclass(frozen=True, slots=True)
class SourcePanel:
    """The banks that a blueprint may draw on, those it does, and how many of its choices are no longer in force."""

    sources: Sequence[SharedSource]
    chosen: frozenset[uuid.UUID]
    n_over: int
    may_change: bool

    @property
    def options(self) -> list[tuple[str, str]]:
        """The shared banks as tick boxes."""
        return [(str(one.bank_share_id), _("%(owner)s（至 %(day)s）", owner=one.owner_name, day=one.ends_on))
                for one in self.sources]  # fmt: skip

    @property
    def values(self) -> list[str]:
        """The ticked ones."""
        return [str(one) for one in self.chosen]


def source_panel(session: Session, actor: Actor, row: ExamBlueprint) -> SourcePanel | None:
    """Return the choice of a blueprint; None where nobody shares anything with its level."""
    sources = list_sources(session, actor, row.standard_level_id)
    chosen = frozenset(shared_banks(row.spec))
    if not sources and not chosen:
        return None
    n_over = len(chosen - {one.bank_share_id for one in sources})
    may_change = row.status is BlueprintStatus.DRAFT and actor.may(Permission.BLUEPRINT_WRITE)
    return SourcePanel(sources, chosen, n_over, may_change)


@bp.post("/<uuid:blueprint_id>/sources")
@requires(Permission.BLUEPRINT_WRITE)
def choose(blueprint_id: uuid.UUID) -> Response:
    """Keep which shared banks a draft draws on."""
    actor, wanted = current_actor(), set(request.form.getlist("shared"))
    with unit_of_work(actor) as uow:
        row = repository.get_blueprint(uow.session, blueprint_id, actor=actor)
        offered = list_sources(uow.session, actor, row.standard_level_id)
        chosen = [one.bank_share_id for one in offered if str(one.bank_share_id) in wanted]
        update_blueprint(
            uow, blueprint_id, version=request.form.get("version", 0, type=int), name=row.name,
            duration_minutes=row.duration_minutes, spec=with_banks(row.spec, chosen),
        )  # fmt: skip
    return redirect_with_message(url_for("blueprints.detail", blueprint_id=blueprint_id), _("试题来源已保存"))
