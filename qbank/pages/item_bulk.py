"""Acts on many items, each shown before it is done."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from kernel.db import db
from kernel.errors import InvalidInputError
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.actor import require
from kernel.identity.repository import user_names
from kernel.uow import unit_of_work
from qbank.pages.item_wording import Options, difficulty_options, excerpt, int_or_none, status_view, uuid_or_none
from qbank.pages.items import filter_from_request
from qbank.pages.wording import Errors, field_errors, form_text, said
from qbank.repository import items as repository
from qbank.repository.reminders import people_with_roles
from qbank.rules.bulk import BULK_LABELS, BULK_PERMISSIONS, MOST_ITEMS, BulkAct
from qbank.rules.marks import LONGEST
from qbank.rules.workflow import DECIDING_ROLES
from qbank.services import bulk
from qbank.services.bulk import BulkLine, BulkRequest, BulkResult
from qbank.services.marks import cognitive_levels

bp = Blueprint("item_bulk", __name__, url_prefix="/items")
MOST_LINES = 200
MOST_NAMED, NAMED_LENGTH = 5, 80
"""What a message after the act tells of refused items: it travels in a cookie."""
ACTING = tuple(dict.fromkeys(BULK_PERMISSIONS.values()))
FIELDS = ("tag", "point", "difficulty", "cognitive", "reason")
ACT_BY_WORD = {act.value: act for act in BulkAct}


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What will happen to one item, in the reader's language."""

    code: str
    href: str
    stem: str
    status: tuple[str, str]
    refusal: str
    change: str
    notes: list[str]


@dataclass(frozen=True, slots=True)
class BulkPage:
    """What an act will do, before it is done."""

    act: str
    label: str
    item_ids: list[uuid.UUID]
    lines: list[PlanLine]
    n_will: int
    n_refused: int
    is_ready: bool
    difficulties: Options
    cognitive_levels: Options
    reviewers: Options
    chosen: list[str]
    values: dict[str, str]
    back_href: str
    errors: Errors = field(default_factory=dict)

    @property
    def n_hidden(self) -> int:
        """Lines that are counted and not shown."""
        return max(0, self.n_will + self.n_refused - len(self.lines))


def read_request() -> BulkRequest | None:
    """Return what the form asks for; None when it names no act."""
    act = ACT_BY_WORD.get(form_text("act"))
    if act is None:
        return None
    return BulkRequest(
        act=act,
        item_ids=tuple(_selected()),
        tag=form_text("tag")[:60],
        point=form_text("point")[:60],
        difficulty=int_or_none(form_text("difficulty"), 1, 5),
        cognitive=form_text("cognitive")[:LONGEST],
        reason=form_text("reason")[:300],
        reviewers=tuple(_keys("reviewers")),
    )


def _keys(name: str) -> list[uuid.UUID]:
    """Return the ids that a field of the form lists, each once."""
    keys = (uuid_or_none(text) for text in request.form.getlist(name))
    return list(dict.fromkeys(key for key in keys if key))


def _selected() -> list[uuid.UUID]:
    """Return the checked items, or all that the filter finds when the form says so."""
    if form_text("whole") == "1":
        found = repository.list_item_ids(db.session(), actor=current_actor(), wanted=filter_from_request())
        return list(found[: MOST_ITEMS + 1])
    return _keys("selected")


@bp.post("/bulk")
@requires(*ACTING)
def show() -> tuple[str, int] | Response:
    """Show what an act will do to the selected items."""
    wanted = read_request()
    if wanted is None or not wanted.item_ids:
        return redirect_with_message(_back(), _("请先勾选试题，再选择要做的事"), "warning")
    require(current_actor(), BULK_PERMISSIONS[wanted.act])
    return _plan_page(wanted, is_first=True)


@bp.post("/bulk/do")
@requires(*ACTING)
def do() -> tuple[str, int] | Response:
    """Do an act that was shown."""
    wanted = read_request()
    if wanted is None or not wanted.item_ids:
        return redirect_with_message(_back(), _("请先勾选试题，再选择要做的事"), "warning")
    if form_text("step") == "preview":
        return _plan_page(wanted)
    try:
        with unit_of_work(current_actor()) as uow:
            result = bulk.carry_out(uow, wanted)
    except InvalidInputError as exc:
        return _plan_page(wanted, field_errors(exc))
    return redirect_with_message(_back(), *_outcome(wanted, result))


def _back() -> str:
    """Return the list from which the selection was made."""
    query = form_text("back")
    return url_for("items.index") + (query if query.startswith("?") else "")


def _plan_page(wanted: BulkRequest, errors: Errors | None = None, *, is_first: bool = False) -> tuple[str, int]:
    lines: list[BulkLine] = []
    errors = dict(errors or {})
    try:
        lines = bulk.plan(db.session(), current_actor(), wanted)
    except InvalidInputError as exc:
        errors = errors or field_errors(exc)
    is_ready = not errors
    if is_first and set(errors) <= {*FIELDS, "reviewers"}:
        errors = {}
    refused = [line for line in lines if line.is_refused]
    will = [line for line in lines if not line.is_refused]
    page = BulkPage(
        act=wanted.act.value, label=_(BULK_LABELS[wanted.act]), item_ids=list(wanted.item_ids),
        lines=_lines([*refused, *will][:MOST_LINES]), n_will=len(will), n_refused=len(refused), is_ready=is_ready,
        difficulties=difficulty_options(), cognitive_levels=_cognitive_levels(), reviewers=_reviewers() if wanted.act is BulkAct.ASSIGN else [],
        chosen=[str(key) for key in wanted.reviewers], values={name: form_text(name) for name in FIELDS},
        back_href=_back(), errors=errors,
    )  # fmt: skip
    return render_page("qbank/items/bulk.html", page, status=422 if errors else 200)


def _cognitive_levels() -> Options:
    return [(name, name) for name in cognitive_levels(db.session(), current_actor().organisation)]


def _reviewers() -> Options:
    """Return the people who may be asked to review, by name."""
    session = db.session()
    people = people_with_roles(session, current_actor().organisation, DECIDING_ROLES)
    return [(str(key), name) for key, name in sorted(user_names(session, list(people)).items(), key=itemgetter(1))]


def _lines(lines: list[BulkLine]) -> list[PlanLine]:
    rows = {row.item.item_id: row for row in repository.rows_of(db.session(), [line.item.item_id for line in lines])}
    return [
        PlanLine(
            code=line.item.code,
            href=url_for("items.detail", item_id=line.item.item_id),
            stem=excerpt(rows[line.item.item_id].content),
            status=status_view(line.item),
            refusal=said(line.refusal, line.params) if line.refusal else "",
            change=said(line.change, line.params) if line.change else "",
            notes=_notes(line),
        )
        for line in lines
    ]


def _notes(line: BulkLine) -> list[str]:
    return [said(template, context) for template, context in line.notes]


def _outcome(wanted: BulkRequest, result: BulkResult) -> tuple[str, str]:
    message = _("%(act)s：完成 %(n)s 题", act=_(BULK_LABELS[wanted.act]), n=result.n_done)
    parts = [message]
    if result.refused:
        shown = _named([(one, [said(one.refusal, one.params), *_notes(one)]) for one in result.refused])
        parts.append(_("%(n)s 题未处理：%(shown)s", n=len(result.refused), shown=shown))
    if result.noted:
        shown = _named([(one, _notes(one)) for one in result.noted])
        parts.append(_("%(n)s 题请留意：%(shown)s", n=len(result.noted), shown=shown))
    return "；".join(parts), "warning" if len(parts) > 1 else "success"


def _named(lines: Sequence[tuple[BulkLine, Sequence[str]]]) -> str:
    """Return the first of some items with what is to be said of each."""
    shown = "；".join(f"{line.item.code} {_cut('，'.join(said_of))}" for line, said_of in lines[:MOST_NAMED])
    return shown + (_(" 等") if len(lines) > MOST_NAMED else "")


def _cut(text: str) -> str:
    return text if len(text) <= NAMED_LENGTH else text[: NAMED_LENGTH - 1] + "…"
