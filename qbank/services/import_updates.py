"""Items that come back from a file they were exported to: what changed becomes a new version, nothing else is touched."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from item_templates.canonical import content_from_json
from item_templates.contract import Choice, ItemContent
from item_templates.formulas.pieces import normal_html
from kernel import audit
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.interchange.model import Notice
from qbank.models.items import Item, ItemVersion
from qbank.models.standards import AssessmentPoint
from qbank.repository import imports as repository
from qbank.repository import items as items_repository
from qbank.rules.items import EDITABLE, STATUS_LABELS, ImportDecision, ItemStatus
from qbank.rules.marks import NO_MARKS, StatedMarks, stated_marks
from qbank.services import imports, marks
from qbank.services import items as item_services
from qbank.services.import_edits import Edit

UPDATE_NOTE = N_("由导入文件更新")
UNDO_NOTE = N_("撤销导入，恢复原内容")


class MatchKind(enum.StrEnum):
    """How an item of a file stands to the item in the bank whose code it carries."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    CONFLICT = "conflict"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One item of a file: the code it carries, the version it was exported as, and what it says now."""

    code: str
    base_number: int | None
    digest: str
    points: tuple[str, ...]
    difficulty: int | None
    content: ItemContent
    columns: Mapping[str, object]

    def says(self, version: ItemVersion) -> bool:
        """Say whether the file has an item as a version has it; another way of writing a formula is no difference."""
        if self.difficulty != version.difficulty:
            return False
        return self.digest == version.content_digest or _normal(self.content) == _normal(
            content_from_json(version.content)
        )


def _normal(content: ItemContent) -> ItemContent:
    return replace(
        content,
        stem=normal_html(content.stem),
        explanation=normal_html(content.explanation),
        choices=tuple(Choice(one.id, normal_html(one.content)) for one in content.choices),
        targets=tuple(Choice(one.id, normal_html(one.content)) for one in content.targets),
    )


@dataclass(frozen=True, slots=True)
class BankMatch:
    """The item in the bank that an item of the file goes back to."""

    kind: MatchKind
    item: Item
    version: ItemVersion
    points: tuple[AssessmentPoint, ...]
    base_number: int | None
    marks: StatedMarks = NO_MARKS
    has_same_content: bool = False


def candidate_of(one: imports.PreparedItem) -> Candidate:
    """Return an item of a file as it is compared with the bank."""
    item = one.source.item
    return Candidate(
        item.id, imports.base_number(item), one.digest, tuple(item.points), item.difficulty, one.content, item.metadata
    )


def match_items(session: Session, actor: Actor, candidates: Sequence[Candidate]) -> dict[int, BankMatch]:
    """Return the items in the bank that items of a file carry the code of, by the place in the file."""
    items = repository.find_by_codes(session, [one.code for one in candidates], actor=actor)
    if not items:
        return {}
    current = [item.current_version_id for item in items.values()]
    versions = items_repository.get_versions(session, current)
    points = items_repository.points_of_versions(session, current)
    wanted = {items[one.code].item_id: one.base_number for one in candidates if one.code in items and one.base_number}
    bases = repository.find_numbered_versions(session, wanted)
    levels = marks.cognitive_levels(session, actor.organisation)
    found: dict[int, BankMatch] = {}
    taken: set[uuid.UUID] = set()
    for number, one in enumerate(candidates):
        item = items.get(one.code)
        if item is None or item.item_id in taken:
            continue
        taken.add(item.item_id)
        version = versions[item.current_version_id]
        own = tuple(points[item.current_version_id])
        kind = _kind(one, item, version, own, bases.get(item.item_id))
        changed, is_same = _changed_marks(actor, one, item, levels), kind is MatchKind.UNCHANGED
        if is_same and changed != NO_MARKS:
            kind = MatchKind.CHANGED
        found[number] = BankMatch(kind, item, version, own, one.base_number, changed, is_same)
    return found


def _changed_marks(actor: Actor, one: Candidate, item: Item, levels: Sequence[str]) -> StatedMarks:
    """Return the marks that the file has otherwise, of those that the actor may set."""
    changes = stated_marks(one.columns, levels).changes(item.cognitive, is_trial=item.is_trial)
    return changes if actor.may(Permission.ITEM_RETIRE) else replace(changes, is_trial=None)


def _kind(
    one: Candidate, item: Item, version: ItemVersion, points: Sequence[AssessmentPoint], base: ItemVersion | None
) -> MatchKind:
    same_points = not one.points or [point.full_code for point in points] == list(one.points)
    if same_points and one.says(version):
        return MatchKind.UNCHANGED
    if base is not None and base.number != version.number:
        return MatchKind.UNCHANGED if one.says(base) else MatchKind.CONFLICT
    return MatchKind.CHANGED if item.status in EDITABLE else MatchKind.LOCKED


def is_updating(match: BankMatch, decision: ImportDecision | None) -> bool:
    """Say whether an item gets a new version: a changed one unless somebody said no, a conflict only on demand."""
    if match.kind is MatchKind.CHANGED:
        return decision is not ImportDecision.SKIP
    return match.kind is MatchKind.CONFLICT and decision is ImportDecision.UPDATE and match.item.status in EDITABLE


def refusal_of(match: BankMatch) -> tuple[str, str]:
    """Return code and message of why an item of the file does not go back into the bank."""
    if match.kind is MatchKind.LOCKED or match.item.status not in EDITABLE:
        message = N_("题库中的 %(code)s 现在是“%(status)s”，不能更新")
        return "item_locked", message % {"code": match.item.code, "status": STATUS_LABELS[match.item.status]}
    if match.kind is MatchKind.CONFLICT:
        message = N_("题库中的 %(code)s 已改到第 %(now)s 版，文件依据的是第 %(base)s 版，未更新")
        words = {"code": match.item.code, "now": match.version.number, "base": match.base_number}
        return "item_changed_meanwhile", message % words
    return "left_out", N_("导入前选择了不导入")


def plan_updates(
    matches: Mapping[int, BankMatch], edits: Sequence[Edit | None], items: Sequence[imports.PreparedItem]
) -> tuple[dict[int, BankMatch], dict[int, Notice], dict[int, str]]:
    """Return what is updated, what is skipped and why, and what is in the bank unchanged, by the place in the file."""
    updates: dict[int, BankMatch] = {}
    skipped: dict[int, Notice] = {}
    unchanged: dict[int, str] = {}
    for number, (one, edit) in enumerate(zip(items, edits, strict=True)):
        decision = edit.decision if edit else None
        match = matches.get(number)
        if match is None and decision is ImportDecision.SKIP:
            skipped[number] = Notice(one.source.locator, "left_out", N_("导入前选择了不导入"))
        elif match is not None and match.kind is MatchKind.UNCHANGED:
            unchanged[number] = match.item.code
        elif match is not None and is_updating(match, decision):
            updates[number] = match
        elif match is not None:
            skipped[number] = Notice(one.source.locator, *refusal_of(match))
    return updates, skipped, unchanged


def update_from_file(uow: UnitOfWork, match: BankMatch, one: imports.PreparedItem) -> imports.UpdatedItem | None:
    """Give an item the version and the marks that the file says; None when nothing differs after all."""
    item = match.item
    saved = None if match.has_same_content else _save_content(uow, match, one)
    before = NO_MARKS if match.marks == NO_MARKS else StatedMarks(item.cognitive, item.is_trial)
    if match.marks.cognitive:
        marks.set_cognitive(uow, [item.item_id], match.marks.cognitive)
        uow.flush()  # the next act reads the locked row anew
    if match.marks.is_trial is not None:
        marks.set_trial(uow, [item.item_id], is_trial=match.marks.is_trial)
    if saved is None and match.marks == NO_MARKS:
        return None
    now_id = (saved or match.version).item_version_id
    return imports.UpdatedItem(item.item_id, item.code, match.version.item_version_id, now_id, before)


def _save_content(uow: UnitOfWork, match: BankMatch, one: imports.PreparedItem) -> ItemVersion | None:
    item = match.item
    known = items_repository.points_of_level(uow.session, item.standard_level_id)
    by_code = {point.full_code: point for point in known}
    named = [by_code[code] for code in one.source.item.points if code in by_code] or match.points
    return item_services.update_item(
        uow, item.item_id, version=item.version, content=one.content,
        point_ids=[point.assessment_point_id for point in named], difficulty=one.source.item.difficulty,
        source=item.source, note=UPDATE_NOTE,
    )  # fmt: skip


def undo_update(uow: UnitOfWork, body: Mapping[str, Any]) -> bool:
    """Give an item what it had before the import; False when somebody has gone on with it."""
    item = items_repository.lock_item(uow.session, uuid.UUID(body["item_id"]), actor=uow.actor)
    has_new_content = body["before"] != body["version"]
    if str(item.current_version_id) != body["version"] or (has_new_content and item.status is not ItemStatus.DRAFT):
        return False
    if has_new_content:
        _restore_content(uow, item, uuid.UUID(body["before"]))
    if "marks" in body:
        marks.restore(uow, item, StatedMarks(**body["marks"]))
    audit.record(uow, "import.undo_update", "item", item.item_id, after={"number": item.n_versions})
    return True


def _restore_content(uow: UnitOfWork, item: Item, before_id: uuid.UUID) -> None:
    before = items_repository.get_versions(uow.session, [before_id])[before_id]
    points = items_repository.points_of_versions(uow.session, [before_id])[before_id]
    item_services.update_item(
        uow, item.item_id, version=item.version, content=item_services.content_of(before),
        point_ids=[point.assessment_point_id for point in points], difficulty=before.difficulty,
        source=item.source, note=UNDO_NOTE,
    )  # fmt: skip
