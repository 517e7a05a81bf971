"""The people of a batch: mending what the roster reports of them, photos, and showing a number."""

from __future__ import annotations

import datetime as dt
import io
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy.orm import Session

from certification.models import ResultRecord
from certification.repository import batches as repository
from certification.rules.batch_states import BatchState
from certification.services.personal import number_fields, read_number, seal, unseal
from kernel import audit
from kernel.clock import today
from kernel.errors import ConflictError, InvalidInputError
from kernel.i18n import N_
from kernel.identity.actor import require
from kernel.identity.permissions import Permission
from kernel.national_id import IdKind, Sex, check_id_number
from kernel.typesetting import printable_photo
from kernel.uow import UnitOfWork

TABLE = "result_records"
LOCKED = frozenset(
    {BatchState.ROSTER_SUBMITTED, BatchState.RESUBMITTED, BatchState.NUMBERED, BatchState.ISSUED, BatchState.ARCHIVED}
)
MAX_PHOTOS = 2_000
MAX_PHOTO_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class PersonData:
    """What an officer may mend of a person; an empty `id_number` leaves the number as it is."""

    name: str
    id_kind: str
    id_number: str
    sex: str
    birth_date: dt.date | None
    phone: str
    email: str
    employer: str
    is_own_employee: bool | None
    years_in_occupation: str
    position: str
    joined_on: dt.date | None


@dataclass(frozen=True, slots=True)
class PhotoOutcome:
    """What a package of photos gave; names are file names without a person's data."""

    n_saved: int
    unknown: tuple[str, ...]
    unreadable: tuple[str, ...]


def update_person(uow: UnitOfWork, record_id: uuid.UUID, data: PersonData, *, version: int | None = None) -> None:
    """Mend a person of a batch that is not under review and has no numbers yet."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    record = _open_record(uow, record_id)
    if version is not None and version != record.version:
        raise ConflictError(N_("数据已被他人修改或已存在，请刷新后重试"))
    number = data.id_number.strip() or read_number(record, table=TABLE, row_id=record_id)
    _check_person(data, number)
    changed = [name for name in _PLAIN_FIELDS if getattr(record, name) != _value(data, name)]
    for name in changed:
        setattr(record, name, _value(data, name))
    if data.id_number.strip() or data.id_kind != record.id_kind:
        changed.append("id_number")
        for name, value in number_fields(data.id_kind, number, table=TABLE, row_id=record_id).items():
            setattr(record, name, value)
    if changed:
        audit.record(uow, "certification.person", "result_record", record_id, after={"fields": changed})


_PLAIN_FIELDS = (
    "name", "sex", "birth_date", "phone", "email", "employer", "is_own_employee", "years_in_occupation", "position",
    "joined_on",
)  # fmt: skip


def _value(data: PersonData, name: str) -> object:
    value = getattr(data, name)
    return value.strip() if isinstance(value, str) else value


def _check_person(data: PersonData, number: str) -> None:
    fields: dict[str, list[str]] = {}
    if not data.name.strip():
        fields["name"] = [N_("姓名为空，请填写")]
    if data.sex and data.sex not in set(Sex):
        fields["sex"] = [N_("请选择性别")]
    if data.id_kind not in set(IdKind):
        fields["id_kind"] = [N_("请选择证件类型")]
    elif errors := check_id_number(data.id_kind, number, today=today()).errors:
        fields["id_number"] = list(errors)
    if fields:
        raise InvalidInputError(N_("考生信息填写有误，请按提示修改"), fields=fields)


def _open_record(uow: UnitOfWork, record_id: uuid.UUID) -> ResultRecord:
    record = repository.get_record(uow.session, record_id, actor=uow.actor)
    batch = repository.lock_batch(uow.session, record.certification_batch_id, actor=uow.actor)
    if batch.state in LOCKED:
        raise ConflictError(N_("名册正在审核或证书已编号，考生信息不能再改"))
    return record


def reveal_number(uow: UnitOfWork, record_id: uuid.UUID, *, reason: str) -> str:
    """Return one plain number; the reading is audited with its reason."""
    require(uow.actor, Permission.PERSONAL_DATA_REVEAL)
    if not reason.strip():
        raise InvalidInputError(N_("请写明查看理由"), fields={"reveal_reason": [N_("请写明查看理由")]})
    record = repository.get_record(uow.session, record_id, actor=uow.actor)
    audit.record(uow, "personal_data.reveal", "result_record", record_id, reason=reason.strip()[:300])
    return read_number(record, table=TABLE, row_id=record_id)


def save_photo(uow: UnitOfWork, record_id: uuid.UUID, data: bytes) -> None:
    """Keep a person's photo, made small and freed of its metadata."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    record = _open_record(uow, record_id)
    photo = printable_photo(data)
    if photo is None:
        message = N_("照片无法读取，请上传 JPG 或 PNG 图片")
        raise InvalidInputError(message, fields={"photo": [message]})
    _store_photo(record, photo)
    audit.record(uow, "certification.photo", "result_record", record_id)


def _store_photo(record: ResultRecord, photo: bytes) -> None:
    record.photo_ciphertext = seal(photo, table=TABLE, column="photo", row_id=record.result_record_id)
    record.has_photo = True


def read_photo(session: Session, record: ResultRecord) -> bytes | None:
    """Return a person's photo for a document, if there is one."""
    if not record.has_photo:
        return None
    session.refresh(record, ["photo_ciphertext"])
    return unseal(record.photo_ciphertext or b"", table=TABLE, column="photo", row_id=record.result_record_id)


@dataclass(frozen=True, slots=True)
class UploadedPhoto:
    """A file of a zip: its name, and the picture as it is kept; None when it is none."""

    name: str
    picture: bytes | None


def unpack_photos(data: bytes) -> list[UploadedPhoto]:
    """Return the photos of a zip, ready to be stored.

    Belongs before the unit of work: hundreds of pictures take seconds, in which an embedded database lets nobody save.
    """
    return [UploadedPhoto(name, printable_photo(content) if content else None) for name, content in _photos_in(data)]


def import_photos(uow: UnitOfWork, batch_id: uuid.UUID, files: Sequence[UploadedPhoto]) -> PhotoOutcome:
    """Keep photos whose names are admission numbers."""
    require(uow.actor, Permission.CERTIFICATION_WRITE)
    batch = repository.lock_batch(uow.session, batch_id, actor=uow.actor)
    if batch.state in LOCKED:
        raise ConflictError(N_("名册正在审核或证书已编号，考生信息不能再改"))
    people = {record.admission_number: record for record in repository.list_records(uow.session, batch_id)}
    unknown, unreadable, n_saved = [], [], 0
    for file in files:
        path = PurePosixPath(file.name)
        record = people.get(path.stem)
        if record is None:
            unknown.append(path.name[:60])
        elif file.picture is None:
            unreadable.append(path.name[:60])
        else:
            _store_photo(record, file.picture)
            n_saved += 1
    audit.record(uow, "certification.photos", "certification_batch", batch_id, after={"n_saved": n_saved})
    return PhotoOutcome(n_saved, tuple(unknown), tuple(unreadable))


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
