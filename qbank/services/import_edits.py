"""What a person changes in the preview of a file before it is imported: contents, and what is to become of an item."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from item_templates.canonical import content_digest, content_from_json, content_to_json
from item_templates.contract import ItemContent
from item_templates.markup import media_ids
from kernel.errors import ConflictError, NotFoundError
from kernel.i18n import N_
from kernel.uow import UnitOfWork
from qbank.interchange.model import ConvertedItem, Notice
from qbank.models.items import ImportRun
from qbank.rules.items import ImportDecision, ImportState
from qbank.services import imports
from qbank.services.import_locks import lock_open

Edits = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands for one item of a file; `digest` is that of the content as it was read, so that it fits no other."""

    digest: str
    content: ItemContent | None = None
    points: tuple[str, ...] = ()
    difficulty: int | None = None
    decision: ImportDecision | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the edit as plain JSON values."""
        body: dict[str, Any] = {"digest": self.digest}
        if self.decision is not None:
            body["decision"] = self.decision.value
        if self.content is not None:
            body |= {
                "content": content_to_json(self.content),
                "points": list(self.points),
                "difficulty": self.difficulty,
            }
        return body


def find_edit(edits: Edits | None, number: int, digest: str) -> Edit | None:
    """Return the edit of the item that stands at a place of the file and was read with this digest."""
    body = (edits or {}).get(str(number))
    if body is None or body["digest"] != digest:
        return None
    content = content_from_json(body["content"]) if "content" in body else None
    decision = ImportDecision(body["decision"]) if "decision" in body else None
    return Edit(digest, content, tuple(body.get("points", ())), body.get("difficulty"), decision)


def save_edit(uow: UnitOfWork, run_id: uuid.UUID, *, version: int, number: int, edit: Edit) -> ImportRun:
    """Keep an edit with the import; the decision taken before stays when the edit has none."""
    run = lock_open(uow, run_id, version)
    if run.state is not ImportState.CHECKED:
        raise ConflictError(N_("请先选择标准等级，再修改试题"))
    known = find_edit(run.edits, number, edit.digest)
    if known is not None:
        edit = _merged(known, edit)
    run.edits = {**(run.edits or {}), str(number): edit.to_json()}
    return run


def _merged(known: Edit, edit: Edit) -> Edit:
    kept = edit if edit.content is not None else replace(known, decision=edit.decision)
    return kept if kept.decision is not None else replace(kept, decision=known.decision)


def forget_edit(uow: UnitOfWork, run_id: uuid.UUID, *, version: int, number: int) -> ImportRun:
    """Put an item back to what the file says."""
    run = lock_open(uow, run_id, version)
    if str(number) not in (run.edits or {}):
        raise NotFoundError(N_("这道题没有改动"))
    run.edits = {key: value for key, value in (run.edits or {}).items() if key != str(number)} or None
    return run


def with_own_media(content: ItemContent) -> ItemContent:
    """Return an edited content with the entries of the pictures that it still shows."""
    texts = [content.stem, content.explanation, *(one.content for one in (*content.choices, *content.targets))]
    shown = {name for text in texts for name in media_ids(text)}
    return replace(content, media=tuple(medium for medium in content.media if str(medium["id"]) in shown))


def apply_edits(prepared: imports.Prepared, edits: Edits | None) -> list[Edit | None]:
    """Put the edited contents into what is to be imported; return the edit of every item, in order."""
    found = [find_edit(edits, number, one.digest) for number, one in enumerate(prepared.items)]
    prepared.items = [
        _edited(one, edit) if edit is not None and edit.content is not None else one
        for one, edit in zip(prepared.items, found, strict=True)
    ]
    return found


def _edited(one: imports.PreparedItem, edit: Edit) -> imports.PreparedItem:
    if edit.content is None:
        return one
    item = replace(one.source.item, points=edit.points, difficulty=edit.difficulty, content=edit.content)
    return imports.PreparedItem(replace(one.source, item=item), edit.content, content_digest(edit.content))


def leave_out(prepared: imports.Prepared, notices: Mapping[int, Notice]) -> None:
    """Take items out of what is to be imported and name them among the skipped ones; numbers count from 0."""
    if not notices:
        return
    gone = {id(prepared.items[number]) for number in notices}
    left: Sequence[ConvertedItem] = [
        one for number, one in enumerate(prepared.report.items) if number not in notices
    ]  # fmt: skip
    prepared.items = [one for one in prepared.items if id(one) not in gone]
    prepared.report = replace(prepared.report, items=list(left), skipped=[*prepared.report.skipped, *notices.values()])
