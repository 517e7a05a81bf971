"""Pictures of items: re-encoded, named by their digest, kept as files in the instance folder.

The id by which an item's text names a picture is the digest itself, so that equal contents stay equal when they move
from one installation to another.
"""

from __future__ import annotations

import html
import io
import os
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy.orm import Session

from item_templates.contract import Choice, ItemContent
from item_templates.markup import media_ids
from kernel.canonical import digest_bytes
from kernel.clock import now
from kernel.errors import InvalidInputError, NotFoundError
from kernel.i18n import N_
from kernel.uow import UnitOfWork
from qbank.models.items import Media
from qbank.repository import media as repository
from qbank.repository import sharing

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 2400
READABLE = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
DIGEST = re.compile(r"[0-9a-f]{64}")
_ALT = re.compile(r'<img src="media:([0-9A-Za-z._-]+)" alt="([^"]*)">')
JPEG_QUALITY = 88
_MARKERS_WITHOUT_METADATA = frozenset({0xC0, 0xC4, 0xDB, 0xDD, 0xE0})
_folder = Path("instance")


def configure(instance_dir: Path) -> None:
    """Set the instance folder of this process; called when the application is built."""
    global _folder  # noqa: PLW0603 - one installation a process, as its keys
    _folder = instance_dir


def media_folder() -> Path:
    """Return the folder of the pictures."""
    return _folder / "media"


def uploads_folder() -> Path:
    """Return the folder of files that wait to be imported."""
    return _folder / "uploads"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as we keep it: nothing but pixels, in a format every browser knows."""

    data: bytes
    mime: str
    width: int
    height: int

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes, by which items name it."""
        return digest_bytes(self.data)


def clean_picture(data: bytes) -> Picture:
    """Return an uploaded picture as we keep it: decoded, without metadata, encoded anew; the same input, the same bytes.

    Raises
    ------
    InvalidInputError
        If it is no picture, too large, or damaged.
    """
    if len(data) > MAX_BYTES:
        raise InvalidInputError(N_("图片超过 5 MB，请压缩后再上传"), fields={"image": [N_("图片超过 5 MB")]})
    try:
        with Image.open(io.BytesIO(data), formats=READABLE) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InvalidInputError(N_("图片的像素太多，请缩小后再上传"), fields={"image": [N_("图片的像素太多")]})
            image.load()
            return _encode(image, data)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = N_("文件不是可用的图片，请上传 PNG、JPEG、GIF、WebP 或 BMP")
        raise InvalidInputError(message, fields={"image": [message]}) from error


def _encode(image: Image.Image, data: bytes) -> Picture:
    is_jpeg = image.format == "JPEG"
    if is_jpeg and _is_bare_jpeg(data) and max(image.size) <= MAX_SIDE:
        return Picture(data, "image/jpeg", *image.size)
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((MAX_SIDE, MAX_SIDE))
    out = io.BytesIO()
    pixels = upright.convert("RGBA" if not is_jpeg and upright.has_transparency_data else "RGB")
    pixels.info.clear()  # comments, profiles and the like would be written again
    pixels.save(out, "JPEG" if is_jpeg else "PNG", **({"quality": JPEG_QUALITY} if is_jpeg else {}))
    return Picture(out.getvalue(), "image/jpeg" if is_jpeg else "image/png", *pixels.size)


def _is_bare_jpeg(data: bytes) -> bool:
    """Say whether a baseline JPEG holds tables and pixels alone, so that encoding it once more could only lose quality."""
    place = 2
    while data[place : place + 1] == b"\xff" and place + 4 <= len(data):
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if marker == 0xDA:
            return data.count(b"\xff\xd9", place) == 1 and data.endswith(b"\xff\xd9")
        if marker not in _MARKERS_WITHOUT_METADATA:
            return False
        place += 2 + length
    return False


def store_picture(uow: UnitOfWork, picture: Picture) -> Media:
    """Keep a cleaned picture and return its row; the same picture again returns the row there is."""
    return store_pictures(uow, {picture.digest: picture})[picture.digest]


def store_pictures(uow: UnitOfWork, pictures: Mapping[str, Picture]) -> dict[str, Media]:
    """Keep cleaned pictures and return their rows, all by digest."""
    organisation_id = uow.actor.organisation
    rows = repository.find_media(uow.session, list(pictures), organisation_id=organisation_id)
    for digest, picture in pictures.items():
        path = media_folder() / digest
        if not path.exists():
            write_whole(path, picture.data)
        if digest not in rows:
            rows[digest] = Media(
                organisation_id=organisation_id, digest=digest, mime=picture.mime, n_bytes=len(picture.data),
                width=picture.width, height=picture.height, created_by=uow.actor.user_id, created_at=now(),
            )  # fmt: skip
            uow.add(rows[digest])
    return rows


def read_media(session: Session, organisation_id: uuid.UUID, media_id: str) -> tuple[bytes, str]:
    """Return the bytes and media type of a picture of the organisation, or of items that others share with it.

    Raises
    ------
    NotFoundError
        If the organisation has no such picture, or its file is gone.
    """
    own = repository.find_media(session, [media_id], organisation_id=organisation_id)
    row = own.get(media_id) or sharing.find_shared_media(session, media_id, receiver_id=organisation_id)
    if row is None:
        raise NotFoundError(N_("图片不存在，可能已被删除"))
    path = media_folder() / row.digest
    if not path.is_file():
        raise NotFoundError(N_("图片文件已丢失，请从备份恢复"))
    return path.read_bytes(), row.mime


def map_texts(content: ItemContent, change: Mapping[str, str]) -> ItemContent:
    """Return a content whose pictures have other names: ``{old id: new id}``."""

    def renamed(text: str) -> str:
        for name in media_ids(text):
            if name in change:
                text = re.sub(rf'src="media:{re.escape(name)}"', f'src="media:{change[name]}"', text)
        return text

    media = tuple({**one, "id": change.get(str(one["id"]), one["id"])} for one in content.media)
    return map_html(replace(content, media=media), renamed)


def map_html(content: ItemContent, change: Callable[[str], str]) -> ItemContent:
    """Return a content with every HTML text changed by a function."""

    def choices(ones: tuple[Choice, ...]) -> tuple[Choice, ...]:
        return tuple(Choice(one.id, change(one.content)) for one in ones)

    return replace(
        content,
        stem=change(content.stem),
        explanation=change(content.explanation),
        choices=choices(content.choices),
        targets=choices(content.targets),
        items=tuple(map_html(child, change) for child in content.items),
    )


def without_pictures(content: ItemContent, lost: Sequence[str], kept: Mapping[str, Picture]) -> ItemContent:
    """Return a content without the lost pictures, whose list of media says what the organisation keeps."""

    def left(text: str) -> str:
        for name in lost:
            text = re.sub(rf'(?:<br>)?<img src="media:{re.escape(name)}"[^>]*>', "", text)
        return text

    alts = _alts(content)
    listed = {str(one["id"]): str(one.get("alt") or "") for one in content.media}
    media = tuple(
        {"id": digest, "digest": digest, "mime": picture.mime, "alt": alts.get(digest) or listed.get(digest, "")}
        for digest, picture in kept.items()
    )
    return map_html(replace(content, media=media), left)


def texts_of(content: ItemContent) -> list[str]:
    """Return every text of a content that may name pictures."""
    own = [content.stem, content.explanation, *(one.content for one in (*content.choices, *content.targets))]
    return own + [text for child in content.items for text in texts_of(child)]


def with_known_media(session: Session, content: ItemContent, *, organisation_id: uuid.UUID) -> ItemContent:
    """Return a content whose list of media is what its texts name, as the organisation has it.

    A picture that the organisation does not have is left out of the list, so that validation says so.
    """
    alts = _alts(content)
    named = [name for name in alts if DIGEST.fullmatch(name)]
    rows = repository.find_media(session, named, organisation_id=organisation_id) if named else {}
    listed = {str(one.get("id")): str(one.get("alt") or "") for one in content.media}
    media = tuple(
        {"id": name, "digest": name, "mime": rows[name].mime, "alt": alts[name] or listed.get(name, "")}
        for name in named
        if name in rows
    )
    return replace(content, media=media)


def _alts(content: ItemContent) -> dict[str, str]:
    """Return the alternative texts that stand beside pictures, by the pictures' ids."""
    return {name: html.unescape(alt) for text in texts_of(content) for name, alt in _ALT.findall(text)}
