"""启封: ask for and confirm the opening of sealed parts, take note of early ones, name custodians; and the viewer's watermark."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import escape

from flask import Blueprint, current_app, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints import repository_release as stored
from blueprints.models import ExamForm, FormRelease, KeyCustodian
from blueprints.pages import wording
from blueprints.rules.releases import PART_LABELS, STATE_LABELS, ReleasePart, ReleaseState
from blueprints.services import custodians, releases
from blueprints.services.releases import Sitting
from blueprints.services.sealing import form_title
from kernel.clock import OFFICIAL_ZONE, now
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import Paging, current_actor, paging_from_request, redirect_with_message, render_page, requires
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.models import User
from kernel.identity.passwords import verify_password
from kernel.identity.permissions import Permission
from kernel.identity.services import check_throttle, record_failure
from kernel.uow import unit_of_work

bp = Blueprint("form_releases", __name__)
P = Permission
STATE_KINDS = {
    ReleaseState.WAITING: "info", ReleaseState.CONFIRMED: "success", ReleaseState.REFUSED: "warning",
    ReleaseState.WITHDRAWN: "neutral",
}  # fmt: skip
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="1200" viewBox="0 0 1200 1200" font-family="sans-serif" '
    'font-size="22" fill="#52606d" fill-opacity="0.16">{lines}</svg>'
)
ANGLE, STEP = -24, 200


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One request in words, and what this person may do with it."""

    release: FormRelease
    title: str
    part: str
    state: wording.Badge
    may_decide: bool
    may_withdraw: bool
    may_note: bool


@dataclass(frozen=True, slots=True)
class PartState:
    """One part of the form: whether it needs two persons, until when it is open, whether a request waits."""

    value: str
    label: str
    needs_two: bool
    opened: FormRelease | None
    waiting: FormRelease | None
    is_early: bool


@dataclass(frozen=True, slots=True)
class FormReleasePage:
    """The sealed parts of one form."""

    row: ExamForm
    title: str
    is_sealed: bool
    is_over: bool
    sittings: Sequence[Sitting]
    parts: list[PartState]
    rows: list[ReleaseRow]
    is_custodian: bool
    choices: list[tuple[str, str, str]]
    reason: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReleaseListPage:
    """All openings of the organisation."""

    rows: list[ReleaseRow]
    paging: Paging
    href: Callable[[int], str]
    n_alarms: int
    may_see_keepers: bool
    may_read: bool


@dataclass(frozen=True, slots=True)
class CustodianPage:
    """Who keeps the keys, and who may be named."""

    rows: Sequence[KeyCustodian]
    people: list[tuple[str, str]]
    may_name: bool
    errors: dict[str, list[str]] = field(default_factory=dict)


@bp.get("/forms/<uuid:form_id>/release")
@requires(P.FORM_READ)
def form(form_id: uuid.UUID) -> tuple[str, int]:
    """Show what of a form is sealed, and who opened it."""
    return _form_page(form_id)


def _form_page(form_id: uuid.UUID, *, reason: str = "", errors: dict[str, list[str]] | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    row = repository.get_form(session, form_id, actor=actor)
    parts = [_part(row, part) for part in ReleasePart]
    early = _("现在启封属于提前，将按应急启封通知管理员")
    found, _total = stored.list_releases(session, actor=actor, form_id=form_id)
    page = FormReleasePage(
        row=row, title=form_title(row), is_sealed=row.status.value == "sealed", is_over=releases.is_over(session, row),
        sittings=releases.sittings_of(session, row), parts=parts,
        rows=[_row(actor, release, one) for release, one in found], is_custodian=releases.is_custodian(session, actor),
        choices=[(one.value, one.label, early if one.is_early else "") for one in parts if one.needs_two], reason=reason, errors=errors or {},
    )  # fmt: skip
    return render_page("blueprints/release.html", page, status=422 if errors else 200)


def _part(row: ExamForm, part: ReleasePart) -> PartState:
    session = db.session()
    return PartState(
        part.value, _(PART_LABELS[part]), releases.needs_opening(session, row, part),
        releases.find_opening(session, row, part), stored.find_waiting(session, row.exam_form_id, part, moment=now()),
        releases.would_be_early(session, row, part),
    )  # fmt: skip


def _row(actor: Actor, release: FormRelease, row: ExamForm) -> ReleaseRow:
    state, is_own = release.state, release.requested_by == actor.user_id
    is_expired = state is ReleaseState.WAITING and release.expires_at <= now()
    label = _("已过确认时限") if is_expired else _(STATE_LABELS[state])
    waits = state is ReleaseState.WAITING and not is_expired
    alarms = any(actor.may(permission) for permission in releases.ALARMED)
    is_alarm = state is ReleaseState.CONFIRMED and release.is_early and release.noted_at is None
    return ReleaseRow(
        release, form_title(row), _(PART_LABELS[release.part]),
        {"label": label, "kind": "neutral" if is_expired else STATE_KINDS[state]},
        may_decide=waits and not is_own and releases.is_custodian(db.session(), actor),
        may_withdraw=waits and is_own,
        may_note=alarms and is_alarm and actor.user_id not in (release.requested_by, release.decided_by),
    )  # fmt: skip


@bp.post("/forms/<uuid:form_id>/release")
@requires(P.FORM_SEAL)
def ask(form_id: uuid.UUID) -> tuple[str, int] | Response:
    """Ask, as the first of two, to open a part."""
    reason = request.form.get("reason", "")
    try:
        _prove_oneself()
        part = _part_of(request.form.get("part", ""))
        with unit_of_work(current_actor()) as uow:
            releases.request_release(uow, form_id, part=part, reason=reason)
    except InvalidInputError as exc:
        return _form_page(form_id, reason=reason, errors=wording.refusal_fields(exc))
    return redirect_with_message(_here(form_id), _("已申请启封，请另一名保管人在时限内确认"))


def _part_of(text: str) -> ReleasePart:
    if text not in set(ReleasePart):
        message = N_("请选择要启封的部分")
        raise InvalidInputError(message, fields={"part": [message]})
    return ReleasePart(text)


def _prove_oneself() -> None:
    """Ask for the password once more; wrong ones are counted and recorded like failed sign-ins."""
    session, actor = db.session(), current_actor()
    user = session.get(User, actor.user_id)
    username, address = (user.username if user else ""), request.remote_addr or ""
    check_throttle(session, username, address)
    typed = next((text for name, text in request.form.items() if name.startswith("password")), "")
    if user is not None and verify_password(typed, user.password_hash):
        return
    with unit_of_work(actor) as uow:
        record_failure(uow, username, address)
    message = N_("密码不正确；启封前须再次输入登录密码")
    raise InvalidInputError(message, fields={"password": [message]})


def _here(form_id: uuid.UUID) -> str:
    return url_for("form_releases.form", form_id=form_id)


def _decided(form_release_id: uuid.UUID, verb: Callable[..., FormRelease], message: str) -> tuple[str, int] | Response:
    """Carry out a decision about a request; a wrong password shows the form's page again."""
    session, actor = db.session(), current_actor()
    form_id = stored.get_release(session, form_release_id, actor=actor).exam_form_id
    try:
        _prove_oneself()
    except InvalidInputError as exc:
        return _form_page(form_id, errors=wording.refusal_fields(exc))
    with unit_of_work(actor) as uow:
        verb(uow, form_release_id)
    return redirect_with_message(_here(form_id), message)


@bp.post("/form-releases/<uuid:form_release_id>/confirm")
@requires(P.FORM_SEAL)
def confirm(form_release_id: uuid.UUID) -> tuple[str, int] | Response:
    """Open a part as the second person."""
    return _decided(form_release_id, releases.confirm_release, _("已启封，双方和时间已记入审计"))


@bp.post("/form-releases/<uuid:form_release_id>/refuse")
@requires(P.FORM_SEAL)
def refuse(form_release_id: uuid.UUID) -> tuple[str, int] | Response:
    """Refuse a request as the second person."""
    return _decided(form_release_id, releases.refuse_release, _("已拒绝启封申请"))


@bp.post("/form-releases/<uuid:form_release_id>/withdraw")
@requires(P.FORM_SEAL)
def withdraw(form_release_id: uuid.UUID) -> Response:
    """Take one's own request back."""
    with unit_of_work(current_actor()) as uow:
        row = releases.withdraw_release(uow, form_release_id)
    return redirect_with_message(_here(row.exam_form_id), _("已撤销启封申请"))


@bp.post("/form-releases/<uuid:form_release_id>/note")
@requires(*releases.ALARMED)
def note(form_release_id: uuid.UUID) -> Response:
    """Take note of an early opening."""
    with unit_of_work(current_actor()) as uow:
        releases.take_note(uow, form_release_id)
    return redirect_with_message(url_for("form_releases.index"), _("已记录您知悉此次应急启封"))


@bp.get("/form-releases/")
@requires(P.FORM_SEAL, *releases.ALARMED)
def index() -> tuple[str, int]:
    """List all openings and requests of the organisation."""
    session, actor, paging = db.session(), current_actor(), paging_from_request()
    found, total = stored.list_releases(session, actor=actor, offset=paging.offset, limit=paging.per_page)
    rows = [_row(actor, release, one) for release, one in found]
    href = wording.page_address("form_releases.index")
    may_see = actor.may(P.WORKFLOW_MANAGE) or actor.may(P.FORM_SEAL)
    n_alarms = stored.count_alarms(session, actor=actor)
    page = ReleaseListPage(rows, paging.of(total), href, n_alarms, may_see, may_read=actor.may(P.FORM_READ))
    return render_page("blueprints/releases.html", page)


@bp.get("/key-custodians/")
@requires(P.WORKFLOW_MANAGE, P.FORM_SEAL)
def keepers() -> tuple[str, int]:
    """Show who keeps the keys."""
    return _keepers_page()


def _keepers_page(errors: dict[str, list[str]] | None = None) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    rows = stored.list_custodians(session, actor=actor)
    named = {row.user_id for row in rows}
    people = [
        (str(one.user_id), f"{one.name}（{one.username}）")
        for one in stored.list_possible_custodians(session, actor=actor)
        if one.user_id not in named and one.user_id != actor.user_id
    ]
    page = CustodianPage(rows, people, actor.may(P.WORKFLOW_MANAGE), errors or {})
    return render_page("blueprints/custodians.html", page, status=422 if errors else 200)


@bp.post("/key-custodians/")
@requires(P.WORKFLOW_MANAGE)
def appoint() -> tuple[str, int] | Response:
    """Name a custodian."""
    user_id = request.form.get("user_id", type=uuid.UUID) or uuid.UUID(int=0)
    try:
        with unit_of_work(current_actor()) as uow:
            custodians.appoint_custodian(uow, user_id)
    except InvalidInputError as exc:
        return _keepers_page(wording.refusal_fields(exc))
    return redirect_with_message(url_for("form_releases.keepers"), _("已指定密钥保管人"))


@bp.post("/key-custodians/<uuid:user_id>/dismiss")
@requires(P.WORKFLOW_MANAGE)
def dismiss(user_id: uuid.UUID) -> Response:
    """End a custodian's office."""
    with unit_of_work(current_actor()) as uow:
        custodians.dismiss_custodian(uow, user_id)
    return redirect_with_message(url_for("form_releases.keepers"), _("已取消密钥保管人"))


@bp.get("/forms/<uuid:form_id>/watermark.svg")
@requires(P.FORM_READ)
def watermark(form_id: uuid.UUID) -> Response:
    """Answer the picture that lies over the items of a form: who looks, and when."""
    actor = current_actor()
    repository.get_form(db.session(), form_id, actor=actor)
    return current_app.response_class(watermark_svg(actor.name, now()), mimetype="image/svg+xml")


def watermark_svg(name: str, moment: datetime) -> str:
    """Return a picture that says all over who looked and when."""
    words = escape(f"{name} {moment.astimezone(OFFICIAL_ZONE):%Y-%m-%d %H:%M}")
    places = [(x, y) for y in range(80, 1200, STEP) for x in range(0, 1200, STEP * 2)]
    lines = "".join(f'<text x="{x}" y="{y}" transform="rotate({ANGLE} {x} {y})">{words}</text>' for x, y in places)
    return SVG.format(lines=lines)
