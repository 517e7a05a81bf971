"""Mark messages for translation where nobody may know Flask."""

from __future__ import annotations


def N_(message: str) -> str:  # noqa: N802 - the name gettext tools look for
    """Return the message unchanged; the extractor collects it and the edge translates it.

    Examples
    --------
    >>> N_("试题不存在")
    '试题不存在'
    """
    return message
