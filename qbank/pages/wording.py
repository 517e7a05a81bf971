"""Refusals and findings in the reader's language, and acts that end where they began."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.errors import ConflictError, DomainError, InvalidInputError
from kernel.http import current_actor, redirect_with_message
from kernel.i18n import N_
from kernel.uow import UnitOfWork, unit_of_work
from qbank.rules.findings import Finding, Severity

Errors = dict[str, list[str]]

SEVERITY_KINDS = {Severity.ERROR: "danger", Severity.WARNING: "warning", Severity.NOTE: "info"}
SEVERITY_LABELS = {
    Severity.ERROR: N_("须改正"),
    Severity.WARNING: N_("请留意"),
    Severity.NOTE: N_("说明"),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding as a page shows it."""

    kind: str
    label: str
    text: str
    row: int


def said(template: str, context: Mapping[str, Any]) -> str:
    """Return a marked message translated and filled."""
    text: str = _(template)
    return text % context if context else text


def refusal(exc: DomainError) -> str:
    """Return the message of a refusal in the reader's language."""
    return said(exc.template, exc.context)


def field_errors(exc: InvalidInputError) -> Errors:
    """Return the messages of a refused form by field; those of no field stand under the empty name."""
    if not exc.fields:
        return {"": [refusal(exc)]}
    return {name: [_(message) for message in messages] for name, messages in exc.fields.items()}


def remarks(findings: Sequence[Finding]) -> list[Remark]:
    """Return findings as pages show them, the gravest first."""
    order = list(Severity)
    ordered = sorted(findings, key=lambda finding: (order.index(finding.severity), finding.row))
    return [
        Remark(SEVERITY_KINDS[f.severity], _(SEVERITY_LABELS[f.severity]), said(f.template, f.context), f.row)
        for f in ordered
    ]


def act_and_return(address: str, message: str, act: Callable[[UnitOfWork], object]) -> Response:
    """Do something in one transaction and return to a page with the outcome, done or refused."""
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except ConflictError as exc:
        return redirect_with_message(address, refusal(exc), "danger")
    return redirect_with_message(address, message)


def page_address(number: int) -> str:
    """Return the address of another page of the list that is shown, with the same filters."""
    return "?" + urlencode({**request.args.to_dict(), "page": str(number)})


def form_text(name: str) -> str:
    """Return a trimmed text of the form."""
    return request.form.get(name, "").strip()


def form_version() -> int | None:
    """Return the version that the form was opened with, None when it carries none."""
    return request.form.get("version", type=int)


def form_decimal(name: str, label: str) -> Decimal | None:
    """Return a number of the form, None for an empty field; raises InvalidInputError."""
    text = form_text(name)
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise InvalidInputError(
            N_("%(label)s应为数字"), fields={name: [_("%(label)s应为数字", label=label)]}, label=label
        )
    return value


def form_date(name: str) -> date | None:
    """Return a day of the form, None for an empty field; raises InvalidInputError."""
    text = form_text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as exc:
        message = N_("日期应写作 2026-11-21 的形式")
        raise InvalidInputError(message, fields={name: [message]}) from exc
