"""Tell the type of a picture from its first bytes; encode one anew for a format that cannot hold it."""

from __future__ import annotations

import io
import warnings

MAX_PIXELS = 40_000_000
MAX_TOTAL_PIXELS = 600_000_000
PILLOW_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
)


def picture_type(data: bytes) -> str:
    """Return the media type of a picture, or an empty string for anything that is none of the known kinds."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for head, mime in SIGNATURES if data.startswith(head)), "")


def pixel_count(data: bytes) -> int:
    """Return how many points a picture has by its head, without decoding it; 0 when the head cannot be read."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as image:
                return image.width * image.height
    except Image.DecompressionBombError:
        return MAX_TOTAL_PIXELS
    except (OSError, SyntaxError, ValueError):
        return 0


def as_png(data: bytes) -> bytes | None:
    """Return a picture encoded anew as PNG; None for what is no picture, damaged or too large."""
    from PIL import Image

    if not 0 < pixel_count(data) <= MAX_PIXELS:
        return None
    try:
        with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as image:
            out = io.BytesIO()
            image.convert("RGBA" if image.has_transparency_data else "RGB").save(out, "PNG")
            return out.getvalue()
    except (OSError, SyntaxError, ValueError):
        return None
