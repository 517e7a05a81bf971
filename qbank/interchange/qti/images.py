"""The size of pictures, from their first bytes alone."""

from __future__ import annotations

import io
import warnings

from PIL import Image


def size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture, None when it cannot be told; nothing is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(data)) as picture:
                return picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
