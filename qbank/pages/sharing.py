"""Sharing a bank with another organisation: agreements of either side, offering, accepting, ending, and what the owner learns."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.clock import today
from kernel.db import db
from kernel.errors import ConflictError, InvalidInputError
from kernel.http import MenuEntry, Todo, current_actor, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import unit_of_work
from qbank.models.standards import StandardLevel
from qbank.pages.item_wording import date_or_none, uuid_or_none
from qbank.pages.wording import Errors, field_errors, form_text, form_version, refusal
from qbank.repository import sharing as repository
from qbank.repository import standards
from qbank.repository.sharing import ShareRow
from qbank.rules.sharing import LIVE, STATE_KINDS, STATE_LABELS, ShareState, is_in_force
from qbank.services import sharing as services
from qbank.services.sharing import ACCEPT, OFFER, DriftLine

bp = Blueprint("sharing", __name__, url_prefix="/bank-shares")
LOOK = (OFFER, Permission.FORM_ASSEMBLE)
MENU = (MenuEntry(N_("标准与题库"), N_("题库共享"), "sharing.index", LOOK, icon="users", order=60),)
SHOWN_LINES = 200


@dataclass(frozen=True, slots=True)
class ShareLine:
    """An agreement as this side sees it."""

    row: ShareRow
    is_owner: bool
    state: tuple[str, str]

    @property
    def partner(self) -> str:
        """The other side."""
        return self.row.receiver_name if self.is_owner else self.row.owner_name


@dataclass(frozen=True, slots=True)
class ShareListPage:
    """The agreements of both directions."""

    given: list[ShareLine]
    taken: list[ShareLine]
    may_offer: bool


@dataclass(frozen=True, slots=True)
class OfferPage:
    """The form of a new offer."""

    levels: list[tuple[str, str]]
    values: Mapping[str, str]
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SharePage:
    """One agreement, what this side may do, and for the owner how the items did at each organisation."""

    line: ShareLine
    levels: list[tuple[str, str]]
    receiver_level: str
    n_points: int
    n_common: int
    drift: Sequence[DriftLine]
    n_leads: int
    names: Mapping[uuid.UUID, str]
    may_answer: bool
    may_end: bool
    errors: Errors = field(default_factory=dict)


def todos(session: Session, actor: Actor) -> list[Todo]:
    """Return the offers that wait for an answer."""
    if actor.organisation_id is None or not actor.may(ACCEPT):
        return []
    n = repository.count_offered(session, actor=actor)
    return [Todo(_("待确认的题库共享"), n, url_for("sharing.index"), _("请核对范围和期限后接受或不接受"))]


def _line(row: ShareRow, actor: Actor) -> ShareLine:
    share, day = row.share, today()
    if share.state in LIVE and share.ends_on < day:
        state = _("已到期"), "neutral"
    elif share.state is ShareState.ACTIVE and not is_in_force(share.state, share.starts_on, share.ends_on, day):
        state = _("尚未开始"), "info"
    else:
        state = _(STATE_LABELS[share.state]), STATE_KINDS[share.state]
    return ShareLine(row, share.organisation_id == actor.organisation, state)


@bp.get("/")
@requires(*LOOK)
def index() -> tuple[str, int]:
    """List the agreements of the organisation."""
    actor = current_actor()
    lines = [_line(row, actor) for row in repository.list_shares(db.session(), actor=actor)]
    given = [line for line in lines if line.is_owner]
    taken = [line for line in lines if not line.is_owner and line.row.share.state is not ShareState.WITHDRAWN]
    return render_page("qbank/sharing/list.html", ShareListPage(given, taken, actor.may(OFFER)))


def _levels() -> list[tuple[str, str]]:
    levels = standards.list_levels(db.session(), actor=current_actor())
    return [(str(level.standard_level_id), _title(level)) for level in levels]


def _title(level: StandardLevel) -> str:
    edition = level.edition
    return f"{edition.standard.occupation_name} {level.name}（{edition.label}）"


@bp.get("/new")
@requires(OFFER)
def new() -> tuple[str, int]:
    """Show the form of a new offer."""
    values = {"level": request.args.get("level", ""), "starts_on": today().isoformat()}
    return render_page("qbank/sharing/new.html", OfferPage(_levels(), values))


@bp.post("/new")
@requires(OFFER)
def offer() -> tuple[str, int] | Response:
    """Offer a level's bank to another organisation."""
    values = {name: text.strip()[:400] for name, text in request.form.items()}
    level_id = uuid_or_none(values.get("level", ""))
    if level_id is None:
        return render_page(
            "qbank/sharing/new.html", OfferPage(_levels(), values, {"level": [_("请选择职业等级")]}), status=422
        )
    wanted = services.Offer(
        level_id, values.get("receiver_code", ""), values.get("purpose", ""),
        date_or_none(values.get("starts_on", "")), date_or_none(values.get("ends_on", "")),
        values.get("includes_trials") == "1",
    )  # fmt: skip
    try:
        with unit_of_work(current_actor()) as uow:
            share = services.offer_share(uow, wanted)
    except InvalidInputError as exc:
        return render_page("qbank/sharing/new.html", OfferPage(_levels(), values, field_errors(exc)), status=422)
    except ConflictError as exc:
        return render_page("qbank/sharing/new.html", OfferPage(_levels(), values, {"": [refusal(exc)]}), status=409)
    address = url_for("sharing.detail", bank_share_id=share.bank_share_id)
    return redirect_with_message(address, _("已提出共享，等待对方确认"))


@bp.get("/<uuid:bank_share_id>")
@requires(*LOOK)
def detail(bank_share_id: uuid.UUID) -> tuple[str, int]:
    """Show one agreement."""
    return _share_page(bank_share_id)


def _share_page(bank_share_id: uuid.UUID, errors: Errors | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    line = _line(repository.get_share(session, bank_share_id, actor=actor), actor)
    share = line.row.share
    may_answer = not line.is_owner and share.state is ShareState.OFFERED and actor.may(ACCEPT)
    may_end = actor.may(OFFER if line.is_owner else ACCEPT) and (
        share.state is ShareState.ACTIVE or (line.is_owner and share.state is ShareState.OFFERED)
    )
    candidates = services.candidate_levels(session, share) if may_answer else ()
    own = session.get(StandardLevel, share.receiver_level_id) if share.receiver_level_id else None
    level = own or next(iter(candidates), None)
    n_points = standards.count_points(session, [share.standard_level_id]).get(share.standard_level_id, 0)
    common = repository.common_points(session, share.standard_level_id, level.standard_level_id) if level else {}
    seen = services.find_drift(session, actor, share.standard_level_id) if line.is_owner and actor.may(OFFER) else []
    names = repository.organisation_names(session, {one.organisation_id for one in seen})
    page = SharePage(
        line, [(str(one.standard_level_id), f"{_title(one)} · {one.edition.standard.code}") for one in candidates],
        _title(own) if own else "", n_points, len(common), seen[:SHOWN_LINES], sum(one.is_lead for one in seen), names,
        may_answer, may_end, errors or {},
    )  # fmt: skip
    return render_page("qbank/sharing/detail.html", page, status=422 if errors else 200)


@bp.post("/<uuid:bank_share_id>/accept")
@requires(ACCEPT)
def accept(bank_share_id: uuid.UUID) -> tuple[str, int] | Response:
    """Accept an offer for one of the organisation's levels."""
    level_id = uuid_or_none(form_text("receiver_level_id"))
    try:
        with unit_of_work(current_actor()) as uow:
            services.accept_share(
                uow, bank_share_id, receiver_level_id=level_id or uuid.UUID(int=0), version=form_version() or 0
            )  # fmt: skip
    except InvalidInputError as exc:
        return _share_page(bank_share_id, field_errors(exc))
    return redirect_with_message(_address(bank_share_id), _("已接受共享，可以在组卷蓝图中选用"))


@bp.post("/<uuid:bank_share_id>/decline")
@requires(ACCEPT)
def decline(bank_share_id: uuid.UUID) -> Response:
    """Turn an offer down."""
    with unit_of_work(current_actor()) as uow:
        services.decline_share(uow, bank_share_id, version=form_version() or 0)
    return redirect_with_message(_address(bank_share_id), _("没有接受这项共享"))


@bp.post("/<uuid:bank_share_id>/end")
@requires(OFFER, ACCEPT)
def end(bank_share_id: uuid.UUID) -> Response:
    """End an agreement, or take an offer back."""
    reason = form_text("reason")
    with unit_of_work(current_actor()) as uow:
        share = services.end_share(uow, bank_share_id, version=form_version() or 0, reason=reason)
        is_ended = share.state is ShareState.ENDED
    message = _("共享已终止；已封存的试卷照常使用") if is_ended else _("共享已撤回")
    return redirect_with_message(_address(bank_share_id), message)


def _address(bank_share_id: uuid.UUID) -> str:
    return url_for("sharing.detail", bank_share_id=bank_share_id)
