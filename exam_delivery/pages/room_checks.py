"""The check page of a room: open to whoever has the room's code, without an account and without a name on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from exam_delivery.pages import reading
from exam_delivery.rules import seb
from exam_delivery.rules.readiness import BLOCKING, FINDINGS
from exam_delivery.services import room_checks
from exam_delivery.services.room_checks import CheckedRoom, Verdict
from kernel.clock import iso, now
from kernel.db import db
from kernel.errors import ConflictError, DomainError, InvalidInputError, NotFoundError, TooManyAttemptsError
from kernel.http import public, render_page
from kernel.identity.actor import system_actor
from kernel.uow import UnitOfWork, unit_of_work

bp = Blueprint("room_checks", __name__, url_prefix="/room-check")
ACTOR = "room-check"


@dataclass(frozen=True, slots=True)
class CodePage:
    """The form for the code of a room."""

    code: str
    error: str


@dataclass(frozen=True, slots=True)
class SeatPage:
    """The check of one seat."""

    room: CheckedRoom


def _write(organisation_id: uuid.UUID | None, act: Callable[[UnitOfWork], Any]) -> Any:
    with unit_of_work(system_actor(organisation_id, name=ACTOR)) as uow:
        return act(uow)


def _room(code: str) -> CheckedRoom:
    return room_checks.open_room(db.session(), code, request.remote_addr or "", _write)


@bp.get("/")
@public
def index() -> tuple[str, int] | Response:
    """Ask for the code of a room."""
    code = request.args.get("code", "").strip()
    if not code:
        return render_page("exam_delivery/readiness/code.html", CodePage("", ""))
    try:
        room = _room(code)
    except NotFoundError as exc:
        return render_page("exam_delivery/readiness/code.html", CodePage(code[:20], _(exc.template)), status=404)
    return redirect(url_for("room_checks.seat", code=room.code), 303)


@bp.get("/<code>")
@public
def seat(code: str) -> tuple[str, int]:
    """Show the check page of a room."""
    return render_page("exam_delivery/readiness/seat.html", SeatPage(_room(code)))


@bp.get("/<code>/clock")
@public
def clock(code: str) -> Response:
    """Answer the server's time: measured several times for the way there and back."""
    _room(code)
    return jsonify({"now": iso(now())})


def _refusal(exc: DomainError) -> Response:
    """Return why a check was not kept, as the page's script reads it."""
    response = jsonify({"error": exc.code, "message": reading.message_of(exc)})
    response.status_code = exc.http_status
    return response


@bp.post("/<code>/seats/<int:seat_number>")
@public
def check(code: str, seat_number: int) -> Response:
    """Judge what the browser at a seat measured."""
    room = _room(code)
    raw = request.get_json(silent=True)
    query = request.query_string.decode()
    path = request.path + (f"?{query}" if query else "")

    def proofs(base_url: str) -> list[seb.Proof]:
        return seb.read_proofs(base_url, path, lambda name: request.headers.get(name, ""))

    def keep(uow: UnitOfWork) -> Verdict:
        agent = request.headers.get("User-Agent", "")
        return room_checks.keep_check(uow, room, seat_number, raw, user_agent=agent, proofs=proofs)

    try:
        verdict = _write(room.organisation_id, keep)
    except (ConflictError, InvalidInputError, TooManyAttemptsError) as exc:
        return _refusal(exc)
    findings = [
        {"text": _(FINDINGS[code][0]), "todo": _(FINDINGS[code][1]), "is_blocking": code in BLOCKING}
        for code in verdict.findings
    ]
    return jsonify({"seat": verdict.seat_number, "is_ready": verdict.is_ready, "findings": findings})
