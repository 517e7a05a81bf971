"""Hand work on a draft in the browser: the bench with all rules, swapping, adding, taking out, locking, undoing."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from blueprints import repository
from blueprints.assembly.result import Check
from blueprints.models import ExamForm, FormChange, FormSlot
from blueprints.pages import wording
from blueprints.pages.forms import PlacedItem, placed_items
from blueprints.pages.outcome import CheckLine, Scopes, check_line, excerpt
from blueprints.rules.changes import place_of_json
from blueprints.rules.packages import score_text
from blueprints.rules.states import CHANGE_LABELS
from blueprints.services import changes, redraw, runs, swaps, views
from blueprints.services.bank import load_pool, own_items, scope_lines, slot_contents
from blueprints.services.bench import Bench, load_bench
from blueprints.services.quality import FormQuality, copies_of_offers, form_quality
from blueprints.services.sealing import form_title
from kernel.db import db
from kernel.http import current_actor, redirect_with_message, render_page, requires
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork, unit_of_work
from qbank import public as qbank

bp = Blueprint("form_work", __name__, url_prefix="/forms")
P = Permission
STEM = 80


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One change by hand, in words."""

    number: int
    words: str
    by: str
    at: Any
    is_undone: bool


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One place of the draft with what the assembler decides by."""

    slot: FormSlot
    number: int
    type: str
    stem: str
    n_used: int | None
    is_held: bool
    is_alike: bool


@dataclass(frozen=True, slots=True)
class BenchPage:
    """A draft on the bench."""

    row: ExamForm
    title: str
    ticket: str
    rows: list[BenchRow]
    checks: list[CheckLine]
    quality: FormQuality
    changes: list[ChangeLine]
    may_undo: bool

    @property
    def n_locked(self) -> int:
        """How many places are locked."""
        return sum(1 for row in self.rows if row.slot.is_locked)

    @property
    def broken(self) -> list[CheckLine]:
        """The rules that the draft breaks as it is."""
        return [check for check in self.checks if not check.met]


@dataclass(frozen=True, slots=True)
class OfferLine:
    """An item that may come in, and what it would change, in words."""

    entry: qbank.PoolEntry
    stem: str
    effects: list[tuple[str, str, str, str]]
    n_broken: int
    copies: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_forced(self) -> bool:
        """Say whether the item comes in with something left to mend."""
        return bool(self.n_broken or self.copies)


@dataclass(frozen=True, slots=True)
class SwapPage:
    """One item of a draft with all its parts, and what may stand in its place."""

    row: ExamForm
    title: str
    placed: PlacedItem
    parts: list[PlacedItem]
    offers: list[OfferLine]
    ticket: str
    query: str


@dataclass(frozen=True, slots=True)
class AddPage:
    """What may be added to a draft."""

    row: ExamForm
    title: str
    offers: list[OfferLine]
    ticket: str
    query: str
    broken: list[CheckLine]


@dataclass(frozen=True, slots=True)
class MeanwhilePage:
    """A change that came late: what others did since, and the change itself, ready to be made again."""

    row: ExamForm
    title: str
    theirs: list[ChangeLine]
    mine: str
    action: str
    fields: Mapping[str, str]
    back: str


@bp.post("/<uuid:form_id>/work")
@requires(P.FORM_ASSEMBLE)
def open_bench(form_id: uuid.UUID) -> Response:
    """Record that this person looks into the draft, then show it on the bench."""
    with unit_of_work(current_actor()) as uow:
        ticket = views.open_view(uow, form_id)
    return redirect(url_for("form_work.bench", form_id=form_id, ticket=ticket), code=303)


@bp.get("/<uuid:form_id>/work")
@requires(P.FORM_ASSEMBLE)
def bench(form_id: uuid.UUID) -> tuple[str, int]:
    """Show a draft with every rule held against it."""
    row, ticket = _seen(form_id)
    session, actor = db.session(), current_actor()
    found, quality, log = load_bench(session, actor, row), form_quality(session, actor, row), _change_lines(row)
    scopes = _scopes(actor, row)
    page = BenchPage(
        row, form_title(row), ticket, _rows(found, quality), [check_line(check, scopes) for check in found.checks()],
        quality, log[::-1], any(not line.is_undone for line in log),
    )  # fmt: skip
    return render_page("blueprints/bench.html", page)


def _seen(form_id: uuid.UUID) -> tuple[ExamForm, str]:
    """Return a form that this person's look has been recorded for, and the pass."""
    ticket = request.values.get("ticket", "")
    row = repository.get_form(db.session(), form_id, actor=current_actor(), with_slots=True)
    views.check_view(current_actor(), row, ticket)
    return row, ticket


def _scopes(actor: Actor, row: ExamForm) -> Scopes:
    return {line.code: line for line in scope_lines(db.session(), actor, row.standard_level_id)}


def _rows(bench: Bench, quality: FormQuality) -> list[BenchRow]:
    slots = bench.form.slots
    contents = qbank.load_contents(db.session(), current_actor(), [slot.item_version_id for slot in slots])
    rows, numbers = [], _numbers(bench.form)
    for slot in slots:
        entry = bench.pool.entries.get(str(slot.item_id))
        stem = excerpt(contents[slot.item_version_id].content.stem, STEM)
        rows.append(
            BenchRow(
                slot, numbers[slot.slot], wording.type_label(slot.type), stem, entry.n_used if entry else None,
                slot.item_id in quality.held, slot.slot in quality.slots,
            )
        )  # fmt: skip
    return rows


def _change_lines(row: ExamForm, found: Sequence[FormChange] | None = None) -> list[ChangeLine]:
    log = repository.list_changes(db.session(), row.exam_form_id)
    undone = {one.undoes for one in log if one.undoes is not None}
    return [
        ChangeLine(
            one.number, _words(one), one.changed_by_name, one.changed_at,
            one.number in undone or one.undoes is not None,
        )
        for one in (log if found is None else found)
    ]  # fmt: skip


def _words(change: FormChange) -> str:
    gone, come = ("、".join(place_of_json(row).item_code for row in rows) for rows in (change.before, change.after))
    words = f"{gone} → {come}" if gone and come and gone != come else gone or come
    return f"{_(CHANGE_LABELS[change.kind])} {words}"


@bp.get("/<uuid:form_id>/swap/<int:slot>")
@requires(P.FORM_ASSEMBLE)
def swap(form_id: uuid.UUID, slot: int) -> tuple[str, int]:
    """Offer the items that may stand in a place instead."""
    row, ticket = _seen(form_id)
    query = request.args.get("q", "").strip()[:60]
    offers = swaps.swap_offers(load_bench(db.session(), current_actor(), row), slot, query)
    items = placed_items(row, slot_contents(db.session(), current_actor(), row), with_key=True)
    parts = [item for item in items if item.slot.place == slot]
    page = SwapPage(row, form_title(row), parts[0], parts, _offer_lines(row, offers, but_slot=slot), ticket, query)
    return render_page("blueprints/swap.html", page)


def _offer_lines(row: ExamForm, offers: Sequence[swaps.Offer], *, but_slot: int | None = None) -> list[OfferLine]:
    """Return offers in words; near-copies of what stands in the form only where somebody looked for them, and last."""
    actor = current_actor()
    copies = copies_of_offers(db.session(), actor, row, [offer.entry for offer in offers], but_slot=but_slot)
    sought = bool(request.args.get("q", "").strip())
    offers = sorted(
        (offer for offer in offers if sought or offer.entry.item_id not in copies),
        key=lambda offer: offer.entry.item_id in copies,
    )
    own = own_items(db.session(), actor, [offer.entry.item_id for offer in offers])
    versions = [offer.entry.item_version_id for offer in offers if offer.entry.item_id in own]
    contents, scopes = qbank.load_contents(db.session(), actor, versions), _scopes(actor, row)
    stems = {key: excerpt(one.content.stem, 120) for key, one in contents.items()}
    return [
        OfferLine(
            offer.entry, stems.get(offer.entry.item_version_id) or _("共享试题，换入试卷后显示题面"),
            [_effect(effect.before, effect.after, scopes) for effect in offer.effects], len(offer.breaks),
            copies.get(offer.entry.item_id, []),
        )
        for offer in offers
    ]  # fmt: skip


def _effect(before: Check, after: Check, scopes: Scopes) -> tuple[str, str, str, str]:
    kind = "danger" if not after.met else "success" if not before.met else ""
    figures = score_text(round(before.got, 3)), score_text(round(after.got, 3))
    return (wording.say_text(after.text, scopes, after.constraint), *figures, kind)


@bp.post("/<uuid:form_id>/swap/<int:slot>")
@requires(P.FORM_ASSEMBLE)
def do_swap(form_id: uuid.UUID, slot: int) -> tuple[str, int] | Response:
    """Put the chosen item into the place."""
    item_id, is_forced = _item_id(), request.form.get("force") == "1"

    def act(uow: UnitOfWork) -> object:
        return swaps.swap_item(
            uow, form_id, slot=slot, item_id=item_id, version=_version(), is_forced=is_forced
        )  # fmt: skip

    n = _number(form_id, slot)
    message = _("第 %(n)s 题已替换", n=n) if is_forced else _("第 %(n)s 题已替换，全部要求仍然符合", n=n)
    return _acted(form_id, act, message, _("替换第 %(n)s 题", n=n), anchor=f"slot-{n}")


@bp.get("/<uuid:form_id>/add")
@requires(P.FORM_ASSEMBLE)
def add(form_id: uuid.UUID) -> tuple[str, int]:
    """Offer items to add, with what each would do to the rules."""
    row, ticket = _seen(form_id)
    query, scopes = request.args.get("q", "").strip()[:60], _scopes(current_actor(), row)
    found = load_bench(db.session(), current_actor(), row)
    broken = [check_line(check, scopes) for check in found.broken()]
    offers = _offer_lines(row, swaps.addition_offers(found, query))
    return render_page("blueprints/add_item.html", AddPage(row, form_title(row), offers, ticket, query, broken))


@bp.post("/<uuid:form_id>/add")
@requires(P.FORM_ASSEMBLE)
def do_add(form_id: uuid.UUID) -> tuple[str, int] | Response:
    """Add the chosen item."""
    item_id = _item_id()
    return _acted(
        form_id, lambda uow: swaps.add_item(uow, form_id, item_id=item_id, version=_version()), _("试题已加入"),
        _("加入一道试题"),
    )  # fmt: skip


@bp.post("/<uuid:form_id>/remove/<int:slot>")
@requires(P.FORM_ASSEMBLE)
def remove(form_id: uuid.UUID, slot: int) -> tuple[str, int] | Response:
    """Take an item out."""
    n = _number(form_id, slot)
    return _acted(
        form_id, lambda uow: swaps.remove_item(uow, form_id, slot=slot, version=_version()),
        _("第 %(n)s 题已移出", n=n), _("移出第 %(n)s 题", n=n),
    )  # fmt: skip


@bp.post("/<uuid:form_id>/lock/<int:slot>")
@requires(P.FORM_ASSEMBLE)
def lock(form_id: uuid.UUID, slot: int) -> tuple[str, int] | Response:
    """Lock a place, or free it."""
    is_locked, n = request.form.get("locked") == "1", _number(form_id, slot)
    return _acted(
        form_id, lambda uow: changes.set_lock(uow, form_id, slot=slot, is_locked=is_locked, version=_version()),
        _("第 %(n)s 题已锁定", n=n) if is_locked else _("第 %(n)s 题已解锁", n=n),
        _("锁定第 %(n)s 题", n=n) if is_locked else _("解锁第 %(n)s 题", n=n), anchor=f"slot-{n}",
    )  # fmt: skip


@bp.post("/<uuid:form_id>/redraw")
@requires(P.FORM_ASSEMBLE)
def redraw_rest(form_id: uuid.UUID) -> tuple[str, int] | Response:
    """Draw everything anew that is not locked."""
    item_ids = redraw.draw_rest(db.session(), current_actor(), form_id, seed=secrets.randbelow(runs.LARGEST_SEED))
    return _acted(
        form_id, lambda uow: redraw.put_rest(uow, form_id, item_ids=item_ids, version=_version()),
        _("锁定的试题保留，其余已重新抽取"), _("其余重抽"),
    )  # fmt: skip


@bp.post("/<uuid:form_id>/undo")
@requires(P.FORM_ASSEMBLE)
def undo(form_id: uuid.UUID) -> tuple[str, int] | Response:
    """Take the last change back."""
    return _acted(
        form_id, lambda uow: changes.undo_change(uow, form_id, version=_version()), _("上一步改动已撤销"),
        _("撤销上一步改动"),
    )  # fmt: skip


def _version() -> int:
    text = request.form.get("version", "")
    return int(text) if text.isdigit() else 0


def _item_id() -> uuid.UUID:
    return request.form.get("item_id", type=uuid.UUID) or uuid.UUID(int=0)


def _number(form_id: uuid.UUID, slot: int) -> int:
    """Return the number under which candidates find the item in a place."""
    row = repository.get_form(db.session(), form_id, actor=current_actor(), with_slots=True)
    return _numbers(row).get(slot, slot)


def _numbers(row: ExamForm) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in slot_contents(db.session(), current_actor(), row):
        found.setdefault(one.place, one.slot)
    return found


def _acted(
    form_id: uuid.UUID, act: Callable[[UnitOfWork], object], message: str, intent: str, *, anchor: str | None = None
) -> tuple[str, int] | Response:
    """Make a change; where somebody was faster, show theirs and keep this one to be made again."""
    seen_version = _version()
    try:
        with unit_of_work(current_actor()) as uow:
            act(uow)
    except changes.ChangedMeanwhileError:
        return _meanwhile(form_id, seen_version, intent)
    return redirect_with_message(_bench_address(form_id, anchor), message)


def _bench_address(form_id: uuid.UUID, anchor: str | None = None) -> str:
    return url_for("form_work.bench", form_id=form_id, ticket=request.form.get("ticket", ""), _anchor=anchor)


def _meanwhile(form_id: uuid.UUID, version: int, intent: str) -> tuple[str, int]:
    session, actor = db.session(), current_actor()
    row = repository.get_form(session, form_id, actor=actor)
    theirs = _change_lines(row, changes.changes_since(session, row, version))
    chosen = request.form.get("item_id", type=uuid.UUID)
    entry = load_pool(session, actor, row.standard_level_id).entries.get(str(chosen)) if chosen else None
    fields = {name: value for name, value in wording.form_text(request.form).items() if name != "version"}
    page = MeanwhilePage(
        row, form_title(row), theirs, f"{intent}：{entry.code}" if entry else intent, request.path,
        {**fields, "version": str(row.version)}, _bench_address(form_id),
    )  # fmt: skip
    return render_page("blueprints/meanwhile.html", page, status=409)
