"""Draw QR codes for printing and for web pages."""

from __future__ import annotations

import io

import segno

QUIET_ZONE = 4  # modules of white around the code, as the standard demands


def qr_png(text: str, *, scale: int = 8) -> bytes:
    """Return a QR code (error correction M) as PNG, `scale` pixels to the module."""
    buffer = io.BytesIO()
    _code(text).save(buffer, kind="png", scale=scale, border=QUIET_ZONE)
    return buffer.getvalue()


def qr_svg(text: str, *, label: str = "") -> str:
    """Return a QR code as an SVG element without style attributes; it takes the width its surroundings give it."""
    buffer = io.BytesIO()
    _code(text).save(
        buffer, kind="svg", border=QUIET_ZONE, omitsize=True, xmldecl=False, svgns=True, light="white",
        title=label or None, svgclass="qr", lineclass=None, nl=False, encoding="utf-8",
    )  # fmt: skip
    return buffer.getvalue().decode()


def qr_modules(text: str) -> int:
    """Return how many modules wide a code of a text is, the white around it included."""
    return int(_code(text).symbol_size(border=QUIET_ZONE)[0])


def _code(text: str) -> segno.QRCode:
    return segno.make_qr(text, error="m", boost_error=False)
