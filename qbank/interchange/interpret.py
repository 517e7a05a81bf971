"""Decide what the records of a file mean: items that are certain, and a reason for every other one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from item_templates import registry
from item_templates.contract import CanonicalItem, Choice, Finding, ItemContent, Severity
from item_templates.markup import media_ids, normalise_text, plain_text
from kernel.i18n import N_
from qbank.interchange.answers import is_numeric_judgement, read_judgement
from qbank.interchange.describing import read_difficulty, read_points
from qbank.interchange.groups import Group, gather, put_together
from qbank.interchange.kinds import decide
from qbank.interchange.model import ConversionReport, ConvertedItem, Notice, RawRecord, ReadResult
from qbank.interchange.pictures import picture_type
from qbank.interchange.progress import tell
from qbank.interchange.reading import Reading, SkippedRecord, prepare
from qbank.interchange.texts import to_html

EXCERPT_CHARS = 80
MENDED_IN_DRAFT = frozenset({"unknown_formula", "unpaired_formula"})
"""Errors that forbid submitting an item for review, but no reason to leave it out: nothing is lost and nothing guessed."""


def interpret(result: ReadResult, *, source: str = "") -> ConversionReport:
    """Return the balanced report of what a reader found: each record is an item or is listed with a reason."""
    report = ConversionReport(
        source=source,
        format=result.format,
        skipped=list(result.skipped),
        losses=list(result.losses),
        warnings=list(result.warnings),
    )
    _forget_empty_answers(result.records)
    _share_judgement_hint(result.records)
    taken: set[str] = set()
    groups, orphans = gather(result.records)
    report.skipped += [_without_text(record) for record in orphans]
    for index, group in enumerate(groups, 1):
        tell(index, len(groups))
        record = group.record
        try:
            converted, notices = _convert(group, _free_id(record, index, taken))
        except SkippedRecord as skip:
            report.skipped.append(Notice(record.locator, skip.code, skip.message, excerpt(record.stem)))
            continue
        taken.add(converted.item.id)
        report.items.append(converted)
        report.warnings += notices
        report.losses += _picture_losses(record, converted)
    report.warnings += duplicate_notices(report.items)
    return report


def _forget_empty_answers(records: list[RawRecord]) -> None:
    """Where no record has an answer in its place, the place says nothing: the keys may stand in the stems."""
    if not any(one.answer and one.answer.strip() for one in records):
        for one in records:
            one.answer = None


def _share_judgement_hint(records: list[RawRecord]) -> None:
    """Where nearly all records without type and options are judged, take the few others for broken judgements."""
    bare = [one for one in records if one.item is None and not one.type_hint.strip() and not one.options]
    judged = [
        one
        for one in bare
        if one.answer and read_judgement(one.answer) is not None and not is_numeric_judgement(one.answer)
    ]
    if len(bare) >= 10 and len(judged) * 10 >= len(bare) * 9:
        for one in bare:
            one.type_hint = "判断题"


def excerpt(text: str) -> str:
    """Return the beginning of a stem for a report."""
    line = " ".join(plain_text(text).split())
    return line if len(line) <= EXCERPT_CHARS else line[: EXCERPT_CHARS - 1] + "…"


def _free_id(record: RawRecord, index: int, taken: set[str]) -> str:
    wanted = (record.item.id if record.item else record.identifier).strip() or str(index)
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _without_text(record: RawRecord) -> Notice:
    message = N_("找不到编号为“%(group)s”的组合题材料，请补上材料或改正编号") % {"group": record.group[:40]}
    return Notice(record.locator, "no_shared_text", message, excerpt(record.stem))


def _convert(group: Group, item_id: str) -> tuple[ConvertedItem, list[Notice]]:
    """Convert a record, or the text that others share together with them."""
    found = _build(group.record, item_id, is_shared=bool(group.parts))
    if group.parts:
        found = put_together(group, found, lambda part: _build(part, part.item.id if part.item else ""))
    converted, notices = found
    notices += [Notice(converted.locator, one.code, one.message) for one in _refuse_findings(converted.item.content)]
    return converted, notices


def _build(record: RawRecord, item_id: str, *, is_shared: bool = False) -> tuple[ConvertedItem, list[Notice]]:
    """Return the item of a record, whatever stands against it; `is_shared` says that it is the text of a testlet."""
    if record.item is not None:
        return _take_canonical(record, record.item, item_id)
    reading = prepare(replace(record, answer="", options=[]) if is_shared else record)
    content = ItemContent("testlet", reading.stem) if is_shared else decide(reading)
    content, media = _attach_media(_finish(content, reading), record)
    item = CanonicalItem(
        id=item_id,
        content=content,
        points=_points(reading),
        difficulty=_difficulty(reading),
        source=record.source,
        metadata=dict(reading.metadata),
    )
    return ConvertedItem(record.locator, item, media), reading.warnings


def _take_canonical(record: RawRecord, item: CanonicalItem, item_id: str) -> tuple[ConvertedItem, list[Notice]]:
    notices = []
    if item.id and item_id != item.id:
        message = N_("编号 %(old)s 在文件中重复，已改为 %(new)s") % {"old": item.id, "new": item_id}
        notices.append(Notice(record.locator, "repeated_id", message))
    return ConvertedItem(record.locator, replace(item, id=item_id), dict(record.media)), notices


def _finish(content: ItemContent, reading: Reading) -> ItemContent:
    """Put HTML where text was, and add explanation and score."""
    return replace(
        content,
        stem=to_html(content.stem),
        choices=tuple(Choice(choice.id, to_html(choice.content)) for choice in content.choices),
        explanation=to_html(reading.explanation),
        score=reading.marks,
    )


def _refuse_findings(content: ItemContent) -> list[Finding]:
    """Return the errors that an author mends in the draft; raise SkippedRecord for any other."""
    errors = [one for one in registry.get(content.type).validate(content) if one.severity is Severity.ERROR]
    for one in errors:
        if one.code not in MENDED_IN_DRAFT:
            raise SkippedRecord(one.code, one.message)
    return errors


def _difficulty(reading: Reading) -> int | None:
    text = reading.record.difficulty.strip()
    level = read_difficulty(text) if text else None
    if text and level is None:
        reading.warn("difficulty_unknown", N_("难度“%(text)s”无法识别，未导入") % {"text": text[:20]})
    return level


def _points(reading: Reading) -> tuple[str, ...]:
    codes = read_points(reading.record.points)
    if codes is None:
        reading.metadata["鉴定点"] = reading.record.points.strip()
    return codes or ()


def _attach_media(content: ItemContent, record: RawRecord) -> tuple[ItemContent, Mapping[str, bytes]]:
    """Name the pictures that the item shows and that are pictures indeed; take the names of others out."""
    pictures = {name: data for name, data in record.media if picture_type(data)}
    content = replace(
        content,
        stem=_without_images(content.stem, pictures),
        explanation=_without_images(content.explanation, pictures),
        choices=tuple(Choice(one.id, _without_images(one.content, pictures)) for one in content.choices),
    )
    texts = [content.stem, content.explanation, *(one.content for one in content.choices)]
    shown = dict.fromkeys(name for text in texts for name in media_ids(text))
    media = [
        {
            "id": name,
            "digest": hashlib.sha256(pictures[name]).hexdigest(),
            "mime": picture_type(pictures[name]),
            "alt": "",
        }
        for name in shown
    ]
    return replace(content, media=tuple(media)), {name: pictures[name] for name in shown}


def _without_images(html: str, known: Iterable[str]) -> str:
    for name in media_ids(html):
        if name not in known:
            html = re.sub(rf'(?:<br>)?<img src="media:{re.escape(name)}"[^>]*>', "", html)
    return html


def _picture_losses(record: RawRecord, converted: ConvertedItem) -> list[Notice]:
    message = N_("图片 %(name)s 不是 PNG、JPEG、GIF、WebP 或 BMP，未导入")
    lost = [name for name, data in record.media if not picture_type(data)] if record.item is None else []
    return [Notice(converted.locator, "picture", message % {"name": name}) for name in lost]


def duplicate_notices(items: Iterable[ConvertedItem]) -> list[Notice]:
    """Return a warning for each item that repeats an earlier one of the same file."""
    seen: dict[object, str] = {}
    notices = []
    for one in items:
        first = seen.setdefault(_fingerprint(one.item.content), one.locator)
        if first != one.locator:
            message = N_("与 %(first)s 的题目内容相同") % {"first": first}
            notices.append(Notice(one.locator, "duplicate_of", message, excerpt(one.item.content.stem)))
    return notices


def _fingerprint(content: ItemContent) -> object:
    def words(html: str) -> str:
        return re.sub(r"[\W_]+", "", normalise_text(plain_text(html)))

    shown = (one["digest"] for one in content.media if "digest" in one)
    return words(content.stem) or content.stem, frozenset(words(one.content) for one in content.choices), tuple(shown)
