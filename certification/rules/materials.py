"""What may be uploaded as a material: PDF or picture, told by its content and not by its name alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from kernel.errors import InvalidInputError
from kernel.i18n import N_

MAX_BYTES = 10_000_000
ACCEPT = ".pdf,.jpg,.jpeg,.png"
MIMES: Mapping[str, str] = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}
_MAGIC: Mapping[str, bytes] = {"pdf": b"%PDF-", "jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}
_ENDINGS: Mapping[str, str] = {".pdf": "pdf", ".jpg": "jpg", ".jpeg": "jpg", ".png": "png"}


def material_kind(name: str, data: bytes, *, field: str = "file") -> str:
    """Return ``pdf``, ``jpg`` or ``png``.

    Examples
    --------
    >>> material_kind("备案表.PDF", b"%PDF-1.7 ...")
    'pdf'

    Raises
    ------
    InvalidInputError
        If it is too large, of another kind, or its content is not what its name says.
    """
    kind = _ENDINGS.get(PurePosixPath(name).suffix.lower())
    message = ""
    if kind is None:
        message = N_("请上传 PDF 或图片（jpg、png）")
    elif len(data) > MAX_BYTES:
        message = N_("文件超过 10 MB，请压缩或拆分后再上传")
    elif not data.startswith(_MAGIC[kind]):
        message = N_("文件内容与扩展名不符，请重新导出为 PDF 或图片后再上传")
    if kind is None or message:
        raise InvalidInputError(message, fields={field: [message]})
    return kind
