"""The items of a file as cards, with what was said about each and what becomes of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from item_templates import registry
from item_templates.canonical import content_to_json
from kernel.identity.actor import Actor
from qbank.models.items import ItemVersion
from qbank.models.standards import AssessmentPoint
from qbank.pages.differences import DiffRow, diff_parts, difference
from qbank.pages.item_wording import type_label
from qbank.rules.items import ImportDecision
from qbank.services import import_runs as services
from qbank.services.import_updates import BankMatch, MatchKind, is_updating, match_items, refusal_of

EDITED, LEFT_OUT, UPDATES, CONFLICTS, SAME = "edited", "left_out", "updates", "conflicts", "unchanged"


@dataclass(frozen=True, slots=True)
class KindLine:
    """How often something was said about the items of a file, with one example."""

    code: str
    n: int
    example: str
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class MatchView:
    """The item in the bank that an item of the file goes back to."""

    code: str
    href_id: uuid.UUID
    kind: str
    text: str
    rows: list[DiffRow]
    base_number: int | None
    current_number: int


@dataclass(frozen=True, slots=True)
class Card:
    """One item of the file as it would stand in the bank."""

    item: services.PreviewItem
    type_label: str
    template: str
    point_text: str
    fate: str
    match: MatchView | None

    @property
    def may_take(self) -> bool:
        """Say whether a person may bring in what now stays out."""
        return self.fate in {LEFT_OUT, CONFLICTS} and (self.match is None or self.match.kind != MatchKind.LOCKED)

    @property
    def may_leave_out(self) -> bool:
        """Say whether a person may leave out what now comes in."""
        return self.fate in {"new", UPDATES}


def matches_of(session: Session, actor: Actor, preview: services.Preview) -> dict[int, BankMatch]:
    """Return the items in the bank that items of a file go back to, by the place in the file."""
    return match_items(session, actor, [one.candidate for one in preview.items])


def fate_of(one: services.PreviewItem, match: BankMatch | None) -> str:
    """Return what becomes of an item: new, known, updates, conflicts, unchanged or left_out."""
    if match is None:
        known = any(notice.code == "duplicate_of" for notice in one.notices)
        return LEFT_OUT if one.decision is ImportDecision.SKIP else "known" if known else "new"
    if match.kind is MatchKind.UNCHANGED:
        return SAME
    if is_updating(match, one.decision):
        return UPDATES
    return LEFT_OUT if match.kind is MatchKind.CHANGED else CONFLICTS


def is_of_kind(one: services.PreviewItem, fate: str, kind: str) -> bool:
    """Say whether an item belongs to what the reader wants to see."""
    if kind == "any":
        return bool(one.notices)
    if kind == EDITED:
        return one.is_edited
    return not kind or kind == fate or any(notice.code == kind for notice in one.notices)


def kind_lines(preview: services.Preview, fates: Mapping[int, str], chosen: str) -> list[KindLine]:
    """Return what was said about the items, what was changed and what goes back, each with its number."""
    lines = [
        KindLine(code, n, example, f"?kind={code}", code == chosen)
        for code, n, example in _fate_lines(preview, fates)
        if n
    ]
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for one in preview.items:
        for notice in {n.code: n for n in one.notices}.values():
            counts[notice.code] += 1
            examples.setdefault(notice.code, notice.message)
    said = [KindLine(code, n, examples[code], f"?kind={code}", code == chosen) for code, n in counts.most_common()]
    return lines + said


def _fate_lines(preview: services.Preview, fates: Mapping[int, str]) -> list[tuple[str, int, str]]:
    counts = Counter(fates.values())
    return [
        (CONFLICTS, counts[CONFLICTS], _("题库中的同一题已被他人修改或不能修改，默认不更新")),
        (UPDATES, counts[UPDATES], _("题库中已有、文件中改过，将保存为新版本")),
        (SAME, counts[SAME], _("题库中已有、文件中没有改动")),
        (EDITED, sum(one.is_edited for one in preview.items), _("在本页修改过")),
        (LEFT_OUT, counts[LEFT_OUT], _("选择了不导入")),
    ]


def card_of(
    one: services.PreviewItem,
    fate: str,
    match: BankMatch | None,
    points: Mapping[str, AssessmentPoint],
    default: AssessmentPoint | None = None,
) -> Card:
    """Return an item as a card, with the default point if it names none; one that goes back into the bank shows what differs."""
    named = "；".join(f"{code} {points[code].name}" if code in points else f"{code}？" for code in one.points)
    if default and fate == "new" and not set(one.points) & set(points):  # as the import will do
        chosen = _("%(point)s（默认）", point=f"{default.full_code} {default.name}")
        named = "；".join(filter(None, (named, chosen)))
    template = registry.template_name(registry.get(one.content.type), "review")
    view = None if match is None else _match_view(one, match, points)
    return Card(one, type_label(one.content.type), template, named, fate, view)


def _match_view(one: services.PreviewItem, match: BankMatch, points: Mapping[str, AssessmentPoint]) -> MatchView:
    rows: list[DiffRow] = []
    if match.kind is not MatchKind.UNCHANGED:
        fresh = ItemVersion(
            type=one.own_content.type, content=content_to_json(one.own_content), difficulty=one.difficulty
        )  # fmt: skip
        named = [points[code] for code in one.points if code in points] or list(match.points)
        rows = difference(match.version, fresh, list(match.points), named) + _mark_rows(match)
    text = "" if match.kind in {MatchKind.UNCHANGED, MatchKind.CHANGED} else refusal_of(match)[1]
    return MatchView(
        match.item.code, match.item.item_id, match.kind.value, text, rows, match.base_number, match.version.number
    )


def _mark_rows(match: BankMatch) -> list[DiffRow]:
    """Return the marks that the file sets otherwise."""
    rows, new = [], match.marks
    if new.cognitive:
        rows.append(DiffRow(_("认知层次"), diff_parts(match.item.cognitive, new.cognitive)))
    if new.is_trial is not None:
        words = {True: _("是"), False: _("否")}
        rows.append(DiffRow(_("试测"), diff_parts(words[match.item.is_trial], words[new.is_trial])))
    return rows
