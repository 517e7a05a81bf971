"""Reading an uploaded file from a form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from flask import request

from kernel.disk import require_room
from kernel.errors import InvalidInputError
from kernel.i18n import N_


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file in memory: a display name without any path, and its bytes (bounded by the size limit)."""

    name: str
    data: bytes


def uploaded_file(field: str = "file", *, holds_answers: bool = False) -> Upload:
    """Return the uploaded file of a form field; a disk that is short refuses all but files that hold candidates' answers.

    Raises
    ------
    InvalidInputError
        If none was chosen or it is empty.
    DiskShortError
        If there is too little room on the disk.
    """
    if not holds_answers:
        require_room()
    storage = request.files.get(field)
    if storage is None or not storage.filename:
        raise InvalidInputError(N_("请选择要上传的文件"), fields={field: [N_("请选择要上传的文件")]})
    data = storage.read()
    storage.close()  # a large one lies in a file of its own until then
    if not data:
        raise InvalidInputError(N_("文件是空的，请检查后重新上传"), fields={field: [N_("文件是空的")]})
    return Upload(printable_name(storage.filename), data)


def printable_name(filename: str) -> str:
    """Return the name of an uploaded file without any path and without what cannot be printed."""
    name = PurePosixPath(filename.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[:200] or "file"
