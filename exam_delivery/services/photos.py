"""Photos of candidates, from a zip, encrypted at rest."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exam_delivery.models import Candidate, CandidatePhoto
from exam_delivery.repository import candidates as repository
from exam_delivery.repository import planning
from exam_delivery.services import personal
from exam_delivery.services.reach import check_may_look
from kernel import audit
from kernel.canonical import digest_bytes
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.identity.actor import Actor, require
from kernel.identity.permissions import Permission
from kernel.national_id import normalise_id
from kernel.typesetting import printable_photo
from kernel.uow import UnitOfWork

MAX_PHOTOS = 5000
MAX_PHOTO_BYTES = 2_000_000
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif"})
"""How files of telephones begin that no reader here opens."""


@dataclass(frozen=True, slots=True)
class PhotoReport:
    """What became of a zip of photos; `unknown` and `unusable` are file names."""

    n_stored: int
    unknown: tuple[str, ...]
    unusable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UploadedPhoto:
    """A file of a zip: its name, and the picture as it is kept; None when it is none."""

    name: str
    picture: bytes | None


def unpack(data: bytes) -> list[UploadedPhoto]:
    """Return the photos of a zip, ready to be stored.

    Belongs before the unit of work: hundreds of pictures take seconds, in which an embedded database lets nobody save.
    """
    return [UploadedPhoto(name, printable_photo(photo)) for name, photo in _photos_in(data)]


def import_photos(uow: UnitOfWork, exam_batch_id: uuid.UUID, files: Sequence[UploadedPhoto]) -> PhotoReport:
    """Store photos whose files are named by identity number or admission number."""
    require(uow.actor, Permission.SESSION_WRITE)
    planning.get_batch(uow.session, exam_batch_id, actor=uow.actor)
    people = _people_by_name(uow, exam_batch_id)
    stored, unknown, unusable = 0, [], []
    for file in files:
        candidate = people.get(normalise_id(file.name.rpartition("/")[2].rpartition(".")[0]))
        if candidate is None:
            unknown.append(_masked_name(file.name))
        elif file.picture is None:
            unusable.append(_masked_name(file.name))
        else:
            _store_photo(uow, candidate, file.picture)
            stored += 1
    audit.record(uow, "exam_batch.import_photos", "exam_batch", exam_batch_id, after={"stored": stored})
    return PhotoReport(stored, tuple(unknown), tuple(unusable))


def _masked_name(name: str) -> str:
    """Return a file name without the middle of a long number in it."""
    base = name.rpartition("/")[2]
    return f"{base[:6]}…{base[-8:]}" if len(base) > 18 else base


def _people_by_name(uow: UnitOfWork, exam_batch_id: uuid.UUID) -> dict[str, Candidate]:
    entries, _total = repository.list_registrations(
        uow.session, actor=uow.actor, wanted=repository.PeopleFilter(exam_batch_id), per_page=100_000
    )
    people = {personal.read_number(candidate): candidate for _registration, candidate, _room in entries}
    people.update({r.admission_number: candidate for r, candidate, _room in entries if r.admission_number})
    return people


def _photos_in(data: bytes) -> list[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
            if len(files) > MAX_PHOTOS:
                raise InvalidInputError(N_("压缩包中的文件超过 %(limit)s 个，请分批上传"), limit=MAX_PHOTOS)
            return [(info.filename, _bounded(archive, info)) for info in files]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as exc:
        raise InvalidInputError(N_("照片文件不是可用的 zip 压缩包（或有密码），请重新压缩后上传")) from exc


def _bounded(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Read at most one photo's worth of a member, whatever its head claims."""
    with archive.open(info) as member:
        data = member.read(MAX_PHOTO_BYTES + 1)
    return data if len(data) <= MAX_PHOTO_BYTES else b""


def _store_photo(uow: UnitOfWork, candidate: Candidate, photo: bytes) -> None:
    place = _photo_place(candidate.candidate_id)
    row = uow.session.get(CandidatePhoto, candidate.candidate_id)
    if row is None:
        row = CandidatePhoto(candidate_id=candidate.candidate_id, organisation_id=candidate.organisation_id)
        uow.add(row)
    row.ciphertext = personal.seal_bytes(photo, place=place)
    candidate.photo_digest = digest_bytes(photo)
    uow.flush()  # a second file of the same person finds this one


def _photo_place(candidate_id: uuid.UUID) -> str:
    """Return what a photo's ciphertext is bound to."""
    return f"candidate_photos|ciphertext|{candidate_id}"


def readable_photo(data: bytes, *, most: int, side: int) -> bytes:
    """Return an uploaded photo as an upright JPEG without its metadata, or say what is wrong with the file.

    Raises
    ------
    InvalidInputError
        With a message beside the field `photo`.
    """
    problem = _problem(data, most)
    picture = None if problem else printable_photo(data, max_width=side, max_height=side)
    if picture is None:
        message = problem or N_("文件不是可用的照片，或像素过多；请换一张 JPEG 或 PNG 照片")
        raise InvalidInputError(message, fields={"photo": [message]})
    return picture


def _problem(data: bytes, most: int) -> str:
    if len(data) > most:
        return N_("照片文件过大，请降低拍摄分辨率后重拍，或改用摄像头拍")
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        return N_("不支持 HEIC 格式的照片。请在手机的相机设置中选“兼容性最佳”后重拍，或改用摄像头拍")
    return ""


def read_for_check_in(session: Session, exam_session_id: uuid.UUID, registration_id: uuid.UUID, actor: Actor) -> bytes:
    """Return the photo of a candidate in one's own room, to be compared with the person at the door."""
    check_may_look(session, exam_session_id, registration_id, actor=actor)
    row = repository.photo_of(session, registration_id, actor=actor)
    if row is None:
        raise NotFoundError(N_("没有这名考生的照片"))
    return personal.open_bytes(row.ciphertext, place=_photo_place(row.candidate_id))


def read_photos(session: Session, actor: Actor, candidate_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """Return the plain photos of some candidates, for their documents."""
    rows = repository.load_photos(session, candidate_ids, actor=actor)
    return {key: personal.open_bytes(row.ciphertext, place=_photo_place(key)) for key, row in rows.items()}
