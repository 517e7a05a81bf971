"""What candidates add to their requests (证明材料): told by content, small, pictures re-encoded, encrypted, given back as downloads."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from exam_delivery.models import ScoreReviewFile, ScoreReviewRequest
from exam_delivery.repository import appeals as repository
from exam_delivery.rules.appeals import RequestState
from exam_delivery.services import appeals, personal
from kernel import audit
from kernel.canonical import digest_bytes
from kernel.clock import now
from kernel.db import new_id
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import Actor
from kernel.identity.permissions import Permission
from kernel.typesetting import printable_photo
from kernel.uow import UnitOfWork

MAX_FILES = 5
MAX_BYTES = 10_000_000
SIDE = 2400
"""Pixels of the longer side of a kept picture: enough to read a page of writing."""
OPEN_FOR_FILES = frozenset({RequestState.FILED, RequestState.ACCEPTED})
"""While nobody looks into the request; later papers go to the office."""
MIMES: Mapping[str, str] = {"pdf": "application/pdf", "jpg": "image/jpeg"}
FIELD = "files"


def kept_form(name: str, data: bytes) -> tuple[str, bytes]:
    """Return name and bytes as a file is kept: a PDF as it is, a picture anew as JPEG without its metadata.

    Raises
    ------
    InvalidInputError
        If it is too large, or its content is neither; what its name says does not count.
    """
    stem = PurePosixPath(name).stem[:80].strip() or "file"
    message = ""
    if len(data) > MAX_BYTES:
        message = N_("文件超过 10 MB，请压缩或拆分后再上传")
    elif data.startswith(b"%PDF-"):
        if b"%%EOF" in data[-2048:]:
            return f"{stem}.pdf", data
        message = N_("PDF 文件不完整，请重新导出后再上传")
    else:
        picture = printable_photo(data, max_width=SIDE, max_height=SIDE)
        if picture is not None:
            return f"{stem}.jpg", picture
        message = N_("请上传 PDF 或图片（jpg、png）")
    raise InvalidInputError(message, fields={FIELD: [message]})


def attach(uow: UnitOfWork, request: ScoreReviewRequest, files: Sequence[tuple[str, bytes]]) -> int:
    """Keep the files of a request and return how many; the caller has settled that it is the candidate's own.

    Raises
    ------
    InvalidInputError
        If there are too many, or one of them cannot be taken; then none is.
    ConflictError
        If somebody looks into the request already, or it is over.
    """
    if not files:
        return 0
    if request.state not in OPEN_FOR_FILES:
        raise ConflictError(N_("这件申请已在复核或已办结，不能再添加材料；请联系评价机构"))
    held = repository.list_files(uow.session, [request.score_review_request_id], actor=uow.actor)
    if len(held) + len(files) > MAX_FILES:
        message = N_("每件申请最多 %(most)s 份材料，请合并成一个 PDF 后再上传")
        raise InvalidInputError(message, most=MAX_FILES)
    rows = [
        _row(uow, request, number, *kept_form(name, data))
        for number, (name, data) in enumerate(files, start=len(held) + 1)
    ]
    uow.session.add_all(rows)
    after = {"code": request.code, "files": [one.digest for one in rows]}
    audit.record(uow, "appeal.evidence", "score_review_request", request.score_review_request_id, after=after)
    return len(rows)


def _row(uow: UnitOfWork, request: ScoreReviewRequest, number: int, name: str, data: bytes) -> ScoreReviewFile:
    key = new_id()
    return ScoreReviewFile(
        score_review_file_id=key, organisation_id=uow.actor.organisation, request_id=request.score_review_request_id,
        number=number, file_name=name, digest=digest_bytes(data), n_bytes=len(data),
        ciphertext=personal.seal_bytes(data, place=_place(key)), added_at=now(),
    )  # fmt: skip


def _place(key: uuid.UUID) -> str:
    return f"score_review_files|ciphertext|{key}"


def files_of(
    session: Session, actor: Actor, request_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[ScoreReviewFile]]:
    """Return the files of some requests of the actor's organisation, without their contents."""
    found: dict[uuid.UUID, list[ScoreReviewFile]] = {}
    for row in repository.list_files(session, request_ids, actor=actor):
        found.setdefault(row.request_id, []).append(row)
    return found


def read_file(uow: UnitOfWork, request_id: uuid.UUID, file_id: uuid.UUID) -> tuple[str, bytes, str]:
    """Return name, content and media type for who manages requests, or looks into this one; audited.

    Who looks into it is not told whose request it is: not by the name that the candidate gave the file either.
    """
    appeals.visible_request(uow.session, uow.actor, request_id)
    row = repository.get_file(uow.session, file_id, request_id=request_id, actor=uow.actor)
    audit.record(uow, "appeal.evidence_read", "score_review_request", request_id, after={"digest": row.digest})
    content = personal.open_bytes(row.ciphertext, place=_place(file_id))
    suffix = row.file_name.rsplit(".", 1)[1]
    is_told = uow.actor.may(Permission.SCORE_RELEASE)
    return row.file_name if is_told else f"证明材料_{row.number}.{suffix}", content, MIMES[suffix]
