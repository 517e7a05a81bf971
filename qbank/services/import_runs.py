"""An import in the browser: the file waits in the instance folder until somebody confirms what was understood of it."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from item_templates import registry
from item_templates.canonical import content_digest, content_from_json, content_to_json
from item_templates.contract import ItemContent
from kernel import audit
from kernel.canonical import digest_bytes
from kernel.clock import now
from kernel.db import new_id, refresh_statistics
from kernel.errors import ConflictError, InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.jobs import enqueue
from kernel.jobs.models import OPEN, Job
from kernel.uow import UnitOfWork
from qbank.interchange.columns import ColumnMapping
from qbank.interchange.guard import UnreadableFileError
from qbank.interchange.limited import read_limited, sheets_limited
from qbank.interchange.model import ConversionReport
from qbank.interchange.progress import Told
from qbank.interchange.tables import Sheet
from qbank.models.items import ImportRun, Item
from qbank.repository import imports as repository
from qbank.repository import items as items_repository
from qbank.repository import standards
from qbank.rules.items import DuplicatePolicy, ImportDecision, ImportState
from qbank.services import imports
from qbank.services import media as pictures
from qbank.services.import_edits import apply_edits, find_edit, leave_out
from qbank.services.import_locks import lock_open
from qbank.services.import_updates import (
    Candidate,
    candidate_of,
    match_items,
    plan_updates,
    undo_update,
    update_from_file,
)
from qbank.services.items import remove_locked

TABLES = frozenset({"xlsx", "xls", "csv"})
ORIGINAL = "original"
PREVIEW = "preview.json"
MANY = 1_000
_PREVIEW_MEDIUM = re.compile(r"import\.([0-9a-f]{32})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class PreviewNotice:
    """Something said about one item of the file: a reader's warning, or a finding of its type."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """One item as it would stand in the bank.

    `content` names pictures so that a page can show them; `kept` is the content itself; `read_digest` is that of what the
    file says, whatever somebody has changed since.
    """

    locator: str
    content: ItemContent
    points: tuple[str, ...]
    difficulty: int | None
    digest: str
    notices: tuple[PreviewNotice, ...]
    number: int = 0
    kept: ItemContent | None = None
    code: str = ""
    base_number: int | None = None
    read_digest: str = ""
    is_edited: bool = False
    decision: ImportDecision | None = None
    columns: Mapping[str, object] = field(default_factory=dict)

    @property
    def own_content(self) -> ItemContent:
        """The content with its pictures named as the bank will name them."""
        return self.kept or self.content

    @property
    def candidate(self) -> Candidate:
        """The item as it is compared with the bank."""
        return Candidate(
            self.code, self.base_number, self.digest, self.points, self.difficulty, self.own_content, self.columns
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What was understood of a file: the report of the reader, and every item."""

    report: dict[str, Any]
    items: tuple[PreviewItem, ...]

    @property
    def by_type(self) -> dict[str, int]:
        """Number of items of each type, the most frequent first."""
        return dict(Counter(one.content.type for one in self.items).most_common())


@dataclass(frozen=True, slots=True)
class PreviewFile:
    """What was understood of a file, ready to be kept beside it."""

    format: str
    n_found: int
    data: bytes
    pictures: Mapping[str, bytes]

    def write(self, run_id: uuid.UUID) -> None:
        """Keep it in the folder of a run."""
        for digest, data in self.pictures.items():
            pictures.write_whole(folder_of(run_id) / digest, data)
        pictures.write_whole(folder_of(run_id) / PREVIEW, self.data)


def folder_of(run_id: uuid.UUID) -> Path:
    """Return the folder in which an upload waits."""
    return pictures.uploads_folder() / str(run_id)


def read_upload(
    data: bytes, name: str, *, fmt: str | None = None, mapping: ColumnMapping | None = None, told: Told | None = None
) -> ConversionReport:
    """Read an uploaded file; raises InvalidInputError when it cannot be read at all."""
    report = read_limited(data, name, fmt, mapping, told=told)
    if report.error:
        message = report.error.message
        raise InvalidInputError(N_("文件无法读取：%(reason)s"), fields={"file": [message]}, reason=message)
    return report


def start_run(uow: UnitOfWork, *, name: str, data: bytes, preview: PreviewFile) -> ImportRun:
    """Keep an uploaded file and what was understood of it; nothing of it is in the bank yet."""
    require(uow.actor, Permission.ITEM_IMPORT)
    run = ImportRun(
        import_run_id=new_id(), organisation_id=uow.actor.organisation, file_name=name[:200],
        file_digest=digest_bytes(data), format=preview.format, state=ImportState.UPLOADED,
        duplicates=DuplicatePolicy.SKIP, n_found=preview.n_found, created_by=uow.actor.user_id, created_at=now(),
    )  # fmt: skip
    pictures.write_whole(folder_of(run.import_run_id) / ORIGINAL, data)
    preview.write(run.import_run_id)
    uow.add(run)
    after = {"format": run.format, "found": run.n_found, "file_digest": run.file_digest}
    audit.record(uow, "import.upload", "import_run", run.import_run_id, after=after)
    return run


def read_original(run: ImportRun) -> bytes:
    """Return the uploaded file; raises NotFoundError when it has been cleared away."""
    path = folder_of(run.import_run_id) / ORIGINAL
    if not path.is_file():
        raise NotFoundError(N_("上传的文件已被清理，请重新上传"))
    return path.read_bytes()


def read_sheets_of(run: ImportRun) -> list[Sheet]:
    """Return the sheets of a table, for choosing what its columns mean; nothing for other formats."""
    if run.format not in TABLES:
        return []
    try:
        return sheets_limited(read_original(run), run.format)
    except UnreadableFileError as error:
        raise InvalidInputError(
            N_("文件无法读取：%(reason)s"), fields={"file": [error.message]}, reason=error.message
        ) from error


def remap(
    uow: UnitOfWork, run_id: uuid.UUID, *, version: int, mapping: ColumnMapping | None, preview: PreviewFile
) -> ImportRun:
    """Replace what was understood by a reading under another column mapping, or under none."""
    run = lock_open(uow, run_id, version)
    run.mapping, run.is_mapping_recalled = mapping.to_json() if mapping else None, False
    run.n_found, run.state = preview.n_found, ImportState.UPLOADED
    preview.write(run_id)
    return run


@dataclass(frozen=True, slots=True)
class Target:
    """Where the items of a file are to go."""

    standard_level_id: uuid.UUID
    point_code: str = ""
    difficulty: int | None = None


def choose_target(uow: UnitOfWork, run_id: uuid.UUID, *, version: int, target: Target) -> ImportRun:
    """Set level, default point and default difficulty; the point is found by its code or name."""
    run = lock_open(uow, run_id, version)
    level = standards.get_level(uow.session, target.standard_level_id, actor=uow.actor)
    run.standard_level_id = level.standard_level_id
    run.assessment_point_id = None
    if target.point_code:
        point = find_point(uow.session, level.standard_level_id, target.point_code)
        run.assessment_point_id = point.assessment_point_id
    run.default_difficulty = target.difficulty
    run.state = ImportState.CHECKED
    return run


def find_point(session: Session, standard_level_id: uuid.UUID, text: str) -> Any:
    """Return the point that a person means by a code, a name, or a code with its name; raises InvalidInputError."""
    points = items_repository.points_of_level(session, standard_level_id)
    found = match_point(points, text)
    if found is None:
        message = N_("细目表中没有鉴定点“%(text)s”，请从列表中选择")
        raise InvalidInputError(message, fields={"point": [message % {"text": text}]}, text=text)
    return found


def match_point(points: Sequence[Any], text: str) -> Any | None:
    """Return the point that a text names: ``A-A-A-001 名称``, the code alone, or a name that only one point has."""
    wanted = text.strip()
    code = wanted.split()[0].upper() if wanted else ""
    by_code = next((point for point in points if point.full_code.upper() == code), None)
    if by_code is not None or not wanted:
        return by_code
    named = [point for point in points if point.name == wanted] or [p for p in points if wanted in p.name]
    return named[0] if len(named) == 1 else None


def confirm(uow: UnitOfWork, run_id: uuid.UUID, *, version: int, duplicates: DuplicatePolicy) -> ImportRun:
    """Start the import as a job."""
    run = lock_open(uow, run_id, version)
    if run.state is not ImportState.CHECKED or run.standard_level_id is None:
        raise ConflictError(N_("请先选择标准等级，再开始导入"))
    run.duplicates, run.state = duplicates, ImportState.RUNNING
    title = N_("导入试题：%(name)s") % {"name": run.file_name}
    key = f"qbank.import:{run.import_run_id}:{run.version}"
    job = enqueue(uow, "qbank.import", {"import_run_id": str(run.import_run_id)}, title=title[:200], unique_key=key)
    run.job_id = job.job_id
    return run


def reopen_run(uow: UnitOfWork, run_id: uuid.UUID) -> None:
    """Let an import be confirmed anew after its job failed or was cancelled."""
    require(uow.actor, Permission.ITEM_IMPORT)
    run = repository.lock_run(uow.session, run_id, actor=uow.actor)
    job = uow.session.get(Job, run.job_id) if run.job_id else None
    if run.state is not ImportState.RUNNING or (job is not None and job.status in OPEN):
        raise ConflictError(N_("导入仍在进行，不能重新核对"))
    run.state, run.job_id = ImportState.CHECKED, None


def cancel_run(uow: UnitOfWork, run_id: uuid.UUID) -> None:
    """Give up an import that has not begun; the file is kept for nobody and removed."""
    require(uow.actor, Permission.ITEM_IMPORT)
    run = repository.lock_run(uow.session, run_id, actor=uow.actor)
    if run.state not in repository.WAITING:
        raise ConflictError(N_("这次导入已经开始或结束，不能放弃"))
    run.state = ImportState.CANCELLED
    audit.record(uow, "import.cancel", "import_run", run_id)


def run_import(uow: UnitOfWork, run_id: uuid.UUID, prepared: imports.Prepared) -> dict[str, int]:
    """Bring the items of a confirmed file into the bank and keep the report; return the balance."""
    run = repository.lock_run(uow.session, run_id, actor=uow.actor)
    if run.state is not ImportState.RUNNING or run.standard_level_id is None:
        raise ConflictError(N_("这次导入没有等待执行"))
    options = imports.ImportOptions(
        point=_chosen_point(uow.session, run),
        difficulty=run.default_difficulty,
        duplicates=run.duplicates,
        import_run_id=run_id,
    )
    outcome = _bring_in(uow, run, prepared, options)
    balance = {
        "found": outcome.report.found,
        "imported": outcome.n_imported,
        "duplicates": len(outcome.duplicates),
        "skipped": len(outcome.report.skipped),
    }
    run.n_found, run.n_imported, run.n_updated = balance["found"], balance["imported"], len(outcome.updated)
    run.n_duplicates, run.n_skipped = balance["duplicates"], balance["skipped"]
    run.report, run.state, run.finished_at = outcome.to_json(), ImportState.DONE, now()
    if run.n_imported >= MANY:
        uow.after_commit.append(refresh_statistics)
    return balance


def _bring_in(
    uow: UnitOfWork, run: ImportRun, prepared: imports.Prepared, options: imports.ImportOptions
) -> imports.ImportOutcome:
    """Insert what is new and update what came back changed, as the edits of the import say."""
    edits = apply_edits(prepared, run.edits)
    matches = match_items(uow.session, uow.actor, [candidate_of(one) for one in prepared.items])
    updates, skipped, unchanged = plan_updates(matches, edits, prepared.items)
    items = prepared.items
    leave_out(prepared, skipped)
    settled = {*updates, *skipped, *unchanged}
    prepared.items = [one for number, one in enumerate(items) if number not in settled]
    level_id = run.standard_level_id or uuid.UUID(int=0)
    outcome = imports.import_prepared(uow, prepared, standard_level_id=level_id, options=options)
    same = [imports.DuplicateItem(items[number].source.locator, code) for number, code in unchanged.items()]
    for number, match in updates.items():
        done = update_from_file(uow, match, items[number])
        if done is None:
            same.append(imports.DuplicateItem(items[number].source.locator, match.item.code))
        else:
            outcome.updated.append(done)
    outcome.duplicates += same
    return outcome


def _chosen_point(session: Session, run: ImportRun) -> Any:
    if run.assessment_point_id is None or run.standard_level_id is None:
        return None
    points = items_repository.points_of_level(session, run.standard_level_id)
    return next((one for one in points if one.assessment_point_id == run.assessment_point_id), None)


def report_of(run: ImportRun, *, told: Told | None = None) -> ConversionReport:
    """Read a run's file once more, with its mapping; `told` hears how many of how many records are read."""
    mapping = ColumnMapping.from_json(run.mapping) if run.mapping else None
    return read_upload(read_original(run), run.file_name, fmt=run.format, mapping=mapping, told=told)


def undo_run(uow: UnitOfWork, run_id: uuid.UUID) -> int:
    """Take a whole import out of the bank while all its items are drafts; return how many items went or went back.

    An item that the import gave a new version gets its old content back, unless somebody has gone on with it since.
    """
    require(uow.actor, Permission.ITEM_IMPORT)
    run = repository.lock_run(uow.session, run_id, actor=uow.actor)
    if run.state is not ImportState.DONE:
        raise ConflictError(N_("只有已完成的导入可以撤销"))
    n_beyond = repository.count_beyond_draft(uow.session, run)
    if n_beyond:
        raise ConflictError(N_("有 %(n)s 题已提交审核或入库，不能整批撤销；可在列表中逐题处理"), n=n_beyond)
    items: Sequence[Item] = repository.lock_items_of(uow.session, run)
    for item in items:
        remove_locked(uow, item)
    updated = (run.report or {}).get("updated", [])
    n_restored = sum(undo_update(uow, one) for one in updated)
    run.state = ImportState.UNDONE
    after = {"items": len(items), "restored": n_restored, "kept": len(updated) - n_restored}
    audit.record(uow, "import.undo", "import_run", run_id, after=after)
    return len(items) + n_restored


# --- the preview file ----------------------------------------------------------------------------------------------


def build_preview(report: ConversionReport) -> PreviewFile:
    """Return what is to be shown of a file; the slow part of an upload, done before any transaction."""
    prepared = imports.prepare(report)
    said: dict[str, list[dict[str, str]]] = {}
    for notice in (*report.warnings, *report.losses, *prepared.losses):
        said.setdefault(notice.locator, []).append({"code": notice.code, "message": notice.message})
    body = {
        "report": report.to_json(),
        "pictures": {digest: picture.mime for digest, picture in prepared.pictures.items()},
        "items": [_preview_json(one, said.get(one.source.locator, [])) for one in prepared.items],
    }
    data = json.dumps(body, ensure_ascii=False).encode()
    return PreviewFile(report.format, report.found, data, {k: one.data for k, one in prepared.pictures.items()})


def _preview_json(one: imports.PreparedItem, said: list[dict[str, str]]) -> dict[str, Any]:
    known = {notice["code"] for notice in said}
    findings = registry.get(one.content.type).validate(one.content)
    found = [{"code": each.code, "message": each.message} for each in findings if each.code not in known]
    return {
        "locator": one.source.locator,
        "content": content_to_json(one.content),
        "points": list(one.source.item.points),
        "difficulty": one.source.item.difficulty,
        "digest": one.digest,
        "notices": said + found,
        "code": one.source.item.id,
        "base": imports.base_number(one.source.item),
        "columns": dict(one.source.item.metadata),
    }


def load_preview(run: ImportRun) -> Preview:
    """Return what was understood of a run's file; pictures are named so that `read_preview_medium` finds them."""
    body = _preview_body(run.import_run_id)
    items = (_preview_item(run, number, one) for number, one in enumerate(body["items"]))
    return Preview(body["report"], tuple(items))


def _preview_body(run_id: uuid.UUID) -> dict[str, Any]:
    path = folder_of(run_id) / PREVIEW
    if not path.is_file():
        raise NotFoundError(N_("上传的文件已被清理，请重新上传"))
    body: dict[str, Any] = json.loads(path.read_bytes())
    return body


def _preview_item(run: ImportRun, number: int, one: Mapping[str, Any]) -> PreviewItem:
    edit = find_edit(run.edits, number, one["digest"])
    is_edited = edit is not None and edit.content is not None
    content = edit.content if edit is not None and edit.content is not None else content_from_json(one["content"])
    notices = [(finding.code, finding.message) for finding in registry.get(content.type).validate(content)]
    return PreviewItem(
        locator=one["locator"],
        content=shown_content(run.import_run_id, content),
        points=edit.points if edit is not None and is_edited else tuple(one["points"]),
        difficulty=edit.difficulty if edit is not None and is_edited else one["difficulty"],
        digest=content_digest(content) if is_edited else one["digest"],
        notices=tuple(
            PreviewNotice(*pair)
            for pair in (notices if is_edited else ((n["code"], n["message"]) for n in one["notices"]))
        ),
        number=number,
        kept=content,
        code=one.get("code", ""),
        base_number=one.get("base"),
        read_digest=one["digest"],
        is_edited=is_edited,
        decision=edit.decision if edit else None,
        columns=one.get("columns", {}),
    )


def shown_content(run_id: uuid.UUID, content: ItemContent) -> ItemContent:
    """Return a content whose pictures are named so that `read_preview_medium` finds them."""
    names = {str(m["id"]): f"import.{run_id.hex}.{m['id']}" for m in content.media}
    return pictures.map_texts(content, names) if names else content


def read_preview_medium(session: Session, actor: Actor, name: str) -> tuple[bytes, str] | None:
    """Return a picture of a file that waits to be imported; None when the name is not such a picture's."""
    match = _PREVIEW_MEDIUM.fullmatch(name)
    if not match:
        return None
    require(actor, Permission.ITEM_IMPORT)
    run = repository.get_run(session, uuid.UUID(match[1]), actor=actor)
    mime = _preview_body(run.import_run_id)["pictures"].get(match[2])
    path = folder_of(run.import_run_id) / match[2]
    if mime is None or not path.is_file():
        raise NotFoundError(N_("图片不存在，可能已被清理"))
    return path.read_bytes(), mime


def with_duplicates(session: Session, actor: Actor, preview: Preview) -> Preview:
    """Return a preview in which items that are in the bank, or stand earlier in the file, say so."""
    known = items_repository.find_known_digests(session, actor.organisation, [one.digest for one in preview.items])
    matched = match_items(session, actor, [one.candidate for one in preview.items])
    marked = []
    for one in preview.items:
        if one.number in matched:
            marked.append(one)
        elif one.digest in known:
            notice = PreviewNotice("duplicate_of", N_("与 %(code)s 的内容相同") % {"code": known[one.digest]})
            others = tuple(n for n in one.notices if n.code != "duplicate_of")
            marked.append(replace(one, notices=(notice, *others)))
        else:
            known[one.digest] = one.locator
            marked.append(one)
    return replace(preview, items=tuple(marked))
