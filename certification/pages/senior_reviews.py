"""What a member of a panel sees: the applications to judge, their materials, and one vote with a score."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from certification.models import SeniorApplication, SeniorMaterial, SeniorPanelMember
from certification.pages.wording import Errors, download, field_errors, form_text, refusal
from certification.repository import seniors as repository
from certification.rules.seniors import STATE_LABELS, SeniorState
from certification.services import senior_panels
from certification.services import seniors as services
from kernel import profiles
from kernel.conflicts import ConflictOfInterestError
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.permissions import Permission
from kernel.skill_levels import all_levels
from kernel.uow import unit_of_work

bp = Blueprint("cert_senior_reviews", __name__, url_prefix="/certification/senior-reviews")
VOTES = {"for": True, "against": False}


@dataclass(frozen=True, slots=True)
class ReviewsPage:
    """The applications on whose panel the person sits."""

    rows: Sequence[tuple[SeniorApplication, SeniorPanelMember]]
    labels: dict[SeniorState, str]


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """One application before a member of its panel."""

    row: SeniorApplication
    member: SeniorPanelMember
    materials: Sequence[SeniorMaterial]
    held_name: str
    state_label: str
    is_open: bool
    values: dict[str, str]
    errors: Errors = field(default_factory=dict)


@bp.get("/")
@requires(Permission.SKILL_SCORE_WRITE)
def index() -> tuple[str, int]:
    """List what the person is asked to judge."""
    rows = repository.list_reviews(db.session(), actor=current_actor())
    page = ReviewsPage(rows, {state: _(label) for state, label in STATE_LABELS.items()})
    return render_page("certification/senior_reviews.html", page)


@bp.get("/<uuid:key>")
@requires(Permission.SKILL_SCORE_WRITE)
def show(key: uuid.UUID) -> tuple[str, int]:
    """Show one application to a member of its panel."""
    return _page(key, {})


def _page(key: uuid.UUID, errors: Errors) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    member = repository.find_member(session, key, actor=actor)
    if member is None:
        raise NotFoundError(repository.MISSING)
    row = services.readable(session, actor, key)
    levels = all_levels(profiles.values(session, row.organisation_id))
    page = ReviewPage(
        row, member, repository.list_materials(session, key),
        levels[row.current_level].name if row.current_level in levels else row.current_level,
        _(STATE_LABELS[row.state]), row.state is SeniorState.REVIEW and member.voted_at is None,
        request.form.to_dict(), errors,
    )  # fmt: skip
    return render_page("certification/senior_review.html", page, status=422 if errors else 200)


@bp.post("/<uuid:key>")
@requires(Permission.SKILL_SCORE_WRITE)
def vote(key: uuid.UUID) -> tuple[str, int] | Response:
    """Keep the person's vote."""
    try:
        with unit_of_work(current_actor()) as uow:
            senior_panels.vote(
                uow, key, is_for=VOTES.get(form_text("vote")), score=form_text("score"), comment=form_text("comment")
            )
    except InvalidInputError as exc:
        return _page(key, field_errors(exc))
    except (ConflictError, ConflictOfInterestError) as exc:
        return redirect_with_message(url_for("cert_senior_reviews.index"), refusal(exc), "danger")
    return redirect_with_message(url_for("cert_senior_reviews.index"), _("评审意见已提交"))


@bp.post("/materials/<uuid:material_id>")
@requires(Permission.SKILL_SCORE_WRITE)
def material(material_id: uuid.UUID) -> Response:
    """Download a material; audited, hence a post."""
    with unit_of_work(current_actor()) as uow:
        name, content, kind = services.read_application_material(uow, material_id)
    return download(name, content, kind)
