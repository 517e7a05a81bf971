"""Bringing the items of a file into the bank: one report, one transaction, a balance that always closes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from item_templates.canonical import content_digest
from item_templates.contract import CanonicalItem, ItemContent
from kernel import audit
from kernel.errors import InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.uow import UnitOfWork
from qbank.interchange.model import ConversionReport, ConvertedItem, Notice
from qbank.interchange.origins import VERSION_MARK
from qbank.models.standards import AssessmentPoint
from qbank.repository import items as repository
from qbank.repository import standards
from qbank.rules.items import MAX_POINTS_PER_ITEM, DuplicatePolicy
from qbank.rules.marks import NO_MARKS, StatedMarks, read_marks
from qbank.services import media as pictures
from qbank.services.items import NewItem, insert_items
from qbank.services.marks import cognitive_levels
from qbank.services.media import Picture

PROGRESS_STEP = 250

LEFT_OUT = N_("与 %(code)s 的内容相同，未导入")
"""What the report of an import says of an item that the bank has already."""


@dataclass(frozen=True, slots=True)
class DuplicateItem:
    """An item of the file whose content is in the bank already (or stands earlier in the file)."""

    locator: str
    code: str


@dataclass(frozen=True, slots=True)
class UpdatedItem:
    """One item that got a new version, other marks, or both; `marks_before` is empty where no mark changed."""

    item_id: uuid.UUID
    code: str
    before_version_id: uuid.UUID
    version_id: uuid.UUID
    marks_before: StatedMarks = NO_MARKS

    def to_json(self) -> dict[str, Any]:
        """Return what undoing needs, as plain JSON values."""
        marks = {} if self.marks_before == NO_MARKS else {"marks": asdict(self.marks_before)}
        return marks | {
            "item_id": str(self.item_id),
            "code": self.code,
            "before": str(self.before_version_id),
            "version": str(self.version_id),
        }


@dataclass(slots=True)
class ImportOutcome:
    """What became of a file: `found` is always imported + duplicates + skipped; the imported count the updated."""

    report: ConversionReport
    item_ids: list[uuid.UUID] = field(default_factory=list)
    updated: list[UpdatedItem] = field(default_factory=list)
    duplicates: list[DuplicateItem] = field(default_factory=list)
    losses: list[Notice] = field(default_factory=list)
    warnings: list[Notice] = field(default_factory=list)

    @property
    def n_imported(self) -> int:
        """Number of items that are in the bank now."""
        return len(self.item_ids) + len(self.updated)

    @property
    def is_complete(self) -> bool:
        """Say whether nothing of the file was left out for a fault of its own."""
        return self.report.error is None and not self.report.skipped

    def to_json(self) -> dict[str, Any]:
        """Return the report of INTERFACE.md for an import."""
        body = self.report.to_json()
        body["imported"] = self.n_imported
        body["duplicates"] = len(self.duplicates)
        if self.updated:
            body["updated"] = [one.to_json() for one in self.updated]
        del body["converted"]
        body["losses"] += [{"locator": n.locator, "construct": n.code, "message": n.message} for n in self.losses]
        body["warnings"] += [{"locator": n.locator, "code": n.code, "message": n.message} for n in self._all_warnings()]
        return body

    def _all_warnings(self) -> list[Notice]:
        known = [Notice(one.locator, "duplicate_of", LEFT_OUT % {"code": one.code}) for one in self.duplicates]
        return [*self.warnings, *known]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the person who imports chose; of a trial, whose transaction is rolled back, no picture is kept either."""

    point: AssessmentPoint | None = None
    difficulty: int | None = None
    duplicates: DuplicatePolicy = DuplicatePolicy.SKIP
    import_run_id: uuid.UUID | None = None
    is_trial: bool = False


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
    return import_prepared(
        uow, prepare(report), standard_level_id=standard_level_id, default_point=default_point, options=options
    )


def import_prepared(
    uow: UnitOfWork,
    prepared: Prepared,
    *,
    standard_level_id: uuid.UUID,
    default_point: str | None = None,
    options: ImportOptions | None = None,
) -> ImportOutcome:
    """Do what `import_items` does with items that were prepared before the transaction."""
    require(uow.actor, Permission.ITEM_IMPORT)
    level = standards.get_level(uow.session, standard_level_id, actor=uow.actor)
    points = {one.full_code: one for one in repository.points_of_level(uow.session, standard_level_id)}
    chosen = _with_default_point(options or ImportOptions(), default_point, points)
    outcome = ImportOutcome(prepared.report, losses=prepared.losses)
    if not chosen.is_trial:
        pictures.store_pictures(uow, prepared.pictures)
    fresh = _without_duplicates(uow, prepared.items, chosen, outcome)
    levels = cognitive_levels(uow.session, uow.actor.organisation)
    new_items = [_new_item(one, points, chosen, outcome, levels) for one in fresh]
    outcome.item_ids = insert_items(uow, level, new_items, import_run_id=chosen.import_run_id)
    _audit(uow, outcome, standard_level_id, chosen)
    return outcome


def _with_default_point(
    options: ImportOptions, code: str | None, points: Mapping[str, AssessmentPoint]
) -> ImportOptions:
    if not code:
        return options
    if code not in points:
        message = N_("本等级的细目表没有鉴定点 %(point)s")
        raise InvalidInputError(message, fields={"point": [message % {"point": code}]}, point=code)
    return replace(options, point=points[code])


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """An item of a file as it would stand in the bank: pictures cleaned and named by digest."""

    source: ConvertedItem
    content: ItemContent
    digest: str


@dataclass(slots=True)
class Prepared:
    """All items of a file, the pictures they show by digest, and what could not be kept."""

    report: ConversionReport
    items: list[PreparedItem] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)
    losses: list[Notice] = field(default_factory=list)


def base_number(item: CanonicalItem) -> int | None:
    """Return the number of the version as which an item was exported; None for an item that was not."""
    text = str(item.metadata.get(VERSION_MARK, ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def prepare(report: ConversionReport, *, progress: Callable[[int], None] | None = None) -> Prepared:
    """Return the items of a file as they would stand in the bank; touches no database.

    `progress` is told after every few hundred items how many are done.
    """
    prepared = Prepared(report)
    for number, one in enumerate(report.items, 1):
        if progress is not None and number % PROGRESS_STEP == 0:
            progress(number)
        content = _own_media(one, _clean(one, prepared))
        prepared.items.append(PreparedItem(one, content, content_digest(content)))
    return prepared


def _clean(one: ConvertedItem, prepared: Prepared) -> dict[str, Picture]:
    """Return the pictures of an item by the names the file gave them; one that cannot be kept is a loss."""
    cleaned: dict[str, Picture] = {}
    for name, data in one.media.items():
        try:
            picture = pictures.clean_picture(data)
        except InvalidInputError as error:
            prepared.losses.append(Notice(one.locator, "picture", error.message))
            continue
        cleaned[name] = prepared.pictures[picture.digest] = picture
    return cleaned


def _own_media(one: ConvertedItem, cleaned: Mapping[str, Picture]) -> ItemContent:
    """Return the content with its pictures named by digest; pictures that were not kept are taken out."""
    content = one.item.content
    if not content.media:
        return content
    lost = [str(medium["id"]) for medium in content.media if str(medium["id"]) not in cleaned]
    renamed = pictures.map_texts(content, {name: picture.digest for name, picture in cleaned.items()})
    return pictures.without_pictures(renamed, lost, {picture.digest: picture for picture in cleaned.values()})


def _without_duplicates(
    uow: UnitOfWork, items: Sequence[PreparedItem], chosen: ImportOptions, outcome: ImportOutcome
) -> list[PreparedItem]:
    known = repository.find_known_digests(uow.session, uow.actor.organisation, [one.digest for one in items])
    fresh = []
    for one in items:
        locator = one.source.locator
        if one.digest in known and chosen.duplicates is DuplicatePolicy.SKIP:
            outcome.duplicates.append(DuplicateItem(locator, known[one.digest]))
            continue
        if one.digest in known:
            message = N_("与 %(code)s 的内容相同，仍已导入") % {"code": known[one.digest]}
            outcome.warnings.append(Notice(locator, "duplicate_of", message))
        known.setdefault(one.digest, locator)
        fresh.append(one)
    return fresh


def _new_item(
    one: PreparedItem,
    points: Mapping[str, AssessmentPoint],
    chosen: ImportOptions,
    outcome: ImportOutcome,
    levels: Sequence[str],
) -> NewItem:
    item = one.source.item
    found = [points[code] for code in item.points if code in points]
    unknown = [code for code in item.points if code not in points]
    if unknown:
        message = N_("细目表没有鉴定点 %(codes)s") % {"codes": "、".join(unknown)}
        outcome.warnings.append(Notice(one.source.locator, "unknown_point", message))
    if not found and chosen.point is not None:
        found = [chosen.point]
    cognitive, is_trial, extra = read_marks(item.metadata, levels)
    extra.pop(VERSION_MARK, None)
    extra |= {"鉴定点": "；".join(unknown)} if unknown else {}
    return NewItem(
        content=one.content,
        point_ids=tuple(point.assessment_point_id for point in found[:MAX_POINTS_PER_ITEM]),
        difficulty=item.difficulty or chosen.difficulty,
        source=item.source,
        origin_code=item.id,
        extra=extra,
        cognitive=cognitive,
        is_trial=is_trial,
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
