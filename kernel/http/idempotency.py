"""One place where a request that names a key is carried out once and answered again: JSON by a header, forms by a hidden field."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import IO, TypeVar

from flask import current_app, flash, redirect, request
from flask import session as browser_session
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kernel.canonical import canonical_json, digest_bytes
from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import asked_again
from kernel.i18n import N_
from kernel.idempotency import Answer, Ask, AskedOtherwiseError, ask_of, find_answer, keep_answer, take_key
from kernel.identity.actor import Actor
from kernel.uow import held_work, unit_of_work

R = TypeVar("R")
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
FIELD = "once_key"
UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
KEPT_HEADERS = ("Content-Type", "Location", "HX-Redirect", "Content-Disposition")
NOT_COMPARED = frozenset({FIELD, "csrf_token"})
FIRST_ERROR = 400
PIECE = 1 << 20


def new_key() -> str:
    """Return the key of a form that is being shown."""
    return secrets.token_urlsafe(16)


class _AnsweredError(Exception):
    """Somebody sent the same request at the same moment and was faster."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def once(actor: Actor, view: Callable[[], R]) -> R | Response:
    """Run a view; under a key that was answered before, return that answer and do nothing.

    The answer is kept in the transaction of the act. A refusal changes nothing and is not kept: the same key may be sent
    again. Scripts are told at once that a request still runs; people wait for its answer. Other content under the same key
    is refused to scripts; people are asked, with all that they typed, whether they mean a second act.

    Raises
    ------
    InvalidInputError
        If the key is malformed, or a script used it for another request.
    ConflictError
        If a request with the same key still runs.
    """
    key = _key()
    if not key:
        return view()
    ask = ask_of(actor, endpoint=f"{request.method} {request.endpoint}", key=key, content=_content())
    try:
        return _once(actor, ask, view)
    except _AnsweredError as faster:
        return _again(faster.answer)
    except AskedOtherwiseError as earlier:
        if _is_script():
            raise InvalidInputError(N_("这个 Idempotency-Key 已用于内容不同的请求，没有执行；请换新的")) from earlier
        return asked_again.page(earlier, without=NOT_COMPARED)


def _once(actor: Actor, ask: Ask, view: Callable[[], R]) -> R | Response:
    def take(session: Session) -> None:
        take_key(session, ask, waits=not _is_script())
        if kept := find_answer(session, ask):
            raise _AnsweredError(kept)

    n_messages = len(_messages())
    with held_work(take) as held:
        if kept := find_answer(db.session(), ask):
            return _again(kept)
        response = current_app.make_response(view())  # type: ignore[arg-type]  # what a view returns
        if held.has_acted and _is_worth_keeping(response):
            with unit_of_work(actor) as uow:
                keep_answer(uow, ask, _answer(response, n_messages))
    return response


def _is_worth_keeping(response: Response) -> bool:
    """Say whether an answer ends an act; a file that a page gives is taken anew, and noted, each time."""
    is_file = not _is_script() and response.headers.get("Content-Disposition", "").startswith("attachment")
    return response.status_code < FIRST_ERROR and not is_file


def _is_script() -> bool:
    return request.path.startswith("/api/")


def _key() -> str:
    if request.method not in UNSAFE_METHODS:
        return ""
    given = request.headers.get(HEADER) if _is_script() else request.form.get(FIELD)
    if given is None:
        return ""
    if not VISIBLE.fullmatch(given):
        message = N_("Idempotency-Key 应为 1 到 200 个可见的 ASCII 字符，不含空格")
        raise InvalidInputError(message, fields={HEADER: [message]})
    return given


def _content() -> str:
    """Return what makes a request this one: its address and content, without what every page shows anew."""
    if request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        fields = [one for one in request.form.items(multi=True) if one[0] not in NOT_COMPARED]
        return canonical_json([request.full_path, fields, _files()]).decode()
    return canonical_json([request.full_path, digest_bytes(request.get_data())]).decode()


def _files() -> list[list[str]]:
    found = []
    for name, storage in request.files.items(multi=True):
        found.append([name, storage.filename or "", _digest_of(storage.stream)])
        storage.seek(0)
    return found


def _digest_of(stream: IO[bytes]) -> str:
    """Return the digest of an upload, read piece by piece: it may be larger than the memory should hold."""
    found = sha256()
    for piece in iter(lambda: stream.read(PIECE), b""):
        found.update(piece)
    return found.hexdigest()


def _messages() -> list[tuple[str, str]]:
    """Return the messages that wait for the next page."""
    return [(category, text) for category, text in browser_session.get("_flashes", [])]


def _answer(response: Response, n_messages: int) -> Answer:
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return Answer(response.status_code, headers, response.get_data(), _messages()[n_messages:])


def _again(kept: Answer) -> Response:
    """Return a kept answer, with its messages, and say that nothing was done a second time."""
    response = _led_on(kept) or current_app.response_class(kept.body, status=kept.status)
    for name in ("Content-Type", "Content-Disposition"):
        if name in kept.headers:
            response.headers[name] = kept.headers[name]
    response.headers[REPLAYED] = "true"
    if not _is_script():
        _tell_again(kept)
    return response


def _led_on(kept: Answer) -> Response | None:
    """Lead to where the answer led: the drawer is told an address, a page is sent on, whichever of both asked first."""
    address = kept.headers.get("Location") or kept.headers.get("HX-Redirect")
    if not address:
        return None
    if request.headers.get("HX-Request") == "true":
        return current_app.response_class(status=204, headers={"HX-Redirect": address})
    return redirect(address, code=303)


def _tell_again(kept: Answer) -> None:
    for category, text in kept.messages:
        if (category, text) not in _messages():
            flash(text, category)
    flash(_("同一张表单收到了两次，只执行了一次。"), "info")
