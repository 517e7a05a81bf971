"""Reading forms and addresses, and answering acts: what the pages of exam delivery share."""

from __future__ import annotations

import datetime as dt
import io
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.errors import ConflictError, DomainError, InvalidInputError
from kernel.http import current_actor, redirect_with_message
from kernel.uow import UnitOfWork, unit_of_work

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LOCAL_FORM = "%Y-%m-%dT%H:%M"


def text(name: str) -> str:
    """Return a typed text without blanks around it."""
    return request.form.get(name, "").strip()


def number(name: str) -> int | None:
    """Return a typed whole number, or None."""
    value = text(name)
    return int(value) if value.lstrip("-").isascii() and value.lstrip("-").isdigit() and len(value) < 9 else None


def ticked(name: str) -> bool:
    """Say whether a box was ticked."""
    return name in request.form


def zone() -> ZoneInfo:
    """Return the zone in which people type times."""
    return ZoneInfo(current_app.config["KAOKU"].timezone)


def moment(name: str) -> dt.datetime | None:
    """Return a typed date and time as an aware moment, or None."""
    return moment_of(text(name))


def moment_of(value: str) -> dt.datetime | None:
    """Return a date and time as people type them as an aware moment, or None."""
    try:
        return dt.datetime.strptime(value[:16], LOCAL_FORM).replace(tzinfo=zone())
    except ValueError:
        return None


def date(name: str) -> dt.date | None:
    """Return a typed date, or None."""
    try:
        return dt.date.fromisoformat(text(name))
    except ValueError:
        return None


def local(value: dt.datetime | None) -> str:
    """Return a moment as a date-and-time field shows it."""
    return value.astimezone(zone()).strftime(LOCAL_FORM) if value else ""


def key(value: str | None) -> uuid.UUID | None:
    """Return an identity from an address or form, or None for nonsense."""
    try:
        return uuid.UUID(value) if value else None
    except ValueError:
        return None


def keys(name: str) -> list[uuid.UUID]:
    """Return the identities chosen in a form."""
    return [found for value in request.form.getlist(name) if (found := key(value))]


def message_of(exc: DomainError) -> str:
    """Return a refusal's message in the reader's language."""
    template: str = _(exc.template)
    return template % exc.context if exc.context else template


def field_errors(exc: DomainError) -> dict[str, list[str]]:
    """Return what stands beside the fields of a form; a refusal without fields stands on top."""
    fields = exc.fields if isinstance(exc, InvalidInputError) else {}
    if not fields:
        return {"": [message_of(exc)]}
    return {name: [_(message) for message in messages] for name, messages in fields.items()}


def translated(message: str, params: Mapping[str, object]) -> str:
    """Return a message of a rule in the reader's language."""
    template: str = _(message)
    return template % params if params else template


def carry_out(back: str, done: str | Callable[[Any], str], verb: Callable[[UnitOfWork], Any]) -> Response:
    """Do one act in its transaction and go back, with what was done or why not."""
    try:
        with unit_of_work(current_actor()) as uow:
            result = verb(uow)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(back, message_of(exc), "danger")
    return redirect_with_message(back, done(result) if callable(done) else done)


def send_workbook(back: str, name: str, make: Callable[[UnitOfWork], bytes]) -> Response:
    """Make a workbook in a transaction that audits it and send it, or go back and say why not."""
    try:
        with unit_of_work(current_actor()) as uow:
            body = make(uow)
    except (ConflictError, InvalidInputError) as exc:
        return redirect_with_message(back, message_of(exc), "danger")
    return send_file(io.BytesIO(body), mimetype=XLSX, as_attachment=True, download_name=f"{name}.xlsx")


def job_page(job: Any) -> str:
    """Return the address where a job's progress is seen."""
    return url_for("jobs.detail", job_id=job.job_id)


def page_link(endpoint: str, **values: Any) -> Callable[[int], str]:
    """Return the address of a page of the list that is shown, with its filters kept."""
    kept = {name: value for name, value in request.args.items() if name != "page"}
    return lambda page: url_for(endpoint, **(kept | values | {"page": page}))
