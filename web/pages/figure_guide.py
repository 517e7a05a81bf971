"""What the figures of analyses mean, in plain words, one anchor a figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint
from flask_babel import gettext as _

from kernel.http import render_page, requires
from kernel.identity.permissions import Permission
from web.analysis.guide import LABELS, LEAD, SECTIONS, TITLE, Entry

bp = Blueprint("figure_guide", __name__, url_prefix="/analyses")


@dataclass(frozen=True, slots=True)
class EntryView:
    """One figure in the reader's language."""

    anchor: str
    name: str
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class GuidePage:
    """All sections in the reader's language."""

    title: str
    lead: str
    sections: Sequence[tuple[str, Sequence[EntryView]]]


@bp.get("/guide")
@requires(Permission.STATISTICS_READ)
def show() -> tuple[str, int]:
    """Explain every figure."""
    sections = [(_(section.title), [_view(one) for one in section.entries]) for section in SECTIONS]
    return render_page("analyses/guide.html", GuidePage(_(TITLE), _(LEAD), sections))


def _view(entry: Entry) -> EntryView:
    texts = (entry.what, entry.good, entry.advice)
    pairs = [(_(label), _(text)) for label, text in zip(LABELS, texts, strict=True)]
    return EntryView(entry.anchor, _(entry.name), pairs)
