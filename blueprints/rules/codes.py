"""Codes of scopes and points as assembly reads them: parts joined by dashes, whatever the outline's own layout."""

from __future__ import annotations


def engine_code(code: str) -> str:
    """Return a code with its parts joined by dashes; outlines in chapters join them by dots.

    Examples
    --------
    >>> engine_code("0.1.2.7"), engine_code("B-A-C-003")
    ('0-1-2-7', 'B-A-C-003')
    """
    return code.replace(".", "-")
