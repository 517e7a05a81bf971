"""Bringing the items of a file into the bank: one report, one transaction, a balance that always closes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from item_templates.canonical import content_digest
from item_templates.contract import ItemContent
from kernel import audit
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.interchange.model import ConversionReport, ConvertedItem, Notice
from qbank.models.items import Media
from qbank.models.standards import AssessmentPoint
from qbank.repository import items as repository
from qbank.repository import standards
from qbank.rules.items import MAX_POINTS_PER_ITEM, DuplicatePolicy
from qbank.services import media as pictures
from qbank.services.items import NewItem, insert_items


@dataclass(frozen=True, slots=True)
class DuplicateItem:
    """An item of the file whose content is in the bank already (or stands earlier in the file)."""

    locator: str
    code: str


@dataclass(slots=True)
class ImportOutcome:
    """What became of a file: `found` is always imported + duplicates + skipped."""

    report: ConversionReport
    item_ids: list[uuid.UUID] = field(default_factory=list)
    duplicates: list[DuplicateItem] = field(default_factory=list)
    losses: list[Notice] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    @property
    def n_imported(self) -> int:
        """Number of items that are in the bank now."""
        return len(self.item_ids)

    @property
    def is_complete(self) -> bool:
        """Say whether nothing of the file was left out for a fault of its own."""
        return self.report.error is None and not self.report.skipped

    def to_json(self) -> dict[str, Any]:
        """Return the report of INTERFACE.md for an import."""
        body = self.report.to_json()
        body["imported"] = self.n_imported
        body["duplicates"] = len(self.duplicates)
        del body["converted"]
        body["losses"] += [{"locator": n.locator, "construct": n.code, "message": n.message} for n in self.losses]
        body["warnings"] += [{"locator": n.locator, "code": n.code, "message": n.message} for n in self._all_warnings()]
        return body

    def _all_warnings(self) -> list[Notice]:
        message = N_("与 %(code)s 的内容相同，未导入")
        known = [Notice(one.locator, "duplicate_of", message % {"code": one.code}) for one in self.duplicates]
        return [*self.warnings, *known]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person who imports chose for items that do not say it themselves."""

    point: AssessmentPoint | None = None
    difficulty: int | None = None
    duplicates: DuplicatePolicy = DuplicatePolicy.SKIP
    import_run_id: uuid.UUID | None = None


def import_items(
    uow: UnitOfWork,
    report: ConversionReport,
    *,
    standard_level_id: uuid.UUID,
    default_point: str | None = None,
    options: ImportOptions | None = None,
) -> ImportOutcome:
    """Bring what a reader understood into the bank as drafts of the actor.

    Parameters
    ----------
    uow : UnitOfWork
        The actor needs ITEM_IMPORT.
    report : ConversionReport
        What `qbank.interchange.convert.read_items` answered.
    standard_level_id : UUID
        The level whose points the items name.
    default_point : str, optional
        Full code of the point for items that name none, or none that the level knows.
    options : ImportOptions, optional
        Default difficulty, what to do with duplicates, and the import run.

    Returns
    -------
    ImportOutcome
        With a warning for each point code that the level does not have.
    """
    require(uow.actor, Permission.ITEM_IMPORT)
    level = standards.get_level(uow.session, standard_level_id, actor=uow.actor)
    points = {one.full_code: one for one in repository.points_of_level(uow.session, standard_level_id)}
    chosen = _with_default_point(options or ImportOptions(), default_point, points)
    outcome = ImportOutcome(report)
    stored, kept = _store_pictures(uow, report.items, outcome)
    contents = [_own_media(one, stored) for one in kept]
    fresh = _without_duplicates(uow, kept, contents, chosen, outcome)
    new_items = [_new_item(one, content, points, chosen, outcome) for one, content in fresh]
    outcome.item_ids = insert_items(uow, level, new_items, import_run_id=chosen.import_run_id)
    _audit(uow, outcome, standard_level_id, chosen)
    return outcome


def _with_default_point(
    options: ImportOptions, code: str | None, points: Mapping[str, AssessmentPoint]
) -> ImportOptions:
    if not code:
        return options
    if code not in points:
        message = N_("本等级的细目表没有鉴定点 %(code)s")
        raise InvalidInputError(message, fields={"point": [message % {"code": code}]}, code=code)
    return ImportOptions(points[code], options.difficulty, options.duplicates, options.import_run_id)


Stored = dict[tuple[str, str], Media]


def _store_pictures(
    uow: UnitOfWork, items: Sequence[ConvertedItem], outcome: ImportOutcome
) -> tuple[Stored, list[ConvertedItem]]:
    """Keep the pictures of all items; one that cannot be kept is a loss of its item."""
    cleaned: dict[str, pictures.Picture] = {}
    names: dict[tuple[str, str], str] = {}
    for one in items:
        for name, data in one.media.items():
            try:
                cleaned_one = pictures.clean_picture(data)
            except InvalidInputError as error:
                outcome.losses.append(Notice(one.locator, "picture", error.message))
                continue
            cleaned[cleaned_one.digest] = cleaned_one
            names[one.locator, name] = cleaned_one.digest
    rows = pictures.store_pictures(uow, cleaned)
    return {place: rows[digest] for place, digest in names.items()}, list(items)


def _own_media(one: ConvertedItem, stored: Stored) -> ItemContent:
    """Return the content with its pictures named by digest; pictures that were not kept are taken out."""
    content = one.item.content
    rows = {name: stored[one.locator, name] for name in one.media if (one.locator, name) in stored}
    lost = [str(m["id"]) for m in content.media if str(m["id"]) not in rows]
    renamed = pictures.map_texts(content, {name: row.digest for name, row in rows.items()})
    return pictures.without_pictures(renamed, lost, {row.digest: row for row in rows.values()})


def _without_duplicates(
    uow: UnitOfWork,
    kept: Sequence[ConvertedItem],
    contents: Sequence[ItemContent],
    chosen: ImportOptions,
    outcome: ImportOutcome,
) -> list[tuple[ConvertedItem, ItemContent]]:
    digests = [content_digest(content) for content in contents]
    known = repository.find_known_digests(uow.session, uow.actor.organisation, digests)
    fresh = []
    for one, content, digest in zip(kept, contents, digests, strict=True):
        if digest in known and chosen.duplicates is DuplicatePolicy.SKIP:
            outcome.duplicates.append(DuplicateItem(one.locator, known[digest]))
            continue
        if digest in known:
            message = N_("与 %(code)s 的内容相同，仍已导入") % {"code": known[digest]}
            outcome.warnings.append(Notice(one.locator, "duplicate_of", message))
        known.setdefault(digest, one.locator)
        fresh.append((one, content))
    return fresh


def _new_item(
    one: ConvertedItem,
    content: ItemContent,
    points: Mapping[str, AssessmentPoint],
    chosen: ImportOptions,
    outcome: ImportOutcome,
) -> NewItem:
    found = [points[code] for code in one.item.points if code in points]
    unknown = [code for code in one.item.points if code not in points]
    if unknown:
        message = N_("细目表没有鉴定点 %(codes)s") % {"codes": "、".join(unknown)}
        outcome.warnings.append(Notice(one.locator, "unknown_point", message))
    if not found and chosen.point is not None:
        found = [chosen.point]
    extra = dict(one.item.metadata) | ({"鉴定点": "；".join(unknown)} if unknown else {})
    return NewItem(
        content=content,
        point_ids=tuple(point.assessment_point_id for point in found[:MAX_POINTS_PER_ITEM]),
        difficulty=one.item.difficulty or chosen.difficulty,
        source=one.item.source,
        origin_code=one.item.id,
        extra=extra,
    )


def _audit(uow: UnitOfWork, outcome: ImportOutcome, standard_level_id: uuid.UUID, chosen: ImportOptions) -> None:
    after = {
        "format": outcome.report.format,
        "found": outcome.report.found,
        "imported": outcome.n_imported,
        "duplicates": len(outcome.duplicates),
        "skipped": len(outcome.report.skipped),
        "level": str(standard_level_id),
    }
    audit.record(uow, "item.import", "import_run", chosen.import_run_id or standard_level_id, after=after)
