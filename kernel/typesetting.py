"""Set documents as PDF with Typst: data travel as JSON, never as source text, and only our own fonts are used.

A template begins with ``#import "kaoku.typ": *`` (see ``kernel/typesetting.typ``), which gives it ``data`` (the JSON
object), ``asset(name)`` (a picture, or none when it was not handed over) and the house's page and text settings.

The sheet is set in Noto Sans CJK SC, which ships as a wheel. Official forms ask for 仿宋 (FangSong), whose digital
versions are licensed per installation: hand its directory over as `font_directories` and it is used first.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image, ImageOps

from kernel.disk import require_room
from kernel.errors import InvalidInputError
from kernel.i18n import N_

MAX_DATA_BYTES = 16_000_000
MAX_ASSET_BYTES = 200_000_000
MAX_PICTURE_PIXELS = 30_000_000
_LIBRARY = Path(__file__).with_name("typesetting.typ")
_ASSET_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(png|jpg|gif|webp|svg)")
_UNPRINTABLE = re.compile(r'the text `"(.*?)"` could not be displayed', re.DOTALL)
_PICTURE_SUFFIXES = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "GIF": "gif", "WEBP": "webp"}
"""MPO is what a telephone's JPEG is called that carries further pictures behind the first."""
_READERS = ("PNG", "JPEG", "GIF", "WEBP")
"""No other reader of the library is ever given what somebody uploaded; the one of JPEG reads MPO too."""
_NO_DATE = 0


def render_pdf(
    template: str | Path,
    data: Mapping[str, Any],
    *,
    assets: Mapping[str, bytes] | None = None,
    created_at: dt.datetime | None = None,
    archival: bool = False,
    has_attachments: bool = False,
    font_directories: Sequence[Path] = (),
) -> bytes:
    """Return the PDF of a Typst template (source text, or a file with its neighbours); PDF/A-2b when `archival`.

    An archival document to which the template attaches files (`has_attachments`) becomes PDF/A-3b, which allows them.

    The same input gives the same bytes. `created_at` is written into the file when given; PDF/A demands it.

    Raises
    ------
    InvalidInputError
        If data or pictures are too large, or an archival document holds a character that no font has.
    """
    from typst import TypstError

    if archival and created_at is None:
        raise ValueError("an archival document needs created_at")
    options: dict[str, Any] = {
        "format": "pdf",
        "timestamp": created_at.replace(microsecond=0) if created_at else _NO_DATE,
    }
    if archival:
        options["pdf_standards"] = ["a-3b" if has_attachments else "a-2b"]
    with _project(template, data, assets or {}, has_date=created_at is not None) as root:
        try:
            return bytes(_compile(root, options, tuple(font_directories)))
        except TypstError as error:
            missing = _UNPRINTABLE.search(str(error))
            if missing is None:
                raise
            raise InvalidInputError(
                N_("字库中没有“%(text)s”里的字，无法制作可长期保存的文件，请在字体目录中加入含该字的字库"),
                text=missing[1],
            ) from error


def render_png(
    template: str | Path,
    data: Mapping[str, Any],
    *,
    assets: Mapping[str, bytes] | None = None,
    pixels_per_inch: float = 96.0,
) -> list[bytes]:
    """Return the pages of a Typst template as pictures, for previews."""
    with _project(template, data, assets or {}, has_date=False) as root:
        pages = _compile(root, {"format": "png", "ppi": pixels_per_inch}, ())
    return [bytes(page) for page in pages] if isinstance(pages, list) else [bytes(pages)]


def picture_suffix(data: bytes) -> str | None:
    """Return the file ending of a picture that can be printed, or None for anything broken, huge or unknown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_READERS) as picture:
                suffix = _PICTURE_SUFFIXES.get(picture.format or "")
                if picture.width * picture.height > MAX_PICTURE_PIXELS:
                    return None
                picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return suffix


def printable_photo(data: bytes, *, max_width: int = 413, max_height: int = 579) -> bytes | None:
    """Return a photo as a small upright JPEG without its metadata, or None when it cannot be printed.

    The default size prints 一寸 (25 × 35 mm) at 420 dots per inch.
    """
    if picture_suffix(data) is None:
        return None
    with Image.open(io.BytesIO(data), formats=_READERS) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((max_width, max_height))
    ground = Image.new("RGB", upright.size, "white")
    ground.paste(upright, mask=upright.getchannel("A"))
    buffer = io.BytesIO()
    ground.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _compile(root: Path, options: dict[str, Any], font_directories: tuple[Path, ...]) -> Any:
    import typst

    empty = root / "packages"
    pages, _ = typst.compile_with_warnings(
        str(root / "main.typ"),
        root=str(root),
        font_paths=_fonts(font_directories),
        package_path=str(empty),
        package_cache_path=str(empty),
        **options,
    )
    return pages


@functools.lru_cache(maxsize=4)
def _fonts(font_directories: tuple[Path, ...]) -> Any:
    import typst

    with resources.as_file(resources.files("manimgx_fonts_cjk")) as directory:
        paths = [str(directory), *map(str, font_directories)]
        return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=paths)


@contextmanager
def _project(
    template: str | Path, data: Mapping[str, Any], assets: Mapping[str, bytes], *, has_date: bool
) -> Iterator[Path]:
    """Lay out a directory that holds all a template may read, and nothing else."""
    require_room()
    encoded = msgspec.json.encode({"data": data, "assets": sorted(assets), "has_date": has_date})
    _refuse_oversize(len(encoded), sum(map(len, assets.values())))
    with tempfile.TemporaryDirectory(prefix="kaoku-typst-") as name:
        root = Path(name)
        (root / "kaoku.json").write_bytes(encoded)
        (root / "kaoku.typ").write_bytes(_LIBRARY.read_bytes())
        _place_template(root, template)
        (root / "assets").mkdir()
        for asset_name, content in assets.items():
            if not _ASSET_NAME.fullmatch(asset_name):
                raise ValueError(f"not an asset name: {asset_name!r}")
            (root / "assets" / asset_name).write_bytes(content)
        yield root


def _refuse_oversize(n_data: int, n_assets: int) -> None:
    if n_data > MAX_DATA_BYTES or n_assets > MAX_ASSET_BYTES:
        raise InvalidInputError(N_("文档内容过多，请分批生成"))


def _place_template(root: Path, template: str | Path) -> None:
    if isinstance(template, str):
        (root / "main.typ").write_text(template, encoding="utf-8")
        return
    for neighbour in template.parent.glob("*.typ"):
        (root / neighbour.name).write_bytes(neighbour.read_bytes())
    (root / "main.typ").write_bytes(template.read_bytes())
